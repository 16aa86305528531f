/* Scans along lines: group by group of neighbouring elements, each group starting from what the ones before it gave.
 * Lines that are cut into parts are read twice: the parts' totals come first, and are scanned. */
#include "element.cuh"
#include "lines.cuh"
#include "reduce.cuh"

/* What sums and products are carried in: whole numbers modulo 2^64, float32 in double, halves in float. */
template <class E> struct carried {
    using type = uint64_t;
};
template <> struct carried<element<DTYPE_F32>> {
    using type = double;
};
template <> struct carried<element<DTYPE_F64>> {
    using type = double;
};
template <> struct carried<element<DTYPE_F16>> {
    using type = float;
};
template <> struct carried<element<DTYPE_BF16>> {
    using type = float;
};

template <class E> struct sum_op {
    using state = typename carried<E>::type;
    bool product;

    __device__ state start() const
    {
        return product ? 1 : 0;
    }

    __device__ state load(const char *data, int64_t) const
    {
        return (state)E::load(data);
    }

    __device__ state merge(const state &a, const state &b) const
    {
        return product ? a * b : a + b;
    }

    __device__ void add(state &to, const char *data, int64_t i) const
    {
        to = merge(to, load(data, i));
    }

    __device__ void store(const state &found, char *const *data, const int64_t *steps, int64_t i) const
    {
        E::store(data[1] + i * steps[1], (typename E::compute)found);
    }
};

__device__ static inline float log_of_sum(float difference)
{
    return log1pf(expf(difference));
}

__device__ static inline double log_of_sum(double difference)
{
    return log1p(exp(difference));
}

/* log(e^a + e^b) without overflow; equal infinities stay what they are. */
template <class E> struct log_sum_op {
    using state = typename carried<E>::type;

    __device__ state start() const
    {
        return -(state)INFINITY;
    }

    __device__ state load(const char *data, int64_t) const
    {
        return (state)E::load(data);
    }

    __device__ state merge(const state &a, const state &b) const
    {
        state low = a < b || a != a ? a : b, high = a > b || a != a ? a : b;
        return low != high || isfinite(low) ? log_of_sum(low - high) + high : high;
    }

    __device__ void add(state &to, const char *data, int64_t i) const
    {
        to = merge(to, load(data, i));
    }

    __device__ void store(const state &found, char *const *data, const int64_t *steps, int64_t i) const
    {
        E::store(data[1] + i * steps[1], (typename E::compute)found);
    }
};

/* The extreme so far and where it is: a later equal element takes the place of an earlier one, nothing that of a NaN
 * but a later one. */
template <class E> struct extreme_so_far_op {
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

    __device__ state load(const char *data, int64_t i) const
    {
        return {i, E::load(data)};
    }

    __device__ state merge(const state &a, const state &b) const
    {
        if (a.index < 0 || b.index < 0) {
            return a.index < 0 ? b : a;
        }
        const state &early = a.index < b.index ? a : b, &late = a.index < b.index ? b : a;
        bool taken = late.best != late.best || (smallest ? late.best <= early.best : late.best >= early.best);
        return taken ? late : early;
    }

    __device__ void add(state &to, const char *data, int64_t i) const
    {
        to = merge(to, load(data, i));
    }

    __device__ void store(const state &found, char *const *data, const int64_t *steps, int64_t i) const
    {
        E::store(data[1] + i * steps[1], found.best);
        *(int64_t *)(data[2] + i * steps[2]) = found.index;
    }
};

/* --- kernels --- */

/* From the totals of the parts of each line, in place, to what each part starts from. */
template <class Op> __global__ void start_parts(Op op, cuda_line_set lines, typename Op::state *room)
{
    int lane = threadIdx.x % WARP;
    for (int64_t line = first_of_group<WARP>(); line < lines.count; line += group_step<WARP>()) {
        typename Op::state before = op.start();
        for (int64_t base = 0; base < lines.parts; base += WARP) {
            typename Op::state *place = room + (base + lane) * lines.count + line, total;
            bool is_part = base + lane < lines.parts;
            typename Op::state sum = group_scanned<WARP>(op, is_part ? *place : op.start(), &total);
            typename Op::state first = shuffle_up(sum, 1);
            if (is_part) {
                *place = lane > 0 ? op.merge(before, first) : before;
            }
            before = op.merge(before, total);
        }
    }
}

/* `room`: what each part of each line starts from; NULL where there is but one. */
template <int GROUP, class Op> __global__ void scan_parts(Op op, cuda_line_set lines, const typename Op::state *room)
{
    int64_t lane = threadIdx.x % GROUP;
    for (int64_t item = first_of_group<GROUP>(); item < lines.count * lines.parts; item += group_step<GROUP>()) {
        int64_t line = item % lines.count, part = item / lines.count;
        int64_t from = lines.length * part / lines.parts, to = lines.length * (part + 1) / lines.parts;
        char *data[CUDA_LINES_OPERANDS] = {line_start(lines, 0, line), line_start(lines, 1, line),
                                           lines.data[2] ? line_start(lines, 2, line) : NULL};
        typename Op::state before = room ? room[item] : op.start(), total;
        for (int64_t base = from; base < to; base += GROUP) {
            int64_t i = base + lane;
            typename Op::state own = i < to ? op.load(data[0] + i * lines.steps[0], i) : op.start();
            own = group_scanned<GROUP>(op, own, &total);
            if (i < to) {
                op.store(op.merge(before, own), data, lines.steps, i);
            }
            before = op.merge(before, total);
        }
    }
}

template <class Op> static int scan_lines(const Op &op, const cuda_line_set *lines, void *room, cuda_stream stream)
{
    int64_t items = lines->count * lines->parts;
    typename Op::state *starts = (typename Op::state *)(lines->parts > 1 ? room : NULL);
    if (starts) {
        int status = queue_parts<false>(op, lines, starts, stream);
        status = status ? status
                        : launch(start_parts<Op>, blocks_of_groups<WARP>(lines->count), CUDA_THREADS, stream, op,
                                 *lines, starts);
        if (status != CUDA_OK) {
            return status;
        }
    }
    const typename Op::state *given = starts;
    if (lines->beside) {
        return launch(scan_parts<ONE, Op>, blocks_of_groups<ONE>(items), CUDA_THREADS, stream, op, *lines, given);
    }
    if (lines->length <= 4 * WARP) {
        return launch(scan_parts<WARP, Op>, blocks_of_groups<WARP>(items), CUDA_THREADS, stream, op, *lines, given);
    }
    return launch(scan_parts<BLOCK, Op>, blocks_of_groups<BLOCK>(items), CUDA_THREADS, stream, op, *lines, given);
}

/* --- the functions of the table --- */

static bool is_float(enum dtype dtype)
{
    return dtype == DTYPE_F16 || dtype == DTYPE_BF16 || dtype == DTYPE_F32 || dtype == DTYPE_F64;
}

/* A running bool is none: sums of bools are int64. */
bool cuda_has_scan(enum scan kind, enum dtype dtype)
{
    return kind == SCAN_LOG_SUM_EXP ? is_float(dtype) : dtype != DTYPE_BOOL;
}

int cuda_scan(enum scan kind, enum dtype dtype, const cuda_line_set *lines, void *room, cuda_stream stream)
{
    if (!cuda_has_scan(kind, dtype)) {
        return CUDA_NO_KERNEL;
    }
    if (kind == SCAN_LOG_SUM_EXP) {
        return with_float(dtype, [&](auto element) {
            return scan_lines(log_sum_op<decltype(element)>(), lines, room, stream);
        });
    }
    return with_element(dtype, [&](auto element) {
        return scan_lines(sum_op<decltype(element)>{kind == SCAN_PRODUCT}, lines, room, stream);
    });
}

int cuda_scan_extremes(enum extreme which, enum dtype dtype, const cuda_line_set *lines, void *room,
                       cuda_stream stream)
{
    return with_element(dtype, [&](auto element) {
        return scan_lines(extreme_so_far_op<decltype(element)>{which == SMALLEST}, lines, room, stream);
    });
}
