/* index, index_put, gather and its gradient against a slow model: NumPy's rules, one element at a
 * time. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "backend.h"
#include "op_functions.h"
#include "random.h"
#include "shape.h"
#include "suite.h"

#define CPU ((struct device){DEVICE_CPU, 0})

static struct generator *dice;

static int64_t roll(int64_t n)
{
    return (int64_t)(generator_next32(dice) % (uint32_t)n);
}

static double at(const struct tensor *tensor, const int64_t *place)
{
    int64_t offset = 0;
    for (int i = 0; i < tensor->dims; i++)
        offset += place[i] * tensor->strides[i];
    size_t bytes = dtype_info[tensor->dtype].bytes;
    return scalar_to_double(dtype_load((enum dtype)tensor->dtype,
                                       (char *)tensor_ptr(tensor) + offset * (int64_t)bytes));
}

static bool step(int64_t *place, struct ints sizes)
{
    for (int i = sizes.count - 1; i >= 0; i--) {
        if (++place[i] < sizes.items[i])
            return true;
        place[i] = 0;
    }
    return false;
}

/* A tensor of the shape with elements 0, 1, 2 … (or random below `limit`), its dims shuffled in
 * memory. */
static struct tensor *make(enum dtype dtype, struct ints sizes, int64_t limit)
{
    int64_t strides[TENSOR_MAX_DIMS], next = 1;
    bool used[TENSOR_MAX_DIMS] = {false};
    for (int k = 0; k < sizes.count; k++) {
        int dim = (int)roll(sizes.count);
        while (used[dim])
            dim = (dim + 1) % sizes.count;
        used[dim] = true;
        strides[dim] = next;
        next *= sizes.items[dim] > 0 ? sizes.items[dim] : 1;
    }
    struct tensor *tensor = tensor_new_strided(dtype, CPU, sizes.count, sizes.items, strides);
    char *data = tensor_ptr(tensor);
    for (int64_t i = 0; i < tensor->numel; i++)
        dtype_store(dtype, data + (size_t)i * dtype_info[dtype].bytes,
                    scalar_int(limit ? roll(limit) : i % 120));
    return tensor;
}

/* --- the model of index: which place of self belongs to a place of the result --- */

struct model {
    const struct tensor *self;
    struct tensor *const *indices; /* one a dim of self, NULL: whole */
    struct shape index;            /* broadcast shape */
    int first;                     /* dim of the result where the index's dims begin */
};

static void locate(const struct model *model, const int64_t *result, int64_t *place)
{
    int next = 0;
    for (int dim = 0; dim < model->self->dims; dim++) {
        const struct tensor *index = model->indices[dim];
        int64_t at_index[TENSOR_MAX_DIMS];
        if (next == model->first)
            next += model->index.dims;
        if (!index) {
            place[dim] = result[next++];
            continue;
        }
        for (int i = 0; i < index->dims; i++) {
            int64_t k = result[model->first + model->index.dims - index->dims + i];
            at_index[i] = index->sizes[i] == 1 ? 0 : k;
        }
        int64_t value = (int64_t)at(index, at_index);
        place[dim] = value < 0 ? value + model->self->sizes[dim] : value;
    }
}

/* Random index tensors for some dims of self, at least one; at most two dims of the index. */
static int make_indices(const struct tensor *self, struct tensor **indices, struct model *model)
{
    int64_t sizes[2] = {1 + roll(4), 1 + roll(4)};
    int first = -1, last = -1, given = 0, dims = 1 + (int)roll(2);
    for (int dim = 0; dim < self->dims; dim++) {
        indices[dim] = NULL;
        if (roll(2) && !(dim == self->dims - 1 && first < 0))
            continue;
        int64_t shape[2] = {roll(3) ? sizes[0] : 1, roll(3) ? sizes[1] : 1};
        int skip = given ? (int)roll(dims) : 0;
        if (given == 0)
            memcpy(shape, sizes, sizeof shape);
        indices[dim] = make(roll(2) ? DTYPE_I64 : DTYPE_I32,
                            (struct ints){shape + 2 - dims + skip, dims - skip}, self->sizes[dim]);
        first = first < 0 ? dim : first;
        last = dim;
        given++;
    }
    *model = (struct model){.self = self, .indices = indices};
    ck_assert_int_eq(shape_broadcast_list(&model->index, indices, self->dims), 0);
    model->first = last - first + 1 == given ? first : 0;
    return last + 1;
}

static void release_all(struct tensor **items, int count)
{
    for (int i = 0; i < count; i++)
        tensor_release(items[i]);
}

START_TEST(any_index_gives_what_the_model_gives)
{
    static const enum dtype dtypes[] = {DTYPE_U8, DTYPE_F16, DTYPE_F32, DTYPE_F64};
    for (int round = 0; round < 300; round++) {
        int64_t sizes[4] = {1 + roll(4), 1 + roll(5), 1 + roll(3), 1 + roll(6)};
        struct tensor *self = make(dtypes[roll(4)], (struct ints){sizes, 1 + (int)roll(4)}, 0),
                      *indices[4];
        struct model model;
        int count = make_indices(self, indices, &model);
        struct tensor *result = body_index(NULL, self, (struct tensors){indices, count});
        ck_assert_ptr_nonnull(result);
        int64_t place[TENSOR_MAX_DIMS] = {0}, from[4];
        do {
            locate(&model, place, from);
            ck_assert_double_eq(at(result, place), at(self, from));
        } while (step(place, tensor_shape(result)));
        release_all(indices, self->dims);
        tensor_release(result);
        tensor_release(self);
    }
}
END_TEST

START_TEST(index_put_adds_or_sets_in_order)
{
    for (int round = 0; round < 300; round++) {
        int64_t sizes[3] = {1 + roll(4), 1 + roll(5), 1 + roll(6)};
        struct tensor *self = make(DTYPE_F32, (struct ints){sizes, 1 + (int)roll(3)}, 0),
                      *indices[4];
        struct model model;
        int count = make_indices(self, indices, &model);
        bool accumulate = roll(2);
        struct tensor *picked = body_index(NULL, self, (struct tensors){indices, count});
        /* values of the result's shape, of its last dims, or a single one */
        int drop = (int)roll(picked->dims + 1);
        struct tensor *values =
            make(DTYPE_F32, (struct ints){picked->sizes + drop, picked->dims - drop}, 0);
        struct tensor *result =
            body_index_put(NULL, self, (struct tensors){indices, count}, values, accumulate);
        struct tensor *expected = make(DTYPE_F32, tensor_shape(self), 0);
        ck_assert_int_eq(cpu_backend.copy(expected, self), 0);
        int64_t place[TENSOR_MAX_DIMS] = {0}, to[4];
        do {
            int64_t offset = 0;
            locate(&model, place, to);
            for (int i = 0; i < self->dims; i++)
                offset += to[i] * expected->strides[i];
            float *target = (float *)tensor_ptr(expected) + offset;
            *target = (accumulate ? *target : 0) + (float)at(values, place + drop);
        } while (step(place, tensor_shape(picked)));
        memset(place, 0, sizeof place);
        do {
            ck_assert_double_eq(at(result, place), at(expected, place));
        } while (step(place, tensor_shape(self)));
        release_all(indices, self->dims);
        tensor_release(picked);
        tensor_release(values);
        tensor_release(result);
        tensor_release(expected);
        tensor_release(self);
    }
}
END_TEST

START_TEST(a_mask_takes_the_dims_that_it_has)
{
    for (int round = 0; round < 100; round++) {
        int64_t sizes[3] = {1 + roll(4), 1 + roll(5), 1 + roll(3)};
        struct tensor *self = make(DTYPE_I32, (struct ints){sizes, 3}, 0);
        struct tensor *mask = make(DTYPE_BOOL, (struct ints){sizes + 1, 2}, 2),
                      *indices[2] = {NULL, mask};
        struct tensor *result = body_index(NULL, self, (struct tensors){indices, 2});
        int64_t k = 0, place[2] = {0};
        do {
            if (!at(mask, place))
                continue;
            for (int64_t i = 0; i < sizes[0]; i++)
                ck_assert_double_eq(at(result, (int64_t[]){i, k}),
                                    at(self, (int64_t[]){i, place[0], place[1]}));
            k++;
        } while (step(place, tensor_shape(mask)));
        ck_assert_int_eq(result->dims, 2);
        ck_assert_int_eq(result->sizes[1], k);
        tensor_release(result);
        tensor_release(mask);
        tensor_release(self);
    }
}
END_TEST

START_TEST(large_rows_and_many_threads_give_the_same)
{
    struct tensor *self = make(DTYPE_F32, INTS(600, 70), 0),
                  *index = make(DTYPE_I64, INTS(5000), 600);
    struct tensor *columns = make(DTYPE_I64, INTS(5000), 70), *both[2] = {index, columns};
    struct tensor *rows = body_index(NULL, self, (struct tensors){&index, 1});
    struct tensor *cells = body_index(NULL, self, (struct tensors){both, 2});
    struct tensor *zeros = tensor_new(DTYPE_F32, CPU, 2, self->sizes);
    ck_assert_int_eq(cpu_backend.fill(zeros, scalar_int(0)), 0);
    struct tensor *sums = body_index_put(NULL, zeros, (struct tensors){&index, 1}, rows, true);
    int64_t seen[600] = {0};
    for (int64_t i = 0; i < 5000; i++) {
        int64_t row = (int64_t)at(index, &i), column = (int64_t)at(columns, &i);
        ck_assert_double_eq(at(rows, (int64_t[]){i, 69}), at(self, (int64_t[]){row, 69}));
        ck_assert_double_eq(at(cells, &i), at(self, (int64_t[]){row, column}));
        seen[row]++;
    }
    for (int64_t row = 0; row < 600; row++)
        ck_assert_double_eq(at(sums, (int64_t[]){row, 3}),
                            (double)seen[row] * at(self, (int64_t[]){row, 3}));
    tensor_release(self);
    tensor_release(index);
    tensor_release(columns);
    tensor_release(rows);
    tensor_release(cells);
    tensor_release(zeros);
    tensor_release(sums);
}
END_TEST

START_TEST(gather_follows_its_index_along_one_dim)
{
    for (int round = 0; round < 200; round++) {
        int64_t sizes[3] = {1 + roll(5), 1 + roll(5), 1 + roll(5)}, index_sizes[3];
        int dims = 1 + (int)roll(3), dim = (int)roll(dims);
        for (int i = 0; i < dims; i++)
            index_sizes[i] = i == dim ? 1 + roll(8) : 1 + roll(sizes[i]);
        struct tensor *self = make(DTYPE_F64, (struct ints){sizes, dims}, 0);
        struct tensor *index = make(DTYPE_I64, (struct ints){index_sizes, dims}, sizes[dim]);
        struct tensor *result = body_gather(NULL, self, roll(2) ? dim : dim - dims, index, false);
        struct tensor *back = tensor_gather_grad(result, tensor_shape(self), dim, index);
        struct tensor *sums = tensor_new(DTYPE_F64, CPU, dims, self->sizes);
        ck_assert_int_eq(cpu_backend.fill(sums, scalar_int(0)), 0);
        int64_t place[3] = {0};
        do {
            int64_t from[3] = {place[0], place[1], place[2]}, offset = 0;
            from[dim] = (int64_t)at(index, place);
            ck_assert_double_eq(at(result, place), at(self, from));
            for (int i = 0; i < dims; i++)
                offset += from[i] * sums->strides[i];
            ((double *)tensor_ptr(sums))[offset] += at(result, place);
        } while (step(place, tensor_shape(index)));
        memset(place, 0, sizeof place);
        do {
            ck_assert_double_eq(at(back, place), at(sums, place));
        } while (step(place, tensor_shape(self)));
        tensor_release(self);
        tensor_release(index);
        tensor_release(result);
        tensor_release(back);
        tensor_release(sums);
    }
}
END_TEST

/* --- memory --- */

/* One of everything; NULL as soon as something fails. */
static struct tensor *all_of_it(struct tensor *self, struct tensor *index, struct tensor *mask)
{
    struct tensor *both[2] = {index, mask}, *picked, *put = NULL, *gathered = NULL, *back = NULL;

    picked = body_index(NULL, self, (struct tensors){both, 2});
    if (picked)
        put = body_index_put(NULL, self, (struct tensors){both, 2}, picked, true);
    if (put)
        gathered = body_gather(NULL, put, 2, index, false);
    if (gathered)
        back = tensor_gather_grad(gathered, tensor_shape(self), 2, index);
    tensor_release(picked);
    tensor_release(put);
    tensor_release(gathered);
    return back;
}

START_TEST(every_failed_allocation_is_an_error)
{
    struct tensor *self = make(DTYPE_F32, INTS(3, 4, 2), 0),
                  *index = make(DTYPE_I32, INTS(2, 1, 3), 2);
    struct tensor *mask = make(DTYPE_BOOL, INTS(4), 2), *result = NULL;
    int failures = 0;

    for (int k = 0; k < 4; k++)
        ((uint8_t *)tensor_ptr(mask))[k] = k == 1; /* one place, which broadcasts */
    for (; !result && failures < 1000; failures++) {
        mem_fail_at(failures + 1);
        result = all_of_it(self, index, mask);
        mem_fail_at(0);
        ck_assert(result || error_kind() == ERROR_MEMORY || error_kind() == ERROR_RUNTIME);
        error_clear();
    }
    ck_assert_int_gt(failures, 5);
    ck_assert_ptr_nonnull(result);
    struct tensor *all[] = {self, index, mask, result};
    release_all(all, 4);
}
END_TEST

/* --- errors --- */

static void fails(struct tensor *result, enum error_kind kind, const char *text)
{
    ck_assert_ptr_null(result);
    ck_assert_str_eq(error_message(), text);
    ck_assert_int_eq(error_kind(), kind);
    error_clear();
}

static struct tensor *longs(struct ints sizes, int64_t value)
{
    struct tensor *tensor = tensor_new(DTYPE_I64, CPU, sizes.count, sizes.items);
    ck_assert_int_eq(cpu_backend.fill(tensor, scalar_int(value)), 0);
    return tensor;
}

START_TEST(bad_indices_are_named)
{
    struct tensor *x = make(DTYPE_F32, INTS(2, 3), 0), *five = longs(INTS(1), 5),
                  *none = longs(INTS(0), 0);
    struct tensor *two = longs(INTS(2), 0), *three = longs(INTS(3), 0),
                  *real = make(DTYPE_F32, INTS(1), 1);
    struct tensor *mask = make(DTYPE_BOOL, INTS(3), 2), *empty = make(DTYPE_F32, INTS(0, 3), 0);
    fails(body_index(NULL, x, (struct tensors){&five, 1}), ERROR_INDEX,
          "index 5 is out of bounds for dimension 0 with size 2");
    fails(body_index(NULL, x, (struct tensors){(struct tensor *[]){NULL, five}, 2}), ERROR_INDEX,
          "index 5 is out of bounds for dimension 0 with size 3");
    fails(body_index(NULL, x, (struct tensors){(struct tensor *[]){two, five}, 2}), ERROR_INDEX,
          "index 5 is out of bounds for dimension 1 with size 3");
    fails(body_index(NULL, x, (struct tensors){(struct tensor *[]){two, three}, 2}), ERROR_INDEX,
          "shape mismatch: indexing tensors could not be broadcast together with shapes [2], [3]");
    fails(body_index(NULL, x, (struct tensors){&real, 1}), ERROR_INDEX,
          "tensors used as indices must be long, int, byte or bool tensors");
    fails(body_index(NULL, x, (struct tensors){&mask, 1}), ERROR_INDEX,
          "The shape of the mask [3] at index 0 does not match the shape of the indexed tensor "
          "[2, 3] at index 0");
    fails(body_index(NULL, x, (struct tensors){(struct tensor *[]){two, two, two}, 3}), ERROR_INDEX,
          "too many indices for tensor of dimension 2 (got 3)");
    fails(body_index(NULL, x, (struct tensors){NULL, 0}), ERROR_INDEX,
          "at least one index must be provided");
    fails(body_index(NULL, empty, (struct tensors){&two, 1}), ERROR_INDEX,
          "index is out of bounds for dimension with size 0");
    struct tensor *nothing = body_index(NULL, empty, (struct tensors){&none, 1});
    ck_assert_int_eq(nothing->sizes[0], 0);
    ck_assert_int_eq(nothing->sizes[1], 3);
    tensor_release(nothing);
    struct tensor *all[] = {x, five, none, two, three, real, mask, empty};
    release_all(all, 8);
}
END_TEST

START_TEST(bad_values_are_named)
{
    struct tensor *x = make(DTYPE_F32, INTS(2, 3), 0), *two = longs(INTS(2), 0),
                  *real = make(DTYPE_F32, INTS(2), 0);
    struct tensor *number = longs((struct ints){NULL, 0}, 1);
    struct tensor *row = tensor_alias(x, 1, (const int64_t[]){3}, (const int64_t[]){1}, 0);
    fails(body_index_put(NULL, x, (struct tensors){&two, 1}, real, false), ERROR_RUNTIME,
          "shape mismatch: value tensor of shape [2] cannot be broadcast to indexing result of "
          "shape [2, 3]");
    fails(body_index_put(NULL, x, (struct tensors){&two, 1}, number, false), ERROR_RUNTIME,
          "Index put requires the source and destination dtypes match, got Float for the "
          "destination and Long for the source.");
    fails(body_index_put(x, x, (struct tensors){&two, 1}, row, false), ERROR_RUNTIME,
          "unsupported operation: some elements of the input tensor and the written-to tensor "
          "refer to a single memory location. Please clone() the tensor before performing the "
          "operation.");
    struct tensor *all[] = {x, two, real, row};
    release_all(all, 4);
    tensor_release(number);
}
END_TEST

START_TEST(bad_gathers_are_named)
{
    struct tensor *x = make(DTYPE_F32, INTS(2, 2), 0), *two = longs(INTS(1, 1), 2),
                  *flat = longs(INTS(1), 0);
    struct tensor *wide = longs(INTS(1, 3), 0), *real = make(DTYPE_F32, INTS(1, 1), 1);
    fails(body_gather(NULL, x, 0, two, false), ERROR_RUNTIME,
          "index 2 is out of bounds for dimension 0 with size 2");
    fails(body_gather(NULL, x, 0, flat, false), ERROR_RUNTIME,
          "Index tensor must have the same number of dimensions as input tensor");
    fails(body_gather(NULL, x, 0, wide, false), ERROR_RUNTIME,
          "Size does not match at dimension 1 expected index [1, 3] to be no larger than self "
          "[2, 2] apart from dimension 0");
    fails(body_gather(NULL, x, 0, real, false), ERROR_RUNTIME,
          "gather(): Expected dtype int32/int64 for index");
    fails(body_gather(NULL, x, 2, two, false), ERROR_INDEX,
          "Dimension out of range (expected to be in range of [-2, 1], but got 2)");
    struct tensor *all[] = {x, two, flat, wide, real};
    release_all(all, 5);
}
END_TEST

int main(void)
{
    dice = generator_new();
    TCase *cases = tcase_create("gather");
    tcase_add_test(cases, any_index_gives_what_the_model_gives);
    tcase_add_test(cases, index_put_adds_or_sets_in_order);
    tcase_add_test(cases, a_mask_takes_the_dims_that_it_has);
    tcase_add_test(cases, large_rows_and_many_threads_give_the_same);
    tcase_add_test(cases, gather_follows_its_index_along_one_dim);
    tcase_add_test(cases, every_failed_allocation_is_an_error);
    tcase_add_test(cases, bad_indices_are_named);
    tcase_add_test(cases, bad_values_are_named);
    tcase_add_test(cases, bad_gathers_are_named);
    int failed = run_suite("gather", cases);
    generator_release(dice);
    return failed;
}
