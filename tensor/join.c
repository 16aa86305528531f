/* cat and stack. Declared in op_functions.h. */
#include "op_functions.h"

#include <string.h>

#include "backend.h"
#include "call.h"
#include "shape.h"

/* Results up to this size are copied here and now; larger ones by the backend, on several threads.
 */
#define SMALL_BYTES (64 * 1024)

/* One dim of the result, filled with items side by side. */
struct join {
    struct tensor *result;
    int dim;
    bool stacks;  /* every item takes one place of a dim that it lacks */
    int64_t next; /* place along dim */
};

static struct tensor *part_of(const struct join *join, const struct tensor *item)
{
    const struct tensor *result = join->result;
    int64_t strides[TENSOR_MAX_DIMS];

    for (int i = 0; i < item->dims; i++)
        strides[i] = result->strides[join->stacks && i >= join->dim ? i + 1 : i];
    return tensor_alias(join->result, item->dims, item->sizes, strides,
                        result->offset + join->next * result->strides[join->dim]);
}

/* Both contiguous and of one dtype: rows of the item go into rows of the result. */
static void copy_small(const struct join *join, const struct tensor *item)
{
    size_t bytes = dtype_info[item->dtype].bytes;
    int64_t step = join->result->strides[join->dim];
    int64_t places = join->stacks ? 1 : item->sizes[join->dim];
    size_t row = (size_t)(places * step) * bytes;
    size_t pitch = (size_t)(join->result->sizes[join->dim] * step) * bytes;
    char *target = (char *)tensor_ptr(join->result) + (size_t)(join->next * step) * bytes;
    const char *source = tensor_ptr(item);

    for (int64_t rows = item->numel / (places * step); rows > 0;
         rows--, target += pitch, source += row)
        memmove(target, source, row); /* an item may lie in the same storage */
}

static int join_add(struct join *join, struct tensor *item)
{
    struct tensor *result = join->result;
    int status = 0;

    if (item->numel == 0)
        return 0;
    if (item->dtype == result->dtype &&
        result->numel * (int64_t)dtype_info[item->dtype].bytes <= SMALL_BYTES &&
        tensor_on_cpu(result) && tensor_is_contiguous(item) && tensor_is_contiguous(result)) {
        copy_small(join, item);
    } else {
        struct tensor *part = part_of(join, item);
        status = part ? backend_of(result->storage->device)->copy(part, item) : -1;
        tensor_release(part);
    }
    join->next += join->stacks ? 1 : item->sizes[join->dim];
    return status;
}

/* A new result, or `out` made fit for it. */
static struct tensor *join_result(struct tensor *out, struct tensors list,
                                  const struct shape *shape, const char *op)
{
    struct device device;
    enum dtype dtype = dtype_result(list.items, list.count);

    if (call_device(list.items, list.count, &device))
        return NULL;
    if (!out)
        return tensor_new(dtype, device, shape->dims, shape->sizes);
    if (!dtype_can_cast(dtype, (enum dtype)out->dtype)) {
        error_set(ERROR_TYPE,
                  "torch.cat(): input types can't be cast to the desired output type %s",
                  dtype_info[out->dtype].class_name);
        return NULL;
    }
    for (int i = 0; i < list.count; i++)
        if (call_check_apart(out, list.items[i]))
            return NULL;
    if (call_prepare_out(out, shape, (enum dtype)out->dtype, op) || call_check_writable(out))
        return NULL;
    return tensor_retain(out);
}

static struct tensor *join_all(struct join *join, struct tensors list)
{
    if (join->result)
        for (int i = 0; i < list.count; i++)
            if (join_add(join, list.items[i])) {
                tensor_clear(&join->result);
                break;
            }
    return join->result;
}

struct tensor *body_cat(struct tensor *out, struct tensors tensors, int64_t dim)
{
    struct shape shape;

    if (shape_cat(&shape, tensors, dim))
        return NULL;
    dim = shape.dims == 1 ? 0 : dim < 0 ? dim + shape.dims : dim;
    struct join join = {.result = join_result(out, tensors, &shape, "cat"), .dim = (int)dim};
    return join_all(&join, tensors);
}

static int shape_stack(struct shape *shape, struct tensors list, int64_t *dim)
{
    const struct tensor *first = list.count ? list.items[0] : NULL;
    char first_text[512], other_text[512];

    if (!first) {
        error_set(ERROR_RUNTIME, "stack expects a non-empty TensorList");
        return -1;
    }
    /* the result of a 0-d stack has one dim; "-2" is then out of range as for any tensor of one dim
     */
    if (shape_wrap_dim(dim, first->dims + 1))
        return -1;
    for (int i = 1; i < list.count; i++)
        if (!shape_equal(tensor_shape(first), tensor_shape(list.items[i]))) {
            error_set(ERROR_RUNTIME,
                      "stack expects each tensor to be equal size, but got %s at entry 0 and %s at "
                      "entry %d",
                      shape_text(tensor_shape(first), first_text, sizeof first_text),
                      shape_text(tensor_shape(list.items[i]), other_text, sizeof other_text), i);
            return -1;
        }
    if (first->dims >= TENSOR_MAX_DIMS) {
        error_set(ERROR_RUNTIME, "number of dims can't be greater than %d, found %d",
                  TENSOR_MAX_DIMS, first->dims + 1);
        return -1;
    }
    shape->dims = first->dims + 1;
    for (int i = 0; i < shape->dims; i++)
        shape->sizes[i] = i == *dim ? list.count : first->sizes[i < *dim ? i : i - 1];
    return 0;
}

struct tensor *body_stack(struct tensor *out, struct tensors tensors, int64_t dim)
{
    struct shape shape;

    if (shape_stack(&shape, tensors, &dim) ||
        (out && call_prepare_out(out, &shape, (enum dtype)out->dtype, "stack")))
        return NULL;
    struct join join = {
        .result = join_result(out, tensors, &shape, "stack"), .dim = (int)dim, .stacks = true};
    return join_all(&join, tensors);
}

/* --- joins that first give their tensors more dims --- */

typedef struct tensor *(*widen_fn)(struct tensor *self);

/* cat() of every tensor widened; `op` stands in the error for none. */
static struct tensor *join_widened(struct tensors tensors, widen_fn widen, int64_t dim,
                                   const char *op)
{
    struct tensor *result = NULL;
    struct tensor_list wide = {NULL, 0};

    if (tensors.count == 0) {
        error_set(ERROR_RUNTIME, "%s expects a non-empty TensorList", op);
        return NULL;
    }
    wide.items = mem_alloc((size_t)tensors.count * sizeof *wide.items);
    if (!wide.items)
        return NULL;
    for (; wide.count < tensors.count; wide.count++)
        if (!(wide.items[wide.count] = widen(tensors.items[wide.count])))
            goto done;
    result = tensor_cat((struct tensors){wide.items, wide.count}, dim);
done:
    tensor_list_release(&wide);
    return result;
}

static struct tensor *widen_to_column(struct tensor *self)
{
    return self->dims < 2 ? tensor_reshape(self, INTS(self->numel, 1)) : tensor_retain(self);
}

struct tensor *compose_hstack(struct tensors tensors)
{
    bool flat = tensors.count > 0 && tensors.items[0]->dims < 2;

    return join_widened(tensors, atleast_1d, !flat, "hstack");
}

struct tensor *compose_vstack(struct tensors tensors)
{
    return join_widened(tensors, atleast_2d, 0, "vstack");
}

struct tensor *compose_dstack(struct tensors tensors)
{
    return join_widened(tensors, atleast_3d, 2, "dstack");
}

struct tensor *compose_column_stack(struct tensors tensors)
{
    return join_widened(tensors, widen_to_column, 1, "column_stack");
}
