#include "convert.h"
#include "json.h"
#include "pymodule.h"
#include "shell.h"
#include "streams.h"
#include <stdatomic.h>
#include <string.h>

/* The functions of python/_mesale_shell.py that are called for every request. */
#define FUNCTION_LIST(X)                                                                           \
    X(start_cell)                                                                                  \
    X(run_cell)                                                                                    \
    X(next_count)                                                                                  \
    X(complete)                                                                                    \
    X(inspect) X(is_complete) X(run_loop) X(stop_loop) X(comm_message) X(comm_info) X(history)     \
        X(enter_thread) X(leave_thread) X(stop)

enum function {
#define X(name) F_##name,
    FUNCTION_LIST(X)
#undef X
        FUNCTION_COUNT
};

static const char *const function_names[] = {
#define X(name) #name,
    FUNCTION_LIST(X)
#undef X
};

static struct {
    PyObject *functions[FUNCTION_COUNT]; /* as long as the process: a thread may call one late */
    atomic_bool running;
} shell;

void shell_fetch_error(char **ename, char **evalue)
{
    PyObject *type, *value, *traceback;
    struct buffer text = BUFFER_INIT;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    PyObject *str = value ? PyObject_Str(value) : NULL;
    if (str)
        convert_text(str, &text);
    *ename = memory_text(type ? ((PyTypeObject *)type)->tp_name : "Exception");
    *evalue = buffer_detach(&text);
    PyErr_Clear();
    Py_XDECREF(str);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
}

PyObject *shell_import(const char *name)
{
    PyObject *module = NULL, *path = PySys_GetObject("path");
    char *folder = program_python_folder();
    PyObject *entry = folder ? PyUnicode_DecodeFSDefault(folder) : NULL;
    if (!entry)
        PyErr_SetString(PyExc_ImportError,
                        "the folder lib/mesale/python is missing beside the program");
    else if (path && PyList_Insert(path, 0, entry) == 0) {
        module = PyImport_ImportModule(name);
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        Py_ssize_t index = PySequence_Index(path, entry);
        if (index < 0 || PySequence_DelItem(path, index) < 0)
            PyErr_Clear();
        PyErr_Restore(type, value, traceback);
    }
    Py_XDECREF(entry);
    free(folder);
    return module;
}

static int find_functions(PyObject *module)
{
    for (int i = 0; i < FUNCTION_COUNT; i++) {
        shell.functions[i] = PyObject_GetAttrString(module, function_names[i]);
        if (!shell.functions[i])
            return -1;
    }
    return 0;
}

static void tell_problem(struct buffer *problem)
{
    char *ename, *evalue;
    shell_fetch_error(&ename, &evalue);
    bool import = strcmp(ename, "ModuleNotFoundError") == 0 || strcmp(ename, "ImportError") == 0;
    buffer_addf(problem, "IPython, which runs the cells, could not be started in %s (%s: %s).",
                python_executable(), ename, evalue);
    if (import)
        buffer_addf(problem,
                    " Install it with: %s -m pip install 'ipython>=9,<10' comm matplotlib-inline",
                    python_executable());
    free(ename);
    free(evalue);
}

int shell_prepare(struct buffer *problem)
{
    PyObject *module = shell_import("_mesale_shell");
    if (!module)
        tell_problem(problem);
    Py_XDECREF(module);
    return module ? 0 : -1;
}

int shell_start(struct buffer *problem)
{
    PyObject *module = shell_import("_mesale_shell");
    PyObject *started = module ? PyObject_CallMethod(module, "start", NULL) : NULL;
    shell.running = started && find_functions(module) == 0;
    if (!shell.running)
        tell_problem(problem);
    Py_XDECREF(started);
    Py_XDECREF(module);
    return shell.running ? 0 : -1;
}

bool shell_is_running(void)
{
    return shell.running;
}

/* Calls one of the functions; an error inside it is ours and is told on the real standard error. */
static PyObject *call(enum function function, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    PyObject *tuple = Py_VaBuildValue(format, args), *result = NULL;
    va_end(args);
    if (tuple)
        result = PyObject_CallObject(shell.functions[function], tuple);
    Py_XDECREF(tuple);
    return result;
}

static void call_and_forget(enum function function, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    PyObject *tuple = Py_VaBuildValue(format, args), *result = NULL;
    va_end(args);
    if (tuple)
        result = PyObject_CallObject(shell.functions[function], tuple);
    Py_XDECREF(tuple);
    if (!result)
        PyErr_Print();
    Py_XDECREF(result);
}

void shell_stop(void)
{
    if (!shell.running)
        return;
    shell.running = false;
    call_and_forget(F_stop, "()");
}

void shell_run_loop(int wakeup_fd, shell_serve *serve, void *context)
{
    pymodule_set_serve(serve, context);
    call_and_forget(F_run_loop, "(i)", wakeup_fd);
    pymodule_set_serve(NULL, NULL);
}

void shell_run_thread(int wakeup_fd, shell_serve *serve, void *context)
{
    PyGILState_STATE state = PyGILState_Ensure();
    call_and_forget(F_enter_thread, "()");
    shell_run_loop(wakeup_fd, serve, context);
    call_and_forget(F_leave_thread, "()");
    pymodule_leave_thread();
    PyGILState_Release(state);
}

void shell_stop_loop(void)
{
    if (shell.running)
        call_and_forget(F_stop_loop, "()");
}

int64_t shell_next_count(void)
{
    PyObject *count = call(F_next_count, "()");
    int64_t number = count ? PyLong_AsLongLong(count) : 1;
    PyErr_Clear();
    Py_XDECREF(count);
    return number;
}

void shell_expect_cell(bool expected)
{
    pymodule_set_phase(expected ? PHASE_EXPECTED : PHASE_IDLE);
}

/* Our own Python failed around a cell, which must end all the same. */
static void end_broken_cell(execute_done *done, void *context)
{
    struct outcome outcome = {0};
    char *ename, *evalue;
    shell_fetch_error(&ename, &evalue);
    pymodule_set_done(NULL, NULL);
    pymodule_set_phase(PHASE_IDLE);
    outcome_set_error(&outcome, ename, evalue);
    struct sink *sink = streams_lock();
    if (sink) {
        sink->error(sink, ename, evalue, outcome.traceback);
        streams_unlock();
    }
    done(context, &outcome);
    outcome_release(&outcome);
    free(ename);
    free(evalue);
}

static void cell(enum function function, const char *code, size_t size,
                 const struct cell_options *options, execute_done *done, void *context)
{
    PyObject *text = convert_from_text(code, size);
    PyObject *metadata = convert_from_json(options->metadata);
    PyObject *expressions = convert_from_json(options->user_expressions);
    PyObject *result = NULL;
    pymodule_set_done(done, context);
    if (text && metadata && expressions)
        result = call(function, "(OiizOO)", text, options->silent, options->store_history,
                      options->cell_id, metadata, expressions);
    if (!result)
        end_broken_cell(done, context);
    Py_XDECREF(result);
    Py_XDECREF(text);
    Py_XDECREF(metadata);
    Py_XDECREF(expressions);
}

void shell_start_cell(const char *code, size_t size, const struct cell_options *options,
                      execute_done *done, void *context)
{
    cell(F_start_cell, code, size, options, done, context);
}

void shell_run_cell(const char *code, size_t size, const struct cell_options *options,
                    execute_done *done, void *context)
{
    cell(F_run_cell, code, size, options, done, context);
}

/* The content that a function returned (stolen), or an error's. */
static json_t *content_of(PyObject *result)
{
    json_t *content = result ? convert_to_json(result) : NULL;
    Py_XDECREF(result);
    if (!content) {
        char *ename, *evalue;
        shell_fetch_error(&ename, &evalue);
        content = json_pack("{s:s, s:s, s:s, s:[]}", "status", "error", "ename", ename, "evalue",
                            evalue, "traceback");
        free(ename);
        free(evalue);
    }
    return content;
}

json_t *shell_complete(const char *code, size_t size, int64_t cursor)
{
    return content_of(call(F_complete, "(NL)", convert_from_text(code, size), (long long)cursor));
}

json_t *shell_inspect(const char *code, size_t size, int64_t cursor, int64_t detail,
                      const json_t *omit_sections)
{
    return content_of(call(F_inspect, "(NLLN)", convert_from_text(code, size), (long long)cursor,
                           (long long)detail, convert_from_json(omit_sections)));
}

json_t *shell_is_complete(const char *code, size_t size)
{
    return content_of(call(F_is_complete, "(N)", convert_from_text(code, size)));
}

json_t *shell_history(const json_t *request)
{
    return content_of(call(F_history, "(N)", convert_from_json(request)));
}

json_t *shell_comm_info(const char *target)
{
    return content_of(call(F_comm_info, "(z)", target));
}

void shell_comm(const char *type, const json_t *message, const struct buffer *buffers,
                size_t buffer_count)
{
    PyObject *list = PyList_New((Py_ssize_t)buffer_count);
    for (size_t i = 0; list && i < buffer_count; i++) {
        PyObject *bytes =
            PyBytes_FromStringAndSize(buffer_text(&buffers[i]), (Py_ssize_t)buffers[i].size);
        PyList_SET_ITEM(list, (Py_ssize_t)i, bytes);
    }
    call_and_forget(F_comm_message, "(sNN)", type, convert_from_json(message), list);
}
