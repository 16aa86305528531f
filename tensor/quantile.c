/* quantile, nanquantile and diff: made of recorded ops. Declared in op_functions.h. */
#include <math.h>
#include <string.h>

#include "autograd/steps.h"
#include "op_functions.h"
#include "shape.h"

/* nanquantile() speaks of quantile() too, as in PyTorch. */
static int check_input(const struct tensor *self, const struct tensor *q)
{
    if (self->numel == 0) {
        error_set(ERROR_RUNTIME, "quantile() input tensor must be non-empty");
        return -1;
    }
    if (q->dims > 1) {
        error_set(ERROR_RUNTIME, "quantile() q must be a scalar or 1D tensor");
        return -1;
    }
    if (self->dtype != DTYPE_F32 && self->dtype != DTYPE_F64) {
        error_set(ERROR_RUNTIME, "quantile() input tensor must be either float or double dtype");
        return -1;
    }
    if (self->dtype != q->dtype) {
        error_set(ERROR_RUNTIME, "quantile() q tensor must be same dtype as the input tensor");
        return -1;
    }
    return 0;
}

static int check_fractions(struct tensor *q)
{
    struct tensor *low = number_step(tensor_ge, tensor_retain(q), scalar_int(0));
    struct tensor *both = low ? join_step(tensor_bitwise_and, low,
                                          number_step(tensor_le, tensor_retain(q), scalar_int(1)))
                              : NULL;
    struct tensor *all = unary_step(tensor_all, both);
    struct scalar inside;
    int status = all ? tensor_item(all, &inside) : -1;
    tensor_release(all);
    if (status == 0 && !inside.i) {
        error_set(ERROR_RUNTIME, "quantile() q values must be in the range [0, 1]");
        return -1;
    }
    return status;
}

static int check_interpolation(const char *interpolation)
{
    static const char *const known[] = {"linear", "lower", "higher", "midpoint", "nearest"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(interpolation, known[i]) == 0) {
            return 0;
        }
    }
    error_set(ERROR_RUNTIME,
              "quantile() interpolation must be one of linear, lower, higher, midpoint or nearest, "
              "but got %s",
              interpolation);
    return -1;
}

/* self with the elements that belong together in order along its last dim: of all dims, or `dim`,
 * which is kept with size 1 where it is to be. */
static struct tensor *sorted_last(struct tensor *self, struct maybe_int dim, bool keepdim)
{
    int64_t sizes[TENSOR_MAX_DIMS + 1];
    int count = 0;
    bool flat = !dim.has || self->dims == 0;
    struct tensor *sorted[2] = {NULL, NULL};
    struct tensor *moved = flat                          ? tensor_reshape(self, INTS(-1))
                           : dim.value == self->dims - 1 ? tensor_retain(self)
                                                         : tensor_movedim_int(self, dim.value, -1);
    for (int i = 0; i < self->dims; i++) {
        if (flat ? keepdim : i != dim.value || keepdim) {
            sizes[count++] = flat || i == dim.value ? 1 : self->sizes[i];
        }
    }
    sizes[count++] = flat ? self->numel : self->sizes[dim.value];
    struct tensor *result = NULL;
    if (moved && tensor_sort(moved, -1, false, sorted) == 0) {
        result = tensor_view(sorted[0], (struct ints){sizes, count});
    }
    tensor_release(sorted[0]);
    tensor_release(sorted[1]);
    tensor_release(moved);
    return result;
}

/* Where the quantiles lie in each sorted line, between two places: fractions of the last place, of
 * the last number with `skip_nan`; a line with NaN has its last place, else. */
static struct tensor *ranks_of(struct tensor *sorted, struct tensor *q, bool skip_nan)
{
    int64_t last = sorted->sizes[sorted->dims - 1] - 1;
    struct tensor *known = tensor_eq(sorted, sorted);
    struct tensor *ranks = NULL, *end = NULL;
    if (known && skip_nan) {
        struct tensor *count = tensor_sum_dim(known, INTS(-1), true, DTYPE_NONE);
        end = count ? sub_step(count, tensor_weak(scalar_int(1))) : NULL;
        ranks = end ? tensor_mul(q, end) : NULL;
        ranks = ranks ? join_step(tensor_maximum, ranks, tensor_weak(scalar_int(0))) : NULL;
    } else if (known) {
        struct tensor *whole = tensor_all_dim(known, -1, true);
        struct tensor *places = whole ? with_number(tensor_mul, q, scalar_int(last)) : NULL;
        end = places ? tensor_weak(scalar_int(last)) : NULL;
        ranks = end ? tensor_where(whole, places, end) : NULL;
        tensor_release(places);
        tensor_release(whole);
    }
    tensor_release(end);
    tensor_release(known);
    return ranks;
}

static struct tensor *pick(struct tensor *sorted, struct tensor *ranks)
{
    struct tensor *places = ranks ? tensor__to_copy(ranks, DTYPE_I64, DEVICE_DEFAULT, false) : NULL;
    struct tensor *result = places ? tensor_gather(sorted, -1, places, false) : NULL;
    tensor_release(places);
    return result;
}

/* The elements at the ranks; between two of them as `interpolation` says. */
static struct tensor *interpolate(struct tensor *sorted, struct tensor *ranks,
                                  const char *interpolation)
{
    bool linear = strcmp(interpolation, "linear") == 0;
    bool between = linear || strcmp(interpolation, "midpoint") == 0;
    struct tensor *below = strcmp(interpolation, "higher") == 0    ? tensor_ceil(ranks)
                           : strcmp(interpolation, "nearest") == 0 ? tensor_round(ranks)
                                                                   : tensor_floor(ranks);
    struct tensor *low = pick(sorted, below);
    if (!low || !between) {
        tensor_release(below);
        return low;
    }
    struct tensor *above = tensor_ceil(ranks);
    struct tensor *high = pick(sorted, above);
    struct tensor *weight = !high    ? NULL
                            : linear ? tensor_sub(ranks, below, scalar_int(1))
                                     : tensor_full_like(ranks, scalar_float(0.5), MEMORY_PRESERVE,
                                                        DTYPE_NONE, DEVICE_DEFAULT);
    struct tensor *result = weight ? tensor_lerp(low, high, weight) : NULL;
    tensor_release(weight);
    tensor_release(high);
    tensor_release(above);
    tensor_release(low);
    tensor_release(below);
    return result;
}

/* The dim of the fractions, the last, goes first; of a single one it goes. Takes values. */
static struct tensor *place_fractions(struct tensor *values, bool single)
{
    if (values &&
        ((!single && (tensor_unsqueeze_(values, 0) || tensor_transpose_(values, 0, -1))) ||
         tensor_squeeze_(values, -1))) {
        tensor_clear(&values);
    }
    return values;
}

static struct tensor *quantile(struct tensor *self, struct tensor *q, struct maybe_int dim,
                               bool keepdim, const char *interpolation, bool skip_nan)
{
    if (check_input(self, q) || check_interpolation(interpolation) || check_fractions(q) ||
        (dim.has && shape_wrap_dim(&dim.value, self->dims))) {
        return NULL;
    }
    struct tensor *sorted = sorted_last(self, dim, keepdim);
    struct tensor *ranks = sorted ? ranks_of(sorted, q, skip_nan) : NULL;
    struct tensor *values = ranks ? interpolate(sorted, ranks, interpolation) : NULL;
    tensor_release(ranks);
    tensor_release(sorted);
    return place_fractions(values, q->dims == 0);
}

/* The same for one number. */
static struct tensor *quantile_at(struct tensor *self, double q, struct maybe_int dim, bool keepdim,
                                  const char *interpolation, bool skip_nan)
{
    if (!(q >= 0 && q <= 1)) {
        error_set(ERROR_RUNTIME, "quantile() q must be in the range [0, 1] but got %g", q);
        return NULL;
    }
    struct tensor *fraction = tensor_full((struct ints){NULL, 0}, scalar_float(q),
                                          (enum dtype)self->dtype, self->storage->device);
    struct tensor *result =
        fraction ? quantile(self, fraction, dim, keepdim, interpolation, skip_nan) : NULL;
    tensor_release(fraction);
    return result;
}

struct tensor *compose_quantile(struct tensor *self, struct tensor *q, struct maybe_int dim,
                                bool keepdim, const char *interpolation)
{
    return quantile(self, q, dim, keepdim, interpolation, false);
}

struct tensor *compose_quantile_scalar(struct tensor *self, double q, struct maybe_int dim,
                                       bool keepdim, const char *interpolation)
{
    return quantile_at(self, q, dim, keepdim, interpolation, false);
}

struct tensor *compose_nanquantile(struct tensor *self, struct tensor *q, struct maybe_int dim,
                                   bool keepdim, const char *interpolation)
{
    return quantile(self, q, dim, keepdim, interpolation, true);
}

struct tensor *compose_nanquantile_scalar(struct tensor *self, double q, struct maybe_int dim,
                                          bool keepdim, const char *interpolation)
{
    return quantile_at(self, q, dim, keepdim, interpolation, true);
}

/* --- diff --- */

static int check_diff(const struct tensor *self, int64_t n, const struct tensor *prepend,
                      const struct tensor *append)
{
    if (self->dims == 0) {
        error_set(ERROR_RUNTIME, "diff expects input to be at least one-dimensional");
        return -1;
    }
    if (n < 0) {
        error_set(ERROR_RUNTIME, "order must be non-negative but got %lld", (long long)n);
        return -1;
    }
    if ((prepend && prepend->dims != self->dims) || (append && append->dims != self->dims)) {
        error_set(ERROR_RUNTIME,
                  "diff expects prepend or append to be the same dimension as input");
        return -1;
    }
    return 0;
}

/* prepend, self and append along `dim`. */
static struct tensor *extended(struct tensor *self, int64_t dim, struct tensor *prepend,
                               struct tensor *append)
{
    struct tensor *items[3];
    int count = 0;
    if (prepend) {
        items[count++] = prepend;
    }
    items[count++] = self;
    if (append) {
        items[count++] = append;
    }
    return count == 1 ? tensor_retain(self) : tensor_cat((struct tensors){items, count}, dim);
}

/* Each element less the one before it; of bools, whether they differ. */
static struct tensor *differences(struct tensor *self, int64_t dim)
{
    int64_t length = self->sizes[dim];
    struct maybe_int first = {true, 0}, second = {true, 1};
    struct tensor *later = tensor_slice(self, dim, second, (struct maybe_int){true, length}, 1);
    struct tensor *earlier =
        later ? tensor_slice(self, dim, first, (struct maybe_int){true, length - 1}, 1) : NULL;
    struct tensor *result = !earlier                    ? NULL
                            : self->dtype == DTYPE_BOOL ? tensor_ne(later, earlier)
                                                        : tensor_sub(later, earlier, scalar_int(1));
    tensor_release(earlier);
    tensor_release(later);
    return result;
}

struct tensor *compose_diff(struct tensor *self, int64_t n, int64_t dim, struct tensor *prepend,
                            struct tensor *append)
{
    if (check_diff(self, n, prepend, append) || shape_wrap_dim(&dim, self->dims)) {
        return NULL;
    }
    if (n == 0) {
        return tensor_clone(self, MEMORY_PRESERVE);
    }
    struct tensor *result = extended(self, dim, prepend, append);
    for (int64_t i = 0; i < n && result && result->sizes[dim] > 0; i++) {
        struct tensor *next = differences(result, dim);
        tensor_release(result);
        result = next;
    }
    return result;
}
