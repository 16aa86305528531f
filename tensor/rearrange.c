/* Copies in another arrangement: repeat, roll, flip, rot90, block_diag. Each is made of copies of
 * whole blocks into aliases of the result. body_* lie below autograd, compose_* above it. */
#include "op_functions.h"

#include <string.h>

#include "backend.h"
#include "call.h"
#include "shape.h"

static struct tensor *new_like(const struct tensor *self, int dims, const int64_t *sizes)
{
    return tensor_new((enum dtype)self->dtype, self->storage->device, dims, sizes);
}

static int copy_into(struct tensor *target, const struct tensor *source)
{
    return backend_of(target->storage->device)->copy(target, source);
}

/* Copies one alias (taken, NULL where it could not be made) to another (taken). */
static int copy_taken(struct tensor *target, struct tensor *source)
{
    int status = target && source ? copy_into(target, source) : -1;

    tensor_release(target);
    tensor_release(source);
    return status;
}

/* --- repeat --- */

/* The result's elements as dims of times and sizes, and where they come from; dims of size 1 are
 * left out. */
struct tiling {
    int dims;
    int64_t sizes[TENSOR_MAX_DIMS], target[TENSOR_MAX_DIMS], source[TENSOR_MAX_DIMS];
};

static void tiling_add(struct tiling *tiling, int64_t size, int64_t target, int64_t source)
{
    if (size == 1)
        return;
    tiling->sizes[tiling->dims] = size;
    tiling->target[tiling->dims] = target;
    tiling->source[tiling->dims++] = source;
}

/* One copy whose source does not move along the times of repetition. */
static int fill_tiles(struct tensor *result, struct tensor *self, struct ints repeats)
{
    struct tiling tiling = {.dims = 0};
    int lead = repeats.count - self->dims;

    for (int i = 0; i < repeats.count; i++) {
        int64_t size = i < lead ? 1 : self->sizes[i - lead];
        int64_t stride = i < lead ? 0 : self->strides[i - lead];
        tiling_add(&tiling, repeats.items[i], size * result->strides[i], 0);
        tiling_add(&tiling, size, result->strides[i], stride);
    }
    return copy_taken(
        tensor_alias(result, tiling.dims, tiling.sizes, tiling.target, result->offset),
        tensor_alias(self, tiling.dims, tiling.sizes, tiling.source, self->offset));
}

struct tensor *body_repeat(struct tensor *out, struct tensor *self, struct ints repeats)
{
    struct shape shape = {.dims = repeats.count};
    int lead = repeats.count - self->dims;
    struct tensor *result;

    (void)out; /* the op has neither an in-place nor an out= form */
    if (lead < 0) {
        error_set(ERROR_RUNTIME, "Number of dimensions of repeat dims can not be smaller than "
                                 "number of dimensions of tensor");
        return NULL;
    }
    if (shape_check_dims(repeats.count))
        return NULL;
    for (int i = 0; i < shape.dims; i++)
        if (__builtin_mul_overflow(repeats.items[i], i < lead ? 1 : self->sizes[i - lead],
                                   &shape.sizes[i])) {
            error_set(ERROR_RUNTIME, "numel: integer multiplication overflow");
            return NULL;
        }
    result = new_like(self, shape.dims, shape.sizes);
    if (result && result->numel && fill_tiles(result, self, repeats))
        tensor_clear(&result);
    return result;
}

/* Counts for the last dims; NumPy and PyTorch add dims or counts of 1 in front. */
struct tensor *compose_tile(struct tensor *self, struct ints dims)
{
    int64_t repeats[TENSOR_MAX_DIMS];
    int lead = self->dims - dims.count;

    if (lead <= 0)
        return tensor_repeat(self, dims);
    for (int i = 0; i < self->dims; i++)
        repeats[i] = i < lead ? 1 : dims.items[i - lead];
    return tensor_repeat(self, (struct ints){repeats, self->dims});
}

/* --- repeat_interleave --- */

static int check_output_size(struct maybe_int output_size, int64_t size)
{
    if (!output_size.has || output_size.value == size)
        return 0;
    error_set(ERROR_RUNTIME, "repeat_interleave: Invalid output_size, expected %lld but got %lld",
              (long long)size, (long long)output_size.value);
    return -1;
}

/* [a, b] → [a, a, b, b]: a new dim, stretched, and joined with the one before it. */
static struct tensor *interleave(struct tensor *self, int64_t repeats, int64_t dim)
{
    int64_t sizes[TENSOR_MAX_DIMS];
    struct tensor *apart = tensor_unsqueeze(self, dim + 1), *wide = NULL, *copy = NULL;
    struct tensor *result = NULL;

    if (!apart)
        return NULL;
    memcpy(sizes, apart->sizes, (size_t)apart->dims * sizeof *sizes);
    sizes[dim + 1] = repeats;
    wide = tensor_expand(apart, (struct ints){sizes, apart->dims}, false);
    copy = wide ? tensor_clone(wide, MEMORY_CONTIGUOUS) : NULL;
    memcpy(sizes, self->sizes, (size_t)self->dims * sizeof *sizes);
    sizes[dim] *= repeats;
    result = copy ? tensor_view(copy, (struct ints){sizes, self->dims}) : NULL;
    tensor_release(copy);
    tensor_release(wide);
    tensor_release(apart);
    return result;
}

struct tensor *compose_repeat_interleave(struct tensor *self, int64_t repeats, struct maybe_int dim,
                                         struct maybe_int output_size)
{
    int64_t along = dim.has ? dim.value : 0;
    struct tensor *flat, *result = NULL;

    if (repeats < 0) {
        error_set(ERROR_RUNTIME, "Repeats must be non-negative");
        return NULL;
    }
    if (shape_wrap_dim(&along, self->dims))
        return NULL;
    flat = dim.has ? tensor_retain(self) : tensor_flatten(self, 0, -1);
    if (flat &&
        (flat->dims == 0 || check_output_size(output_size, flat->sizes[along] * repeats) == 0))
        result = interleave(flat, repeats, along);
    tensor_release(flat);
    return result;
}

/* Writes each index as often as its count says: 0, or -1 (interrupted). */
#define INTERLEAVE(name, T)                                                                        \
    static int name(T *target, const T *counts, int64_t n)                                         \
    {                                                                                              \
        struct work work;                                                                          \
        work_start(&work);                                                                         \
        for (int64_t i = 0; i < n && !work_result(&work); i++) {                                   \
            if ((i & 0xfff) == 0xfff && !work_goes_on(&work))                                      \
                break;                                                                             \
            for (int64_t k = 0, end; (end = work_block(&work, k, counts[i])) > k;)                 \
                for (; k < end; k++)                                                               \
                    *target++ = (T)i;                                                              \
        }                                                                                          \
        return work_result(&work);                                                                 \
    }                                                                                              \
                                                                                                   \
    static int64_t name##_total(const T *counts, int64_t n)                                        \
    {                                                                                              \
        int64_t total = 0;                                                                         \
        for (int64_t i = 0; i < n; i++) {                                                          \
            if (counts[i] < 0)                                                                     \
                return -1;                                                                         \
            total += counts[i];                                                                    \
        }                                                                                          \
        return total;                                                                              \
    }

INTERLEAVE(interleave_i64, int64_t)
INTERLEAVE(interleave_i32, int32_t)

static int check_counts(const struct tensor *repeats)
{
    if (repeats->dims != 1) {
        error_set(ERROR_RUNTIME, "repeat_interleave only accept 1D vector as repeat");
        return -1;
    }
    if (repeats->dtype != DTYPE_I64 && repeats->dtype != DTYPE_I32) {
        error_set(ERROR_NOT_IMPLEMENTED, "\"repeat_interleave_cpu\" not implemented for '%s'",
                  dtype_info[repeats->dtype].class_name);
        return -1;
    }
    return 0;
}

/* The sum of the counts, so far in `so_far` (at least one): the expected one if it is given, which
 * spares waiting for a GPU; -1 with the error set. */
static int64_t device_total(struct tensor *counts, struct tensor *so_far,
                            struct maybe_int output_size)
{
    struct scalar least, total;
    struct tensor *last, *smallest = NULL;

    if (output_size.has)
        return output_size.value;
    last = tensor_select(so_far, 0, -1);
    if (last && tensor_item(last, &total) == 0)
        smallest = tensor_min(counts);
    int status = smallest ? tensor_item(smallest, &least) : -1;
    tensor_release(smallest);
    tensor_release(last);
    if (status == 0 && least.i < 0) {
        error_set(ERROR_RUNTIME, "repeats can not be negative");
        return -1;
    }
    return status ? -1 : total.i;
}

/* The same on a GPU: result i is the first index up to which there are more than i. */
static struct tensor *interleave_on_device(struct tensor *counts, struct maybe_int output_size)
{
    struct device device = counts->storage->device;
    struct tensor *so_far, *numbers = NULL, *result = NULL;
    int64_t total;

    if (counts->numel == 0)
        return new_like(counts, 1, &counts->numel);
    so_far = tensor_cumsum(counts, 0, DTYPE_I64);
    total = so_far ? device_total(counts, so_far, output_size) : -1;
    if (total >= 0)
        numbers = tensor_arange(scalar_int(total), DTYPE_I64, device);
    if (numbers)
        result = tensor_searchsorted(so_far, numbers, counts->dtype == DTYPE_I32, true, NULL, NULL);
    tensor_release(numbers);
    tensor_release(so_far);
    return result;
}

/* [2, 0, 1] → [0, 0, 2]: the indices that repeat_interleave() of a tensor then selects. */
struct tensor *body_repeat_interleave_counts(struct tensor *out, struct tensor *repeats,
                                             struct maybe_int output_size)
{
    struct tensor *counts, *result = NULL;

    (void)out;
    if (check_counts(repeats) || !(counts = call_contiguous(repeats)))
        return NULL;
    if (!tensor_on_cpu(counts)) {
        result = interleave_on_device(counts, output_size);
        tensor_release(counts);
        return result;
    }
    bool wide = counts->dtype == DTYPE_I64;
    const void *items = tensor_ptr(counts);
    int64_t n = counts->numel;
    int64_t total = wide ? interleave_i64_total(items, n) : interleave_i32_total(items, n);
    if (total < 0)
        error_set(ERROR_RUNTIME, "repeats can not be negative");
    else if (output_size.has && output_size.value != total)
        error_set(ERROR_RUNTIME, "allocated size does not match required size");
    else
        result = new_like(counts, 1, &total);
    if (result && total > 0 &&
        (wide ? interleave_i64(tensor_ptr(result), items, n)
              : interleave_i32(tensor_ptr(result), items, n)))
        tensor_clear(&result);
    tensor_release(counts);
    return result;
}

/* The counts with one for each element along the dim. */
static struct tensor *spread_counts(struct tensor *repeats, const struct tensor *self, int64_t dim)
{
    if (repeats->dims > 1) {
        error_set(ERROR_RUNTIME, "repeats must be 0-dim or 1-dim tensor");
        return NULL;
    }
    if (self->dims == 0) {
        error_set(ERROR_INDEX, "Dimension specified as %lld but tensor has no dimensions",
                  (long long)dim);
        return NULL;
    }
    int64_t length = self->sizes[dim];
    if (repeats->dims == 0 || (repeats->dims == 1 && repeats->sizes[0] == 1)) {
        struct tensor *flat = tensor_reshape(repeats, INTS(1));
        struct tensor *wide = flat ? tensor_expand(flat, INTS(length), false) : NULL;
        tensor_release(flat);
        return wide;
    }
    if (repeats->sizes[0] != length) {
        error_set(ERROR_RUNTIME,
                  "repeats must have the same size as input along dim, but got repeats.size(0) = "
                  "%lld and input.size(%lld) = %lld",
                  (long long)repeats->sizes[0], (long long)dim, (long long)length);
        return NULL;
    }
    return tensor_retain(repeats);
}

struct tensor *compose_repeat_interleave_tensor(struct tensor *self, struct tensor *repeats,
                                                struct maybe_int dim, struct maybe_int output_size)
{
    struct tensor *flat = dim.has ? tensor_retain(self) : tensor_flatten(self, 0, -1);
    struct tensor *counts = NULL, *places = NULL, *result = NULL;
    int64_t along = dim.has ? dim.value : 0;

    if (!flat)
        goto done;
    if (flat->dims && shape_wrap_dim(&along, flat->dims))
        goto done;
    counts = spread_counts(repeats, flat, along);
    places = counts ? tensor_repeat_interleave_counts(counts, output_size) : NULL;
    result = places ? tensor_index_select(flat, along, places) : NULL;
done:
    tensor_release(places);
    tensor_release(counts);
    tensor_release(flat);
    return result;
}

/* --- roll --- */

static int check_roll(const struct tensor *self, struct ints shifts, struct ints dims)
{
    int dim_count = dims.count < 0 ? 0 : dims.count;

    if (shifts.count <= 0) {
        error_set(ERROR_RUNTIME, "`shifts` required");
        return -1;
    }
    if (shifts.count != dim_count && !(dim_count == 0 && shifts.count == 1)) {
        error_set(ERROR_RUNTIME, "shifts and dimensions must align. shifts: %d, dims:%d",
                  shifts.count, dim_count);
        return -1;
    }
    if (dim_count && self->dims == 0 && self->numel) {
        return shape_wrap_sized_dim(&(int64_t){dims.items[0]}, 0);
    }
    return 0;
}

static int64_t wrap_shift(int64_t shift, int64_t size)
{
    shift = size ? shift % size : 0;
    return shift < 0 ? shift + size : shift;
}

static struct tensor *part(struct tensor *self, int64_t dim, int64_t from, int64_t to)
{
    return alias_slice(self, dim, (struct maybe_int){true, from}, (struct maybe_int){true, to}, 1);
}

/* Copies source to target (both taken), rolled in the dims from `dim` on: two blocks for each. */
static int roll_blocks(struct tensor *target, struct tensor *source, const int64_t *shifts, int dim)
{
    if (!target || !source)
        return copy_taken(target, source);
    while (dim < source->dims && shifts[dim] == 0)
        dim++;
    if (dim == source->dims)
        return copy_taken(target, source);
    int64_t size = source->sizes[dim], shift = shifts[dim];
    int status = roll_blocks(part(target, dim, shift, size), part(source, dim, 0, size - shift),
                             shifts, dim + 1);
    if (status == 0)
        status = roll_blocks(part(target, dim, 0, shift), part(source, dim, size - shift, size),
                             shifts, dim + 1);
    tensor_release(target);
    tensor_release(source);
    return status;
}

/* The elements as one row, which rolling without dims moves. */
static int roll_flat(struct tensor *result, struct tensor *self, int64_t shift)
{
    int64_t shifts[1] = {wrap_shift(shift, self->numel)};
    struct tensor *dense = call_contiguous(self);
    int status = -1;

    if (dense)
        status = roll_blocks(alias_view(result, INTS(-1)), alias_view(dense, INTS(-1)), shifts, 0);
    tensor_release(dense);
    return status;
}

/* Shifts of one dim that is named twice add up. */
struct tensor *body_roll(struct tensor *out, struct tensor *self, struct ints shifts,
                         struct ints dims)
{
    int64_t wrapped[TENSOR_MAX_DIMS] = {0};
    struct tensor *result;

    (void)out;
    if (check_roll(self, shifts, dims))
        return NULL;
    for (int i = 0; i < dims.count; i++) {
        int64_t dim = dims.items[i];
        if (shape_wrap_dim(&dim, self->dims))
            return NULL;
        wrapped[dim] = wrap_shift(wrapped[dim] + wrap_shift(shifts.items[i], self->sizes[dim]),
                                  self->sizes[dim]);
    }
    if (self->numel == 0)
        return body_clone(NULL, self, MEMORY_PRESERVE);
    result = new_like(self, self->dims, self->sizes);
    if (!result)
        return NULL;
    int status = dims.count > 0
                     ? roll_blocks(tensor_retain(result), tensor_retain(self), wrapped, 0)
                     : roll_flat(result, self, shifts.items[0]);
    if (status)
        tensor_clear(&result);
    return result;
}

/* --- flip --- */

/* A view that reads the marked dims backwards; its negative strides are for copies alone. */
static struct tensor *backwards(struct tensor *self, const bool *flipped)
{
    struct tensor *view = tensor_alias(self, self->dims, self->sizes, self->strides, self->offset);

    for (int i = 0; view && i < self->dims; i++)
        if (flipped[i] && self->sizes[i] > 0) {
            view->offset += (self->sizes[i] - 1) * self->strides[i];
            view->strides[i] = -self->strides[i];
        }
    return view;
}

static struct tensor *flip_dims(struct tensor *self, const bool *flipped)
{
    int64_t strides[TENSOR_MAX_DIMS];
    struct tensor *result;

    shape_preserved_strides(self->dims, self->sizes, self->strides, strides);
    result = tensor_new_strided((enum dtype)self->dtype, self->storage->device, self->dims,
                                self->sizes, strides);
    if (result && result->numel && copy_taken(tensor_retain(result), backwards(self, flipped)))
        tensor_clear(&result);
    return result;
}

struct tensor *body_flip(struct tensor *out, struct tensor *self, struct ints dims)
{
    bool flipped[TENSOR_MAX_DIMS + 1] = {false};

    (void)out;
    if (dims.count > 0 && shape_reduced_dims(self->dims, dims, flipped))
        return NULL;
    return flip_dims(self, flipped);
}

struct tensor *compose_fliplr(struct tensor *self)
{
    if (self->dims < 2) {
        error_set(ERROR_RUNTIME, "Input must be >= 2-d.");
        return NULL;
    }
    return tensor_flip(self, INTS(1));
}

struct tensor *compose_flipud(struct tensor *self)
{
    if (self->dims < 1) {
        error_set(ERROR_RUNTIME, "Input must be >= 1-d.");
        return NULL;
    }
    return tensor_flip(self, INTS(0));
}

/* --- rot90 --- */

static int check_rot90(const struct tensor *self, struct ints dims, int64_t *plane)
{
    if (dims.count != 2) {
        error_set(ERROR_RUNTIME, "expected total rotation dims == 2, but got dims = %d",
                  dims.count);
        return -1;
    }
    if (self->dims < 2) {
        error_set(ERROR_RUNTIME, "expected total dims >= 2, but got total dims = %d", self->dims);
        return -1;
    }
    plane[0] = dims.items[0];
    plane[1] = dims.items[1];
    if (plane[0] == plane[1] || plane[0] - plane[1] == self->dims ||
        plane[1] - plane[0] == self->dims) {
        error_set(ERROR_RUNTIME,
                  "expected rotation dims to be different, but got dim0 = %lld and dim1 = %lld",
                  (long long)plane[0], (long long)plane[1]);
        return -1;
    }
    return shape_wrap_dim(&plane[0], self->dims) || shape_wrap_dim(&plane[1], self->dims) ? -1 : 0;
}

/* A quarter turn is a flip and a transposition, which costs nothing: the strides show it. */
struct tensor *body_rot90(struct tensor *out, struct tensor *self, int64_t k, struct ints dims)
{
    bool flipped[TENSOR_MAX_DIMS] = {false};
    int64_t plane[2];
    int turns = (int)((k % 4 + 4) % 4);

    (void)out;
    if (check_rot90(self, dims.count < 0 ? INTS(0, 1) : dims, plane))
        return NULL;
    if (turns == 0)
        return body_clone(NULL, self, MEMORY_CONTIGUOUS);
    flipped[plane[1]] = turns != 3;
    flipped[plane[0]] = turns != 1;
    struct tensor *turned = flip_dims(self, flipped);
    if (!turned || turns == 2)
        return turned;
    struct tensor *result = alias_transpose(turned, plane[0], plane[1]);
    tensor_release(turned);
    return result;
}

/* --- block_diag --- */

static int64_t rows_of(const struct tensor *block)
{
    return block->dims == 2 ? block->sizes[0] : 1;
}

static int64_t columns_of(const struct tensor *block)
{
    return block->dims ? block->sizes[block->dims - 1] : 1;
}

static int copy_block(struct tensor *result, struct tensor *block, int64_t row, int64_t column)
{
    struct tensor *rows = part(result, 0, row, row + rows_of(block));
    struct tensor *target = rows ? part(rows, 1, column, column + columns_of(block)) : NULL;
    struct tensor *source = alias_expand(block, INTS(rows_of(block), columns_of(block)), true);

    tensor_release(rows);
    return copy_taken(target, source);
}

/* Vectors and numbers count as matrices of one row. */
struct tensor *body_block_diag(struct tensor *out, struct tensors tensors)
{
    static const int64_t nothing[2] = {1, 0}; /* the shape of no blocks at all */
    int64_t sizes[2] = {0, 0};
    struct device device;

    (void)out;
    for (int i = 0; i < tensors.count; i++) {
        if (tensors.items[i]->dims > 2) {
            error_set(ERROR_RUNTIME,
                      "torch.block_diag: Input tensors must have 2 or fewer dimensions. Input %d "
                      "has %d dimensions",
                      i, tensors.items[i]->dims);
            return NULL;
        }
        sizes[0] += rows_of(tensors.items[i]);
        sizes[1] += columns_of(tensors.items[i]);
    }
    if (tensors.count == 0)
        return tensor_new(dtype_default(), DEVICE_DEFAULT, 2, nothing);
    if (call_device(tensors.items, tensors.count, &device))
        return NULL;
    struct tensor *result =
        tensor_new(dtype_result(tensors.items, tensors.count), device, 2, sizes);
    int status = result ? backend_of(device)->fill(result, scalar_int(0)) : -1;
    int64_t row = 0, column = 0;
    for (int i = 0; i < tensors.count && status == 0; i++) {
        status = copy_block(result, tensors.items[i], row, column);
        row += rows_of(tensors.items[i]);
        column += columns_of(tensors.items[i]);
    }
    if (status)
        tensor_clear(&result);
    return result;
}
