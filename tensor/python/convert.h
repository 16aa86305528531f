/* NumPy's arrays and scalars, recognised and read without importing NumPy (array.c). */
#ifndef CONVERT_H
#define CONVERT_H

#include "backend.h"
#include "objects.h"
#include "shape.h"

/* Whether the object is a NumPy array. */
bool is_array(PyObject *object);
/* The dtype of a NumPy array or scalar: true when the object is one; *dtype is DTYPE_NONE with an
 * exception when it has no counterpart. */
bool array_dtype(PyObject *object, enum dtype *dtype);
/* Appends the array's sizes. 0, or -1 with an exception. */
int array_append_sizes(PyObject *array, struct shape *shape);
/* A tensor that shares the array's memory and keeps the array. NULL with an exception. */
struct tensor *array_tensor(PyObject *array);
/* Ends a storage that lies over a Py_buffer (allocated by PyMem_Malloc), whose owner that is: the
 * last tensor on it may die on any thread. */
void buffer_owner_release(void *owner);
/* The same for a user who will see the sharing: warns, once, where the array is not writable. */
struct tensor *array_shared(PyObject *array);
/* Makes the tensor require grad as a factory's `requires_grad=True` does; takes it. The Tensor, or
 * NULL with an exception. */
PyObject *convert_finish(struct tensor *tensor, bool requires_grad);

extern PyMethodDef buffer_functions[]; /* frombuffer, asarray */
extern PyMethodDef dlpack_functions[];
extern PyMethodDef dlpack_methods[];  /* Tensor.__dlpack__ */
extern PyMethodDef array_functions[]; /* from_numpy */
extern PyMethodDef array_methods[];   /* Tensor.numpy, Tensor.__array__ */
int array_type_init(PyObject *module);

#endif
