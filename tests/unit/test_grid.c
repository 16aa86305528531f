/* The texts and strides are PyTorch 2.13's. */
#include <check.h>
#include <stdlib.h>

#include "op_functions.h"
#include "shown.h"
#include "suite.h"

static struct tensor *counted(int64_t n)
{
    return body_arange_end(NULL, INT(n), ANY);
}

/* The elements of a tensor of any shape; releases both. */
static const char *flat(struct tensor *tensor)
{
    struct tensor *line = tensor ? tensor_reshape(tensor, INTS(-1)) : NULL;
    tensor_release(tensor);
    return shown(line);
}

START_TEST(grids_are_views_in_either_order)
{
    struct tensor *vectors[2] = {counted(2), counted(3)};
    struct tensor_list grid;
    ck_assert_int_eq(compose_meshgrid((struct tensors){vectors, 2}, "ij", &grid), 0);
    ck_assert(grid.items[0]->sizes[1] == 3 && grid.items[0]->strides[1] == 0);
    ck_assert_ptr_eq(grid.items[1]->storage, vectors[1]->storage);
    tensor_list_release(&grid);
    ck_assert_int_eq(compose_meshgrid((struct tensors){vectors, 2}, "xy", &grid), 0);
    ck_assert_str_eq(flat(tensor_retain(grid.items[0])), "int64 0 1 0 1 0 1");
    tensor_list_release(&grid);
    ck_assert_int_eq(compose_meshgrid((struct tensors){vectors, 2}, "ab", &grid), -1);
    ck_assert_str_eq(error_message(),
                     "torch.meshgrid: indexing must be one of \"xy\" or \"ij\", but received: ab");
    tensor_release(vectors[0]);
    tensor_release(vectors[1]);
}
END_TEST

START_TEST(products_and_choices_are_rows)
{
    struct tensor *vectors[2] = {counted(2), counted(2)}, *three = counted(3);
    ck_assert_str_eq(flat(compose_cartesian_prod((struct tensors){vectors, 2})),
                     "int64 0 0 0 1 1 0 1 1");
    ck_assert_str_eq(flat(compose_combinations(three, 2, false)), "int64 0 1 0 2 1 2");
    ck_assert_str_eq(flat(compose_combinations(vectors[0], 2, true)), "int64 0 0 0 1 1 1");
    ck_assert_str_eq(flat(compose_combinations(vectors[0], 3, false)), "int64");
    ck_assert_str_eq(flat(compose_combinations(three, -1, false)),
                     "Expect a non-negative number, but got -1");
    tensor_release(vectors[0]);
    tensor_release(vectors[1]);
    tensor_release(three);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("grid");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, grids_are_views_in_either_order);
    tcase_add_test(cases, products_and_choices_are_rows);
    return run_suite("grid", cases);
}
