#include <check.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "suite.h"

START_TEST(pool_blocks_are_aligned_and_used_again)
{
    for (size_t bytes = 1; bytes <= 2048; bytes += 63) {
        char *block = mem_pool_alloc(bytes);
        ck_assert_ptr_nonnull(block);
        ck_assert_uint_eq((uintptr_t)block % 64, 0);
        memset(block, 0x5A, bytes);
        mem_pool_free(block, bytes);
    }
    void *many[300];
    for (int i = 0; i < 300; i++) {
        many[i] = mem_pool_alloc(100);
    }
    for (int i = 0; i < 300; i++) {
        for (int k = 0; k < i; k++) {
            ck_assert_ptr_ne(many[i], many[k]);
        }
    }
    for (int i = 0; i < 300; i++) {
        mem_pool_free(many[i], 100);
    }
    mem_pool_free(NULL, 100);
    mem_free(NULL);
}
END_TEST

static void *free_elsewhere(void *block)
{
    mem_pool_free(block, 200);
    mem_pool_free(mem_pool_alloc(64), 64);
    return NULL;
}

START_TEST(a_block_may_be_freed_by_another_thread)
{
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, free_elsewhere, mem_pool_alloc(200)), 0);
        pthread_join(thread, NULL);
    }
}
END_TEST

START_TEST(the_test_mode_fails_one_allocation)
{
    mem_fail_at(2);
    void *first = mem_alloc(8), *second = mem_alloc(8), *third = mem_zalloc(8);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(second);
    ck_assert_int_eq(error_kind(), ERROR_MEMORY);
    ck_assert_ptr_nonnull(third);
    ck_assert_int_eq(mem_fail_at(0), 3);
    mem_free(first);
    mem_free(third);
    mem_free(mem_alloc(0));
    ck_assert_int_eq(mem_fail_at(0), 0);
}
END_TEST

/* Whatever allocation fails, a new tensor is NULL with an error, and nothing is lost. */
START_TEST(a_tensor_that_cannot_be_made_leaves_nothing_behind)
{
    int64_t small[] = {2, 3}, large[] = {100, 100}, deep[] = {1, 2, 1, 2, 1, 2, 1};
    struct {
        int dims;
        const int64_t *sizes;
    } shapes[] = {{2, small}, {2, large}, {7, deep}, {0, NULL}};
    size_t live = storage_live_bytes();
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        int failures = 0;
        for (long n = 1;; n++) {
            mem_fail_at(n);
            struct tensor *tensor =
                tensor_new(DTYPE_F32, DEVICE_DEFAULT, shapes[s].dims, shapes[s].sizes);
            struct tensor *alias =
                tensor ? tensor_alias(tensor, tensor->dims, tensor->sizes, tensor->strides, 0)
                       : NULL;
            bool whole = alias && !tensor_set_data(alias, tensor);
            mem_fail_at(0);
            tensor_release(alias);
            tensor_release(tensor);
            ck_assert_uint_eq(storage_live_bytes(), live);
            if (whole) {
                break;
            }
            failures++;
            ck_assert_int_eq(error_kind(), ERROR_MEMORY);
            error_clear();
        }
        ck_assert_int_ge(failures, 3);
    }
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("mem");
    tcase_add_test(cases, pool_blocks_are_aligned_and_used_again);
    tcase_add_test(cases, a_block_may_be_freed_by_another_thread);
    tcase_add_test(cases, the_test_mode_fails_one_allocation);
    tcase_add_test(cases, a_tensor_that_cannot_be_made_leaves_nothing_behind);
    return run_suite("mem", cases);
}
