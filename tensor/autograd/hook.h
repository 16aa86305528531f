/* Hooks and retained gradients, for the files of autograd. */
#ifndef HOOK_H
#define HOOK_H

#include "node.h"

/* Frees a whole list that nobody else can see any more. */
void hooks_free(struct hook *list);
void retainers_free(struct retainer *list);

/* Runs, when the gradients of a node's outputs are complete, the hooks of its output tensors (of
 * the leaf, for an accumulator), then stores the gradients that retain_grad() asked for. `grads`
 * has input_count items, NULL where undefined; hooks may replace them. 0 or -1. */
int hooks_run_tensor(struct node *node, struct tensor **grads);
/* The node's own hooks before and after apply. */
int hooks_run_pre(struct node *node, struct tensor **grads_out);
int hooks_run_post(struct node *node, struct tensor **grads_in, struct tensor **grads_out);

/* The hooks of a leaf whose .grad was added to. */
int hooks_run_accumulated(struct tensor *leaf);

/* The retained gradient follows a tensor to its new grad_fn, and ends with the tensor. */
void retainer_move(struct tensor *tensor, struct node *from, struct node *to, int output_nr);
void retainer_drop(struct tensor *tensor, struct node *node);

#endif
