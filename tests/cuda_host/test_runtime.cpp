/* Streams, events, memory, errors. Each test is a process of its own, so that errors which are for good end with it. */
#include "testing.h"

static cudaStream_t free_stream(void)
{
    cudaStream_t stream;
    ck_assert_ok(cudaStreamCreateWithPriority(&stream, cudaStreamNonBlocking, 0));
    return stream;
}

/* --- streams and events --- */

static __global__ void append(int *list, int value)
{
    list[1 + list[0]++] = value;
}

static int *empty_list(void)
{
    int *list = device_array<int>(64);
    ck_assert_ok(cudaMemset(list, 0, 64 * sizeof(int)));
    ck_assert_ok(cudaDeviceSynchronize());
    return list;
}

static void add(int *list, int value, cudaStream_t stream)
{
    ck_assert_ok(launch(append, dim3(1), dim3(1), stream, list, value));
}

static void check_list(const int *list, std::vector<int> expected)
{
    ck_assert_ok(cudaDeviceSynchronize());
    auto values = fetch(list, 64);
    ck_assert_int_eq(values[0], (int)expected.size());
    for (size_t i = 0; i < expected.size(); i++) {
        ck_assert_int_eq(values[i + 1], expected[i]);
    }
}

START_TEST(work_runs_when_somebody_waits)
{
    int *list = empty_list(), *seen;
    ck_assert_ok(cudaHostAlloc((void **)&seen, sizeof *seen, cudaHostAllocDefault));
    *seen = 0;
    add(list, 1, nullptr);
    ck_assert_ok(cudaMemcpyAsync(seen, list, sizeof *seen, cudaMemcpyDeviceToHost));
    ck_assert_int_eq(*seen, 0);
    ck_assert_status(cudaStreamQuery(nullptr), cudaErrorNotReady);
    ck_assert_status(cudaGetLastError(), cudaErrorNotReady);
    ck_assert_int_eq(*seen, 0);
    ck_assert_ok(cudaStreamSynchronize(nullptr));
    ck_assert_int_eq(*seen, 1);
    ck_assert_ok(cudaStreamQuery(nullptr));
    ck_assert_ok(cudaFreeHost(seen));
}
END_TEST

START_TEST(copies_read_pageable_memory_now_and_pinned_memory_late)
{
    int pageable = 5, *pinned, *data = device_array<int>(2);
    ck_assert_ok(cudaMallocHost((void **)&pinned, sizeof *pinned));
    *pinned = 6;
    ck_assert_ok(cudaMemcpyAsync(data, &pageable, sizeof pageable, cudaMemcpyHostToDevice));
    ck_assert_ok(cudaMemcpyAsync(data + 1, pinned, sizeof *pinned, cudaMemcpyHostToDevice));
    pageable = 50;
    *pinned = 60;
    auto values = fetch(data, 2);
    ck_assert_int_eq(values[0], 5);
    ck_assert_int_eq(values[1], 60);
}
END_TEST

START_TEST(streams_are_independent_but_for_events)
{
    int *list = empty_list();
    cudaStream_t first = free_stream(), second = free_stream();
    add(list, 1, first);
    add(list, 2, second);
    check_list(list, {2, 1}); /* the newest first */

    cudaEvent_t event;
    ck_assert_ok(cudaEventCreate(&event));
    add(list, 3, first);
    ck_assert_ok(cudaEventRecord(event, first));
    add(list, 4, first);
    ck_assert_ok(cudaStreamWaitEvent(second, event));
    add(list, 5, second);
    ck_assert_status(cudaEventQuery(event), cudaErrorNotReady);
    ck_assert_ok(cudaStreamSynchronize(second));
    ck_assert_ok(cudaEventQuery(event));
    check_list(list, {2, 1, 3, 5, 4});
}
END_TEST

START_TEST(the_default_stream_waits_for_blocking_streams_and_they_for_it)
{
    int *list = empty_list();
    cudaStream_t blocking, apart = free_stream();
    ck_assert_ok(cudaStreamCreate(&blocking));
    add(list, 1, blocking);
    add(list, 2, apart);
    add(list, 3, nullptr);
    add(list, 4, blocking);
    ck_assert_ok(cudaStreamSynchronize(blocking));
    ck_assert_status(cudaStreamQuery(apart), cudaErrorNotReady);
    check_list(list, {1, 3, 4, 2});
}
END_TEST

START_TEST(events_tell_times)
{
    int *list = empty_list();
    float milliseconds = -1;
    cudaEvent_t start, end, quiet;
    ck_assert_ok(cudaEventCreate(&start));
    ck_assert_ok(cudaEventCreate(&end));
    ck_assert_ok(cudaEventCreateWithFlags(&quiet, cudaEventDisableTiming));
    ck_assert_status(cudaEventElapsedTime(&milliseconds, start, end), cudaErrorInvalidResourceHandle);
    ck_assert_ok(cudaEventRecord(start));
    add(list, 1, nullptr);
    ck_assert_ok(cudaEventRecord(end));
    ck_assert_ok(cudaEventRecord(quiet));
    ck_assert_status(cudaEventElapsedTime(&milliseconds, start, end), cudaErrorNotReady);
    ck_assert_ok(cudaEventSynchronize(end));
    ck_assert_ok(cudaEventElapsedTime(&milliseconds, start, end));
    ck_assert_float_ge(milliseconds, 0);
    ck_assert_status(cudaEventElapsedTime(&milliseconds, start, quiet), cudaErrorInvalidResourceHandle);
    ck_assert_ok(cudaEventDestroy(start));
    ck_assert_status(cudaEventRecord(start), cudaErrorInvalidResourceHandle);
}
END_TEST

START_TEST(queues_are_bounded_and_questions_come_to_an_end)
{
    setenv("CUDA_HOST_QUEUE", "10", 1);
    int *list = empty_list(), *seen, questions = 0;
    ck_assert_ok(cudaMallocHost((void **)&seen, 64 * sizeof *seen));
    ck_assert_ok(cudaMemcpyAsync(seen, list, sizeof *seen, cudaMemcpyDeviceToHost));
    seen[0] = 99;
    for (int i = 0; i < 10; i++) {
        add(list, i, nullptr);
    }
    ck_assert_int_eq(seen[0], 0);
    while (cudaStreamQuery(nullptr) == cudaErrorNotReady) {
        questions++;
    }
    ck_assert_int_eq(questions, 5); /* half of 11 ran when the queue was full */
}
END_TEST

START_TEST(work_of_libraries_keeps_its_place)
{
    int *list = empty_list();
    cudaStream_t stream = free_stream();
    add(list, 1, stream);
    cuda_host_enqueue(stream, 0, [list] { list[1 + list[0]++] = 7; });
    add(list, 2, stream);
    check_list(list, {1, 7, 2});
}
END_TEST

START_TEST(waiting_and_work_are_counted)
{
    int *list = empty_list(), value;
    long launches = cuda_host_launches(), waits = cuda_host_synchronizations(), allocations = cuda_host_allocations();
    add(list, 1, nullptr);
    ck_assert_int_eq(cuda_host_launches() - launches, 1);
    ck_assert_int_eq(cuda_host_synchronizations() - waits, 0);
    ck_assert_ok(cudaMemcpyAsync(&value, list, sizeof value, cudaMemcpyDeviceToHost));
    ck_assert_int_eq(cuda_host_synchronizations() - waits, 1);
    ck_assert_ok(cudaFree(device_array<char>(10)));
    ck_assert_int_eq(cuda_host_synchronizations() - waits, 2);
    ck_assert_int_eq(cuda_host_allocations() - allocations, 1);
}
END_TEST

/* --- memory --- */

START_TEST(fresh_memory_holds_nan_and_memory_is_counted)
{
    size_t before, after, total;
    ck_assert_ok(cudaMemGetInfo(&before, &total));
    ck_assert_uint_eq(before, total);
    float *data = device_array<float>(10000);
    ck_assert_uint_eq((uintptr_t)data % 512, 0);
    for (float value : fetch(data, 10000)) {
        ck_assert(value != value);
    }
    ck_assert_ok(cudaMemGetInfo(&after, &total));
    ck_assert_uint_eq(before - after, 40960);
    ck_assert_ok(cudaFree(data));
    ck_assert_ok(cudaMemGetInfo(&after, &total));
    ck_assert_uint_eq(after, before);
    ck_assert_ok(cudaFree(nullptr));
    ck_assert_status(cudaFree(data), cudaErrorInvalidValue);
}
END_TEST

START_TEST(memory_ends)
{
    setenv("CUDA_HOST_MEMORY", "1048576", 1);
    void *first, *second;
    ck_assert_ok(cudaMalloc(&first, 1000000));
    ck_assert_status(cudaMalloc(&second, 100000), cudaErrorMemoryAllocation);
    ck_assert_ptr_null(second);
    ck_assert_status(cudaGetLastError(), cudaErrorMemoryAllocation);
    ck_assert_ok(cudaGetLastError());
    for (int i = 0; i < 100; i++) { /* addresses come round */
        ck_assert_ok(cudaFree(first));
        ck_assert_ok(cudaMalloc(&first, 1000000 - 5000 * (size_t)i));
    }
}
END_TEST

START_TEST(freeing_waits_for_work)
{
    int *list = empty_list(), *seen;
    ck_assert_ok(cudaMallocHost((void **)&seen, sizeof *seen));
    add(list, 1, nullptr);
    ck_assert_ok(cudaMemcpyAsync(seen, list, sizeof *seen, cudaMemcpyDeviceToHost, nullptr));
    ck_assert_ok(cudaFree(list));
    ck_assert_int_eq(*seen, 1);
}
END_TEST

START_TEST(the_host_cannot_read_device_memory)
{
    int *list = empty_list();
    add(list, 1, nullptr);
    ck_assert_ok(cudaDeviceSynchronize());
    volatile int value = list[0];
    ck_abort_msg("read %d", value);
}
END_TEST

START_TEST(copies_check_their_sides)
{
    int value = 1, *data = device_array<int>(10);
    ck_assert_status(cudaMemcpyAsync(data, &value, 4, cudaMemcpyDeviceToDevice), cudaErrorInvalidMemcpyDirection);
    ck_assert_status(cudaMemcpyAsync(data, &value, 44, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
    ck_assert_status(cudaMemsetAsync(data + 8, 0, 12), cudaErrorInvalidValue);
    ck_assert_status(cudaMemsetAsync(&value, 0, 4), cudaErrorInvalidValue);
    ck_assert_ok(cudaMemcpy(data, &value, 4, cudaMemcpyDefault));
    ck_assert_int_eq(fetch_one(data), 1);
}
END_TEST

START_TEST(devices_have_memory_of_their_own)
{
    int can, *here = empty_list(), value;
    ck_assert_ok(cudaDeviceCanAccessPeer(&can, 0, 1));
    ck_assert_int_eq(can, 1);
    add(here, 9, nullptr);
    ck_assert_ok(cudaDeviceSynchronize());
    ck_assert_ok(cudaSetDevice(1));
    int *there = device_array<int>(64);
    ck_assert_ok(cudaMemcpyPeerAsync(there, 1, here, 0, 256));
    ck_assert_ok(cudaMemcpy(&value, there + 1, sizeof value, cudaMemcpyDeviceToHost));
    ck_assert_int_eq(value, 9);
    add(there, 8, nullptr);
    ck_assert_ok(cudaDeviceSynchronize());
    ck_assert_ok(cudaDeviceEnablePeerAccess(0, 0));
    add(here, 8, nullptr);
    ck_assert_ok(cudaDeviceSynchronize());
    cudaPointerAttributes attributes;
    ck_assert_ok(cudaPointerGetAttributes(&attributes, there));
    ck_assert_int_eq(attributes.type, cudaMemoryTypeDevice);
    ck_assert_int_eq(attributes.device, 1);
    ck_assert_status(cudaSetDevice(2), cudaErrorInvalidDevice);
}
END_TEST

/* --- errors --- */

static __global__ void check_index(const int *index, int size)
{
    assert(index[threadIdx.x] < size && "index out of bounds");
    __syncthreads();
}

START_TEST(assertions_surface_late_and_for_good)
{
    int *index = device_array<int>(32), value;
    hush();
    /* fresh memory: out of bounds */
    ck_assert_ok(launch(check_index, dim3(1), dim3(32), nullptr, (const int *)index, 10));
    ck_assert_ok(cudaGetLastError());
    ck_assert_status(cudaStreamSynchronize(nullptr), cudaErrorAssert);
    ck_assert_status(cudaGetLastError(), cudaErrorAssert);
    ck_assert_status(cudaGetLastError(), cudaErrorAssert);
    ck_assert_status(cudaMemcpy(&value, index, 4, cudaMemcpyDeviceToHost), cudaErrorAssert);
    ck_assert_str_eq(cudaGetErrorString(cudaErrorAssert), "device-side assert triggered");
    cuda_host_reset();
    ck_assert_ok(cudaMemset(index, 0, 32 * sizeof *index));
    ck_assert_ok(launch(check_index, dim3(1), dim3(32), nullptr, (const int *)index, 10));
    ck_assert_ok(cudaDeviceSynchronize());
}
END_TEST

static void check_illegal(int *list)
{
    hush();
    add(list, 1, nullptr);
    ck_assert_status(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
    ck_assert_status(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
    cuda_host_reset();
    ck_assert_ok(cudaSetDevice(0));
    int *good = empty_list();
    add(good, 1, nullptr);
    check_list(good, {1});
}

START_TEST(freed_memory_is_illegal)
{
    int *list = empty_list();
    ck_assert_ok(cudaFree(list));
    check_illegal(list);
}
END_TEST

START_TEST(memory_beyond_its_end_is_illegal)
{
    check_illegal(device_array<int>(1024) + 1024);
#ifdef CUDA_HOST_CHECKED
    check_illegal(device_array<int>(10) + 8); /* list[2] */
#endif
}
END_TEST

START_TEST(host_memory_is_illegal_unless_pinned)
{
    static int in_program[64];
    int *pinned;
    ck_assert_ok(cudaMallocHost((void **)&pinned, 64 * sizeof *pinned));
    memset(pinned, 0, 64 * sizeof *pinned);
    add(pinned, 1, nullptr);
    ck_assert_ok(cudaDeviceSynchronize());
    ck_assert_int_eq(pinned[0], 1);
    add(in_program, 1, nullptr); /* where shared and constant memory are, too: not seen */
    ck_assert_ok(cudaDeviceSynchronize());
#ifdef CUDA_HOST_CHECKED
    int on_stack[64] = {0};
    check_illegal(on_stack);
    std::vector<int> on_heap(64);
    check_illegal(on_heap.data());
#endif
}
END_TEST

START_TEST(addresses_must_be_aligned)
{
    char *data = device_array<char>(256);
    hush();
#ifdef CUDA_HOST_CHECKED
    add((int *)(data + 2), 1, nullptr);
    ck_assert_status(cudaDeviceSynchronize(), cudaErrorMisalignedAddress);
#endif
    ck_assert_uint_eq((uintptr_t)data % 256, 0);
}
END_TEST

START_TEST(memory_of_another_device_is_illegal)
{
    int *list = empty_list();
    ck_assert_ok(cudaSetDevice(1));
    check_illegal(list);
}
END_TEST

static __global__ void recurse(int *out, int depth)
{
    volatile char much[1 << 16];
    much[depth % 100] = 1;
    if (depth > 0) {
        recurse(out, depth - 1);
    }
    out[0] = much[depth % 100];
}

START_TEST(a_full_stack_is_illegal)
{
    int *out = device_array<int>(1);
    hush();
    ck_assert_ok(launch(recurse, dim3(1), dim3(1), nullptr, out, 100));
    ck_assert_status(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
}
END_TEST

START_TEST(launches_are_checked_at_once_and_not_for_good)
{
    int *list = empty_list();
    ck_assert_status(launch(append, dim3(1), dim3(1025), nullptr, list, 1), cudaErrorInvalidConfiguration);
    ck_assert_status(launch(append, dim3(0), dim3(1), nullptr, list, 1), cudaErrorInvalidConfiguration);
    ck_assert_status(launch(append, dim3(1, 70000), dim3(1), nullptr, list, 1), cudaErrorInvalidConfiguration);
    ck_assert_status(cudaGetLastError(), cudaErrorInvalidConfiguration);
    ck_assert_ok(cudaGetLastError());
    cudaStream_t stream = free_stream();
    ck_assert_ok(cudaSetDevice(1));
    ck_assert_status(launch(append, dim3(1), dim3(1), stream, list, 1), cudaErrorInvalidResourceHandle);
    ck_assert_ok(cudaStreamDestroy(stream));
    ck_assert_status(cudaStreamSynchronize(stream), cudaErrorInvalidResourceHandle);
    ck_assert_ok(cudaSetDevice(0));
    check_list(list, {});
}
END_TEST

START_TEST(signal_handlers_are_put_back)
{
    struct sigaction before, after;
    sigaction(SIGSEGV, nullptr, &before);
    check_list(empty_list(), {});
    sigaction(SIGSEGV, nullptr, &after);
    ck_assert_ptr_eq((void *)before.sa_handler, (void *)after.sa_handler);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("runtime");
    add_tests(cases, {work_runs_when_somebody_waits, copies_read_pageable_memory_now_and_pinned_memory_late,
                      streams_are_independent_but_for_events,
                      the_default_stream_waits_for_blocking_streams_and_they_for_it, events_tell_times,
                      queues_are_bounded_and_questions_come_to_an_end, work_of_libraries_keeps_its_place,
                      waiting_and_work_are_counted, fresh_memory_holds_nan_and_memory_is_counted, memory_ends,
                      freeing_waits_for_work, copies_check_their_sides, devices_have_memory_of_their_own,
                      assertions_surface_late_and_for_good, freed_memory_is_illegal, memory_beyond_its_end_is_illegal,
                      host_memory_is_illegal_unless_pinned, addresses_must_be_aligned,
                      memory_of_another_device_is_illegal, a_full_stack_is_illegal,
                      launches_are_checked_at_once_and_not_for_good, signal_handlers_are_put_back});
    tcase_add_test_raise_signal(cases, the_host_cannot_read_device_memory, SIGSEGV);
    return run_suite("cuda_host runtime", cases);
}
