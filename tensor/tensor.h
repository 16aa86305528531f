/* The tensor and autograd library: the one public header.
 *
 * Objects are reference counted. Arguments are borrowed; a returned `struct tensor *` is a new reference that the
 * caller releases with tensor_release(). A function that can fail returns NULL or -1 and has set the thread's error
 * (error_kind(), error_message()). No function prints or exits. Functions may be called from several threads, on
 * different tensors; a tensor itself is not locked.
 *
 * Every operation of the table (`ops/`) is declared in tensor_ops.h, generated, as `tensor_<name>()`. */
#ifndef MESALE_TENSOR_H
#define MESALE_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define TENSOR_API __attribute__((visibility("default")))
#else
#define TENSOR_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The most dimensions that a tensor may have. */
#define TENSOR_MAX_DIMS 64

struct tensor;
struct generator;

/* --- Errors ------------------------------------------------------------------------------------------------- */

/* X(id, Python exception). The binding maps kinds to exceptions in one place. PYTHON: Python has already raised.
 * OUT_OF_MEMORY and ACCELERATOR are a GPU's. */
#define ERROR_KINDS(X)                                                                                        \
    X(RUNTIME, RuntimeError)                                                                                  \
    X(VALUE, ValueError)                                                                                      \
    X(TYPE, TypeError)                                                                                        \
    X(INDEX, IndexError)                                                                                      \
    X(NOT_IMPLEMENTED, NotImplementedError)                                                                   \
    X(MEMORY, MemoryError)                                                                                    \
    X(ASSERTION, AssertionError)                                                                              \
    X(OUT_OF_MEMORY, OutOfMemoryError)                                                                        \
    X(ACCELERATOR, AcceleratorError)                                                                          \
    X(INTERRUPT, KeyboardInterrupt)                                                                           \
    X(PYTHON, SystemError)

enum error_kind {
    ERROR_NONE,
#define X(id, exception) ERROR_##id,
    ERROR_KINDS(X)
#undef X
};

/* The error of this thread's last failed call; its text is valid until the next failing call of the thread. */
TENSOR_API enum error_kind error_kind(void);
/* Its symbol has a prefix: libcom_err, which comes with libzmq, exports a function of the plain name. */
TENSOR_API const char *error_message(void) __asm__("tensor_error_message");
/* Sets the thread's error (printf format, UTF-8). A kernel or caller sets it exactly once, where it checks. */
TENSOR_API void error_set(enum error_kind kind, const char *format, ...) __attribute__((format(printf, 2, 3)));
TENSOR_API void error_clear(void);

/* --- Element types, devices and scalars ---------------------------------------------------------------------- */

enum dtype {
    DTYPE_NONE = -1, /* "not given" in an optional argument */
#define DTYPE(id, ...) DTYPE_##id,
#include "dtype.def"
#undef DTYPE
    DTYPE_COUNT
};

enum device_type { DEVICE_NONE = -1, DEVICE_CPU, DEVICE_CUDA, DEVICE_TYPE_COUNT };

/* A place where storage lives; index -1 stands for the current one of its type. type DEVICE_NONE: not given. */
struct device {
    int8_t type;
    int8_t index;
};

/* How a new tensor lays out its elements: row-major, like its source, or with the channels of (N, C, H, W) or
 * (N, C, D, H, W) innermost. */
enum memory_format { MEMORY_CONTIGUOUS, MEMORY_PRESERVE, MEMORY_CHANNELS_LAST, MEMORY_CHANNELS_LAST_3D };

enum scalar_kind { SCALAR_NONE, SCALAR_BOOL, SCALAR_INT, SCALAR_FLOAT };

/* A Python number. SCALAR_NONE stands for an optional scalar that was not given. */
struct scalar {
    enum scalar_kind kind;
    union {
        int64_t i; /* BOOL (0 or 1) and INT */
        double d;  /* FLOAT */
    };
};

static inline struct scalar scalar_none(void)
{
    return (struct scalar){.kind = SCALAR_NONE, .i = 0};
}

static inline struct scalar scalar_bool(bool value)
{
    return (struct scalar){.kind = SCALAR_BOOL, .i = value};
}

static inline struct scalar scalar_int(int64_t value)
{
    return (struct scalar){.kind = SCALAR_INT, .i = value};
}

static inline struct scalar scalar_float(double value)
{
    return (struct scalar){.kind = SCALAR_FLOAT, .d = value};
}

static inline double scalar_to_double(struct scalar value)
{
    return value.kind == SCALAR_FLOAT ? value.d : (double)value.i;
}

/* Truncates a float toward zero; NaN and values out of range give INT64_MIN, as a C cast on x86 does. */
TENSOR_API int64_t scalar_to_int(struct scalar value);

/* Borrowed small arrays of arguments. `items` NULL and count -1: an optional list that was not given. */
struct ints {
    const int64_t *items;
    int count;
};

struct tensors {
    struct tensor *const *items; /* an element may be NULL where the schema says Tensor?[] */
    int count;
};

/* An optional integer or float. */
struct maybe_int {
    bool has;
    int64_t value;
};

struct maybe_float {
    bool has;
    double value;
};

/* A list that the callee allocates; tensor_list_release() frees items and array. */
struct tensor_list {
    struct tensor **items;
    int count;
};

TENSOR_API void tensor_list_release(struct tensor_list *list);

#define INTS(...)                                                                                             \
    ((struct ints){(const int64_t[]){__VA_ARGS__}, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t))})
#define INTS_NONE ((struct ints){NULL, -1})
#define MAYBE_INT_NONE ((struct maybe_int){false, 0})
#define DEVICE_DEFAULT ((struct device){DEVICE_NONE, -1})

/* "float32"; sizeof one element in bytes. */
TENSOR_API const char *dtype_name(enum dtype dtype);
TENSOR_API size_t dtype_bytes(enum dtype dtype);

/* --- Tensors -------------------------------------------------------------------------------------------------- */

TENSOR_API struct tensor *tensor_retain(struct tensor *tensor);
/* Drops one reference; NULL is allowed. A long chain of graph nodes is freed without recursion. */
TENSOR_API void tensor_release(struct tensor *tensor);

TENSOR_API int tensor_dims(const struct tensor *tensor);
TENSOR_API int64_t tensor_numel(const struct tensor *tensor);
/* dims elements each, strides counted in elements; valid while the tensor lives and is not resized. */
TENSOR_API const int64_t *tensor_sizes(const struct tensor *tensor);
TENSOR_API const int64_t *tensor_strides(const struct tensor *tensor);
TENSOR_API enum dtype tensor_dtype(const struct tensor *tensor);
TENSOR_API struct device tensor_device(const struct tensor *tensor);
/* The first element's address, or NULL for a tensor of no elements. */
TENSOR_API void *tensor_data(const struct tensor *tensor);
TENSOR_API bool tensor_is_contiguous(const struct tensor *tensor);

/* A new contiguous tensor of `sizes` whose elements are copied from `data` (same dtype), on the CPU. */
TENSOR_API struct tensor *tensor_from_data(const void *data, enum dtype dtype, struct ints sizes);
/* A 0-d tensor of the scalar's natural dtype (bool, int64, default float). */
TENSOR_API struct tensor *tensor_from_scalar(struct scalar value);
/* The single element as a scalar; RUNTIME "a Tensor with 2 elements cannot be converted to Scalar". */
TENSOR_API int tensor_item(const struct tensor *tensor, struct scalar *value);
/* What `repr()` prints, malloc'ed, UTF-8; the caller frees it with free(). */
TENSOR_API char *tensor_repr(struct tensor *tensor);

/* --- Autograd --------------------------------------------------------------------------------------------------- */

TENSOR_API bool tensor_requires_grad(const struct tensor *tensor);
/* For a leaf of floating dtype; RUNTIME otherwise, in PyTorch's words. */
TENSOR_API int tensor_set_requires_grad(struct tensor *tensor, bool requires_grad);
/* The accumulated gradient, borrowed, or NULL. */
TENSOR_API struct tensor *tensor_grad(const struct tensor *tensor);
/* Runs backward from `tensor`. `gradient` NULL means 1 and needs a single element. */
TENSOR_API int tensor_backward(struct tensor *tensor, struct tensor *gradient, bool retain_graph, bool create_graph);
/* Whether new operations are recorded on this thread; the setter returns the old value. */
TENSOR_API bool grad_mode_enabled(void);
TENSOR_API bool grad_mode_set(bool enabled);

/* --- Random numbers --------------------------------------------------------------------------------------------- */

/* The global CPU generator, borrowed. */
TENSOR_API struct generator *generator_default(void);
TENSOR_API void generator_seed(struct generator *generator, uint64_t seed);

#ifndef TENSOR_WITHOUT_OPS /* files that are compiled without the list of operations */
#include "tensor_ops.h"
#endif

#ifdef __cplusplus
}
#endif
#endif
