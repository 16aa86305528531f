/* The one thread pool: OpenMP's, which OpenBLAS shares. It starts at the first parallel region, not
 * at load. */
#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "../backend.h"
#include "cpu.h"

static atomic_int thread_count; /* 0: not asked for yet */
static atomic_bool
    forked; /* a child of fork has no pool: its first parallel region would wait for ever */
static _Thread_local bool inside;

static void after_fork_in_child(void)
{
    atomic_store(&forked, true);
    blas_after_fork();
}

__attribute__((constructor)) static void threads_start(void)
{
    pthread_atfork(NULL, NULL, after_fork_in_child);
}

int cpu_threads(void)
{
    int count = atomic_load_explicit(&thread_count, memory_order_relaxed);
    if (count == 0) {
        count =
            omp_get_max_threads(); /* OMP_NUM_THREADS, else the processors this process may use */
        atomic_store(&thread_count, count);
    }
    return count;
}

void cpu_set_threads(int count)
{
    atomic_store(&thread_count, count < 1 ? 1 : count);
    if (!atomic_load(&forked)) {
        blas_set_threads(count < 1 ? 1 : count);
    }
}

bool cpu_is_forked(void)
{
    return atomic_load_explicit(&forked, memory_order_relaxed);
}

void parallel_for(int64_t begin, int64_t end, int64_t grain,
                  void (*fn)(void *arg, int64_t begin, int64_t end), void *arg)
{
    int64_t length = end - begin;
    if (length <= 0) {
        return;
    }
    int64_t least = grain > 0 ? grain : 1;
    int64_t pieces = (length + least - 1) / least;
    if (pieces <= 1 || inside || cpu_is_forked() || cpu_threads() == 1) {
        fn(arg, begin, end);
        return;
    }
    int threads = pieces < cpu_threads() ? (int)pieces : cpu_threads();
#pragma omp parallel num_threads(threads)
    {
        /* fine grains are cut at multiples of 64 so that neighbours rarely share a cache line;
         * OpenMP may grant fewer threads than were asked for */
        int64_t team = omp_get_num_threads(), own = omp_get_thread_num();
        int64_t unit = least >= 64 ? 64 : 1;
        int64_t piece = ((length + team - 1) / team + unit - 1) / unit * unit;
        int64_t from = length < own * piece ? length : own * piece;
        int64_t to = length - from < piece ? length : from + piece;
        inside = true;
        if (from < to) {
            fn(arg, begin + from, begin + to);
        }
        inside = false;
    }
}
