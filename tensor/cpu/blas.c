/* BLAS, opened at the first product that is large enough to gain from it. The OpenMP build of
 * OpenBLAS is looked for first: it uses our thread pool. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>

#include "../backend.h"
#include "cpu.h"

static const char *const library_names[] = {
    "/usr/lib/x86_64-linux-gnu/openblas-openmp/libopenblas.so.0",
    "/usr/lib/aarch64-linux-gnu/openblas-openmp/libopenblas.so.0",
    "libopenblas.so.0",
    "libblas.so.3",
};

static struct blas blas;
static const char *blas_name = "";
static pthread_once_t blas_once = PTHREAD_ONCE_INIT;
static _Atomic(const struct blas *) blas_opened;

/* dlsym gives an object pointer; POSIX lets it be stored into a function pointer this way. */
static bool find(void *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    *(void **)function = symbol;
    return symbol != NULL;
}

static bool find_all(void *library)
{
    find(library, "openblas_set_num_threads", &blas.set_threads);
    return find(library, "cblas_sgemm", &blas.sgemm) && find(library, "cblas_dgemm", &blas.dgemm) &&
           find(library, "cblas_sgemv", &blas.sgemv) && find(library, "cblas_dgemv", &blas.dgemv) &&
           find(library, "cblas_sdot", &blas.sdot) && find(library, "cblas_ddot", &blas.ddot);
}

static void blas_open(void)
{
    for (size_t i = 0; i < sizeof library_names / sizeof *library_names; i++) {
        void *library = dlopen(library_names[i], RTLD_NOW | RTLD_LOCAL);
        if (!library) {
            continue;
        }
        if (!find_all(library)) {
            dlclose(library);
            continue;
        }
        blas_name = library_names[i];
        if (blas.set_threads) {
            blas.set_threads(cpu_is_forked() ? 1 : cpu_threads());
        }
        atomic_store(&blas_opened, &blas);
        return;
    }
}

const struct blas *blas_get(void)
{
    const struct blas *opened = atomic_load_explicit(&blas_opened, memory_order_acquire);
    if (opened) {
        return opened;
    }
    pthread_once(&blas_once, blas_open);
    return atomic_load(&blas_opened);
}

const char *cpu_blas_name(void)
{
    return blas_get() ? blas_name : "";
}

void blas_set_threads(int count)
{
    const struct blas *opened = atomic_load(&blas_opened);
    if (opened && opened->set_threads) {
        opened->set_threads(count);
    }
}

void blas_after_fork(void)
{
    blas_set_threads(1);
}
