/* gather() and scatter(): lines of elements along one dim, read from or written to the places that
 * an index tensor names. body_* lie below autograd, compose_* above it. */
#include "op_functions.h"

#include <math.h>
#include <string.h>

#include "backend.h"
#include "call.h"
#include "cpu/gather_kernels.h"
#include "shape.h"

/* Elements that one piece of parallel work moves at least. */
#define GRAIN 16384
/* Lines run along another dim than the last where that has fewer elements. */
#define SHORT_LINE 32

/* Lines along one dim (`inner`, the longest of the index) at every place of the other dims. */
struct lines {
    struct tensor *places; /* int64 */
    struct gather_line line;
    int64_t (*run)(const struct gather_line *line);
    size_t bytes;
    int dims, inner, dim;
    int64_t sizes[TENSOR_MAX_DIMS]; /* of the index */
    int64_t places_strides[TENSOR_MAX_DIMS], source_strides[TENSOR_MAX_DIMS],
        target_strides[TENSOR_MAX_DIMS];
    struct work work;
    atomic_bool failed;
    int64_t bad; /* a place out of range */
};

static void lines_strides(const struct tensor *tensor, int64_t *strides)
{
    strides[0] = 0; /* 0-d tensors count as one element of one dim */
    if (tensor->dims)
        memcpy(strides, tensor->strides, (size_t)tensor->dims * sizeof *strides);
}

/* One line, block by block: 0, or -1 (a bad place, or interrupted). */
static int run_line(struct lines *lines, struct gather_line line)
{
    int64_t n = line.n, bytes = (int64_t)lines->bytes;

    for (int64_t i = 0, end; i < n; i = end) {
        end = work_block(&lines->work, i, n);
        if (end == i)
            return -1;
        line.n = end - i;
        int64_t done = lines->run(&line);
        if (done < line.n) {
            if (!atomic_exchange(&lines->failed, true))
                lines->bad = line.places[done * line.places_step];
            return -1;
        }
        line.places += line.n * line.places_step;
        line.source += line.n * line.source_step * bytes;
        line.target += line.n * line.target_step * bytes;
    }
    return 0;
}

static void run_lines(void *arg, int64_t begin, int64_t end)
{
    struct lines *lines = arg;

    for (; begin < end; begin++) {
        struct gather_line line = lines->line;
        int64_t rest = begin;
        if ((begin & 0xff) == 0 && !work_goes_on(&lines->work))
            return;
        for (int dim = lines->dims - 1; dim >= 0; dim--) {
            if (dim == lines->inner)
                continue;
            int64_t at = rest % lines->sizes[dim];
            rest /= lines->sizes[dim];
            line.places += at * lines->places_strides[dim];
            line.source += at * lines->source_strides[dim] * (int64_t)lines->bytes;
            line.target += at * lines->target_strides[dim] * (int64_t)lines->bytes;
        }
        if (run_line(lines, line))
            return;
    }
}

/* The dim to run along: the last, whose elements are neighbours, unless another is much longer. */
static int inner_dim(const struct lines *lines)
{
    int last = lines->dims - 1, inner = last;

    for (int dim = last; dim >= 0 && lines->sizes[last] < SHORT_LINE; dim--)
        inner = lines->sizes[dim] > lines->sizes[inner] ? dim : inner;
    return inner;
}

/* Runs every line; `parallel` when no two lines write to one place. */
static int lines_run(struct lines *lines, bool parallel)
{
    int inner = inner_dim(lines);
    int64_t count = 1;

    for (int dim = 0; dim < lines->dims; dim++)
        count *= dim == inner ? 1 : lines->sizes[dim];
    lines->inner = inner;
    lines->line.places = tensor_ptr(lines->places);
    lines->line.n = lines->sizes[inner];
    lines->line.places_step = lines->places_strides[inner];
    lines->line.source_step = lines->source_strides[inner];
    lines->line.target_step = lines->target_strides[inner];
    atomic_init(&lines->failed, false);
    work_start(&lines->work);
    if (parallel)
        parallel_for(0, count, lines->line.n >= GRAIN ? 1 : GRAIN / (lines->line.n + 1) + 1,
                     run_lines, lines);
    else
        run_lines(lines, 0, count);
    if (atomic_load(&lines->failed)) {
        error_set(ERROR_RUNTIME, "index %lld is out of bounds for dimension %d with size %lld",
                  (long long)lines->bad, lines->dim, (long long)lines->line.size);
        return -1;
    }
    return work_result(&lines->work);
}

/* `dim` of the tensor `along` is the one that the index names places in. */
static int lines_init(struct lines *lines, struct tensor *index, int64_t dim)
{
    lines->places = call_cast(index, DTYPE_I64);
    if (!lines->places)
        return -1;
    lines->dim = (int)dim;
    lines->dims = index->dims ? index->dims : 1;
    lines->sizes[0] = 1;
    if (index->dims)
        memcpy(lines->sizes, index->sizes, (size_t)index->dims * sizeof *lines->sizes);
    lines_strides(lines->places, lines->places_strides);
    return 0;
}

/* --- gather --- */

static int check_index(const struct tensor *index, const char *op)
{
    if (index->dtype == DTYPE_I64 || index->dtype == DTYPE_I32)
        return 0;
    error_set(ERROR_RUNTIME, "%s(): Expected dtype int32/int64 for index", op);
    return -1;
}

static int counted_dims(const struct tensor *tensor)
{
    return tensor->dims ? tensor->dims : 1;
}

static int check_gather(const struct tensor *self, int64_t dim, const struct tensor *index)
{
    char index_text[512], self_text[512];

    if (check_index(index, "gather"))
        return -1;
    if (index->numel == 0)
        return 0;
    if (counted_dims(self) != counted_dims(index)) {
        error_set(ERROR_RUNTIME,
                  "Index tensor must have the same number of dimensions as input tensor");
        return -1;
    }
    for (int i = 0; i < self->dims && i < index->dims; i++)
        if (i != dim && index->sizes[i] > self->sizes[i]) {
            error_set(ERROR_RUNTIME,
                      "Size does not match at dimension %d expected index %s to be no larger "
                      "than self %s apart from dimension %d",
                      i, shape_text(tensor_shape(index), index_text, sizeof index_text),
                      shape_text(tensor_shape(self), self_text, sizeof self_text), (int)dim);
            return -1;
        }
    return 0;
}

struct tensor *body_gather(struct tensor *out, struct tensor *self, int64_t dim,
                           struct tensor *index, bool sparse_grad)
{
    struct lines lines = {.bytes = dtype_info[self->dtype].bytes};
    struct tensor *result;

    (void)out;
    (void)sparse_grad; /* gradients are dense, as in the reference unless asked for */
    if (shape_wrap_dim(&dim, self->dims) || check_gather(self, dim, index))
        return NULL;
    result = tensor_new((enum dtype)self->dtype, self->storage->device, index->dims, index->sizes);
    if (!result || result->numel == 0)
        return result;
    if (lines_init(&lines, index, dim)) {
        tensor_release(result);
        return NULL;
    }
    lines_strides(self, lines.source_strides);
    lines_strides(result, lines.target_strides);
    lines.line.dim_step = lines.source_strides[dim];
    lines.line.size = self->dims ? self->sizes[dim] : 1;
    lines.source_strides[dim] = 0;
    lines.line.source = tensor_ptr(self);
    lines.line.target = tensor_ptr(result);
    lines.run = gather_kernels()->pick_line[gather_size(lines.bytes)];
    if (lines_run(&lines, true))
        tensor_clear(&result);
    tensor_release(lines.places);
    return result;
}

/* --- scatter --- */

/* Whether no dim of the index but one is longer than that of the other. */
static bool fits_within(const struct tensor *index, const struct tensor *other, int except)
{
    for (int i = 0; i < index->dims && i < other->dims; i++)
        if (i != except && index->sizes[i] > other->sizes[i])
            return false;
    return true;
}

/* Whether src has as many dims as the index; INDEX where one that it lacks is `asked` for first. */
static int check_src_dims(const struct tensor *index, const struct tensor *src, bool asked)
{
    for (int64_t i = 0; asked && i < counted_dims(index) && src->dims; i++) {
        int64_t dim = i;
        if (shape_wrap_dim(&dim, src->dims))
            return -1;
        if (index->dims && index->sizes[i] > src->sizes[i])
            break;
    }
    if (counted_dims(index) == counted_dims(src))
        return 0;
    error_set(ERROR_RUNTIME, "Index tensor must have the same number of dimensions as src tensor");
    return -1;
}

/* src NULL: a number is scattered. */
static int check_scatter(const struct tensor *self, int64_t dim, const struct tensor *index,
                         const struct tensor *src)
{
    char a[512], b[512], c[512];

    if (check_index(index, "scatter"))
        return -1;
    if (src && src->dtype != self->dtype) {
        error_set(ERROR_RUNTIME, "scatter(): Expected self.dtype to be equal to src.dtype");
        return -1;
    }
    if (index->numel == 0)
        return 0;
    if (counted_dims(index) != counted_dims(self)) {
        error_set(ERROR_RUNTIME,
                  "Index tensor must have the same number of dimensions as self tensor");
        return -1;
    }
    if (src && check_src_dims(index, src, fits_within(index, self, (int)dim)))
        return -1;
    if (fits_within(index, self, (int)dim) && (!src || fits_within(index, src, -1)))
        return 0;
    shape_text(tensor_shape(index), a, sizeof a);
    shape_text(tensor_shape(self), b, sizeof b);
    if (src)
        error_set(
            ERROR_RUNTIME,
            "Expected index %s to be no larger than self %s apart from dimension %d and to be "
            "no larger size than src %s",
            a, b, (int)dim, shape_text(tensor_shape(src), c, sizeof c));
    else
        error_set(ERROR_RUNTIME,
                  "Expected index %s to be no larger than self %s apart from dimension %d", a, b,
                  (int)dim);
    return -1;
}

/* What a kernel does with the elements of a line. */
typedef int64_t (*line_fn)(const struct gather_line *line);

/* Writes the elements of src, or the one of a 0-d src for all, to `result` by the kernel. */
static int scatter_lines(struct tensor *result, int64_t dim, struct tensor *index,
                         const struct tensor *src, bool one, line_fn run)
{
    struct lines lines = {.bytes = dtype_info[result->dtype].bytes, .run = run};
    int status;

    if (index->numel == 0)
        return 0;
    if (lines_init(&lines, index, dim))
        return -1;
    if (one)
        memset(lines.source_strides, 0, sizeof lines.source_strides);
    else
        lines_strides(src, lines.source_strides);
    lines_strides(result, lines.target_strides);
    lines.line.dim_step = lines.target_strides[dim];
    lines.line.size = result->dims ? result->sizes[dim] : 1;
    lines.target_strides[dim] = 0;
    lines.line.source = tensor_ptr(src);
    lines.line.target = tensor_ptr(result);
    /* lines along another dim may meet at one place: their order counts */
    status = lines_run(&lines, inner_dim(&lines) == dim);
    tensor_release(lines.places);
    return status;
}

static line_fn put_kernel(const struct tensor *self)
{
    return gather_kernels()->put_line[gather_size(dtype_info[self->dtype].bytes)];
}

struct tensor *body_scatter_src(struct tensor *out, struct tensor *self, int64_t dim,
                                struct tensor *index, struct tensor *src)
{
    struct tensor *result;

    if (shape_wrap_dim(&dim, self->dims) || check_scatter(self, dim, index, src))
        return NULL;
    result = call_target(out, self, src, MEMORY_CONTIGUOUS);
    if (result && scatter_lines(result, dim, index, src, false, put_kernel(self)))
        tensor_clear(&result);
    return result;
}

struct tensor *body_scatter(struct tensor *out, struct tensor *self, int64_t dim,
                            struct tensor *index, struct scalar value)
{
    struct tensor *result = NULL, *number;

    if (shape_wrap_dim(&dim, self->dims) || check_scatter(self, dim, index, NULL))
        return NULL;
    number = call_number((enum dtype)self->dtype, value);
    result = number ? call_target(out, self, number, MEMORY_CONTIGUOUS) : NULL;
    if (result && scatter_lines(result, dim, index, number, true, put_kernel(self)))
        tensor_clear(&result);
    tensor_release(number);
    return result;
}

/* --- joining what meets at one place --- */

/* float16 and bfloat16 are joined in float32 and rounded once. */
static enum dtype join_dtype(const struct tensor *self)
{
    return self->dtype == DTYPE_F16 || self->dtype == DTYPE_BF16 ? DTYPE_F32
                                                                 : (enum dtype)self->dtype;
}

/* The result, converted and put where it belongs; takes `joined`. */
static struct tensor *finish_join(struct tensor *joined, struct tensor *out, struct tensor *self)
{
    struct tensor *result;

    if (!joined || joined == out)
        return joined;
    if (!out && joined->dtype == self->dtype)
        return joined;
    result = out ? tensor_retain(out) : call_cast(joined, (enum dtype)self->dtype);
    if (out && result && backend_of(out->storage->device)->copy(out, joined))
        tensor_clear(&result);
    tensor_release(joined);
    return result;
}

/* self in the dtype that joins: `out` itself where that is possible. */
static struct tensor *join_target(struct tensor *out, struct tensor *self, const struct tensor *src)
{
    if (out && call_check_writable(out))
        return NULL;
    if (join_dtype(self) != (enum dtype)self->dtype)
        return body_to_copy(NULL, self, join_dtype(self), DEVICE_DEFAULT);
    return call_target(out, self, src, MEMORY_CONTIGUOUS);
}

static struct tensor *scatter_fold(struct tensor *out, struct tensor *self, int64_t dim,
                                   struct tensor *index, struct tensor *src, bool one,
                                   enum line_fold fold)
{
    struct tensor *result = join_target(out, self, src);
    struct tensor *from = result ? call_cast(src, (enum dtype)result->dtype) : NULL;

    if (!from || scatter_lines(result, dim, index, from, one,
                               gather_kernels()->fold_line[fold][result->dtype]))
        tensor_clear(&result);
    tensor_release(from);
    return finish_join(result, out, self);
}

struct tensor *body_scatter_add(struct tensor *out, struct tensor *self, int64_t dim,
                                struct tensor *index, struct tensor *src)
{
    if (shape_wrap_dim(&dim, self->dims) || check_scatter(self, dim, index, src))
        return NULL;
    return scatter_fold(out, self, dim, index, src, false, LINE_ADD);
}

/* The names of scatter(reduce=…), which scatter_reduce() has others for. */
static int old_reduce(const char *reduce, enum line_fold *fold)
{
    if (strcmp(reduce, "add") == 0)
        *fold = LINE_ADD;
    else if (strcmp(reduce, "multiply") == 0)
        *fold = LINE_MUL;
    else {
        error_set(ERROR_RUNTIME, "reduce argument must be either add or multiply.");
        return -1;
    }
    return 0;
}

struct tensor *body_scatter_src_reduce(struct tensor *out, struct tensor *self, int64_t dim,
                                       struct tensor *index, struct tensor *src, const char *reduce)
{
    enum line_fold fold;

    if (warning_emit(
            "The reduce argument of torch.scatter with Tensor src is deprecated and will be "
            "removed in a future PyTorch release. Use torch.scatter_reduce instead for more "
            "reduction options."))
        return NULL;
    if (shape_wrap_dim(&dim, self->dims) || check_scatter(self, dim, index, src) ||
        old_reduce(reduce, &fold))
        return NULL;
    return scatter_fold(out, self, dim, index, src, false, fold);
}

struct tensor *body_scatter_value_reduce(struct tensor *out, struct tensor *self, int64_t dim,
                                         struct tensor *index, struct scalar value,
                                         const char *reduce)
{
    struct tensor *number, *result;
    enum line_fold fold;

    if (shape_wrap_dim(&dim, self->dims) || check_scatter(self, dim, index, NULL) ||
        old_reduce(reduce, &fold) || !(number = call_number((enum dtype)self->dtype, value)))
        return NULL;
    result = scatter_fold(out, self, dim, index, number, true, fold);
    tensor_release(number);
    return result;
}

/* --- scatter_reduce --- */

static const struct pointwise_op div_op = {.name = "scatter_reduce",
                                           .kernel_name = "div_true_cpu",
                                           .id = POINTWISE_DIV,
                                           .types = TYPES_FLOAT};

static int find_reduce(const char *reduce, const struct tensor *self, enum line_fold *fold)
{
    static const char *const names[LINE_FOLDS] = {"sum", "prod", "amax", "amin"};
    bool mean = strcmp(reduce, "mean") == 0;

    if (mean && self->dtype == DTYPE_BOOL) {
        error_set(ERROR_NOT_IMPLEMENTED,
                  "\"scatter_gather_tensor_cpu_reduce_mean\" not implemented for 'Bool'");
        return -1;
    }
    for (int i = 0; i < LINE_FOLDS; i++)
        if (strcmp(mean ? "sum" : reduce, names[i]) == 0) {
            *fold = (enum line_fold)i;
            return 0;
        }
    error_set(ERROR_RUNTIME, "reduce argument must be either sum, prod, mean, amax or amin, got %s",
              reduce);
    return -1;
}

/* The number that a join with leaves every element as it is. */
static struct scalar neutral(enum line_fold fold, enum dtype dtype)
{
    int bits = (int)dtype_info[dtype].bytes * 8;

    if (fold == LINE_ADD || fold == LINE_MUL)
        return scalar_int(fold == LINE_MUL);
    if (dtype_is_float(dtype))
        return scalar_float(fold == LINE_MAX ? -INFINITY : INFINITY);
    if (dtype == DTYPE_BOOL || dtype == DTYPE_U8)
        return scalar_int(fold == LINE_MAX ? 0 : dtype == DTYPE_BOOL ? 1 : UINT8_MAX);
    int64_t largest = (int64_t)(((uint64_t)1 << (bits - 1)) - 1);
    return scalar_int(fold == LINE_MAX ? -largest - 1 : largest);
}

/* Puts the neutral number at every place that the index names. */
static int clear_places(struct tensor *result, int64_t dim, struct tensor *index,
                        enum line_fold fold)
{
    struct tensor *number =
        call_number((enum dtype)result->dtype, neutral(fold, (enum dtype)result->dtype));
    int status = number ? scatter_lines(result, dim, index, number, true, put_kernel(result)) : -1;

    tensor_release(number);
    return status;
}

/* How many elements each place is the sum of, at least 1. */
static struct tensor *count_places(const struct tensor *self, int64_t dim, struct tensor *index,
                                   bool include_self)
{
    struct tensor *counts = tensor_new(DTYPE_I64, self->storage->device, self->dims, self->sizes);
    struct tensor *one = counts ? call_number(DTYPE_I64, scalar_int(1)) : NULL;

    if (!one || backend_of(counts->storage->device)->fill(counts, scalar_int(include_self)) ||
        scatter_lines(counts, dim, index, one, true,
                      gather_kernels()->fold_line[LINE_ADD][DTYPE_I64]))
        tensor_clear(&counts);
    tensor_release(one);
    int64_t *items = counts ? tensor_ptr(counts) : NULL;
    for (int64_t i = 0; counts && i < counts->numel; i++)
        items[i] = items[i] ? items[i] : 1;
    return counts;
}

/* sum[i] /= counts[i], rounded down, as integers. */
static int divide_whole(struct tensor *sum, const struct tensor *counts)
{
    struct tensor *wide = body_to_copy(NULL, sum, DTYPE_I64, DEVICE_DEFAULT);
    struct tensor *dense = wide ? call_contiguous(wide) : NULL;
    int status = -1;

    if (dense) {
        int64_t *items = tensor_ptr(dense);
        const int64_t *by = tensor_ptr(counts);
        for (int64_t i = 0; i < dense->numel; i++)
            items[i] = items[i] / by[i] - (items[i] % by[i] < 0);
        status = backend_of(sum->storage->device)->copy(sum, dense);
    }
    tensor_release(dense);
    tensor_release(wide);
    return status;
}

/* A sum divided by how many elements it is of. */
static int take_mean(struct tensor *sum, int64_t dim, struct tensor *index, bool include_self)
{
    struct tensor *counts = count_places(sum, dim, index, include_self), *mean = NULL;
    int status = -1;

    if (counts && !dtype_is_float((enum dtype)sum->dtype))
        status = divide_whole(sum, counts);
    else if (counts &&
             (mean = call_pointwise(&div_op, sum, (struct tensor *[]){sum, counts}, 2, NULL)))
        status = 0;
    tensor_release(mean);
    tensor_release(counts);
    return status;
}

/* Where self is not included, the places named begin with what leaves the first element as it is.
 */
struct tensor *body_scatter_reduce(struct tensor *out, struct tensor *self, int64_t dim,
                                   struct tensor *index, struct tensor *src, const char *reduce,
                                   bool include_self)
{
    struct tensor *result = NULL, *from = NULL;
    enum line_fold fold;
    int status = -1;

    if (shape_wrap_dim(&dim, self->dims) || check_scatter(self, dim, index, src) ||
        find_reduce(reduce, self, &fold))
        return NULL;
    result = join_target(out, self, src);
    from = result ? call_cast(src, (enum dtype)result->dtype) : NULL;
    if (from)
        status = include_self ? 0 : clear_places(result, dim, index, fold);
    if (status == 0)
        status = scatter_lines(result, dim, index, from, false,
                               gather_kernels()->fold_line[fold][result->dtype]);
    if (status == 0 && strcmp(reduce, "mean") == 0)
        status = take_mean(result, dim, index, include_self);
    if (status)
        tensor_clear(&result);
    tensor_release(from);
    return finish_join(result, out, self);
}
