#include "index.h"

#include "call.h"
#include "shape.h"

/* How far an index has been applied. */
struct walk {
    struct tensor *self;   /* what is indexed, borrowed */
    struct tensor *result; /* the view so far, owned */
    bool same;             /* result is self: nothing was applied yet */
    int dim;               /* of result, that the next item is for */
    int extra;             /* dims that masks of several dims took beyond one each */
    struct tensor *indices[TENSOR_MAX_DIMS]; /* owned; as for tensor_index() */
    int count;
};

static void walk_init(struct walk *walk, struct tensor *self)
{
    *walk = (struct walk){.self = self, .result = tensor_retain(self), .same = true};
}

static void walk_release(struct walk *walk)
{
    tensor_clear(&walk->result);
    for (int i = 0; i < walk->count; i++)
        tensor_clear(&walk->indices[i]);
    walk->count = 0;
}

static bool is_mask(const struct tensor *tensor)
{
    return tensor->dtype == DTYPE_BOOL || tensor->dtype == DTYPE_U8;
}

/* Dims of self that an item names. */
static int item_dims(const struct index_item *item)
{
    switch (item->kind) {
    case INDEX_INT:
    case INDEX_SLICE:
        return 1;
    case INDEX_TENSOR:
        return is_mask(item->tensor) ? item->tensor->dims : 1;
    default:
        return 0;
    }
}

static int set_result(struct walk *walk, struct tensor *view)
{
    if (!view)
        return -1;
    tensor_release(walk->result);
    walk->result = view;
    walk->same = false;
    return 0;
}

/* `position` is the item's place in the index, which is what the error names. */
static int apply_int(struct walk *walk, int64_t value, int position)
{
    struct tensor *result = walk->result;

    if (result->dims == 0 && value == 0) {
        error_set(ERROR_INDEX, "invalid index of a 0-dim tensor. Use `tensor.item()` in Python "
                               "or `tensor.item<T>()` in C++ to convert a 0-dim tensor to a "
                               "number");
        return -1;
    }
    int64_t size = walk->dim < result->dims ? result->sizes[walk->dim] : 0;
    if (value < -size || value >= size) {
        error_set(ERROR_INDEX, "index %lld is out of bounds for dimension %d with size %lld",
                  (long long)value, position, (long long)size);
        return -1;
    }
    return set_result(walk, tensor_select(result, walk->dim, value));
}

/* A slice of everything is no view of its own, unless it is the whole index and is read (`always`).
 */
static int apply_slice(struct walk *walk, const struct index_item *item, bool always)
{
    struct tensor *result = walk->result;
    int64_t start = item->start.has ? item->start.value : 0;

    if (item->step <= 0) {
        error_set(ERROR_VALUE, "step must be greater than zero");
        return -1;
    }
    if (result->dims == 0) {
        error_set(ERROR_INDEX, "slice() cannot be applied to a 0-dim tensor.");
        return -1;
    }
    int64_t size = walk->dim < result->dims ? result->sizes[walk->dim] : 0;
    bool whole = start == 0 && item->step == 1 && (!item->stop.has || item->stop.value >= size);
    if (!whole || always || walk->dim >= result->dims) {
        struct tensor *view = tensor_slice(result, walk->dim, item->start, item->stop, item->step);
        if (set_result(walk, view))
            return -1;
    }
    walk->dim++;
    return 0;
}

static int apply_none(struct walk *walk)
{
    if (set_result(walk, tensor_unsqueeze(walk->result, walk->dim)))
        return -1;
    walk->dim++;
    return 0;
}

/* Puts an index tensor (taken) in its place of the list; it stands for `dims` dims. */
static int record_tensor(struct walk *walk, struct tensor *index, int dims)
{
    int slot = walk->dim - walk->extra;

    if (!index)
        return -1;
    if (slot >= TENSOR_MAX_DIMS) {
        error_set(ERROR_INDEX, "too many indices for tensor of dimension %d", walk->self->dims);
        tensor_release(index);
        return -1;
    }
    while (walk->count < slot)
        walk->indices[walk->count++] = NULL;
    walk->indices[walk->count++] = index;
    walk->dim += dims;
    walk->extra += dims - 1;
    return 0;
}

/* True and False add a dim of size 1, of which one or no element is taken. */
static int apply_bool(struct walk *walk, bool value)
{
    static const int64_t zero = 0;

    if (set_result(walk, tensor_unsqueeze(walk->result, walk->dim)))
        return -1;
    return record_tensor(walk, tensor_from_data(&zero, DTYPE_I64, INTS(value)), 1);
}

static int apply_tensor(struct walk *walk, struct tensor *index, int position)
{
    struct scalar value;

    if (index->dims == 0 && !dtype_is_float((enum dtype)index->dtype)) {
        if (tensor_item(index, &value))
            return -1;
        return is_mask(index) ? apply_bool(walk, value.i != 0) : apply_int(walk, value.i, position);
    }
    return record_tensor(walk, tensor_retain(index), is_mask(index) ? index->dims : 1);
}

static int apply_item(struct walk *walk, const struct index_item *item, int position, int named,
                      bool alone)
{
    switch (item->kind) {
    case INDEX_INT:
        return apply_int(walk, item->value, position);
    case INDEX_SLICE:
        return apply_slice(walk, item, alone);
    case INDEX_NONE:
        return apply_none(walk);
    case INDEX_ELLIPSIS:
        walk->dim += walk->self->dims - named;
        return 0;
    case INDEX_BOOL:
        return apply_bool(walk, item->value != 0);
    case INDEX_TENSOR:
        return apply_tensor(walk, item->tensor, position);
    }
    return 0;
}

/* Applies every item that makes a view and collects the index tensors. `reads`: x[:] is to be a
 * view of its own. */
static int walk_all(struct walk *walk, const struct index_item *items, int count, bool reads)
{
    int named = 0;
    bool alone = count == 1;

    for (int i = 0; i < count; i++)
        named += item_dims(&items[i]);
    /* a single int or slice on a 0-d tensor has an error of its own */
    if (named > walk->self->dims && !(alone && items[0].kind != INDEX_TENSOR)) {
        error_set(ERROR_INDEX, "too many indices for tensor of dimension %d", walk->self->dims);
        return -1;
    }
    for (int i = 0; i < count; i++)
        if (apply_item(walk, &items[i], i, named, alone && reads))
            return -1;
    return 0;
}

struct tensor *index_get(struct tensor *self, const struct index_item *items, int count)
{
    struct tensor *result = NULL;
    struct walk walk;

    walk_init(&walk, self);
    if (walk_all(&walk, items, count, true) == 0) {
        if (walk.count)
            result = tensor_index(walk.result, (struct tensors){walk.indices, walk.count});
        else
            result = walk.same ? tensor__alias(self) : tensor_retain(walk.result);
    }
    walk_release(&walk);
    return result;
}

/* --- assignment
 * -----------------------------------------------------------------------------------------------------
 */

static int leading_ones(const struct tensor *value)
{
    int ones = 0;

    while (ones < value->dims && value->sizes[ones] == 1)
        ones++;
    return ones;
}

/* The value without `ones` leading dims (new reference), as a view. */
static struct tensor *without_leading(struct tensor *value, int ones)
{
    return tensor_view(value, (struct ints){value->sizes + ones, value->dims - ones});
}

/* A value of other sizes is stretched first: its words for a misfit are those of expand. */
static int copy_to(struct tensor *target, struct tensor *value)
{
    struct tensor *slim, *wide = NULL;
    int result = -1;

    if (shape_equal(tensor_shape(target), tensor_shape(value)))
        return tensor_copy_(target, value, false);
    if (value->dims == 0)
        return tensor_fill_tensor_(target, value);
    slim = without_leading(value, leading_ones(value));
    if (slim && shape_equal(tensor_shape(target), tensor_shape(slim)))
        wide = tensor_retain(slim);
    else if (slim)
        wide = tensor_expand(slim, tensor_shape(target), true);
    if (wide)
        result = tensor_copy_(target, wide, false);
    tensor_release(wide);
    tensor_release(slim);
    return result;
}

/* A Python number takes the target's dtype; other values must have it. */
static int put_into(struct walk *walk, struct tensor *value)
{
    struct tensor *own =
        value->weak ? call_cast(value, (enum dtype)walk->result->dtype) : tensor_retain(value);
    int ones = own ? leading_ones(own) : 0, result = -1;
    struct tensor *slim = own ? ones ? without_leading(own, ones) : tensor_retain(own) : NULL;

    if (slim)
        result = tensor_index_put_(walk->result, (struct tensors){walk->indices, walk->count}, slim,
                                   false);
    tensor_release(slim);
    tensor_release(own);
    return result;
}

int index_set(struct tensor *self, const struct index_item *items, int count, struct tensor *value)
{
    struct walk walk;
    int result;

    if (count == 1 && items[0].kind == INDEX_BOOL) {
        if (!items[0].value)
            return 0;
        return index_set(self, &(struct index_item){.kind = INDEX_NONE}, 1, value);
    }
    walk_init(&walk, self);
    result = walk_all(&walk, items, count, false);
    if (result == 0)
        result = walk.count ? put_into(&walk, value) : copy_to(walk.result, value);
    walk_release(&walk);
    return result;
}
