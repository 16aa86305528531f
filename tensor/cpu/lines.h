/* Lines: the elements of a tensor along one dim, and those of other tensors at the same places.
 * Kernels that work along a dim (largest elements, scans, sorting, softmax) take them one by one
 * or, where neighbours in memory belong to neighbouring lines, several side by side, row by row. */
#ifndef LINES_H
#define LINES_H

#include "../core.h"

#define LINES_MAX_OPERANDS 4
/* The most lines that are taken side by side. */
#define LINES_TILE 256

struct line_iter;
/* data[k]: where operand k's line starts; `width` lines, operand k's lines->strides[k][0] bytes
 * apart. */
typedef void (*lines_fn)(const struct line_iter *lines, char *const *data, int64_t width);

struct line_iter {
    int operands, dims;                /* dims other than that of the lines, innermost first */
    int64_t length, count;             /* elements of a line of operand 0; lines */
    int64_t steps[LINES_MAX_OPERANDS]; /* bytes from an element of a line to the next; 0 where there
                                          is but one */
    int64_t sizes[TENSOR_MAX_DIMS], strides[LINES_MAX_OPERANDS][TENSOR_MAX_DIMS]; /* bytes */
    char *data[LINES_MAX_OPERANDS];
    int64_t tile, tiles; /* lines side by side, and pieces of the innermost dim that this gives */
    lines_fn run;
    void *arg;
    struct work *work;
};

/* Lines of `self`, operand 0, along `dim` (wrapped; 0 for a 0-d tensor, which is one line of one
 * element). */
void lines_init(struct line_iter *lines, const struct tensor *self, int64_t dim);
/* Adds an operand with self's sizes but for the length along `dim`, or one that lacks that dim; its
 * number. NULL is none: 0. */
int lines_add(struct line_iter *lines, const struct tensor *tensor, int64_t dim);
/* Whether neighbours in operand 0's memory belong to different lines, so that rows are better. */
bool lines_prefer_rows(const struct line_iter *lines);
/* Calls `run` for all lines, on several threads when they are many; `tile` lines at most at once.
 * It may find `arg` in lines->arg, and ask work_goes_on(lines->work) within long lines. 0, or -1
 * with the error set (interrupted). */
int lines_run(struct line_iter *lines, lines_fn run, int64_t tile, void *arg);

#endif
