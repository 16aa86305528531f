/* Diagonals and triangles of matrices. Declared in op_functions.h. */
#include "backend.h"
#include "call.h"
#include "create.h"
#include "op_functions.h"
#include "shape.h"
#include "triangle.h"

/* --- tril and triu --- */

static struct tensor *triangle(struct tensor *out, struct tensor *self, int64_t diagonal,
                               bool upper)
{
    if (self->dims < 2) {
        error_set(ERROR_RUNTIME, "%s: input tensor must have at least 2 dimensions",
                  upper ? "triu" : "tril");
        return NULL;
    }
    struct tensor *source = call_contiguous(self);
    if (!source) {
        return NULL;
    }
    struct tensor *target =
        source == self && !out
            ? tensor_new((enum dtype)self->dtype, self->storage->device, self->dims, self->sizes)
            : tensor_retain(source);
    int status = !target ? -1
                 : target->numel == 0
                     ? 0
                     : backend_of(target->storage->device)->lines->triangle(target, source, diagonal, upper);
    tensor_release(source);
    return create_finish(tensor_retain(out ? out : target), target, status);
}

struct tensor *body_tril(struct tensor *out, struct tensor *self, int64_t diagonal)
{
    return triangle(out, self, diagonal, false);
}

struct tensor *body_triu(struct tensor *out, struct tensor *self, int64_t diagonal)
{
    return triangle(out, self, diagonal, true);
}

/* --- their indices --- */

static int check_indices(const char *name, int64_t row, int64_t col, enum dtype dtype)
{
    if (row < 0 || col < 0) {
        error_set(ERROR_RUNTIME, "%s must be non-negative, got%lld", row < 0 ? "row" : "col",
                  (long long)(row < 0 ? row : col));
        return -1;
    }
    if (dtype != DTYPE_I32 && dtype != DTYPE_I64) {
        error_set(ERROR_NOT_IMPLEMENTED, "\"%s\" not implemented for '%s'", name,
                  dtype_info[dtype].class_name);
        return -1;
    }
    return 0;
}

/* Rows [*from, *to) are those that keep something. */
static void kept_rows(const struct triangle *task, int64_t *from, int64_t *to)
{
    int64_t diagonal = triangle_diagonal(task);
    *from = task->upper ? 0 : triangle_clamped(-diagonal, task->rows);
    *to = task->upper ? triangle_clamped(task->columns - diagonal, task->rows) : task->rows;
}

/* How many elements are kept, whatever the number of rows: a trapezoid whose rows are whole from
 * some row on; modulo 2^64. */
static int64_t count_kept(const struct triangle *task)
{
    int64_t diagonal = triangle_diagonal(task) - task->upper;
    __int128 rows = task->rows, columns = task->columns;
    __int128 first = diagonal < 0 ? -diagonal : 0, whole = columns - 1 - diagonal;
    whole = whole < first ? first : whole > rows ? rows : whole;
    if (first > rows)
        first = whole = rows;
    __int128 lower =
        (whole - first) * (first + whole + 2 * diagonal + 1) / 2 + (rows - whole) * columns;
    return (int64_t)(task->upper ? rows * columns - lower : lower);
}

/* Writes the places of all kept elements: 0, or -1 (interrupted). */
static int list_places(const struct triangle *task, int64_t *rows, int64_t *columns)
{
    int64_t count = 0, first, last;
    struct work work;
    work_start(&work);
    kept_rows(task, &first, &last);
    for (int64_t row = first; row < last; row++) {
        int64_t from, to;
        if (row % 64 == 63 && !work_goes_on(&work))
            return -1;
        triangle_columns(task, row, &from, &to);
        for (int64_t i = 0, end; (end = work_block(&work, i, to - from)) > i;) {
            for (; i < end; i++, count++) {
                rows[count] = row;
                columns[count] = from + i;
            }
        }
    }
    return work_result(&work);
}

/* The places, listed by the host, in the dtype and on the device where they are wanted. */
static struct tensor *on_device(struct tensor *places, enum dtype dtype, struct device device)
{
    if (device.type == DEVICE_CPU)
        return call_cast(places, dtype);
    struct tensor *result = tensor_new(dtype, device, places->dims, places->sizes);
    if (result && backend_of(device)->copy(result, places))
        tensor_clear(&result);
    return result;
}

static struct tensor *triangle_indices(const char *name, struct triangle task, enum dtype dtype,
                                       struct device device)
{
    dtype = dtype == DTYPE_NONE ? DTYPE_I64 : dtype;
    if (check_indices(name, task.rows, task.columns, dtype)) {
        return NULL;
    }
    int64_t count = count_kept(&task);
    struct device host = {DEVICE_CPU, -1};
    struct tensor *places = tensor_new(DTYPE_I64, host, 2, (int64_t[]){2, count});
    if (!places) {
        return NULL;
    }
    int64_t *rows = count ? tensor_ptr(places) : NULL;
    bool whole = !count || list_places(&task, rows, rows + count) == 0;
    struct tensor *result = whole ? on_device(places, dtype, device) : NULL;
    tensor_release(places);
    return result;
}

struct tensor *create_tril_indices(int64_t row, int64_t col, int64_t offset, enum dtype dtype,
                                   struct device device)
{
    struct triangle task = {.rows = row, .columns = col, .diagonal = offset};
    return triangle_indices("tril_indices", task, dtype, device);
}

struct tensor *create_triu_indices(int64_t row, int64_t col, int64_t offset, enum dtype dtype,
                                   struct device device)
{
    struct triangle task = {.rows = row, .columns = col, .diagonal = offset, .upper = true};
    return triangle_indices("triu_indices", task, dtype, device);
}

/* --- diagonals --- */

static int wrap_pair(int64_t *dim1, int64_t *dim2, int dims)
{
    int64_t given1 = *dim1, given2 = *dim2;
    if (shape_wrap_dim(dim1, dims) || shape_wrap_dim(dim2, dims)) {
        return -1;
    }
    if (*dim1 == *dim2) {
        error_set(ERROR_RUNTIME, "diagonal dimensions cannot be identical %lld, %lld",
                  (long long)given1, (long long)given2);
        return -1;
    }
    return 0;
}

struct tensor *alias_diagonal(struct tensor *self, int64_t offset, int64_t dim1, int64_t dim2)
{
    int64_t sizes[TENSOR_MAX_DIMS], strides[TENSOR_MAX_DIMS];
    if (wrap_pair(&dim1, &dim2, self->dims)) {
        return NULL;
    }
    int64_t rows = self->sizes[dim1], columns = self->sizes[dim2];
    int64_t first_row = offset < 0 ? triangle_clamped(-(offset + 1), rows) + 1 : 0;
    int64_t first_column = offset > 0 ? triangle_clamped(offset, columns) : 0;
    int64_t below = rows - first_row, right = columns - first_column;
    int64_t length = below < right ? below : right;
    length = length < 0 ? 0 : length;
    int dims = 0;
    for (int i = 0; i < self->dims; i++) {
        if (i != dim1 && i != dim2) {
            sizes[dims] = self->sizes[i];
            strides[dims++] = self->strides[i];
        }
    }
    sizes[dims] = length;
    strides[dims++] = self->strides[dim1] + self->strides[dim2];
    int64_t skipped = first_row * self->strides[dim1] + first_column * self->strides[dim2];
    return tensor_alias(self, dims, sizes, strides, self->offset + (length ? skipped : 0));
}

struct tensor *body_diagonal_copy(struct tensor *out, struct tensor *self, int64_t offset,
                                  int64_t dim1, int64_t dim2)
{
    (void)out; /* the op has neither an in-place form nor an out= form of its own */
    struct tensor *view = alias_diagonal(self, offset, dim1, dim2);
    struct tensor *result = view ? body_clone(NULL, view, MEMORY_CONTIGUOUS) : NULL;
    tensor_release(view);
    return result;
}

/* Zeros of `sizes` with `source` on the diagonal; takes nothing. */
static struct tensor *on_diagonal(struct tensor *source, struct ints sizes, int64_t offset,
                                  int64_t dim1, int64_t dim2)
{
    struct tensor *result =
        body_zeros(NULL, sizes, (enum dtype)source->dtype, source->storage->device);
    struct tensor *diagonal = result ? alias_diagonal(result, offset, dim1, dim2) : NULL;
    if (!diagonal || backend_of(source->storage->device)->copy(diagonal, source)) {
        tensor_clear(&result);
    }
    tensor_release(diagonal);
    return result;
}

struct tensor *body_diagonal_grad(struct tensor *out, struct tensor *grad, struct ints sizes,
                                  int64_t offset, int64_t dim1, int64_t dim2)
{
    (void)out; /* made for formulas: no other form */
    return on_diagonal(grad, sizes, offset, dim1, dim2);
}

struct tensor *body_diag_embed(struct tensor *out, struct tensor *self, int64_t offset,
                               int64_t dim1, int64_t dim2)
{
    (void)out; /* the op has neither an in-place nor an out= form */
    int64_t sizes[TENSOR_MAX_DIMS + 1];
    int dims = self->dims + 1;
    if (wrap_pair(&dim1, &dim2, dims)) {
        return NULL;
    }
    if (shape_check_dims(dims)) {
        return NULL;
    }
    int64_t side = self->sizes[self->dims - 1] + (offset < 0 ? -offset : offset);
    for (int i = 0, from = 0; i < dims; i++) {
        sizes[i] = i == dim1 || i == dim2 ? side : self->sizes[from++];
    }
    return on_diagonal(self, (struct ints){sizes, dims}, offset, dim1, dim2);
}

/* --- made of recorded ops --- */

struct tensor *compose_diag(struct tensor *self, int64_t diagonal)
{
    if (self->dims != 1 && self->dims != 2) {
        error_set(ERROR_RUNTIME, "diag(): Supports 1D or 2D tensors. Got %dD", self->dims);
        return NULL;
    }
    return self->dims == 1 ? tensor_diag_embed(self, diagonal, 0, 1)
                           : tensor_diagonal_copy(self, diagonal, 0, 1);
}

struct tensor *compose_diagflat(struct tensor *self, int64_t offset)
{
    struct tensor *ordered = tensor_contiguous(self, MEMORY_CONTIGUOUS);
    struct tensor *flat = ordered ? tensor_view(ordered, INTS(-1)) : NULL;
    struct tensor *result = flat ? tensor_diag_embed(flat, offset, -2, -1) : NULL;
    tensor_release(flat);
    tensor_release(ordered);
    return result;
}

/* --- trace --- */

struct tensor *body_trace(struct tensor *out, struct tensor *self)
{
    (void)out; /* the op has neither an in-place nor an out= form */
    if (self->dims != 2) {
        error_set(ERROR_RUNTIME, "trace: expected a matrix, but got tensor with dim %d",
                  self->dims);
        return NULL;
    }
    if (self->dtype == DTYPE_BOOL) {
        error_set(ERROR_NOT_IMPLEMENTED, "\"trace\" not implemented for 'Bool'");
        return NULL;
    }
    struct tensor *diagonal = alias_diagonal(self, 0, 0, 1);
    struct tensor *result = diagonal ? tensor_sum(diagonal, DTYPE_NONE) : NULL;
    tensor_release(diagonal);
    return result;
}

/* The gradient at every place of the diagonal of a flat matrix of zeros. */
struct tensor *compose_trace_grad(struct tensor *grad, struct ints sizes)
{
    int64_t rows = sizes.items[0], columns = sizes.items[1];
    int64_t length = rows < columns ? rows : columns;
    struct device device = grad->storage->device;
    struct tensor *zeros = tensor_zeros(INTS(rows * columns), (enum dtype)grad->dtype, device);
    struct tensor *places = tensor_arange_step(scalar_int(0), scalar_int(length * (columns + 1)),
                                               scalar_int(columns + 1), DTYPE_I64, device);
    struct tensor *flat = zeros && places ? tensor_index_fill_tensor(zeros, 0, places, grad) : NULL;
    struct tensor *result = flat ? tensor_view(flat, sizes) : NULL;
    tensor_release(flat);
    tensor_release(places);
    tensor_release(zeros);
    return result;
}
