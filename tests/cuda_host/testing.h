/* What the tests of the stand-in share. */
#ifndef CUDA_HOST_TESTING_H
#define CUDA_HOST_TESTING_H

#include "host.h"
#include "../unit/suite.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#define ck_assert_ok(call) ck_assert_str_eq(cudaGetErrorName(call), "cudaSuccess")
#define ck_assert_status(call, name) ck_assert_str_eq(cudaGetErrorName(call), #name)

template <class... Params, class... Args>
static cudaError_t launch(void (*kernel)(Params...), dim3 grid, dim3 block, cudaStream_t stream, Args... args)
{
    std::tuple<Params...> held(args...);
    return std::apply([&](Params &...params) {
        void *addresses[] = {(void *)&params...};
        return cudaLaunchKernel(kernel, grid, block, addresses, 0, stream);
    }, held);
}

template <class T> static T *device_array(size_t count)
{
    T *data;
    ck_assert_ok(cudaMalloc((void **)&data, count * sizeof(T)));
    return data;
}

template <class T> static std::vector<T> fetch(const T *data, size_t count)
{
    std::vector<T> values(count);
    ck_assert_ok(cudaMemcpy(values.data(), data, count * sizeof(T), cudaMemcpyDeviceToHost));
    return values;
}

template <class T> static T fetch_one(const T *data)
{
    return fetch(data, 1)[0];
}

/* Messages that a test provokes are nothing to read. */
static inline void hush(void)
{
    ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
}

static inline void add_tests(TCase *cases, std::vector<const TTest *> tests)
{
    for (const TTest *test : tests) {
        tcase_add_test(cases, test);
    }
}

#endif
