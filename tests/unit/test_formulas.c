/* First and second derivatives of the table's operations against central differences, in float64.
 */
#include "gradients.h"

#define INPUTS                                                                                     \
    input_of((const double[]){0.5, 1.25, 2, 0.75, 1.5, 3}, INTS(2, 3)),                            \
        input_of((const double[]){1.1, 0.4, 2.2}, INTS(3))
#define A in[0]
#define B in[1]

static void check_two(function f)
{
    struct tensor *inputs[] = {INPUTS};
    check_gradients(f, inputs, 2);
}

static struct tensor *f_add(struct tensor *const *in)
{
    return keep(tensor_add(A, B, scalar_float(2.5)));
}

static struct tensor *f_sub(struct tensor *const *in)
{
    return keep(tensor_sub(A, B, scalar_int(3)));
}

static struct tensor *f_rsub(struct tensor *const *in)
{
    return keep(tensor_rsub(mul(A, B), num(1), ONE));
}

static struct tensor *f_div(struct tensor *const *in)
{
    return keep(tensor_div(A, B));
}

static struct tensor *f_pow(struct tensor *const *in)
{
    return keep(tensor_pow(A, B));
}

static struct tensor *f_pow_number(struct tensor *const *in)
{
    return keep(tensor_pow(mul(A, B), num(2.5)));
}

static struct tensor *f_pow_zero(struct tensor *const *in)
{
    return mul(keep(tensor_pow(mul(A, B), num(0))), mul(A, B));
}

static struct tensor *f_number_pow(struct tensor *const *in)
{
    return keep(tensor_pow(num(1.75), mul(A, B)));
}

static struct tensor *f_exp_log(struct tensor *const *in)
{
    return add(keep(tensor_exp(mul(A, num(0.5)))), keep(tensor_log(mul(A, B))));
}

static struct tensor *f_rdiv(struct tensor *const *in)
{
    return keep(tensor_rdiv(mul(A, B), scalar_float(3.5)));
}

static struct tensor *f_neg_reciprocal(struct tensor *const *in)
{
    return keep(tensor_neg(keep(tensor_reciprocal(mul(A, B)))));
}

START_TEST(arithmetic)
{
    const function all[] = {f_add,     f_sub,        f_rsub,          f_div,
                            f_pow,     f_pow_number, f_pow_zero,      f_number_pow,
                            f_exp_log, f_rdiv,       f_neg_reciprocal};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        check_two(all[i]);
    }
}
END_TEST

static struct tensor *f_clamp(struct tensor *const *in)
{
    struct tensor *product = mul(A, B);
    struct tensor *above = keep(tensor_clamp(product, scalar_float(0.65), scalar_none()));
    struct tensor *below = keep(tensor_clamp(product, scalar_none(), scalar_float(2.1)));
    return mul(keep(tensor_clamp(product, scalar_float(0.65), scalar_float(2.1))),
               mul(above, below));
}

/* The bounds cross in the second column. */
static struct tensor *f_clamp_tensor(struct tensor *const *in)
{
    struct tensor *high = keep(tensor_rsub(mul(B, num(0.5)), num(1.75), ONE));
    struct tensor *both = keep(tensor_clamp_tensor(A, B, high));
    struct tensor *one =
        mul(keep(tensor_clamp_tensor(A, B, NULL)), keep(tensor_clamp_tensor(A, NULL, high)));
    return mul(mul(both, A), one);
}

static struct tensor *f_maximum(struct tensor *const *in)
{
    return mul(keep(tensor_maximum(A, B)), keep(tensor_max_other(mul(A, A), B)));
}

static struct tensor *f_where(struct tensor *const *in)
{
    return keep(tensor_where(keep(tensor_gt(A, B)), mul(A, A), mul(B, B)));
}

START_TEST(choices)
{
    check_two(f_clamp);
    check_two(f_clamp_tensor);
    check_two(f_maximum);
    check_two(f_where);
}
END_TEST

static struct tensor *f_sums(struct tensor *const *in)
{
    struct tensor *squares = mul(A, mul(A, B));
    struct tensor *rows = keep(tensor_sum_dim(squares, INTS(1), false, DTYPE_NONE));
    struct tensor *columns = keep(tensor_sum_dim(squares, INTS(-2), true, DTYPE_NONE));
    return mul(mul(columns, total(squares)), total(rows));
}

static struct tensor *f_means(struct tensor *const *in)
{
    struct tensor *squares = mul(A, mul(A, B));
    struct tensor *rows = keep(tensor_mean_dim(squares, INTS(-1), true, DTYPE_NONE));
    return mul(mul(rows, squares),
               mul(keep(tensor_mean(squares, DTYPE_NONE)),
                   keep(tensor_mean_dim(squares, INTS(0, 1), false, DTYPE_NONE))));
}

static struct tensor *f_max(struct tensor *const *in)
{
    struct tensor *squares = mul(A, mul(A, B)), *rows[2], *columns[2];
    ok(tensor_max_dim(squares, 1, false, rows));
    ok(tensor_max_dim(squares, 0, true, columns));
    for (int i = 0; i < 2; i++) {
        keep(rows[i]);
        keep(columns[i]);
    }
    return mul(mul(columns[0], total(rows[0])), keep(tensor_max(squares)));
}

START_TEST(reductions)
{
    check_two(f_sums);
    check_two(f_means);
    check_two(f_max);
}
END_TEST

START_TEST(equal_maxima_share_the_gradient)
{
    struct tensor *x = LEAF(1, 3, 3), *nan = LEAF(1, NAN, 3);
    backward(keep(tensor_max(x)));
    EQUALS(tensor_grad(x), 0, 0.5f, 0.5f);
    backward(keep(tensor_max(nan)));
    EQUALS(tensor_grad(nan), 0, 1, 0);
}
END_TEST

static struct tensor *f_mm(struct tensor *const *in)
{
    return keep(tensor_mm(mul(A, B), keep(tensor_t(A))));
}

static struct tensor *f_vectors(struct tensor *const *in)
{
    struct tensor *product = keep(tensor_mv(A, B)), *row = keep(tensor_select(A, 0, 1));
    struct tensor *outer = keep(tensor_outer(product, row));
    return mul(outer, keep(tensor_dot(row, B)));
}

static struct tensor *f_matmul(struct tensor *const *in)
{
    struct tensor *batch = keep(tensor_expand(mul(A, B), INTS(2, 2, 3), false));
    struct tensor *other = keep(tensor_unsqueeze(keep(tensor_transpose(A, 0, 1)), 0));
    return keep(tensor_matmul(keep(tensor_matmul(batch, other)), A));
}

START_TEST(products)
{
    check_two(f_mm);
    check_two(f_vectors);
    check_two(f_matmul);
}
END_TEST

static struct tensor *f_shapes(struct tensor *const *in)
{
    struct tensor *cube = keep(tensor_unsqueeze(mul(A, mul(A, B)), 1)); /* (2, 1, 3) */
    struct tensor *turned = keep(tensor_permute(cube, INTS(2, -3, 1))); /* (3, 2, 1) */
    struct tensor *flat = keep(tensor_reshape(turned, INTS(6)));
    struct tensor *wide = keep(tensor_expand(turned, INTS(3, 2, 2), false));
    struct tensor *thin = keep(tensor_squeeze_all(turned)),
                  *thinner = keep(tensor_squeeze(turned, 2));
    struct tensor *twos = keep(tensor_view(flat, INTS(2, 3)));
    return mul(mul(mul(thin, thinner), keep(tensor_reshape(wide, INTS(2, 3, 2)))),
               keep(tensor_t(twos)));
}

static struct tensor *f_parts(struct tensor *const *in)
{
    struct tensor *squares = mul(A, mul(A, B));
    struct tensor *every =
        keep(tensor_slice(squares, 1, (struct maybe_int){true, -3}, MAYBE_INT_NONE, 2));
    struct tensor *column = keep(tensor_select(squares, -1, -2));
    struct tensor *strided =
        keep(tensor_as_strided(squares, INTS(2, 2), INTS(2, 1), (struct maybe_int){true, 1}));
    struct tensor *windows =
        keep(tensor_as_strided(squares, INTS(2, 2), INTS(1, 1), MAYBE_INT_NONE));
    return mul(mul(every, keep(tensor_unsqueeze(column, 1))), mul(strided, windows));
}

static struct tensor *f_joined(struct tensor *const *in)
{
    struct tensor_list rows;
    struct tensor *squares = mul(A, mul(A, B)), *line = keep(tensor_unsqueeze(mul(B, B), 0));
    struct tensor *none = keep(tensor_zeros(INTS(0), DTYPE_F64, CPU));
    ok(tensor_unbind(squares, 0, &rows));
    struct tensor *joined =
        keep(tensor_cat((struct tensors){(struct tensor *[]){squares, none, line, A}, 4}, -2));
    struct tensor *stacked = keep(tensor_stack(
        (struct tensors){(struct tensor *[]){rows.items[1], B, rows.items[0]}, 3}, -1));
    tensor_list_release(&rows);
    return mul(keep(tensor_sum_dim(joined, INTS(0), true, DTYPE_NONE)), stacked);
}

START_TEST(views_and_joins)
{
    check_two(f_shapes);
    check_two(f_parts);
    check_two(f_joined);
}
END_TEST

static struct tensor *indices_of(int count, const int64_t *items)
{
    return keep(tensor_from_data(items, DTYPE_I64, INTS(count)));
}

static struct tensor *f_index(struct tensor *const *in)
{
    struct tensor *rows = indices_of(3, (const int64_t[]){1, 1, 0}),
                  *columns = indices_of(3, (const int64_t[]){2, 2, 0});
    struct tensor *squares = mul(A, mul(A, B));
    struct tensor *picked =
        keep(tensor_index(squares, (struct tensors){(struct tensor *[]){rows, columns}, 2}));
    struct tensor *whole =
        keep(tensor_index(squares, (struct tensors){(struct tensor *[]){NULL, columns}, 2}));
    return mul(mul(picked, B), whole);
}

static struct tensor *f_index_put(struct tensor *const *in)
{
    struct tensor *columns = indices_of(2, (const int64_t[]){2, 0}), *squares = mul(A, mul(A, B));
    struct tensors at = {(struct tensor *[]){NULL, columns}, 2};
    struct tensor *values =
        keep(tensor_slice(mul(B, B), 0, MAYBE_INT_NONE, (struct maybe_int){true, 2}, 1));
    return mul(keep(tensor_index_put(squares, at, values, false)),
               keep(tensor_index_put(squares, at, values, true)));
}

static struct tensor *f_gather(struct tensor *const *in)
{
    struct tensor *columns =
        keep(tensor_reshape(indices_of(4, (const int64_t[]){2, 2, 0, 1}), INTS(2, 2)));
    return keep(tensor_gather(mul(A, mul(A, B)), 1, columns, false));
}

START_TEST(indexing)
{
    check_two(f_index);
    check_two(f_index_put);
    check_two(f_gather);
}
END_TEST

static struct tensor *f_in_place(struct tensor *const *in)
{
    struct tensor *work = mul(A, A), *row;
    ok(tensor_mul_(work, B));
    row = keep(tensor_select(work, 0, 0));
    ok(tensor_pow_(row, num(2)));
    ok(tensor_div_(work, B));
    ok(tensor_clamp_(work, scalar_float(0.3), scalar_float(8.5)));
    ok(tensor_exp_(keep(
        tensor_select(work, 1, 1)))); /* last: its result is saved, and shares work's version */
    return mul(work, work);
}

static struct tensor *f_filled(struct tensor *const *in)
{
    struct tensor *work = mul(A, mul(A, B)), *column = keep(tensor_select(work, 1, 0));
    ok(tensor_zero_(column));
    ok(tensor_fill_(keep(tensor_select(keep(tensor_select(work, 0, 0)), 0, 1)), scalar_float(1.5)));
    ok(tensor_copy_(
        column, keep(tensor_slice(mul(B, B), 0, (struct maybe_int){true, 1}, MAYBE_INT_NONE, 1)),
        false));
    return mul(work, work);
}

START_TEST(changes_in_place)
{
    check_two(f_in_place);
    check_two(f_filled);
}
END_TEST

START_TEST(powers_of_zero_have_the_gradients_of_limits)
{
    struct tensor *x = LEAF(0, 2), *e = LEAF(0, 2), *zero = LEAF(0, 2, -1);
    backward(total(keep(tensor_pow(x, num(0)))));
    EQUALS(tensor_grad(x), 0, 0);
    backward(total(keep(tensor_pow(x, e))));
    EQUALS(tensor_grad(x), 0, 4);
    EQUALS(tensor_grad(e), 0, 4 * logf(2));
    struct tensor *gradient = keep(grad_of(total(keep(tensor_pow(num(0), zero))), zero, false));
    ck_assert_double_eq(item_at(gradient, 0), 0);
    ck_assert_double_eq(item_at(gradient, 1), 0);
    ck_assert_double_eq(item_at(gradient, 2), -INFINITY);
}
END_TEST

START_TEST(graphs_show_the_nodes_that_users_know)
{
    struct tensor *x = LEAF(2, 3);
    struct tensor *matrix = keep(tensor_reshape(x, INTS(1, 2)));
    ck_assert_str_eq(grad_fn_name(keep(grad_of(total(keep(tensor_pow(x, num(2)))), x, true))),
                     "MulBackward0");
    ck_assert_str_eq(grad_fn_name(keep(tensor_rdiv(x, ONE))), "MulBackward0");
    ck_assert_str_eq(grad_fn_name(keep(tensor_max_other(x, x))), "MaximumBackward0");
    ck_assert_str_eq(grad_fn_name(keep(tensor_matmul(matrix, x))), "MvBackward0");
    struct tensor *ones = LEAF(1, 1),
                  *sums = keep(tensor_sum_dim(matrix, INTS(0), false, DTYPE_NONE)), *result = NULL;
    struct tensor *gradients[] = {ones};
    ok(engine_backward((struct tensors){&sums, 1}, (struct tensors){gradients, 1},
                       (struct tensors){&matrix, 1},
                       (struct backward_options){.create_graph = true}, &result));
    ck_assert_str_eq(grad_fn_name(keep(result)), "ExpandBackward0");
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("formulas");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, NULL, release_kept);
    tcase_add_test(cases, arithmetic);
    tcase_add_test(cases, choices);
    tcase_add_test(cases, reductions);
    tcase_add_test(cases, equal_maxima_share_the_gradient);
    tcase_add_test(cases, products);
    tcase_add_test(cases, views_and_joins);
    tcase_add_test(cases, indexing);
    tcase_add_test(cases, changes_in_place);
    tcase_add_test(cases, powers_of_zero_have_the_gradients_of_limits);
    tcase_add_test(cases, graphs_show_the_nodes_that_users_know);
    return run_suite("formulas", cases);
}
