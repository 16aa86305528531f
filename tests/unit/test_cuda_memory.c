#include <check.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fake_cuda.h"
#include "suite.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

static struct cuda_memory_stats stats_of(int device)
{
    struct cuda_memory_stats stats;
    ck_assert_int_eq(cuda_memory_stats(device, &stats), 0);
    return stats;
}

static void assert_stat(const struct cuda_stat stat[3], int64_t small, int64_t large)
{
    ck_assert_int_eq(stat[0].current, small + large);
    ck_assert_int_eq(stat[1].current, small);
    ck_assert_int_eq(stat[2].current, large);
}

static void *take(size_t bytes)
{
    void *data = cuda_allocate(bytes);
    ck_assert_ptr_nonnull(data);
    ck_assert_uint_eq((uintptr_t)data % 512, 0);
    return data;
}

/* A stream of the current device that is current from now on. */
static struct fake_stream *enter_new_stream(struct cuda_stream_info *info)
{
    ck_assert_int_eq(cuda_stream_new(-1, 0, info), 0);
    ck_assert_int_eq(cuda_stream_set(info), 0);
    return info->stream;
}

static struct tensor *tensor_on(int device, size_t bytes)
{
    struct tensor *tensor = tensor_from_data("", DTYPE_U8, INTS(1));
    struct storage *storage = storage_wrap(take(bytes), bytes, cuda_release, NULL);
    storage->owner = storage->data;
    storage->device = (struct device){DEVICE_CUDA, (int8_t)device};
    storage_release(tensor->storage);
    tensor->storage = storage;
    return tensor;
}

/* --- sizes, cutting, joining --- */

START_TEST(sizes_are_rounded_and_segments_chosen)
{
    fake_start();
    void *tiny = take(1), *small = take(MIB), *own = take(10 * MIB), *odd = take(11 * MIB), *large = take(MIB + 1);
    struct cuda_memory_stats stats = stats_of(0);
    assert_stat(stats.allocation, 2, 3);
    assert_stat(stats.requested_bytes, 1 + MIB, MIB + 1 + 21 * MIB);
    /* the rest of 12 MiB, 1 MiB, is not worth keeping apart */
    assert_stat(stats.allocated_bytes, 512 + MIB, MIB + 512 + 10 * MIB + 12 * MIB);
    assert_stat(stats.reserved_bytes, 2 * MIB, 20 * MIB + 10 * MIB + 12 * MIB);
    assert_stat(stats.segment, 1, 3);
    assert_stat(stats.inactive_split, 1, 1);
    assert_stat(stats.inactive_split_bytes, MIB - 512, 19 * MIB - 512);
    ck_assert_int_eq(stats.num_device_alloc, 4);
    void *all[] = {tiny, small, large, own, odd};
    for (size_t i = 0; i < 5; i++)
        cuda_release(all[i]);
    stats = stats_of(0);
    assert_stat(stats.allocation, 0, 0);
    assert_stat(stats.active_bytes, 0, 0);
    assert_stat(stats.requested_bytes, 0, 0);
    assert_stat(stats.inactive_split, 0, 0);
    assert_stat(stats.reserved_bytes, 2 * MIB, 42 * MIB);
    ck_assert_int_eq(cuda_memory_empty_cache(), 0);
    assert_stat(stats_of(0).reserved_bytes, 0, 0);
    ck_assert_int_eq(stats_of(0).num_device_free, stats.num_device_free + 4);
    ck_assert_uint_eq(fake.used[0], 0);
}
END_TEST

START_TEST(of_nothing_it_is_a_block_and_null_may_be_released)
{
    fake_start();
    void *data = take(0);
    assert_stat(stats_of(0).allocated_bytes, 512, 0);
    cuda_release(data);
    cuda_release(NULL);
    cuda_release(&fake);
    assert_stat(stats_of(0).allocated_bytes, 0, 0);
}
END_TEST

START_TEST(neighbours_join_when_they_are_free)
{
    fake_start();
    char *parts[4];
    for (int i = 0; i < 4; i++)
        parts[i] = take(512 * KIB);
    for (int i = 1; i < 4; i++)
        ck_assert_ptr_eq(parts[i], parts[i - 1] + 512 * KIB);
    assert_stat(stats_of(0).inactive_split, 0, 0);
    cuda_release(parts[0]);
    cuda_release(parts[2]);
    assert_stat(stats_of(0).inactive_split, 2, 0);
    cuda_release(parts[1]);
    assert_stat(stats_of(0).inactive_split, 1, 0);
    assert_stat(stats_of(0).inactive_split_bytes, 1536 * KIB, 0);
    char *whole = take(MIB);
    ck_assert_ptr_eq(whole, parts[0]);
    cuda_release(whole);
    cuda_release(parts[3]);
    struct cuda_memory_stats stats = stats_of(0);
    assert_stat(stats.inactive_split, 0, 0);
    ck_assert_int_eq(stats.inactive_split[0].peak, 2);
    assert_stat(stats.segment, 1, 0);
}
END_TEST

START_TEST(the_best_fitting_block_is_taken)
{
    fake_start();
    void *held[6], *gaps[3];
    const size_t sizes[] = {300 * KIB, 100 * KIB, 200 * KIB};
    for (int i = 0; i < 3; i++) {
        gaps[i] = take(sizes[i]);
        held[i] = take(512);
    }
    for (int i = 0; i < 3; i++)
        cuda_release(gaps[i]);
    ck_assert_ptr_eq(held[3] = take(150 * KIB), gaps[2]);
    ck_assert_ptr_eq(held[4] = take(100 * KIB), gaps[1]);
    ck_assert_ptr_eq(held[5] = take(250 * KIB), gaps[0]);
    for (int i = 0; i < 6; i++)
        cuda_release(held[i]);
    assert_stat(stats_of(0).inactive_split, 0, 0);
}
END_TEST

START_TEST(peaks_and_sums_are_kept_until_they_are_reset)
{
    fake_start();
    void *first = take(MIB), *second = take(3 * MIB);
    cuda_release(second);
    struct cuda_stat bytes = stats_of(0).allocated_bytes[0];
    ck_assert_int_eq(bytes.current, MIB);
    ck_assert_int_eq(bytes.peak, 4 * MIB);
    ck_assert_int_eq(bytes.allocated, 4 * MIB);
    ck_assert_int_eq(bytes.freed, 3 * MIB);
    ck_assert_int_eq(cuda_memory_reset_peak(-1), 0);
    ck_assert_int_eq(cuda_memory_reset_accumulated(-1), 0);
    bytes = stats_of(0).allocated_bytes[0];
    ck_assert_int_eq(bytes.peak, MIB);
    ck_assert_int_eq(bytes.allocated, 0);
    ck_assert_int_eq(bytes.freed, 0);
    cuda_release(first);
    ck_assert_int_eq(stats_of(0).allocated_bytes[0].freed, MIB);
    ck_assert_int_eq(stats_of(0).allocated_bytes[0].peak, MIB);
}
END_TEST

START_TEST(devices_have_memory_of_their_own)
{
    fake_start();
    ck_assert_int_eq(cuda_use(1), 0);
    void *data = take(MIB);
    ck_assert_int_eq(cuda_use(0), 0);
    assert_stat(stats_of(1).allocated_bytes, MIB, 0);
    assert_stat(stats_of(0).allocated_bytes, 0, 0);
    size_t free, total;
    ck_assert_int_eq(cuda_memory_info(1, &free, &total), 0);
    ck_assert_uint_eq(total - free, 2 * MIB);
    ck_assert_int_eq(cuda_use(0), 0);
    cuda_release(data);
    ck_assert_int_eq(cuda_used(), 0);
    assert_stat(stats_of(1).allocated_bytes, 0, 0);
}
END_TEST

/* --- streams --- */

START_TEST(a_released_block_is_for_its_stream_alone)
{
    fake_start();
    struct cuda_stream_info info;
    void *first = take(1000);
    cuda_release(first);
    enter_new_stream(&info);
    void *other = take(1000);
    ck_assert_ptr_ne(other, first);
    cuda_release(other);
    ck_assert_ptr_eq(take(1000), other);
    cuda_release(other);
    cuda_stream_default(0, &info);
    cuda_stream_set(&info);
    ck_assert_ptr_eq(take(1000), first);
    cuda_release(first);
}
END_TEST

START_TEST(a_block_waits_for_the_streams_that_use_it)
{
    fake_start();
    struct cuda_stream_info side, own;
    ck_assert_int_eq(cuda_stream_new(0, 0, &side), 0);
    ck_assert_int_eq(cuda_stream_current(0, &own), 0);
    struct tensor *tensor = tensor_on(0, 1000);
    void *data = tensor->storage->data;
    ck_assert_int_eq(cuda_memory_record_stream(tensor, &own), 0);
    ck_assert_int_eq(cuda_memory_record_stream(tensor, &side), 0);
    ck_assert_int_eq(cuda_memory_record_stream(tensor, &side), 0);
    fake_queue(side.stream);
    tensor_release(tensor);
    assert_stat(stats_of(0).allocated_bytes, 0, 0);
    assert_stat(stats_of(0).active_bytes, 1024, 0);
    void *other = take(1000);
    ck_assert_ptr_ne(other, data);
    fake_run(side.stream);
    fake_queue(side.stream); /* later work does not matter */
    ck_assert_ptr_eq(take(1000), data);
    assert_stat(stats_of(0).active_bytes, 2048, 0);
    cuda_release(other);
    cuda_release(data);
    assert_stat(stats_of(0).active_bytes, 0, 0);
}
END_TEST

START_TEST(a_block_waits_for_several_streams_and_for_those_of_other_devices)
{
    fake_start();
    struct cuda_stream_info sides[2];
    ck_assert_int_eq(cuda_stream_new(0, 0, &sides[0]), 0);
    ck_assert_int_eq(cuda_stream_default(1, &sides[1]), 0);
    cuda_use(0);
    struct tensor *first = tensor_on(0, 1000), *second = tensor_on(0, 2000);
    void *data = first->storage->data;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(cuda_memory_record_stream(first, &sides[i]), 0);
        ck_assert_int_eq(cuda_memory_record_stream(second, &sides[i]), 0);
    }
    fake_queue(sides[0].stream);
    fake_queue(&fake.defaults[1]);
    cuda_use(0);
    tensor_release(first);
    tensor_release(second);
    ck_assert_int_eq(cuda_used(), 0);
    fake_run(sides[0].stream);
    void *other = take(512);
    ck_assert_ptr_ne(other, data);
    assert_stat(stats_of(0).active, 3, 0);
    fake_run(&fake.defaults[1]);
    cuda_release(other);
    other = take(512);
    ck_assert_ptr_eq(other, data);
    cuda_release(other);
    assert_stat(stats_of(0).active, 0, 0);
    assert_stat(stats_of(0).inactive_split, 0, 0);
}
END_TEST

START_TEST(emptying_the_cache_waits_for_recorded_streams)
{
    fake_start();
    struct cuda_stream_info side;
    ck_assert_int_eq(cuda_stream_new(0, 0, &side), 0);
    struct tensor *tensor = tensor_on(0, 1000);
    ck_assert_int_eq(cuda_memory_record_stream(tensor, &side), 0);
    fake_queue(side.stream);
    tensor_release(tensor);
    long waits = cuda_wait_count();
    ck_assert_int_eq(cuda_memory_empty_cache(), 0);
    ck_assert_int_eq(cuda_wait_count(), waits + 1);
    assert_stat(stats_of(0).reserved_bytes, 0, 0);
    struct tensor *plain = tensor_from_data("", DTYPE_U8, INTS(1));
    ck_assert_int_eq(cuda_memory_record_stream(plain, &side), -1);
    ck_assert_int_eq(error_kind(), ERROR_NOT_IMPLEMENTED);
    tensor_release(plain);
}
END_TEST

START_TEST(a_release_sets_no_error_when_the_device_has_failed)
{
    fake_start();
    struct cuda_stream_info side;
    ck_assert_int_eq(cuda_stream_new(1, 0, &side), 0);
    cuda_use(0);
    struct tensor *tensor = tensor_on(0, 1000);
    ck_assert_int_eq(cuda_memory_record_stream(tensor, &side), 0);
    error_set(ERROR_VALUE, "mine");
    fake.status = 710;
    tensor_release(tensor);
    ck_assert_str_eq(error_message(), "mine");
    assert_stat(stats_of(0).active, 0, 0);
    fake.status = CUDA_OK;
}
END_TEST

/* --- when there is no more --- */

#define HINT                                                                                                       \
    "If reserved but unallocated memory is large try setting PYTORCH_ALLOC_CONF=expandable_segments:True to avoid " \
    "fragmentation.  See documentation for Memory Management  "                                                     \
    "(https://pytorch.org/docs/stable/notes/cuda.html#environment-variables)"

START_TEST(without_memory_the_figures_are_told)
{
    fake_start();
    void *held = take(700 * MIB), *part = take(MIB + 512);
    ck_assert_ptr_null(cuda_allocate(400 * MIB - 5));
    ck_assert_int_eq(error_kind(), ERROR_OUT_OF_MEMORY);
    ck_assert_str_eq(error_message(),
                     "CUDA out of memory. Tried to allocate 400.00 MiB. GPU 0 has a total capacity of 1024.00 MiB "
                     "of which 304.00 MiB is free. Of the allocated memory 701.00 MiB is allocated by PyTorch, "
                     "and 19.00 MiB is reserved by PyTorch but unallocated. " HINT);
    ck_assert_ptr_null(cuda_allocate(20 * GIB));
    ck_assert_ptr_nonnull(strstr(error_message(), "Tried to allocate 20.00 GiB. GPU 0 has"));
    ck_assert_int_eq(stats_of(0).num_ooms, 2);
    ck_assert_int_eq(stats_of(0).num_alloc_retries, 2);
    ck_assert_ptr_null(cuda_allocate(GIB * GIB + 1));
    ck_assert_int_eq(error_kind(), ERROR_OUT_OF_MEMORY);
    ck_assert_str_eq(error_message(), "CUDA out of memory. Tried to allocate more than 1EB memory.");
    cuda_release(held);
    cuda_release(part);
}
END_TEST

START_TEST(cached_segments_are_given_back_before_it_fails)
{
    fake_start();
    void *cached = take(600 * MIB), *held = take(600);
    cuda_release(cached);
    void *data = take(800 * MIB);
    struct cuda_memory_stats stats = stats_of(0);
    ck_assert_int_eq(stats.num_alloc_retries, 1);
    ck_assert_int_eq(stats.num_ooms, 0);
    assert_stat(stats.segment, 1, 1);
    cuda_release(data);
    cuda_release(held);
}
END_TEST

/* On a device of its own: there is no way back to no limit. */
START_TEST(a_fraction_of_the_memory_is_the_limit)
{
    fake_start();
    ck_assert_int_eq(cuda_memory_set_fraction(2, 0.5), 0);
    ck_assert_int_eq(cuda_use(2), 0);
    void *data = take(500 * MIB);
    ck_assert_ptr_null(cuda_allocate(20 * MIB));
    ck_assert_str_eq(error_message(),
                     "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 2 has a total capacity of 1024.00 MiB "
                     "of which 524.00 MiB is free. 512.00 MiB allowed; Of the allocated memory 500.00 MiB is "
                     "allocated by PyTorch, and 0 bytes is reserved by PyTorch but unallocated. " HINT);
    cuda_release(data);
    cuda_release(take(512 * MIB));
}
END_TEST

START_TEST(every_allocation_of_the_host_may_fail)
{
    fake_start();
    struct cuda_stream_info info;
    for (int round = 0; round < 2; round++) {
        int failed = 0;
        for (long n = 1;; n++) {
            mem_fail_at(n);
            void *data = cuda_allocate(3000);
            mem_fail_at(0);
            if (data) {
                cuda_release(data);
                break;
            }
            ck_assert_int_eq(error_kind(), ERROR_MEMORY);
            assert_stat(stats_of(0).allocated_bytes, 0, 0);
            failed++;
        }
        ck_assert_int_ge(failed, 2);
        enter_new_stream(&info);
    }
    struct cuda_memory_stats stats = stats_of(0);
    assert_stat(stats.inactive_split, 0, 0);
    ck_assert_int_eq(cuda_memory_empty_cache(), 0);
    ck_assert_uint_eq(fake.used[0], 0);
}
END_TEST

/* --- at random --- */

struct held {
    char *data;
    size_t bytes;
};

static void assert_apart(const struct held *blocks, int count)
{
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < i; k++) {
            if (blocks[i].data && blocks[k].data)
                ck_assert(blocks[i].data + blocks[i].bytes <= blocks[k].data ||
                          blocks[k].data + blocks[k].bytes <= blocks[i].data);
        }
    }
}

/* Work of the stream on the block is queued. */
static void use_on(const struct cuda_stream_info *info, void *data)
{
    struct storage storage = {.device = {DEVICE_CUDA, 0}, .data = data};
    struct tensor tensor = {.storage = &storage};
    cuda_memory_record_stream(&tensor, info);
    fake_queue(info->stream);
}

/* Allocates and releases at random; the blocks that are live at a time must not overlap. */
static void *churn(void *seed)
{
    struct held held[24] = {{NULL, 0}};
    unsigned state = *(unsigned *)seed;
    struct cuda_stream_info side;

    cuda_stream_new(0, 0, &side);
    for (int i = 0; i < 4000; i++) {
        state = state * 1664525 + 1013904223;
        struct held *slot = &held[(state >> 16) % 24];
        cuda_release(slot->data);
        slot->bytes = (state >> 8) % 7 ? (state >> 10) % 200000 : (state >> 10) % (30 * MIB);
        slot->data = cuda_allocate(slot->bytes);
        if (i % 3 == 0)
            use_on(&side, slot->data);
        if (i % 50 == 0) {
            assert_apart(held, 24);
            fake_run(side.stream);
        }
    }
    for (int i = 0; i < 24; i++)
        cuda_release(held[i].data);
    return NULL;
}

START_TEST(threads_share_the_memory)
{
    fake_start();
    pthread_t threads[3];
    unsigned seeds[3] = {1, 2, 3};
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, churn, &seeds[i]), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_stat(stats_of(0).allocation, 0, 0);
    ck_assert_int_eq(stats_of(0).reserved_bytes[0].current, (int64_t)fake.used[0]);
    ck_assert_int_eq(cuda_memory_empty_cache(), 0);
    struct cuda_memory_stats stats = stats_of(0);
    assert_stat(stats.active_bytes, 0, 0);
    assert_stat(stats.inactive_split, 0, 0);
    assert_stat(stats.inactive_split_bytes, 0, 0);
    ck_assert_int_eq(stats.requested_bytes[0].allocated, stats.requested_bytes[0].freed);
    ck_assert_uint_eq(fake.used[0], 0);
}
END_TEST

int main(void)
{
    unsetenv("MESALE_CUDA");
    TCase *cases = tcase_create("cuda_memory");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, sizes_are_rounded_and_segments_chosen);
    tcase_add_test(cases, of_nothing_it_is_a_block_and_null_may_be_released);
    tcase_add_test(cases, neighbours_join_when_they_are_free);
    tcase_add_test(cases, the_best_fitting_block_is_taken);
    tcase_add_test(cases, peaks_and_sums_are_kept_until_they_are_reset);
    tcase_add_test(cases, devices_have_memory_of_their_own);
    tcase_add_test(cases, a_released_block_is_for_its_stream_alone);
    tcase_add_test(cases, a_block_waits_for_the_streams_that_use_it);
    tcase_add_test(cases, a_block_waits_for_several_streams_and_for_those_of_other_devices);
    tcase_add_test(cases, emptying_the_cache_waits_for_recorded_streams);
    tcase_add_test(cases, a_release_sets_no_error_when_the_device_has_failed);
    tcase_add_test(cases, without_memory_the_figures_are_told);
    tcase_add_test(cases, cached_segments_are_given_back_before_it_fails);
    tcase_add_test(cases, a_fraction_of_the_memory_is_the_limit);
    tcase_add_test(cases, every_allocation_of_the_host_may_fail);
    tcase_add_test(cases, threads_share_the_memory);
    return run_suite("cuda_memory", cases);
}
