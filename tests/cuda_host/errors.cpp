/* Errors: each thread's last one, the one that is for good, their names and words. */
#include "internal.h"

#include <cstdarg>
#include <cstdlib>

std::mutex runtime_lock;
cudaError_t lasting_error;
static thread_local cudaError_t last_error;

cudaError_t note(cudaError_t status)
{
    if (status) {
        last_error = status;
    }
    return status;
}

void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("CUDA stand-in: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    abort();
}

cudaError_t cudaGetLastError(void)
{
    cudaError_t status = cudaPeekAtLastError();
    last_error = cudaSuccess;
    return status;
}

cudaError_t cudaPeekAtLastError(void)
{
    return lasting_error ? lasting_error : last_error;
}

const char *cudaGetErrorName(cudaError_t error)
{
    switch (error) {
#define E(name, number, text) case name: return #name;
#include "errors.def"
#undef E
    }
    return "unrecognized error code";
}

const char *cudaGetErrorString(cudaError_t error)
{
    switch (error) {
#define E(name, number, text) case name: return text;
#include "errors.def"
#undef E
    }
    return "unrecognized error code";
}

void cuda_host_assert(const char *condition, const char *file, unsigned line, const char *function)
{
    if (!is_running()) {
        fail("%s:%u: %s: assertion `%s' failed", file, line, function, condition);
    }
    fprintf(stderr, "%s:%u: %s: block: [%u,%u,%u], thread: [%u,%u,%u] Assertion `%s` failed.\n", file, line, function,
            blockIdx.x, blockIdx.y, blockIdx.z, threadIdx.x, threadIdx.y, threadIdx.z, condition);
    stop_grid(cudaErrorAssert);
}

void cuda_host_trap(void)
{
    fprintf(stderr, "CUDA stand-in: __trap() in %s\n", describe_place().c_str());
    stop_grid(cudaErrorLaunchFailure);
}
