/* struct cuda_random: filling with random numbers. */
#include "element.cuh"
#include "launch.cuh"

#include "philox.cuh"
#include "random_kernels.h"
#include "tables.h"

/* --- elements --- */

/* What the numbers of an element are drawn and computed in. */
template <class E>
using wide = std::conditional_t<std::is_same_v<typename E::compute, double>, double, float>;

/* A number as an element is stored. */
template <class E, class V> SCALAR_FN typename E::storage stored(V value)
{
    return element_store<E::dtype>((typename E::compute)value);
}

template <class E> SCALAR_FN wide<E> widened(typename E::storage value)
{
    return (wide<E>)element_load<E::dtype>(value);
}

/* Where the elements lie: those of operands 0 and 1. */
struct layout {
    int dims;
    int64_t sizes[TENSOR_MAX_DIMS]; /* innermost first */
    int64_t strides[2][TENSOR_MAX_DIMS];
};

static struct layout layout_of(const struct iter *iter)
{
    struct layout layout;

    layout.dims = iter->dims;
    for (int i = 0; i < iter->dims; i++) {
        layout.sizes[i] = iter->sizes[i];
        layout.strides[0][i] = iter->strides[0][i];
        layout.strides[1][i] = iter->operands > 1 ? iter->strides[1][i] : 0;
    }
    return layout;
}

__device__ static inline int64_t place(const struct layout &layout, int operand, int64_t index)
{
    int64_t bytes = 0;
    int last = layout.dims - 1;

    for (int i = 0; i < last; i++) {
        int64_t rest = index / layout.sizes[i];
        bytes += (index - rest * layout.sizes[i]) * layout.strides[operand][i];
        index = rest;
    }
    return last < 0 ? 0 : bytes + index * layout.strides[operand][last];
}

/* --- draws: what a thread takes from the generator at a time --- */

template <class V> struct units;
template <> struct units<float> {
    using value = float;
    static const int count = 4;
    __device__ static void draw(struct philox *state, float *values)
    {
        uint32_t bits[4];
        philox_next(state, bits);
        for (int i = 0; i < 4; i++) {
            values[i] = philox_unit(bits[i]);
        }
    }
};
template <> struct units<double> {
    using value = double;
    static const int count = 2;
    __device__ static void draw(struct philox *state, double *values)
    {
        uint32_t bits[4];
        philox_next(state, bits);
        values[0] = philox_unit_double(bits[0], bits[1]);
        values[1] = philox_unit_double(bits[2], bits[3]);
    }
};

template <class V> struct normals;
template <> struct normals<float> {
    using value = float;
    static const int count = 4;
    __device__ static void draw(struct philox *state, float *values)
    {
        uint32_t bits[4];
        philox_next(state, bits);
        philox_normals(bits[0], bits[1], values);
        philox_normals(bits[2], bits[3], values + 2);
    }
};
template <> struct normals<double> {
    using value = double;
    static const int count = 2;
    __device__ static void draw(struct philox *state, double *values)
    {
        uint32_t bits[4];
        philox_next(state, bits);
        philox_normals_double(bits, values);
    }
};

template <class V> struct words;
template <> struct words<uint32_t> {
    using value = uint32_t;
    static const int count = 4;
    __device__ static void draw(struct philox *state, uint32_t *values)
    {
        philox_next(state, values);
    }
};
template <> struct words<uint64_t> {
    using value = uint64_t;
    static const int count = 2;
    __device__ static void draw(struct philox *state, uint64_t *values)
    {
        uint32_t bits[4];
        philox_next(state, bits);
        values[0] = (uint64_t)bits[0] << 32 | bits[1];
        values[1] = (uint64_t)bits[2] << 32 | bits[3];
    }
};

/* --- distributions: elements made of draws. Single precision is the device's fast one, as in PyTorch --- */

__device__ static inline double fast_log(double x)
{
    return log(x);
}

__device__ static inline double fast_log1p(double x)
{
    return log1p(x);
}

__device__ static inline double fast_exp(double x)
{
    return exp(x);
}

__device__ static inline double fast_tan(double x)
{
    return tan(x);
}

#ifdef __CUDA_ARCH__
#define FAST(device, host) device
#else
#define FAST(device, host) host
#endif

__device__ static inline float fast_log(float x)
{
    return FAST(__logf(x), logf(x));
}

__device__ static inline float fast_log1p(float x)
{
    return FAST(__logf(1 + x), log1pf(x));
}

__device__ static inline float fast_exp(float x)
{
    return FAST(__expf(x), expf(x));
}

__device__ static inline float fast_tan(float x)
{
    return FAST(__tanf(x), tanf(x));
}

template <class W> __device__ static inline W epsilon()
{
    return sizeof(W) == 4 ? (W)0x1p-23 : (W)0x1p-52;
}

/* The draws are of (0, 1], the numbers of [from, to): what comes out as `to` becomes `from`. */
template <class E> struct make_uniform {
    using draws = units<wide<E>>;
    wide<E> from, to, range;
    __device__ typename E::storage operator()(wide<E> unit) const
    {
        typename E::storage value = stored<E>(fma(unit, range, from));
        return widened<E>(value) == to ? stored<E>(from) : value;
    }
};

template <class E> struct make_normal {
    using draws = normals<wide<E>>;
    wide<E> mean, deviation;
    __device__ typename E::storage operator()(wide<E> normal) const
    {
        return stored<E>(fma(normal, deviation, mean));
    }
};

template <class E> struct make_log_normal {
    using draws = normals<wide<E>>;
    wide<E> mean, deviation;
    __device__ typename E::storage operator()(wide<E> normal) const
    {
        return stored<E>(fast_exp(fma(normal, deviation, mean)));
    }
};

/* The logarithm of a unit next to 1 is taken to be just below 0: 0 is no exponential number. */
template <class E> struct make_exponential {
    using draws = units<wide<E>>;
    wide<E> rate;
    __device__ typename E::storage operator()(wide<E> unit) const
    {
        wide<E> half_step = epsilon<wide<E>>() / 2;
        wide<E> logarithm = unit >= 1 - half_step ? -half_step : fast_log(unit);
        return stored<E>(-1 / rate * logarithm);
    }
};

/* The fast tangent of a quarter turn overflows, so single precision keeps away from it. */
template <class E> struct make_cauchy {
    using draws = units<wide<E>>;
    wide<E> median, sigma;
    __device__ typename E::storage operator()(wide<E> unit) const
    {
        if (sizeof unit == 4) {
            wide<E> step = epsilon<wide<E>>();
            unit = unit > 1 - step ? 1 - step : unit < step ? step : unit;
        }
        return stored<E>(fma(sigma, fast_tan((wide<E>)M_PI * (unit - (wide<E>)0.5)), median));
    }
};

template <class E> struct make_geometric {
    using draws = units<wide<E>>;
    wide<E> chance;
    __device__ typename E::storage operator()(wide<E> unit) const
    {
        return stored<E>(ceil(fast_log(unit) / fast_log1p(-chance)));
    }
};

template <class E> struct make_bernoulli {
    using draws = units<wide<E>>;
    wide<E> chance;
    __device__ typename E::storage operator()(wide<E> unit) const
    {
        return stored<E>((float)(unit < chance));
    }
};

template <class E, class Word> struct make_integer {
    using draws = words<Word>;
    int64_t base;
    uint64_t choices;
    __device__ typename E::storage operator()(Word word) const
    {
        return stored<E>((int64_t)((choices ? word % choices : (uint64_t)word) + (uint64_t)base));
    }
};

/* Thread t of the grid draws for the elements t, t + threads, …; so each round of `count` draws serves elements that
 * lie a grid apart. */
template <class E, class Make>
__global__ void fill_kernel(char *data, struct layout layout, int64_t n, uint64_t seed, uint64_t offset, Make make)
{
    using draws = typename Make::draws;
    typename draws::value values[draws::count];
    struct philox state = philox_at(seed, (uint64_t)first_item(), offset);

    for (int64_t i = first_item(); i < n; i += item_step() * draws::count) {
        draws::draw(&state, values);
        for (int k = 0; k < draws::count; k++) {
            int64_t at = i + item_step() * k;
            if (at < n) {
                *(typename E::storage *)(data + place(layout, 0, at)) = make(values[k]);
            }
        }
    }
}

/* --- choosing a kernel --- */

/* One fill: the draw, the iteration and the stream that its kernel is queued for. */
struct filling {
    const struct cuda_draw *draw;
    const struct iter *iter;
    cuda_stream stream;

    template <class E, class Make> int run(Make make) const
    {
        return launch(fill_kernel<E, Make>, draw->blocks, CUDA_DRAW_THREADS, stream, iter->data[0], layout_of(iter),
                      iter->numel, draw->seed, draw->offset, make);
    }
};

/* A number as an element holds it. */
template <class E> static wide<E> as_held(double value)
{
    return widened<E>(stored<E>(value));
}

static int fill_uniform(const struct filling &filling)
{
    return with_float(filling.draw->dtype, [&](auto element) {
        using E = decltype(element);
        wide<E> from = as_held<E>(filling.draw->first), to = as_held<E>(filling.draw->second);
        return filling.run<E>(make_uniform<E>{from, to, as_held<E>((double)(wide<E>)(to - from))});
    });
}

/* Distributions of one or two numbers. */
template <template <class> class Make> static int fill_floats(const struct filling &filling)
{
    return with_float(filling.draw->dtype, [&](auto element) {
        using E = decltype(element);
        return filling.run<E>(Make<E>{(wide<E>)filling.draw->first, (wide<E>)filling.draw->second});
    });
}

static int fill_exponential(const struct filling &filling)
{
    return with_float(filling.draw->dtype, [&](auto element) {
        using E = decltype(element);
        return filling.run<E>(make_exponential<E>{(wide<E>)filling.draw->first});
    });
}

static int fill_geometric(const struct filling &filling)
{
    if (filling.draw->dtype == DTYPE_BOOL) {
        return CUDA_NO_KERNEL;
    }
    return with_element(filling.draw->dtype, [&](auto element) {
        using E = decltype(element);
        return filling.run<E>(make_geometric<E>{(wide<E>)filling.draw->first});
    });
}

static int fill_bernoulli(const struct filling &filling)
{
    return with_element(filling.draw->dtype, [&](auto element) {
        using E = decltype(element);
        return filling.run<E>(make_bernoulli<E>{(wide<E>)filling.draw->first});
    });
}

template <class Word> static int fill_integers(const struct filling &filling)
{
    return with_element(filling.draw->dtype, [&](auto element) {
        using E = decltype(element);
        return filling.run<E>(make_integer<E, Word>{filling.draw->base, filling.draw->choices});
    });
}

static int fill(const struct cuda_draw *draw, const struct iter *iter, cuda_stream stream)
{
    struct filling filling = {draw, iter, stream};

    switch (draw->distribution) {
    case CUDA_UNIFORM:
        return fill_uniform(filling);
    case CUDA_NORMAL:
        return fill_floats<make_normal>(filling);
    case CUDA_LOG_NORMAL:
        return fill_floats<make_log_normal>(filling);
    case CUDA_EXPONENTIAL:
        return fill_exponential(filling);
    case CUDA_CAUCHY:
        return fill_floats<make_cauchy>(filling);
    case CUDA_GEOMETRIC:
        return fill_geometric(filling);
    case CUDA_BERNOULLI:
        return fill_bernoulli(filling);
    case CUDA_INTEGERS:
        return fill_integers<uint32_t>(filling);
    case CUDA_INTEGERS_64:
        return fill_integers<uint64_t>(filling);
    }
    return CUDA_NO_KERNEL;
}

static int draws_at_once(enum cuda_distribution distribution, enum dtype dtype)
{
    return distribution == CUDA_INTEGERS_64 || (distribution != CUDA_INTEGERS && dtype == DTYPE_F64) ? 2 : 4;
}

/* --- coins of chances that a tensor holds: four neighbours a thread --- */

#define COIN_THREADS 512
#define COINS_AT_ONCE 4

template <class E>
__global__ void coins_kernel(char *coins, const char *chances, struct layout layout, int64_t n, uint64_t seed,
                             uint64_t offset)
{
    float rolls[4];
    struct philox state = philox_at(seed, (uint64_t)first_item(), offset);
    int64_t first = first_item() * COINS_AT_ONCE;

    units<float>::draw(&state, rolls);
    for (int k = 0; k < COINS_AT_ONCE && first + k < n; k++) {
        wide<E> chance = *(const wide<E> *)(chances + place(layout, 1, first + k));
        assert(0 <= chance && chance <= 1);
        *(typename E::storage *)(coins + place(layout, 0, first + k)) = stored<E>((float)(rolls[k] <= chance));
    }
}

static int coins(enum dtype dtype, const struct iter *iter, uint64_t seed, uint64_t offset, cuda_stream stream)
{
    int64_t most = COIN_THREADS * COINS_AT_ONCE, blocks = (iter->numel + most - 1) / most;

    return with_element(dtype, [&](auto element) {
        using E = decltype(element);
        return launch(coins_kernel<E>, blocks, COIN_THREADS, stream, iter->data[0], iter->data[1], layout_of(iter),
                      iter->numel, seed, offset);
    });
}

/* --- permutations: numbers in the order of random keys, and those of equal keys in a random order --- */

#define RUN_THREADS 512

/* The thread of a run's first number shuffles the run (Fisher & Yates). */
__global__ static void shuffle_runs_kernel(int64_t *values, const int64_t *keys, int64_t n, uint64_t seed,
                                           uint64_t offset)
{
    int64_t first = first_item(), length = 1;
    uint32_t bits[4];

    if (first >= n - 1 || keys[first] != keys[first + 1] || (first > 0 && keys[first] == keys[first - 1])) {
        return;
    }
    while (first + length < n && keys[first + length] == keys[first]) {
        length++;
    }
    struct philox state = philox_at(seed, (uint64_t)first, offset);
    for (int64_t i = length - 1, drawn = 0; i > 0; i--, drawn++) {
        if (drawn % 4 == 0) {
            philox_next(&state, bits);
        }
        int64_t other = bits[drawn % 4] % (uint32_t)(i + 1), value = values[first + i];
        values[first + i] = values[first + other];
        values[first + other] = value;
    }
}

static int shuffle_runs(int64_t *values, const int64_t *keys, int64_t n, uint64_t seed, uint64_t offset,
                        cuda_stream stream)
{
    return launch(shuffle_runs_kernel, (n + RUN_THREADS - 1) / RUN_THREADS, RUN_THREADS, stream, values, keys, n, seed,
                  offset);
}

/* --- places among cumulative sums --- */

#define CHOOSE_THREADS 128

/* The first place whose sum is not below `value`, or the last one before it that has a weight. */
template <class T> __device__ static int64_t find_place(const T *sums, const T *weights, int64_t columns, T value)
{
    int64_t left = 0, right = columns;

    while (left < right) {
        int64_t middle = left + (right - left) / 2;
        if (sums[middle] < value) {
            left = middle + 1;
        } else {
            right = middle;
        }
    }
    left = left < columns ? left : columns - 1;
    while (left > 0 && weights[left] == 0) {
        left--;
    }
    return left;
}

/* Item t serves the samples of one row in turn: `group` items have a row, and the rows that are left follow. */
template <class T>
__global__ void choose_kernel(int64_t *choices, const T *sums, const T *weights, int64_t rows, int64_t columns,
                              int64_t samples, int64_t group, uint64_t seed, uint64_t offset)
{
    int64_t row = first_item() / group, sample = first_item() % group;
    struct philox state = philox_at(seed, (uint64_t)first_item(), offset);
    float rolls[4];

    for (; row < rows; row += item_step() / group) {
        for (int64_t i = sample; i < columns; i += group) {
            assert(!(weights[row * columns + i] < 0));
        }
        assert(sums[row * columns + columns - 1] > 0);
        if (sample < samples) {
            units<float>::draw(&state, rolls);
            choices[row * samples + sample] =
                find_place(sums + row * columns, weights + row * columns, columns, (T)rolls[0]);
        }
    }
}

static int choose(enum dtype dtype, int64_t *choices, const void *sums, const void *weights, int64_t rows,
                  int64_t columns, int64_t samples, uint64_t seed, uint64_t offset, cuda_stream stream)
{
    int64_t row_blocks = (samples + CHOOSE_THREADS - 1) / CHOOSE_THREADS;
    int64_t blocks = row_blocks * (rows < CUDA_CHOOSE_ROWS ? rows : CUDA_CHOOSE_ROWS);
    int64_t group = row_blocks * CHOOSE_THREADS;

    if (dtype == DTYPE_F64) {
        return launch(choose_kernel<double>, blocks, CHOOSE_THREADS, stream, choices, (const double *)sums,
                      (const double *)weights, rows, columns, samples, group, seed, offset);
    }
    return launch(choose_kernel<float>, blocks, CHOOSE_THREADS, stream, choices, (const float *)sums,
                  (const float *)weights, rows, columns, samples, group, seed, offset);
}

extern const struct cuda_random cuda_random_functions = {draws_at_once, fill, coins, shuffle_runs, choose};
