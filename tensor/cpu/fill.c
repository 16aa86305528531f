#include "../backend.h"
#include "../call.h"

int cpu_fill_tensor_(struct tensor *self, struct tensor *value)
{
    struct scalar scalar;

    if (call_check_fill(value) || call_check_writable(self) || tensor_item(value, &scalar))
        return -1;
    return cpu_fill_(self, scalar);
}
