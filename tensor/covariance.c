/* cov and corrcoef: made of recorded ops. Declared in op_functions.h. */
#include "autograd/steps.h"
#include "op_functions.h"

/* The product of the weights that are given, or NULL where none are (then *status stays). */
static struct tensor *joint_weights(struct tensor *fweights, struct tensor *aweights, int *status)
{
    struct tensor *weights = fweights && aweights ? tensor_mul(fweights, aweights)
                             : fweights           ? tensor_retain(fweights)
                             : aweights           ? tensor_retain(aweights)
                                                  : NULL;
    *status = (fweights || aweights) && !weights ? -1 : 0;
    return weights;
}

static int number_of(struct tensor *sum, double *value)
{
    struct scalar item;
    int status = sum ? tensor_item(sum, &item) : -1;
    tensor_release(sum);
    *value = status ? 0 : scalar_to_double(item);
    return status;
}

/* By what the sums of products are divided, and the sum of the weights. */
static int norm_factor(struct tensor *weights, struct tensor *aweights, int64_t correction,
                       int64_t observations, double *sum, double *factor)
{
    double squares;
    *sum = (double)observations;
    if (weights && number_of(tensor_sum(weights, DTYPE_NONE), sum)) {
        return -1;
    }
    *factor = *sum - (double)correction;
    if (weights && aweights && correction != 0) {
        struct tensor *products = tensor_mul(weights, aweights);
        int status = products ? number_of(tensor_sum(products, DTYPE_NONE), &squares) : -1;
        tensor_release(products);
        if (status) {
            return -1;
        }
        *factor = *sum - (double)correction * squares / *sum;
    }
    if (*factor <= 0) {
        *factor = 0;
        return warning_emit("cov(): degrees of freedom is <= 0. Correction should be strictly less "
                            "than the number of observations.");
    }
    return 0;
}

static struct tensor *weighted(struct tensor *self, struct tensor *weights)
{
    return weights ? tensor_mul(self, weights) : tensor_retain(self);
}

/* rows less their (weighted) means */
static struct tensor *centred(struct tensor *rows, struct tensor *weights, double sum)
{
    struct tensor *products = weighted(rows, weights);
    struct tensor *sums = products ? tensor_sum_dim(products, INTS(1), true, DTYPE_NONE) : NULL;
    tensor_release(products);
    return sub_step(tensor_retain(rows), number_step(tensor_div, sums, scalar_float(sum)));
}

struct tensor *compose_cov(struct tensor *self, int64_t correction, struct tensor *fweights,
                           struct tensor *aweights)
{
    int status;
    double sum, factor;
    struct tensor *result = NULL;
    if (self->dims > 2) {
        error_set(ERROR_RUNTIME,
                  "cov(): expected input to have two or fewer dimensions but got an input with %d "
                  "dimensions",
                  self->dims);
        return NULL;
    }
    if (self->dtype == DTYPE_BOOL) {
        error_set(ERROR_RUNTIME, "cov(): bool dtype is not supported for input");
        return NULL;
    }
    struct tensor *rows = self->dims < 2 ? tensor_reshape(self, INTS(1, -1)) : tensor_retain(self);
    struct tensor *weights = joint_weights(fweights, aweights, &status);
    if (rows && status == 0 &&
        norm_factor(weights, aweights, correction, rows->sizes[1], &sum, &factor) == 0) {
        struct tensor *left = centred(rows, weights, sum);
        struct tensor *right = left ? weighted(left, weights) : NULL;
        struct tensor *products = join_step(tensor_mm, left, unary_step(tensor_t, right));
        result =
            unary_step(tensor_squeeze_all, number_step(tensor_div, products, scalar_float(factor)));
    }
    tensor_release(weights);
    tensor_release(rows);
    return result;
}

/* Covariances divided by both deviations; takes them. */
static struct tensor *correlations(struct tensor *covariances)
{
    struct tensor *variances = tensor_diagonal(covariances, 0, 0, 1);
    struct tensor *deviations = unary_step(tensor_sqrt, variances);
    struct tensor *column = deviations ? tensor_view(deviations, INTS(-1, 1)) : NULL;
    struct tensor *row = column ? tensor_view(deviations, INTS(1, -1)) : NULL;
    tensor_release(deviations);
    struct tensor *result = join_step(tensor_div, join_step(tensor_div, covariances, column), row);
    struct tensor *limited = result ? tensor_clamp(result, scalar_int(-1), scalar_int(1)) : NULL;
    tensor_release(result);
    return limited;
}

struct tensor *compose_corrcoef(struct tensor *self)
{
    if (self->dims > 2) {
        error_set(ERROR_RUNTIME,
                  "corrcoef(): expected input to have two or fewer dimensions but got an input "
                  "with %d dimensions",
                  self->dims);
        return NULL;
    }
    struct tensor *covariances = compose_cov(self, 1, NULL, NULL);
    if (covariances && covariances->dims == 0) {
        return join_step(tensor_div, covariances, tensor_retain(covariances));
    }
    return covariances ? correlations(covariances) : NULL;
}
