/* Every access of a kernel to memory. Kernels are compiled with -fsanitize=kernel-address, which calls these functions
 * before each load and store; unlike the protection of pages they see the very end of an allocation, host memory, and
 * addresses that are no multiple of what is read, all of which a GPU refuses or gets wrong. */
#include "internal.h"

#define REMEMBERED 4

/* Ranges that the running grid was found to touch, looked at first. */
static range known[REMEMBERED];
static unsigned next_known;

void checks_begin(void)
{
    for (range &one : known) {
        one = {0, 0};
    }
}

static bool holds(range self, uintptr_t address, size_t bytes)
{
    return address - self.begin < self.size && bytes <= self.size - (address - self.begin);
}

/* What a thread of the running grid may touch around the address. */
static range allowed_around(uintptr_t address)
{
    const work &piece = running_work();
    for (range own : {running_stack(), piece.arguments}) {
        if (holds(own, address, 1)) {
            return own;
        }
    }
    range found = memory_around((const void *)address, piece.devices);
    if (!found.size) {
        found = data_around(address, piece.address);
    }
    return found.size ? found : data_around(address, &threadIdx);
}

/* Host code of a .cu file and the work of libraries may touch what they like. */
static bool is_kernel(void)
{
    return is_running() && running_work().address;
}

static void look(uintptr_t address, size_t bytes)
{
    if (!is_kernel()) {
        return;
    }
    range allowed = allowed_around(address);
    if (!holds(allowed, address, bytes)) {
        fprintf(stderr, "CUDA stand-in: %zu bytes at 0x%zx, which is %s, are touched by %s\n", bytes, (size_t)address,
                memory_describe((const void *)address, bytes).c_str(), describe_place().c_str());
        stop_grid(cudaErrorIllegalAddress);
    }
    known[next_known++ % REMEMBERED] = allowed;
}

static inline void check(uintptr_t address, size_t bytes)
{
    for (const range &one : known) {
        if (holds(one, address, bytes)) {
            return;
        }
    }
    look(address, bytes);
}

/* Compilers join what lies side by side on the stack and among the arguments as they like; a GPU's does not. */
static bool is_own(uintptr_t address)
{
    return holds(running_stack(), address, 1) || holds(running_work().arguments, address, 1);
}

static inline void check_aligned(uintptr_t address, size_t bytes)
{
    if (address % bytes && is_kernel() && !is_own(address)) {
        fprintf(stderr, "CUDA stand-in: %zu bytes at 0x%zx are not aligned, touched by %s\n", bytes, (size_t)address,
                describe_place().c_str());
        stop_grid(cudaErrorMisalignedAddress);
    }
    check(address, bytes);
}

#define ACCESS(bytes)                                                                                                  \
    void __asan_load##bytes##_noabort(uintptr_t address)                                                               \
    {                                                                                                                  \
        check_aligned(address, bytes);                                                                                 \
    }                                                                                                                  \
    void __asan_store##bytes##_noabort(uintptr_t address)                                                              \
    {                                                                                                                  \
        check_aligned(address, bytes);                                                                                 \
    }

extern "C" {
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

void __asan_loadN_noabort(uintptr_t address, size_t bytes)
{
    check(address, bytes);
}

void __asan_storeN_noabort(uintptr_t address, size_t bytes)
{
    check(address, bytes);
}

void __asan_handle_no_return(void) {}
}
