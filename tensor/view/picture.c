#include "view/picture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "print.h"
#include "shape.h"

/* Slices that are shown of a tensor of more than two dims: the first ones and the last. */
#define SLICES_MOST 8

/* --- numbers as text --- */

const char *picture_number(double value, char *buffer)
{
    int digits = print_options.precision < 1    ? 1
                 : print_options.precision > 17 ? 17
                                                : print_options.precision;

    if (!isfinite(value)) {
        snprintf(buffer, NUMBER_MOST, "%s", number_not_finite(value));
    } else {
        snprintf(buffer, NUMBER_MOST, print_options.sci_mode == 1 ? "%.*e" : "%.*g", digits, value);
    }
    return buffer;
}

const char *picture_scalar(struct scalar value, char *buffer)
{
    if (value.kind == SCALAR_FLOAT) {
        return picture_number(value.d, buffer);
    }
    if (value.kind == SCALAR_BOOL) {
        return value.i ? "True" : "False";
    }
    snprintf(buffer, NUMBER_MOST, "%lld", (long long)value.i);
    return buffer;
}

/* The numbers of the tensor's own text, one string each in row-major order, pointing into `text`,
 * whose signs it replaces. Returns how many. */
static int64_t cut_numbers(char *text, char **numbers, int64_t most)
{
    int64_t count = 0;
    char *rest;

    for (char *at = strtok_r(text, "[], \n", &rest); at && count < most;
         at = strtok_r(NULL, "[], \n", &rest)) {
        numbers[count++] = at;
    }
    return count;
}

const char *picture_index(const struct tensor *tensor, int dims, int64_t at, char *buffer)
{
    int64_t index[TENSOR_MAX_DIMS];
    size_t length = 0;

    buffer[0] = '\0';
    for (int i = dims - 1; i >= 0; i--) {
        index[i] = at % tensor->sizes[i];
        at /= tensor->sizes[i];
    }
    for (int i = 0; i < dims && length < INDEX_BYTES; i++) {
        length += (size_t)snprintf(buffer + length, INDEX_BYTES - length, "%s%lld", i ? ", " : "",
                                   (long long)index[i]);
    }
    return buffer;
}

const char *picture_label(const struct tensor *tensor, int64_t slice, char *buffer, size_t capacity)
{
    char index[INDEX_BYTES];
    int lead = tensor->dims - 2;

    if (slice < 0 || lead <= 0) {
        return shape_text(tensor_shape(tensor), buffer, capacity);
    }
    snprintf(buffer, capacity, "[%s, :, :]", picture_index(tensor, lead, slice, index));
    return buffer;
}

/* --- slices --- */

static int64_t slice_count(const struct tensor *tensor)
{
    int64_t count = 1;

    for (int i = 0; i < tensor->dims - 2; i++) {
        count *= tensor->sizes[i];
    }
    return count;
}

/* Slice number `slice` as a matrix: an alias. */
static struct tensor *slice_of(struct tensor *tensor, int64_t slice)
{
    int64_t offset = tensor->offset;
    int lead = tensor->dims - 2;

    for (int i = lead - 1; i >= 0; i--) {
        offset += slice % tensor->sizes[i] * tensor->strides[i];
        slice /= tensor->sizes[i];
    }
    return tensor_alias(tensor, 2, tensor->sizes + lead, tensor->strides + lead, offset);
}

/* A vector as a matrix of one row. */
static struct tensor *row_of(struct tensor *tensor)
{
    int64_t sizes[2] = {1, tensor->sizes[0]},
            strides[2] = {tensor->sizes[0] * tensor->strides[0], tensor->strides[0]};

    return tensor_alias(tensor, 2, sizes, strides, tensor->offset);
}

static int panel_add(struct picture *picture, int64_t slice, char **numbers)
{
    struct tensor *tensor = picture->tensor;
    int64_t rows = tensor->dims < 2 ? 1 : tensor->sizes[tensor->dims - 2],
            columns = tensor->sizes[tensor->dims - 1];

    if (numbers) {
        return table_add(picture, slice, (slice < 0 ? 0 : slice) * rows * columns, rows, columns,
                         numbers);
    }
    struct tensor *panel = tensor->dims == 1 ? row_of(tensor)
                           : slice < 0       ? tensor_retain(tensor)
                                             : slice_of(tensor, slice);
    int status = panel ? heat_add(picture, panel, slice) : -1;
    tensor_release(panel);
    return status;
}

/* Each slice in a fold of its own, the first one open; as much room for each. */
static int slices_add(struct picture *picture, char **numbers)
{
    int64_t count = slice_count(picture->tensor), shown = count < SLICES_MOST ? count : SLICES_MOST;
    struct html *html = picture->html;
    size_t limit = html->limit;
    char label[1600], some[32], all[32];
    int status = 0;

    for (int64_t i = 0; i < shown && status == 0; i++) {
        int64_t slice = i < shown - 1 ? i : count - 1;
        size_t mark = html->length;
        html->limit = html->length + (limit - html->length) / (size_t)(shown - i);
        html_printf(html, "<details%s><summary style=\"cursor:pointer\">", i == 0 ? " open" : "");
        html_text(html, picture_label(picture->tensor, slice, label, sizeof label));
        html_put(html, "</summary>");
        html->limit -= html->limit > 16 ? 16 : 0;
        status = panel_add(picture, slice, numbers);
        html->limit += 16;
        html_put(html, "</details>\n");
        if (html->full) {
            html_rewind(html, mark);
            shown = i;
        }
    }
    html->limit = limit;
    if (shown < count) {
        html_put(html, "<div style=\"opacity:.8\">");
        html_printf(html, picture->words->slices, words_count(picture->words, shown, some),
                    words_count(picture->words, count, all));
        html_put(html, "</div>");
    }
    return status;
}

/* --- the whole --- */

/* Whether all numbers stand in a table: the printed text has all of them, too. */
static bool is_table(const struct tensor *tensor)
{
    return tensor->numel <= TABLE_MOST && (double)tensor->numel <= print_options.threshold &&
           tensor->sizes[tensor->dims - 1] <= TABLE_COLUMNS_MOST;
}

static int panels_add(struct picture *picture, char **numbers)
{
    struct tensor *tensor = picture->tensor;

    if (tensor->dims > 2) {
        return slices_add(picture, numbers);
    }
    int status = panel_add(picture, -1, numbers);
    bool line = tensor->dims == 1 && tensor->numel > 4 && tensor->dtype != DTYPE_BOOL;
    return status == 0 && line ? line_add(picture) : status;
}

int picture_add(struct picture *picture)
{
    struct tensor *tensor = picture->tensor;
    char *numbers[TABLE_MOST], *text = NULL;
    bool table = false;

    if (tensor->dims == 0 || tensor->numel == 0) {
        return 0;
    }
    if (is_table(tensor)) {
        text = tensor_text(tensor, 0);
        if (!text) {
            return -1;
        }
        table = cut_numbers(text, numbers, TABLE_MOST) == tensor->numel;
    }
    int status = panels_add(picture, table ? numbers : NULL);
    free(text);
    if (status == 0 && !table) {
        legend_add(picture);
    }
    return status;
}
