#include <check.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_cuda.h"
#include "suite.h"

static const char fork_text[] = "Cannot re-initialize CUDA in forked subprocess. To use CUDA with multiprocessing, "
                                "you must use the 'spawn' start method";

/* The first test: the others open the fake. */
START_TEST(without_a_plug_in_it_is_said_in_words)
{
    ck_assert_int_eq(cuda_device_count(), 0);
    ck_assert(!cuda_is_initialized());
    ck_assert(!cuda_is_bad_fork());
    ck_assert_int_eq(cuda_device_current(), 0);
    ck_assert_int_eq(cuda_initialize(), -1);
    ck_assert_int_eq(error_kind(), ERROR_ASSERTION);
    ck_assert_str_eq(error_message(), "Torch not compiled with CUDA enabled");
    ck_assert_ptr_null(cuda_device_properties(0));
    struct cuda_stream_info info;
    struct cuda_memory_stats stats;
    ck_assert_int_eq(cuda_stream_new(0, 0, &info), -1);
    ck_assert_int_eq(cuda_stream_current(-1, &info), -1);
    ck_assert_int_eq(cuda_memory_stats(-1, &stats), -1);
    ck_assert_int_eq(cuda_device_synchronize(-1), -1);
    ck_assert_int_eq(cuda_memory_empty_cache(), 0);
    ck_assert_ptr_null(cuda_allocate(8));
    cuda_release(NULL);
    struct tensor *tensor = tensor_from_data("ab", DTYPE_U8, INTS(2));
    ck_assert(!cuda_is_pinned(tensor));
    ck_assert_ptr_null(cuda_pin(tensor));
    ck_assert_int_eq(error_kind(), ERROR_RUNTIME);
    ck_assert_str_eq(error_message(), "Cannot access accelerator device when none is available.");
    tensor_release(tensor);
}
END_TEST

/* --- devices --- */

START_TEST(asking_how_many_there_are_is_no_use)
{
    cuda_open_with(&fake_plugin);
    ck_assert_int_eq(cuda_device_count(), FAKE_DEVICES);
    ck_assert(!cuda_is_initialized());
    ck_assert_int_eq(cuda_initialize(), 0);
    ck_assert(cuda_is_initialized());
}
END_TEST

START_TEST(a_device_that_is_not_there_is_refused)
{
    fake_start();
    const int bad[] = {FAKE_DEVICES, 7, -2, 1000};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        error_clear();
        ck_assert_int_eq(cuda_device_set(bad[i]), -1);
        ck_assert_int_eq(error_kind(), ERROR_ACCELERATOR);
        ck_assert_ptr_nonnull(strstr(error_message(), "CUDA error: invalid device ordinal\n"));
        ck_assert_int_eq(cuda_device_index(bad[i]), -1);
        ck_assert_int_eq(cuda_use(bad[i]), -1);
        ck_assert_ptr_null(cuda_device_properties(bad[i]));
    }
    ck_assert_int_eq(cuda_device_current(), 0);
}
END_TEST

START_TEST(what_is_chosen_stays_when_work_goes_elsewhere)
{
    fake_start();
    ck_assert_int_eq(cuda_device_set(1), 0);
    ck_assert_int_eq(cuda_device_current(), 1);
    ck_assert_int_eq(cuda_device_set(-1), 1);
    ck_assert_int_eq(cuda_use(2), 0);
    ck_assert_int_eq(fake_device, 2);
    ck_assert_int_eq(cuda_used(), 2);
    ck_assert_int_eq(cuda_device_current(), 1);
    ck_assert_int_eq(cuda_device_index(-1), 1);
    ck_assert_int_eq(cuda_use(-1), 0);
    ck_assert_int_eq(fake_device, 1);
    long switches = fake.device_switches;
    ck_assert_int_eq(cuda_use(1), 0);
    ck_assert_int_eq(fake.device_switches, switches);
    ck_assert_int_eq(cuda_switch(cuda_switch(0)), 0);
    ck_assert_int_eq(fake_device, 1);
}
END_TEST

static void *look_at_another_thread(void *unused)
{
    struct cuda_stream_info info;
    (void)unused;

    int device = cuda_device_current(), before = cuda_device_set(2);
    if (device != 0 || before != 0 || cuda_stream_current(1, &info) || info.id != 0)
        return "the other thread's choice is seen";
    return NULL;
}

START_TEST(each_thread_has_its_device_and_streams)
{
    fake_start();
    struct cuda_stream_info info;
    pthread_t thread;
    void *failure;
    ck_assert_int_eq(cuda_device_set(1), 0);
    ck_assert_int_eq(cuda_stream_new(1, 0, &info), 0);
    ck_assert_int_eq(cuda_stream_set(&info), 0);
    pthread_create(&thread, NULL, look_at_another_thread, NULL);
    pthread_join(thread, &failure);
    ck_assert_ptr_null(failure);
    ck_assert_int_eq(cuda_device_current(), 1);
    ck_assert_ptr_eq(cuda_stream_of(1), info.stream);
}
END_TEST

START_TEST(properties_are_read_once)
{
    fake_start();
    const struct cuda_properties *properties = cuda_device_properties(1);
    ck_assert_str_eq(properties->name, "Fake");
    ck_assert_int_eq(properties->pci_bus_id, 201);
    ck_assert_ptr_eq(cuda_device_properties(1), properties);
    cuda_device_set(1);
    ck_assert_ptr_eq(cuda_device_properties(-1), properties);
}
END_TEST

START_TEST(waiting_is_counted)
{
    fake_start();
    struct cuda_stream_info info;
    cuda_event event;
    ck_assert_int_eq(cuda_stream_current(-1, &info), 0);
    ck_assert_int_eq(cuda_event_new(-1, true, false, false, &event), 0);
    long before = cuda_wait_count();
    ck_assert_int_eq(cuda_device_synchronize(1), 0);
    ck_assert_int_eq(cuda_stream_synchronize(&info), 0);
    ck_assert_int_eq(cuda_event_wait(event), 0);
    cuda_count_wait();
    ck_assert_int_eq(cuda_wait_count(), before + 4);
    ck_assert_int_eq(cuda_stream_done(&info), 1);
    ck_assert_int_eq(cuda_event_done(event), 1);
    ck_assert_int_eq(cuda_wait_count(), before + 4);
    cuda_event_delete(0, event);
}
END_TEST

/* --- streams and events --- */

START_TEST(streams_are_handed_out_in_turn)
{
    fake_start();
    struct cuda_stream_info first, info;
    ck_assert_int_eq(cuda_stream_new(2, -1, &first), 0);
    ck_assert_int_eq(first.id, 5);
    ck_assert_int_eq(first.device, 2);
    ck_assert_int_eq(first.priority, -1);
    ck_assert_int_eq(((struct fake_stream *)first.stream)->priority, -1);
    ck_assert_int_eq(((struct fake_stream *)first.stream)->device, 2);
    for (int i = 1; i < 32; i++) {
        /* the device has two priorities: the nearest is taken */
        ck_assert_int_eq(cuda_stream_new(2, -1 - i, &info), 0);
        ck_assert_int_eq(info.id, 5 + 32 * i);
        ck_assert_ptr_ne(info.stream, first.stream);
    }
    ck_assert_int_eq(cuda_stream_new(2, -1, &info), 0);
    ck_assert_int_eq(info.id, first.id);
    ck_assert_ptr_eq(info.stream, first.stream);
    ck_assert_int_eq(cuda_stream_new(2, 0, &info), 0);
    ck_assert_int_eq(info.id % 32, 3);
    ck_assert_int_eq(cuda_stream_new(0, -9, &info), 0);
    ck_assert_int_eq(info.priority, -3);
    ck_assert_int_eq(info.id % 32, 9);
    ck_assert_int_eq(cuda_stream_new(0, 1, &info), -1);
    ck_assert_str_eq(error_message(), "Expected cuda stream priority to be less than or equal to 0, got 1");
    ck_assert_int_eq(cuda_stream_new(5, 0, &info), -1);
    ck_assert_int_eq(error_kind(), ERROR_ACCELERATOR);
}
END_TEST

START_TEST(a_stream_is_found_by_its_id)
{
    fake_start();
    struct cuda_stream_info made, found;
    ck_assert_int_eq(cuda_stream_new(1, -2, &made), 0);
    ck_assert_int_eq(cuda_stream_find(made.id, 1, &found), 0);
    ck_assert_int_eq(memcmp(&made, &found, sizeof made), 0);
    ck_assert_int_eq(cuda_stream_find(0, 1, &found), 0);
    ck_assert_ptr_null(found.stream);
    const int64_t bad[] = {1, 2, 4, made.id + 31 * 32, 11, 13, INT64_MAX, INT64_MIN, -1};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        found = (struct cuda_stream_info){.id = bad[i], .device = 1};
        ck_assert_int_eq(cuda_stream_find(bad[i], 1, &made), -1);
        ck_assert_int_eq(error_kind(), ERROR_RUNTIME);
        ck_assert_int_eq(cuda_stream_set(&found), -1);
    }
}
END_TEST

START_TEST(a_current_stream_takes_the_work)
{
    fake_start();
    struct cuda_stream_info made, info;
    cuda_stream stream;
    ck_assert_int_eq(cuda_stream_new(1, 0, &made), 0);
    ck_assert_int_eq(cuda_stream_set(&made), 0);
    ck_assert_int_eq(cuda_device_current(), 0);
    ck_assert_int_eq(cuda_stream_current(1, &info), 0);
    ck_assert_int_eq(info.id, made.id);
    ck_assert_int_eq(cuda_stream_current(-1, &info), 0);
    ck_assert_int_eq(info.id, 0);
    struct storage storage = {.device = {DEVICE_CUDA, 1}};
    struct tensor tensor = {.storage = &storage};
    ck_assert_int_eq(cuda_enter(&tensor, &stream), 0);
    ck_assert_ptr_eq(stream, made.stream);
    ck_assert_int_eq(fake_device, 1);
    storage.device.index = 0;
    ck_assert_int_eq(cuda_enter(&tensor, &stream), 0);
    ck_assert_ptr_null(stream);
}
END_TEST

START_TEST(events_tell_what_is_done)
{
    fake_start();
    struct cuda_stream_info info;
    cuda_event start, end;
    float milliseconds;
    ck_assert_int_eq(cuda_stream_new(0, 0, &info), 0);
    ck_assert_int_eq(cuda_event_new(0, true, false, false, &start), 0);
    ck_assert_int_eq(cuda_event_new(0, true, false, false, &end), 0);
    ck_assert_int_eq(cuda_event_record_on(start, &info), 0);
    fake_queue(info.stream);
    ck_assert_int_eq(cuda_event_record_on(end, &info), 0);
    ck_assert_int_eq(cuda_stream_done(&info), 0);
    ck_assert_int_eq(cuda_event_done(start), 1);
    ck_assert_int_eq(cuda_event_done(end), 0);
    ck_assert_int_eq(cuda_event_elapsed(start, end, &milliseconds), -1);
    ck_assert_ptr_nonnull(strstr(error_message(), "device not ready"));
    ck_assert_int_eq(cuda_stream_wait_event(&info, end), 0);
    ck_assert_int_eq(cuda_event_wait(end), 0);
    ck_assert_int_eq(cuda_event_elapsed(start, end, &milliseconds), 0);
    ck_assert(milliseconds == 1);
    ck_assert_int_eq(cuda_stream_synchronize(&info), 0);
    ck_assert_int_eq(cuda_stream_done(&info), 1);
    fake.status = 710;
    ck_assert_int_eq(cuda_event_done(end), -1);
    ck_assert_int_eq(cuda_stream_done(&info), -1);
    fake.status = CUDA_OK;
    cuda_use(1);
    cuda_event_delete(0, start);
    cuda_event_delete(0, end);
    cuda_event_delete(0, NULL);
    ck_assert_int_eq(cuda_used(), 1);
}
END_TEST

/* --- pinned memory --- */

static struct tensor *bytes_of(const char *text)
{
    return tensor_from_data(text, DTYPE_U8, INTS((int64_t)strlen(text)));
}

/* The release of memory that another owner frees. */
static void keep(void *owner)
{
    (void)owner;
}

START_TEST(a_pinned_copy_is_a_tensor_of_the_host)
{
    fake_start();
    struct tensor *tensor = bytes_of("abcdef"), *nothing = bytes_of("");
    struct tensor *view = tensor_alias(tensor, 2, (int64_t[]){3, 2}, (int64_t[]){1, 3}, 0);
    struct tensor *pinned = cuda_pin(view), *again = cuda_pin(pinned), *empty = cuda_pin(nothing);
    ck_assert(cuda_is_pinned(pinned));
    ck_assert(!cuda_is_pinned(view));
    ck_assert_ptr_eq(again, pinned);
    ck_assert_int_eq(memcmp(tensor_data(pinned), "abcdef", 6), 0);
    ck_assert_int_eq(tensor_strides(pinned)[0], 1);
    ck_assert_int_eq(tensor_strides(pinned)[1], 3);
    struct tensor *second = tensor_alias(pinned, 1, (int64_t[]){1}, (int64_t[]){1}, 5);
    ck_assert(cuda_is_pinned(second));
    struct storage *storage = storage_wrap((char *)tensor_data(pinned) + 2, 4, keep, NULL);
    struct tensor *foreign = tensor_over(storage, DTYPE_U8, 1, (int64_t[]){4}, (int64_t[]){1}, 0);
    ck_assert(cuda_is_pinned(foreign));
    ck_assert_int_eq(tensor_numel(empty), 0);
    struct tensor *all[] = {tensor, nothing, view, pinned, again, empty, second};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        tensor_release(all[i]);
    tensor_release(foreign);
    storage_release(storage);
}
END_TEST

START_TEST(a_gpu_tensor_cannot_be_pinned)
{
    fake_start();
    struct storage storage = {.device = {DEVICE_CUDA, 0}};
    struct tensor tensor = {.storage = &storage, .dtype = DTYPE_F32};
    ck_assert_ptr_null(cuda_pin(&tensor));
    ck_assert_str_eq(error_message(), "cannot pin 'torch.cuda.FloatTensor' only dense CPU tensors can be pinned");
    ck_assert(!cuda_is_pinned(&tensor));
}
END_TEST

START_TEST(pinned_memory_is_used_again_after_its_copies)
{
    fake_start();
    struct tensor *tensor = bytes_of("abc"), *pinned = cuda_pin(tensor);
    char *host = tensor_data(pinned);
    tensor_release(pinned);
    pinned = cuda_pin(tensor);
    ck_assert_ptr_eq(tensor_data(pinned), host);
    ck_assert_int_eq(cuda_pinned_used(tensor_data(tensor), 0, NULL), 0);
    for (int i = 0; i < 3; i++) {
        fake_queue(&fake.defaults[0]);
        ck_assert_int_eq(cuda_pinned_used(host + 1, 0, NULL), 0);
    }
    fake_queue(&fake.defaults[1]);
    ck_assert_int_eq(cuda_pinned_used(host, 1, NULL), 0);
    tensor_release(pinned);
    struct tensor *other = cuda_pin(tensor);
    ck_assert_ptr_ne(tensor_data(other), host);
    fake_run(&fake.defaults[0]);
    struct tensor *third = cuda_pin(tensor);
    ck_assert_ptr_ne(tensor_data(third), host);
    fake_run(&fake.defaults[1]);
    fake_queue(&fake.defaults[1]);
    pinned = cuda_pin(tensor);
    ck_assert_ptr_eq(tensor_data(pinned), host);
    struct tensor *all[] = {tensor, pinned, other, third};
    for (size_t i = 0; i < 4; i++)
        tensor_release(all[i]);
}
END_TEST

START_TEST(without_pinned_memory_what_is_released_goes_first)
{
    fake_start();
    struct tensor *large = tensor_new(DTYPE_U8, (struct device){DEVICE_CPU, -1}, 1, (int64_t[]){1 << 20});
    struct tensor *small = bytes_of("abc"), *pinned = cuda_pin(small);
    memset(tensor_data(large), 1, 1 << 20);
    tensor_release(pinned);
    fake.host_room = 1000; /* until something is given back */
    pinned = cuda_pin(large);
    ck_assert_ptr_nonnull(pinned);
    ck_assert_int_eq(fake.host_blocks, 1);
    fake.host_room = 1000;
    ck_assert_ptr_null(cuda_pin(large));
    ck_assert_int_eq(error_kind(), ERROR_ACCELERATOR);
    fake.host_room = SIZE_MAX;
    tensor_release(pinned);
    tensor_release(small);
    tensor_release(large);
}
END_TEST

START_TEST(pinning_may_fail_at_every_allocation)
{
    fake_start();
    struct tensor *tensor = bytes_of("abc"), *pinned = NULL;
    for (long n = 1; !pinned; n++) {
        mem_fail_at(n);
        pinned = cuda_pin(tensor);
        int used = pinned ? cuda_pinned_used(tensor_data(pinned), 0, NULL) : 0;
        mem_fail_at(0);
        if (pinned && used)
            tensor_clear(&pinned);
    }
    ck_assert_int_eq(memcmp(tensor_data(pinned), "abc", 3), 0);
    tensor_release(pinned);
    tensor_release(tensor);
}
END_TEST

/* --- children --- */

/* What a child of fork sees: 0, or the line that was not as it should be. */
static int look_from_child(struct tensor *pinned, void *data, cuda_event event)
{
    struct cuda_stream_info info;
    struct cuda_memory_stats stats;
    long switches = fake.device_switches;

    if (!cuda_is_bad_fork() || cuda_is_initialized() || cuda_device_count() != FAKE_DEVICES)
        return __LINE__;
    if (cuda_initialize() != -1 || error_kind() != ERROR_RUNTIME || strcmp(error_message(), fork_text) != 0)
        return __LINE__;
    error_clear();
    if (cuda_allocate(8) || strcmp(error_message(), fork_text) != 0)
        return __LINE__;
    if (cuda_use(0) != -1 || cuda_stream_new(0, 0, &info) != -1 || cuda_memory_stats(0, &stats) != -1)
        return __LINE__;
    error_clear();
    if (cuda_pin(pinned) || strcmp(error_message(), fork_text) != 0 || cuda_event_wait(event) != -1)
        return __LINE__;
    cuda_release(data);
    tensor_release(pinned);
    cuda_event_delete(0, event);
    if (cuda_memory_empty_cache() != 0 || fake.device_switches != switches)
        return __LINE__;
    return 0;
}

START_TEST(a_child_of_fork_is_told_and_may_release)
{
    fake_start();
    struct tensor *tensor = bytes_of("abc"), *pinned = cuda_pin(tensor);
    void *data = cuda_allocate(1000);
    cuda_event event;
    int status;
    ck_assert_int_eq(cuda_event_new(0, false, false, false, &event), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(look_from_child(pinned, data, event) % 255);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    ck_assert(!cuda_is_bad_fork());
    cuda_release(data);
    cuda_event_delete(0, event);
    tensor_release(pinned);
    tensor_release(tensor);
}
END_TEST

int main(void)
{
    unsetenv("MESALE_CUDA");
    TCase *cases = tcase_create("cuda_device");
    tcase_add_test(cases, without_a_plug_in_it_is_said_in_words);
    tcase_add_test(cases, asking_how_many_there_are_is_no_use);
    tcase_add_test(cases, a_device_that_is_not_there_is_refused);
    tcase_add_test(cases, what_is_chosen_stays_when_work_goes_elsewhere);
    tcase_add_test(cases, each_thread_has_its_device_and_streams);
    tcase_add_test(cases, properties_are_read_once);
    tcase_add_test(cases, waiting_is_counted);
    tcase_add_test(cases, streams_are_handed_out_in_turn);
    tcase_add_test(cases, a_stream_is_found_by_its_id);
    tcase_add_test(cases, a_current_stream_takes_the_work);
    tcase_add_test(cases, events_tell_what_is_done);
    tcase_add_test(cases, a_pinned_copy_is_a_tensor_of_the_host);
    tcase_add_test(cases, a_gpu_tensor_cannot_be_pinned);
    tcase_add_test(cases, pinned_memory_is_used_again_after_its_copies);
    tcase_add_test(cases, without_pinned_memory_what_is_released_goes_first);
    tcase_add_test(cases, pinning_may_fail_at_every_allocation);
    tcase_add_test(cases, a_child_of_fork_is_told_and_may_release);
    return run_suite("cuda_device", cases);
}
