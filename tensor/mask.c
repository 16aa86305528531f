/* Elements chosen by truth values: masked_fill, masked_select, masked_scatter, nonzero. body_* lie
 * below autograd, compose_* above it. */
#include "op_functions.h"

#include <string.h>

#include "backend.h"
#include "call.h"
#include "cpu/gather_kernels.h"
#include "shape.h"

/* Elements of a mask that one piece of parallel work has at least, and at most pieces. */
#define GRAIN 65536
#define MAX_PIECES 64
/* short rows between two polls for interrupts */
#define ROWS 64

static int broadcast_two(struct shape *shape, struct tensor *self, struct tensor *mask)
{
    return shape_broadcast_list(shape, (struct tensor *[]){mask, self}, 2);
}

/* `self` stretched to the shape, contiguous (new reference). */
static struct tensor *spread(struct tensor *self, const struct shape *shape)
{
    struct tensor *wide = alias_expand(self, (struct ints){shape->sizes, shape->dims}, true);
    struct tensor *dense = wide ? call_contiguous(wide) : NULL;

    tensor_release(wide);
    return dense;
}

/* The same, always a copy. */
static struct tensor *spread_copy(struct tensor *self, const struct shape *shape)
{
    struct tensor *wide = alias_expand(self, (struct ints){shape->sizes, shape->dims}, true);
    struct tensor *copy = wide ? body_clone(NULL, wide, MEMORY_CONTIGUOUS) : NULL;

    tensor_release(wide);
    return copy;
}

/* --- masked_fill --- */

static const struct pointwise_op fill_op = {.name = "masked_fill",
                                            .kernel_name = "masked_fill",
                                            .id = POINTWISE_WHERE,
                                            .types = TYPES_ARITH,
                                            .bool_inputs = 1};

static int check_fill_mask(const struct tensor *mask)
{
    if (mask->dtype == DTYPE_BOOL)
        return 0;
    error_set(ERROR_RUNTIME, "masked_fill_ only supports boolean masks, but got mask with dtype %s",
              call_c_name((enum dtype)mask->dtype));
    return -1;
}

/* A contiguous copy of self, stretched where the mask is larger. */
static struct tensor *copy_for_mask(struct tensor *self, struct tensor *mask)
{
    struct shape shape;

    return broadcast_two(&shape, self, mask) ? NULL : spread_copy(self, &shape);
}

static int warn_overlap(const struct tensor *out)
{
    if (!out || !shape_overlaps_itself(out->dims, out->sizes, out->strides))
        return 0;
    return warning_emit("Use of masked_fill_ on expanded tensors is deprecated. Please clone() the "
                        "tensor before performing this operation. This also applies to advanced "
                        "indexing e.g. tensor[mask] = scalar");
}

/* As where(mask, value, self): it touches every element, but without a branch. */
struct tensor *body_masked_fill(struct tensor *out, struct tensor *self, struct tensor *mask,
                                struct scalar value)
{
    struct tensor *result = NULL, *target, *number = NULL;
    struct shape shape;

    if (out && shape_broadcast_list(&shape, (struct tensor *[]){self, mask}, 2))
        return NULL;
    target = out ? tensor_retain(out) : copy_for_mask(self, mask);
    if (target && (check_fill_mask(mask) || warn_overlap(out)))
        tensor_clear(&target);
    number = target ? call_number((enum dtype)self->dtype, value) : NULL;
    /* an expanded tensor may be filled, though not by an elementwise op */
    if (number && shape_overlaps_itself(target->dims, target->sizes, target->strides)) {
        struct tensor *full =
            call_pointwise(&fill_op, NULL, (struct tensor *[]){mask, number, target}, 3, NULL);
        if (full && backend_of(target->storage->device)->copy(target, full) == 0)
            result = tensor_retain(target);
        tensor_release(full);
    } else if (number) {
        result =
            call_pointwise(&fill_op, target, (struct tensor *[]){mask, number, target}, 3, NULL);
    }
    tensor_release(number);
    tensor_release(target);
    return result;
}

struct tensor *body_masked_fill_tensor(struct tensor *out, struct tensor *self, struct tensor *mask,
                                       struct tensor *value)
{
    struct scalar number;

    if (value->dims) {
        error_set(ERROR_RUNTIME,
                  "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with %d "
                  "dimension(s).",
                  value->dims);
        return NULL;
    }
    return tensor_item(value, &number) ? NULL : body_masked_fill(out, self, mask, number);
}

/* --- pieces of a mask: how many elements each chooses, so that threads know where to write --- */

struct pieces {
    const uint8_t *mask; /* contiguous */
    int64_t numel, count, total;
    int64_t starts[MAX_PIECES + 1]; /* elements chosen before each piece */
    const char *source;
    char *target;
    size_t bytes;
    struct work work;
};

static int64_t piece_begin(const struct pieces *pieces, int64_t piece)
{
    return pieces->numel / pieces->count * piece;
}

static int64_t piece_end(const struct pieces *pieces, int64_t piece)
{
    return piece == pieces->count - 1 ? pieces->numel : piece_begin(pieces, piece + 1);
}

static void count_pieces(void *arg, int64_t begin, int64_t end)
{
    struct pieces *pieces = arg;

    for (; begin < end && work_goes_on(&pieces->work); begin++) {
        int64_t from = piece_begin(pieces, begin);
        pieces->starts[begin + 1] =
            gather_kernels()->mask_count(pieces->mask + from, piece_end(pieces, begin) - from);
    }
}

/* Counts; 0 or -1 (interrupted). */
static int pieces_init(struct pieces *pieces, const struct tensor *mask)
{
    *pieces = (struct pieces){.mask = tensor_ptr(mask), .numel = mask->numel};
    pieces->count = mask->numel / GRAIN + 1;
    if (pieces->count > MAX_PIECES)
        pieces->count = MAX_PIECES;
    work_start(&pieces->work);
    if (mask->numel)
        parallel_for(0, pieces->count, 1, count_pieces, pieces);
    for (int64_t i = 0; i < pieces->count; i++)
        pieces->starts[i + 1] += pieces->starts[i];
    pieces->total = pieces->starts[pieces->count];
    return work_result(&pieces->work);
}

/* --- masked_select --- */

static void keep_pieces(void *arg, int64_t begin, int64_t end)
{
    struct pieces *pieces = arg;
    int64_t bytes = (int64_t)pieces->bytes;

    for (; begin < end && work_goes_on(&pieces->work); begin++) {
        int64_t from = piece_begin(pieces, begin), start = pieces->starts[begin];
        gather_kernels()->keep[gather_size(pieces->bytes)](
            pieces->target + start * bytes, pieces->source + from * bytes, pieces->mask + from,
            pieces->starts[begin + 1] - start);
    }
}

/* Each thread begins to write where the elements before its piece end. */
static struct tensor *select_dense(const struct tensor *self, const struct tensor *mask)
{
    struct pieces pieces;

    if (pieces_init(&pieces, mask))
        return NULL;
    struct tensor *result =
        tensor_new((enum dtype)self->dtype, self->storage->device, 1, &pieces.total);
    if (!result || pieces.total == 0)
        return result;
    pieces.source = tensor_ptr(self);
    pieces.target = tensor_ptr(result);
    pieces.bytes = dtype_info[self->dtype].bytes;
    parallel_for(0, pieces.count, 1, keep_pieces, &pieces);
    if (work_result(&pieces.work))
        tensor_clear(&result);
    return result;
}

/* Both are stretched and contiguous before, so that a piece of the mask is a piece of self. */
struct tensor *body_masked_select(struct tensor *out, struct tensor *self, struct tensor *mask)
{
    struct tensor *values = NULL, *dense = NULL, *result = NULL;
    struct shape shape;

    if (mask->dtype != DTYPE_BOOL) {
        error_set(ERROR_RUNTIME, "masked_select: expected BoolTensor for mask");
        return NULL;
    }
    if (out && out->dtype != self->dtype) {
        error_set(ERROR_RUNTIME, "masked_select(): self and result must have the same scalar type");
        return NULL;
    }
    if ((out && call_check_writable(out)) || broadcast_two(&shape, self, mask))
        return NULL;
    values = spread(self, &shape);
    dense = values ? spread(mask, &shape) : NULL;
    if (dense)
        result = select_dense(values, dense);
    tensor_release(dense);
    tensor_release(values);
    return call_deliver(out, result, "masked_select");
}

/* --- masked_scatter --- */

static int check_masked_scatter(const struct tensor *self, const struct tensor *mask,
                                const struct tensor *source)
{
    if (source->dtype != self->dtype) {
        error_set(ERROR_RUNTIME,
                  "masked_scatter: expected self and source to have same dtypes but got%s and %s",
                  dtype_info[self->dtype].class_name, dtype_info[source->dtype].class_name);
        return -1;
    }
    if (mask->dtype != DTYPE_BOOL) {
        error_set(ERROR_RUNTIME,
                  "masked_scatter_ only supports boolean masks, but got mask with dtype %s",
                  dtype_info[mask->dtype].class_name);
        return -1;
    }
    return 0;
}

/* In place the mask must fit self as it is. */
static int check_mask_fits(const struct tensor *self, const struct tensor *mask)
{
    char own[512], wanted[512];

    if (mask->dims <= self->dims)
        return 0;
    error_set(ERROR_RUNTIME,
              "expand(CPUBoolType{%s}, size=%s): the number of sizes provided (%d) must be greater "
              "or equal to the number of dimensions in the tensor (%d)",
              shape_text(tensor_shape(mask), own, sizeof own),
              shape_text(tensor_shape(self), wanted, sizeof wanted), self->dims, mask->dims);
    return -1;
}

static void spend_pieces(void *arg, int64_t begin, int64_t end)
{
    struct pieces *pieces = arg;
    int64_t bytes = (int64_t)pieces->bytes;

    for (; begin < end && work_goes_on(&pieces->work); begin++) {
        int64_t from = piece_begin(pieces, begin), start = pieces->starts[begin];
        gather_kernels()->spend[gather_size(pieces->bytes)](
            pieces->target + from * bytes, pieces->source + start * bytes, pieces->mask + from,
            pieces->starts[begin + 1] - start);
    }
}

/* target[mask] = source in order; all contiguous. */
static int scatter_dense(struct tensor *target, const struct tensor *mask,
                         const struct tensor *source)
{
    struct pieces pieces;

    if (pieces_init(&pieces, mask))
        return -1;
    if (source->numel < pieces.total) {
        error_set(ERROR_RUNTIME, "Number of elements of source < number of ones in mask");
        return -1;
    }
    if (pieces.total == 0)
        return 0;
    pieces.source = tensor_ptr(source);
    pieces.target = tensor_ptr(target);
    pieces.bytes = dtype_info[target->dtype].bytes;
    parallel_for(0, pieces.count, 1, spend_pieces, &pieces);
    return work_result(&pieces.work);
}

/* Whether `out` can be written while mask and source are read. */
static bool is_swept(const struct tensor *out, const struct tensor *mask,
                     const struct tensor *source)
{
    return out && tensor_is_contiguous(out) && out->storage != mask->storage &&
           out->storage != source->storage;
}

/* What cannot be written in one sweep is written in a contiguous copy, and copied back. */
struct tensor *body_masked_scatter(struct tensor *out, struct tensor *self, struct tensor *mask,
                                   struct tensor *source)
{
    struct tensor *values = NULL, *dense = NULL, *from = NULL, *result = NULL;
    struct shape shape;

    if (check_masked_scatter(self, mask, source) || (out && check_mask_fits(self, mask)))
        return NULL;
    if (out && call_check_writable(out))
        return NULL;
    if (out)
        shape_like(&shape, self);
    else if (broadcast_two(&shape, self, mask))
        return NULL;
    dense = spread(mask, &shape);
    from = dense ? call_contiguous(source) : NULL;
    if (from)
        values = is_swept(out, dense, from) ? tensor_retain(out) : spread_copy(self, &shape);
    if (values && scatter_dense(values, dense, from) == 0)
        result = tensor_retain(values);
    if (result && out && out != result) {
        int status = backend_of(out->storage->device)->copy(out, result);
        tensor_release(result);
        result = status ? NULL : tensor_retain(out);
    }
    tensor_release(values);
    tensor_release(from);
    tensor_release(dense);
    return result;
}

/* --- nonzero --- */

/* Room for `count` places of `dims` coordinates, all first ones first; and one element more, since
 * the kernel writes ahead. */
static struct tensor *new_places(int64_t count, int dims)
{
    int64_t room = count * dims + 1;
    struct tensor *flat = tensor_new(DTYPE_I64, (struct device){DEVICE_CPU, 0}, 1, &room);
    struct tensor *places =
        flat ? tensor_alias(flat, 2, (int64_t[]){count, dims}, (int64_t[]){1, count}, 0) : NULL;

    tensor_release(flat);
    return places;
}

/* Writes the coordinates of every true element, row by row: 0, or -1 (interrupted). */
static int write_places(const struct tensor *mask, int64_t count, int64_t *places)
{
    const uint8_t *bytes = tensor_ptr(mask);
    int64_t at[TENSOR_MAX_DIMS] = {0};
    int last = mask->dims - 1;
    int64_t row = mask->sizes[last], done = 0;
    struct work work;

    work_start(&work);
    for (int64_t from = 0, rows = 0; from < mask->numel; from += row, rows++) {
        if (rows % ROWS == ROWS - 1 && !work_goes_on(&work))
            return -1;
        for (int64_t at_row = 0, end; (end = work_block(&work, at_row, row)) > at_row;
             at_row = end) {
            int64_t found = gather_kernels()->mask_offsets(bytes + from + at_row, end - at_row,
                                                           at_row, 1, places + last * count + done);
            for (int dim = 0; dim < last; dim++)
                for (int64_t i = done; i < done + found; i++)
                    places[dim * count + i] = at[dim];
            done += found;
        }
        for (int dim = last - 1; dim >= 0 && ++at[dim] == mask->sizes[dim]; dim--)
            at[dim] = 0;
    }
    return work_result(&work);
}

/* Puts places (taken) into `out`, which takes over their layout when it is resized. */
static struct tensor *store_places(struct tensor *out, struct tensor *places)
{
    bool fits = shape_equal(tensor_shape(out), tensor_shape(places));
    struct tensor *result = NULL;
    struct shape shape;

    shape_like(&shape, places);
    if (call_prepare_out(out, &shape, DTYPE_I64, "nonzero") == 0) {
        if (!fits)
            memcpy(out->strides, places->strides, sizeof(int64_t[2]));
        if (backend_of(out->storage->device)->copy(out, places) == 0)
            result = tensor_retain(out);
    }
    tensor_release(places);
    return result;
}

struct tensor *body_nonzero(struct tensor *out, struct tensor *self)
{
    struct tensor *mask, *places = NULL;
    struct pieces pieces;

    if (out && out->dtype != DTYPE_I64) {
        error_set(ERROR_RUNTIME,
                  "nonzero: Expected out tensor to have scalar type Long but got scalar type%s",
                  dtype_info[out->dtype].class_name);
        return NULL;
    }
    if (out && call_check_writable(out))
        return NULL;
    mask = call_dense(self, DTYPE_BOOL);
    if (mask && pieces_init(&pieces, mask) == 0) {
        places = new_places(pieces.total, mask->dims);
        if (places && places->numel && write_places(mask, pieces.total, tensor_ptr(places)))
            tensor_clear(&places);
    }
    tensor_release(mask);
    return places && out ? store_places(out, places) : places;
}

struct tensor *compose_argwhere(struct tensor *self)
{
    return tensor_nonzero(self);
}

int compose_nonzero_numpy(struct tensor *condition, struct tensor_list *result)
{
    struct tensor *wide =
        condition->dims ? tensor_retain(condition) : tensor_unsqueeze(condition, 0);
    struct tensor *places = wide ? tensor_nonzero(wide) : NULL;
    int status = places ? tensor_unbind(places, 1, result) : -1;

    tensor_release(places);
    tensor_release(wide);
    return status;
}
