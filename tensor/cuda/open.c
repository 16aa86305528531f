/* Finding and opening the plug-in, and the errors of what it returns. */
#include "cuda.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLUGIN_NAME "libmesale_cuda.so"

const struct cuda_plugin *cuda;
static pthread_once_t open_once = PTHREAD_ONCE_INIT;
static int open_status; /* of the first call to a plug-in that was found: a cudaError_t */
static char open_failure[512];
static int device_total;

/* The folder of the library that holds this function: build/lib of a build, site/torch of a
 * package. */
static bool own_folder(char *folder, size_t capacity)
{
    Dl_info info;
    const char *slash =
        dladdr((void *)own_folder, &info) && info.dli_fname ? strrchr(info.dli_fname, '/') : NULL;

    return slash && (size_t)snprintf(folder, capacity, "%.*s", (int)(slash - info.dli_fname),
                                     info.dli_fname) < capacity;
}

static void *open_beside(void)
{
    static const char *const places[] = {"", "/lib", "/../../lib", "/../.."};
    char folder[PATH_MAX - 64], path[PATH_MAX];
    void *library = NULL;

    if (!own_folder(folder, sizeof folder))
        return NULL;
    for (size_t i = 0; !library && i < sizeof places / sizeof *places; i++) {
        snprintf(path, sizeof path, "%s%s/" PLUGIN_NAME, folder, places[i]);
        library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    }
    return library;
}

static void take_plugin(const struct cuda_plugin *found)
{
    open_status = found->runtime->device_count(&device_total);
    if (open_status == CUDA_OK && device_total == 0)
        open_status = CUDA_NO_DEVICE;
    if (open_status != CUDA_OK) {
        device_total = 0;
        return;
    }
    if (device_total > CUDA_MAX_DEVICES)
        device_total = CUDA_MAX_DEVICES;
    cuda = found;
    cuda_watch_fork();
}

static void open_nothing(void)
{
}

static void open_plugin(void)
{
    const char *named = getenv("MESALE_CUDA");
    if (named && !*named)
        return; /* "" stands for none */
    void *library = named ? dlopen(named, RTLD_NOW | RTLD_LOCAL) : open_beside();
    if (!library) {
        if (named)
            snprintf(open_failure, sizeof open_failure,
                     "MESALE_CUDA names a library that cannot be opened: %s", dlerror());
        return;
    }
    const struct cuda_plugin *(*door)(void) =
        (const struct cuda_plugin *(*)(void))dlsym(library, "mesale_cuda_plugin");
    const struct cuda_plugin *found = door ? door() : NULL;
    if (!found || found->abi != CUDA_PLUGIN_ABI) {
        snprintf(open_failure, sizeof open_failure,
                 "%s is of another build than this library; build both again with "
                 "`make cuda`",
                 named ? named : PLUGIN_NAME);
        dlclose(library);
        return;
    }
    take_plugin(found);
}

void cuda_open_with(const struct cuda_plugin *plugin)
{
    pthread_once(&open_once, open_nothing);
    take_plugin(plugin);
}

/* cudaErrorInsufficientDriver is also what the runtime says where there is no driver at all. */
static void set_open_error(void)
{
    enum { INSUFFICIENT_DRIVER = 35 };

    if (cuda_is_bad_fork())
        error_set(
            ERROR_RUNTIME,
            "Cannot re-initialize CUDA in forked subprocess. To use CUDA with multiprocessing, "
            "you must use the 'spawn' start method");
    else if (open_failure[0])
        error_set(ERROR_RUNTIME, "%s", open_failure);
    else if (open_status == INSUFFICIENT_DRIVER)
        error_set(
            ERROR_RUNTIME,
            "Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU and "
            "installed a driver from http://www.nvidia.com/Download/index.aspx");
    else if (open_status)
        error_set(ERROR_RUNTIME, "No CUDA GPUs are available");
    else
        error_set(ERROR_ASSERTION, "Torch not compiled with CUDA enabled");
}

const struct cuda_plugin *cuda_open(bool required)
{
    pthread_once(&open_once, open_plugin);
    const struct cuda_plugin *usable = cuda_is_bad_fork() ? NULL : cuda;
    if (!usable && required)
        set_open_error();
    return usable;
}

int cuda_device_count(void)
{
    cuda_open(false);
    return device_total;
}

int cuda_check(int status)
{
    if (status == CUDA_OK)
        return 0;
    const char *text = cuda->runtime->error_text(status);
    error_set(ERROR_ACCELERATOR,
              "CUDA error: %s\n"
              "Search for `%s' in "
              "https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__TYPES.html for more "
              "information.\n"
              "CUDA kernel errors might be asynchronously reported at some other API call, so the "
              "stacktrace below "
              "might be incorrect.\n"
              "For debugging consider passing CUDA_LAUNCH_BLOCKING=1\n"
              "Compile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.\n",
              text, cuda->runtime->error_name(status));
    return -1;
}
