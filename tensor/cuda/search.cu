/* Values looked up among sorted boundaries, and triangles of matrices: every element by itself. */
#include "lines.cuh"

#include "launch.cuh"

/* As cpu/search.c: the first place whose boundary is not before the value, with `right` the first that is after it. A
 * NaN is found at the end. */
template <class T>
__device__ int64_t place_of(const T *boundaries, const int64_t *sorter, int64_t count, T value, bool right)
{
    int64_t low = 0;
    for (int64_t left = count, half; left > 0; left -= half) {
        half = (left + 1) / 2;
        int64_t middle = low + half - 1;
        T boundary = boundaries[sorter ? sorter[middle] : middle];
        bool beyond = right ? boundary > value : boundary >= value;
        low += beyond ? 0 : half;
    }
    return low;
}

template <class T> __global__ void search_values(cuda_search search)
{
    for (int64_t i = first_item(); i < search.count; i += item_step()) {
        int64_t from = search.shared ? 0 : i / search.row * search.boundary_count;
        search.places[i] =
            place_of((const T *)search.boundaries + from, search.sorter ? search.sorter + from : NULL,
                     search.boundary_count, ((const T *)search.values)[i], search.right);
    }
}

int cuda_search_places(const cuda_search *search, cuda_stream stream)
{
    auto queue = [&](auto kernel) {
        return launch(kernel, blocks_for(search->count, CUDA_THREADS), CUDA_THREADS, stream, *search);
    };
    return search->dtype == DTYPE_I64   ? queue(search_values<int64_t>)
           : search->dtype == DTYPE_F32 ? queue(search_values<float>)
           : search->dtype == DTYPE_F64 ? queue(search_values<double>)
                                        : CUDA_NO_KERNEL;
}

/* --- triangles --- */

/* `diagonal` lies within the matrix or right beside it. */
template <class T> __global__ void keep_triangle(T *target, const T *source, triangle kept, int64_t count)
{
    int64_t n = count * kept.rows * kept.columns;
    for (int64_t i = first_item(); i < n; i += item_step()) {
        int64_t above = i % kept.columns - i / kept.columns % kept.rows;
        bool keeps = kept.upper ? above >= kept.diagonal : above <= kept.diagonal;
        target[i] = keeps ? source[i] : 0;
    }
}

int cuda_triangle(void *target, const void *source, size_t bytes, const triangle *given, int64_t count,
                  cuda_stream stream)
{
    triangle kept = *given;
    kept.diagonal = triangle_diagonal(given);
    auto queue = [&](auto zero) {
        using T = decltype(zero);
        return launch(keep_triangle<T>, blocks_for(count * kept.rows * kept.columns, CUDA_THREADS), CUDA_THREADS,
                      stream, (T *)target, (const T *)source, kept, count);
    };
    switch (bytes) {
    case 1:
        return queue(uint8_t());
    case 2:
        return queue(uint16_t());
    case 4:
        return queue(uint32_t());
    default:
        return queue(uint64_t());
    }
}
