/* The texts, counts and numbers are PyTorch 2.13's. */
#include <check.h>
#include <stdlib.h>

#include "op_functions.h"
#include "shown.h"
#include "suite.h"

/* A contiguous matrix 1, 2, 3 … */
static struct tensor *matrix(int64_t rows, int64_t columns)
{
    struct tensor *flat =
        body_arange(NULL, INT(1), INT(rows * columns + 1), INT(1), DTYPE_I32, DEVICE_DEFAULT);
    struct tensor *result = alias_view(flat, INTS(rows, columns));
    tensor_release(flat);
    return result;
}

/* The elements of a tensor of any shape; releases both. */
static const char *flat(struct tensor *tensor)
{
    struct tensor *line = tensor ? tensor_reshape(tensor, INTS(-1)) : NULL;
    tensor_release(tensor);
    return shown(line);
}

START_TEST(triangles_keep_one_side_of_a_diagonal)
{
    struct tensor *wide = matrix(2, 3), *tall = matrix(3, 2),
                  *vector = body_ones(NULL, INTS(2), ANY);
    ck_assert_str_eq(flat(body_tril(NULL, wide, 0)), "int32 1 0 0 4 5 0");
    ck_assert_str_eq(flat(body_triu(NULL, wide, 1)), "int32 0 2 3 0 0 6");
    ck_assert_str_eq(flat(body_tril(NULL, tall, -1)), "int32 0 0 3 0 5 6");
    ck_assert_str_eq(flat(body_triu(NULL, tall, INT64_MIN)), "int32 1 2 3 4 5 6");
    ck_assert_str_eq(flat(body_triu(NULL, tall, INT64_MAX)), "int32 0 0 0 0 0 0");
    ck_assert_str_eq(flat(body_tril(NULL, vector, 0)),
                     "tril: input tensor must have at least 2 dimensions");
    tensor_release(vector);
    tensor_release(tall);
    struct tensor *turned = alias_t(wide);
    ck_assert_ptr_eq(body_triu(turned, turned, 0), turned);
    tensor_release(turned);
    tensor_release(turned);
    ck_assert_str_eq(flat(wide), "int32 1 0 0 4 5 0");
}
END_TEST

START_TEST(indices_list_the_places_of_a_triangle)
{
    ck_assert_str_eq(flat(create_tril_indices(2, 3, 0, ANY)), "int64 0 1 1 0 0 1");
    ck_assert_str_eq(flat(create_triu_indices(2, 3, 1, DTYPE_I32, DEVICE_DEFAULT)),
                     "int32 0 0 1 1 2 2");
    ck_assert_str_eq(flat(create_triu_indices(2, 3, 9, ANY)), "int64");
    ck_assert_str_eq(flat(create_tril_indices(-1, 3, 0, ANY)), "row must be non-negative, got-1");
    ck_assert_str_eq(flat(create_tril_indices(1, 3, 0, DTYPE_F32, DEVICE_DEFAULT)),
                     "\"tril_indices\" not implemented for 'Float'");
}
END_TEST

START_TEST(diagonals_are_views)
{
    struct tensor *wide = matrix(2, 3);
    ck_assert_str_eq(flat(alias_diagonal(wide, 0, 0, 1)), "int32 1 5");
    ck_assert_str_eq(flat(alias_diagonal(wide, 1, 0, 1)), "int32 2 6");
    ck_assert_str_eq(flat(alias_diagonal(wide, -1, 0, -1)), "int32 4");
    ck_assert_str_eq(flat(alias_diagonal(wide, INT64_MIN, 0, 1)), "int32");
    ck_assert_str_eq(flat(alias_diagonal(wide, INT64_MAX, 0, 1)), "int32");
    ck_assert_str_eq(flat(alias_diagonal(wide, 0, 1, -1)),
                     "diagonal dimensions cannot be identical 1, -1");
    ck_assert_str_eq(flat(body_trace(NULL, wide)), "int64 6");
    tensor_release(wide);
}
END_TEST

START_TEST(a_vector_becomes_the_diagonal_of_a_matrix)
{
    struct tensor *vector = body_arange(NULL, INT(1), INT(3), INT(1), ANY);
    ck_assert_str_eq(flat(compose_diag(vector, 0)), "int64 1 0 0 2");
    ck_assert_str_eq(flat(body_diag_embed(NULL, vector, -1, 1, 0)), "int64 0 1 0 0 0 2 0 0 0");
    struct tensor *square = compose_diagflat(vector, 1);
    ck_assert_str_eq(flat(compose_diag(square, 1)), "int64 1 2");
    tensor_release(square);
    tensor_release(vector);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("diagonal");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, triangles_keep_one_side_of_a_diagonal);
    tcase_add_test(cases, indices_list_the_places_of_a_triangle);
    tcase_add_test(cases, diagonals_are_views);
    tcase_add_test(cases, a_vector_becomes_the_diagonal_of_a_matrix);
    return run_suite("diagonal", cases);
}
