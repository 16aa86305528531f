/* Softmax, scans and moments along a dim, by the kernels chosen at load; the table of all that the CPU computes along
 * lines. */
#include "../line_kernels.h"

#include <math.h>

#include "../backend.h"
#include "cpu.h"
#include "extreme.h"
#include "sort.h"

static int softmax(enum softmax kind, struct tensor *result, struct tensor *self, int64_t dim)
{
    struct line_iter lines;
    lines_init(&lines, self, dim);
    lines_add(&lines, result, dim);
    return lines_run(&lines, cpu_tables->softmaxes->run[kind][self->dtype], LINES_TILE, NULL);
}

/* --- scans --- */

static void reverse_lines(struct line_iter *lines)
{
    for (int k = 0; k < lines->operands; k++) {
        lines->data[k] += (lines->length - 1) * lines->steps[k];
        lines->steps[k] = -lines->steps[k];
    }
}

static bool has_scan(enum scan kind, enum dtype dtype)
{
    return cpu_tables->scans->scan[kind][dtype] != NULL;
}

static int scan(enum scan kind, bool reversed, struct tensor *result, struct tensor *self, int64_t dim)
{
    struct line_iter lines;
    lines_init(&lines, self, dim);
    lines_add(&lines, result, dim);
    if (reversed) {
        reverse_lines(&lines);
    }
    return lines_run(&lines, cpu_tables->scans->scan[kind][self->dtype],
                     lines_prefer_rows(&lines) ? LINES_TILE : 1, NULL);
}

static int scan_extremes(enum extreme which, struct tensor *values, struct tensor *indices, struct tensor *self,
                         int64_t dim)
{
    struct line_iter lines;
    lines_init(&lines, self, dim);
    lines_add(&lines, values, dim);
    lines_add(&lines, indices, dim);
    return lines_run(&lines, cpu_tables->scans->extreme[which][self->dtype], 1, NULL);
}

/* --- moments --- */

/* From the sums of squared deviations, in place, to variances or their roots. */
static void divide(struct tensor *squares, double freedom, bool root)
{
    double *values = tensor_ptr(squares);
    for (int64_t i = 0; i < squares->numel; i++) {
        double variance = (values[i] < 0 ? 0 : values[i]) / (freedom < 0 ? 0 : freedom);
        values[i] = root ? sqrt(variance) : variance;
    }
}

static int moments(struct tensor *variance, struct tensor *mean, struct tensor *self, int64_t dim, double freedom,
                   bool root)
{
    struct line_iter lines;
    lines_init(&lines, self, dim);
    lines_add(&lines, variance, dim);
    lines_add(&lines, mean, dim);
    int status = lines_run(&lines, cpu_tables->moments->run[self->dtype],
                           lines_prefer_rows(&lines) ? LINES_TILE : 1, NULL);
    divide(variance, freedom, root);
    return status;
}

const struct line_kernels cpu_line_kernels = {
    .softmax = softmax,
    .has_scan = has_scan,
    .scan = scan,
    .scan_extremes = scan_extremes,
    .moments = moments,
    .extreme_of_all = extreme_of_all,
    .extreme_along = extreme_along,
    .sort_along = sort_along,
    .triangle = cpu_triangle,
    .search = cpu_search,
    .series = cpu_series,
};
