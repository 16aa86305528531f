/* What the plug-in computes along one dim: struct cuda_lines of plugin.h. What is meant by each is said in
 * line_kernels.h; here tensors are lines. */
#ifndef CUDA_LINES_H
#define CUDA_LINES_H

#include "line_kernels.h"
#include "plugin.h"
#include "series.h"
#include "triangle.h"

#define CUDA_LINES_OPERANDS 3
/* Room for what one group of threads has found, in bytes. */
#define CUDA_STATE_BYTES 32
/* Room for one element that is being sorted, in bytes. */
#define CUDA_PAIR_BYTES 16
/* Lines up to this length are sorted without room of the caller's. */
#define CUDA_SORT_SHORT 1024

/* Lines of operand 0, and those of the other operands at the same places; data NULL: that operand is not wanted. */
struct cuda_line_set {
    int dims;              /* other than that of the lines */
    int64_t length, count; /* elements of a line of operand 0; lines, at least one */
    bool beside; /* neighbours in operand 0's memory belong to neighbouring lines: a thread takes a line */
    int64_t parts; /* pieces that each line is cut into, so that enough threads have work */
    int64_t sizes[TENSOR_MAX_DIMS];                        /* of those dims, innermost first */
    int64_t strides[CUDA_LINES_OPERANDS][TENSOR_MAX_DIMS]; /* bytes */
    int64_t steps[CUDA_LINES_OPERANDS]; /* bytes from an element of a line to the next; 0: there is but one */
    char *data[CUDA_LINES_OPERANDS];
};

/* Values looked up among boundaries; all contiguous. */
struct cuda_search {
    enum dtype dtype; /* int64, float32 or float64 */
    const void *boundaries, *values;
    const int64_t *sorter; /* or NULL */
    int64_t boundary_count, row, count; /* of a row: boundaries, values; all values */
    bool shared, right;                 /* one row of boundaries serves all values */
    int64_t *places;
};

/* `room` is device memory of CUDA_STATE_BYTES for each part of each line, NULL where the lines are in one part. */
struct cuda_lines {
    /* Operands: the input, the result. */
    int (*softmax)(enum softmax kind, enum dtype dtype, const struct cuda_line_set *lines, void *room,
                   cuda_stream stream);
    bool (*has_scan)(enum scan kind, enum dtype dtype);
    /* Operands: the input, the result. A reversed scan is one of lines with negative steps. */
    int (*scan)(enum scan kind, enum dtype dtype, const struct cuda_line_set *lines, void *room, cuda_stream stream);
    /* Operands: the input, values, indices. */
    int (*scan_extremes)(enum extreme which, enum dtype dtype, const struct cuda_line_set *lines, void *room,
                         cuda_stream stream);
    /* Operands: the input, variances, means (both double). */
    int (*moments)(enum dtype dtype, const struct cuda_line_set *lines, double freedom, bool root, void *room,
                   cuda_stream stream);
    /* Operands: the input, values, indices. */
    int (*extreme)(enum extreme which, enum dtype dtype, const struct cuda_line_set *lines, void *room,
                   cuda_stream stream);
    /* Operands: the input, values, indices. Of the lines from `first` on `count` are sorted; those longer than
     * CUDA_SORT_SHORT need 2 * CUDA_PAIR_BYTES of `room` for each of their elements. */
    int (*sort)(enum sort_kind kind, enum dtype dtype, const struct cuda_line_set *lines, int64_t first, int64_t count,
                int64_t k, bool descending, void *room, cuda_stream stream);
    /* `count` matrices of elements of `bytes` bytes. */
    int (*triangle)(void *target, const void *source, size_t bytes, const struct triangle *triangle, int64_t count,
                    cuda_stream stream);
    int (*search)(const struct cuda_search *search, cuda_stream stream);
    /* Neighbouring elements of the series' dtype. */
    int (*series)(void *data, const struct series *series, cuda_stream stream);
};

#endif
