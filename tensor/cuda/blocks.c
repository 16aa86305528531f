/* Sets of free blocks, and the table that finds a live block by its address. */
#include <string.h>

#include "memory.h"

/* --- sets: sorted arrays --- */

int block_set_reserve(struct block_set *set)
{
    if (set->blocks == set->room) {
        size_t room = set->room ? 2 * set->room : 64;
        struct block **items = mem_alloc(room * sizeof *items);
        if (!items)
            return -1;
        if (set->count)
            memcpy(items, set->items, set->count * sizeof *items);
        mem_free(set->items);
        set->items = items;
        set->room = room;
    }
    set->blocks++;
    return 0;
}

/* Whether a block comes before a place in the order. */
static bool comes_before(const struct block *block, cuda_stream stream, size_t bytes, const void *data)
{
    if (block->stream != stream)
        return (uintptr_t)block->stream < (uintptr_t)stream;
    if (block->bytes != bytes)
        return block->bytes < bytes;
    return (uintptr_t)block->data < (uintptr_t)data;
}

static size_t place_in(const struct block_set *set, cuda_stream stream, size_t bytes, const void *data)
{
    size_t low = 0, high = set->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (comes_before(set->items[middle], stream, bytes, data))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void block_set_insert(struct block_set *set, struct block *block)
{
    size_t place = place_in(set, block->stream, block->bytes, block->data);
    memmove(set->items + place + 1, set->items + place, (set->count - place) * sizeof *set->items);
    set->items[place] = block;
    set->count++;
}

void block_set_remove(struct block_set *set, struct block *block)
{
    size_t place = place_in(set, block->stream, block->bytes, block->data);
    set->count--;
    memmove(set->items + place, set->items + place + 1, (set->count - place) * sizeof *set->items);
}

struct block *block_set_find(const struct block_set *set, cuda_stream stream, size_t bytes)
{
    size_t place = place_in(set, stream, bytes, NULL);
    return place < set->count && set->items[place]->stream == stream ? set->items[place] : NULL;
}

/* --- the table: open addressing, the next slot after a taken one --- */

static struct {
    struct block **slots; /* a power of two of them, at least half are NULL */
    size_t capacity, count;
} table;

static size_t home_of(const void *data, size_t capacity)
{
    /* Fibonacci hashing (Knuth, volume 3, 6.4): the product's high bits depend on all bits of the address. */
    return (size_t)(((uintptr_t)data / BLOCK_STEP) * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (capacity - 1);
}

static size_t slot_of(const void *data)
{
    size_t slot = home_of(data, table.capacity);
    while (table.slots[slot] && table.slots[slot]->data != data)
        slot = (slot + 1) & (table.capacity - 1);
    return slot;
}

int block_table_reserve(void)
{
    if (2 * (table.count + 1) <= table.capacity)
        return 0;
    struct block **old = table.slots;
    size_t old_capacity = table.capacity, capacity = old_capacity ? 2 * old_capacity : 256;
    struct block **slots = mem_zalloc(capacity * sizeof *slots);
    if (!slots)
        return -1;
    table.slots = slots;
    table.capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i])
            slots[slot_of(old[i]->data)] = old[i];
    }
    mem_free(old);
    return 0;
}

void block_table_insert(struct block *block)
{
    table.slots[slot_of(block->data)] = block;
    table.count++;
}

struct block *block_table_find(const void *data)
{
    return data && table.capacity ? table.slots[slot_of(data)] : NULL;
}

void block_table_remove(const void *data)
{
    size_t mask = table.capacity - 1, hole = slot_of(data);

    /* those behind it move up where the hole would cut them off from their home */
    for (size_t slot = (hole + 1) & mask; table.slots[slot]; slot = (slot + 1) & mask) {
        size_t home = home_of(table.slots[slot]->data, table.capacity);
        if (((slot - home) & mask) >= ((slot - hole) & mask)) {
            table.slots[hole] = table.slots[slot];
            hole = slot;
        }
    }
    table.slots[hole] = NULL;
    table.count--;
}
