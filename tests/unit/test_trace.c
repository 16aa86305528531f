/* Counting a stretch of work without Python. */
#include "../../tensor/trace.h"
#include "graphs.h"

static struct trace_report end(void)
{
    struct trace_report report;
    ok(trace_end(&report));
    return report;
}

static int64_t calls_of(const struct trace_report *report, const char *name)
{
    for (int i = 0; i < report->op_count; i++) {
        if (!strcmp(report->ops[i].name, name)) {
            return report->ops[i].calls;
        }
    }
    return 0;
}

START_TEST(operations_nodes_and_kept_bytes_are_counted)
{
    struct tensor *leaf = LEAF(1, 2, 3);
    ok(trace_begin());
    struct tensor *root =
        keep(tensor_sum(keep(tensor_mul(leaf, keep(tensor_exp(leaf)))), DTYPE_NONE));
    struct trace_report report = end();
    int64_t nodes, bytes;
    ok(graph_size(root, &nodes, &bytes));
    ck_assert_int_eq(report.op_count, 3);
    ck_assert_int_eq(calls_of(&report, "exp"), 1);
    ck_assert_int_eq(report.nodes, nodes);
    ck_assert_int_eq(report.kept_bytes, bytes);
    ck_assert_int_eq(report.left_bytes, bytes);
    ck_assert_int_eq(report.peak_bytes - report.start_bytes, 12 + 12 + 4);
    release_kept();
}
END_TEST

START_TEST(without_recording_nothing_is_kept)
{
    struct tensor *leaf = LEAF(1, 2, 3);
    bool recording = grad_mode_set(false);
    ok(trace_begin());
    keep(tensor_mul(leaf, leaf));
    struct trace_report report = end();
    grad_mode_set(recording);
    ck_assert_int_eq(calls_of(&report, "mul"), 1);
    ck_assert_int_eq(report.nodes, 0);
    ck_assert_int_eq(report.kept_bytes, 0);
    release_kept();
}
END_TEST

START_TEST(backward_is_told_apart_and_drops_what_was_kept)
{
    struct tensor *leaf = LEAF(1, 2, 3);
    ok(trace_begin());
    struct tensor *root = keep(tensor_sum(keep(tensor_exp(leaf)), DTYPE_NONE));
    ok(tensor_backward(root, NULL, false, false));
    struct trace_report report = end();
    int64_t backward = 0;
    for (int i = 0; i < report.op_count; i++) {
        backward += report.ops[i].backward_calls;
    }
    ck_assert_int_gt(backward, 0);
    ck_assert_int_eq(report.kept_bytes, 12);
    ck_assert_int_eq(report.left_bytes, 0);
    release_kept();
}
END_TEST

START_TEST(nodes_of_an_earlier_stretch_do_not_count)
{
    struct tensor *leaf = LEAF(1, 2, 3);
    ok(trace_begin());
    struct tensor *early = tensor_exp(leaf);
    end();
    ok(trace_begin());
    struct tensor *late = keep(tensor_exp(early));
    tensor_release(early);
    struct trace_report report = end();
    ck_assert_int_eq(report.left_bytes, 12);
    ck_assert_ptr_nonnull(late);
    release_kept();
}
END_TEST

START_TEST(one_stretch_at_a_time)
{
    struct trace_report report;
    ck_assert_int_eq(trace_end(&report), -1);
    failed_with(ERROR_RUNTIME, "nothing is being traced on this thread");
    ok(trace_begin());
    ck_assert_int_eq(trace_begin(), -1);
    failed_with(ERROR_RUNTIME, "what runs is being traced already; traces cannot be nested");
    end();
    ok(trace_begin());
    end();
}
END_TEST

START_TEST(without_memory_for_the_counts_work_goes_on)
{
    struct tensor *leaf = LEAF(1, 2, 3);
    struct trace_report report;
    int failures = 0;
    for (long n = 1; n < 40; n++) {
        ok(trace_begin());
        mem_fail_at(n);
        struct tensor *result = tensor_exp(leaf);
        mem_fail_at(0);
        if (!result) {
            ck_assert_int_eq(error_kind(), ERROR_MEMORY);
            error_clear();
        }
        int status = trace_end(&report);
        ck_assert(result == NULL || status == 0 || error_kind() == ERROR_MEMORY);
        failures += result && status;
        error_clear();
        tensor_release(result);
    }
    ck_assert_int_gt(failures, 0);
    release_kept();
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("trace");
    tcase_add_test(tests, operations_nodes_and_kept_bytes_are_counted);
    tcase_add_test(tests, without_recording_nothing_is_kept);
    tcase_add_test(tests, backward_is_told_apart_and_drops_what_was_kept);
    tcase_add_test(tests, nodes_of_an_earlier_stretch_do_not_count);
    tcase_add_test(tests, one_stretch_at_a_time);
    tcase_add_test(tests, without_memory_for_the_counts_work_goes_on);
    return run_suite("trace", tests);
}
