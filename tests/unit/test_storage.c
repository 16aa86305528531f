#include <check.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "suite.h"

#define CPU ((struct device){DEVICE_CPU, -1})
#define MIB ((size_t)1 << 20)

START_TEST(data_is_aligned_and_live_bytes_are_counted)
{
    size_t before = storage_live_bytes(), total = 0;
    const size_t sizes[] = {1, 64, 256, 960, 961, 4096, 100000, 4 * MIB, 5 * MIB + 3};
    struct storage *storages[sizeof sizes / sizeof *sizes];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        storages[i] = storage_new(CPU, sizes[i]);
        ck_assert_ptr_nonnull(storages[i]);
        ck_assert_uint_eq((uintptr_t)storages[i]->data % 64, 0);
        ck_assert_uint_eq(storages[i]->bytes, sizes[i]);
        memset(storages[i]->data, 0xA5, sizes[i]);
        total += sizes[i];
    }
    ck_assert_uint_eq(storage_live_bytes() - before, total);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        storage_release(storages[i]);
    }
    ck_assert_uint_eq(storage_live_bytes(), before);
    struct storage *nothing = storage_new(CPU, 0);
    ck_assert_ptr_null(nothing->data);
    storage_release(nothing);
}
END_TEST

START_TEST(a_freed_large_block_is_handed_out_again)
{
    storage_trim();
    ck_assert_uint_eq(storage_cached_bytes(), 0);
    struct storage *first = storage_new(CPU, 40000000);
    void *data = first->data;
    storage_release(first);
    ck_assert_uint_ge(storage_cached_bytes(), 40000000);
    struct storage *second = storage_new(CPU, 39000000);
    ck_assert_ptr_eq(second->data, data);
    ck_assert_uint_eq(storage_cached_bytes(), 0);
    memset(second->data, 1, second->bytes);
    storage_release(second);
    storage_trim();
    ck_assert_uint_eq(storage_cached_bytes(), 0);
}
END_TEST

START_TEST(the_cache_is_bounded)
{
    struct storage *blocks[40];
    for (int i = 0; i < 40; i++) {
        blocks[i] = storage_new(CPU, (size_t)(i + 1) * MIB);
        ck_assert_ptr_nonnull(blocks[i]);
    }
    for (int i = 0; i < 40; i++) {
        storage_release(blocks[i]);
    }
    /* half of the 820 MiB that were live at most */
    ck_assert_uint_le(storage_cached_bytes(), 420 * MIB);
    ck_assert_uint_ge(storage_cached_bytes(), 200 * MIB);
    storage_trim();
}
END_TEST

START_TEST(too_large_a_request_is_refused_in_words)
{
    ck_assert_ptr_null(storage_new(CPU, 4000000000000000u));
    ck_assert_int_eq(error_kind(), ERROR_RUNTIME);
    ck_assert_str_eq(
        error_message(),
        "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: "
        "you "
        "tried to allocate 4000000000000000 bytes. Error code 12 (Cannot allocate memory)");
    ck_assert_ptr_null(storage_new(CPU, SIZE_MAX));
    ck_assert_ptr_null(storage_new(CPU, (size_t)INT64_MAX));
}
END_TEST

START_TEST(growing_keeps_the_contents)
{
    const size_t steps[] = {10, 60, 200, 2000, 100000, 5 * MIB};
    size_t before = storage_live_bytes();
    struct storage *storage = storage_new(CPU, 4);
    memcpy(storage->data, "abcd", 4);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        size_t old = storage->bytes;
        ck_assert_int_eq(storage_resize(storage, steps[i]), 0);
        ck_assert_uint_eq(storage->bytes, steps[i]);
        ck_assert_int_eq(memcmp(storage->data, "abcd", 4), 0);
        memset((char *)storage->data + old, 7, steps[i] - old);
        ck_assert_uint_eq(storage_live_bytes() - before, steps[i]);
    }
    ck_assert_int_eq(storage_resize(storage, 8), 0);
    ck_assert_uint_eq(storage->bytes, 5 * MIB);
    storage_release(storage);
    ck_assert_uint_eq(storage_live_bytes(), before);
}
END_TEST

START_TEST(a_few_bytes_in_a_block_of_their_own_are_kept_for_the_next)
{
    for (size_t bytes = 1; bytes <= 16; bytes++) {
        struct storage *storage = storage_new(CPU, 0);
        ck_assert_int_eq(storage_resize(storage, bytes), 0);
        memset(storage->data, 7, bytes);
        size_t cached = storage_cached_bytes();
        storage_release(storage);
        ck_assert_uint_ge(storage_cached_bytes(), cached + bytes);
    }
    storage_trim();
}
END_TEST

static int released;

static void release_foreign(void *owner)
{
    released += *(int *)owner;
}

START_TEST(foreign_memory_goes_back_to_its_owner_once)
{
    int weight = 3;
    char bytes[16];
    struct storage *storage = storage_wrap(bytes, sizeof bytes, release_foreign, &weight);
    storage_retain(storage);
    ck_assert_int_eq(storage_resize(storage, 100), -1);
    ck_assert_str_eq(error_message(), "Trying to resize storage that is not resizable");
    storage_release(storage);
    ck_assert_int_eq(released, 0);
    storage_release(storage);
    ck_assert_int_eq(released, 3);
    storage_release(NULL);
}
END_TEST

static void *allocate_and_free(void *seed)
{
    unsigned state = *(unsigned *)seed;
    struct storage *held[16] = {NULL};
    for (int i = 0; i < 3000; i++) {
        state = state * 1664525 + 1013904223;
        unsigned slot = state >> 28, bytes = (state >> 8) % 70000 + 1;
        storage_release(held[slot]);
        held[slot] = storage_new(CPU, bytes);
        *(unsigned char *)held[slot]->data = (unsigned char)slot;
        ((unsigned char *)held[slot]->data)[bytes - 1] = (unsigned char)slot;
    }
    for (unsigned i = 0; i < 16; i++) {
        if (held[i] && *(unsigned char *)held[i]->data != i) {
            return seed;
        }
        storage_release(held[i]);
    }
    return NULL;
}

START_TEST(threads_share_the_cache)
{
    pthread_t threads[4];
    unsigned seeds[4] = {1, 2, 3, 4};
    size_t before = storage_live_bytes();
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, allocate_and_free, &seeds[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        ck_assert_ptr_null(failed);
    }
    ck_assert_uint_eq(storage_live_bytes(), before);
    storage_trim();
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("storage");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, data_is_aligned_and_live_bytes_are_counted);
    tcase_add_test(cases, a_freed_large_block_is_handed_out_again);
    tcase_add_test(cases, the_cache_is_bounded);
    tcase_add_test(cases, too_large_a_request_is_refused_in_words);
    tcase_add_test(cases, growing_keeps_the_contents);
    tcase_add_test(cases, a_few_bytes_in_a_block_of_their_own_are_kept_for_the_next);
    tcase_add_test(cases, foreign_memory_goes_back_to_its_owner_once);
    tcase_add_test(cases, threads_share_the_cache);
    return run_suite("storage", cases);
}
