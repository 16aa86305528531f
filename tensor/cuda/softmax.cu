/* Softmax and its relatives along lines: short lines are read once, into registers; of longer ones the maximum and the
 * sum of exponentials are found together in a first pass (Milakov & Gimelshein 2018). */
#include "element.cuh"
#include "lines.cuh"
#include "reduce.cuh"

/* The largest element and the sum of e^(x - largest). Equal infinities count as e^0, so that the logarithm of a sum
 * needs no case of its own; NaN never becomes the largest and makes the sum NaN. */
template <class T> struct exponentials {
    struct state {
        T largest, sum;
    };

    __device__ state start() const
    {
        return {-(T)INFINITY, 0};
    }

    __device__ void add(state &to, T x) const
    {
        if (x > to.largest) {
            to.sum = to.sum * exponential(to.largest - x) + 1;
            to.largest = x;
        } else {
            to.sum += x == to.largest ? (T)1 : exponential(x - to.largest);
        }
    }

    __device__ void add(state &to, const char *data, int64_t) const
    {
        add(to, *(const T *)data);
    }

    __device__ state merge(const state &a, const state &b) const
    {
        const state &high = a.largest >= b.largest ? a : b, &low = a.largest >= b.largest ? b : a;
        if (high.largest == low.largest) {
            return {high.largest, high.sum + low.sum};
        }
        return {high.largest, high.sum + low.sum * exponential(low.largest - high.largest)};
    }

    __device__ void finish(const state &found, const cuda_line_set &lines, int64_t line) const
    {
        *(T *)line_start(lines, 1, line) = logarithm(found.sum) + found.largest;
    }

    /* The largest and the sum as the results take them: differences of infinities are NaN. */
    __device__ state settled(const state &found) const
    {
        return {found.largest, isinf(found.largest) ? (T)NAN : found.sum};
    }
};

template <class T> __device__ T softmax_of(T x, T largest, T sum, enum softmax kind)
{
    return kind == SOFTMAX ? exponential(x - largest) / sum : x - largest - logarithm(sum);
}

/* A warp a line, each lane with at most ITEMS of its elements. */
template <class T, int ITEMS> __global__ void softmax_short(cuda_line_set lines, enum softmax kind)
{
    exponentials<T> op;
    int lane = threadIdx.x % WARP;
    for (int64_t line = first_of_group<WARP>(); line < lines.count; line += group_step<WARP>()) {
        const char *in = line_start(lines, 0, line) + lane * lines.steps[0];
        char *out = line_start(lines, 1, line) + lane * lines.steps[1];
        T items[ITEMS];
        typename exponentials<T>::state own = op.start();
UNROLL
        for (int k = 0; k < ITEMS; k++) {
            if (lane + k * WARP < lines.length) {
                items[k] = *(const T *)(in + k * WARP * lines.steps[0]);
                op.add(own, items[k]);
            }
        }
        own = op.settled(group_merged<WARP>(op, own));
UNROLL
        for (int k = 0; k < ITEMS; k++) {
            if (lane + k * WARP < lines.length) {
                *(T *)(out + k * WARP * lines.steps[1]) = softmax_of(items[k], own.largest, own.sum, kind);
            }
        }
    }
}

template <class T, int GROUP> __global__ void softmax_long(cuda_line_set lines, enum softmax kind)
{
    exponentials<T> op;
    int lane = threadIdx.x % GROUP;
    for (int64_t line = first_of_group<GROUP>(); line < lines.count; line += group_step<GROUP>()) {
        const char *in = line_start(lines, 0, line);
        char *out = line_start(lines, 1, line);
        typename exponentials<T>::state own = op.start();
        for (int64_t i = lane; i < lines.length; i += GROUP) {
            op.add(own, *(const T *)(in + i * lines.steps[0]));
        }
        own = op.settled(group_merged<GROUP>(op, own));
        for (int64_t i = lane; i < lines.length; i += GROUP) {
            T x = *(const T *)(in + i * lines.steps[0]);
            *(T *)(out + i * lines.steps[1]) = softmax_of(x, own.largest, own.sum, kind);
        }
    }
}

template <class T>
static int queue_softmax(enum softmax kind, const cuda_line_set *lines, void *room, cuda_stream stream)
{
    int64_t warps = blocks_of_groups<WARP>(lines->count);
    if (kind == LOG_SUM_EXP) {
        return reduce_lines(exponentials<T>(), lines, room, stream);
    }
    if (lines->beside) {
        return launch(softmax_long<T, ONE>, blocks_of_groups<ONE>(lines->count), CUDA_THREADS, stream, *lines, kind);
    }
    if (lines->length <= WARP) {
        return launch(softmax_short<T, 1>, warps, CUDA_THREADS, stream, *lines, kind);
    }
    if (lines->length <= 4 * WARP) {
        return launch(softmax_short<T, 4>, warps, CUDA_THREADS, stream, *lines, kind);
    }
    if (lines->length <= 32 * WARP) {
        return launch(softmax_short<T, 32>, warps, CUDA_THREADS, stream, *lines, kind);
    }
    return launch(softmax_long<T, BLOCK>, blocks_of_groups<BLOCK>(lines->count), CUDA_THREADS, stream, *lines, kind);
}

int cuda_softmax(enum softmax kind, enum dtype dtype, const cuda_line_set *lines, void *room, cuda_stream stream)
{
    return dtype == DTYPE_F32   ? queue_softmax<float>(kind, lines, room, stream)
           : dtype == DTYPE_F64 ? queue_softmax<double>(kind, lines, room, stream)
                                : CUDA_NO_KERNEL;
}
