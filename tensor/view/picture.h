/* The picture of a tensor's numbers: a table, a heat map, a line, or slices of more than two dims.
 */
#ifndef VIEW_PICTURE_H
#define VIEW_PICTURE_H

#include "view/colour.h"
#include "view/html.h"
#include "view/words.h"

/* Tables have at most so many numbers and columns; what is larger is a heat map. */
#define TABLE_MOST 256
#define TABLE_COLUMNS_MOST 16

struct picture {
    struct html *html;
    const struct words *words;
    struct tensor *tensor;
    const struct survey *survey;
    struct scale scale;
};

/* Room for any number as text. */
#define NUMBER_MOST 96

/* A number as the views say it, to as many digits as torch.set_printoptions(precision=…) wants.
 * Returns `buffer`. */
const char *picture_number(double value, char *buffer);
/* The same of an element: whole numbers exactly, True and False. */
const char *picture_scalar(struct scalar value, char *buffer);
/* Room for any index as text. */
#define INDEX_BYTES 1400

/* The index within the first `dims` dims of their place `at` in row-major order: "2, 0, 1". Returns
 * `buffer`. */
const char *picture_index(const struct tensor *tensor, int dims, int64_t at, char *buffer);
/* "[0, :, :]": the label of slice number `slice` of the leading dims, or "[2, 3]" for all of the
 * tensor. */
const char *picture_label(const struct tensor *tensor, int64_t slice, char *buffer,
                          size_t capacity);

/* Adds the picture, in what html->limit leaves. 0, or -1 with the error set. */
int picture_add(struct picture *picture);
/* The parts that it is made of. `panel` is a matrix (one row for a vector) whose first element has
 * the place `at` in the tensor, `slice` its number or -1. */
int table_add(struct picture *picture, int64_t slice, int64_t at, int64_t rows, int64_t columns,
              char **numbers);
int heat_add(struct picture *picture, struct tensor *panel, int64_t slice);
int line_add(struct picture *picture);
void legend_add(struct picture *picture);

#endif
