/* struct place_kernels on a GPU: tensors become the plain descriptions of place_kernels.h. */
#include <string.h>

#include "cuda.h"
#include "place_kernels.h"
#include "places.h"

/* --- descriptions --- */

/* Adds a dim inside the others. It is joined with the one around it where all operands step from
 * one to the other as within a single dim. */
static void add_dim(struct cuda_dims *dims, int operands, int64_t size, const int64_t *steps)
{
    int last = dims->dims - 1;
    bool joins = last >= 0;

    if (size == 1)
        return;
    for (int k = 0; k < operands && joins; k++)
        joins = dims->steps[k][last] == steps[k] * size;
    if (joins)
        dims->sizes[last] *= size;
    else
        dims->sizes[last = dims->dims++] = size;
    for (int k = 0; k < operands; k++)
        dims->steps[k][last] = steps[k];
}

/* The dims of the tensors, which have the first one's sizes; `flat`: the dim along which the last
 * one does not step. */
static struct cuda_dims dims_of(const struct tensor *const *tensors, int count, int flat)
{
    struct cuda_dims dims = {.dims = 0};

    for (int dim = 0; dim < tensors[0]->dims; dim++) {
        int64_t steps[PLACE_OPERANDS];
        for (int k = 0; k < count; k++)
            steps[k] = k == count - 1 && dim == flat ? 0 : tensors[k]->strides[dim];
        add_dim(&dims, count, tensors[0]->sizes[dim], steps);
    }
    return dims;
}

static struct cuda_dims dims_of_group(const struct index_dims *group)
{
    struct cuda_dims dims = {.dims = 0};

    for (int dim = 0; dim < group->dims; dim++)
        add_dim(&dims, 1, group->sizes[dim], &group->strides[dim]);
    return dims;
}

static struct cuda_plan plan_of(const struct index_plan *plan)
{
    return (struct cuda_plan){.before = dims_of_group(&plan->before),
                              .after = dims_of_group(&plan->after),
                              .before_count = plan->before.count,
                              .after_count = plan->after.count,
                              .place_count = plan->places->numel,
                              .places = tensor_ptr(plan->places)};
}

/* --- index tensors --- */

static int read_places(struct tensor *offsets, const struct tensor *index, int64_t size,
                       int64_t stride, int ordinal)
{
    struct cuda_dims dims = dims_of((const struct tensor *const[]){index}, 1, -1);
    cuda_stream stream;

    (void)ordinal; /* a device assert names no index tensor */
    if (cuda_enter(index, &stream))
        return -1;
    return cuda_check(cuda->places->read(tensor_ptr(offsets), tensor_ptr(index),
                                         index->dtype == DTYPE_I64, &dims, index->numel, size,
                                         stride, stream));
}

static int find_bad_place(const struct tensor *index, int64_t low, int64_t size, int64_t *bad)
{
    cuda_stream stream;

    *bad = 0;
    if (index->numel == 0)
        return 0;
    if (cuda_enter(index, &stream))
        return -1;
    return cuda_check(cuda->places->check(tensor_ptr(index), index->dtype == DTYPE_I64,
                                          index->dims ? index->strides[0] : 0, index->numel, low,
                                          size, stream));
}

/* --- masks --- */

/* The true elements before each block of the mask, in device memory to be released, and their
 * count: the host waits. */
struct counted {
    int64_t *starts;
    int64_t count;
};

static int count_mask(struct counted *counted, const struct tensor *mask, cuda_stream *stream)
{
    int64_t blocks = cuda->places->mask_blocks(mask->numel);

    *counted = (struct counted){.starts = NULL};
    if (cuda_enter(mask, stream))
        return -1;
    if (mask->numel == 0)
        return 0;
    counted->starts = cuda_allocate((size_t)(blocks + 1) * sizeof *counted->starts);
    if (counted->starts &&
        cuda_check(cuda->places->mask_count(counted->starts, tensor_ptr(mask), mask->numel,
                                            *stream)) == 0 &&
        cuda_read(&counted->count, counted->starts + blocks, sizeof counted->count, *stream) == 0)
        return 0;
    cuda_release(counted->starts);
    return -1;
}

static struct tensor *mask_offsets(const struct tensor *mask, const int64_t *strides)
{
    struct cuda_dims dims = {.dims = 0};
    struct counted counted;
    struct tensor *offsets;
    cuda_stream stream;

    for (int dim = 0; dim < mask->dims; dim++)
        add_dim(&dims, 1, mask->sizes[dim], &strides[dim]);
    if (count_mask(&counted, mask, &stream))
        return NULL;
    offsets = tensor_new(DTYPE_I64, mask->storage->device, 1, &counted.count);
    if (offsets && counted.count &&
        cuda_check(cuda->places->mask_offsets(tensor_ptr(offsets), counted.starts, tensor_ptr(mask),
                                              mask->numel, &dims, stream)))
        tensor_clear(&offsets);
    cuda_release(counted.starts);
    return offsets;
}

/* The numbers of the true elements, in row-major order. */
static struct tensor *mask_numbers(const struct tensor *mask)
{
    int64_t strides[TENSOR_MAX_DIMS];

    shape_strides(mask->dims, mask->sizes, strides);
    return mask_offsets(mask, strides);
}

static struct tensor *mask_coordinates(const struct tensor *mask)
{
    struct tensor *numbers = mask_numbers(mask), *places = NULL;
    struct cuda_dims dims = {.dims = mask->dims};
    cuda_stream stream;

    if (!numbers)
        return NULL;
    memcpy(dims.sizes, mask->sizes, (size_t)mask->dims * sizeof *dims.sizes);
    int64_t count = numbers->numel;
    places = tensor_new_strided(DTYPE_I64, mask->storage->device, 2, (int64_t[]){count, mask->dims},
                                (int64_t[]){1, count});
    if (places && places->numel &&
        (cuda_enter(mask, &stream) ||
         cuda_check(cuda->places->coordinates(tensor_ptr(places), tensor_ptr(numbers), count, &dims,
                                              stream))))
        tensor_clear(&places);
    tensor_release(numbers);
    return places;
}

/* A plan of the elements whose numbers are given, in a contiguous tensor. */
static struct cuda_plan plan_of_numbers(const struct tensor *numbers)
{
    return (struct cuda_plan){.before_count = 1,
                              .after_count = 1,
                              .place_count = numbers->numel,
                              .places = tensor_ptr(numbers)};
}

static struct tensor *keep(const struct tensor *self, const struct tensor *mask)
{
    struct tensor *numbers = mask_numbers(mask), *result = NULL;
    cuda_stream stream;

    if (numbers)
        result = tensor_new((enum dtype)self->dtype, self->storage->device, 1, &numbers->numel);
    if (result && result->numel) {
        struct cuda_plan plan = plan_of_numbers(numbers);
        if (cuda_enter(self, &stream) ||
            cuda_check(cuda->places->pick(tensor_ptr(result), tensor_ptr(self),
                                          dtype_info[self->dtype].bytes, &plan, stream)))
            tensor_clear(&result);
    }
    tensor_release(numbers);
    return result;
}

static int spend(struct tensor *target, const struct tensor *mask, const struct tensor *source)
{
    struct tensor *numbers = mask_numbers(mask);
    cuda_stream stream;
    int status = -1;

    if (numbers && source->numel < numbers->numel) {
        error_set(ERROR_RUNTIME, "Number of elements of source < number of ones in mask");
    } else if (numbers && numbers->numel == 0) {
        status = 0;
    } else if (numbers && cuda_enter(target, &stream) == 0) {
        struct cuda_plan plan = plan_of_numbers(numbers);
        status =
            cuda_check(cuda->places->put(CUDA_PUT, (enum dtype)target->dtype, tensor_ptr(target),
                                         tensor_ptr(source), 1, 0, &plan, stream));
    }
    tensor_release(numbers);
    return status;
}

/* --- reading and writing --- */

static int pick_places(const struct index_plan *plan, struct tensor *result,
                       const struct tensor *self)
{
    struct cuda_plan places = plan_of(plan);
    cuda_stream stream;

    if (cuda_enter(self, &stream))
        return -1;
    return cuda_check(cuda->places->pick(tensor_ptr(result), tensor_ptr(self),
                                         dtype_info[self->dtype].bytes, &places, stream));
}

/* The address of the values on the device: their own, or that of a copy of a single one in host
 * memory, which *copy names to be released. NULL with the error set. */
static const void *device_values(const struct tensor *values, cuda_stream stream, void **copy)
{
    size_t bytes = dtype_info[values->dtype].bytes;

    *copy = NULL;
    if (values->storage->device.type == DEVICE_CUDA)
        return tensor_ptr(values);
    *copy = cuda_allocate(bytes);
    if (*copy && cuda_check(cuda->runtime->copy(*copy, tensor_ptr(values), bytes,
                                                CUDA_HOST_TO_DEVICE, stream))) {
        cuda_release(*copy);
        *copy = NULL;
    }
    return *copy;
}

static int put_places(const struct index_plan *plan, struct tensor *self,
                      const struct tensor *values, int64_t row_step, int64_t step, bool accumulate)
{
    struct cuda_plan places = plan_of(plan);
    const void *source;
    cuda_stream stream;
    void *copy;

    if (cuda_enter(self, &stream) || !(source = device_values(values, stream, &copy)))
        return -1;
    int status =
        cuda_check(cuda->places->put(accumulate ? CUDA_ADD : CUDA_PUT, (enum dtype)self->dtype,
                                     tensor_ptr(self), source, row_step, step, &places, stream));
    cuda_release(copy);
    return status;
}

/* --- gather and scatter --- */

/* The elements of `self` along `dim`. */
static int64_t length_along(const struct tensor *self, int64_t dim)
{
    return self->dims ? self->sizes[dim] : 1;
}

static int64_t step_along(const struct tensor *self, int64_t dim)
{
    return self->dims ? self->strides[dim] : 0;
}

static int gather(struct tensor *result, const struct tensor *self, int64_t dim,
                  const struct tensor *places)
{
    const struct tensor *operands[] = {places, result, self};
    struct cuda_dims dims =
        places->dims && self->dims ? dims_of(operands, 3, (int)dim) : dims_of(operands, 2, -1);
    cuda_stream stream;

    if (cuda_enter(self, &stream))
        return -1;
    return cuda_check(cuda->places->gather(
        tensor_ptr(result), tensor_ptr(self), dtype_info[self->dtype].bytes, tensor_ptr(places),
        &dims, places->numel, length_along(self, dim), step_along(self, dim), stream));
}

/* Dims of places, source (0 for a single element) and self in the order of place_kernels.h. */
static struct cuda_dims scatter_dims(const struct tensor *self, int64_t dim,
                                     const struct tensor *places, const struct tensor *source,
                                     bool alone)
{
    struct cuda_dims dims = {.dims = 0};

    for (int i = 0; i < places->dims; i++) {
        int64_t steps[] = {places->strides[i], i == dim || !self->dims ? 0 : self->strides[i],
                           alone || !source->dims ? 0 : source->strides[i]};
        add_dim(&dims, 3, places->sizes[i], steps);
    }
    return dims;
}

static int scatter(enum scatter kind, struct tensor *self, int64_t dim, const struct tensor *places,
                   const struct tensor *source, bool alone)
{
    struct cuda_dims dims = scatter_dims(self, dim, places, source, alone);
    const void *values;
    cuda_stream stream;
    void *copy;

    if (cuda_enter(self, &stream) || !(values = device_values(source, stream, &copy)))
        return -1;
    int status = cuda_check(cuda->places->scatter((enum cuda_update)kind, (enum dtype)self->dtype,
                                                  tensor_ptr(self), values, tensor_ptr(places),
                                                  &dims, places->numel, length_along(self, dim),
                                                  step_along(self, dim), stream));
    cuda_release(copy);
    return status;
}

_Static_assert((int)CUDA_PUT == (int)SCATTER_PUT && (int)CUDA_MIN == (int)SCATTER_MIN,
               "one order of updates");

const struct place_kernels cuda_place_kernels = {
    .read = read_places,
    .find_bad = find_bad_place,
    .of_mask = mask_offsets,
    .coordinates = mask_coordinates,
    .keep = keep,
    .spend = spend,
    .pick = pick_places,
    .put = put_places,
    .gather = gather,
    .scatter = scatter,
};
