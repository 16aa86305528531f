/* Finding cuBLAS: the plug-in opens what is named here. */
#include "cuda.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blas.h"

static const char *const library_names[] = {"libcublas.so.13", "libcublas.so.12", "libcublas.so"};
/* where the packages of NVIDIA lie in a folder of Python packages: for CUDA 13, and before */
static const char *const package_folders[] = {"/nvidia/cu13/lib", "/nvidia/cublas/lib"};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *python_folders; /* separated by colons, or NULL */

int cuda_library_folders_set(const char *folders)
{
    char *copy = strdup(folders);

    if (!copy) {
        error_set(ERROR_MEMORY, "out of memory");
        return -1;
    }
    pthread_mutex_lock(&lock);
    free(python_folders);
    python_folders = copy;
    pthread_mutex_unlock(&lock);
    return 0;
}

/* Tries every name in a folder, or where the loader looks when that is "". */
static bool open_in(const char *folder, const char *below)
{
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof library_names / sizeof *library_names; i++) {
        const char *slash = folder[0] ? "/" : "";
        int length = snprintf(path, sizeof path, "%s%s%s%s", folder, below, slash, library_names[i]);
        if (length < (int)sizeof path && cuda->blas->open(path))
            return true;
    }
    return false;
}

static bool open_in_packages(const char *folders)
{
    char folder[PATH_MAX];

    for (const char *next = folders; next; next = strchr(next, ':')) {
        next += *next == ':';
        int length = (int)strcspn(next, ":");
        if (length == 0 || length >= (int)sizeof folder)
            continue;
        snprintf(folder, sizeof folder, "%.*s", length, next);
        for (size_t i = 0; i < sizeof package_folders / sizeof *package_folders; i++) {
            if (open_in(folder, package_folders[i]))
                return true;
        }
    }
    return false;
}

static bool open_in_variable(const char *name)
{
    const char *folder = getenv(name);
    return folder && folder[0] && open_in(folder, "/lib64");
}

static int open_anywhere(void)
{
    const char *named = getenv("MESALE_CUBLAS");

    if (named) {
        if (cuda->blas->open(named))
            return 0;
        error_set(ERROR_RUNTIME, "MESALE_CUBLAS names %s, which cannot be opened or is not cuBLAS", named);
        return -1;
    }
    if (open_in("", "") || open_in_variable("CUDA_HOME") || open_in_variable("CUDA_PATH") ||
        open_in("/usr/local/cuda", "/lib64") || open_in_packages(python_folders))
        return 0;
    error_set(ERROR_RUNTIME,
              "Matrix products on a GPU need cuBLAS, which was not found. Looked for %s, %s and %s: where the loader "
              "looks, in $CUDA_HOME/lib64, $CUDA_PATH/lib64, /usr/local/cuda/lib64 and the nvidia packages of Python. "
              "Install it with the CUDA toolkit or `pip install nvidia-cublas` (`nvidia-cublas-cu12` for CUDA 12), or "
              "name the file in MESALE_CUBLAS.",
              library_names[0], library_names[1], library_names[2]);
    return -1;
}

int cuda_blas_open(void)
{
    if (cuda->blas->is_open())
        return 0;
    pthread_mutex_lock(&lock);
    int status = open_anywhere();
    pthread_mutex_unlock(&lock);
    return status;
}
