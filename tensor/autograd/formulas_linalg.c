/* Derivatives of matrix products, from d(a b) = da b + a db. The gradient of a matrix that is
 * stored by columns is made by columns, so that it can be added to without a copy; a transpose is
 * always a view. */
#include "op_functions.h"
#include "../shape.h"
#include "node.h"

/* Takes `whole`; NULL stays NULL. */
static struct tensor *taken_t(struct tensor *whole)
{
    struct tensor *turned = whole ? tensor_t(whole) : NULL;
    tensor_release(whole);
    return turned;
}

static bool is_by_columns(struct ints sizes, struct ints strides)
{
    return strides.items[0] == 1 && strides.items[1] == sizes.items[0];
}

/* alpha a b, with a or b turned first; or, `by_columns`, the same as (bᵀ aᵀ)ᵀ. */
static struct tensor *product(struct tensor *a, bool turn_a, struct tensor *b, bool turn_b,
                              bool by_columns, struct scalar alpha)
{
    struct tensor *left = by_columns != turn_a ? tensor_t(a) : tensor_retain(a);
    struct tensor *right = left ? (by_columns != turn_b ? tensor_t(b) : tensor_retain(b)) : NULL;
    struct tensor *result = NULL;
    if (right) {
        result = by_columns ? taken_t(tensor_mm(right, left)) : tensor_mm(left, right);
    }
    struct tensor *scaled = result ? tensor_scaled(result, alpha) : NULL;
    tensor_release(left);
    tensor_release(right);
    tensor_release(result);
    return scaled;
}

struct tensor *compose_mm_left_grad(struct tensor *grad, struct tensor *mat2, struct ints sizes,
                                    struct ints strides, struct scalar alpha)
{
    return product(grad, false, mat2, true, is_by_columns(sizes, strides), alpha);
}

struct tensor *compose_mm_right_grad(struct tensor *grad, struct tensor *mat1, struct ints sizes,
                                     struct ints strides, struct scalar alpha)
{
    return product(mat1, true, grad, false, is_by_columns(sizes, strides), alpha);
}

struct tensor *compose_expand_batch(struct tensor *grad, struct ints sizes)
{
    struct tensor *one = tensor_unsqueeze(grad, 0);
    int64_t wide[] = {sizes.items[0], grad->sizes[0], grad->sizes[1]};
    struct tensor *result = one ? tensor_expand(one, (struct ints){wide, 3}, false) : NULL;
    tensor_release(one);
    return result;
}
