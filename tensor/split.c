/* A tensor cut into views: narrow, unbind, split and the ops made of them. alias_* lie below
 * autograd, compose_* above it. */
#include "op_functions.h"

#include <limits.h>
#include <string.h>

#include "backend.h"
#include "call.h"
#include "shape.h"

static struct maybe_int some(int64_t value)
{
    return (struct maybe_int){true, value};
}

/* --- narrow --- */

/* Wraps dim and start and checks that the piece lies within the dim. */
static int check_narrow(const struct tensor *self, int64_t *dim, int64_t *start, int64_t length)
{
    if (self->dims == 0) {
        error_set(ERROR_RUNTIME, "narrow() cannot be applied to a 0-dim tensor.");
        return -1;
    }
    if (shape_wrap_dim(dim, self->dims))
        return -1;
    int64_t size = self->sizes[*dim];
    if (*start < -size || *start > size) {
        error_set(ERROR_INDEX,
                  "start out of range (expected to be in range of [%lld, %lld], but got %lld)",
                  (long long)-size, (long long)size, (long long)*start);
        return -1;
    }
    *start += *start < 0 ? size : 0;
    if (length < 0 || *start > size - length) {
        error_set(ERROR_RUNTIME, "start (%lld) + length (%lld) exceeds dimension size (%lld).",
                  (long long)*start, (long long)length, (long long)size);
        return -1;
    }
    return 0;
}

struct tensor *compose_narrow(struct tensor *self, int64_t dim, int64_t start, int64_t length)
{
    if (self->dims && length < 0) {
        error_set(ERROR_RUNTIME, "narrow(): length must be non-negative.");
        return NULL;
    }
    if (check_narrow(self, &dim, &start, length))
        return NULL;
    return tensor_slice(self, dim, some(start), some(start + length), 1);
}

struct tensor *compose_narrow_tensor(struct tensor *self, int64_t dim, struct tensor *start,
                                     int64_t length)
{
    struct scalar value;

    if (start->dims || dtype_kind((enum dtype)start->dtype) != DTYPE_KIND_INT) {
        error_set(ERROR_RUNTIME, "start must be an 0-dim integral Tensor.");
        return NULL;
    }
    if (tensor_item(start, &value))
        return NULL;
    return compose_narrow(self, dim, value.i, length);
}

/* Its checks are those of narrow(), in another order: a negative length counts as too long. */
struct tensor *body_narrow_copy(struct tensor *out, struct tensor *self, int64_t dim, int64_t start,
                                int64_t length)
{
    struct tensor *piece, *result;

    if (self->dims && dim >= self->dims) {
        error_set(ERROR_RUNTIME,
                  "Expected dim < static_cast<int64_t>(self_sizes.size()) to be true, but got "
                  "false.  (Could this error message be improved?  If so, please report an "
                  "enhancement request to PyTorch.)");
        return NULL;
    }
    if (check_narrow(self, &dim, &start, length))
        return NULL;
    piece = alias_slice(self, dim, some(start), some(start + length), 1);
    result = piece ? body_clone(out, piece, MEMORY_CONTIGUOUS) : NULL;
    tensor_release(piece);
    return result;
}

/* --- pieces along a dim --- */

/* Refuses more pieces than a list can count, in PyTorch's words for what does not fit in memory. */
static int check_pieces(int64_t pieces)
{
    if (pieces <= INT_MAX)
        return 0;
    error_set(ERROR_RUNTIME, pieces >= INT64_C(1) << 60
                                 ? "cannot create std::vector larger than max_size()"
                                 : "std::bad_alloc");
    return -1;
}

static int list_init(struct tensor_list *list, int64_t room)
{
    return check_pieces(room) ? -1 : tensor_list_init(list, (int)room);
}

/* An empty piece keeps the offset of the whole: it might lie behind the storage otherwise. */
static struct tensor *piece_of(struct tensor *self, int64_t dim, int64_t start, int64_t length)
{
    struct tensor *view = tensor_alias(self, self->dims, self->sizes, self->strides,
                                       self->offset + (length ? start * self->strides[dim] : 0));

    if (view) {
        view->sizes[dim] = length;
        view->numel = shape_numel(view->dims, view->sizes);
    }
    return view;
}

int alias_unbind(struct tensor *self, int64_t dim, struct tensor_list *result)
{
    *result = (struct tensor_list){NULL, 0};
    if (shape_wrap_dim(&dim, self->dims) || shape_wrap_sized_dim(&dim, self->dims))
        return -1;
    if (list_init(result, self->sizes[dim]))
        return -1;
    for (int64_t i = 0; i < self->sizes[dim]; i++)
        if (tensor_list_add(result, alias_select(self, dim, i)))
            return -1;
    return 0;
}

static int check_split(const struct tensor *self, int64_t *dim)
{
    if (self->dims == 0) {
        error_set(ERROR_RUNTIME, "split expects at least a 1-dimensional tensor");
        return -1;
    }
    return shape_wrap_dim(dim, self->dims);
}

int alias_split(struct tensor *self, int64_t split_size, int64_t dim, struct tensor_list *result)
{
    *result = (struct tensor_list){NULL, 0};
    if (self->dims && split_size < 0) {
        error_set(ERROR_RUNTIME,
                  "split expects split_size be non-negative, but got split_size=%lld",
                  (long long)split_size);
        return -1;
    }
    if (check_split(self, &dim))
        return -1;
    int64_t size = self->sizes[dim];
    if (split_size == 0 && size != 0) {
        error_set(ERROR_RUNTIME,
                  "split_size can only be 0 if dimension size is 0, but got dimension size of %lld",
                  (long long)size);
        return -1;
    }
    /* an empty dim still gives one piece */
    int64_t count = size ? (size - 1) / split_size + 1 : 1;
    if (list_init(result, count))
        return -1;
    for (int64_t i = 0; i < count; i++) {
        int64_t start = i * split_size, left = size - start;
        if (tensor_list_add(result,
                            piece_of(self, dim, start, left < split_size ? left : split_size)))
            return -1;
    }
    return 0;
}

int alias_split_with_sizes(struct tensor *self, struct ints split_sizes, int64_t dim,
                           struct tensor_list *result)
{
    int64_t sum = 0, start = 0;
    char text[1024];

    *result = (struct tensor_list){NULL, 0};
    if (check_split(self, &dim))
        return -1;
    for (int i = 0; i < split_sizes.count; i++) {
        if (split_sizes.items[i] < 0) {
            error_set(ERROR_RUNTIME,
                      "split_with_sizes expects split_sizes have only non-negative entries, but "
                      "got split_sizes=%s",
                      shape_text(split_sizes, text, sizeof text));
            return -1;
        }
        sum += split_sizes.items[i];
    }
    if (sum != self->sizes[dim]) {
        error_set(ERROR_RUNTIME,
                  "split_with_sizes expects split_sizes to sum exactly to %lld (input tensor's "
                  "size at dimension %lld), but got split_sizes=%s",
                  (long long)self->sizes[dim], (long long)dim,
                  shape_text(split_sizes, text, sizeof text));
        return -1;
    }
    if (list_init(result, split_sizes.count))
        return -1;
    for (int i = 0; i < split_sizes.count; start += split_sizes.items[i++])
        if (tensor_list_add(result, piece_of(self, dim, start, split_sizes.items[i])))
            return -1;
    return 0;
}

int compose_split_sizes(struct tensor *self, struct ints split_size, int64_t dim,
                        struct tensor_list *result)
{
    return tensor_split_with_sizes(self, split_size, dim, result);
}

/* `chunks` empty pieces: a split by size would give one. */
static int empty_chunks(struct tensor *self, int64_t chunks, int64_t dim,
                        struct tensor_list *result)
{
    int64_t *sizes = check_pieces(chunks) ? NULL : mem_alloc((size_t)chunks * sizeof *sizes);
    int status = -1;

    if (!sizes)
        return -1;
    memset(sizes, 0, (size_t)chunks * sizeof *sizes);
    status = tensor_split_with_sizes(self, (struct ints){sizes, (int)chunks}, dim, result);
    mem_free(sizes);
    return status;
}

int compose_chunk(struct tensor *self, int64_t chunks, int64_t dim, struct tensor_list *result)
{
    *result = (struct tensor_list){NULL, 0};
    if (self->dims == 0) {
        error_set(ERROR_RUNTIME, "chunk expects at least a 1-dimensional tensor");
        return -1;
    }
    if (chunks <= 0) {
        error_set(ERROR_RUNTIME, "chunk expects `chunks` to be greater than 0, got: %lld",
                  (long long)chunks);
        return -1;
    }
    if (shape_wrap_dim(&dim, self->dims))
        return -1;
    int64_t size = self->sizes[dim];
    if (size == 0)
        return empty_chunks(self, chunks, dim, result);
    return tensor_split(self, (size - 1) / chunks + 1, dim, result);
}

/* --- tensor_split --- */

static int check_tensor_split(const struct tensor *self, int64_t *dim)
{
    if (self->dims == 0) {
        error_set(ERROR_RUNTIME,
                  "tensor_split expected at least a 1-dimensional tensor, but got a tensor with "
                  "%d dims",
                  self->dims);
        return -1;
    }
    return shape_wrap_dim(dim, self->dims);
}

/* The first pieces are one longer where the dim does not divide evenly, as in NumPy. */
int compose_tensor_split(struct tensor *self, int64_t sections, int64_t dim,
                         struct tensor_list *result)
{
    *result = (struct tensor_list){NULL, 0};
    if (check_tensor_split(self, &dim))
        return -1;
    if (sections <= 0) {
        error_set(ERROR_RUNTIME, "number of sections must be larger than 0, got %lld",
                  (long long)sections);
        return -1;
    }
    int64_t least = self->sizes[dim] / sections, larger = self->sizes[dim] % sections, start = 0;
    if (list_init(result, sections))
        return -1;
    for (int64_t i = 0; i < sections; i++) {
        int64_t end = start + least + (i < larger);
        if (tensor_list_add(result, tensor_slice(self, dim, some(start), some(end), 1)))
            return -1;
        start = end;
    }
    return 0;
}

/* Between neighbouring indices, which may be negative, too large or out of order, as for slices. */
int compose_tensor_split_indices(struct tensor *self, struct ints indices, int64_t dim,
                                 struct tensor_list *result)
{
    int64_t start = 0;

    *result = (struct tensor_list){NULL, 0};
    if (check_tensor_split(self, &dim) || list_init(result, indices.count + 1))
        return -1;
    for (int i = 0; i <= indices.count; i++) {
        int64_t end = i < indices.count ? indices.items[i] : self->sizes[dim];
        if (tensor_list_add(result, tensor_slice(self, dim, some(start), some(end), 1)))
            return -1;
        start = end;
    }
    return 0;
}

int compose_tensor_split_tensor(struct tensor *self, struct tensor *places, int64_t dim,
                                struct tensor_list *result)
{
    *result = (struct tensor_list){NULL, 0};
    if (!tensor_on_cpu(places)) {
        error_set(
            ERROR_RUNTIME,
            "tensor_split expected tensor_indices_or_sections to be on cpu, but it's on cuda:%d",
            places->storage->device.index);
        return -1;
    }
    if (places->dtype != DTYPE_I64) {
        error_set(ERROR_RUNTIME,
                  "tensor_split expected tensor_indices_or_sections to have dtype of long, but "
                  "got %s",
                  dtype_info[places->dtype].class_name);
        return -1;
    }
    if (places->dims > 1) {
        error_set(ERROR_RUNTIME,
                  "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or "
                  "one-dimensional tensor, but got a tensor with %d dims",
                  places->dims);
        return -1;
    }
    if (places->dims == 0)
        return compose_tensor_split(self, *(const int64_t *)tensor_ptr(places), dim, result);
    struct tensor *dense = call_contiguous(places);
    if (!dense)
        return -1;
    struct ints indices = {tensor_ptr(dense), (int)dense->numel};
    int status = compose_tensor_split_indices(self, indices, dim, result);
    tensor_release(dense);
    return status;
}

/* --- hsplit, vsplit, dsplit: tensor_split along a fixed dim, into equal parts --- */

struct fixed_split {
    const char *name;
    int least_dims;
    int dim;
};

static const struct fixed_split hsplit = {"hsplit", 1, 1}, vsplit = {"vsplit", 2, 0},
                                dsplit = {"dsplit", 3, 2};

/* The dim to split along, or -1 with the error set. */
static int fixed_dim(const struct fixed_split *split, const struct tensor *self)
{
    if (self->dims < split->least_dims) {
        error_set(ERROR_RUNTIME,
                  "torch.%s requires a tensor with at least %d dimension, but got a tensor with %d "
                  "dimensions!",
                  split->name, split->least_dims, self->dims);
        return -1;
    }
    return self->dims == 1 ? 0 : split->dim;
}

static int split_equally(const struct fixed_split *split, struct tensor *self, int64_t sections,
                         struct tensor_list *result)
{
    int dim = fixed_dim(split, self);

    *result = (struct tensor_list){NULL, 0};
    if (dim < 0)
        return -1;
    if (sections == 0 || self->sizes[dim] % sections) {
        error_set(ERROR_RUNTIME,
                  "torch.%s attempted to split along dimension %d, but the size of the dimension "
                  "%lld is not divisible by the split_size %lld!",
                  split->name, dim, (long long)self->sizes[dim], (long long)sections);
        return -1;
    }
    return compose_tensor_split(self, sections, dim, result);
}

static int split_at(const struct fixed_split *split, struct tensor *self, struct ints indices,
                    struct tensor_list *result)
{
    int dim = fixed_dim(split, self);

    *result = (struct tensor_list){NULL, 0};
    return dim < 0 ? -1 : compose_tensor_split_indices(self, indices, dim, result);
}

int compose_hsplit(struct tensor *self, int64_t sections, struct tensor_list *result)
{
    return split_equally(&hsplit, self, sections, result);
}

int compose_hsplit_indices(struct tensor *self, struct ints indices, struct tensor_list *result)
{
    return split_at(&hsplit, self, indices, result);
}

int compose_vsplit(struct tensor *self, int64_t sections, struct tensor_list *result)
{
    return split_equally(&vsplit, self, sections, result);
}

int compose_vsplit_indices(struct tensor *self, struct ints indices, struct tensor_list *result)
{
    return split_at(&vsplit, self, indices, result);
}

int compose_dsplit(struct tensor *self, int64_t sections, struct tensor_list *result)
{
    return split_equally(&dsplit, self, sections, result);
}

int compose_dsplit_indices(struct tensor *self, struct ints indices, struct tensor_list *result)
{
    return split_at(&dsplit, self, indices, result);
}
