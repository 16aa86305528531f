/* What a graph costs. */
#include <stdlib.h>

#include "leaf.h"
#include "tasks.h"
#include "view.h"

struct storages {
    struct storage **items;
    size_t count, room;
};

static int add_storage(struct storages *list, struct storage *storage)
{
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 64;
        struct storage **items = mem_alloc(room * sizeof *items);
        if (!items) {
            return -1;
        }
        for (size_t i = 0; i < list->count; i++) {
            items[i] = list->items[i];
        }
        mem_free(list->items);
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = storage;
    return 0;
}

static int add_saved(struct storages *list, struct node *node)
{
    for (int i = 0; i < node->saved_count; i++) {
        if (node->saved[i].tensor && add_storage(list, node->saved[i].tensor->storage)) {
            return -1;
        }
    }
    struct node *inner = slices_inner(node);
    return inner ? add_saved(list, inner) : 0;
}

static int by_address(const void *a, const void *b)
{
    const struct storage *const *left = a, *const *right = b;
    return (*left > *right) - (*left < *right);
}

static int64_t distinct_bytes(struct storages *list)
{
    int64_t bytes = 0;
    if (list->count) {
        qsort(list->items, list->count, sizeof *list->items, by_address);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (i == 0 || list->items[i] != list->items[i - 1]) {
            bytes += (int64_t)list->items[i]->bytes;
        }
    }
    return bytes;
}

int graph_size(struct tensor *tensor, int64_t *nodes, int64_t *bytes)
{
    bool error = false;
    struct node *root = autograd_grad_fn(tensor, &error);
    struct storages list = {NULL, 0, 0};
    struct tasks tasks;
    *nodes = *bytes = 0;
    if (error || !root) {
        return error ? -1 : 0;
    }
    tasks_init(&tasks);
    int first = tasks_add(&tasks, root);
    int status = first < 0 ? -1 : tasks_walk(&tasks, first, false);
    for (int i = 0; i < tasks.count && status == 0; i++) {
        struct node *node = tasks.items[i].node;
        *nodes += node->class != &AccumulateGrad_class;
        status = add_saved(&list, node);
    }
    if (status == 0) {
        *bytes = distinct_bytes(&list);
    }
    tasks_release(&tasks);
    mem_free(list.items);
    return status;
}
