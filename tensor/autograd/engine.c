#include "engine.h"

#include "../shape.h"
#include "anomaly.h"
#include "hook.h"
#include "mode.h"
#include "tasks.h"

#define GRADS_SMALL 8

/* A task whose gradients are complete, in the heap: later nodes first, equals in the order in which
 * they became ready. */
struct ready {
    uint64_t sequence;
    uint32_t order;
    int task;
};

/* One backward. Everything that it needs is here, so that a hook may start another one within. */
struct run {
    struct tasks tasks;
    struct ready *heap;
    int heap_count;
    uint32_t order;
    struct ready small_heap[TASKS_SMALL];
    const struct edge *inputs; /* what is differentiated by; none: all leaves accumulate */
    int input_count;
    struct backward_options options;
    struct tensor **result;
    struct node *executed;      /* with its hooks, and the sums of what it gives */
    const struct node *running; /* its apply */
    struct run *outer;
};

static _Thread_local struct run *current __attribute__((tls_model("initial-exec")));

bool node_needs(const struct node *node, int edge)
{
    const struct node *next = node->edges[edge].node;
    if (!next || !current || current->running != node || !current->input_count) {
        return next != NULL;
    }
    int task = tasks_find(&current->tasks, next);
    return task >= 0 && task_is_wanted(&current->tasks.items[task]);
}

struct node *engine_running_node(void)
{
    return current ? current->executed : NULL;
}

/* --- the heap --- */

static bool runs_before(const struct ready *a, const struct ready *b)
{
    return a->sequence != b->sequence ? a->sequence > b->sequence : a->order < b->order;
}

static void push_ready(struct run *run, int task)
{
    struct ready item = {run->tasks.items[task].node->sequence, run->order++, task};
    int at = run->heap_count++;
    while (at > 0 && runs_before(&item, &run->heap[(at - 1) / 2])) {
        run->heap[at] = run->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    run->heap[at] = item;
}

static int pop_ready(struct run *run)
{
    int task = run->heap[0].task, at = 0;
    struct ready last = run->heap[--run->heap_count];
    for (int child; (child = 2 * at + 1) < run->heap_count; at = child) {
        if (child + 1 < run->heap_count && runs_before(&run->heap[child + 1], &run->heap[child])) {
            child++;
        }
        if (!runs_before(&run->heap[child], &last)) {
            break;
        }
        run->heap[at] = run->heap[child];
    }
    run->heap[at] = last;
    return task;
}

/* --- gradients on an edge --- */

/* Shape and dtype that gradients along an edge must have. A leaf's are asked of the leaf itself. */
static void edge_facts(const struct edge *edge, struct ints *sizes, enum dtype *dtype,
                       struct device *device)
{
    const struct tensor *leaf = edge->node->leaf;
    if (leaf) {
        *sizes = tensor_shape(leaf);
        *dtype = (enum dtype)leaf->dtype;
        *device = leaf->storage->device;
        return;
    }
    const struct input_meta *meta = &edge->node->inputs[edge->input_nr];
    *sizes = (struct ints){meta->sizes, meta->dims};
    *dtype = (enum dtype)meta->dtype;
    *device = meta->device;
}

static int error_shape(const struct node *from, int index, struct ints got, struct ints wanted)
{
    char a[1024], b[1024];
    shape_text(got, a, sizeof a);
    shape_text(wanted, b, sizeof b);
    if (from) {
        error_set(ERROR_RUNTIME,
                  "Function %s returned an invalid gradient at index %d - got %s but expected "
                  "shape compatible with %s",
                  node_name(from), index, a, b);
    } else {
        error_set(ERROR_RUNTIME,
                  "invalid gradient at index %d - got %s but expected shape compatible with %s",
                  index, a, b);
    }
    return -1;
}

/* Reduces what `from` (NULL: the caller) gave for an edge to the shape and dtype of what flowed
 * along it forward. */
static int fit_gradient(const struct node *from, int index, const struct edge *edge,
                        struct tensor **grad)
{
    struct ints sizes;
    enum dtype dtype;
    struct device device;
    edge_facts(edge, &sizes, &dtype, &device);
    if (!shape_equal(tensor_shape(*grad), sizes)) {
        if (!shape_expandable(sizes, tensor_shape(*grad))) {
            return error_shape(from, index, tensor_shape(*grad), sizes);
        }
        struct tensor *reduced = tensor_sum_to(*grad, sizes);
        if (!reduced) {
            return -1;
        }
        tensor_release(*grad);
        *grad = reduced;
    }
    if (dtype != DTYPE_NONE && (*grad)->dtype != dtype) {
        struct tensor *cast = tensor__to_copy(*grad, dtype, device, false);
        if (!cast) {
            return -1;
        }
        tensor_release(*grad);
        *grad = cast;
    }
    return 0;
}

/* Whether a gradient may be added to in place: nobody else sees it, and each element has memory of
 * its own. */
static bool is_private(const struct tensor *grad)
{
    return atomic_load(&grad->refcount) == 1 && atomic_load(&grad->storage->refcount) == 1 &&
           !grad->python && !grad->autograd && !grad->weak && !grad->storage->release_foreign &&
           shape_is_dense(grad->dims, grad->sizes, grad->strides);
}

/* *slot += grad; takes grad. */
static int add_gradient(struct tensor **slot, struct tensor *grad)
{
    if (!*slot) {
        *slot = grad;
        return 0;
    }
    struct tensor *sum = NULL;
    int status = -1;
    if (!grad_mode_enabled() && is_private(*slot)) {
        status = tensor_add_(*slot, grad, scalar_int(1));
        sum = grad;
    } else if (!grad_mode_enabled() && is_private(grad)) {
        status = tensor_add_(grad, *slot, scalar_int(1));
        sum = *slot;
        *slot = grad;
    } else if ((sum = tensor_add(*slot, grad, scalar_int(1)))) {
        status = 0;
        tensor_release(*slot);
        *slot = sum;
        sum = grad;
    } else {
        sum = grad;
    }
    tensor_release(sum);
    return status;
}

/* Hands a gradient (taken, NULL when undefined) on along an edge. */
static int deliver(struct run *run, const struct edge *edge, struct tensor *grad)
{
    int index = tasks_find(&run->tasks, edge->node);
    struct task *task = &run->tasks.items[index];
    task->missing--;
    struct tensor **grads = task_is_wanted(task) ? task_grads(task) : NULL;
    if (!grads) {
        tensor_release(grad);
        return task_is_wanted(task) ? -1 : 0;
    }
    if (grad && add_gradient(&grads[edge->input_nr], grad)) {
        return -1;
    }
    if (task->missing == 0) {
        push_ready(run, index);
    }
    return 0;
}

static int deliver_all(struct run *run, const struct edge *edges, int count, struct tensor **grads)
{
    for (int i = 0; i < count; i++) {
        struct tensor *grad = grads[i];
        grads[i] = NULL;
        if (!edges[i].node) {
            tensor_release(grad);
        } else if (deliver(run, &edges[i], grad)) {
            return -1;
        }
    }
    return 0;
}

/* --- running a node --- */

static int fill_undefined(struct node *node, struct tensor **grads)
{
    for (int i = 0; i < node->input_count; i++) {
        const struct input_meta *meta = &node->inputs[i];
        if (!grads[i] && meta->dtype != DTYPE_NONE) {
            grads[i] = tensor_zeros((struct ints){meta->sizes, meta->dims}, (enum dtype)meta->dtype,
                                    meta->device);
            if (!grads[i]) {
                return -1;
            }
        }
    }
    return 0;
}

static int call_apply(struct run *run, struct node *node, struct tensor **grads,
                      struct tensor **out)
{
    bool defined = false;
    for (int i = 0; i < node->input_count; i++) {
        defined |= grads[i] != NULL;
    }
    if (!node->class->takes_undefined) {
        if (!defined) {
            return 0; /* nothing comes in: nothing goes out */
        }
        if (fill_undefined(node, grads)) {
            return -1;
        }
    }
    run->running = node;
    int status = node->class->apply(node, grads, out);
    run->running = NULL;
    return status;
}

int engine_call_node(struct node *node, struct tensor **grads, struct tensor **out)
{
    struct run run = {.running = NULL};
    return call_apply(&run, node, grads, out);
}

/* The gradients of a node's inputs, with its hooks. */
static int differentiate(struct run *run, struct node *node, struct tensor **grads,
                         struct tensor **out)
{
    if (hooks_run_pre(node, grads) || call_apply(run, node, grads, out)) {
        return -1;
    }
    if (!run->options.retain_graph) {
        node_free_saved(node);
    }
    for (int i = 0; i < node->edge_count; i++) {
        if (out[i] && node->edges[i].node && fit_gradient(node, i, &node->edges[i], &out[i])) {
            return -1;
        }
    }
    if (hooks_run_post(node, out, grads)) {
        return -1;
    }
    return anomaly_enabled() && anomaly_checks_nan() ? anomaly_check(node, out) : 0;
}

static int run_node(struct run *run, struct node *node, struct tensor **grads, struct tensor **out)
{
    run->executed = node;
    if (differentiate(run, node, grads, out)) {
        if (anomaly_enabled() && anomaly_handler.report) {
            anomaly_handler.report(node);
        }
        return -1;
    }
    /* dropped before they are handed on: a gradient that passes unchanged then has one owner again
     */
    for (int i = 0; i < node->input_count; i++) {
        tensor_clear(&grads[i]);
    }
    return deliver_all(run, node->edges, node->edge_count, out);
}

static void capture(struct run *run, const struct node *node, struct tensor **grads)
{
    for (int i = 0; i < run->input_count; i++) {
        if (run->inputs[i].node == node) {
            run->result[i] = tensor_retain(grads[run->inputs[i].input_nr]);
        }
    }
}

static int execute(struct run *run, int index)
{
    struct task *task = &run->tasks.items[index];
    struct node *node = task->node;
    struct tensor *small[GRADS_SMALL] = {NULL}, **out = small;
    /* as PyTorch: on the way to another result a gradient is taken before its hooks, at the end of
     * the way after them */
    if (task->captured && task->needed) {
        capture(run, node, task->grads);
    }
    if (hooks_run_tensor(node, task->grads)) {
        return -1;
    }
    if (!task->needed) {
        capture(run, node, task->grads);
        return 0;
    }
    if (node->edge_count > GRADS_SMALL &&
        !(out = mem_zalloc((size_t)node->edge_count * sizeof *out))) {
        return -1;
    }
    int status = run_node(run, node, task->grads, out);
    for (int i = 0; i < node->edge_count && status; i++) {
        tensor_release(out[i]);
    }
    if (out != small) {
        mem_free(out);
    }
    return status;
}

/* --- starting --- */

static int collect_tasks(struct run *run, const struct edge *roots, int count)
{
    for (int i = 0; i < run->input_count; i++) {
        int task = run->inputs[i].node ? tasks_add(&run->tasks, run->inputs[i].node) : 0;
        if (task < 0) {
            return -1;
        }
        if (run->inputs[i].node) {
            *(run->options.accumulate ? &run->tasks.items[task].needed
                                      : &run->tasks.items[task].captured) = true;
        }
    }
    for (int i = 0; i < count; i++) {
        int task = tasks_add(&run->tasks, roots[i].node);
        if (task < 0 || tasks_walk(&run->tasks, task, run->input_count > 0)) {
            return -1;
        }
        run->tasks.items[task].missing++;
    }
    if (run->tasks.count > TASKS_SMALL) {
        run->heap = mem_alloc((size_t)run->tasks.count * sizeof *run->heap);
    }
    return run->heap ? 0 : -1;
}

static int run_tasks(struct run *run, const struct edge *roots, struct tensor **grads, int count)
{
    struct work work;
    if (collect_tasks(run, roots, count)) {
        return -1;
    }
    for (int i = 0; i < count; i++) {
        if (fit_gradient(NULL, i, &roots[i], &grads[i])) {
            return -1;
        }
    }
    if (deliver_all(run, roots, count, grads)) {
        return -1;
    }
    work_start(&work);
    while (run->heap_count > 0) {
        if (!work_goes_on(&work) || execute(run, pop_ready(run))) {
            return -1;
        }
    }
    return 0;
}

/* The gradient to start from: the given one, or ones. `tracks`: the root requires grad. */
static int root_gradient(struct tensor *root, struct tensor *given, int index, struct tensor **grad)
{
    char a[1024], b[1024];
    if (!given && tensor_tracks(root) && root->numel != 1) {
        error_set(ERROR_RUNTIME, "grad can be implicitly created only for scalar outputs");
        return -1;
    }
    if (given && !shape_equal(tensor_shape(given), tensor_shape(root))) {
        error_set(ERROR_RUNTIME,
                  "Mismatch in shape: grad_output[%d] has a shape of torch.Size(%s) and output[%d] "
                  "has a shape of "
                  "torch.Size(%s).",
                  index, shape_text(tensor_shape(given), a, sizeof a), index,
                  shape_text(tensor_shape(root), b, sizeof b));
        return -1;
    }
    if (given) {
        *grad = tensor_retain(given);
    } else if (tensor_tracks(root)) {
        *grad = tensor_ones_like(root, MEMORY_PRESERVE, DTYPE_NONE, DEVICE_DEFAULT);
        return *grad ? 0 : -1;
    }
    return 0;
}

static int root_edges(struct tensors roots, struct tensors gradients, struct edge *edges,
                      struct tensor **grads)
{
    for (int i = 0; i < roots.count; i++) {
        if (root_gradient(roots.items[i], i < gradients.count ? gradients.items[i] : NULL, i,
                          &grads[i])) {
            return -1;
        }
    }
    for (int i = 0; i < roots.count; i++) {
        if (autograd_edge(roots.items[i], &edges[i])) {
            return -1;
        }
        if (!edges[i].node) {
            error_set(ERROR_RUNTIME,
                      "element %d of tensors does not require grad and does not have a grad_fn", i);
            return -1;
        }
    }
    return 0;
}

static int input_edges(struct tensors inputs, bool accumulate, struct edge *edges)
{
    for (int i = 0; i < inputs.count; i++) {
        if (accumulate && tensor_retain_grad(inputs.items[i])) {
            return -1;
        }
        if (!tensor_tracks(inputs.items[i])) {
            error_set(ERROR_RUNTIME, "One of the differentiated Tensors does not require grad");
            return -1;
        }
        if (autograd_edge(inputs.items[i], &edges[i])) {
            return -1;
        }
    }
    return 0;
}

static int check_used(const struct run *run)
{
    for (int i = 0; i < run->input_count && !run->options.accumulate && !run->options.allow_unused;
         i++) {
        if (!run->result[i]) {
            error_set(ERROR_RUNTIME,
                      "The differentiated Tensor at index %d appears to not have been used in the "
                      "graph. Set "
                      "allow_unused=True if this is the desired behavior.",
                      i);
            return -1;
        }
    }
    return 0;
}

static int warn_of_cycle(struct backward_options options)
{
    static atomic_flag warned = ATOMIC_FLAG_INIT;
    if (!options.accumulate || !options.create_graph || atomic_flag_test_and_set(&warned)) {
        return 0;
    }
    return warning_emit("Using backward() with create_graph=True will create a reference cycle "
                        "between the parameter and its "
                        "gradient which can cause a memory leak. We recommend using autograd.grad "
                        "when creating the graph to "
                        "avoid this. If you have to use this function, make sure to reset the "
                        ".grad fields of your parameters "
                        "to None after use to break the cycle and avoid the leak.");
}

/* Runs with the mode that derivatives are computed in, as the innermost run of this thread. */
static int start(struct run *run, const struct edge *roots, struct tensor **grads, int count)
{
    bool recording = grad_mode_set(run->options.create_graph);
    run->outer = current;
    current = run;
    tasks_init(&run->tasks);
    run->heap = run->small_heap;
    int status = run_tasks(run, roots, grads, count);
    tasks_release(&run->tasks);
    if (run->heap != run->small_heap) {
        mem_free(run->heap);
    }
    current = run->outer;
    grad_mode_set(recording);
    return status ? status : check_used(run);
}

static void release_edges(struct edge *edges, int count)
{
    for (int i = 0; i < count; i++) {
        node_release(edges[i].node);
    }
}

int engine_backward(struct tensors roots, struct tensors gradients, struct tensors inputs,
                    struct backward_options options, struct tensor **result)
{
    struct run run = {.input_count = inputs.count, .options = options, .result = result};
    size_t edge_count = (size_t)roots.count + (size_t)inputs.count;
    struct edge small_edges[GRADS_SMALL] = {{NULL, 0}}, *edges = small_edges;
    struct tensor *small_grads[GRADS_SMALL] = {NULL}, **grads = small_grads;
    int status = -1;
    if (edge_count > GRADS_SMALL) {
        edges = mem_zalloc(edge_count * sizeof *edges);
        grads = edges ? mem_zalloc(edge_count * sizeof *grads) : NULL;
        if (!grads) {
            goto done;
        }
    }
    for (int i = 0; i < inputs.count && !options.accumulate; i++) {
        result[i] = NULL;
    }
    run.inputs = edges + roots.count;
    if (root_edges(roots, gradients, edges, grads) ||
        input_edges(inputs, options.accumulate, edges + roots.count) || warn_of_cycle(options)) {
        goto done;
    }
    status = start(&run, edges, grads, roots.count);
    for (int i = 0; i < inputs.count && status && !options.accumulate; i++) {
        tensor_clear(&result[i]);
    }
done:
    for (int i = 0; i < roots.count && grads; i++) {
        tensor_release(grads[i]);
    }
    if (edges) {
        release_edges(edges, (int)edge_count);
    }
    if (edges != small_edges) {
        mem_free(edges);
        mem_free(grads);
    }
    return status;
}

int tensor_backward(struct tensor *tensor, struct tensor *gradient, bool retain_graph,
                    bool create_graph)
{
    struct backward_options options = {
        .retain_graph = retain_graph, .create_graph = create_graph, .accumulate = true};
    return engine_backward((struct tensors){&tensor, 1}, (struct tensors){&gradient, 1},
                           (struct tensors){NULL, 0}, options, NULL);
}
