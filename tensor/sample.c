/* Random tensors: new ones, or the `out` of out=, filled by the distributions of cpu/random*.c.
 * Declared in op_functions.h. */
#include "random.h"

#include "autograd/mode.h"
#include "backend.h"
#include "call.h"
#include "create.h"
#include "op_functions.h"
#include "shape.h"

/* `result`, taken, or NULL where filling it failed. */
static struct tensor *drawn(struct tensor *result, int status)
{
    return create_finish(result, tensor_retain(result), status);
}

static struct tensor *uniform(struct tensor *result, struct generator *generator)
{
    return result
               ? drawn(result,
                       backend_of(result->storage->device)->ops->uniform_(result, 0, 1, generator))
               : NULL;
}

static struct tensor *normal(struct tensor *result, double mean, double std,
                             struct generator *generator)
{
    return result ? drawn(result, backend_of(result->storage->device)
                                      ->ops->normal_(result, mean, std, generator))
                  : NULL;
}

static struct tensor *integers(struct tensor *result, int64_t low, int64_t high,
                               struct generator *generator)
{
    return result ? drawn(result, backend_of(result->storage->device)
                                      ->ops->random_(result, low, (struct maybe_int){true, high},
                                                     generator))
                  : NULL;
}

/* --- of given sizes --- */

/* In PyTorch, resizing the `out` of these is a change of its own, which version counters show. */
static void count_resize(struct tensor *out, struct ints size)
{
    if (out && !shape_equal(tensor_shape(out), size)) {
        tensor_bump_version(out);
    }
}

struct tensor *body_rand(struct tensor *out, struct ints size, struct generator *generator,
                         enum dtype dtype, struct device device)
{
    if (generator) {
        count_resize(out, size);
    }
    return uniform(create_result(out, size, dtype, device), generator);
}

struct tensor *body_randn(struct tensor *out, struct ints size, struct generator *generator,
                          enum dtype dtype, struct device device)
{
    count_resize(out, size);
    return normal(create_result(out, size, dtype, device), 0, 1, generator);
}

struct tensor *body_randint(struct tensor *out, int64_t low, int64_t high, struct ints size,
                            struct generator *generator, enum dtype dtype, struct device device)
{
    dtype = dtype == DTYPE_NONE ? DTYPE_I64 : dtype;
    return integers(create_result(out, size, dtype, device), low, high, generator);
}

struct tensor *body_randint_high(struct tensor *out, int64_t high, struct ints size,
                                 struct generator *generator, enum dtype dtype,
                                 struct device device)
{
    return body_randint(out, 0, high, size, generator, dtype, device);
}

/* --- of another tensor's sizes --- */

struct tensor *create_rand_like(struct tensor *self, struct generator *generator, int memory_format,
                                enum dtype dtype, struct device device)
{
    return uniform(create_like(self, memory_format, dtype, device), generator);
}

struct tensor *create_randn_like(struct tensor *self, struct generator *generator,
                                 int memory_format, enum dtype dtype, struct device device)
{
    return normal(create_like(self, memory_format, dtype, device), 0, 1, generator);
}

struct tensor *create_randint_like(struct tensor *self, int64_t low, int64_t high,
                                   struct generator *generator, int memory_format, enum dtype dtype,
                                   struct device device)
{
    return integers(create_like(self, memory_format, dtype, device), low, high, generator);
}

struct tensor *create_randint_like_high(struct tensor *self, int64_t high,
                                        struct generator *generator, int memory_format,
                                        enum dtype dtype, struct device device)
{
    return create_randint_like(self, 0, high, generator, memory_format, dtype, device);
}

struct tensor *create_randint_like_tensor(struct tensor *self, struct tensor *high,
                                          struct generator *generator, int memory_format,
                                          enum dtype dtype, struct device device)
{
    struct scalar value;
    if (high->dims != 0) {
        error_set(ERROR_RUNTIME, "high must be a scalar tensor and on CPU");
        return NULL;
    }
    return tensor_item(high, &value) ? NULL
                                     : create_randint_like(self, 0, scalar_to_int(value), generator,
                                                           memory_format, dtype, device);
}

/* --- randperm --- */

/* The dtype must hold every integer below n. */
static int check_permutation(int64_t n, enum dtype dtype)
{
    int digits = dtype == DTYPE_F16 ? 11 : dtype == DTYPE_BF16 ? 8 : dtype == DTYPE_F32 ? 24 : 53;
    if (dtype == DTYPE_BOOL) {
        error_set(ERROR_NOT_IMPLEMENTED, "\"randperm\" not implemented for 'Bool'");
        return -1;
    }
    if (!dtype_is_float(dtype)) {
        return dtype_check_scalar(dtype, scalar_int(n));
    }
    if (n > (1LL << digits) + 1) {
        error_set(ERROR_RUNTIME, "n cannot be greater than %lld for %s type.", (1LL << digits) + 1,
                  dtype_info[dtype].class_name);
        return -1;
    }
    return 0;
}

struct tensor *body_randperm(struct tensor *out, int64_t n, struct generator *generator,
                             enum dtype dtype, struct device device)
{
    dtype = out ? (enum dtype)out->dtype : dtype == DTYPE_NONE ? DTYPE_I64 : dtype;
    if (n >= 0 && check_permutation(n, dtype)) {
        return NULL;
    }
    struct tensor *result = create_result(out, INTS(n), dtype, device);
    struct tensor *numbers = result && result->dtype == DTYPE_I64 && tensor_is_contiguous(result)
                                 ? tensor_retain(result)
                                 : NULL;
    if (result && !numbers) {
        numbers = tensor_new(DTYPE_I64, result->storage->device, 1, &n);
    }
    if (!numbers) {
        tensor_release(result);
        return NULL;
    }
    int status =
        n > 0 ? backend_of(numbers->storage->device)->ops->randperm_(numbers, generator) : 0;
    return create_finish(result, numbers, status);
}

/* --- normal with tensors of means or standard deviations --- */

static int check_std(struct tensor *std)
{
    struct tensor *zero = tensor_weak(scalar_int(0));
    struct tensor *fits = zero ? tensor_ge(std, zero) : NULL;
    struct tensor *all = fits ? tensor_all(fits) : NULL;
    struct scalar value;
    int status = all ? tensor_item(all, &value) : -1;
    if (!status && !value.i) {
        error_set(ERROR_RUNTIME, "normal expects all elements of std >= 0.0");
        status = -1;
    }
    tensor_release(all);
    tensor_release(fits);
    tensor_release(zero);
    return status;
}

/* Normal numbers of deviation `own_std`, then times `std` (unless NULL) plus `mean`, each rounded,
 * which counts as one change of `result`; that is taken. */
static struct tensor *scaled(struct tensor *result, double own_std, struct tensor *std,
                             struct tensor *mean, struct generator *generator)
{
    result = normal(result, 0, own_std, generator);
    if (!result) {
        return NULL;
    }
    unsigned version = tensor_version(result);
    bool recording = grad_mode_set(false);
    int status = (std && tensor_mul_(result, std)) || tensor_add_(result, mean, scalar_int(1));
    grad_mode_set(recording);
    atomic_store(&tensor_version_counter(result)->value, version);
    return drawn(result, status ? -1 : 0);
}

/* The result for means and deviations of this shape, which `out` is resized to. */
static struct tensor *normal_result(struct tensor *out, const struct shape *shape,
                                    const struct tensor *like)
{
    if (!out) {
        return tensor_new((enum dtype)like->dtype, like->storage->device, shape->dims,
                          shape->sizes);
    }
    return call_prepare_out(out, shape, (enum dtype)out->dtype, "normal") ? NULL
                                                                          : tensor_retain(out);
}

struct tensor *body_normal_both(struct tensor *out, struct tensor *mean, struct tensor *std,
                                struct generator *generator)
{
    struct shape shape;
    if (check_std(std) || shape_broadcast_list(&shape, (struct tensor *const[]){mean, std}, 2)) {
        return NULL;
    }
    return scaled(normal_result(out, &shape, mean), 1, std, mean, generator);
}

struct tensor *body_normal_mean(struct tensor *out, struct tensor *mean, double std,
                                struct generator *generator)
{
    struct shape shape;
    if (!out) {
        shape_like(&shape, mean);
        return scaled(normal_result(NULL, &shape, mean), std, NULL, mean, generator);
    }
    /* this form alone does not resize its out */
    return shape_broadcast_list(&shape, (struct tensor *const[]){mean, out}, 2)
               ? NULL
               : scaled(tensor_retain(out), std, NULL, mean, generator);
}

struct tensor *body_normal_std(struct tensor *out, double mean, struct tensor *std,
                               struct generator *generator)
{
    struct shape shape;
    struct tensor *number = check_std(std) ? NULL : tensor_weak(scalar_float(mean));
    if (!number) {
        return NULL;
    }
    shape_like(&shape, std);
    struct tensor *result = scaled(normal_result(out, &shape, std), 1, std, number, generator);
    tensor_release(number);
    return result;
}

struct tensor *body_normal(struct tensor *out, double mean, double std, struct ints size,
                           struct generator *generator, enum dtype dtype, struct device device)
{
    return normal(create_result(out, size, dtype, device), mean, std, generator);
}

/* --- bernoulli --- */

struct tensor *body_bernoulli(struct tensor *out, struct tensor *self, struct generator *generator)
{
    struct tensor *result =
        create_result(out, tensor_shape(self), (enum dtype)self->dtype, self->storage->device);
    return result ? drawn(result, backend_of(result->storage->device)
                                      ->ops->bernoulli_tensor_(result, self, generator))
                  : NULL;
}

struct tensor *body_bernoulli_p(struct tensor *out, struct tensor *self, double p,
                                struct generator *generator)
{
    struct tensor *result =
        create_result(out, tensor_shape(self), (enum dtype)self->dtype, self->storage->device);
    return result
               ? drawn(result,
                       backend_of(result->storage->device)->ops->bernoulli_(result, p, generator))
               : NULL;
}
