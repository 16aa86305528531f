/* einsum: its grammar, and sums of products of each kind. */
#include "graphs.h"

static struct tensor *counted(struct ints sizes)
{
    struct tensor *flat =
        keep(tensor_arange(scalar_int(shape_numel(sizes.count, sizes.items)), DTYPE_F32, CPU));
    return keep(tensor_view(flat, sizes));
}

static struct tensor *einsum(const char *equation, struct tensor *a, struct tensor *b)
{
    return tensor_einsum(equation, (struct tensors){(struct tensor *[]){a, b}, b ? 2 : 1});
}

/* The result's elements in row-major order, as text. */
static void gives(struct tensor *found, struct ints sizes, const float *items)
{
    ck_assert_msg(found != NULL, "%s", error_message());
    ck_assert(shape_equal(tensor_shape(keep(found)), sizes));
    struct tensor *dense = keep(tensor_contiguous(found, MEMORY_CONTIGUOUS));
    for (int64_t i = 0; i < dense->numel; i++) {
        ck_assert_float_eq(((float *)tensor_ptr(dense))[i], items[i]);
    }
}

#define GIVES(found, sizes, ...) gives(found, sizes, (const float[]){__VA_ARGS__})
#define SCALAR ((struct ints){NULL, 0})

START_TEST(products_sums_and_diagonals)
{
    struct tensor *a = counted(INTS(2, 3)), *b = counted(INTS(3, 2)), *c = counted(INTS(3, 3));
    GIVES(einsum("ij,jk->ik", a, b), INTS(2, 2), 10, 13, 28, 40);
    GIVES(einsum("ij,jk->ki", a, b), INTS(2, 2), 10, 28, 13, 40);
    GIVES(einsum("ij,ij->", a, a), SCALAR, 55);
    GIVES(einsum("ii", c, NULL), SCALAR, 12);
    GIVES(einsum("ii->i", c, NULL), INTS(3), 0, 4, 8);
    GIVES(einsum("ij->j", a, NULL), INTS(3), 3, 5, 7);
    GIVES(einsum("ba", a, NULL), INTS(3, 2), 0, 3, 1, 4, 2, 5);
    release_kept();
}
END_TEST

START_TEST(ellipses_stand_for_any_dims)
{
    struct tensor *a = counted(INTS(2, 3)), *v = counted(INTS(3));
    GIVES(einsum("...i,...i", a, v), INTS(2), 5, 14);
    GIVES(einsum("i...->...", a, NULL), INTS(3), 3, 5, 7);
    GIVES(einsum("...i->i...", a, NULL), INTS(3, 2), 0, 3, 1, 4, 2, 5);
    release_kept();
}
END_TEST

static void refuses(const char *equation, struct tensor *a, struct tensor *b, const char *text)
{
    ck_assert_ptr_null(einsum(equation, a, b));
    failed_with(ERROR_RUNTIME, text);
}

START_TEST(bad_equations_are_refused)
{
    struct tensor *a = counted(INTS(2, 3));
    refuses("ij,jk->ik", a, NULL,
            "einsum(): fewer operands were provided than specified in the equation");
    refuses("ij", a, a, "einsum(): more operands were provided than specified in the equation");
    refuses("i.j", a, NULL, "einsum(): found '.' for operand 0 that is not part of any ellipsis");
    refuses("i1", a, NULL,
            "einsum(): invalid subscript given at index 1 in the equation string, subscripts must "
            "be in [a-zA-Z]");
    refuses("ij->ik", a, NULL,
            "einsum(): output subscript k does not appear in the equation for any input operand");
    refuses("ij->ii", a, NULL, "einsum(): output subscript i appears more than once in the output");
    refuses("i", a, NULL,
            "einsum(): the number of subscripts in the equation (1) does not match the number of "
            "dimensions (2) for "
            "operand 0 and no ellipsis was given");
    refuses("ij,ji->i", a, a,
            "einsum(): subscript j has size 2 for operand 1 which does not broadcast with "
            "previously seen size 3");
    refuses("ii", a, NULL,
            "einsum(): subscript i is repeated for operand 0 but the sizes don't match, 3 != 2");
    release_kept();
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("einsum");
    tcase_add_test(tests, products_sums_and_diagonals);
    tcase_add_test(tests, ellipses_stand_for_any_dims);
    tcase_add_test(tests, bad_equations_are_refused);
    return run_suite("einsum", tests);
}
