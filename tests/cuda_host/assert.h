/* assert() of the stand-in: found before the system's by everything that is compiled for it. In a kernel it ends the
 * kernel with cudaErrorAssert as on a GPU; on the host it ends the process. */
#undef assert
#define assert(condition) ((condition) ? (void)0 : cuda_host_assert(#condition, __FILE__, __LINE__, __func__))

#ifndef CUDA_HOST_ASSERT_H
#define CUDA_HOST_ASSERT_H
extern "C" [[noreturn]] void cuda_host_assert(const char *condition, const char *file, unsigned line,
                                              const char *function);
#endif
