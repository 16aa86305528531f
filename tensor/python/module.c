/* torch._C: the types and functions that the package torch is made of. */
#include "convert.h"
#include "objects.h"

static int add_functions(PyObject *module)
{
    PyMethodDef *const lists[] = {function_methods,     convert_functions,   array_functions,
                                  copy_functions,       settings_functions,  backward_functions,
                                  anomaly_functions,    predicate_functions, storage_functions,
                                  nonzero_functions,    buffer_functions,    dlpack_functions,
                                  saved_hooks_functions, cuda_functions,      cuda_memory_functions,
                                  default_device_functions, view_functions, graph_functions};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (PyModule_AddFunctions(module, lists[i])) {
            return -1;
        }
    }
    return 0;
}

/* What torch.nn.functional, torch.linalg and torch.functional take their functions from. */
static PyModuleDef nn_definition = {PyModuleDef_HEAD_INIT, .m_name = "torch._C._nn", .m_size = -1,
                                    .m_methods = nn_methods};
static PyModuleDef linalg_definition = {PyModuleDef_HEAD_INIT, .m_name = "torch._C._linalg",
                                        .m_size = -1, .m_methods = linalg_methods};
static PyModuleDef variable_functions_definition = {
    PyModuleDef_HEAD_INIT, .m_name = "torch._C._VariableFunctions", .m_size = -1,
    .m_methods = VariableFunctions_methods};

static int add_part(PyObject *module, const char *name, PyModuleDef *definition)
{
    PyObject *part = PyModule_Create(definition);
    int status = part ? PyModule_AddObjectRef(module, name, part) : -1;
    Py_XDECREF(part);
    return status;
}

static int add_parts(PyObject *module)
{
    return add_part(module, "_nn", &nn_definition) ||
                   add_part(module, "_linalg", &linalg_definition) ||
                   add_part(module, "_VariableFunctions", &variable_functions_definition)
               ? -1
               : 0;
}

static int (*const inits[])(PyObject *module) = {
    raise_setup,
    dtype_type_init,  device_type_init,    size_type_init, layout_type_init,   generator_type_init,
    limits_type_init, hook_type_init,      node_type_init, function_type_init, tensor_type_init,
    array_type_init,  grad_mode_type_init, named_init,     add_functions,      add_parts,
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "torch._C",
    .m_doc = "Tensors and automatic differentiation, in C.",
    .m_size = -1,
};

PyMODINIT_FUNC PyInit__C(void);
PyMODINIT_FUNC PyInit__C(void)
{
    PyObject *module = PyModule_Create(&definition);
    for (size_t i = 0; module && i < sizeof inits / sizeof *inits; i++) {
        if (inits[i](module)) {
            Py_CLEAR(module);
        }
    }
    if (module && PyModule_AddStringConstant(module, "__version__", TORCH_VERSION)) {
        Py_CLEAR(module);
    }
    if (module) {
        bridge_install();
        anomaly_install();
    }
    return module;
}
