/* The distributions on a GPU: which numbers of its generator an element gets is PyTorch's choice, in grid, order and
 * parts, so that a seed gives the same tensor. The kernels are in random.cu. */
#include "cuda.h"

#include <limits.h>

#include "../call.h"
#include "../distribution.h"
#include "op_functions.h"
#include "random_kernels.h"

/* A generator moves on by this for a tensor of chances, however large. */
#define COINS_RESERVED 12

/* --- filling --- */

/* Blocks for so many elements: as many as the device runs at once, or fewer. 0 with the error set. */
static int64_t blocks_of(const struct tensor *self, int64_t numel)
{
    const struct cuda_properties *device = cuda_device_properties(self->storage->device.index);

    if (!device)
        return 0;
    int64_t blocks = (numel + CUDA_DRAW_THREADS - 1) / CUDA_DRAW_THREADS;
    int64_t most = (int64_t)device->multi_processor_count *
                   (device->max_threads_per_multi_processor / CUDA_DRAW_THREADS);
    return blocks < most ? blocks : most;
}

static struct philox_place reserve(struct generator *generator, const struct cuda_draw *draw, int64_t numel)
{
    int64_t at_once = cuda->random->draws_at_once(draw->distribution, draw->dtype);
    int64_t round = draw->blocks * CUDA_DRAW_THREADS * at_once;

    return generator_reserve(generator, (uint64_t)((numel - 1) / round + 1) * 4);
}

/* Whether 32 bits count the elements and the bytes that they span. */
static bool is_narrow(const struct iter *iter)
{
    int64_t bytes = 1;

    for (int i = 0; i < iter->dims; i++)
        bytes += (iter->sizes[i] - 1) * iter->strides[0][i];
    return iter->numel <= INT_MAX && bytes <= INT_MAX;
}

/* The dim that spans the most bytes, of equal ones the outermost. */
static int widest_dim(const struct iter *iter)
{
    int64_t most = -1;
    int widest = 0;

    for (int i = iter->dims - 1; i >= 0; i--) {
        int64_t extent = (iter->sizes[i] - 1) * iter->strides[0][i];
        if (extent > most) {
            most = extent;
            widest = i;
        }
    }
    return widest;
}

/* Cuts the iteration to the first half along its widest dim; the other half. */
static struct iter split(struct iter *iter)
{
    struct iter rest = *iter;
    int dim = widest_dim(iter);
    int64_t others = iter->numel / iter->sizes[dim];

    iter->sizes[dim] /= 2;
    iter->numel = others * iter->sizes[dim];
    rest.sizes[dim] -= iter->sizes[dim];
    rest.numel = others * rest.sizes[dim];
    rest.data[0] += iter->sizes[dim] * iter->strides[0][dim];
    return rest;
}

/* A fill under way. */
struct filling {
    struct tensor *self;
    struct generator *generator;
    struct cuda_draw draw;
    cuda_stream stream;
};

/* What 32 bits cannot count is filled in halves, for which the generator moves on once more. */
static int fill_part(struct filling *filling, struct iter *iter)
{
    struct cuda_draw *draw = &filling->draw;

    draw->blocks = blocks_of(filling->self, iter->numel);
    if (draw->blocks == 0)
        return -1;
    struct philox_place place = reserve(filling->generator, draw, iter->numel);
    draw->seed = place.seed;
    draw->offset = place.offset;
    if (is_narrow(iter))
        return cuda_check(cuda->random->fill(draw, iter, filling->stream));
    struct iter rest = split(iter);
    return fill_part(filling, iter) ? -1 : fill_part(filling, &rest);
}

/* Fills `self`, whose dtype the distribution has kernels for. */
static int fill(struct tensor *self, struct cuda_draw draw, struct generator *generator)
{
    struct filling filling = {.self = self, .draw = draw};
    struct iter iter;

    if (self->numel == 0)
        return 0;
    filling.draw.dtype = (enum dtype)self->dtype;
    filling.generator = distribution_generator(generator, self->storage->device);
    if (!filling.generator || call_check_writable(self) || cuda_enter(self, &filling.stream))
        return -1;
    iter_init(&iter, tensor_shape(self));
    iter_add(&iter, self);
    iter_prepare(&iter);
    return fill_part(&filling, &iter);
}

/* --- the distributions --- */

int cuda_uniform_(struct tensor *self, double from, double to, struct generator *generator)
{
    if (distribution_check_uniform((enum dtype)self->dtype, from, to))
        return -1;
    return fill(self, (struct cuda_draw){.distribution = CUDA_UNIFORM, .first = from, .second = to}, generator);
}

int cuda_normal_(struct tensor *self, double mean, double std, struct generator *generator)
{
    if (distribution_check_std(std))
        return -1;
    if (self->numel && !dtype_is_float((enum dtype)self->dtype))
        return distribution_not_implemented((enum dtype)self->dtype, "normal_kernel_cuda");
    return fill(self, (struct cuda_draw){.distribution = CUDA_NORMAL, .first = mean, .second = std}, generator);
}

int cuda_log_normal_(struct tensor *self, double mean, double std, struct generator *generator)
{
    if (distribution_check_positive("log_normal_", "std", std))
        return -1;
    if (!dtype_is_float((enum dtype)self->dtype))
        return distribution_not_implemented((enum dtype)self->dtype, "log_normal_cuda");
    return fill(self, (struct cuda_draw){.distribution = CUDA_LOG_NORMAL, .first = mean, .second = std}, generator);
}

int cuda_exponential_(struct tensor *self, double lambd, struct generator *generator)
{
    enum dtype dtype = (enum dtype)self->dtype;

    if (distribution_check_continuous(dtype, "Exponential", dtype_info[dtype].class_name) ||
        distribution_check_positive("exponential_", "lambda", lambd))
        return -1;
    return fill(self, (struct cuda_draw){.distribution = CUDA_EXPONENTIAL, .first = lambd}, generator);
}

int cuda_cauchy_(struct tensor *self, double median, double sigma, struct generator *generator)
{
    enum dtype dtype = (enum dtype)self->dtype;

    if (distribution_check_positive("cauchy_", "sigma", sigma) ||
        distribution_check_continuous(dtype, "Cauchy", call_c_name(dtype)))
        return -1;
    return fill(self, (struct cuda_draw){.distribution = CUDA_CAUCHY, .first = median, .second = sigma}, generator);
}

int cuda_geometric_(struct tensor *self, double p, struct generator *generator)
{
    if (distribution_check_success(p))
        return -1;
    if (self->dtype == DTYPE_BOOL)
        return distribution_not_implemented(DTYPE_BOOL, "geometric_cuda");
    return fill(self, (struct cuda_draw){.distribution = CUDA_GEOMETRIC, .first = p}, generator);
}

int cuda_bernoulli_(struct tensor *self, double p, struct generator *generator)
{
    if (distribution_check_chance(p))
        return -1;
    return fill(self, (struct cuda_draw){.distribution = CUDA_BERNOULLI, .first = p}, generator);
}

static int fill_integers(struct tensor *self, struct integer_choices choices, bool wide, struct generator *generator)
{
    struct cuda_draw draw = {.distribution = wide ? CUDA_INTEGERS_64 : CUDA_INTEGERS,
                             .base = choices.first,
                             .choices = choices.count};
    return fill(self, draw, generator);
}

int cuda_random_(struct tensor *self, int64_t from, struct maybe_int to, struct generator *generator)
{
    struct integer_choices choices;

    if (distribution_choices((enum dtype)self->dtype, from, to, &choices))
        return -1;
    return fill_integers(self, choices, choices.count == 0 || choices.count >= WIDE_CHOICES, generator);
}

int cuda_random_all_(struct tensor *self, struct generator *generator)
{
    enum dtype dtype = (enum dtype)self->dtype;

    return fill_integers(self, distribution_all_choices(dtype), dtype == DTYPE_I64 || dtype == DTYPE_F64, generator);
}

/* --- chances that a tensor holds --- */

/* Whether dim i of both operands steps less than dim j in one of them, and more in none. */
static bool steps_less(const struct tensor *const *operands, int i, int j)
{
    bool less = false;

    for (int k = 0; k < 2; k++) {
        int64_t a = operands[k]->strides[i], b = operands[k]->strides[j];
        if (a > b)
            return false;
        less = less || a < b;
    }
    return less;
}

/* The dims in the order that four neighbours are taken in: the rows' own, but a dim of smaller steps goes behind one of
 * larger steps. Dims are compared as they lie at that moment, each with all that follow it. */
static void coin_order(const struct tensor *const *operands, int *order)
{
    int dims = operands[0]->dims;
    const int64_t *sizes = operands[0]->sizes;

    for (int i = 0; i < dims; i++)
        order[i] = i;
    for (int i = 0; i < dims - 1; i++) {
        for (int j = i + 1; sizes[order[i]] != 1 && j < dims; j++) {
            if (sizes[order[j]] != 1 && steps_less(operands, order[i], order[j])) {
                int moved = order[i];
                order[i] = order[j];
                order[j] = moved;
            }
        }
    }
}

/* The coins and their chances (of the same sizes), innermost first. */
static void coin_iter(struct iter *iter, const struct tensor *self, const struct tensor *chances)
{
    const struct tensor *operands[2] = {self, chances};
    int order[TENSOR_MAX_DIMS], dims = self->dims;

    coin_order(operands, order);
    *iter = (struct iter){.operands = 2, .dims = dims, .numel = self->numel};
    for (int k = 0; k < 2; k++)
        iter->data[k] = tensor_ptr(operands[k]);
    for (int i = 0; i < dims; i++) {
        int dim = order[dims - 1 - i];
        iter->sizes[i] = self->sizes[dim];
        for (int k = 0; k < 2; k++)
            iter->strides[k][i] = operands[k]->strides[dim] * (int64_t)dtype_info[operands[k]->dtype].bytes;
    }
}

/* Chances of a dtype on self's device, expanded to its sizes. New reference. */
static struct tensor *chances_for(const struct tensor *self, struct tensor *p)
{
    enum dtype dtype = self->dtype == DTYPE_F64 ? DTYPE_F64 : DTYPE_F32;
    struct device from = p->storage->device, to = self->storage->device;
    struct tensor *held = NULL;

    if (p->dtype == dtype && from.type == to.type && from.index == to.index) {
        held = tensor_retain(p);
    } else {
        held = tensor_new(dtype, to, p->dims, p->sizes);
        if (held && backend_copy(held, p))
            tensor_clear(&held);
    }
    struct tensor *expanded = held ? alias_expand(held, tensor_shape(self), true) : NULL;
    tensor_release(held);
    return expanded;
}

int cuda_bernoulli_tensor_(struct tensor *self, struct tensor *p, struct generator *generator)
{
    struct iter iter;
    cuda_stream stream;
    int result = -1;

    generator = distribution_generator(generator, self->storage->device);
    if (!generator)
        return -1;
    if (!dtype_is_float((enum dtype)p->dtype)) {
        error_set(ERROR_RUNTIME, "expected probabilities tensor to have floating type, got %s",
                  dtype_info[p->dtype].class_name);
        return -1;
    }
    struct tensor *chances = chances_for(self, p);
    if (chances && !call_check_writable(self) && !cuda_enter(self, &stream)) {
        struct philox_place place = generator_reserve(generator, COINS_RESERVED);
        coin_iter(&iter, self, chances);
        result = self->numel == 0 ? 0
                                  : cuda_check(cuda->random->coins((enum dtype)self->dtype, &iter, place.seed,
                                                                   place.offset, stream));
    }
    tensor_release(chances);
    return result;
}
