/* Elementwise kernels: one kernel a body and dtype, made by gen/ from the table (build/gen/cuda_*.cu), four elements a
 * thread. Operands that are dense or one number are taken by fours; all others where their strides say. */
#ifndef LOOPS_CUH
#define LOOPS_CUH

#include "axis.cuh"
#include "element.cuh"

#include <cstring>
#include <utility>

#include "loop_tables.cuh"
#include "scalar.h"
#include "scalar_int.h"
#include "special.h"

enum { CALL_DIMS = 16, CALL_OPERANDS = 4, CALL_ITEMS = 4 };
#ifndef CALL_MOST /* (tests make it small) */
#define CALL_MOST (INT64_C(1) << 30)
#endif

/* What a kernel is told. An iteration of more elements than CALL_MOST or more dims than CALL_DIMS is several calls. */
struct pointwise_call {
    uint32_t numel;
    char *data[CALL_OPERANDS];
    uint64_t numbers[CALL_OPERANDS]; /* of the operands in `host`: what is computed with */
    unsigned host, single;           /* bit k: operand k is a number of the host's, or one element in memory */
    int dims;
    bool dense;   /* one dim, and operands that are not one number have their elements side by side */
    bool aligned; /* and fours of them may be taken at once */
    struct axis axes[CALL_DIMS];
    int64_t strides[CALL_DIMS][CALL_OPERANDS];
};

/* Describes the first `count` operands, whose elements have `bytes` bytes (loops.cu). */
void pointwise_prepare(struct pointwise_call *call, const struct iter *iter, const int *bytes, int count);
/* Makes `call` that of part number `part` of the iteration; false: there is none (loops.cu). */
bool pointwise_part(struct pointwise_call *call, const struct iter *iter, int64_t part);

/* --- one thread's elements --- */

template <int N> struct window {
    uint32_t first;
    int count;                      /* of the CALL_ITEMS elements that exist */
    int64_t offsets[CALL_ITEMS][N]; /* bytes; not where operands are dense */
};

template <class T> struct batch {
    T items[CALL_ITEMS];
};

/* The offsets of the elements of these numbers. */
template <int N>
__device__ void seek(const struct pointwise_call &call, uint32_t (&index)[CALL_ITEMS], window<N> *window)
{
    const int last = call.dims - 1;
#pragma unroll 1
    for (int d = 0; d < last; d++) {
        for (int j = 0; j < CALL_ITEMS; j++) {
            uint32_t next = axis_divide(call.axes[d], index[j]);
            int64_t at = index[j] - next * (uint32_t)call.axes[d].size;
            for (int k = 0; k < N; k++)
                window->offsets[j][k] += at * call.strides[d][k];
            index[j] = next;
        }
    }
    for (int j = 0; j < CALL_ITEMS; j++)
        for (int k = 0; k < N; k++)
            window->offsets[j][k] += index[j] * call.strides[last][k];
}

/* Dense: neighbours; else elements a block apart, so that neighbouring threads have neighbouring elements. */
template <int N> __device__ window<N> window_of(const struct pointwise_call &call)
{
    window<N> window = {};
    uint32_t index[CALL_ITEMS], step = call.dense ? 1 : CUDA_THREADS;
    window.first = blockIdx.x * CUDA_THREADS * CALL_ITEMS + threadIdx.x * (call.dense ? CALL_ITEMS : 1);
    for (int j = 0; j < CALL_ITEMS; j++) {
        index[j] = window.first + j * step;
        window.count += index[j] < call.numel;
    }
    if (!call.dense)
        seek(call, index, &window);
    return window;
}

template <enum dtype D, int K, int N>
__device__ batch<compute_of<D>> fetch(const struct pointwise_call &call, const window<N> &window)
{
    using S = storage_of<D>;
    batch<compute_of<D>> batch = {};
    if ((call.host | call.single) >> K & 1) {
        compute_of<D> number;
        if (call.host >> K & 1)
            memcpy(&number, &call.numbers[K], sizeof number);
        else
            number = element_load<D>(*(const S *)call.data[K]);
        for (int j = 0; j < CALL_ITEMS; j++)
            batch.items[j] = number;
    } else if (call.dense && call.aligned && window.count == CALL_ITEMS) {
        quad<S> items = *(const quad<S> *)(call.data[K] + (int64_t)window.first * sizeof(S));
        for (int j = 0; j < CALL_ITEMS; j++)
            batch.items[j] = element_load<D>(items.items[j]);
    } else {
        for (int j = 0; j < CALL_ITEMS; j++) {
            if (j < window.count) {
                int64_t offset = call.dense ? (int64_t)(window.first + j) * sizeof(S) : window.offsets[j][K];
                batch.items[j] = element_load<D>(*(const S *)(call.data[K] + offset));
            }
        }
    }
    return batch;
}

template <class S, int N>
__device__ void deliver(const struct pointwise_call &call, const window<N> &window, const quad<S> &results)
{
    if (call.dense && call.aligned && window.count == CALL_ITEMS) {
        *(quad<S> *)(call.data[0] + (int64_t)window.first * sizeof(S)) = results;
        return;
    }
    for (int j = 0; j < CALL_ITEMS; j++) {
        if (j < window.count) {
            int64_t offset = call.dense ? (int64_t)(window.first + j) * sizeof(S) : window.offsets[j][0];
            *(S *)(call.data[0] + offset) = results.items[j];
        }
    }
}

template <class Body, enum dtype Out, class... T>
__device__ quad<storage_of<Out>> evaluate(const Body &body, const batch<T> &...inputs)
{
    quad<storage_of<Out>> results;
    for (int j = 0; j < CALL_ITEMS; j++)
        results.items[j] = element_store<Out>(body(inputs.items[j]...));
    return results;
}

template <class Body, enum dtype Out, enum dtype... In, int... K>
__device__ void pointwise_items(const Body &body, const struct pointwise_call &call, std::integer_sequence<int, K...>)
{
    window<1 + sizeof...(In)> window = window_of<1 + sizeof...(In)>(call);
    deliver(call, window, evaluate<Body, Out>(body, fetch<In, K + 1>(call, window)...));
}

template <class Body, enum dtype Out, enum dtype... In>
__global__ void pointwise_kernel(const Body body, const struct pointwise_call call)
{
    pointwise_items<Body, Out, In...>(body, call, std::make_integer_sequence<int, sizeof...(In)>());
}

/* --- the host's part --- */

/* A parameter of a body: `(T)param` as the CPU's loops read it. */
template <class T> T param(const struct scalar *params, int index)
{
    struct scalar value = params[index];
    if constexpr (std::is_floating_point_v<T>)
        return (T)scalar_to_double(value);
    else
        return (T)(value.kind == SCALAR_FLOAT ? (int64_t)value.d : value.i);
}

/* A result as an element of D; of comparisons D is DTYPE_BOOL, and the result 0 or 1 already. */
template <enum dtype D, class X> __device__ compute_of<D> body_store(X value)
{
    if constexpr (D == DTYPE_BOOL)
        return value != 0;
    else
        return (compute_of<D>)value;
}

template <enum dtype D> void set_number(struct pointwise_call *call, int k, compute_of<D> number)
{
    call->host |= 1u << k;
    memcpy(&call->numbers[k], &number, sizeof number);
}

template <enum dtype D> compute_of<D> host_number(const struct iter *iter, int k)
{
    return element_load<D>(*(const storage_of<D> *)iter->data[k]);
}

/* Whether operand k is a number of the host's that equals `number`. */
template <enum dtype D> bool host_number_is(const struct iter *iter, int k, double number)
{
    return (iter->host >> k & 1) && host_number<D>(iter, k) == (compute_of<D>)number;
}

template <class Body, enum dtype Out, enum dtype... In>
int launch_pointwise(const Body &body, struct pointwise_call *call, const struct iter *iter, cuda_stream stream)
{
    int status = CUDA_OK;
    for (int64_t part = 0; status == CUDA_OK && pointwise_part(call, iter, part); part++)
        status = launch(pointwise_kernel<Body, Out, In...>,
                        blocks_for(call->numel, CUDA_THREADS * CALL_ITEMS, INT32_MAX), CUDA_THREADS, stream, body,
                        *call);
    return status;
}

/* The description of the operands: result and inputs. */
template <enum dtype Out, enum dtype... In> struct pointwise_call pointwise_call_of(const struct iter *iter)
{
    static const int bytes[] = {sizeof(storage_of<Out>), sizeof(storage_of<In>)...};
    struct pointwise_call call;
    int k = 0;
    pointwise_prepare(&call, iter, bytes, 1 + (int)sizeof...(In));
    ((k++, iter->host >> k & 1 ? set_number<In>(&call, k, host_number<In>(iter, k)) : (void)0), ...);
    return call;
}

template <class Body, enum dtype Out, enum dtype... In>
int run_pointwise(const struct iter *iter, const struct scalar *params, cuda_stream stream)
{
    struct pointwise_call call = pointwise_call_of<Out, In...>(iter);
    return launch_pointwise<Body, Out, In...>(Body(params), &call, iter, stream);
}

/* The same for halves of a binary op whose second operand may be a float in params (see call.h, wide_inputs). */
template <class Body, enum dtype Out, enum dtype A, enum dtype B>
int run_wide(const struct iter *iter, const struct scalar *params, cuda_stream stream)
{
    struct pointwise_call call = pointwise_call_of<Out, A, B>(iter);
    if (params)
        set_number<B>(&call, 2, param<compute_of<B>>(params, 0));
    return launch_pointwise<Body, Out, A, B>(Body(params), &call, iter, stream);
}

#endif
