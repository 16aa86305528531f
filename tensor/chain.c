/* Products of several matrices in the order that takes the fewest multiplications (the matrix chain
 * of Cormen et al., Introduction to Algorithms, 15.2). */
#include "call.h"
#include "op_functions.h"
#include "shape.h"

/* more matrices than anyone multiplies; the table of costs stays on the stack */
#define CHAIN_MAX 64

/* matrices[i] is (sizes[i], sizes[i + 1]); split[i][j]: the product of i … j is best made of i …
 * split and the rest. */
struct chain {
    struct tensor *matrices[CHAIN_MAX]; /* owned */
    int count;
    int64_t sizes[CHAIN_MAX + 1];
    int8_t split[CHAIN_MAX][CHAIN_MAX];
};

static void chain_release(struct chain *chain)
{
    for (int i = 0; i < chain->count; i++) {
        tensor_release(chain->matrices[i]);
    }
}

/* Of equal costs the shortest first part is taken, in chains of three the longest. */
static void choose_order(struct chain *chain)
{
    double cost[CHAIN_MAX][CHAIN_MAX] = {{0}};
    const int64_t *n = chain->sizes;
    for (int length = 1; length < chain->count; length++) {
        for (int i = 0; i + length < chain->count; i++) {
            int j = i + length;
            cost[i][j] = -1;
            for (int k = i; k < j; k++) {
                double total = cost[i][k] + cost[k + 1][j] +
                               (double)n[i] * (double)n[k + 1] * (double)n[j + 1];
                bool better = cost[i][j] < 0 || total < cost[i][j] ||
                              (chain->count == 3 && total == cost[i][j]);
                if (better) {
                    cost[i][j] = total;
                    chain->split[i][j] = (int8_t)k;
                }
            }
        }
    }
}

static struct tensor *multiply(const struct chain *chain, int first, int last)
{
    if (first == last) {
        return tensor_retain(chain->matrices[first]);
    }
    int middle = chain->split[first][last];
    struct tensor *left = multiply(chain, first, middle);
    struct tensor *right = left ? multiply(chain, middle + 1, last) : NULL;
    struct tensor *result = right ? tensor_mm(left, right) : NULL;
    tensor_release(left);
    tensor_release(right);
    return result;
}

static int check_ends(struct tensors list)
{
    static const char *const names[] = {"first", "last"};
    for (int i = 0; i < 2; i++) {
        int dims = list.items[i ? list.count - 1 : 0]->dims;
        if (dims != 1 && dims != 2) {
            error_set(ERROR_RUNTIME, "multi_dot(): the %s tensor must be 1D or 2D but got %dD",
                      names[i], dims);
            return -1;
        }
    }
    for (int i = 1; i < list.count - 1; i++) {
        if (list.items[i]->dims != 2) {
            error_set(ERROR_RUNTIME, "multi_dot(): tensor %d must be 2D but got %dD", i,
                      list.items[i]->dims);
            return -1;
        }
    }
    return 0;
}

static int check_neighbours(const struct chain *chain, struct tensors list)
{
    for (int i = 0; i < chain->count; i++) {
        const struct tensor *first = chain->matrices[0], *matrix = chain->matrices[i];
        if (matrix->dtype != first->dtype) {
            error_set(ERROR_RUNTIME,
                      "multi_dot(): all tensors must have be the same dtype but tensor 0 is %s and "
                      "tensor %d %s",
                      call_c_name((enum dtype)first->dtype), i,
                      call_c_name((enum dtype)matrix->dtype));
            return -1;
        }
    }
    for (int i = 1; i < chain->count; i++) {
        if (chain->matrices[i - 1]->sizes[1] != chain->matrices[i]->sizes[0]) {
            char a[64], b[64];
            error_set(ERROR_RUNTIME,
                      "multi_dot(): tensors %d and %d with shapes %s and %s cannot be multiplied",
                      i - 1, i, shape_text(tensor_shape(list.items[i - 1]), a, sizeof a),
                      shape_text(tensor_shape(list.items[i]), b, sizeof b));
            return -1;
        }
    }
    return 0;
}

/* Takes the matrices in; a vector at an end becomes one row or one column. */
static int chain_fill(struct chain *chain, struct tensors list)
{
    for (int i = 0; i < list.count; i++) {
        struct tensor *matrix = list.items[i];
        matrix = matrix->dims == 1 ? tensor_unsqueeze(matrix, i ? 1 : 0) : tensor_retain(matrix);
        if (!matrix) {
            return -1;
        }
        chain->matrices[chain->count++] = matrix;
        chain->sizes[i] = matrix->sizes[0];
        chain->sizes[i + 1] = matrix->sizes[1];
    }
    return 0;
}

struct tensor *compose_multi_dot(struct tensors list)
{
    struct chain chain = {.count = 0};
    struct tensor *product = NULL, *result = NULL;
    struct shape shape = {.dims = 0};
    if (list.count < 2 || list.count > CHAIN_MAX) {
        error_set(ERROR_RUNTIME, "multi_dot(): expected at %s %d tensors but got %d",
                  list.count < 2 ? "least" : "most", list.count < 2 ? 2 : CHAIN_MAX, list.count);
        return NULL;
    }
    if (!check_ends(list) && !chain_fill(&chain, list) && !check_neighbours(&chain, list)) {
        choose_order(&chain);
        product = multiply(&chain, 0, list.count - 1);
    }
    if (product) {
        for (int i = 0; i < 2; i++) {
            if (list.items[i ? list.count - 1 : 0]->dims == 2) {
                shape.sizes[shape.dims++] = product->sizes[i];
            }
        }
        result = tensor_view(product, (struct ints){shape.sizes, shape.dims});
    }
    tensor_release(product);
    chain_release(&chain);
    return result;
}

struct tensor *compose_chain_matmul(struct tensors list)
{
    if (warning_emit(
            "torch.chain_matmul is deprecated and will be removed in a future PyTorch release. Use "
            "torch.linalg.multi_dot instead, which accepts a list of two or more tensors rather "
            "than multiple "
            "parameters.")) {
        return NULL;
    }
    for (int i = 0; i < list.count; i++) {
        if (list.items[i]->dims != 2) {
            error_set(ERROR_RUNTIME, "Tensor dimension is %d, expected 2 instead.",
                      list.items[i]->dims);
            return NULL;
        }
    }
    if (list.count == 0) {
        error_set(ERROR_RUNTIME, "chain_matmul(): Expected one or more matrices");
        return NULL;
    }
    return list.count == 1 ? tensor_clone(list.items[0], MEMORY_PRESERVE) : compose_multi_dot(list);
}
