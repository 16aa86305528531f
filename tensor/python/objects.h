/* The Python types of torch._C and the conversions between C values and Python objects, for the
 * binding's own files.
 *
 * Functions return a new reference (or 0) and NULL (or -1) with a Python exception set, unless said
 * otherwise. */
#ifndef OBJECTS_H
#define OBJECTS_H

#include "args.h"
#include "core.h"
#include "random.h"

/* What torch.__version__ says: the API followed, and who we are. */
#define TORCH_VERSION "2.13.0+mesale"

/* --- Errors (raise.c) --- */

/* Raises the core's error as a Python exception; always NULL. */
PyObject *raise_error(void);
/* Adds the exceptions that Python does not have. 0 or -1. */
int raise_setup(PyObject *module);
/* The same for functions that return -1. */
int raise_status(void);
/* The core's error becomes "Python has raised": for callbacks that ran Python. Always -1. */
int raise_pass(void);

/* --- The interpreter lock (bridge.c) --- */

/* Work of more elements than this runs without the GIL. */
#define GIL_FREE_NUMEL 16384
/* Releases the GIL around a call of the core. Cycle collection does not look through C memory
 * meanwhile. */
PyThreadState *core_enter(void);
void core_leave(PyThreadState *state);
/* True while some thread is between core_enter() and core_leave(). GIL held. */
bool core_busy(void);
/* Installs python_bridge, the warning handler and the interrupt poll. */
void bridge_install(void);
void anomaly_install(void);
/* Notes which code of the user's makes a node, if any; 0, or -1 with the core's error set. And when
 * that node is freed, on any thread. */
int place_note(struct node *node);
void place_drop(void *place);
/* (file name, line), or None where no place was noted. */
PyObject *place_line(const struct node *node);
/* Puts what anomaly mode noted of a node into its metadata, a dict. */
int origin_metadata(struct node *node, PyObject *metadata);

/* --- Tensors (tensor_type.c) --- */

struct tensor_object {
    PyObject_HEAD struct tensor *tensor; /* never NULL once made */
    PyObject *dict;
    PyObject *weakrefs;
};

extern PyTypeObject *tensor_base_type; /* torch._C.TensorBase */
extern PyTypeObject *tensor_type;      /* torch.Tensor */

int tensor_type_init(PyObject *module);

static inline bool is_tensor(PyObject *object)
{
    return Py_TYPE(object) == tensor_type || PyObject_TypeCheck(object, tensor_base_type);
}

/* The tensor of a Tensor object, borrowed. */
static inline struct tensor *tensor_of(PyObject *object)
{
    return ((struct tensor_object *)object)->tensor;
}

/* The one Python object of a tensor whose reference the caller gives away; a core error when it is
 * NULL. */
PyObject *tensor_object_take(struct tensor *tensor);
/* The same for a borrowed tensor. */
PyObject *tensor_object(struct tensor *tensor);
/* The object as an instance of `type` (made when the tensor has none yet; else an alias, as
 * Tensor.as_subclass). */
PyObject *tensor_object_as(struct tensor *tensor, PyTypeObject *type);
/* The object of a tensor (taken) that a method of `self` made, of self's class where results keep it; a core error when
 * it is NULL. */
PyObject *tensor_object_like(PyObject *self, struct tensor *tensor);
/* NULL becomes None. */
PyObject *tensor_object_or_none(struct tensor *tensor);
/* tp_traverse of what a tensor keeps in C memory (hooks, gradient, grad_fn), one level deep. */
int tensor_visit(struct tensor *tensor, visitproc visit, void *arg);
/* Visits the Python object that a tensor held by C keeps, where `tensor` has no other owner. */
int tensor_visit_held(struct tensor *tensor, visitproc visit, void *arg);

/* The subclass of which results are (default __torch_function__): tensor_type when all arguments
 * are plain. */
PyTypeObject *result_type_of(PyObject *const *objects, Py_ssize_t count);
/* The tensors of a list, given up, as a tuple of objects of that type. */
PyObject *list_take(struct tensor_list *list, PyTypeObject *type);
/* False where a class says that its results are plain (`__torch_function__ =
 * _disabled_torch_function_impl`). */
bool tensor_keeps_type(PyTypeObject *type);
/* torch.Tensor(…), torch.FloatTensor(…): sizes, a sequence, another tensor or nothing, in `dtype`;
 * DTYPE_NONE: in the default one, and another tensor whatever it has; on a device of the type `place`, which a device
 * that is given must have. NULL with an exception. */
struct tensor *tensor_legacy_new(PyObject *args, PyObject *keywords, enum dtype dtype, enum device_type place);

extern PyMethodDef predicate_methods[], predicate_functions[]; /* tensor_predicate.c */
extern PyMethodDef storage_methods[], storage_functions[]; /* tensor_storage.c */
extern PyMethodDef apply_methods[];                            /* tensor_apply.c */
extern PyMethodDef tensor_own_methods[];                       /* tensor_method.c */
extern PyMethodDef tensor_cast_methods[];                      /* tensor_cast.c */
extern PyMethodDef copy_methods[];                             /* tensor_copy.c */
extern PyMethodDef copy_functions[];
extern PyMethodDef nonzero_methods[]; /* nonzero.c */
extern PyMethodDef nonzero_functions[];
extern PyGetSetDef tensor_attributes[]; /* tensor_attr.c */
extern PyType_Slot tensor_protocols[];  /* protocol.c: numbers, length, items */

/* --- Nodes (node_type.c) --- */

struct node_object {
    PyObject_HEAD struct node *node; /* NULL: a Function's context before it has a node */
    PyObject *dict;                  /* of a Function's context: its __dict__ */
    PyObject *metadata;
    PyObject *weakrefs;
};

extern PyTypeObject *node_type; /* what all grad_fn types share; not shown to users */
int node_type_init(PyObject *module);
PyObject *node_object(struct node *node); /* borrowed node; NULL → None */
int node_object_traverse(PyObject *self, visitproc visit, void *arg);
int node_object_clear(PyObject *self);
void node_object_dealloc(PyObject *self);
/* Whether the node took over the dying object. */
bool node_object_keep(struct node_object *self);
/* What a node keeps in C memory. */
int node_visit(struct node *node, visitproc visit, void *arg);
extern PyGetSetDef node_attributes[];
extern PyMethodDef node_methods[];

/* --- autograd.Function (function_type.c) --- */

extern PyTypeObject *function_base_type; /* torch._C._FunctionBase */
int function_type_init(PyObject *module);

/* --- Hooks (hook.c) --- */

/* The callable of a hook that was made here, borrowed; NULL for C's own hooks. */
PyObject *hook_callable(const struct hook *hook);
PyObject *tensor_py_register_hook(PyObject *self, PyObject *callable);
PyObject *tensor_py_register_accumulated_hook(PyObject *self, PyObject *callable);
PyObject *node_py_register_hook(PyObject *self, PyObject *callable);
PyObject *node_py_register_prehook(PyObject *self, PyObject *callable);
int hook_type_init(PyObject *module);

/* --- Small types --- */

PyObject *dtype_object(enum dtype dtype);
/* torch.dtype, float, int, bool → dtype; DTYPE_NONE when it is none of these (no exception). */
enum dtype dtype_of(PyObject *object);
int dtype_type_init(PyObject *module);

PyObject *device_object(struct device device);
bool is_device(PyObject *object);
struct device device_of(PyObject *object);
/* torch.device, str or int. */
int device_convert(PyObject *object, struct device *device);
int device_type_init(PyObject *module);

/* --- Where tensors are made (default_device.c) --- */

/* What this thread's `with torch.device(…):` or torch.set_default_device() says; DEVICE_DEFAULT: nothing. */
struct device default_device(void);
/* Replaces DEVICE_DEFAULT by that. 0, or -1 with an exception. */
int default_device_use(struct device *device);
PyObject *device_enter(PyObject *self, PyObject *ignored);
PyObject *device_exit(PyObject *self, PyObject *raised);
extern PyMethodDef default_device_functions[];

/* --- CUDA (cuda.c, cuda_memory.c) --- */

/* Brings CUDA into use, with the seeds that its generators were given before. 0, or -1 with an exception. */
int cuda_start(void);
/* A device that a call names: where it is one of CUDA's and there are such, starts CUDA and makes "cuda" the current
 * one's index. Without any it says nothing: what needs the device does. 0, or -1 with an exception. */
int cuda_named(struct device *device);
/* Seeds the generators of all GPUs, now or once CUDA is in use. */
void cuda_seed_all(uint64_t seed);
/* The stream of a torch.cuda.Stream. 0, or -1 with an exception. */
struct cuda_stream_info;
int cuda_stream_argument(PyObject *object, struct cuda_stream_info *info);
extern PyMethodDef cuda_functions[];
extern PyMethodDef cuda_memory_functions[];
extern PyMethodDef cuda_methods[];

PyObject *size_object(int dims, const int64_t *sizes);
extern PyTypeObject *size_type;
int size_type_init(PyObject *module);

/* torch.layout and torch.memory_format, by number. */
extern PyTypeObject *layout_type, *memory_format_type;
PyObject *layout_object(int layout);
int layout_of(PyObject *object);
int layout_type_init(PyObject *module);

extern PyTypeObject *generator_type;
PyObject *generator_object(struct generator *generator);
struct generator *generator_of(PyObject *object);
/* A seed as PyTorch takes it: any 64-bit integer, negative ones modulo 2^64. 0, or -1 with an exception. */
int seed_from(PyObject *object, uint64_t *seed);
int generator_type_init(PyObject *module);

int grad_mode_type_init(PyObject *module);
int limits_type_init(PyObject *module);

/* --- Conversion (convert.c, scalar.c) --- */

/* A number (not a Tensor): bool, int, float, NumPy scalar. */
bool is_number(PyObject *object);
/* An int that is not a bool, or a NumPy integer. */
bool is_integer(PyObject *object);
bool is_bool(PyObject *object);
/* The value of a number or of a Tensor of one element. */
int scalar_from(PyObject *object, struct scalar *value);
PyObject *scalar_object(struct scalar value);
/* VALUE "Overflow when unpacking long long" when it does not fit. Uses __index__. */
int int_from(PyObject *object, int64_t *value);

/* torch.tensor(data): nested sequences, numbers, tensors, buffers. `dtype` DTYPE_NONE: inferred. */
struct tensor *tensor_from_python(PyObject *data, enum dtype dtype, struct device device);
PyObject *tensor_tolist(struct tensor *tensor);
/* The tensor itself where it is in main memory, else a copy there without history: a new reference, or NULL with an
 * exception. Other threads run while it waits for a GPU. */
struct tensor *tensor_on_host(struct tensor *tensor);
/* tensor_item() with an exception for an error; other threads run while it waits for a GPU. */
int item_of(struct tensor *tensor, struct scalar *value);
/* Whether pin_memory=True can be so of a tensor made on that device: 0, or -1 with an exception. */
int check_pinned(struct device device);
/* A new tensor (taken) as one of pinned memory. NULL with an exception. */
struct tensor *pin_take(struct tensor *tensor);
extern PyMethodDef convert_functions[]; /* tensor, as_tensor */
extern PyMethodDef convert_methods[];   /* Tensor.new_tensor */

/* --- HTML for notebooks (view.c) --- */

extern PyMethodDef view_methods[], view_functions[];

/* --- Indexing (subscript.c) --- */

PyObject *tensor_get_item(PyObject *self, PyObject *key);
int tensor_set_item(PyObject *self, PyObject *key, PyObject *value);

/* --- Functions of torch._C (settings.c, backward.c) --- */

extern PyMethodDef settings_functions[];
extern PyMethodDef saved_hooks_functions[]; /* saved_hooks.c */
extern PyMethodDef backward_functions[];
extern PyMethodDef anomaly_functions[];
extern PyMethodDef graph_functions[]; /* graph.c */
/* Tensor.backward(gradient=None, retain_graph=None, create_graph=False, inputs=None) */
PyObject *tensor_py_backward(PyObject *self, PyObject *const *args, Py_ssize_t count,
                             PyObject *names);

/* The torch.return_types structure for a named result (named.c). items are taken. */
PyObject *named_object(const struct named_result *named, struct tensor **items, PyTypeObject *type);
int named_init(PyObject *module);

/* --- Argument texts (args_error.c) --- */

/* "Tensor", "int", "numpy.ndarray": the name of an object's type in texts. */
const char *type_name(PyObject *object);

struct arguments {
    PyObject *self;          /* of a method, or NULL */
    PyObject *const *values; /* positional, then keyword values */
    Py_ssize_t count;        /* positional */
    PyObject *names;         /* tuple of keyword names, or NULL */
    Py_ssize_t keywords;
};

/* Raise TypeErrors in PyTorch's words; all return -1. */
int args_error_missing(const char *name, const struct overload_spec *overload, int from);
int args_error_extra(const char *name, const struct overload_spec *overload, Py_ssize_t given);
int args_error_keyword(const char *name, const struct overload_spec *overload,
                       const struct arguments *in);
int args_error_type(const char *name, const struct param_spec *param, int position,
                    PyObject *object);
int args_error_combination(const struct op_spec *op, const struct arguments *in);
/* A UserWarning that comes once a process, as `*warned` remembers, or each time after
 * torch.set_warn_always(True). -1 with the exception where warnings are errors. */
int warn_once(bool *warned, const char *text);
/* The warning of a deprecated overload; -1 when warnings are errors. */
int args_warn_deprecated(const struct op_spec *op, const struct overload_spec *overload);
const char *param_type_name(const struct param_spec *param);
/* The parameter of that name (or of NumPy's name for it), or -1. */
int args_find(const struct overload_spec *overload, PyObject *name);

/* --- Matching (args.c) --- */

/* Values of a matched call and what they borrow. Released by args_release(). */
#define FRAME_INTS 128
#define FRAME_TENSORS 32
struct frame {
    struct value values[ARGS_MAX];
    const struct overload_spec *overload;
    int temporary_count;
    int int_count;
    int tensor_count;
    int block_count;
    bool generator_given;
    struct tensor *temporaries[ARGS_MAX];
    void *blocks[ARGS_MAX]; /* PyMem blocks of long lists */
    int64_t ints[FRAME_INTS];
    struct tensor *tensors[FRAME_TENSORS]; /* retained */
};
/* Fills the frame from the arguments by the first overload that matches. 0 or -1 (nothing to
 * release then). */
int args_match(const struct op_spec *op, const struct arguments *in, struct frame *frame);
void args_release(struct frame *frame);

/* A tuple and a dict of a tp_new or tp_call as arguments; args_unpack() drops what it made. */
struct packed {
    PyObject *values, *names;
    struct arguments in;
};
int args_pack(struct packed *packed, PyObject *self, PyObject *args, PyObject *keywords);
void args_unpack(struct packed *packed);

#endif
