/* Ranges of numbers: each element by itself, computed and rounded as PyTorch's kernels do on a GPU. */
#include "element.cuh"
#include "lines.cuh"

/* a · b + c, rounded once. */
__device__ static inline float fused(float a, float b, float c)
{
    return fmaf(a, b, c);
}

__device__ static inline double fused(double a, double b, double c)
{
    return fma(a, b, c);
}

template <class E> __device__ typename E::compute rounded(typename E::compute x)
{
    typename E::storage stored;
    E::store((char *)&stored, x);
    return E::load((const char *)&stored);
}

/* `from` and i steps of `step`, in T; elements of halves round the product, too. */
template <class E, class T> __device__ T step_on(T from, T step, T i)
{
    if constexpr (std::is_same_v<typename E::storage, typename E::compute>) {
        return fused(step, i, from);
    } else {
        return from + rounded<E>(step * i);
    }
}

template <class E, class T> __device__ T linear(const series &series, int64_t i)
{
    if (i < series.count / 2) {
        return step_on<E, T>((T)series.start, (T)series.step, (T)i);
    }
    return step_on<E, T>((T)series.end, (T)-series.step, (T)(series.count - 1 - i));
}

__device__ static double power(const series &series, int64_t i)
{
    bool back = i >= series.count / 2;
    double product = series.step * (double)(back ? i - (series.count - 1) : i);
    return pow(series.base, (back ? series.end : series.start) + product);
}

/* Whole numbers from numbers in between are cut. */
template <class E, class T> __device__ typename E::compute as_element(T value)
{
    using X = typename E::compute;
    if constexpr (std::is_integral_v<X>) {
        return (X)(int64_t)value;
    } else {
        return (X)value;
    }
}

template <class E> __global__ void fill_series(char *data, series series)
{
    using X = typename E::compute;
    using T = std::conditional_t<std::is_same_v<X, double>, double, float>;
    for (int64_t i = first_item(); i < series.count; i += item_step()) {
        X value;
        switch (series.kind) {
        case SERIES_WHOLE:
            value = as_element<E>((int64_t)((uint64_t)series.first + (uint64_t)series.by * (uint64_t)i));
            break;
        case SERIES_ARANGE:
        case SERIES_RANGE:
            value = as_element<E>(fused((T)series.step, (T)i, (T)series.start));
            break;
        case SERIES_LINEAR:
            value = as_element<E>(linear<E, T>(series, i));
            break;
        default:
            value = as_element<E>(power(series, i));
        }
        E::store(data + i * (int64_t)sizeof(typename E::storage), value);
    }
}

int cuda_series(void *data, const series *series, cuda_stream stream)
{
    return with_element(series->dtype, [&](auto element) {
        return launch(fill_series<decltype(element)>, blocks_for(series->count, CUDA_THREADS), CUDA_THREADS, stream,
                      (char *)data, *series);
    });
}
