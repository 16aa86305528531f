#include "../backend.h"
#include "../call.h"

int cpu_fill_tensor_(struct tensor *self, struct tensor *value)
{
    struct scalar scalar;

    if (value->dims != 0) {
        error_set(ERROR_RUNTIME,
                  "fill_ only supports 0-dimension value tensor but got tensor with %d dimensions.",
                  value->dims);
        return -1;
    }
    if (call_check_writable(self) || tensor_item(value, &scalar))
        return -1;
    return cpu_fill_(self, scalar);
}
