/* What the files of the caching allocator share: blocks, the sets of free ones, the table of live ones. Everything
 * here is guarded by memory_lock; the rules are told in device.h. */
#ifndef CUDA_MEMORY_H
#define CUDA_MEMORY_H

#include <pthread.h>

#include "cuda.h"

enum { BLOCK_STEP = 512 };
#define MIB ((size_t)1 << 20)

/* Another stream that a block is used by, recorded while the block lives. When the block is released the event is
 * recorded on the stream, and the use waits in its device's queue until that is reached. */
struct block_use {
    struct block_use *next;
    struct block *block;
    int device; /* the stream's, seldom another one than the block's */
    cuda_stream stream;
    cuda_event event;
};

enum block_state { BLOCK_FREE, BLOCK_LIVE, BLOCK_WAITING /* released, its uses are in the queue */ };

/* A part of a segment, or a whole one. */
struct block {
    void *data;
    size_t bytes, requested; /* `requested` of a live or waiting one */
    struct block *before, *after; /* its neighbours in the segment */
    cuda_stream stream; /* the only one that it is given out to */
    struct block_use *uses; /* of a live one */
    int uses_left; /* of a waiting one */
    int8_t device;
    bool small; /* of which pool */
    enum block_state state;
};

/* Free blocks of one pool in the order of stream, size, address. `room` is at least the number of blocks that the pool
 * has in any state, so that a release never needs memory. */
struct block_set {
    struct block **items;
    size_t count, room;
    size_t blocks;
};

struct device_memory {
    struct block_set pools[2]; /* [true]: the small one */
    struct block_use *queue, **queue_end; /* oldest first; queue_end NULL: empty */
    struct block_use *spare; /* with events of this device, for the next uses */
    bool limited;
    size_t limit; /* of reserved bytes, of a limited one */
    struct cuda_memory_stats stats;
};

extern pthread_mutex_t memory_lock;
extern struct device_memory device_memory[CUDA_MAX_DEVICES];

/* --- blocks.c --- */

/* Room for one more block of the pool, which is counted then. 0 or -1 (error MEMORY). */
int block_set_reserve(struct block_set *set);
void block_set_insert(struct block_set *set, struct block *block);
void block_set_remove(struct block_set *set, struct block *block);
/* The smallest free block of the stream that has `bytes`, of several that at the lowest address; NULL: none. */
struct block *block_set_find(const struct block_set *set, cuda_stream stream, size_t bytes);

/* Room in the table of live blocks for one more. 0 or -1 (error MEMORY). */
int block_table_reserve(void);
void block_table_insert(struct block *block);
/* The live block of that address, or NULL. */
struct block *block_table_find(const void *data);
void block_table_remove(const void *data);

/* --- allocator_stats.c --- */

/* Adds to the figure of all and to that of the pool. */
void stat_add(struct cuda_stat stat[3], bool small, int64_t amount);

/* --- out_of_memory.c --- */

/* The error of a segment of `bytes` that cannot be had, on the current device. */
void set_out_of_memory(int device, size_t bytes);

#endif
