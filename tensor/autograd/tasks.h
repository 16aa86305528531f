/* The nodes that one backward visits: found by a depth-first walk, numbered, counted how often each
 * is pointed to. A table of the run's own, because several threads may run backward through the
 * same nodes. */
#ifndef TASKS_H
#define TASKS_H

#include "node.h"

#define TASKS_SMALL 24

struct task {
    struct node *node;     /* alive through the roots, which the caller holds */
    struct tensor **grads; /* one an output of the node: &single, or a block once one came in */
    struct tensor *single;
    int64_t missing;  /* edges on which a gradient is still to come */
    int parent, edge; /* of the walk */
    bool visited;
    bool captured; /* some of its gradients are results */
    bool needed;   /* to be run */
};

struct tasks {
    struct task *items;
    int count, room;
    uint32_t *slots; /* hash table of task numbers + 1, 0: vacant */
    uint32_t slot_mask;
    struct task small_items[TASKS_SMALL];
    uint32_t small_slots[2 * TASKS_SMALL + 16];
};

void tasks_init(struct tasks *tasks);
/* Frees the arrays and the gradients that are left. */
void tasks_release(struct tasks *tasks);
/* The node's task number, or -1. */
int tasks_find(const struct tasks *tasks, const struct node *node);
/* The same, added when missing; -1 with the error set when there is no memory. */
int tasks_add(struct tasks *tasks, struct node *node);
/* Walks all that is reachable from `root` (added already) and was not visited, counting edges. With
 * `pruned`, `needed` spreads from tasks that are needed or captured to those that lead there; else
 * all are needed. */
int tasks_walk(struct tasks *tasks, int root, bool pruned);
/* The array of a task's gradients, made when missing. */
struct tensor **task_grads(struct task *task);

static inline bool task_is_wanted(const struct task *task)
{
    return task->needed || task->captured;
}

#endif
