/* Folds: one kernel a fold, dtype and accumulator, made by gen/ from the table. The threads of a block share one result
 * or several: `lanes` threads fold a result's elements, each those whose turn it has, in FOLD_CHAINS values of its own,
 * which are joined in pairs, and so are the lanes'. Results of many elements are cut into segments, each folded by
 * blocks of its own, and a second launch joins what the segments leave. Nothing depends on timing or on the device, so
 * that the same elements give the same result. */
#ifndef FOLD_CUH
#define FOLD_CUH

#include "axis.cuh"
#include "element.cuh"

#include "loop_tables.cuh"

enum { FOLD_CHAINS = 4 };

struct fold_axis {
    struct axis axis;
    int64_t in, out; /* steps in bytes */
};

struct fold_call {
    const char *in;
    char *out;
    int64_t results, run;     /* how many results, and elements that each of them is of */
    int64_t segment;          /* elements of a run that one block takes, the same for all but the last */
    int64_t segments, blocks; /* blocks of one segment of all results */
    int lanes;                /* a power of 2 that divides CUDA_THREADS */
    bool side_by_side;        /* lanes of one result are neighbouring threads; else those of neighbouring results are */
    bool quads;               /* a run's elements are dense and may be taken by fours */
    bool wide;                /* results or elements may be 2^31 or more */
    enum dtype result;        /* float accumulators are stored as halves where it says so */
    int kept, reduced;
    struct fold_axis axes[TENSOR_MAX_DIMS]; /* those kept, then those reduced; innermost first */
};

/* An element as the table's `of` sees it. */
template <enum dtype D> __device__ auto fold_load(storage_of<D> stored)
{
    if constexpr (D == DTYPE_BOOL)
        return stored != 0;
    else
        return element_load<D>(stored);
}

/* What elements count as where the table says nothing. */
template <enum dtype D, enum dtype A> struct plain_item {
    static constexpr enum dtype dtype = D;
    __device__ static compute_of<A> load(storage_of<D> stored)
    {
        return (compute_of<A>)fold_load<D>(stored);
    }
};

/* Bytes from the first element to number `index` along the dims from axes[0] on; *out: the result's. */
__device__ static inline int64_t fold_seek(const struct fold_axis *axes, int dims, int64_t index, bool wide,
                                           int64_t *out)
{
    int64_t in = 0;
    *out = 0;
#pragma unroll 1
    for (int d = 0; d + 1 < dims; d++) {
        int64_t next = wide ? axis_divide_wide(axes[d].axis.size, index) : axis_divide(axes[d].axis, (uint32_t)index);
        int64_t at = index - next * axes[d].axis.size;
        in += at * axes[d].in;
        *out += at * axes[d].out;
        index = next;
    }
    if (dims > 0) {
        in += index * axes[dims - 1].in;
        *out += index * axes[dims - 1].out;
    }
    return in;
}

template <class Fold> __device__ typename Fold::ACC fold_chains(const typename Fold::ACC (&chains)[FOLD_CHAINS])
{
    return Fold::join(Fold::join(chains[0], chains[1]), Fold::join(chains[2], chains[3]));
}

/* The lane's elements of [begin, end), four neighbours at a time. */
template <class Fold, class Item>
__device__ typename Fold::ACC fold_quads(const struct fold_call &call, const char *data, int lane, int64_t begin,
                                         int64_t end)
{
    using S = storage_of<Item::dtype>;
    typename Fold::ACC chains[FOLD_CHAINS] = {Fold::start, Fold::start, Fold::start, Fold::start};
    const S *items = (const S *)data;
    for (int64_t i = begin + lane * FOLD_CHAINS; i < end; i += call.lanes * FOLD_CHAINS) {
        if (i + FOLD_CHAINS <= end) {
            quad<S> four = *(const quad<S> *)(items + i);
            for (int j = 0; j < FOLD_CHAINS; j++)
                chains[j] = Fold::join(chains[j], Item::load(four.items[j]));
        } else {
            for (int j = 0; j < FOLD_CHAINS; j++)
                if (i + j < end)
                    chains[j] = Fold::join(chains[j], Item::load(items[i + j]));
        }
    }
    return fold_chains<Fold>(chains);
}

/* The lane's elements of [begin, end), wherever they lie. */
template <class Fold, class Item>
__device__ typename Fold::ACC fold_strided(const struct fold_call &call, const char *data, int lane, int64_t begin,
                                           int64_t end)
{
    using S = storage_of<Item::dtype>;
    typename Fold::ACC chains[FOLD_CHAINS] = {Fold::start, Fold::start, Fold::start, Fold::start};
    for (int64_t first = begin + lane; first < end; first += call.lanes * FOLD_CHAINS) {
        for (int j = 0; j < FOLD_CHAINS; j++) {
            int64_t i = first + j * call.lanes, unused;
            if (i < end) {
                int64_t offset = fold_seek(call.axes + call.kept, call.reduced, i, call.wide, &unused);
                chains[j] = Fold::join(chains[j], Item::load(*(const S *)(data + offset)));
            }
        }
    }
    return fold_chains<Fold>(chains);
}

/* Joins the values of a result's lanes, which are `step` threads apart; lane 0 has the result. */
template <class Fold> __device__ typename Fold::ACC fold_lanes(typename Fold::ACC acc, int lane, int lanes, int step)
{
    __shared__ typename Fold::ACC shared[CUDA_THREADS];
    for (int half = lanes / 2; half > 0; half /= 2) {
        shared[threadIdx.x] = acc;
        __syncthreads();
        if (lane < half)
            acc = Fold::join(acc, shared[threadIdx.x + half * step]);
        __syncthreads();
    }
    return acc;
}

template <class ACC> __device__ void fold_store(char *out, ACC acc, enum dtype result)
{
    if constexpr (std::is_same_v<ACC, float>) {
        if (result == DTYPE_F16 || result == DTYPE_BF16) {
            *(uint16_t *)out = result == DTYPE_F16 ? half_from_float(acc) : bfloat_from_float(acc);
            return;
        }
    }
    *(ACC *)out = acc;
}

template <class Fold, class Item> __global__ void fold_kernel(const struct fold_call call)
{
    using ACC = typename Fold::ACC;
    int results = CUDA_THREADS / call.lanes, thread = (int)threadIdx.x;
    int lane = call.side_by_side ? thread % call.lanes : thread / results;
    int column = call.side_by_side ? thread / call.lanes : thread % results;
    int64_t segment = blockIdx.x / call.blocks, result = blockIdx.x % call.blocks * results + column;
    int64_t begin = segment * call.segment, end = begin + call.segment < call.run ? begin + call.segment : call.run;
    int64_t out = 0;
    ACC acc = Fold::start;
    if (result < call.results) {
        const char *data = call.in + fold_seek(call.axes, call.kept, result, call.wide, &out);
        acc = call.quads ? fold_quads<Fold, Item>(call, data, lane, begin, end)
                         : fold_strided<Fold, Item>(call, data, lane, begin, end);
    }
    acc = fold_lanes<Fold>(acc, lane, call.lanes, call.side_by_side ? 1 : results);
    if (lane == 0 && result < call.results) {
        if (call.segments > 1)
            ((ACC *)call.out)[segment * call.results + result] = acc;
        else
            fold_store(call.out + out, acc, call.result);
    }
}

/* --- the host's part --- */

template <class Fold, class Item>
int run_fold(const struct fold_call *first, const struct fold_call *second, cuda_stream stream)
{
    constexpr enum dtype A = Fold::accumulator;
    int status = launch(fold_kernel<Fold, Item>, first->blocks * first->segments, CUDA_THREADS, stream, *first);
    if (status == CUDA_OK && second)
        status = launch(fold_kernel<Fold, plain_item<A, A>>, second->blocks, CUDA_THREADS, stream, *second);
    return status;
}

#endif
