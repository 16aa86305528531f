/* Factories of ranges: arange, range, linspace, logspace. Each rounds where PyTorch does. */
#include <math.h>
#include <stdio.h>

#include "backend.h"
#include "call.h"
#include "create.h"
#include "op_functions.h"
#include "print.h"
#include "series.h"
#include "shape.h"

/* Fills `result`, taken, with the series of its dtype; NULL with the error set. */
static struct tensor *series_run(struct series *series, struct tensor *result)
{
    struct tensor *filled = call_check_writable(result) ? NULL : create_contiguous(result);
    if (!filled) {
        tensor_release(result);
        return NULL;
    }
    series->count = filled->numel;
    int status = series->count ? backend_of(filled->storage->device)->lines->series(filled, series) : 0;
    return create_finish(result, filled, status);
}

static int check_range(struct scalar start, struct scalar end, struct scalar step)
{
    double from = scalar_to_double(start), to = scalar_to_double(end), by = scalar_to_double(step);
    if (!(by > 0 || by < 0)) {
        error_set(ERROR_RUNTIME, "step must be nonzero");
        return -1;
    }
    if (!isfinite(from) || !isfinite(to)) {
        char a[32], b[32];
        error_set(ERROR_RUNTIME, "unsupported range: %s -> %s", print_short(from, a),
                  print_short(to, b));
        return -1;
    }
    if ((by > 0 && to < from) || (by < 0 && to > from)) {
        error_set(ERROR_RUNTIME, "upper bound and lower bound inconsistent with step sign");
        return -1;
    }
    return 0;
}

/* A number of elements computed in double; -1 with the error set. */
static int64_t checked_count(double count)
{
    if (!(count >= 0 && count < 0x1p63)) {
        error_set(ERROR_RUNTIME, "invalid size, possible overflow?");
        return -1;
    }
    return (int64_t)count;
}

/* How many values arange has; -1 with the error set. For int64 all three numbers are truncated
 * first. */
static int64_t arange_count(struct scalar start, struct scalar end, struct scalar step,
                            enum dtype dtype)
{
    if (dtype != DTYPE_I64) {
        return checked_count(
            ceil((scalar_to_double(end) - scalar_to_double(start)) / scalar_to_double(step)));
    }
    uint64_t from = (uint64_t)scalar_to_int(start), to = (uint64_t)scalar_to_int(end);
    int64_t by = scalar_to_int(step);
    if (by == 0) {
        error_set(ERROR_VALUE, "step must be nonzero");
        return -1;
    }
    int64_t span = (int64_t)(to - from + (uint64_t)by - (by > 0 ? 1 : (uint64_t)-1));
    return checked_count(by == -1 ? -(double)span : (double)(span / by));
}

/* `out` of a range keeps its shape where the number of elements is right. */
static struct tensor *range_result(struct tensor *out, int64_t count, enum dtype dtype,
                                   struct device device, bool warns)
{
    char text[512];
    if (out && out->numel == count) {
        return tensor_retain(out);
    }
    if (warns && out && out->numel &&
        warning_emit("The number of elements in the out tensor of shape %s is %lld which does not "
                     "match the computed number of elements %lld. Note that this may occur as a "
                     "result of rounding error. The out tensor will be resized to a tensor of "
                     "shape (%lld,).",
                     shape_text(tensor_shape(out), text, sizeof text), (long long)out->numel,
                     (long long)count, (long long)count)) {
        return NULL;
    }
    return create_result(out, INTS(count), dtype, device);
}

static struct series counting(enum dtype dtype, struct scalar start, struct scalar step)
{
    return (struct series){.dtype = dtype,
                           .kind = dtype_is_float(dtype) ? SERIES_ARANGE : SERIES_WHOLE,
                           .start = scalar_to_double(start),
                           .step = scalar_to_double(step),
                           .first = scalar_to_int(start),
                           .by = scalar_to_int(step)};
}

static int check_loops(const char *name, enum dtype dtype)
{
    if (dtype == DTYPE_BOOL) {
        error_set(ERROR_NOT_IMPLEMENTED, "\"%s\" not implemented for 'Bool'", name);
        return -1;
    }
    return 0;
}

struct tensor *body_arange(struct tensor *out, struct scalar start, struct scalar end,
                           struct scalar step, enum dtype dtype, struct device device)
{
    if (out) {
        dtype = (enum dtype)out->dtype;
    } else if (dtype == DTYPE_NONE) {
        bool ints =
            start.kind != SCALAR_FLOAT && end.kind != SCALAR_FLOAT && step.kind != SCALAR_FLOAT;
        dtype = ints ? DTYPE_I64 : dtype_default();
    }
    if (check_loops("arange_cpu", dtype) || check_range(start, end, step)) {
        return NULL;
    }
    int64_t count = arange_count(start, end, step, dtype);
    if (count < 0) {
        return NULL;
    }
    struct tensor *result = range_result(out, count, dtype, device, true);
    struct series series = counting(dtype, start, step);
    return result ? series_run(&series, result) : NULL;
}

struct tensor *body_arange_start(struct tensor *out, struct scalar start, struct scalar end,
                                 enum dtype dtype, struct device device)
{
    return body_arange(out, start, end, scalar_int(1), dtype, device);
}

struct tensor *body_arange_end(struct tensor *out, struct scalar end, enum dtype dtype,
                               struct device device)
{
    return body_arange(out, scalar_int(0), end, scalar_int(1), dtype, device);
}

struct tensor *body_range(struct tensor *out, struct scalar start, struct scalar end,
                          struct scalar step, enum dtype dtype, struct device device)
{
    dtype = out ? (enum dtype)out->dtype : dtype == DTYPE_NONE ? dtype_default() : dtype;
    if (warning_emit("torch.range is deprecated and will be removed in a future release because "
                     "its behavior is inconsistent with Python's range builtin. Instead, use "
                     "torch.arange, which produces values in [start, end).") ||
        check_loops("range_cpu", dtype) || check_range(start, end, step)) {
        return NULL;
    }
    double span = scalar_to_double(end) - scalar_to_double(start);
    int64_t count = checked_count(floor(span / scalar_to_double(step)) + 1);
    struct tensor *result = count < 0 ? NULL : range_result(out, count, dtype, device, false);
    struct series series = counting(dtype, start, step);
    if (dtype_is_float(dtype)) {
        series.kind = SERIES_RANGE;
    }
    return result ? series_run(&series, result) : NULL;
}

/* --- linspace and logspace --- */

/* `value` as the dtype holds it; RUNTIME where it does not fit. */
static int round_end(enum dtype dtype, struct scalar value, double *rounded)
{
    _Alignas(double) char bytes[sizeof(double)];
    if (dtype_check_scalar(dtype, value)) {
        return -1;
    }
    dtype_store(dtype, bytes, value);
    *rounded = scalar_to_double(dtype_load(dtype, bytes));
    return 0;
}

/* The step of `count` values between the rounded ends; `rounds`: as the dtype holds it. */
static int set_ends(struct series *series, struct scalar start, struct scalar end, int64_t count,
                    bool rounds)
{
    if (round_end(series->dtype, start, &series->start) ||
        round_end(series->dtype, end, &series->end)) {
        return -1;
    }
    series->step = (series->end - series->start) / (double)(count - 1);
    if (rounds && dtype_is_float(series->dtype)) {
        _Alignas(double) char bytes[sizeof(double)];
        dtype_store(series->dtype, bytes, scalar_float(series->end - series->start));
        double span = dtype_load(series->dtype, bytes).d;
        dtype_store(series->dtype, bytes, scalar_float(span / (double)(count - 1)));
        series->step = dtype_load(series->dtype, bytes).d;
    }
    return 0;
}

static struct tensor *spaced(struct tensor *out, struct series *series, const char *kernel,
                             struct scalar start, struct scalar end, int64_t steps,
                             struct device device)
{
    bool linear = series->kind == SERIES_LINEAR;
    if (steps < 0) {
        error_set(ERROR_RUNTIME, "number of steps must be non-negative");
        return NULL;
    }
    struct tensor *result = range_result(out, steps, series->dtype, device, false);
    if (!result || steps == 0) {
        return result;
    }
    if (steps == 1) {
        double only = scalar_to_double(start);
        return create_finish(
            result, tensor_retain(result),
            backend_of(result->storage->device)
                ->fill(result, linear ? start : scalar_float(pow(series->base, only))));
    }
    if (check_loops(kernel, series->dtype) || set_ends(series, start, end, steps, linear)) {
        tensor_release(result);
        return NULL;
    }
    return series_run(series, result);
}

static enum dtype spaced_dtype(const struct tensor *out, enum dtype dtype)
{
    return out ? (enum dtype)out->dtype : dtype == DTYPE_NONE ? dtype_default() : dtype;
}

struct tensor *body_linspace(struct tensor *out, struct scalar start, struct scalar end,
                             int64_t steps, enum dtype dtype, struct device device)
{
    struct series series = {.kind = SERIES_LINEAR, .dtype = spaced_dtype(out, dtype)};
    return spaced(out, &series, "linspace_cpu", start, end, steps, device);
}

struct tensor *body_logspace(struct tensor *out, struct scalar start, struct scalar end,
                             int64_t steps, double base, enum dtype dtype, struct device device)
{
    struct series series = {.kind = SERIES_POWERS, .dtype = spaced_dtype(out, dtype), .base = base};
    return spaced(out, &series, "logspace_cpu", start, end, steps, device);
}

/* Ends that are tensors must have no dims. Either may be NULL: that end is a number. */
static int end_values(const char *op, const struct tensor *start, const struct tensor *end,
                      struct scalar *from, struct scalar *to)
{
    if ((!start || start->dims == 0) && (!end || end->dims == 0)) {
        return (start && tensor_item(start, from)) || (end && tensor_item(end, to)) ? -1 : 0;
    }
    char first[48] = "", second[48] = "";
    if (start) {
        snprintf(first, sizeof first, "start with %d dimension(s)", start->dims);
    }
    if (end) {
        snprintf(second, sizeof second, "end with %d dimension(s)", end->dims);
    }
    error_set(ERROR_RUNTIME,
              "%s only supports 0-dimensional start and end tensors, but got %s%s%s.", op, first,
              start && end ? " and " : "", second);
    return -1;
}

struct tensor *body_linspace_tensors(struct tensor *out, struct tensor *start, struct tensor *end,
                                     int64_t steps, enum dtype dtype, struct device device)
{
    struct scalar from, to;
    return end_values("linspace", start, end, &from, &to)
               ? NULL
               : body_linspace(out, from, to, steps, dtype, device);
}

struct tensor *body_linspace_start(struct tensor *out, struct tensor *start, struct scalar end,
                                   int64_t steps, enum dtype dtype, struct device device)
{
    struct scalar from;
    return end_values("linspace", start, NULL, &from, NULL)
               ? NULL
               : body_linspace(out, from, end, steps, dtype, device);
}

struct tensor *body_linspace_end(struct tensor *out, struct scalar start, struct tensor *end,
                                 int64_t steps, enum dtype dtype, struct device device)
{
    struct scalar to;
    return end_values("linspace", NULL, end, NULL, &to)
               ? NULL
               : body_linspace(out, start, to, steps, dtype, device);
}

struct tensor *body_logspace_tensors(struct tensor *out, struct tensor *start, struct tensor *end,
                                     int64_t steps, double base, enum dtype dtype,
                                     struct device device)
{
    struct scalar from, to;
    return end_values("logspace", start, end, &from, &to)
               ? NULL
               : body_logspace(out, from, to, steps, base, dtype, device);
}

struct tensor *body_logspace_start(struct tensor *out, struct tensor *start, struct scalar end,
                                   int64_t steps, double base, enum dtype dtype,
                                   struct device device)
{
    struct scalar from;
    return end_values("logspace", start, NULL, &from, NULL)
               ? NULL
               : body_logspace(out, from, end, steps, base, dtype, device);
}

struct tensor *body_logspace_end(struct tensor *out, struct scalar start, struct tensor *end,
                                 int64_t steps, double base, enum dtype dtype, struct device device)
{
    struct scalar to;
    return end_values("logspace", NULL, end, NULL, &to)
               ? NULL
               : body_logspace(out, start, to, steps, base, dtype, device);
}
