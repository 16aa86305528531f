/* struct cuda_places: reading and writing what index tensors name, a thread an element. */
#include "atomics.cuh"
#include "element.cuh"
#include "place_kernels.h"
#include "tables.h"

/* Where element `number` in row-major order of the sizes lies in operand k. */
__device__ static int64_t offset_of(const struct cuda_dims &dims, int k, int64_t number)
{
    int64_t offset = 0;
    for (int dim = dims.dims - 1; dim >= 0 && number; dim--) {
        offset += number % dims.sizes[dim] * dims.steps[k][dim];
        number /= dims.sizes[dim];
    }
    return offset;
}

/* --- index tensors --- */

template <class Index>
__global__ void read_kernel(int64_t *offsets, const Index *index, struct cuda_dims dims,
                            int64_t count, int64_t size, int64_t stride)
{
    for (int64_t i = first_item(); i < count; i += item_step()) {
        int64_t place = index[offset_of(dims, 0, i)];
        assert(place >= -size && place < size && "index out of bounds");
        offsets[i] = (place < 0 ? place + size : place) * stride;
    }
}

static int read_places(int64_t *offsets, const void *index, bool wide, const struct cuda_dims *dims,
                       int64_t count, int64_t size, int64_t stride, cuda_stream stream)
{
    int64_t blocks = blocks_for(count, CUDA_THREADS);
    return wide ? launch(read_kernel<int64_t>, blocks, CUDA_THREADS, stream, offsets,
                         (const int64_t *)index, *dims, count, size, stride)
                : launch(read_kernel<int32_t>, blocks, CUDA_THREADS, stream, offsets,
                         (const int32_t *)index, *dims, count, size, stride);
}

template <class Index>
__global__ void check_kernel(const Index *index, int64_t step, int64_t count, int64_t low,
                             int64_t high)
{
    for (int64_t i = first_item(); i < count; i += item_step()) {
        int64_t place = index[i * step];
        assert(place >= low && place < high && "index out of bounds");
    }
}

static int check_places(const void *index, bool wide, int64_t step, int64_t count, int64_t low,
                        int64_t high, cuda_stream stream)
{
    int64_t blocks = blocks_for(count, CUDA_THREADS);
    return wide ? launch(check_kernel<int64_t>, blocks, CUDA_THREADS, stream,
                         (const int64_t *)index, step, count, low, high)
                : launch(check_kernel<int32_t>, blocks, CUDA_THREADS, stream,
                         (const int32_t *)index, step, count, low, high);
}

/* --- masks: every block of threads counts its part, the counts are summed up, then every block
 * knows where it writes --- */

#define MASK_THREADS 256
#define MASK_ITEMS 16 /* neighbouring bytes of one thread */
#define MASK_PART ((int64_t)MASK_THREADS * MASK_ITEMS)

static int64_t mask_blocks(int64_t n)
{
    return (n + MASK_PART - 1) / MASK_PART;
}

/* The true bytes of this thread's items, which begin at `begin`. */
__device__ static int count_items(const uint8_t *mask, int64_t begin, int64_t n)
{
    int count = 0;
    for (int64_t i = begin; i < begin + MASK_ITEMS && i < n; i++) {
        count += mask[i] != 0;
    }
    return count;
}

/* The sum of `value` over the threads before this one; in *total that of all threads of the block.
 */
__device__ static int sum_before(int value, int *total)
{
    __shared__ int sums[MASK_THREADS];
    int thread = (int)threadIdx.x;
    sums[thread] = value;
    __syncthreads();
    for (int reach = 1; reach < MASK_THREADS; reach *= 2) {
        int below = thread >= reach ? sums[thread - reach] : 0;
        __syncthreads();
        sums[thread] += below;
        __syncthreads();
    }
    *total = sums[MASK_THREADS - 1];
    int before = thread ? sums[thread - 1] : 0;
    __syncthreads();
    return before;
}

__global__ void count_kernel(int64_t *starts, const uint8_t *mask, int64_t n)
{
    int total;
    sum_before(
        count_items(mask, (int64_t)blockIdx.x * MASK_PART + (int64_t)threadIdx.x * MASK_ITEMS, n),
        &total);
    if (threadIdx.x == 0) {
        starts[blockIdx.x + 1] = total;
    }
}

/* starts[b + 1] holds block b's count and becomes the count of all blocks up to it; by one block.
 */
__global__ void add_up_kernel(int64_t *starts, int64_t blocks)
{
    __shared__ int64_t before;
    if (threadIdx.x == 0) {
        starts[0] = before = 0;
    }
    for (int64_t begin = 0; begin < blocks; begin += MASK_THREADS) {
        int64_t at = begin + threadIdx.x;
        int total, own = at < blocks ? (int)starts[at + 1] : 0;
        int sum = sum_before(own, &total) + own;
        if (at < blocks) {
            starts[at + 1] = before + sum;
        }
        __syncthreads();
        if (threadIdx.x == 0) {
            before += total;
        }
        __syncthreads();
    }
}

static int mask_count(int64_t *starts, const uint8_t *mask, int64_t n, cuda_stream stream)
{
    int status = launch(count_kernel, mask_blocks(n), MASK_THREADS, stream, starts, mask, n);
    return status ? status : launch(add_up_kernel, 1, MASK_THREADS, stream, starts, mask_blocks(n));
}

__global__ void offsets_kernel(int64_t *offsets, const int64_t *starts, const uint8_t *mask,
                               int64_t n, struct cuda_dims dims)
{
    int64_t begin = (int64_t)blockIdx.x * MASK_PART + (int64_t)threadIdx.x * MASK_ITEMS;
    int total;
    int64_t at = starts[blockIdx.x] + sum_before(count_items(mask, begin, n), &total);
    for (int64_t i = begin; i < begin + MASK_ITEMS && i < n; i++) {
        if (mask[i]) {
            offsets[at++] = offset_of(dims, 0, i);
        }
    }
}

static int mask_offsets(int64_t *offsets, const int64_t *starts, const uint8_t *mask, int64_t n,
                        const struct cuda_dims *dims, cuda_stream stream)
{
    return launch(offsets_kernel, mask_blocks(n), MASK_THREADS, stream, offsets, starts, mask, n,
                  *dims);
}

__global__ void coordinates_kernel(int64_t *coordinates, const int64_t *numbers, int64_t count,
                                   struct cuda_dims dims)
{
    for (int64_t i = first_item(); i < count; i += item_step()) {
        int64_t number = numbers[i];
        for (int dim = dims.dims - 1; dim >= 0; dim--) {
            coordinates[dim * count + i] = number % dims.sizes[dim];
            number /= dims.sizes[dim];
        }
    }
}

static int coordinates_of(int64_t *coordinates, const int64_t *numbers, int64_t count,
                          const struct cuda_dims *dims, cuda_stream stream)
{
    return launch(coordinates_kernel, blocks_for(count, CUDA_THREADS), CUDA_THREADS, stream,
                  coordinates, numbers, count, *dims);
}

/* --- a plan's elements --- */

/* Where element i of the plan lies in self, and (b, k) as one number and a of it. */
__device__ static int64_t planned(const struct cuda_plan &plan, int64_t i, int64_t *row,
                                  int64_t *column)
{
    *row = i / plan.after_count;
    *column = i % plan.after_count;
    return offset_of(plan.before, 0, *row / plan.place_count) +
           plan.places[*row % plan.place_count] + offset_of(plan.after, 0, *column);
}

static int64_t planned_count(const struct cuda_plan *plan)
{
    return plan->before_count * plan->place_count * plan->after_count;
}

template <class Element>
__global__ void pick_kernel(Element *result, const Element *self, struct cuda_plan plan,
                            int64_t count)
{
    int64_t row, column;
    for (int64_t i = first_item(); i < count; i += item_step()) {
        result[i] = self[planned(plan, i, &row, &column)];
    }
}

template <class Element>
static int pick_of(void *result, const void *self, const struct cuda_plan *plan, cuda_stream stream)
{
    int64_t count = planned_count(plan);
    return launch(pick_kernel<Element>, blocks_for(count, CUDA_THREADS), CUDA_THREADS, stream,
                  (Element *)result, (const Element *)self, *plan, count);
}

static int pick(void *result, const void *self, size_t bytes, const struct cuda_plan *plan,
                cuda_stream stream)
{
    switch (bytes) {
    case 1:
        return pick_of<uint8_t>(result, self, plan, stream);
    case 2:
        return pick_of<uint16_t>(result, self, plan, stream);
    case 4:
        return pick_of<uint32_t>(result, self, plan, stream);
    default:
        return pick_of<uint64_t>(result, self, plan, stream);
    }
}

/* --- updates: what comes of the element at a place --- */

/* The unsigned type of as many bytes as an element has. */
template <size_t bytes> struct unsigned_of;
template <> struct unsigned_of<1> {
    using type = uint8_t;
};
template <> struct unsigned_of<2> {
    using type = uint16_t;
};
template <> struct unsigned_of<4> {
    using type = uint32_t;
};
template <> struct unsigned_of<8> {
    using type = uint64_t;
};
template <enum dtype D> using bits_of = typename unsigned_of<sizeof(storage_of<D>)>::type;

template <class To, class From> __device__ static To bits_as(From from)
{
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}

/* Whole numbers wrap; a NaN is the largest and the smallest number. */
template <enum cuda_update update, class T> __device__ static T joined(T a, T b)
{
    using wide = std::conditional_t<std::is_floating_point_v<T>, T, uint64_t>;
    if (update == CUDA_ADD) {
        return (T)((wide)a + (wide)b);
    }
    if (update == CUDA_MUL) {
        return (T)((wide)a * (wide)b);
    }
    return (update == CUDA_MAX ? a > b : a < b) || a != a ? a : b;
}

/* The bits of an element joined with those of another. A sum of bools is their "or". */
template <enum dtype D, enum cuda_update update>
__device__ static bits_of<D> joined_bits(bits_of<D> there, bits_of<D> other)
{
    auto a = element_load<D>(bits_as<storage_of<D>>(there)),
         b = element_load<D>(bits_as<storage_of<D>>(other));
    auto value = joined<update>(a, b);
    return D == DTYPE_BOOL ? value != 0 : bits_as<bits_of<D>>(element_store<D>(value));
}

template <enum dtype D, enum cuda_update update>
__device__ static void apply(bits_of<D> *at, bits_of<D> value)
{
    if constexpr (update == CUDA_PUT) {
        *at = value;
    } else {
        atomic_change(at,
                      [value](bits_of<D> there) { return joined_bits<D, update>(there, value); });
    }
}

template <enum dtype D, enum cuda_update update>
__global__ void put_kernel(bits_of<D> *self, const bits_of<D> *values, int64_t row_step,
                           int64_t step, struct cuda_plan plan, int64_t count)
{
    int64_t row, column;
    for (int64_t i = first_item(); i < count; i += item_step()) {
        int64_t offset = planned(plan, i, &row, &column);
        apply<D, update>(self + offset, values[row * row_step + column * step]);
    }
}

template <enum dtype D, enum cuda_update update>
__global__ void scatter_kernel(bits_of<D> *self, const bits_of<D> *source, const int64_t *places,
                               struct cuda_dims dims, int64_t count, int64_t size, int64_t dim_step)
{
    for (int64_t i = first_item(); i < count; i += item_step()) {
        int64_t place = places[offset_of(dims, 0, i)];
        assert(place >= 0 && place < size && "index out of bounds");
        apply<D, update>(self + offset_of(dims, 1, i) + place * dim_step,
                         source[offset_of(dims, 2, i)]);
    }
}

template <enum dtype D, enum cuda_update update> struct put_of {
    static int run(void *self, const void *values, int64_t row_step, int64_t step,
                   const struct cuda_plan *plan, cuda_stream stream)
    {
        int64_t count = planned_count(plan);
        return launch(put_kernel<D, update>, blocks_for(count, CUDA_THREADS), CUDA_THREADS, stream,
                      (bits_of<D> *)self, (const bits_of<D> *)values, row_step, step, *plan, count);
    }
};

template <enum dtype D, enum cuda_update update> struct scatter_of {
    static int run(void *self, const void *source, const int64_t *places,
                   const struct cuda_dims *dims, int64_t count, int64_t size, int64_t dim_step,
                   cuda_stream stream)
    {
        return launch(scatter_kernel<D, update>, blocks_for(count, CUDA_THREADS), CUDA_THREADS,
                      stream, (bits_of<D> *)self, (const bits_of<D> *)source, places, *dims, count,
                      size, dim_step);
    }
};

/* Calls Of<dtype, update>::run: elements that are only put are told apart by their size alone. */
template <template <enum dtype, enum cuda_update> class Of, enum cuda_update update, class... Args>
static int by_dtype(enum dtype dtype, Args... args)
{
    switch (dtype) {
#define DTYPE(id, name, storage, compute, accumulator, kind, short_name, ...)                      \
    case DTYPE_##id:                                                                               \
        return Of<DTYPE_##id, update>::run(args...);
#include "dtype.def"
#undef DTYPE
    default:
        return CUDA_NO_KERNEL;
    }
}

template <template <enum dtype, enum cuda_update> class Of, class... Args>
static int by_size(size_t bytes, Args... args)
{
    switch (bytes) {
    case 1:
        return Of<DTYPE_U8, CUDA_PUT>::run(args...);
    case 2:
        return Of<DTYPE_I16, CUDA_PUT>::run(args...);
    case 4:
        return Of<DTYPE_I32, CUDA_PUT>::run(args...);
    default:
        return Of<DTYPE_I64, CUDA_PUT>::run(args...);
    }
}

static int put(enum cuda_update update, enum dtype dtype, void *self, const void *values,
               int64_t row_step, int64_t step, const struct cuda_plan *plan, cuda_stream stream)
{
    return update == CUDA_PUT
               ? by_size<put_of>(element_bytes(dtype), self, values, row_step, step, plan, stream)
               : by_dtype<put_of, CUDA_ADD>(dtype, self, values, row_step, step, plan, stream);
}

static int scatter(enum cuda_update update, enum dtype dtype, void *self, const void *source,
                   const int64_t *places, const struct cuda_dims *dims, int64_t count, int64_t size,
                   int64_t dim_step, cuda_stream stream)
{
    switch (update) {
    case CUDA_ADD:
        return by_dtype<scatter_of, CUDA_ADD>(dtype, self, source, places, dims, count, size,
                                              dim_step, stream);
    case CUDA_MUL:
        return by_dtype<scatter_of, CUDA_MUL>(dtype, self, source, places, dims, count, size,
                                              dim_step, stream);
    case CUDA_MAX:
        return by_dtype<scatter_of, CUDA_MAX>(dtype, self, source, places, dims, count, size,
                                              dim_step, stream);
    case CUDA_MIN:
        return by_dtype<scatter_of, CUDA_MIN>(dtype, self, source, places, dims, count, size,
                                              dim_step, stream);
    default:
        return by_size<scatter_of>(element_bytes(dtype), self, source, places, dims, count, size,
                                   dim_step, stream);
    }
}

/* --- gather --- */

template <class Element>
__global__ void gather_kernel(Element *result, const Element *self, const int64_t *places,
                              struct cuda_dims dims, int64_t count, int64_t size, int64_t dim_step)
{
    for (int64_t i = first_item(); i < count; i += item_step()) {
        int64_t place = places[offset_of(dims, 0, i)];
        assert(place >= 0 && place < size && "index out of bounds");
        result[offset_of(dims, 1, i)] = self[offset_of(dims, 2, i) + place * dim_step];
    }
}

template <class Element>
static int gather_of(void *result, const void *self, const int64_t *places,
                     const struct cuda_dims *dims, int64_t count, int64_t size, int64_t dim_step,
                     cuda_stream stream)
{
    return launch(gather_kernel<Element>, blocks_for(count, CUDA_THREADS), CUDA_THREADS, stream,
                  (Element *)result, (const Element *)self, places, *dims, count, size, dim_step);
}

static int gather(void *result, const void *self, size_t bytes, const int64_t *places,
                  const struct cuda_dims *dims, int64_t count, int64_t size, int64_t dim_step,
                  cuda_stream stream)
{
    switch (bytes) {
    case 1:
        return gather_of<uint8_t>(result, self, places, dims, count, size, dim_step, stream);
    case 2:
        return gather_of<uint16_t>(result, self, places, dims, count, size, dim_step, stream);
    case 4:
        return gather_of<uint32_t>(result, self, places, dims, count, size, dim_step, stream);
    default:
        return gather_of<uint64_t>(result, self, places, dims, count, size, dim_step, stream);
    }
}

extern const struct cuda_places cuda_place_functions = {
    read_places,    check_places, mask_blocks, mask_count, mask_offsets,
    coordinates_of, pick,         put,         gather,     scatter,
};
