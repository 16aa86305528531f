/* Questions about two tensors whose answer is no tensor: 1, 0, or -1 with the error set. */
#ifndef CLOSE_H
#define CLOSE_H

#include "core.h"

/* Whether all elements differ by at most atol + rtol |other|; "Float did not match Double" for
 * other dtypes. */
TENSOR_API int tensor_allclose(struct tensor *self, struct tensor *other, double rtol, double atol,
                               bool equal_nan);
/* Whether shapes and all elements are equal; NaN equals nothing. */
TENSOR_API int tensor_equal(struct tensor *self, struct tensor *other);

#endif
