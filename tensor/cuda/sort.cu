/* Sorting lines: elements become (key, index) pairs, keys unsigned in the order that is wanted, indices the order of
 * equal ones. A short line is sorted by one block in shared memory (Batcher 1968, bitonic); a long one is cut into such
 * pieces, and sorted runs are merged two by two, each pair finding its place in the other run by bisection. What is
 * looked for is then picked from the sorted pairs. */
#include "half.h"
#include "lines.cuh"
#include "reduce.cuh"

struct pair {
    uint64_t key;
    int64_t index;
};
static_assert(sizeof(struct pair) == CUDA_PAIR_BYTES, "a pair has its room");

/* What is wanted of which lines. */
struct sort_job {
    enum sort_kind kind;
    enum dtype dtype;
    bool descending;
    int64_t k, first, count; /* lines [first, first + count) */
};

__device__ static inline bool goes_before(const pair &a, const pair &b)
{
    return a.key < b.key || (a.key == b.key && a.index < b.index);
}

/* --- keys --- */

/* Negative floats are turned over altogether, others get the sign bit; -0 is 0, all NaNs are one. */
__device__ static inline uint64_t float_key(uint64_t bits, uint64_t sign, uint64_t infinity)
{
    uint64_t magnitude = bits & (sign - 1);
    return magnitude > infinity ? (sign - 1) | sign
           : magnitude == 0     ? sign
           : bits & sign        ? ~bits & ((sign - 1) | sign)
                                : bits | sign;
}

__device__ static inline uint64_t key_of(enum dtype dtype, const char *data)
{
    switch (dtype) {
    case DTYPE_I8:
        return *(const uint8_t *)data ^ 0x80u;
    case DTYPE_I16:
        return *(const uint16_t *)data ^ 0x8000u;
    case DTYPE_I32:
        return *(const uint32_t *)data ^ 0x80000000u;
    case DTYPE_I64:
        return *(const uint64_t *)data ^ UINT64_C(1) << 63;
    case DTYPE_F16:
        return float_key(*(const uint16_t *)data, 0x8000u, 0x7C00u);
    case DTYPE_BF16:
        return float_key(*(const uint16_t *)data, 0x8000u, 0x7F80u);
    case DTYPE_F32:
        return float_key(*(const uint32_t *)data, 0x80000000u, 0x7F800000u);
    case DTYPE_F64:
        return float_key(*(const uint64_t *)data, UINT64_C(1) << 63, UINT64_C(0x7FF0000000000000));
    default:
        return *(const uint8_t *)data;
    }
}

/* As keys are where nothing descends. */
__device__ static inline bool is_nan_key(enum dtype dtype, uint64_t key)
{
    switch (dtype) {
    case DTYPE_F16:
    case DTYPE_BF16:
        return key == UINT16_MAX;
    case DTYPE_F32:
        return key == UINT32_MAX;
    case DTYPE_F64:
        return key == UINT64_MAX;
    default:
        return false;
    }
}

/* --- one piece in shared memory --- */

/* Pairs of n elements from number `from` on; up to `wide`, a power of two, come pairs that go behind all others. */
__device__ static void load_pairs(const sort_job &job, const cuda_line_set &lines, int64_t line, int64_t from, int n,
                                  int wide, pair *pairs)
{
    const char *data = line_start(lines, 0, line) + from * lines.steps[0];
    for (int i = threadIdx.x; i < wide; i += blockDim.x) {
        uint64_t key = i < n ? key_of(job.dtype, data + i * lines.steps[0]) : UINT64_MAX;
        pairs[i].key = i < n && job.descending ? ~key : key;
        pairs[i].index = i < n ? from + i : INT64_MAX;
    }
    __syncthreads();
}

__device__ static void sort_pairs(pair *pairs, int wide)
{
    for (int size = 2; size <= wide; size *= 2) {
        for (int distance = size / 2; distance > 0; distance /= 2) {
            for (int i = threadIdx.x; i < wide / 2; i += blockDim.x) {
                int low = 2 * i - (i & (distance - 1)), high = low + distance;
                bool rising = (low & size) == 0;
                pair a = pairs[low], b = pairs[high];
                if (goes_before(b, a) == rising) {
                    pairs[low] = b;
                    pairs[high] = a;
                }
            }
            __syncthreads();
        }
    }
}

/* --- picking --- */

/* The first place in sorted pairs whose key is not before `key`. */
__device__ static int64_t first_with(const pair *pairs, int64_t n, uint64_t key)
{
    int64_t low = 0;
    while (n > 0) {
        int64_t half = n / 2;
        bool before = pairs[low + half].key < key;
        low += before ? half + 1 : 0;
        n = before ? n - half - 1 : half;
    }
    return low;
}

__device__ static int64_t median_place(const sort_job &job, const pair *pairs, int64_t n)
{
    bool has_nan = is_nan_key(job.dtype, pairs[n - 1].key);
    int64_t numbers = has_nan ? first_with(pairs, n, pairs[n - 1].key) : n;
    return has_nan && (job.kind == MEDIAN || numbers == 0) ? numbers : (numbers - 1) / 2;
}

/* The longest run of equal keys, of several the first. */
struct longest_op {
    struct state {
        int64_t length, end;
    };

    __device__ state start() const
    {
        return {0, 0};
    }

    __device__ state merge(const state &a, const state &b) const
    {
        return a.length > b.length || (a.length == b.length && a.end < b.end) ? a : b;
    }
};

/* All threads of the block call it. */
__device__ static int64_t mode_place(const sort_job &job, const pair *pairs, int64_t n)
{
    longest_op op;
    longest_op::state best = op.start();
    for (int64_t i = threadIdx.x; i < n; i += blockDim.x) {
        uint64_t key = pairs[i].key;
        bool alone = is_nan_key(job.dtype, key); /* no NaN is like another */
        if (alone || i + 1 == n || pairs[i + 1].key != key) {
            best = op.merge(best, {alone ? 1 : i + 1 - first_with(pairs, i, key), i});
        }
    }
    return group_merged<BLOCK>(op, best).end;
}

__device__ static void put(const sort_job &job, const cuda_line_set &lines, int64_t line, int64_t index, int64_t at)
{
    if (lines.data[1]) {
        const char *from = line_start(lines, 0, line) + index * lines.steps[0];
        char *to = line_start(lines, 1, line) + at * lines.steps[1];
        switch (job.dtype) {
        case DTYPE_BOOL:
        case DTYPE_U8:
        case DTYPE_I8:
            *to = *from;
            break;
        case DTYPE_I16:
        case DTYPE_F16:
        case DTYPE_BF16:
            *(uint16_t *)to = *(const uint16_t *)from;
            break;
        case DTYPE_I32:
        case DTYPE_F32:
            *(uint32_t *)to = *(const uint32_t *)from;
            break;
        default:
            *(uint64_t *)to = *(const uint64_t *)from;
        }
    }
    if (lines.data[2]) {
        *(int64_t *)(line_start(lines, 2, line) + at * lines.steps[2]) = index;
    }
}

__device__ static inline bool is_one_a_line(enum sort_kind kind)
{
    return kind != SORT && kind != TOP;
}

/* Stores what is looked for in a line whose pairs are sorted; all threads of the block call it. */
__device__ static void pick(const sort_job &job, const cuda_line_set &lines, int64_t line, const pair *pairs)
{
    int64_t n = lines.length, wanted = job.kind == TOP ? job.k : n;
    if (is_one_a_line(job.kind)) {
        int64_t place = job.kind == MODE  ? mode_place(job, pairs, n)
                        : job.kind == KTH ? job.k
                                          : median_place(job, pairs, n);
        if (threadIdx.x == 0) {
            put(job, lines, line, pairs[place].index, 0);
        }
        return;
    }
    for (int64_t i = threadIdx.x; i < wanted; i += blockDim.x) {
        put(job, lines, line, pairs[i].index, i);
    }
}

/* --- kernels --- */

/* A block a line. */
__global__ void sort_short(sort_job job, cuda_line_set lines, int wide)
{
    __shared__ pair pairs[CUDA_SORT_SHORT];
    for (int64_t line = blockIdx.x; line < job.count; line += gridDim.x) {
        load_pairs(job, lines, job.first + line, 0, (int)lines.length, wide, pairs);
        sort_pairs(pairs, wide);
        pick(job, lines, job.first + line, pairs);
        __syncthreads();
    }
}

/* A block a piece of a line, into runs of CUDA_SORT_SHORT in `room` ([line][element]). */
__global__ void sort_pieces(sort_job job, cuda_line_set lines, pair *room)
{
    __shared__ pair pairs[CUDA_SORT_SHORT];
    int64_t pieces = (lines.length + CUDA_SORT_SHORT - 1) / CUDA_SORT_SHORT;
    for (int64_t item = blockIdx.x; item < job.count * pieces; item += gridDim.x) {
        int64_t line = item / pieces, from = item % pieces * CUDA_SORT_SHORT, left = lines.length - from;
        int n = left < CUDA_SORT_SHORT ? (int)left : CUDA_SORT_SHORT;
        load_pairs(job, lines, job.first + line, from, n, CUDA_SORT_SHORT, pairs);
        sort_pairs(pairs, CUDA_SORT_SHORT);
        for (int i = threadIdx.x; i < n; i += blockDim.x) {
            room[line * lines.length + from + i] = pairs[i];
        }
        __syncthreads();
    }
}

/* Runs of `width` pairs merged two by two. */
__global__ void merge_runs(const pair *from, pair *to, int64_t count, int64_t length, int64_t width)
{
    for (int64_t item = first_item(); item < count * length; item += item_step()) {
        int64_t i = item % length, start = item - i, run = i / width * width, first = run / (2 * width) * (2 * width);
        int64_t other = run == first ? run + width : first, end = other + width < length ? other + width : length;
        pair own = from[item];
        int64_t low = other;
        for (int64_t n = end - other; n > 0;) {
            int64_t half = n / 2;
            bool before = goes_before(from[start + low + half], own);
            low += before ? half + 1 : 0;
            n = before ? n - half - 1 : half;
        }
        int64_t passed = other < length ? low - other : 0;
        to[start + first + (i - run) + passed] = own;
    }
}

/* Long lines: a block picks one element, or puts a piece of the sorted ones. */
__global__ void pick_one(sort_job job, cuda_line_set lines, const pair *room)
{
    for (int64_t line = blockIdx.x; line < job.count; line += gridDim.x) {
        pick(job, lines, job.first + line, room + line * lines.length);
        __syncthreads();
    }
}

__global__ void put_sorted(sort_job job, cuda_line_set lines, const pair *room, int64_t wanted)
{
    for (int64_t item = first_item(); item < job.count * wanted; item += item_step()) {
        int64_t line = item / wanted, i = item % wanted;
        put(job, lines, job.first + line, room[line * lines.length + i].index, i);
    }
}

/* --- queueing --- */

static int sort_long(const sort_job &job, const cuda_line_set *lines, pair *room, cuda_stream stream)
{
    int64_t n = job.count * lines->length, pieces = (lines->length + CUDA_SORT_SHORT - 1) / CUDA_SORT_SHORT;
    pair *sorted = room, *other = room + n;
    int status = launch(sort_pieces, blocks_for(job.count * pieces, 1), CUDA_THREADS, stream, job, *lines, sorted);
    for (int64_t width = CUDA_SORT_SHORT; status == CUDA_OK && width < lines->length; width *= 2) {
        status = launch(merge_runs, blocks_for(n, CUDA_THREADS), CUDA_THREADS, stream, (const pair *)sorted, other,
                        job.count, lines->length, width);
        pair *merged = other;
        other = sorted;
        sorted = merged;
    }
    if (status != CUDA_OK) {
        return status;
    }
    if (job.kind != SORT && job.kind != TOP) {
        return launch(pick_one, blocks_for(job.count, 1), CUDA_THREADS, stream, job, *lines, (const pair *)sorted);
    }
    int64_t wanted = job.kind == TOP ? job.k : lines->length;
    return launch(put_sorted, blocks_for(job.count * wanted, CUDA_THREADS), CUDA_THREADS, stream, job, *lines,
                  (const pair *)sorted, wanted);
}

int cuda_sort(enum sort_kind kind, enum dtype dtype, const cuda_line_set *lines, int64_t first, int64_t count,
              int64_t k, bool descending, void *room, cuda_stream stream)
{
    sort_job job = {kind, dtype, descending, k, first, count};
    if (lines->length > CUDA_SORT_SHORT) {
        return sort_long(job, lines, (pair *)room, stream);
    }
    int wide = 1;
    while (wide < lines->length) {
        wide *= 2;
    }
    int threads = wide <= 2 * WARP ? WARP : wide < 2 * CUDA_THREADS ? wide / 2 : CUDA_THREADS;
    return launch(sort_short, blocks_for(count, 1), threads, stream, job, *lines, wide);
}
