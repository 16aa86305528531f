#include <string.h>

#include "autograd/mode.h"
#include "autograd/node.h"
#include "backend.h"
#include "core.h"
#include "shape.h"

struct python_bridge python_bridge;

/* bytes copied between two polls for interrupts */
#define COPY_BYTES ((size_t)1 << 22)

/* --- making --- */

/* Room for `dims` sizes and strides: within the struct or in one block. */
static int reserve_dims(struct tensor *tensor, int dims)
{
    if (dims <= TENSOR_INLINE_DIMS) {
        tensor->sizes = tensor->shape;
        tensor->strides = tensor->shape + TENSOR_INLINE_DIMS;
        return 0;
    }
    if (shape_check_dims(dims)) {
        return -1;
    }
    tensor->sizes = mem_alloc(2 * (size_t)dims * sizeof *tensor->sizes);
    tensor->strides = tensor->sizes + dims;
    return tensor->sizes ? 0 : -1;
}

static void free_dims(struct tensor *tensor)
{
    if (tensor->sizes != tensor->shape) {
        mem_free(tensor->sizes);
    }
}

/* Without storage yet; strides NULL: contiguous. */
static struct tensor *shell_new(enum dtype dtype, int dims, const int64_t *sizes,
                                const int64_t *strides, int64_t numel)
{
    struct tensor *tensor = mem_pool_alloc(sizeof *tensor);
    if (!tensor) {
        return NULL;
    }
    atomic_init(&tensor->refcount, 1);
    tensor->dtype = (int8_t)dtype;
    tensor->weak = tensor->requires_grad = tensor->cut = false;
    tensor->inference = inference_mode_enabled();
    tensor->python_owner = PYTHON_OWNS_TENSOR;
    tensor->dims = dims;
    tensor->numel = numel;
    tensor->offset = 0;
    tensor->storage = NULL;
    tensor->version = NULL;
    tensor->autograd = NULL;
    tensor->python = NULL;
    if (reserve_dims(tensor, dims)) {
        mem_pool_free(tensor, sizeof *tensor);
        return NULL;
    }
    for (int i = 0; i < dims; i++) {
        tensor->sizes[i] = sizes[i];
    }
    if (!strides) {
        shape_strides(dims, sizes, tensor->strides);
        return tensor;
    }
    for (int i = 0; i < dims; i++) {
        tensor->strides[i] = strides[i];
    }
    return tensor;
}

static void shell_free(struct tensor *tensor)
{
    free_dims(tensor);
    mem_pool_free(tensor, sizeof *tensor);
}

static int storage_bytes_of(int64_t elements, enum dtype dtype, struct ints sizes, size_t *bytes)
{
    int64_t signed_bytes;
    if (__builtin_mul_overflow(elements, (int64_t)dtype_info[dtype].bytes, &signed_bytes)) {
        char text[1024];
        error_set(ERROR_RUNTIME, "Storage size calculation overflowed with sizes=%s",
                  shape_text(sizes, text, sizeof text));
        return -1;
    }
    *bytes = (size_t)signed_bytes;
    return 0;
}

int tensor_check_sizes(int dims, const int64_t *sizes)
{
    for (int i = 0; i < dims; i++) {
        if (sizes[i] < 0) {
            char text[1024];
            error_set(ERROR_RUNTIME, "Trying to create tensor with negative dimension %lld: %s",
                      (long long)sizes[i],
                      shape_text((struct ints){sizes, dims}, text, sizeof text));
            return -1;
        }
    }
    return 0;
}

struct tensor *tensor_new(enum dtype dtype, struct device device, int dims, const int64_t *sizes)
{
    size_t bytes;
    if (tensor_check_sizes(dims, sizes)) {
        return NULL;
    }
    int64_t numel = shape_numel(dims, sizes);
    if (numel < 0 || storage_bytes_of(numel, dtype, (struct ints){sizes, dims}, &bytes)) {
        return NULL;
    }
    struct tensor *tensor = shell_new(dtype, dims, sizes, NULL, numel);
    if (tensor && !(tensor->storage = storage_new(device, bytes))) {
        shell_free(tensor);
        return NULL;
    }
    return tensor;
}

/* Elements from the first to the last one, both counted; -1 with the error set on overflow. */
static int64_t span_of(int dims, const int64_t *sizes, const int64_t *strides)
{
    int64_t span = 1;
    for (int i = 0; i < dims; i++) {
        int64_t step;
        if (sizes[i] == 0) {
            return 0;
        }
        if (__builtin_mul_overflow(sizes[i] - 1, strides[i], &step) ||
            __builtin_add_overflow(span, step, &span)) {
            char a[1024], b[1024];
            error_set(ERROR_RUNTIME,
                      "Storage size calculation overflowed with sizes=%s and strides=%s",
                      shape_text((struct ints){sizes, dims}, a, sizeof a),
                      shape_text((struct ints){strides, dims}, b, sizeof b));
            return -1;
        }
    }
    return span;
}

struct tensor *tensor_new_strided(enum dtype dtype, struct device device, int dims,
                                  const int64_t *sizes, const int64_t *strides)
{
    size_t bytes;
    if (tensor_check_sizes(dims, sizes)) {
        return NULL;
    }
    int64_t numel = shape_numel(dims, sizes);
    int64_t span = numel < 0 ? -1 : span_of(dims, sizes, strides);
    if (span < 0 || storage_bytes_of(span, dtype, (struct ints){sizes, dims}, &bytes)) {
        return NULL;
    }
    struct tensor *tensor = shell_new(dtype, dims, sizes, strides, numel);
    if (tensor && !(tensor->storage = storage_new(device, bytes))) {
        shell_free(tensor);
        return NULL;
    }
    return tensor;
}

struct tensor *tensor_over(struct storage *storage, enum dtype dtype, int dims,
                           const int64_t *sizes, const int64_t *strides, int64_t offset)
{
    int64_t numel = shape_numel(dims, sizes);
    if (numel < 0) {
        return NULL;
    }
    struct tensor *tensor = shell_new(dtype, dims, sizes, strides, numel);
    if (tensor) {
        tensor->storage = storage_retain(storage);
        tensor->offset = offset;
    }
    return tensor;
}

struct tensor *tensor_alias(struct tensor *base, int dims, const int64_t *sizes,
                            const int64_t *strides, int64_t offset)
{
    struct tensor *tensor =
        tensor_over(base->storage, (enum dtype)base->dtype, dims, sizes, strides, offset);
    if (!tensor) {
        return NULL;
    }
    tensor->inference = base->inference;
    tensor->version = base->version;
    if (tensor->version) {
        atomic_fetch_add_explicit(&tensor->version->refcount, 1, memory_order_relaxed);
    }
    return tensor;
}

/* A weak float is kept in double, so that a float64 operand sees all its digits. */
struct tensor *tensor_weak(struct scalar value)
{
    enum dtype dtype = value.kind == SCALAR_FLOAT ? DTYPE_F64 : scalar_dtype(value);
    struct tensor *tensor = tensor_new(dtype, DEVICE_DEFAULT, 0, NULL);
    if (tensor) {
        dtype_store(dtype, tensor->storage->data, value);
        tensor->weak = true;
    }
    return tensor;
}

struct tensor *tensor_from_scalar(struct scalar value)
{
    enum dtype dtype = scalar_dtype(value);
    struct tensor *tensor = tensor_new(dtype, DEVICE_DEFAULT, 0, NULL);
    if (tensor) {
        dtype_store(dtype, tensor->storage->data, value);
    }
    return tensor;
}

struct tensor *tensor_from_data(const void *data, enum dtype dtype, struct ints sizes)
{
    struct tensor *tensor = tensor_new(dtype, DEVICE_DEFAULT, sizes.count, sizes.items);
    size_t bytes = tensor ? (size_t)tensor->numel * dtype_info[dtype].bytes : 0;
    struct work work;
    work_start(&work);
    for (size_t done = 0; done < bytes; done += COPY_BYTES) {
        if (done && !work_goes_on(&work)) {
            tensor_release(tensor);
            return NULL;
        }
        memcpy((char *)tensor->storage->data + done, (const char *)data + done,
               bytes - done < COPY_BYTES ? bytes - done : COPY_BYTES);
    }
    return tensor;
}

/* --- references --- */

struct tensor *tensor_retain(struct tensor *tensor)
{
    if (tensor) {
        atomic_fetch_add_explicit(&tensor->refcount, 1, memory_order_relaxed);
    }
    return tensor;
}

/* The last reference of C on a tensor that owns its Python object is not dropped but handed over to
 * the object: the binding makes it the owner again and drops it, and its end comes back here. A
 * weak reference that is followed meanwhile so finds a whole tensor. */
static bool hand_to_python(struct tensor *tensor)
{
    if (!tensor->python || tensor->python_owner != TENSOR_OWNS_PYTHON ||
        atomic_load_explicit(&tensor->refcount, memory_order_acquire) != 1) {
        return false;
    }
    python_bridge.release(tensor->python);
    return true;
}

void tensor_release(struct tensor *tensor)
{
    if (!tensor || hand_to_python(tensor) ||
        atomic_fetch_sub_explicit(&tensor->refcount, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (tensor->autograd) {
        autograd_free(tensor);
    }
    version_release(tensor->version);
    storage_release(tensor->storage);
    shell_free(tensor);
}

int tensor_list_init(struct tensor_list *list, int room)
{
    *list = (struct tensor_list){mem_alloc((size_t)(room ? room : 1) * sizeof *list->items), 0};
    return list->items ? 0 : -1;
}

int tensor_list_add(struct tensor_list *list, struct tensor *item)
{
    if (!item) {
        tensor_list_release(list);
        return -1;
    }
    list->items[list->count++] = item;
    return 0;
}

void tensor_list_release(struct tensor_list *list)
{
    for (int i = 0; i < list->count; i++) {
        tensor_release(list->items[i]);
    }
    mem_free(list->items);
    *list = (struct tensor_list){NULL, 0};
}

/* --- changing in place --- */

/* Replaces sizes and strides (NULL: contiguous); nothing is changed on failure. */
static int replace_dims(struct tensor *tensor, int dims, const int64_t *sizes,
                        const int64_t *strides, int64_t numel)
{
    struct tensor fresh;
    if (reserve_dims(&fresh, dims)) {
        return -1;
    }
    for (int i = 0; i < dims; i++) {
        fresh.sizes[i] = sizes[i];
        fresh.strides[i] = strides ? strides[i] : 0;
    }
    if (!strides) {
        shape_strides(dims, sizes, fresh.strides);
    }
    free_dims(tensor);
    if (fresh.sizes == fresh.shape) {
        memcpy(tensor->shape, fresh.shape, sizeof fresh.shape);
        tensor->sizes = tensor->shape;
        tensor->strides = tensor->shape + TENSOR_INLINE_DIMS;
    } else {
        tensor->sizes = fresh.sizes;
        tensor->strides = fresh.strides;
    }
    tensor->dims = dims;
    tensor->numel = numel;
    return 0;
}

int tensor_resize(struct tensor *tensor, int dims, const int64_t *sizes)
{
    size_t bytes;
    int64_t numel = tensor_check_sizes(dims, sizes) ? -1 : shape_numel(dims, sizes);
    if (numel < 0 || storage_bytes_of(numel + tensor->offset, (enum dtype)tensor->dtype,
                                      (struct ints){sizes, dims}, &bytes)) {
        return -1;
    }
    if (numel > 0 && storage_resize(tensor->storage, bytes)) {
        return -1;
    }
    return replace_dims(tensor, dims, sizes, NULL, numel);
}

int tensor_set_layout(struct tensor *tensor, const struct tensor *view)
{
    if (replace_dims(tensor, view->dims, view->sizes, view->strides, view->numel)) {
        return -1;
    }
    tensor->offset = view->offset;
    return 0;
}

int tensor_set_data(struct tensor *tensor, struct tensor *source)
{
    /* the tensor keeps its own count of changes: a graph that saved it must not see the storage's
     * other one */
    if (!tensor->version && !(tensor->version = version_new(tensor_version(tensor)))) {
        return -1;
    }
    if (replace_dims(tensor, source->dims, source->sizes, source->strides, source->numel)) {
        return -1;
    }
    struct storage *old = tensor->storage;
    tensor->storage = storage_retain(source->storage);
    tensor->offset = source->offset;
    tensor->dtype = source->dtype;
    storage_release(old);
    return 0;
}

/* --- reading --- */

int tensor_item(const struct tensor *tensor, struct scalar *value)
{
    if (tensor->numel != 1) {
        error_set(ERROR_RUNTIME, "a Tensor with %lld elements cannot be converted to Scalar",
                  (long long)tensor->numel);
        return -1;
    }
    _Alignas(double) char element[sizeof(double)];
    const struct backend *backend = backend_of(tensor->storage->device);
    if (!backend || backend->load(tensor, element)) {
        return -1;
    }
    *value = dtype_load((enum dtype)tensor->dtype, element);
    return 0;
}

int tensor_dims(const struct tensor *tensor)
{
    return tensor->dims;
}

int64_t tensor_numel(const struct tensor *tensor)
{
    return tensor->numel;
}

const int64_t *tensor_sizes(const struct tensor *tensor)
{
    return tensor->sizes;
}

const int64_t *tensor_strides(const struct tensor *tensor)
{
    return tensor->strides;
}

enum dtype tensor_dtype(const struct tensor *tensor)
{
    return (enum dtype)tensor->dtype;
}

struct device tensor_device(const struct tensor *tensor)
{
    return tensor->storage->device;
}

void *tensor_data(const struct tensor *tensor)
{
    return tensor->numel ? tensor_ptr(tensor) : NULL;
}

bool tensor_is_contiguous(const struct tensor *tensor)
{
    return shape_is_contiguous(tensor->dims, tensor->sizes, tensor->strides);
}
