/* The caching allocator. A segment is asked of the device only when no free block of the stream is large enough; the
 * best fitting block is cut to size, and a released one joins its free neighbours again. Work of the block's own
 * stream is in order, so that nothing waits for it. */
#include "memory.h"

/* Requests up to SMALL_MOST share small segments, those below LARGE_LEAST large ones, others get one of their own. */
#define SMALL_MOST MIB
#define SMALL_SEGMENT (2 * MIB)
#define LARGE_LEAST (10 * MIB)
#define LARGE_SEGMENT (20 * MIB)
#define SEGMENT_STEP (2 * MIB)
/* Asked for by mistake, and too much for the arithmetic here. */
#define BYTES_MOST ((size_t)1 << 60)

enum { NO_HOST_MEMORY = -2 }; /* beside the runtime's statuses: the error is set */

pthread_mutex_t memory_lock = PTHREAD_MUTEX_INITIALIZER;
struct device_memory device_memory[CUDA_MAX_DEVICES];

struct request {
    int device;
    cuda_stream stream;
    size_t asked, bytes; /* as asked for, and rounded */
    bool small;
};

static size_t round_up(size_t bytes, size_t step)
{
    return (bytes + step - 1) / step * step;
}

static size_t segment_bytes(const struct request *request)
{
    if (request->small)
        return SMALL_SEGMENT;
    return request->bytes < LARGE_LEAST ? LARGE_SEGMENT : round_up(request->bytes, SEGMENT_STEP);
}

static bool is_split(const struct block *block)
{
    return block->before || block->after;
}

/* How many and how large the free parts of split segments are: one step of a release or allocation changes the figures
 * once. */
struct split_change {
    int64_t blocks, bytes;
};

static void enter_pool(struct block_set *pool, struct block *block, struct split_change *change)
{
    block->state = BLOCK_FREE;
    block_set_insert(pool, block);
    if (is_split(block)) {
        change->blocks++;
        change->bytes += (int64_t)block->bytes;
    }
}

static void leave_pool(struct block_set *pool, struct block *block, struct split_change *change)
{
    block_set_remove(pool, block);
    if (is_split(block)) {
        change->blocks--;
        change->bytes -= (int64_t)block->bytes;
    }
}

static void note_split(struct cuda_memory_stats *stats, bool small, const struct split_change *change)
{
    stat_add(stats->inactive_split, small, change->blocks);
    stat_add(stats->inactive_split_bytes, small, change->bytes);
}

/* --- released blocks --- */

/* Takes the free neighbour, whose addresses follow or precede those of `block`, into it. */
static void join(struct block_set *pool, struct block *block, struct block *neighbour, struct split_change *change)
{
    if (!neighbour || neighbour->state != BLOCK_FREE)
        return;
    leave_pool(pool, neighbour, change);
    if (neighbour == block->before) {
        block->data = neighbour->data;
        block->before = neighbour->before;
        if (block->before)
            block->before->after = block;
    } else {
        block->after = neighbour->after;
        if (block->after)
            block->after->before = block;
    }
    block->bytes += neighbour->bytes;
    pool->blocks--;
    mem_free(neighbour);
}

static void make_free(struct device_memory *memory, struct block *block)
{
    struct block_set *pool = &memory->pools[block->small];
    struct split_change change = {0, 0};
    bool small = block->small;

    stat_add(memory->stats.active, small, -1);
    stat_add(memory->stats.active_bytes, small, -(int64_t)block->bytes);
    stat_add(memory->stats.requested_bytes, small, -(int64_t)block->requested);
    join(pool, block, block->before, &change);
    join(pool, block, block->after, &change);
    enter_pool(pool, block, &change);
    note_split(&memory->stats, small, &change);
}

/* --- blocks that other streams used --- */

static void make_spare(struct block_use *use)
{
    use->next = device_memory[use->device].spare;
    device_memory[use->device].spare = use;
}

/* Records the use of a released block and queues it. If that fails the stream is waited for: its device has failed,
 * and then nothing is left to wait for, or the event has. */
static void queue_use(struct device_memory *memory, struct block_use *use)
{
    int before = cuda_switch(use->device);
    bool recorded = cuda->runtime->event_record(use->event, use->stream) == CUDA_OK;

    if (!recorded) {
        cuda_count_wait();
        cuda->runtime->stream_synchronize(use->stream);
    }
    cuda_switch(before);
    if (!recorded) {
        make_spare(use);
        return;
    }
    use->next = NULL;
    *(memory->queue_end ? memory->queue_end : &memory->queue) = use;
    memory->queue_end = &use->next;
    use->block->uses_left++;
}

/* The use at *slot, which leaves the queue, was reached; the last one of a block frees it. */
static void finish_use(struct device_memory *memory, struct block_use **slot)
{
    struct block_use *use = *slot;

    *slot = use->next;
    make_spare(use);
    if (--use->block->uses_left == 0)
        make_free(memory, use->block);
}

/* Frees the blocks whose uses are reached, of all when `wait`. The uses of a stream are reached in order: behind one
 * that is not, its next ones need not be asked. */
static void finish_uses(struct device_memory *memory, bool wait)
{
    struct block_use **slot = &memory->queue;
    const struct block_use *busy = NULL; /* one that is not reached */

    while (*slot) {
        struct block_use *use = *slot;
        if (wait) {
            cuda_count_wait();
            cuda->runtime->event_synchronize(use->event);
        } else if ((busy && busy->stream == use->stream && busy->device == use->device) ||
                   cuda->runtime->event_query(use->event) == CUDA_NOT_READY) {
            busy = use;
            slot = &use->next;
            continue;
        }
        finish_use(memory, slot);
    }
    memory->queue_end = memory->queue ? slot : NULL;
}

/* --- segments --- */

static int segment_release(struct device_memory *memory, struct block *block)
{
    struct block_set *pool = &memory->pools[block->small];

    int status = cuda->runtime->release(block->data);
    if (status != CUDA_OK)
        return status;
    stat_add(memory->stats.segment, block->small, -1);
    stat_add(memory->stats.reserved_bytes, block->small, -(int64_t)block->bytes);
    memory->stats.num_device_free++;
    block_set_remove(pool, block);
    pool->blocks--;
    mem_free(block);
    return CUDA_OK;
}

/* Gives all segments without a live block back; the device is current. The first status that is not CUDA_OK. */
static int release_segments(struct device_memory *memory)
{
    memory->stats.num_sync_all_streams++;
    finish_uses(memory, true);
    for (int small = 0; small < 2; small++) {
        struct block_set *pool = &memory->pools[small];
        for (size_t i = pool->count; i-- > 0;) {
            int status = is_split(pool->items[i]) ? CUDA_OK : segment_release(memory, pool->items[i]);
            if (status != CUDA_OK)
                return status;
        }
    }
    return CUDA_OK;
}

static struct block *block_new(struct block_set *pool, const struct request *request)
{
    struct block *block = mem_zalloc(sizeof *block);
    if (block && block_set_reserve(pool)) {
        mem_free(block);
        return NULL;
    }
    if (block) {
        block->stream = request->stream;
        block->device = (int8_t)request->device;
        block->small = request->small;
    }
    return block;
}

/* A new segment as one free block of the pool. CUDA_OK, the runtime's status, or NO_HOST_MEMORY. */
static int segment_new(struct device_memory *memory, const struct request *request, struct block **made)
{
    struct block_set *pool = &memory->pools[request->small];
    size_t bytes = segment_bytes(request);

    if (memory->limited && (size_t)memory->stats.reserved_bytes[0].current + bytes > memory->limit)
        return CUDA_OUT_OF_MEMORY;
    struct block *block = block_new(pool, request);
    if (!block)
        return NO_HOST_MEMORY;
    int status = cuda->runtime->allocate(&block->data, bytes);
    if (status != CUDA_OK) {
        pool->blocks--;
        mem_free(block);
        return status;
    }
    block->bytes = bytes;
    block_set_insert(pool, block);
    stat_add(memory->stats.segment, request->small, 1);
    stat_add(memory->stats.reserved_bytes, request->small, (int64_t)bytes);
    memory->stats.num_device_alloc++;
    *made = block;
    return CUDA_OK;
}

/* --- allocation --- */

/* A free block of at least the size, of the pool or a new segment's; NULL with the error set. */
static struct block *find_block(struct device_memory *memory, const struct request *request)
{
    finish_uses(memory, false);
    struct block *block = block_set_find(&memory->pools[request->small], request->stream, request->bytes);
    if (block)
        return block;
    int status = segment_new(memory, request, &block);
    if (status == CUDA_OUT_OF_MEMORY) {
        release_segments(memory);
        memory->stats.num_alloc_retries++;
        status = segment_new(memory, request, &block);
    }
    if (status == CUDA_OUT_OF_MEMORY) {
        memory->stats.num_ooms++;
        set_out_of_memory(request->device, segment_bytes(request));
    } else if (status != NO_HOST_MEMORY) {
        cuda_check(status);
    }
    return status == CUDA_OK ? block : NULL;
}

/* What is left of a block is worth keeping apart. */
static bool is_worth_splitting(const struct block *block, const struct request *request)
{
    size_t rest = block->bytes - request->bytes;
    return request->small ? rest >= BLOCK_STEP : rest > SMALL_MOST;
}

/* Makes `rest`, a new block, the part of `block` behind the first `bytes`. */
static void cut(struct block *block, size_t bytes, struct block *rest)
{
    rest->data = (char *)block->data + bytes;
    rest->bytes = block->bytes - bytes;
    rest->before = block;
    rest->after = block->after;
    if (rest->after)
        rest->after->before = rest;
    block->after = rest;
    block->bytes = bytes;
}

/* Makes a free block live, cut to size where that pays. The address, or NULL (error MEMORY) and nothing is changed. */
static void *hand_out(struct device_memory *memory, struct block *block, const struct request *request)
{
    struct block_set *pool = &memory->pools[request->small];
    struct split_change change = {0, 0};
    struct block *rest = NULL;

    if (block_table_reserve() ||
        (is_worth_splitting(block, request) && !(rest = block_new(pool, request))))
        return NULL;
    leave_pool(pool, block, &change);
    if (rest) {
        cut(block, request->bytes, rest);
        enter_pool(pool, rest, &change);
    }
    note_split(&memory->stats, request->small, &change);
    block->state = BLOCK_LIVE;
    block->requested = request->asked;
    block_table_insert(block);
    stat_add(memory->stats.allocation, request->small, 1);
    stat_add(memory->stats.allocated_bytes, request->small, (int64_t)block->bytes);
    stat_add(memory->stats.active, request->small, 1);
    stat_add(memory->stats.active_bytes, request->small, (int64_t)block->bytes);
    stat_add(memory->stats.requested_bytes, request->small, (int64_t)block->requested);
    return block->data;
}

void *cuda_allocate(size_t bytes)
{
    int device = cuda_used();

    if (cuda_use(device) || mem_deny())
        return NULL;
    if (bytes > BYTES_MOST) {
        error_set(ERROR_OUT_OF_MEMORY, "CUDA out of memory. Tried to allocate more than 1EB memory.");
        return NULL;
    }
    struct request request = {
        .device = device,
        .stream = cuda_stream_of(device),
        .asked = bytes,
        .bytes = bytes ? round_up(bytes, BLOCK_STEP) : BLOCK_STEP,
    };
    request.small = request.bytes <= SMALL_MOST;
    struct device_memory *memory = &device_memory[device];
    pthread_mutex_lock(&memory_lock);
    struct block *block = find_block(memory, &request);
    void *data = block ? hand_out(memory, block, &request) : NULL;
    pthread_mutex_unlock(&memory_lock);
    return data;
}

static void block_release(struct block *block)
{
    struct device_memory *memory = &device_memory[block->device];

    block_table_remove(block->data);
    block->state = BLOCK_WAITING;
    stat_add(memory->stats.allocation, block->small, -1);
    stat_add(memory->stats.allocated_bytes, block->small, -(int64_t)block->bytes);
    for (struct block_use *use = block->uses, *next; use; use = next) {
        next = use->next;
        queue_use(memory, use);
    }
    block->uses = NULL;
    if (block->uses_left == 0)
        make_free(memory, block);
}

void cuda_release(void *data)
{
    if (cuda_is_bad_fork())
        return;
    pthread_mutex_lock(&memory_lock);
    struct block *block = block_table_find(data);
    if (block)
        block_release(block);
    pthread_mutex_unlock(&memory_lock);
}

int cuda_memory_empty_cache(void)
{
    int status = CUDA_OK, count = cuda_open(false) ? cuda_device_count() : 0;

    if (count == 0)
        return 0;
    pthread_mutex_lock(&memory_lock);
    for (int device = 0; device < count && status == CUDA_OK; device++) {
        struct device_memory *memory = &device_memory[device];
        if (memory->pools[false].blocks + memory->pools[true].blocks) {
            int before = cuda_switch(device);
            status = release_segments(memory);
            cuda_switch(before);
        }
    }
    pthread_mutex_unlock(&memory_lock);
    return cuda_check(status);
}

/* --- record_stream --- */

/* A use with an event of the device, which is current; NULL with the error set. */
static struct block_use *use_new(int device)
{
    struct block_use *use = device_memory[device].spare;
    if (use) {
        device_memory[device].spare = use->next;
        return use;
    }
    use = mem_alloc(sizeof *use);
    if (use && cuda_check(cuda->runtime->event_create(&use->event, false, false, false))) {
        mem_free(use);
        return NULL;
    }
    return use;
}

static bool is_known_use(const struct block *block, int device, cuda_stream stream)
{
    bool known = block->device == device && block->stream == stream;
    for (const struct block_use *use = block->uses; use && !known; use = use->next)
        known = use->device == device && use->stream == stream;
    return known;
}

static int record_use(struct block *block, int device, cuda_stream stream)
{
    if (is_known_use(block, device, stream))
        return 0;
    struct block_use *use = use_new(device);
    if (!use)
        return -1;
    use->next = block->uses;
    use->block = block;
    use->device = device;
    use->stream = stream;
    block->uses = use;
    return 0;
}

int cuda_memory_record_stream(const struct tensor *tensor, const struct cuda_stream_info *info)
{
    if (tensor->storage->device.type != DEVICE_CUDA) {
        error_set(ERROR_NOT_IMPLEMENTED, "Could not run 'aten::record_stream' with arguments from the 'CPU' backend.");
        return -1;
    }
    if (cuda_use(info->device))
        return -1;
    pthread_mutex_lock(&memory_lock);
    struct block *block = block_table_find(tensor->storage->data);
    int result = block ? record_use(block, info->device, info->stream) : 0;
    pthread_mutex_unlock(&memory_lock);
    return result;
}
