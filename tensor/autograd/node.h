/* The graph: nodes, edges, saved tensors, and what a tensor knows of it. See also engine.h, mode.h.
 *
 * Owners: tensor → autograd → grad_fn node → saved tensors, saved values and next nodes;
 * AccumulateGrad → its leaf (the leaf knows its accumulator weakly). A node that saves its own
 * output saves it without its grad_fn, else it would be a cycle. Freeing a graph uses a work list,
 * never recursion. */
#ifndef NODE_H
#define NODE_H

#include <sched.h>

#include "../core.h"

struct node;

struct edge {
    struct node *node; /* owned; NULL: this input needs no gradient */
    int input_nr;
};

/* Values that are not tensors, kept by a node, and arguments of a call in the binding. */
enum value_kind {
    VALUE_NONE,
    VALUE_TENSOR,
    VALUE_TENSORS,
    VALUE_SCALAR,
    VALUE_INT,
    VALUE_FLOAT,
    VALUE_BOOL,
    VALUE_INTS,
    VALUE_DTYPE,
    VALUE_DEVICE,
    VALUE_GENERATOR,
    VALUE_STRING,
    VALUE_LAYOUT,
    VALUE_MEMORY_FORMAT,
};

struct value {
    enum value_kind kind;
    union {
        struct tensor *tensor;
        struct tensors tensors;
        struct scalar scalar;
        int64_t i; /* INT, BOOL, LAYOUT, MEMORY_FORMAT */
        double d;
        struct ints ints;
        enum dtype dtype;
        struct device device;
        struct generator *generator;
        const char *string;
    };
};

/* How tensors are kept for backward in another form (torch.autograd.graph.saved_tensors_hooks). */
struct packing {
    /* An empty tensor that stands for `tensor` and holds the other form; NULL with the error
     * set. */
    struct tensor *(*pack)(struct tensor *tensor);
    /* The elements again (new reference), of the tensor that pack() made. */
    struct tensor *(*unpack)(struct tensor *stand_in);
};

/* A tensor kept for backward, with the version it had. */
struct saved {
    struct tensor *tensor; /* owned; NULL once freed or when None was saved */
    unsigned version;
    int output_nr;    /* ≥ 0: the node's own output, kept as an alias without grad_fn */
    bool has_history; /* it had a grad_fn, which detach_() must not have taken away since */
    const struct packing *packing; /* made `tensor`, which has the history of what it stands for */
};

/* One class a schema line: "MulBackward0". Generated, or hand-written in formulas.c, leaf.c,
 * custom.c. */
struct node_class {
    const char *name; /* the type's name as Python shows it; node_name() gives that of `.name()` */
    /* grads_in[i]: gradient of output i, never NULL for classes without `takes_undefined` (the
     * engine fills zeros). Sets grads_out[e] (new references) for each edge e with node_needs(node,
     * e); others stay NULL. 0 or -1. */
    int (*apply)(struct node *node, struct tensor *const *grads_in, struct tensor **grads_out);
    bool takes_undefined;
    int saved_count; /* tensors */
    int value_count;
    unsigned result_edges; /* bit e: the formula of edge e reads output 0, kept in slot 0 (generated
                              classes) */
    const char *const *saved_names; /* for `_saved_self` attributes */
    const char *const *value_names;
    const char *const
        *edge_names; /* the argument of each edge; NULL: not known, or lists of tensors */
    void (*release)(struct node *node); /* extra state; NULL when none */
};

/* What the engine must know of each forward output to check, fill and reduce gradients. */
struct input_meta {
    int8_t dtype;
    struct device device;
    int dims;
    int64_t sizes_inline[TENSOR_INLINE_DIMS];
    int64_t *sizes; /* sizes_inline or a mem_alloc block */
};

/* A callback on gradients: Python's, or C's. A gradient may be NULL (undefined: Python sees None).
 * A hook may remove itself or others while it runs; what is removed is freed when no hook runs any
 * more. */
struct hook {
    struct hook *next;
    int64_t id;
    /* May replace *grad (release the old, store the new). Returns 0 or -1. */
    int (*call)(struct hook *hook, struct tensor **grad);
    /* For node hooks; either list's items may be replaced. grads_out: gradients of the node's
     * outputs (what apply gets); grads_in: what apply made for its inputs, one an edge, for post
     * hooks; NULL and 0 for pre hooks. */
    int (*call_node)(struct hook *hook, struct tensor **grads_in, int in_count,
                     struct tensor **grads_out, int out_count);
    void (*free)(struct hook *hook); /* frees the hook itself and its data */
    void *data; /* a PyObject * when the binding made it (visited by tp_traverse) */
};

/* A tensor that keeps the gradient of a node's output (retain_grad). Weak: the dying tensor takes
 * itself out. */
struct retainer {
    struct retainer *next;
    struct tensor *tensor;
    int output_nr;
};

struct node {
    atomic_int refcount;
    atomic_flag lock; /* held for a few instructions: saved tensors, retainers, lists of hooks */
    const struct node_class *class;
    uint64_t sequence; /* later nodes run first */
    int edge_count;
    int input_count;
    struct edge *edges;
    struct input_meta *inputs;
    int saved_count; /* the class's, more after node_save_tensors */
    struct saved *saved;
    struct value *values;      /* ints and strings are copies owned by the node */
    bool saved_freed;          /* after a backward without retain_graph */
    bool inplace;              /* recorded by an operation in place */
    uint8_t trace;             /* the number of the stretch that it counts in (trace.h), or 0 */
    struct hook *tensor_hooks; /* on gradients of outputs; hook->id >> 32 is the output number */
    struct hook *pre_hooks, *post_hooks;
    struct retainer *retainers;
    struct tensor *leaf; /* AccumulateGrad's variable */
    void *custom;        /* autograd.Function: its PyObject state; CopySlices: its struct slices */
    void *origin;        /* in anomaly mode: the stack that made it (anomaly.h); else NULL */
    void *place;         /* whose code made it, if that is noted (anomaly.h); else NULL */
    void *python;        /* the one PyObject of this node, or NULL */
    uint8_t python_owner;
    int instruction;        /* of the code of `place` */
    struct node *free_next; /* work list of node_release */
    int input_room; /* of `inputs`; the arrays begin in the node's own block, and move out when they
                       grow */
    uint32_t block_bytes;
};

/* How a view came to be: what an in-place change of it may do. */
enum view_kind {
    VIEW_NONE,
    VIEW_DEFAULT,
    VIEW_MULTI_OUTPUT,
    VIEW_NO_GRAD,
    VIEW_INFERENCE,
    VIEW_IN_CUSTOM
};

struct autograd {
    struct tensor *grad;  /* owned */
    struct node *grad_fn; /* owned; NULL for leaves */
    int output_nr;
    atomic_flag lock; /* held for a few instructions: accumulator, and grad while it accumulates */
    struct node *accumulator; /* weak: cleared by the node when it dies */
    struct tensor *base;      /* owned: the tensor that this is a view of (never itself a view) */
    uint8_t view_kind;
    unsigned view_version; /* version at which grad_fn was made; an older one is made anew */
    bool retains_grad;
    struct hook *hooks;             /* of a leaf, run before its accumulator */
    struct hook *accumulated_hooks; /* of a leaf, run after its .grad was added to */
};

/* The tensor's autograd, made when missing. NULL with the error set. */
TENSOR_API struct autograd *autograd_of(struct tensor *tensor);
/* Frees a tensor's autograd; called once by tensor_release. */
TENSOR_API void autograd_free(struct tensor *tensor);

/* grad_fn, borrowed, up to date (a view whose base was changed in place gets AsStridedBackward0
 * anew). NULL for a leaf; on error NULL with the error set and *error true. */
TENSOR_API struct node *autograd_grad_fn(struct tensor *tensor, bool *error);
/* The node and input number where gradients of `tensor` go (its grad_fn, or its accumulator, made
 * when missing); node NULL (and 0 returned) when it requires none. The reference is the caller's.
 */
TENSOR_API int autograd_edge(struct tensor *tensor, struct edge *edge);

/* --- Recording, used by generated code --- */

/* Whether a tensor requires grad: as a leaf, by its history, or as a view of a tensor that does.
 * NULL: false. */
static inline bool tensor_tracks(const struct tensor *tensor)
{
    return tensor && (tensor->requires_grad || (tensor->autograd && tensor->autograd->base &&
                                                tensor->autograd->base->requires_grad));
}

/* True when grad mode is on and some input (NULLs skipped) requires grad: the op must be recorded.
 */
TENSOR_API bool autograd_needed(struct tensor *const *inputs, int count);
/* The same, and where it is the user's no_grad() that keeps `results` from being recorded, marks
 * them as cut. What is made there of cut tensors is cut as well. */
TENSOR_API bool autograd_records(struct tensor *const *results, int outputs,
                                 struct tensor *const *inputs, int count);
/* A node with one edge an input (NULL inputs: empty edges) and a fresh sequence number; saved slots
 * empty. */
TENSOR_API struct node *node_new(const struct node_class *class, struct tensor *const *inputs,
                                 int count);
TENSOR_API struct node *node_retain(struct node *node);
TENSOR_API void node_release(struct node *node);
/* For what this thread saves from now on; NULL: tensors are kept as they are. */
TENSOR_API void node_set_packing(const struct packing *packing);
/* Saves a tensor (NULL allowed) in slot `slot`; RUNTIME for inference tensors. */
TENSOR_API int node_save(struct node *node, int slot, struct tensor *tensor);
/* Saves the op's own output number `output_nr`; call after autograd_set_history. */
TENSOR_API int node_save_output(struct node *node, int slot, struct tensor *output, int output_nr);
/* The saved tensor, new reference; checks that it was not freed ("Trying to backward through the
 * graph a second time …") nor modified in place ("one of the variables needed for gradient
 * computation …"). A saved None gives NULL with *error false. */
TENSOR_API struct tensor *node_saved(struct node *node, int slot, bool *error);
/* A list argument (Tensor[], Tensor?[]) as the last saved slots, from `first` on; and back (items
 * owned by the caller's list, NULL where None was saved). */
TENSOR_API int node_save_tensors(struct node *node, int first, struct tensors list);
TENSOR_API int node_saved_tensors(struct node *node, int first, struct tensor_list *list);
/* Room for at least `count` saved tensors (empty ones). */
int node_reserve_saved(struct node *node, int count);
/* Copies a value (ints, strings deep; tensors not allowed) into slot `slot`. */
TENSOR_API int node_save_value(struct node *node, int slot, struct value value);
/* The sizes of a list of tensors as ints in a value slot: for each its number of dims, then its
 * sizes. */
TENSOR_API int node_save_sizes(struct node *node, int slot, struct tensors list);
/* Whether the gradient for edge `edge` is wanted: by the graph, and by the backward that is running
 * (engine.c). */
TENSOR_API bool node_needs(const struct node *node, int edge);
/* What `.name()` says: "MulBackward0", "torch::autograd::CopySlices". */
TENSOR_API const char *node_name(const struct node *node);
/* The op's name in texts ("Exp", "Sum1" of SumBackward1), into the caller's buffer, which is
 * returned. */
const char *node_op_name(const struct node *node, char *buffer, size_t capacity);
/* Adds hooks (owned from then on; their id is set) and removes them. `id`s come from one
 * process-wide counter. */
TENSOR_API void node_add_hook(struct node *node, struct hook **list, struct hook *hook,
                              int output_nr);
TENSOR_API void node_remove_hook(struct node *node, struct hook **list, int64_t id);
/* Makes `result` output `output_nr` of the node: grad_fn, requires_grad (when its dtype is
 * floating) and the node's input_meta. Outputs are added in order 0, 1, …; the result keeps a
 * reference on the node. */
TENSOR_API int autograd_set_history(struct tensor *result, struct node *node, int output_nr);
/* Marks `view` as a view of `source` (or of its base). Called for every result of a view op,
 * recorded or not. */
TENSOR_API int autograd_set_view(struct tensor *view, struct tensor *source, bool multi_output);
/* Before an in-place op on `self`, which is `recorded` when autograd_needed() of its inputs: leaf,
 * view of leaf, multi-output view, no_grad view, inference errors, in PyTorch's words. */
TENSOR_API int autograd_check_inplace(struct tensor *self, bool recorded);
/* After an in-place op that is recorded by `node`: self's history becomes the node, or for a view
 * its base's becomes CopySlices. The version was already bumped by the op. */
TENSOR_API int autograd_rebase_history(struct tensor *self, struct node *node);
/* Frees saved tensors after a backward that does not retain the graph. */
TENSOR_API void node_free_saved(struct node *node);

/* Deep copy and release of a value. */
TENSOR_API int value_copy(struct value *target, struct value source);
TENSOR_API void value_release(struct value *value);

/* A short lock over a few instructions (never over an allocation, Python or another lock). */
static inline void spin_lock(atomic_flag *lock)
{
    while (atomic_flag_test_and_set_explicit(lock, memory_order_acquire)) {
        sched_yield();
    }
}

static inline void spin_unlock(atomic_flag *lock)
{
    atomic_flag_clear_explicit(lock, memory_order_release);
}

/* A reference on what only a weak pointer is held of, under the lock that its death takes too;
 * false when it dies. */
static inline bool refcount_try_retain(atomic_int *refcount)
{
    int count = atomic_load_explicit(refcount, memory_order_relaxed);
    while (count > 0 && !atomic_compare_exchange_weak(refcount, &count, count + 1)) {
    }
    return count > 0;
}

/* Number of nodes reachable from `tensor`'s grad_fn, AccumulateGrad not counted, and bytes of the
 * distinct storages that they keep for backward. */
TENSOR_API int graph_size(struct tensor *tensor, int64_t *nodes, int64_t *bytes);

#endif
