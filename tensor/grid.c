/* Grids of the values of several vectors, made of recorded ops. Declared in op_functions.h. */
#include <string.h>

#include "core.h"
#include "op_functions.h"
#include "shape.h"

/* --- meshgrid --- */

/* The shape of the grid. */
static int grid_shape(struct tensors vectors, bool swaps, int64_t *sizes)
{
    if (vectors.count == 0) {
        error_set(ERROR_RUNTIME, "meshgrid expects a non-empty TensorList");
        return -1;
    }
    if (shape_check_dims(vectors.count)) {
        return -1;
    }
    for (int i = 0; i < vectors.count; i++) {
        const struct tensor *vector = vectors.items[i];
        if (vector->dims > 1) {
            char text[512];
            error_set(ERROR_RUNTIME,
                      "torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: %s",
                      shape_text(tensor_shape(vector), text, sizeof text));
            return -1;
        }
        if (vector->dtype != vectors.items[0]->dtype) {
            error_set(ERROR_RUNTIME, "meshgrid expects all tensors to have the same dtype");
            return -1;
        }
        sizes[swaps && i < 2 ? 1 - i : i] = vector->numel;
    }
    return 0;
}

static int check_indexing(const char *indexing)
{
    if (!indexing) {
        return warning_emit("torch.meshgrid: in an upcoming release, it will be required to pass "
                            "the indexing argument.");
    }
    if (strcmp(indexing, "ij") != 0 && strcmp(indexing, "xy") != 0) {
        error_set(ERROR_RUNTIME,
                  "torch.meshgrid: indexing must be one of \"xy\" or \"ij\", but received: %s",
                  indexing);
        return -1;
    }
    return 0;
}

/* The vector along dim `at` of the grid. */
static struct tensor *spread(struct tensor *vector, int at, struct ints grid)
{
    int64_t sizes[TENSOR_MAX_DIMS];
    for (int i = 0; i < grid.count; i++) {
        sizes[i] = i == at ? vector->numel : 1;
    }
    struct tensor *line = tensor_view(vector, (struct ints){sizes, grid.count});
    struct tensor *result = line ? tensor_expand(line, grid, false) : NULL;
    tensor_release(line);
    return result;
}

int compose_meshgrid(struct tensors tensors, const char *indexing, struct tensor_list *result)
{
    int64_t sizes[TENSOR_MAX_DIMS];
    bool swaps = indexing && strcmp(indexing, "xy") == 0 && tensors.count > 1;
    *result = (struct tensor_list){NULL, 0};
    if (check_indexing(indexing) || grid_shape(tensors, swaps, sizes)) {
        return -1;
    }
    result->items = mem_zalloc((size_t)tensors.count * sizeof *result->items);
    if (!result->items) {
        return -1;
    }
    result->count = tensors.count;
    for (int i = 0; i < tensors.count; i++) {
        result->items[i] = spread(tensors.items[i], swaps && i < 2 ? 1 - i : i,
                                  (struct ints){sizes, tensors.count});
        if (!result->items[i]) {
            tensor_list_release(result);
            return -1;
        }
    }
    return 0;
}

/* --- cartesian_prod and combinations: columns, stacked --- */

static int check_vector(const struct tensor *vector)
{
    if (vector->dims == 1) {
        return 0;
    }
    char text[512];
    error_set(ERROR_RUNTIME, "Expect a 1D vector, but got shape %s",
              shape_text(tensor_shape(vector), text, sizeof text));
    return -1;
}

struct tensor *compose_cartesian_prod(struct tensors tensors)
{
    struct tensor_list grid;
    for (int i = 0; i < tensors.count; i++) {
        if (check_vector(tensors.items[i])) {
            return NULL;
        }
    }
    if (tensors.count == 1) {
        return tensor_retain(tensors.items[0]);
    }
    if (compose_meshgrid(tensors, "ij", &grid)) {
        return NULL;
    }
    struct tensor *result = NULL;
    for (int i = 0; i < grid.count; i++) {
        struct tensor *flat = tensor_reshape(grid.items[i], INTS(-1));
        if (!flat) {
            goto done;
        }
        tensor_release(grid.items[i]);
        grid.items[i] = flat;
    }
    result = tensor_stack((struct tensors){grid.items, grid.count}, 1);
done:
    tensor_list_release(&grid);
    return result;
}

/* True at the places of the r-dim grid over 0 … n - 1 whose coordinates rise (or do not fall). */
static struct tensor *rising(int64_t n, struct tensors places, bool repeats)
{
    struct tensor_list grid;
    struct tensor *mask = tensor_full(INTS(n), scalar_bool(true), DTYPE_BOOL,
                                      places.items[0]->storage->device);
    if (!mask || compose_meshgrid(places, "ij", &grid)) {
        tensor_release(mask);
        return NULL;
    }
    for (int i = 0; mask && i + 1 < grid.count; i++) {
        struct tensor *pair = repeats ? tensor_le(grid.items[i], grid.items[i + 1])
                                      : tensor_lt(grid.items[i], grid.items[i + 1]);
        struct tensor *both = pair && i ? tensor_bitwise_and(mask, pair) : tensor_retain(pair);
        tensor_release(pair);
        tensor_release(mask);
        mask = both;
    }
    tensor_list_release(&grid);
    return mask;
}

/* The elements of each tensor of the list where the mask is true, in their place. */
static int select_each(struct tensor_list *list, struct tensor *mask)
{
    for (int i = 0; i < list->count; i++) {
        struct tensor *chosen = tensor_masked_select(list->items[i], mask);
        if (!chosen) {
            return -1;
        }
        tensor_release(list->items[i]);
        list->items[i] = chosen;
    }
    return 0;
}

struct tensor *compose_combinations(struct tensor *self, int64_t r, bool with_replacement)
{
    struct tensor *copies[TENSOR_MAX_DIMS], *counted[TENSOR_MAX_DIMS];
    if (check_vector(self)) {
        return NULL;
    }
    if (r < 0 || r > TENSOR_MAX_DIMS) {
        error_set(ERROR_RUNTIME, "Expect a non-negative number, but got %lld", (long long)r);
        return NULL;
    }
    if (r == 0) {
        return tensor_empty(INTS(0), MEMORY_CONTIGUOUS, (enum dtype)self->dtype,
                            self->storage->device);
    }
    struct tensor *numbers = tensor_arange(scalar_int(self->numel), DTYPE_I64, self->storage->device);
    for (int64_t i = 0; i < r; i++) {
        copies[i] = self;
        counted[i] = numbers;
    }
    struct tensor *result = NULL;
    struct tensor_list grid = {NULL, 0};
    struct tensor *mask =
        numbers ? rising(self->numel, (struct tensors){counted, (int)r}, with_replacement) : NULL;
    if (mask && compose_meshgrid((struct tensors){copies, (int)r}, "ij", &grid) == 0 &&
        select_each(&grid, mask) == 0) {
        result = tensor_stack((struct tensors){grid.items, grid.count}, 1);
    }
    tensor_list_release(&grid);
    tensor_release(mask);
    tensor_release(numbers);
    return result;
}
