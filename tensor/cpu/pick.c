/* Chooses, when the library is loaded, the loops of the best instruction set that the processor
 * has. */
#include <stdlib.h>
#include <string.h>

#include "../backend.h"
#include "cpu.h"

#define TABLES(isa)                                                                                \
    {                                                                                              \
        .name = #isa, .pointwise = pointwise_loops_##isa, .folds = fold_loops_##isa,               \
        .copy = &copy_kernels_##isa, .matmul = &matmul_kernels_##isa,                              \
        .extremes = &extreme_kernels_##isa, .scans = &scan_kernels_##isa,                          \
        .softmaxes = &softmax_kernels_##isa, .moments = &moment_kernels_##isa                      \
    }

/* from the least to the most demanding */
static const struct cpu_tables tables[] = {TABLES(baseline), TABLES(avx2), TABLES(avx512)};

enum { BASELINE, AVX2, AVX512 };

const struct cpu_tables *cpu_tables = &tables[BASELINE];

static int best_supported(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    /* every processor with AVX2 and FMA has F16C too */
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
        return BASELINE;
    }
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
        return AVX512;
    }
    return AVX2;
#else
    return BASELINE;
#endif
}

/* early: other constructors may compute */
__attribute__((constructor(101))) static void pick(void)
{
    int best = best_supported();
    const char *wanted = getenv("MESALE_ISA");
    for (int i = 0; wanted && i < best; i++) {
        if (strcmp(wanted, tables[i].name) == 0) {
            best = i;
        }
    }
    cpu_tables = &tables[best];
}

const char *cpu_isa(void)
{
    return cpu_tables->name;
}
