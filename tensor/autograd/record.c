#include "record.h"

/* Keeps output 0 in slot 0 if a wanted gradient reads it. */
static int keep_result(struct node *node, struct tensor *result)
{
    unsigned readers = node->class->result_edges;

    for (int edge = 0; readers >> edge; edge++)
        if (readers >> edge & 1 && node_needs(node, edge))
            return node_save_output(node, 0, result, 0);
    return 0;
}

int record_result(struct node *node, struct tensor *result, bool inplace)
{
    int status;

    if (!node)
        return -1;
    node->inplace = inplace;
    status =
        inplace ? autograd_rebase_history(result, node) : autograd_set_history(result, node, 0);
    if (status == 0)
        status = keep_result(node, result);
    node_release(node);
    return status;
}

int record_results(struct node *node, struct tensor *const *results, int count)
{
    int status = node ? 0 : -1;

    for (int i = 0; i < count && status == 0; i++)
        status = autograd_set_history(results[i], node, i);
    if (status == 0)
        status = keep_result(node, results[0]);
    if (node)
        node_release(node);
    return status;
}

int record_views(struct node *node, bool recorded, struct tensor *self, struct tensor_list *result)
{
    int status = recorded && !node ? -1 : 0;

    for (int i = 0; i < result->count && status == 0; i++) {
        status = autograd_set_view(result->items[i], self, true);
        if (status == 0 && node)
            status = autograd_set_history(result->items[i], node, i);
    }
    if (node)
        node_release(node);
    if (status < 0)
        tensor_list_release(result);
    return status;
}
