/* Devices: how many there are, which is current, what they say of themselves. */
#include "internal.h"

#include <cstdlib>
#include <cstring>

static thread_local int current;
static bool peers[MAX_DEVICES][MAX_DEVICES];

static size_t number(const char *name, size_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, nullptr, 0) : otherwise;
}

const settings &setting(void)
{
    static const settings read = [] {
        size_t devices = number("CUDA_HOST_DEVICES", 2);
        const char *order = getenv("CUDA_HOST_ORDER");
        return settings{(int)(devices < MAX_DEVICES ? devices : MAX_DEVICES),
                        number("CUDA_HOST_MEMORY", (size_t)1 << 30),
                        number("CUDA_HOST_QUEUE", 1000), order && strcmp(order, "backward") == 0};
    }();
    return read;
}

int current_device(void)
{
    return current;
}

static bool is_device(int device)
{
    return device >= 0 && device < setting().devices;
}

unsigned reachable_devices(int device)
{
    unsigned reachable = 1u << device;
    for (int peer = 0; peer < setting().devices; peer++) {
        reachable |= peers[device][peer] ? 1u << peer : 0;
    }
    return reachable;
}

cudaError_t cudaGetDeviceCount(int *count)
{
    *count = setting().devices;
    return note(*count ? cudaSuccess : cudaErrorNoDevice);
}

cudaError_t cudaSetDevice(int device)
{
    return call([=] {
        if (!is_device(device)) {
            return cudaErrorInvalidDevice;
        }
        current = device;
        return cudaSuccess;
    });
}

cudaError_t cudaGetDevice(int *device)
{
    return call([=] {
        *device = current;
        return cudaSuccess;
    });
}

/* Those of an H100, on which the division of work into blocks depends; but the memory is ours. */
static void describe_device(cudaDeviceProp *properties, int device)
{
    *properties = {};
    strcpy(properties->name, "CUDA stand-in on the CPU");
    for (int i = 0; i < 16; i++) {
        properties->uuid.bytes[i] = (char)(0x10 * device + i);
    }
    properties->totalGlobalMem = setting().memory;
    properties->sharedMemPerBlock = 48 << 10;
    properties->sharedMemPerMultiprocessor = 228 << 10;
    properties->sharedMemPerBlockOptin = 227 << 10;
    properties->regsPerBlock = properties->regsPerMultiprocessor = 65536;
    properties->warpSize = warpSize;
    properties->maxThreadsPerBlock = properties->maxThreadsDim[0] = properties->maxThreadsDim[1] = 1024;
    properties->maxThreadsDim[2] = 64;
    properties->maxGridSize[0] = 0x7fffffff;
    properties->maxGridSize[1] = properties->maxGridSize[2] = 65535;
    properties->major = 9;
    properties->multiProcessorCount = 132;
    properties->maxThreadsPerMultiProcessor = 2048;
    properties->maxBlocksPerMultiProcessor = 32;
    properties->l2CacheSize = 50 << 20;
    properties->pciBusID = device + 1;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device)
{
    return call([=] {
        if (!is_device(device)) {
            return cudaErrorInvalidDevice;
        }
        describe_device(properties, device);
        return cudaSuccess;
    });
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = CUDART_VERSION;
    return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = CUDART_VERSION;
    return cudaSuccess;
}

cudaError_t cudaDeviceCanAccessPeer(int *can, int device, int peer)
{
    return call([=] {
        if (!is_device(device) || !is_device(peer)) {
            return cudaErrorInvalidDevice;
        }
        *can = device != peer;
        return cudaSuccess;
    });
}

cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned flags)
{
    return call([=] {
        if (!is_device(peer) || peer == current) {
            return cudaErrorInvalidDevice;
        }
        if (flags || peers[current][peer]) {
            return flags ? cudaErrorInvalidValue : cudaErrorPeerAccessAlreadyEnabled;
        }
        peers[current][peer] = true;
        return cudaSuccess;
    });
}

cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest)
{
    return call([=] {
        *least = 0;
        *greatest = -5;
        return cudaSuccess;
    });
}
