/* Sizes and strides: pure functions on small arrays, with PyTorch's error texts. All sizes and strides are in
 * elements. Functions named shape_<rule> are the shape rules of the op table: they fill `out` from the op's
 * arguments and return 0, or -1 with the error set. */
#ifndef SHAPE_H
#define SHAPE_H

#include "tensor.h"

struct shape {
    int dims;
    int64_t sizes[TENSOR_MAX_DIMS];
};

/* Product of the sizes; -1 with error RUNTIME on overflow. */
TENSOR_API int64_t shape_numel(int dims, const int64_t *sizes);
/* Row-major strides (a size of 0 or 1 counts as 1). */
TENSOR_API void shape_strides(int dims, const int64_t *sizes, int64_t *strides);
TENSOR_API bool shape_is_contiguous(int dims, const int64_t *sizes, const int64_t *strides);
TENSOR_API bool shape_equal(struct ints a, struct ints b);
/* Wraps a negative dim; INDEX "Dimension out of range (expected to be in range of [-2, 1], but got 5)". For 0-d
 * tensors -1 and 0 are in range. */
TENSOR_API int shape_wrap_dim(int64_t *dim, int dims);
/* The same for a dim whose size is wanted: a 0-d tensor has none (INDEX "Dimension specified as 0 but tensor has no
 * dimensions"). */
TENSOR_API int shape_wrap_sized_dim(int64_t *dim, int dims);
/* RUNTIME when a tensor cannot have so many dims. */
TENSOR_API int shape_check_dims(int dims);
/* INDEX "max(): Expected reduction dim 0 to have non-zero size." where the dim (wrapped) is empty. */
TENSOR_API int shape_check_reduced_dim(const char *op, struct ints sizes, int64_t dim);
/* Whether `from` broadcasts to `to` without changing `to`. */
TENSOR_API bool shape_expandable(struct ints from, struct ints to);
/* "[2, 3]" into a caller's buffer, for error texts. Returns the buffer. */
TENSOR_API const char *shape_text(struct ints sizes, char *buffer, size_t capacity);
/* "2x3" likewise. */
TENSOR_API const char *shape_text_x(struct ints sizes, char *buffer, size_t capacity);

/* Strides that view `sizes`/`strides` as `new_sizes` without a copy, or false (algorithm: group input dims into
 * chunks that are contiguous among themselves, then each chunk must be filled exactly by new dims). */
TENSOR_API bool shape_view_strides(int dims, const int64_t *sizes, const int64_t *strides, int new_dims,
                                   const int64_t *new_sizes, int64_t *new_strides);
/* Whether the elements fill their memory without gaps or overlap, in any order of the dims. */
TENSOR_API bool shape_is_dense(int dims, const int64_t *sizes, const int64_t *strides);
/* Strides of a new tensor that keeps a layout's order of dims, as results of elementwise ops, clone and zeros_like do:
 * the same strides when dense, else dense ones in the same order. */
TENSOR_API void shape_preserved_strides(int dims, const int64_t *sizes, const int64_t *strides, int64_t *result);
/* Strides of a new tensor in a memory format (enum memory_format); MEMORY_PRESERVE goes by `strides`, those of its
 * source. RUNTIME "required rank 4 tensor to use channels_last format". */
TENSOR_API int shape_format_strides(int dims, const int64_t *sizes, const int64_t *strides, int format,
                                    int64_t *result);
/* Whether strides are those of a memory format; never those of another rank's. */
TENSOR_API bool shape_has_format(int dims, const int64_t *sizes, const int64_t *strides, int format);
/* Whether two elements share memory for sure (an expanded dim): such a tensor must not be written elementwise. */
TENSOR_API bool shape_overlaps_itself(int dims, const int64_t *sizes, const int64_t *strides);

/* Replaces one -1 of a requested shape; RUNTIME "shape '[4]' is invalid for input of size 6", "only one dimension can
 * be inferred". */
TENSOR_API int shape_infer(struct ints requested, int64_t numel, struct shape *out);

/* --- Shape rules of the op table --- */

/* RUNTIME "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1". NULL items skipped. */
TENSOR_API int shape_broadcast_list(struct shape *out, struct tensor *const *items, int count);
TENSOR_API int shape_like(struct shape *out, struct tensor *self);
/* Marks the dims to reduce in `reduced` (dims + 1 flags; none or an empty list given: all), with shape_reduce's errors. */
TENSOR_API int shape_reduced_dims(int dims, struct ints dim, bool *reduced);
/* dim none: all dims reduced. INDEX for a bad dim, RUNTIME "dim 0 appears multiple times in the list of dims". */
TENSOR_API int shape_reduce(struct shape *out, struct tensor *self, struct ints dim, bool keepdim);
TENSOR_API int shape_reduce_dim(struct shape *out, struct tensor *self, int64_t dim, bool keepdim);
/* (N, K) @ (K, M) → (N, M) with PyTorch's texts. */
TENSOR_API int shape_mm(struct shape *out, struct tensor *self, struct tensor *mat2);
TENSOR_API int shape_mv(struct shape *out, struct tensor *self, struct tensor *vec);
TENSOR_API int shape_dot(struct shape *out, struct tensor *self, struct tensor *other);
TENSOR_API int shape_bmm(struct shape *out, struct tensor *self, struct tensor *mat2);
TENSOR_API int shape_cat(struct shape *out, struct tensors list, int64_t dim);

#endif
