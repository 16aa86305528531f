/* Derivatives of ops that rearrange elements: their inverses, and sums where an element went to
 * several places. */
#include "../backend.h"
#include "../call.h"
#include "../shape.h"
#include "node.h"
#include "op_functions.h"

struct tensor *compose_narrow_grad(struct tensor *grad, struct ints sizes, int64_t dim,
                                   int64_t start, int64_t length)
{
    int64_t size = sizes.items[dim < 0 ? dim + sizes.count : dim];
    int64_t from = start < 0 ? start + size : start;
    return tensor__slice_grad(grad, sizes, dim, (struct maybe_int){true, from},
                              (struct maybe_int){true, from + length}, 1);
}

/* The gradient with the times that a dim was repeated as a dim of its own, summed over these. */
struct tensor *compose_repeat_grad(struct tensor *grad, struct ints sizes, struct ints repeats)
{
    struct shape apart = {.dims = 0};
    int64_t times[TENSOR_MAX_DIMS];
    int lead = repeats.count - sizes.count, count = 0;
    if (grad->numel == 0) {
        return tensor_zeros(sizes, (enum dtype)grad->dtype, grad->storage->device);
    }
    for (int i = 0; i < repeats.count && apart.dims < TENSOR_MAX_DIMS; i++) {
        if (repeats.items[i] != 1 || i < lead) {
            times[count++] = apart.dims;
            apart.sizes[apart.dims++] = repeats.items[i];
        }
        if (i >= lead && apart.dims < TENSOR_MAX_DIMS) {
            apart.sizes[apart.dims++] = sizes.items[i - lead];
        }
    }
    if (count == 0) {
        return tensor_retain(grad);
    }
    struct tensor *wide = tensor_reshape(grad, (struct ints){apart.sizes, apart.dims});
    struct tensor *sum =
        wide ? tensor_sum_dim(wide, (struct ints){times, count}, false, DTYPE_NONE) : NULL;
    tensor_release(wide);
    return sum;
}

struct tensor *compose_roll_grad(struct tensor *grad, struct ints shifts, struct ints dims)
{
    struct tensor *result = NULL;
    int64_t *back = mem_alloc((size_t)shifts.count * sizeof *back);
    if (!back) {
        return NULL;
    }
    for (int i = 0; i < shifts.count; i++) {
        back[i] = -shifts.items[i];
    }
    result = tensor_roll(grad, (struct ints){back, shifts.count}, dims);
    mem_free(back);
    return result;
}

struct tensor *compose_rot90_grad(struct tensor *grad, int64_t k, struct ints dims)
{
    return tensor_rot90(grad, -k, dims);
}

/* --- windows --- */

static const struct pointwise_op add_op = {
    .name = "add", .kernel_name = "add_stub", .id = POINTWISE_ADD, .types = TYPES_ARITH};

/* whole[…, start, start + step, …] += the elements at place `start` of all windows */
static int add_places(struct tensor *whole, struct tensor *grad, int64_t dim, int64_t start,
                      int64_t step)
{
    const struct scalar one[] = {scalar_int(1)};
    struct tensor *from = alias_select(grad, -1, start);
    struct tensor *rest =
        alias_slice(whole, dim, (struct maybe_int){true, start}, MAYBE_INT_NONE, step);
    struct tensor *to = rest ? alias_slice(rest, dim, (struct maybe_int){true, 0},
                                           (struct maybe_int){true, grad->sizes[dim]}, 1)
                             : NULL;
    struct tensor *sum = NULL;
    if (from && to) {
        sum = call_pointwise(&add_op, to, (struct tensor *[]){to, from}, 2, one);
    }
    int status = sum ? 0 : -1;
    tensor_release(sum);
    tensor_release(to);
    tensor_release(rest);
    tensor_release(from);
    return status;
}

struct tensor *body_unfold_grad(struct tensor *out, struct tensor *grad, struct ints sizes,
                                int64_t dim, int64_t size, int64_t step)
{
    (void)out; /* the op has no form that is given one */
    struct tensor *whole =
        tensor_new((enum dtype)grad->dtype, grad->storage->device, sizes.count, sizes.items);
    if (!whole || backend_of(whole->storage->device)->fill(whole, scalar_int(0))) {
        tensor_release(whole);
        return NULL;
    }
    int status = 0;
    if (sizes.count == 0) { /* one window of the only element */
        struct tensor *flat = alias_view(whole, INTS(1));
        status = flat && size ? backend_of(flat->storage->device)->copy(flat, grad) : flat ? 0 : -1;
        tensor_release(flat);
    } else if (shape_wrap_dim(&dim, sizes.count)) {
        status = -1;
    }
    for (int64_t i = 0; i < size && sizes.count && status == 0; i++) {
        status = add_places(whole, grad, dim, i, step);
    }
    if (status) {
        tensor_clear(&whole);
    }
    return whole;
}

/* --- block_diag --- */

/* The value of the node: for each tensor its number of dims and its sizes (node_save_sizes). */
int apply_block_diag(struct node *node, struct tensor *const *grads_in, struct tensor **grads_out)
{
    const int64_t *sizes = node->values[0].ints.items;
    int64_t row = 0, column = 0;
    for (int i = 0; i < node->edge_count; i++) {
        int dims = (int)*sizes++;
        int64_t height = dims == 2 ? sizes[0] : 1, width = dims ? sizes[dims - 1] : 1;
        if (node_needs(node, i)) {
            struct tensor *rows = tensor_slice(grads_in[0], 0, (struct maybe_int){true, row},
                                               (struct maybe_int){true, row + height}, 1);
            struct tensor *block = rows ? tensor_slice(rows, 1, (struct maybe_int){true, column},
                                                       (struct maybe_int){true, column + width}, 1)
                                        : NULL;
            if (block && dims < 2) {
                grads_out[i] = tensor_reshape(block, (struct ints){sizes, dims});
            } else {
                grads_out[i] = block ? tensor_retain(block) : NULL;
            }
            tensor_release(block);
            tensor_release(rows);
            if (!grads_out[i]) {
                return -1;
            }
        }
        row += height;
        column += width;
        sizes += dims;
    }
    return 0;
}
