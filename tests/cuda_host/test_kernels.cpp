/* What kernels use: threads, barriers, warps, atomics, mathematics. Each test is a process of its own. */
#include "testing.h"

#define ALL 0xffffffffu

static __global__ void write_indices(unsigned *out)
{
    unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
    unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
    unsigned place = block * blockDim.x * blockDim.y * blockDim.z + thread;
    out[place] = place + 1;
}

START_TEST(every_thread_of_every_block_runs_once)
{
    unsigned count = 3 * 2 * 2 * 5 * 4 * 3;
    unsigned *out = device_array<unsigned>(count);
    ck_assert_ok(launch(write_indices, dim3(3, 2, 2), dim3(5, 4, 3), nullptr, out));
    auto values = fetch(out, count);
    for (unsigned i = 0; i < count; i++) {
        ck_assert_uint_eq(values[i], i + 1);
    }
}
END_TEST

/* Each thread reads what others wrote, in every round. */
template <int threads> static __global__ void rotate(int *out, int rounds)
{
    __shared__ int shared[threads];
    int self = (int)threadIdx.x;
    shared[self] = self;
    for (int i = 0; i < rounds; i++) {
        __syncthreads();
        int next = shared[(self + 1) % threads];
        __syncthreads();
        shared[self] = next;
    }
    out[blockIdx.x * threads + threadIdx.x] = shared[self];
}

START_TEST(barriers_order_shared_memory)
{
    int *out = device_array<int>(3 * 1000);
    ck_assert_ok(launch(rotate<1000>, dim3(3), dim3(1000), nullptr, out, 7));
    auto values = fetch(out, 3 * 1000);
    for (int i = 0; i < 3000; i++) {
        ck_assert_int_eq(values[i], (i % 1000 + 7) % 1000);
    }
}
END_TEST

template <int threads> static __global__ void read_shared(unsigned *out, int beyond)
{
    __shared__ unsigned shared[threads];
    out[threadIdx.x] = shared[threadIdx.x + beyond];
    __syncthreads();
    shared[threadIdx.x] = 1;
}

START_TEST(shared_memory_is_fresh_in_every_block_and_ends)
{
    unsigned *out = device_array<unsigned>(33);
    ck_assert_ok(launch(read_shared<33>, dim3(2), dim3(33), nullptr, out, 0));
    for (unsigned value : fetch(out, 33)) {
        ck_assert_uint_eq(value, 0x7fff7fff);
    }
#ifdef CUDA_HOST_CHECKED
    hush();
    ck_assert_ok(launch(read_shared<33>, dim3(2), dim3(33), nullptr, out, 1));
    ck_assert_status(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
#endif
}
END_TEST

static __global__ void leave_early(int *out)
{
    if (threadIdx.x >= 40) {
        return;
    }
    int before = __syncthreads_count(threadIdx.x % 2);
    bool all = __syncthreads_and(1), any = __syncthreads_or(threadIdx.x == 3);
    out[threadIdx.x] = before + 1000 * all + 2000 * any;
}

START_TEST(barriers_do_not_wait_for_threads_that_ended)
{
    int *out = device_array<int>(40);
    ck_assert_ok(launch(leave_early, dim3(1), dim3(70), nullptr, out));
    for (int value : fetch(out, 40)) {
        ck_assert_int_eq(value, 3020);
    }
}
END_TEST

static __global__ void sum_warps(const double *in, double *out)
{
    double sum = in[blockIdx.x * blockDim.x + threadIdx.x];
    for (int step = 16; step > 0; step /= 2) {
        sum += __shfl_down_sync(ALL, sum, step);
    }
    if (threadIdx.x % 32 == 0) {
        atomicAdd(out, sum);
    }
}

START_TEST(warps_and_atomics_add_across_blocks)
{
    size_t count = 50 * 256;
    std::vector<double> host(count);
    for (size_t i = 0; i < count; i++) {
        host[i] = (double)i;
    }
    double *in = device_array<double>(count), *out = device_array<double>(1);
    ck_assert_ok(cudaMemcpyAsync(in, host.data(), count * 8, cudaMemcpyHostToDevice));
    ck_assert_ok(cudaMemsetAsync(out, 0, 8));
    ck_assert_ok(launch(sum_warps, dim3(50), dim3(256), nullptr, (const double *)in, out));
    ck_assert_double_eq(fetch_one(out), (double)count * (double)(count - 1) / 2);
}
END_TEST

static __global__ void warp_functions(int *out)
{
    int lane = (int)threadIdx.x % 32, *mine = out + threadIdx.x * 8;
    mine[0] = __shfl_sync(ALL, lane, 5);
    mine[1] = __shfl_up_sync(ALL, lane, 3);
    mine[2] = __shfl_xor_sync(ALL, lane, 9);
    mine[3] = __shfl_sync(ALL, lane, 1, 8);
    mine[4] = (int)__ballot_sync(ALL, lane % 3 == 0);
    mine[5] = __any_sync(ALL, lane == 31) + 2 * __all_sync(ALL, lane < 31);
    mine[6] = (int)(__shfl_down_sync(ALL, (unsigned long long)lane << 40, 2, 16) >> 40);
    __syncwarp();
    mine[7] = lane < 8 ? __shfl_xor_sync(0xff, lane, 1) : __shfl_xor_sync(0xffffff00, lane, 1);
}

START_TEST(warp_functions_give_what_cuda_gives)
{
    int *out = device_array<int>(64 * 8);
    ck_assert_ok(launch(warp_functions, dim3(1), dim3(64), nullptr, out));
    auto values = fetch(out, 64 * 8);
    for (int i = 0; i < 64; i++) {
        int lane = i % 32, *mine = &values[i * 8];
        ck_assert_int_eq(mine[0], 5);
        ck_assert_int_eq(mine[1], lane < 3 ? lane : lane - 3);
        ck_assert_int_eq(mine[2], lane ^ 9);
        ck_assert_int_eq(mine[3], lane / 8 * 8 + 1);
        ck_assert_int_eq(mine[4], 0x49249249);
        ck_assert_int_eq(mine[5], 1);
        ck_assert_int_eq(mine[6], lane % 16 >= 14 ? lane : lane + 2);
        ck_assert_int_eq(mine[7], lane ^ 1);
    }
}
END_TEST

static __global__ void shuffle_with_some(unsigned *out)
{
    if (threadIdx.x < 8) {
        out[threadIdx.x] = __shfl_down_sync(ALL, threadIdx.x, 4);
        out[threadIdx.x + 8] = __ballot_sync(ALL, 1);
    }
}

START_TEST(lanes_that_ended_bring_nothing_of_use)
{
    unsigned *out = device_array<unsigned>(16);
    ck_assert_ok(launch(shuffle_with_some, dim3(1), dim3(20), nullptr, out));
    auto values = fetch(out, 16);
    for (unsigned i = 0; i < 8; i++) {
        ck_assert_uint_eq(values[i], i < 4 ? i + 4 : 0x7fff7fff);
        ck_assert_uint_eq(values[i + 8], 0xff);
    }
}
END_TEST

static __global__ void barrier_of_some()
{
    if (threadIdx.x < 16) {
        __syncthreads();
    } else {
        __syncthreads();
    }
}

static __global__ void barrier_and_shuffle(int *out)
{
    if (threadIdx.x < 16) {
        __syncthreads();
    } else {
        *out = __shfl_sync(ALL, 1, 0);
    }
}

static __global__ void mask_without_self(int *out)
{
    *out = __shfl_sync(2, 1, 0);
}

/* Aborts, which the tests that call it expect. */
template <class... Params, class... Args> static void run_bad(void (*kernel)(Params...), Args... args)
{
    hush();
    launch(kernel, dim3(1), dim3(32), nullptr, args...);
    cudaDeviceSynchronize();
}

START_TEST(different_barriers_abort)
{
    run_bad(barrier_of_some);
}
END_TEST

START_TEST(threads_that_never_come_abort)
{
    run_bad(barrier_and_shuffle, device_array<int>(1));
}
END_TEST

START_TEST(a_mask_without_its_caller_aborts)
{
    run_bad(mask_without_self, device_array<int>(1));
}
END_TEST

static __global__ void atomics(int *i, unsigned *u, unsigned long long *l, float *f, unsigned short *h)
{
    atomicAdd(i, 2);
    atomicMax(i + 1, (int)threadIdx.x);
    atomicMin(i + 2, -(int)threadIdx.x);
    atomicOr(u, 1u << (threadIdx.x % 32));
    atomicInc(u + 1, 6);
    atomicExch(u + 2, 77);
    atomicAdd(l, 1ull << 33);
    atomicAdd(f, 0.5f);
    unsigned short old = *h, seen;
    while ((seen = atomicCAS(h, old, (unsigned short)(old + 3))) != old) {
        old = seen;
    }
}

START_TEST(atomics_add_up)
{
    char *data = device_array<char>(256);
    ck_assert_ok(cudaMemset(data, 0, 256));
    ck_assert_ok(launch(atomics, dim3(2), dim3(50), nullptr, (int *)data, (unsigned *)(data + 16),
                        (unsigned long long *)(data + 32), (float *)(data + 40), (unsigned short *)(data + 44)));
    auto bytes = fetch(data, 256);
    int i[3];
    unsigned u[3];
    memcpy(i, &bytes[0], sizeof i);
    memcpy(u, &bytes[16], sizeof u);
    ck_assert_int_eq(i[0], 200);
    ck_assert_int_eq(i[1], 49);
    ck_assert_int_eq(i[2], -49);
    ck_assert_uint_eq(u[0], ALL);
    ck_assert_uint_eq(u[1], 100 % 7);
    ck_assert_uint_eq(u[2], 77);
    ck_assert_uint_eq(*(unsigned long long *)&bytes[32], 100ull << 33);
    ck_assert_float_eq(*(float *)&bytes[40], 50);
    ck_assert_uint_eq(*(unsigned short *)&bytes[44], 300);
}
END_TEST

static __global__ void mathematics(double *out)
{
    out[0] = erfinv(erf(0.3)) - 0.3;
    out[1] = erfinvf(0.5f) - 0.4769362762;
    out[2] = erfc(erfinv(1 - 0x1p-30)) * 0x1p30 - 1;
    out[3] = normcdfinv(normcdf(-1.25)) + 1.25;
    out[4] = rsqrt(16.0) - 0.25;
    out[5] = sinpi(-1.5) - 1;
    out[6] = cospi(2.5) + sinpi(3.0);
    out[7] = __umulhi(0xffffffffu, 16) - 15.0 + (double)__umul64hi(1ull << 63, 4) - 2;
    out[8] = __float2int_rz(3e9f) - 2147483647.0 + __double2int_rz(NAN);
    out[9] = __popc(0xf0u) + __clz(1) + __ffs(8) - 39 + (__brev(1) == 0x80000000u) - 1;
    out[10] = __int_as_float(__float_as_int(1.5f)) + min(2, 3u) + max(1.0, 2.0f) - 5.5;
}

START_TEST(mathematics_is_right)
{
    double *out = device_array<double>(11);
    ck_assert_ok(launch(mathematics, dim3(1), dim3(1), nullptr, out));
    auto values = fetch(out, 11);
    for (int i = 0; i < 11; i++) {
        ck_assert_msg(fabs(values[i]) < 1e-6, "expression %d is off by %g", i, values[i]);
    }
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("kernels");
    add_tests(cases, {every_thread_of_every_block_runs_once, barriers_order_shared_memory,
                      shared_memory_is_fresh_in_every_block_and_ends,
                      barriers_do_not_wait_for_threads_that_ended, warps_and_atomics_add_across_blocks,
                      warp_functions_give_what_cuda_gives, lanes_that_ended_bring_nothing_of_use, atomics_add_up,
                      mathematics_is_right});
    for (const TTest *test :
         {different_barriers_abort, threads_that_never_come_abort, a_mask_without_its_caller_aborts}) {
        tcase_add_test_raise_signal(cases, test, SIGABRT);
    }
    return run_suite("cuda_host kernels", cases);
}
