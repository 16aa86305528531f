/* Pinned host memory: blocks of powers of two, which are kept, and given out again once the copies that use them are
 * done. */
#include <pthread.h>
#include <string.h>

#include "cuda.h"

enum { CLASS_COUNT = 64, BYTES_LEAST = 512 };

/* The last copy on a stream that uses a block. The event is kept for the stream's next one. */
struct pinned_use {
    struct pinned_use *next;
    int device;
    cuda_stream stream;
    cuda_event event;
    bool recorded; /* and not known to be reached */
};

struct pinned_block {
    char *host;
    size_t bytes;
    struct pinned_block *next; /* of a released one, in its class */
    struct pinned_use *uses;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct pinned_block *released[CLASS_COUNT]; /* 2^i bytes each */
static struct {
    struct pinned_block **items; /* by address, in every state */
    size_t count, room;
} blocks;

/* --- finding a block by an address within it --- */

/* How many blocks begin at or before the address. */
static size_t blocks_up_to(const void *host)
{
    size_t low = 0, high = blocks.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((uintptr_t)blocks.items[middle]->host <= (uintptr_t)host)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct pinned_block *find_block(const void *host)
{
    size_t place = host ? blocks_up_to(host) : 0;
    struct pinned_block *block = place ? blocks.items[place - 1] : NULL;
    return block && (uintptr_t)host - (uintptr_t)block->host < block->bytes ? block : NULL;
}

static int reserve_block(void)
{
    if (blocks.count < blocks.room)
        return 0;
    size_t room = blocks.room ? 2 * blocks.room : 16;
    struct pinned_block **items = mem_alloc(room * sizeof *items);
    if (!items)
        return -1;
    if (blocks.count)
        memcpy(items, blocks.items, blocks.count * sizeof *items);
    mem_free(blocks.items);
    blocks.items = items;
    blocks.room = room;
    return 0;
}

static void insert_block(struct pinned_block *block)
{
    size_t place = blocks_up_to(block->host);
    memmove(blocks.items + place + 1, blocks.items + place, (blocks.count - place) * sizeof *blocks.items);
    blocks.items[place] = block;
    blocks.count++;
}

static void remove_block(const struct pinned_block *block)
{
    size_t place = blocks_up_to(block->host) - 1;
    blocks.count--;
    memmove(blocks.items + place, blocks.items + place + 1, (blocks.count - place) * sizeof *blocks.items);
}

/* --- blocks --- */

static bool is_unused(struct pinned_block *block)
{
    for (struct pinned_use *use = block->uses; use; use = use->next) {
        if (use->recorded && cuda->runtime->event_query(use->event) == CUDA_NOT_READY)
            return false;
        use->recorded = false;
    }
    return true;
}

/* The class of a size: 2^class bytes are the least power of two that holds it. */
static int class_of(size_t bytes)
{
    return bytes <= BYTES_LEAST ? __builtin_ctz(BYTES_LEAST) : 64 - __builtin_clzll(bytes - 1);
}

/* A released block of the class that no copy uses, taken out of it; NULL: none. */
static struct pinned_block *take_released(int class)
{
    for (struct pinned_block **slot = &released[class]; *slot; slot = &(*slot)->next) {
        struct pinned_block *block = *slot;
        if (is_unused(block)) {
            *slot = block->next;
            return block;
        }
    }
    return NULL;
}

static void block_delete(struct pinned_block *block)
{
    for (struct pinned_use *use = block->uses, *next; use; use = next) {
        next = use->next;
        cuda_event_delete(use->device, use->event);
        mem_free(use);
    }
    remove_block(block);
    cuda->runtime->host_release(block->host);
    mem_free(block);
}

/* Gives the released blocks that no copy uses back to the system. */
static void delete_released(void)
{
    for (int class = 0; class < CLASS_COUNT; class++) {
        for (struct pinned_block *block; (block = take_released(class));)
            block_delete(block);
    }
}

static struct pinned_block *block_new(int class)
{
    struct pinned_block *block = reserve_block() ? NULL : mem_zalloc(sizeof *block);
    if (!block)
        return NULL;
    void *host = NULL;
    block->bytes = (size_t)1 << class;
    int status = cuda->runtime->host_allocate(&host, block->bytes);
    if (status == CUDA_OUT_OF_MEMORY) {
        delete_released();
        status = cuda->runtime->host_allocate(&host, block->bytes);
    }
    if (cuda_check(status)) {
        mem_free(block);
        return NULL;
    }
    block->host = host;
    insert_block(block);
    return block;
}

/* A block of at least `bytes`, or NULL with the error set. */
static struct pinned_block *block_take(size_t bytes)
{
    int class = class_of(bytes);

    pthread_mutex_lock(&lock);
    struct pinned_block *block = take_released(class);
    if (!block)
        block = block_new(class);
    pthread_mutex_unlock(&lock);
    return block;
}

/* A storage's release function; in a child of fork the memory is the parent's. */
static void block_release(void *owner)
{
    struct pinned_block *block = owner;
    int class = class_of(block->bytes);

    if (cuda_is_bad_fork())
        return;
    pthread_mutex_lock(&lock);
    block->next = released[class];
    released[class] = block;
    pthread_mutex_unlock(&lock);
}

/* --- copies --- */

/* The block's use by a stream of the device that is current; NULL with the error set. */
static struct pinned_use *use_of(struct pinned_block *block, int device, cuda_stream stream)
{
    for (struct pinned_use *use = block->uses; use; use = use->next) {
        if (use->device == device && use->stream == stream)
            return use;
    }
    struct pinned_use *use = mem_zalloc(sizeof *use);
    if (use && cuda_check(cuda->runtime->event_create(&use->event, false, false, false))) {
        mem_free(use);
        return NULL;
    }
    if (use) {
        use->device = device;
        use->stream = stream;
        use->next = block->uses;
        block->uses = use;
    }
    return use;
}

static int record_use(struct pinned_block *block, int device, cuda_stream stream)
{
    struct pinned_use *use = use_of(block, device, stream);
    if (!use || cuda_check(cuda->runtime->event_record(use->event, stream)))
        return -1;
    use->recorded = true;
    return 0;
}

int cuda_pinned_used(const void *host, int device, cuda_stream stream)
{
    if (cuda_use(device))
        return -1;
    pthread_mutex_lock(&lock);
    struct pinned_block *block = find_block(host);
    int result = block ? record_use(block, cuda_used(), stream) : 0;
    pthread_mutex_unlock(&lock);
    return result;
}

/* --- tensors --- */

bool cuda_is_pinned(const struct tensor *self)
{
    if (self->storage->device.type == DEVICE_CUDA || !cuda_open(false))
        return false;
    pthread_mutex_lock(&lock);
    bool pinned = self->numel && find_block(tensor_ptr(self));
    pthread_mutex_unlock(&lock);
    return pinned;
}

static int check_can_pin(const struct tensor *self)
{
    if (!cuda_is_bad_fork() && !cuda_open(false)) {
        error_set(ERROR_RUNTIME, "Cannot access accelerator device when none is available.");
        return -1;
    }
    if (self->storage->device.type == DEVICE_CUDA) {
        error_set(ERROR_RUNTIME, "cannot pin 'torch.cuda.%sTensor' only dense CPU tensors can be pinned",
                  dtype_info[self->dtype].class_name);
        return -1;
    }
    return cuda_initialize();
}

/* Bytes from a tensor's first element to behind its last. */
static size_t spanned_bytes(const struct tensor *self)
{
    int64_t last = 0;
    for (int i = 0; i < self->dims; i++)
        last += (self->sizes[i] - 1) * self->strides[i];
    return self->numel ? (size_t)(last + 1) * dtype_info[self->dtype].bytes : 0;
}

struct storage *cuda_pinned_storage(size_t bytes)
{
    if (bytes == 0)
        return storage_new((struct device){DEVICE_CPU, -1}, 0);
    struct pinned_block *block = block_take(bytes);
    struct storage *storage = block ? storage_wrap(block->host, bytes, block_release, block) : NULL;
    if (block && !storage)
        block_release(block);
    return storage;
}

struct tensor *cuda_pin(struct tensor *self)
{
    if (check_can_pin(self))
        return NULL;
    if (cuda_is_pinned(self))
        return tensor_retain(self);
    struct storage *storage = cuda_pinned_storage(spanned_bytes(self));
    if (!storage)
        return NULL;
    struct tensor *copy = tensor_over(storage, self->dtype, self->dims, self->sizes, self->strides, 0);
    storage_release(storage);
    if (copy && cpu_backend.copy(copy, self))
        tensor_clear(&copy);
    return copy;
}
