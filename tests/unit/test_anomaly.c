/* Anomaly mode without Python: NaN in a gradient, and what the handler is told. */
#include "../../tensor/autograd/anomaly.h"
#include "graphs.h"

static int noted, dropped, places;
static const struct node *reported;

static void *note(struct node *parent)
{
    (void)parent;
    noted++;
    return &noted;
}

static void drop(void *origin)
{
    ck_assert_ptr_eq(origin, &noted);
    dropped++;
}

static int note_place(struct node *node)
{
    places++;
    node->place = &places;
    return 0;
}

static void drop_place(void *place)
{
    ck_assert_ptr_eq(place, &places);
    places--;
}

static void report(struct node *node)
{
    reported = node;
}

static void begin(bool check_nan)
{
    noted = dropped = places = 0;
    reported = NULL;
    anomaly_handler = (struct anomaly_handler){note, drop, note_place, drop_place, report};
    anomaly_set(true, check_nan);
}

/* A sum whose gradient is NaN. */
static struct tensor *nan_gradient(struct tensor *leaf)
{
    return keep(tensor_sum(keep(tensor_mul(leaf, DATA(NAN))), DTYPE_NONE));
}

START_TEST(nan_is_an_error_of_the_node_that_made_it)
{
    begin(true);
    struct tensor *root = nan_gradient(LEAF(1));
    ck_assert_int_eq(tensor_backward(root, NULL, false, false), -1);
    failed_with(ERROR_RUNTIME, "Function 'MulBackward0' returned nan values in its 0th output.");
    ck_assert_ptr_nonnull(reported);
    ck_assert_str_eq(reported->class->name, "MulBackward0");
    anomaly_set(false, true);
    release_kept();
    ck_assert_int_gt(noted, 0);
    ck_assert_int_eq(noted, dropped);
}
END_TEST

START_TEST(nan_passes_where_it_is_not_checked)
{
    begin(false);
    ok(tensor_backward(nan_gradient(LEAF(1)), NULL, false, false));
    ck_assert_ptr_null(reported);
    anomaly_set(false, true);
    release_kept();
}
END_TEST

START_TEST(nodes_note_nothing_while_it_is_off)
{
    begin(true);
    anomaly_set(false, true);
    ok(tensor_backward(nan_gradient(LEAF(1)), NULL, false, false));
    ck_assert_int_eq(noted, 0);
    release_kept();
}
END_TEST

START_TEST(places_are_noted_of_operations_alone)
{
    begin(true);
    anomaly_set(false, true);
    ck_assert(!anomaly_flag(NODES_LINED, true));
    struct tensor *root = nan_gradient(LEAF(1));
    ck_assert_int_eq(places, 2);
    ok(tensor_backward(root, NULL, false, false));
    ck_assert_int_eq(places, 2);
    ck_assert(anomaly_flag(NODES_LINED, false));
    release_kept();
    ck_assert_int_eq(places, 0);
    ck_assert_int_eq(noted, 0);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("anomaly");
    tcase_add_test(tests, nan_is_an_error_of_the_node_that_made_it);
    tcase_add_test(tests, places_are_noted_of_operations_alone);
    tcase_add_test(tests, nan_passes_where_it_is_not_checked);
    tcase_add_test(tests, nodes_note_nothing_while_it_is_off);
    return run_suite("anomaly", tests);
}
