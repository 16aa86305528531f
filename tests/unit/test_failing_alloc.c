/* Every n-th allocation fails, once each, through the tutorial, a backward, an indexing and a repr: each failure is
 * an error of kind MEMORY or RUNTIME, nothing leaks (the address sanitizer looks), and the next attempt succeeds. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "core.h"
#include "index.h"
#include "suite.h"

#define MOST_ALLOCATIONS 2000

static struct tensor *leaf(void)
{
    const float five[] = {5.0f, 2.0f, 3.0f};
    struct tensor *made = tensor_from_data(five, DTYPE_F32, INTS(3));

    if (made && tensor_set_requires_grad(made, true))
        tensor_clear(&made);
    return made;
}

/* A**2 + 16 */
static struct tensor *formula(struct tensor *a)
{
    struct tensor *two = tensor_weak(scalar_int(2)), *sixteen = tensor_weak(scalar_int(16));
    struct tensor *square = two && sixteen ? tensor_pow(a, two) : NULL;
    struct tensor *result = square ? tensor_add(square, sixteen, scalar_int(1)) : NULL;

    tensor_release(two);
    tensor_release(sixteen);
    tensor_release(square);
    return result;
}

static int print(struct tensor *tensor, const char *expected)
{
    char *text = tensor_repr(tensor);

    if (!text)
        return -1;
    ck_assert_str_eq(text, expected);
    free(text);
    return 0;
}

static int tutorial(void)
{
    struct tensor *a = leaf(), *b = NULL;
    bool before = grad_mode_set(false);
    int status = -1;

    if (a)
        b = formula(a);
    grad_mode_set(before);
    if (b && !print(a, "tensor([5., 2., 3.], requires_grad=True)"))
        status = print(b, "tensor([41., 20., 25.])");
    tensor_release(a);
    tensor_release(b);
    return status;
}

static int backward(void)
{
    struct tensor *a = leaf(), *b = a ? formula(a) : NULL;
    struct tensor *total = b ? tensor_sum(b, DTYPE_NONE) : NULL;
    int status = -1;

    if (total && !tensor_backward(total, NULL, false, false))
        status = print(tensor_grad(a), "tensor([10.,  4.,  6.])");
    tensor_release(a);
    tensor_release(b);
    tensor_release(total);
    return status;
}

static int indexing(void)
{
    const int64_t places[] = {2, 0};
    struct tensor *a = leaf(), *where = tensor_from_data(places, DTYPE_I64, INTS(2));
    struct index_item by_tensor = {.kind = INDEX_TENSOR, .tensor = where};
    struct index_item by_slice = {.kind = INDEX_SLICE, .start = {true, 1}, .step = 1};
    struct tensor *picked = a && where ? index_get(a, &by_tensor, 1) : NULL;
    struct tensor *copy = picked ? tensor_clone(picked, MEMORY_PRESERVE) : NULL;
    struct tensor *part = copy ? index_get(copy, &by_slice, 1) : NULL;
    int status = -1;

    if (part && !index_set(copy, &by_slice, 1, part))
        status = print(copy, "tensor([3., 5.], grad_fn=<CopySlices>)");
    tensor_release(a);
    tensor_release(where);
    tensor_release(picked);
    tensor_release(copy);
    tensor_release(part);
    return status;
}

static int repr(void)
{
    struct tensor *big = tensor_rand(INTS(40, 50), DTYPE_F64, DEVICE_DEFAULT);
    char *text = big ? tensor_repr(big) : NULL;
    int status = text ? 0 : -1;

    free(text);
    tensor_release(big);
    return status;
}

static void fail_each_allocation(int (*scenario)(void))
{
    for (long n = 1; n < MOST_ALLOCATIONS; n++) {
        error_clear();
        mem_fail_at(n);
        int status = scenario();
        long made = mem_fail_at(0);

        if (made < n) { /* the n-th was never reached: all have failed once */
            ck_assert_int_eq(status, 0);
            return;
        }
        /* free lists may serve where memory failed, and a failing optimisation may be survived: both end well */
        if (status)
            ck_assert(error_kind() == ERROR_MEMORY || error_kind() == ERROR_RUNTIME);
        ck_assert_int_eq(scenario(), 0);
    }
    ck_abort_msg("more than %d allocations", MOST_ALLOCATIONS);
}

START_TEST(the_tutorial_survives_every_failing_allocation)
{
    fail_each_allocation(tutorial);
}
END_TEST

START_TEST(backward_survives_every_failing_allocation)
{
    fail_each_allocation(backward);
}
END_TEST

START_TEST(indexing_survives_every_failing_allocation)
{
    fail_each_allocation(indexing);
}
END_TEST

START_TEST(repr_survives_every_failing_allocation)
{
    fail_each_allocation(repr);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("every n-th");
    tcase_add_test(cases, the_tutorial_survives_every_failing_allocation);
    tcase_add_test(cases, backward_survives_every_failing_allocation);
    tcase_add_test(cases, indexing_survives_every_failing_allocation);
    tcase_add_test(cases, repr_survives_every_failing_allocation);
    tcase_set_timeout(cases, 120);
    return run_suite("failing allocations", cases);
}
