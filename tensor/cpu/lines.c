#include "lines.h"

#include <string.h>

#include "../backend.h"

/* Elements that one piece of parallel work has at least. */
#define GRAIN ((int64_t)1 << 15)

void lines_init(struct line_iter *lines, const struct tensor *self, int64_t dim)
{
    lines->operands = lines->dims = 0;
    lines->count = 1;
    lines->length = self->dims ? self->sizes[dim] : 1;
    for (int i = self->dims - 1; i >= 0; i--) {
        if (i != dim) {
            lines->sizes[lines->dims++] = self->sizes[i];
            lines->count *= self->sizes[i];
        }
    }
    lines_add(lines, self, dim);
}

int lines_add(struct line_iter *lines, const struct tensor *tensor, int64_t dim)
{
    if (!tensor) {
        return 0;
    }
    int k = lines->operands++, from = 0;
    int64_t bytes = (int64_t)dtype_info[tensor->dtype].bytes;
    bool has_dim = tensor->dims > lines->dims;
    for (int i = tensor->dims - 1; i >= 0; i--) {
        if (!has_dim || i != dim) {
            lines->strides[k][from++] = tensor->strides[i] * bytes;
        }
    }
    if (lines->dims == 0) {
        lines->strides[k][0] = 0;
    }
    lines->steps[k] = has_dim ? tensor->strides[dim] * bytes : 0;
    lines->data[k] = tensor_ptr(tensor);
    return k;
}

bool lines_prefer_rows(const struct line_iter *lines)
{
    return lines->dims > 0 && lines->sizes[0] > 1 &&
           (lines->strides[0][0] < lines->steps[0] || lines->length < 16);
}

/* Pieces [begin, end) of neighbouring lines; they are numbered by the tiles of the innermost dim,
 * then by the outer dims. */
static void run_pieces(void *arg, int64_t begin, int64_t end)
{
    const struct line_iter *lines = arg;
    for (int64_t piece = begin; piece < end && work_goes_on(lines->work); piece++) {
        char *data[LINES_MAX_OPERANDS];
        int64_t rest = piece / lines->tiles, first = piece % lines->tiles * lines->tile, width = 1;
        if (lines->dims > 0) {
            width = lines->sizes[0] - first < lines->tile ? lines->sizes[0] - first : lines->tile;
        }
        for (int k = 0; k < lines->operands; k++) {
            data[k] = lines->data[k] + first * lines->strides[k][0];
        }
        for (int i = 1; i < lines->dims; i++) {
            int64_t at = rest % lines->sizes[i];
            rest /= lines->sizes[i];
            for (int k = 0; k < lines->operands; k++) {
                data[k] += at * lines->strides[k][i];
            }
        }
        lines->run(lines, data, width);
    }
}

/* Whether the lines of dim i + 1 follow those of dim i in every operand. */
static bool continues(const struct line_iter *lines, int i)
{
    bool follows = true;
    for (int k = 0; k < lines->operands; k++) {
        follows = follows && lines->strides[k][i + 1] == lines->strides[k][i] * lines->sizes[i];
    }
    return follows;
}

/* Joins the two innermost dims as long as they are one run; a dim of one line joins any. */
static void merge_inner(struct line_iter *lines)
{
    while (lines->dims > 1 && (lines->sizes[0] == 1 || continues(lines, 0))) {
        bool single = lines->sizes[0] == 1;
        lines->sizes[1] *= lines->sizes[0];
        for (int k = 0; k < lines->operands; k++) {
            lines->strides[k][1] = lines->strides[k][single ? 1 : 0];
        }
        lines->dims--;
        memmove(lines->sizes, lines->sizes + 1, (size_t)lines->dims * sizeof *lines->sizes);
        for (int k = 0; k < lines->operands; k++) {
            memmove(lines->strides[k], lines->strides[k] + 1,
                    (size_t)lines->dims * sizeof *lines->strides[k]);
        }
    }
}

int lines_run(struct line_iter *lines, lines_fn run, int64_t tile, void *arg)
{
    struct work work;
    if (lines->count == 0) {
        return 0;
    }
    merge_inner(lines);
    int64_t inner = lines->dims ? lines->sizes[0] : 1;
    lines->tile = tile < inner ? tile : inner;
    lines->tiles = (inner + lines->tile - 1) / lines->tile;
    lines->run = run;
    lines->arg = arg;
    lines->work = &work;
    work_start(&work);
    parallel_for(0, lines->count / inner * lines->tiles,
                 GRAIN / (lines->length * lines->tile + 1) + 1, run_pieces, lines);
    return work_result(&work);
}
