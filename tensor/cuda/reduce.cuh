/* Groups of threads that reduce or scan together: one thread, a warp, or a block of CUDA_THREADS (or fewer, where they
 * merge). What they do is an operation: a plain struct, given to the kernel by value, with
 *
 *     state                             what is carried along: a plain struct of a multiple of four bytes
 *     state start() const               of no element: merging it changes nothing
 *     state load(const char *data, int64_t i) const      of the one element at `data`, number i of its line
 *     void add(state &to, const char *data, int64_t i) const                 merges that element into `to`
 *     state merge(const state &a, const state &b) const  associative and commutative up to rounding
 *     void finish(const state &found, const cuda_line_set &lines, int64_t line) const    stores the result of a line
 *     void store(const state &found, char *const *data, const int64_t *steps, int64_t i) const   or of an element
 *
 * of which a kernel uses what it needs. All threads of a block call a function for groups, the same number of times. */
#ifndef REDUCE_CUH
#define REDUCE_CUH

#include <cstring>

#include "launch.cuh"
#include "lines.h"

enum { ONE = 1, WARP = 32, BLOCK = CUDA_THREADS, WARPS = BLOCK / WARP };

/* Lines up to this length are a warp's, longer ones a block's. */
#define WARP_LENGTH 1024

/* Before loops over arrays that are to stay in registers. */
#ifdef __NVCC__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL
#endif

#define ALL_LANES 0xFFFFFFFFu

/* --- within a warp --- */

template <class S> struct state_words {
    static_assert(sizeof(S) % 4 == 0, "a state is shuffled in words");
    static_assert(sizeof(S) <= CUDA_STATE_BYTES, "a state has its room");
    unsigned items[sizeof(S) / 4];
};

/* The state of the lane from which `move` fetches a word. */
template <class S, class Move> __device__ S shuffled(const S &state, Move move)
{
    state_words<S> words;
    S result;
    memcpy(&words, &state, sizeof words);
    for (unsigned &word : words.items) {
        word = move(word);
    }
    memcpy(&result, &words, sizeof words);
    return result;
}

template <class S> __device__ S shuffle_down(const S &state, int distance)
{
    return shuffled(state, [=](unsigned word) { return __shfl_down_sync(ALL_LANES, word, distance); });
}

template <class S> __device__ S shuffle_up(const S &state, int distance)
{
    return shuffled(state, [=](unsigned word) { return __shfl_up_sync(ALL_LANES, word, distance); });
}

/* What lane `lane` has. */
template <class S> __device__ S shuffle_from(const S &state, int lane)
{
    return shuffled(state, [=](unsigned word) { return __shfl_sync(ALL_LANES, word, lane); });
}

/* In lane 0 all lanes' states merged. */
template <class Op> __device__ typename Op::state warp_merged(const Op &op, typename Op::state state)
{
    for (int distance = WARP / 2; distance > 0; distance /= 2) {
        state = op.merge(state, shuffle_down(state, distance));
    }
    return state;
}

/* Each lane's state merged with those of the lanes before it (Hillis & Steele 1986). */
template <class Op> __device__ typename Op::state warp_scanned(const Op &op, typename Op::state state)
{
    int lane = threadIdx.x % WARP;
    for (int distance = 1; distance < WARP; distance *= 2) {
        typename Op::state before = shuffle_up(state, distance);
        if (lane >= distance) {
            state = op.merge(before, state);
        }
    }
    return state;
}

/* --- within a group --- */

/* All threads' states merged, in every thread. */
template <int GROUP, class Op> __device__ typename Op::state group_merged(const Op &op, typename Op::state state)
{
    if constexpr (GROUP == ONE) {
        return state;
    } else {
        state = warp_merged(op, state);
        if constexpr (GROUP == BLOCK) {
            __shared__ typename Op::state warps[WARPS];
            int lane = threadIdx.x % WARP;
            __syncthreads(); /* what was there before has been read */
            if (lane == 0) {
                warps[threadIdx.x / WARP] = state;
            }
            __syncthreads();
            state = warp_merged(op, lane < (int)blockDim.x / WARP ? warps[lane] : op.start());
        }
        return shuffle_from(state, 0);
    }
}

/* Each thread of the block's state merged with those of the threads before it, from those within its warp. */
template <class Op>
__device__ typename Op::state block_scanned(const Op &op, const typename Op::state &state, typename Op::state *total)
{
    __shared__ typename Op::state warps[WARPS];
    int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    __syncthreads(); /* what was there before has been read */
    if (lane == WARP - 1) {
        warps[warp] = state;
    }
    __syncthreads();
    typename Op::state sums = warp_scanned(op, lane < WARPS ? warps[lane] : op.start());
    *total = shuffle_from(sums, WARPS - 1);
    typename Op::state before = shuffle_from(sums, warp > 0 ? warp - 1 : 0);
    return warp > 0 ? op.merge(before, state) : state;
}

/* Each thread's state merged with those of the threads before it; *total is that of all. */
template <int GROUP, class Op>
__device__ typename Op::state group_scanned(const Op &op, typename Op::state state, typename Op::state *total)
{
    if constexpr (GROUP == ONE) {
        *total = state;
        return state;
    } else if constexpr (GROUP == WARP) {
        state = warp_scanned(op, state);
        *total = shuffle_from(state, WARP - 1);
        return state;
    } else {
        return block_scanned(op, warp_scanned(op, state), total);
    }
}

/* --- lines --- */

/* Where operand k's line starts. */
__device__ static inline char *line_start(const cuda_line_set &lines, int k, int64_t line)
{
    char *data = lines.data[k];
    for (int i = 0; i < lines.dims; i++) {
        data += line % lines.sizes[i] * lines.strides[k][i];
        line /= lines.sizes[i];
    }
    return data;
}

/* The first item of this group, and from one of its items to the next. */
template <int GROUP> __device__ int64_t first_of_group()
{
    return first_item() / GROUP;
}

template <int GROUP> __device__ int64_t group_step()
{
    return item_step() / GROUP;
}

template <int GROUP> int64_t blocks_of_groups(int64_t n)
{
    return blocks_for(n, CUDA_THREADS / GROUP);
}

/* Each part of each line into `room` ([part][line]), or with LAST each line, which is one part, into the results. */
template <bool LAST, int GROUP, class Op>
__global__ void reduce_parts(Op op, cuda_line_set lines, typename Op::state *room)
{
    int64_t step = lines.steps[0];
    for (int64_t item = first_of_group<GROUP>(); item < lines.count * lines.parts; item += group_step<GROUP>()) {
        int64_t line = item % lines.count, part = item / lines.count;
        int64_t from = lines.length * part / lines.parts, to = lines.length * (part + 1) / lines.parts;
        const char *data = line_start(lines, 0, line);
        typename Op::state state = op.start();
        for (int64_t i = from + threadIdx.x % GROUP; i < to; i += GROUP) {
            op.add(state, data + i * step, i);
        }
        state = group_merged<GROUP>(op, state);
        if (threadIdx.x % GROUP == 0) {
            if constexpr (LAST) {
                op.finish(state, lines, line);
            } else {
                room[item] = state;
            }
        }
    }
}

template <class Op> __global__ void merge_parts(Op op, cuda_line_set lines, const typename Op::state *room)
{
    for (int64_t line = first_of_group<WARP>(); line < lines.count; line += group_step<WARP>()) {
        typename Op::state state = op.start();
        for (int64_t part = threadIdx.x % WARP; part < lines.parts; part += WARP) {
            state = op.merge(state, room[part * lines.count + line]);
        }
        state = group_merged<WARP>(op, state);
        if (threadIdx.x % WARP == 0) {
            op.finish(state, lines, line);
        }
    }
}

/* Queues reduce_parts for groups that suit the lines. */
template <bool LAST, class Op>
int queue_parts(const Op &op, const cuda_line_set *lines, typename Op::state *room, cuda_stream stream)
{
    int64_t items = lines->count * lines->parts;
    auto queue = [&](auto kernel, int64_t blocks) {
        return launch(kernel, blocks, CUDA_THREADS, stream, op, *lines, room);
    };
    return lines->beside                         ? queue(reduce_parts<LAST, ONE, Op>, blocks_of_groups<ONE>(items))
           : lines->length <= WARP_LENGTH       ? queue(reduce_parts<LAST, WARP, Op>, blocks_of_groups<WARP>(items))
                                                 : queue(reduce_parts<LAST, BLOCK, Op>, blocks_of_groups<BLOCK>(items));
}

/* Reduces every line to what op.finish() stores. */
template <class Op> int reduce_lines(const Op &op, const cuda_line_set *lines, void *room, cuda_stream stream)
{
    typename Op::state *states = (typename Op::state *)room;
    if (lines->parts == 1) {
        return queue_parts<true>(op, lines, states, stream);
    }
    int status = queue_parts<false>(op, lines, states, stream);
    return status ? status
                  : launch(merge_parts<Op>, blocks_of_groups<WARP>(lines->count), CUDA_THREADS, stream, op, *lines,
                           (const typename Op::state *)states);
}

#endif
