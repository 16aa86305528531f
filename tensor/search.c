/* searchsorted and bucketize. Declared in op_functions.h. */
#include <string.h>

#include "backend.h"
#include "call.h"
#include "op_functions.h"
#include "reduce.h"
#include "shape.h"

/* --- checks --- */

static int check_shapes(const struct tensor *boundaries, const struct tensor *values)
{
    char a[512], b[512];
    if (boundaries->dims == 0) {
        error_set(ERROR_RUNTIME, "torch.searchsorted(): boundaries tensor should have positive "
                                 "dimension, but got 0 dimension");
        return -1;
    }
    if (boundaries->dims == 1) {
        return 0;
    }
    if (values->dims == 0 && values->numel == 1) {
        error_set(ERROR_RUNTIME,
                  "torch.searchsorted(): input value can be a scalar only when boundaries tensor "
                  "dimension is 1, but we got boundaries tensor dim(%d) and input value's dim(0) "
                  "numel(1)",
                  boundaries->dims);
        return -1;
    }
    if (!shape_equal((struct ints){boundaries->sizes, boundaries->dims - 1},
                     (struct ints){values->sizes, values->dims - 1})) {
        error_set(ERROR_RUNTIME,
                  "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 "
                  "dimensions of boundaries tensor and input value tensor must match, but we got "
                  "boundaries tensor %s and input value tensor %s",
                  shape_text(tensor_shape(boundaries), a, sizeof a),
                  shape_text(tensor_shape(values), b, sizeof b));
        return -1;
    }
    return 0;
}

static int check_sorter(const struct tensor *boundaries, const struct tensor *sorter)
{
    char a[512], b[512];
    if (!shape_equal(tensor_shape(boundaries), tensor_shape(sorter))) {
        error_set(ERROR_RUNTIME,
                  "torch.searchsorted(): boundary and sorter must have the same size, but got "
                  "boundary tensor %sand got sorter tensor %s",
                  shape_text(tensor_shape(boundaries), a, sizeof a),
                  shape_text(tensor_shape(sorter), b, sizeof b));
        return -1;
    }
    if (sorter->dtype != DTYPE_I64) {
        error_set(ERROR_RUNTIME,
                  "torch.searchsorted(): sorter must be a tensor of long dtype but got dtype %s",
                  dtype_info[sorter->dtype].class_name);
        return -1;
    }
    return 0;
}

static int extreme_place(enum extreme which, struct tensor *sorter, int64_t *place)
{
    struct device device = sorter->storage->device;
    struct scalar value;
    struct tensor *found = tensor_new(DTYPE_I64, device, 0, NULL);
    int status = found && backend_of(device)->lines->extreme_of_all(which, found, sorter) == 0
                     ? tensor_item(found, &value)
                     : -1;
    tensor_release(found);
    *place = status ? 0 : value.i;
    return status;
}

static int check_sorter_range(struct tensor *sorter, int64_t count)
{
    int64_t first, last;
    if (sorter->numel == 0)
        return 0;
    if (extreme_place(SMALLEST, sorter, &first) || extreme_place(LARGEST, sorter, &last))
        return -1;
    if (first >= 0 && last < count)
        return 0;
    error_set(ERROR_RUNTIME, "torch.searchsorted(): sorter index out of range");
    return -1;
}

/* Whether `side`, when given, allows to search to the right or not. */
static int check_side(const char *side, bool right)
{
    if (side && strcmp(side, "left") != 0 && strcmp(side, "right") != 0) {
        error_set(ERROR_RUNTIME,
                  "torch.searchsorted(): side can only be 'left' or 'right' but got %s", side);
        return -1;
    }
    if (side && right && strcmp(side, "left") == 0) {
        error_set(ERROR_RUNTIME, "torch.searchsorted(): side and right can't be set to opposites, "
                                 "got side of left while right was True");
        return -1;
    }
    return 0;
}

static int check_out(const struct tensor *out, bool out_int32)
{
    if (!out || out->dtype == (out_int32 ? DTYPE_I32 : DTYPE_I64)) {
        return 0;
    }
    error_set(ERROR_RUNTIME,
              "torch.searchsorted(): output tensor's dtype is wrong, it can only be Int(int32) or "
              "Long(int64) depending on whether out_int32 flag is True, but we got output tensor's "
              "dtype %s and out_int32 flag is %s",
              dtype_info[out->dtype].class_name, out_int32 ? "True" : "False");
    return -1;
}

static int warn_of_copy(const struct tensor *tensor, const char *which)
{
    if (!tensor || tensor_is_contiguous(tensor)) {
        return 0;
    }
    return warning_emit("torch.searchsorted(): %s tensor is non-contiguous, this will lower the "
                        "performance due to extra data copy when converting non-contiguous tensor "
                        "to contiguous, please use contiguous %s tensor if possible. This message "
                        "will only appear once per program.",
                        which, which);
}

/* --- running --- */

/* The dtype in which both are compared. */
static enum dtype common_dtype(struct tensor *boundaries, struct tensor *values)
{
    enum dtype dtype = boundaries->dtype == values->dtype
                           ? (enum dtype)values->dtype
                           : dtype_result((struct tensor *const[]){boundaries, values}, 2);
    return dtype == DTYPE_F64 ? DTYPE_F64 : dtype_is_float(dtype) ? DTYPE_F32 : DTYPE_I64;
}

/* A Python number lies in host memory, wherever the boundaries are. */
static struct tensor *wanted_values(struct tensor *values, enum dtype dtype, struct device device)
{
    return values->storage->device.type == device.type ? call_dense(values, dtype)
                                                       : body_to_copy(NULL, values, dtype, device, false);
}

static struct tensor *search_all(struct tensor *boundaries, struct tensor *values,
                                 struct tensor *sorter, bool right)
{
    struct device device = boundaries->storage->device;
    enum dtype dtype = common_dtype(boundaries, values);
    struct tensor *places = NULL, *order = sorter ? call_contiguous(sorter) : NULL;
    struct tensor *limits = call_dense(boundaries, dtype);
    struct tensor *wanted = limits ? wanted_values(values, dtype, device) : NULL;
    if (!wanted || (sorter && (!order || check_sorter_range(order, boundaries->sizes[boundaries->dims - 1])))) {
        goto done;
    }
    places = tensor_new(DTYPE_I64, device, values->dims, values->sizes);
    if (!places) {
        goto done;
    }
    if (places->numel &&
        backend_of(places->storage->device)->lines->search(places, limits, wanted, order, right)) {
        tensor_clear(&places);
    }
done:
    tensor_release(wanted);
    tensor_release(limits);
    tensor_release(order);
    return places;
}

struct tensor *body_searchsorted(struct tensor *out, struct tensor *sorted_sequence,
                                 struct tensor *self, bool out_int32, bool right, const char *side,
                                 struct tensor *sorter)
{
    struct shape shape;
    if (check_side(side, right) || check_shapes(sorted_sequence, self) ||
        (sorter && check_sorter(sorted_sequence, sorter)) || check_out(out, out_int32) ||
        warn_of_copy(self, "input value") || warn_of_copy(sorted_sequence, "boundary") ||
        warn_of_copy(sorter, "sorter")) {
        return NULL;
    }
    right = right || (side && strcmp(side, "right") == 0);
    shape_like(&shape, self);
    if (out && call_prepare_out(out, &shape, (enum dtype)out->dtype, "searchsorted")) {
        return NULL;
    }
    struct tensor *places = search_all(sorted_sequence, self, sorter, right);
    return reduction_deliver(places, out_int32 ? DTYPE_I32 : DTYPE_I64, out);
}

struct tensor *body_searchsorted_scalar(struct tensor *out, struct tensor *sorted_sequence,
                                        struct scalar self, bool out_int32, bool right,
                                        const char *side, struct tensor *sorter)
{
    struct tensor *value = tensor_weak(self);
    struct tensor *result =
        value ? body_searchsorted(out, sorted_sequence, value, out_int32, right, side, sorter)
              : NULL;
    tensor_release(value);
    return result;
}

struct tensor *body_bucketize(struct tensor *out, struct tensor *self, struct tensor *boundaries,
                              bool out_int32, bool right)
{
    if (boundaries->dims != 1) {
        error_set(ERROR_RUNTIME, "boundaries tensor must be 1 dimension, but got dim(%d)",
                  boundaries->dims);
        return NULL;
    }
    return body_searchsorted(out, boundaries, self, out_int32, right, NULL, NULL);
}

struct tensor *body_bucketize_scalar(struct tensor *out, struct scalar self,
                                     struct tensor *boundaries, bool out_int32, bool right)
{
    struct tensor *value = tensor_weak(self);
    struct tensor *result = value ? body_bucketize(out, value, boundaries, out_int32, right) : NULL;
    tensor_release(value);
    return result;
}
