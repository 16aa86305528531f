/* The tensors that factories fill: new ones, or the `out` of out=. */
#ifndef CREATE_H
#define CREATE_H

#include "core.h"

/* A new uninitialised tensor of the sizes (dtype DTYPE_NONE: the default one), or `out`, retained
 * and resized to them; its own dtype and device stay. */
struct tensor *create_result(struct tensor *out, struct ints size, enum dtype dtype,
                             struct device device);
/* A new uninitialised tensor of the sizes of `self`, by default with its dtype and device.
 * memory_format: enum memory_format. */
struct tensor *create_like(struct tensor *self, int memory_format, enum dtype dtype,
                           struct device device);
/* `result` itself, or a new contiguous tensor like it to be filled in its place and given to
 * create_finish(). */
struct tensor *create_contiguous(struct tensor *result);
/* What a factory returns once it has filled `filled` (status 0) or failed (-1): `result` with the
 * elements of `filled`, or NULL. Takes both. */
struct tensor *create_finish(struct tensor *result, struct tensor *filled, int status);

#endif
