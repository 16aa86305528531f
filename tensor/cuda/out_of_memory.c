/* The error that a device's memory is used up: what PyTorch says, with the same figures. */
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

#include "memory.h"

enum { SIZE_TEXT = 32, PROCESSES_TEXT = 1024, PROCESSES_MOST = 64 };

/* "512 bytes", "20.00 MiB"; a whole GiB is "1024.00 MiB". */
static const char *size_text(size_t bytes, char text[SIZE_TEXT])
{
    static const char *const units[] = {"KiB", "MiB", "GiB"};
    double size = (double)bytes / 1024;
    int unit = 0;

    if (bytes <= 1024) {
        snprintf(text, SIZE_TEXT, "%zu bytes", bytes);
        return text;
    }
    for (; unit < 2 && size > 1024; unit++)
        size /= 1024;
    snprintf(text, SIZE_TEXT, "%.2f %s", size, units[unit]);
    return text;
}

/* --- what the driver's management library says of processes: nvml.h, whose functions return 0 when they succeed --- */

struct process_info { /* nvmlProcessInfo_t */
    unsigned pid;
    unsigned long long bytes;
    unsigned gpu_instance, compute_instance;
};

struct management {
    int (*init)(void);
    int (*device)(const char *bus_id, void **device);
    int (*processes)(void *device, unsigned *count, struct process_info *infos);
};

static bool open_management(struct management *nvml)
{
    void *library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL); /* stays open */
    if (!library)
        return false;
    nvml->init = (int (*)(void))dlsym(library, "nvmlInit_v2");
    nvml->device = (int (*)(const char *, void **))dlsym(library, "nvmlDeviceGetHandleByPciBusId_v2");
    nvml->processes = (int (*)(void *, unsigned *, struct process_info *))dlsym(
        library, "nvmlDeviceGetComputeRunningProcesses_v3");
    return nvml->init && nvml->device && nvml->processes && nvml->init() == 0;
}

/* The processes on a device, at most PROCESSES_MOST; 0 where that cannot be known. */
static unsigned find_processes(int device, struct process_info infos[PROCESSES_MOST])
{
    struct management nvml;
    struct cuda_properties properties;
    char bus_id[SIZE_TEXT];
    void *handle;
    unsigned count = PROCESSES_MOST;

    if (cuda->runtime->properties(device, &properties) != CUDA_OK || !open_management(&nvml))
        return 0;
    snprintf(bus_id, sizeof bus_id, "%08x:%02x:%02x.0", (unsigned)properties.pci_domain_id,
             (unsigned)properties.pci_bus_id, (unsigned)properties.pci_device_id);
    if (nvml.device(bus_id, &handle) != 0 || nvml.processes(handle, &count, infos) != 0)
        return 0;
    return count;
}

/* "Including non-PyTorch memory, this process has 500.00 MiB memory in use. ", and of other processes "Process 42 has
 * …"; "" without the library. */
static void processes_text(int device, char text[PROCESSES_TEXT])
{
    struct process_info infos[PROCESSES_MOST];
    unsigned count = find_processes(device, infos);
    size_t length = 0;

    text[0] = '\0';
    for (unsigned i = 0; i < count && length < PROCESSES_TEXT; i++) {
        char size[SIZE_TEXT], who[SIZE_TEXT];
        bool own = infos[i].pid == (unsigned)getpid();
        snprintf(who, sizeof who, "Process %u", infos[i].pid);
        length += (size_t)snprintf(text + length, PROCESSES_TEXT - length, "%s has %s memory in use. ",
                                   own ? "Including non-PyTorch memory, this process" : who,
                                   size_text(infos[i].bytes, size));
    }
}

void set_out_of_memory(int device, size_t bytes)
{
    const struct device_memory *memory = &device_memory[device];
    size_t free = 0, total = 0;
    size_t allocated = (size_t)memory->stats.allocated_bytes[0].current;
    size_t reserved = (size_t)memory->stats.reserved_bytes[0].current;
    char asked[SIZE_TEXT], total_size[SIZE_TEXT], free_size[SIZE_TEXT], allowed[SIZE_TEXT] = "";
    char allocated_size[SIZE_TEXT], rest[SIZE_TEXT], processes[PROCESSES_TEXT];

    if (cuda_check(cuda->runtime->memory_info(&free, &total)))
        return;
    processes_text(device, processes);
    if (memory->limited)
        size_text(memory->limit, allowed);
    error_set(ERROR_OUT_OF_MEMORY,
              "CUDA out of memory. Tried to allocate %s. GPU %d has a total capacity of %s of which %s is free. %s%s%s"
              "Of the allocated memory %s is allocated by PyTorch, and %s is reserved by PyTorch but unallocated. "
              "If reserved but unallocated memory is large try setting PYTORCH_ALLOC_CONF=expandable_segments:True to "
              "avoid fragmentation.  See documentation for Memory Management  "
              "(https://pytorch.org/docs/stable/notes/cuda.html#environment-variables)",
              size_text(bytes, asked), device, size_text(total, total_size), size_text(free, free_size), processes,
              allowed, memory->limited ? " allowed; " : "", size_text(allocated, allocated_size),
              size_text(reserved - allocated, rest));
}
