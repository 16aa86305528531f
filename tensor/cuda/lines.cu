/* struct cuda_lines: moments and extremes of lines, and what the files beside this one have. */
#include "lines.cuh"

#include "element.cuh"
#include "reduce.cuh"
#include "tables.h"

/* Mean and squared deviations, element by element as Welford (1962), merged as Chan, Golub & LeVeque (1983) do. */
template <class E> struct moments_op {
    struct state {
        double count, mean, squares;
    };
    double freedom;
    bool root;

    __device__ state start() const
    {
        return {0, 0, 0};
    }

    __device__ void add(state &to, const char *data, int64_t) const
    {
        double x = (double)E::load(data), deviation = x - to.mean;
        to.count += 1;
        to.mean += deviation / to.count;
        to.squares += deviation * (x - to.mean);
    }

    __device__ state merge(const state &a, const state &b) const
    {
        double count = a.count + b.count, deviation = b.mean - a.mean;
        if (a.count == 0 || b.count == 0) {
            return a.count == 0 ? b : a;
        }
        return {count, a.mean + deviation * (b.count / count),
                a.squares + b.squares + deviation * deviation * (a.count * b.count / count)};
    }

    __device__ void finish(const state &found, const cuda_line_set &lines, int64_t line) const
    {
        double variance = found.squares / (freedom < 0 ? 0 : freedom);
        bool none = found.count == 0;
        *(double *)line_start(lines, 1, line) = none ? NAN : root ? sqrt(variance) : variance;
        *(double *)line_start(lines, 2, line) = none ? NAN : found.mean;
    }
};

static int moments(enum dtype dtype, const cuda_line_set *lines, double freedom, bool root, void *room,
                   cuda_stream stream)
{
    return with_float(dtype, [&](auto element) {
        return reduce_lines(moments_op<decltype(element)>{freedom, root}, lines, room, stream);
    });
}

/* The extreme and its first index; NaN is more extreme than all numbers. */
template <class E> struct extreme_op {
    using value = typename E::compute;
    struct state {
        int64_t index; /* -1: there was no element */
        alignas(int64_t) value best;
    };
    bool smallest;

    __device__ state start() const
    {
        return {-1, 0};
    }

    /* Whether a goes before b whatever their indices. */
    __device__ bool beats(value a, value b) const
    {
        return (a != a && b == b) || (smallest ? a < b : a > b);
    }

    __device__ void add(state &to, const char *data, int64_t i) const
    {
        value x = E::load(data);
        if (to.index < 0 || beats(x, to.best)) {
            to = {i, x};
        }
    }

    __device__ state merge(const state &a, const state &b) const
    {
        if (a.index < 0 || b.index < 0) {
            return a.index < 0 ? b : a;
        }
        return beats(a.best, b.best) || (!beats(b.best, a.best) && a.index < b.index) ? a : b;
    }

    __device__ void finish(const state &found, const cuda_line_set &lines, int64_t line) const
    {
        if (lines.data[1]) {
            E::store(line_start(lines, 1, line), found.best);
        }
        if (lines.data[2]) {
            *(int64_t *)line_start(lines, 2, line) = found.index;
        }
    }
};

static int extreme(enum extreme which, enum dtype dtype, const cuda_line_set *lines, void *room, cuda_stream stream)
{
    return with_element(dtype, [&](auto element) {
        return reduce_lines(extreme_op<decltype(element)>{which == SMALLEST}, lines, room, stream);
    });
}

extern const struct cuda_lines cuda_line_functions = {
    cuda_softmax, cuda_has_scan, cuda_scan, cuda_scan_extremes, moments, extreme, cuda_sort, cuda_triangle,
    cuda_search_places, cuda_series,
};
