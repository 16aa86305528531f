#include "tasks.h"

#include <string.h>

#define SMALL_SLOTS 64
_Static_assert(sizeof((struct tasks *)0)->small_slots == SMALL_SLOTS * sizeof(uint32_t),
               "a power of two");

void tasks_init(struct tasks *tasks)
{
    tasks->items = tasks->small_items;
    tasks->count = 0;
    tasks->room = TASKS_SMALL;
    tasks->slots = tasks->small_slots;
    tasks->slot_mask = SMALL_SLOTS - 1;
    memset(tasks->small_slots, 0, sizeof tasks->small_slots);
}

static void release_grads(struct task *task)
{
    if (task->node->input_count == 1 || !task->grads) {
        tensor_release(task->single);
        return;
    }
    for (int i = 0; i < task->node->input_count; i++) {
        tensor_release(task->grads[i]);
    }
    mem_free(task->grads);
}

void tasks_release(struct tasks *tasks)
{
    for (int i = 0; i < tasks->count; i++) {
        release_grads(&tasks->items[i]);
    }
    if (tasks->items != tasks->small_items) {
        mem_free(tasks->items);
    }
    if (tasks->slots != tasks->small_slots) {
        mem_free(tasks->slots);
    }
}

static uint32_t slot_of(const struct tasks *tasks, const struct node *node)
{
    uint64_t hash =
        ((uint64_t)(uintptr_t)node >> 6) * 0x9E3779B97F4A7C15u; /* 2^64 / golden ratio */
    uint32_t slot = (uint32_t)(hash >> 32) & tasks->slot_mask;
    while (tasks->slots[slot] && tasks->items[tasks->slots[slot] - 1].node != node) {
        slot = (slot + 1) & tasks->slot_mask;
    }
    return slot;
}

int tasks_find(const struct tasks *tasks, const struct node *node)
{
    return (int)tasks->slots[slot_of(tasks, node)] - 1;
}

/* Twice the room; the table stays at most half full. */
static int grow(struct tasks *tasks)
{
    int room = 2 * tasks->room;
    uint32_t mask = 2 * tasks->slot_mask + 1;
    struct task *items = mem_alloc((size_t)room * sizeof *items);
    uint32_t *slots = items ? mem_zalloc(((size_t)mask + 1) * sizeof *slots) : NULL;
    if (!slots) {
        mem_free(items);
        return -1;
    }
    memcpy(items, tasks->items, (size_t)tasks->count * sizeof *items);
    for (int i = 0; i < tasks->count; i++) {
        if (items[i].grads == &tasks->items[i].single) {
            items[i].grads = &items[i].single;
        }
    }
    if (tasks->items != tasks->small_items) {
        mem_free(tasks->items);
    }
    if (tasks->slots != tasks->small_slots) {
        mem_free(tasks->slots);
    }
    tasks->items = items;
    tasks->room = room;
    tasks->slots = slots;
    tasks->slot_mask = mask;
    for (int i = 0; i < tasks->count; i++) {
        slots[slot_of(tasks, items[i].node)] = (uint32_t)i + 1;
    }
    return 0;
}

int tasks_add(struct tasks *tasks, struct node *node)
{
    uint32_t slot = slot_of(tasks, node);
    if (tasks->slots[slot]) {
        return (int)tasks->slots[slot] - 1;
    }
    if (tasks->count == tasks->room) {
        if (grow(tasks)) {
            return -1;
        }
        slot = slot_of(tasks, node);
    }
    tasks->items[tasks->count] = (struct task){.node = node, .parent = -1};
    tasks->slots[slot] = (uint32_t)++tasks->count;
    return tasks->count - 1;
}

/* Takes one step of the walk from `current`: down its next edge, or back up. Returns the task to go
 * on from, -1 at the end, -2 on error. */
static int walk_step(struct tasks *tasks, int current, bool pruned)
{
    struct task *task = &tasks->items[current];
    if (task->edge == task->node->edge_count) {
        if (task->parent >= 0 && task_is_wanted(task)) {
            tasks->items[task->parent].needed = true;
        }
        return task->parent;
    }
    struct node *next = task->node->edges[task->edge++].node;
    if (!next) {
        return current;
    }
    int child = tasks_add(tasks, next);
    if (child < 0) {
        return -2;
    }
    struct task *found = &tasks->items[child];
    found->missing++;
    if (found->visited) {
        /* the graph has no cycles: a visited child is finished */
        tasks->items[current].needed |= task_is_wanted(found);
        return current;
    }
    found->visited = true;
    found->needed |= !pruned;
    found->parent = current;
    return child;
}

int tasks_walk(struct tasks *tasks, int root, bool pruned)
{
    struct task *first = &tasks->items[root];
    if (first->visited) {
        return 0;
    }
    first->visited = true;
    first->needed |= !pruned;
    for (int current = root; current >= 0;) {
        current = walk_step(tasks, current, pruned);
        if (current == -2) {
            return -1;
        }
    }
    return 0;
}

struct tensor **task_grads(struct task *task)
{
    if (task->grads) {
        return task->grads;
    }
    task->grads = task->node->input_count == 1
                      ? &task->single
                      : mem_zalloc((size_t)task->node->input_count * sizeof *task->grads);
    return task->grads;
}
