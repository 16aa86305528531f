#include "pymodule.h"
#include "convert.h"
#include "history_module.h"
#include "json.h"
#include "stream_type.h"
#include "streams.h"
#include <stdlib.h>
#include <string.h>

enum { WAIT_MS = 50 };

static const struct front_end *front_end; /* the process's */

/* What each shell's thread has for itself. */
static _Thread_local struct {
    int phase;
    execute_done *done;
    void *done_context;
    shell_serve *serve;
    void *serve_context;
    PyObject *last_error; /* (ename, evalue, traceback) as last shown, or NULL */
} module;

static const struct front_end no_front_end;

static const struct front_end *front(void)
{
    return front_end ? front_end : &no_front_end;
}

void pymodule_set_front_end(const struct front_end *f)
{
    front_end = f;
}

void pymodule_leave_thread(void)
{
    Py_CLEAR(module.last_error);
}

void pymodule_set_phase(enum phase phase)
{
    module.phase = phase;
}

void pymodule_set_done(execute_done *done, void *context)
{
    module.done = done;
    module.done_context = context;
}

void pymodule_set_serve(shell_serve *serve, void *context)
{
    module.serve = serve;
    module.serve_context = context;
}

int pymodule_wait_for_room(void)
{
    const struct front_end *f = front();
    bool room = !f->room || streams_is_child() || f->room(f->context, 0);
    while (!room) {
        Py_BEGIN_ALLOW_THREADS room = f->room(f->context, WAIT_MS);
        Py_END_ALLOW_THREADS if (PyErr_CheckSignals() < 0) return -1;
    }
    return 0;
}

static PyObject *done_with_output(void)
{
    if (pymodule_wait_for_room() < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *write_bytes(PyObject *self, PyObject *args)
{
    int fd;
    Py_buffer bytes;
    (void)self;
    if (!PyArg_ParseTuple(args, "iy*", &fd, &bytes))
        return NULL;
    streams_write(fd == 2 ? STREAM_STDERR : STREAM_STDOUT, bytes.buf, (size_t)bytes.len);
    Py_ssize_t size = bytes.len;
    PyBuffer_Release(&bytes);
    return pymodule_wait_for_room() < 0 ? NULL : PyLong_FromSsize_t(size);
}

/* A child made by fork is no notebook: what it displays is shown as text. */
static void display_in_child(const json_t *data)
{
    const json_t *text = json_object_get(data, "text/plain");
    if (json_is_string(text))
        streams_write(STREAM_STDOUT, json_string_value(text), json_string_length(text));
    streams_write(STREAM_STDOUT, "\n", 1);
}

static PyObject *display(PyObject *self, PyObject *args)
{
    PyObject *objects[3];
    json_t *values[3] = {NULL, NULL, NULL};
    int update;
    (void)self;
    if (!PyArg_ParseTuple(args, "OOOp", &objects[0], &objects[1], &objects[2], &update))
        return NULL;
    bool good = true;
    for (int i = 0; i < 3 && good; i++)
        good = (values[i] = convert_to_json(objects[i])) != NULL;
    struct sink *sink = good ? streams_lock() : NULL;
    if (sink) {
        (update ? sink->update : sink->display)(sink, values[0], values[1], values[2]);
        streams_unlock();
    } else if (good && streams_is_child()) {
        display_in_child(values[0]);
    }
    for (int i = 0; i < 3; i++)
        json_decref(values[i]);
    return good ? done_with_output() : NULL;
}

static PyObject *result(PyObject *self, PyObject *args)
{
    long long count;
    PyObject *data_object, *metadata_object;
    (void)self;
    if (!PyArg_ParseTuple(args, "LOO", &count, &data_object, &metadata_object))
        return NULL;
    json_t *data = convert_to_json(data_object),
           *metadata = data ? convert_to_json(metadata_object) : NULL;
    struct sink *sink = metadata ? streams_lock() : NULL;
    if (sink) {
        sink->result(sink, count, data, metadata);
        streams_unlock();
    } else if (metadata && streams_is_child()) {
        display_in_child(data);
    }
    bool good = metadata != NULL;
    json_decref(data);
    json_decref(metadata);
    return good ? done_with_output() : NULL;
}

static PyObject *error(PyObject *self, PyObject *args)
{
    const char *ename;
    PyObject *evalue_object, *traceback_object;
    struct buffer evalue = BUFFER_INIT;
    (void)self;
    if (!PyArg_ParseTuple(args, "sUO", &ename, &evalue_object, &traceback_object))
        return NULL;
    json_t *traceback = convert_to_json(traceback_object);
    bool good = traceback && convert_text(evalue_object, &evalue) == 0;
    if (good)
        Py_XSETREF(module.last_error, Py_NewRef(args));
    struct sink *sink = good ? streams_lock() : NULL;
    if (sink) {
        sink->error(sink, ename, buffer_text(&evalue), traceback);
        streams_unlock();
    } else if (good && streams_is_child()) {
        size_t i;
        json_t *line;
        json_array_foreach(traceback, i, line)
        {
            streams_write(STREAM_STDERR, json_string_value(line), json_string_length(line));
            streams_write(STREAM_STDERR, "\n", 1);
        }
    }
    json_decref(traceback);
    buffer_release(&evalue);
    return good ? done_with_output() : NULL;
}

static PyObject *last_error(PyObject *self, PyObject *unused)
{
    (void)self, (void)unused;
    return Py_NewRef(module.last_error ? module.last_error : Py_None);
}

static PyObject *forget_error(PyObject *self, PyObject *unused)
{
    (void)self, (void)unused;
    Py_CLEAR(module.last_error);
    Py_RETURN_NONE;
}

static PyObject *clear(PyObject *self, PyObject *wait)
{
    (void)self;
    struct sink *sink = streams_lock();
    if (sink) {
        sink->clear(sink, PyObject_IsTrue(wait) == 1);
        streams_unlock();
    }
    return done_with_output();
}

static PyObject *refuse_input(void)
{
    PyErr_SetString(PyExc_RuntimeError,
                    "input was requested, but this front end does not support input requests");
    return NULL;
}

/* Waits for the answer, or for our turn to ask; signals are looked at after each wait. */
static PyObject *await_answer(const struct front_end *f, const char *prompt, int password)
{
    struct buffer answer = BUFFER_INIT;
    enum input_result state = INPUT_BUSY;
    PyObject *text = NULL;
    while (state != INPUT_ANSWERED) {
        bool ask = state == INPUT_BUSY;
        Py_BEGIN_ALLOW_THREADS if (ask) state = f->ask(f->context, prompt, password);
        if (state == INPUT_WAITING)
            state = f->wait(f->context, WAIT_MS, &answer);
        else if (state == INPUT_BUSY)
            usleep(WAIT_MS * 1000 / 5);
        Py_END_ALLOW_THREADS if (state == INPUT_REFUSED) return refuse_input();
        if (PyErr_CheckSignals() < 0) {
            if (state == INPUT_WAITING)
                f->cancel(f->context);
            goto done;
        }
    }
    text = convert_from_text(buffer_text(&answer), answer.size);
done:
    buffer_release(&answer);
    return text;
}

static PyObject *ask_input(PyObject *self, PyObject *args)
{
    const char *prompt;
    int password;
    (void)self;
    if (!PyArg_ParseTuple(args, "sp", &prompt, &password))
        return NULL;
    const struct front_end *f = front();
    return f->ask && !streams_is_child() ? await_answer(f, prompt, password) : refuse_input();
}

/* The frames of a list of bytes-like objects; NULL with a Python error. */
static struct buffer *copy_buffers(PyObject *list, size_t *count)
{
    PyObject *items = PySequence_Tuple(list);
    if (!items)
        return NULL;
    *count = (size_t)PyTuple_GET_SIZE(items);
    struct buffer *buffers = memory_new(*count * sizeof *buffers);
    for (size_t i = 0; i < *count; i++) {
        Py_buffer view;
        if (PyObject_GetBuffer(PyTuple_GET_ITEM(items, (Py_ssize_t)i), &view, PyBUF_SIMPLE) < 0) {
            while (i)
                buffer_release(&buffers[--i]);
            free(buffers);
            buffers = NULL;
            break;
        }
        buffer_add(&buffers[i], view.buf, (size_t)view.len);
        PyBuffer_Release(&view);
    }
    Py_DECREF(items);
    return buffers;
}

static PyObject *send_comm(PyObject *self, PyObject *args)
{
    const char *type;
    PyObject *content_object, *metadata_object, *list;
    size_t count = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "sOOO", &type, &content_object, &metadata_object, &list))
        return NULL;
    const struct front_end *f = front();
    if (!f->comm)
        Py_RETURN_NONE;
    json_t *content = convert_to_json(content_object),
           *metadata = content ? convert_to_json(metadata_object) : NULL;
    struct buffer *buffers = metadata ? copy_buffers(list, &count) : NULL;
    bool good = buffers != NULL;
    if (good)
        f->comm(f->context, type, content, metadata, buffers, count);
    json_decref(content);
    json_decref(metadata);
    return good ? done_with_output() : NULL;
}

static PyObject *get_parent(PyObject *self, PyObject *unused)
{
    (void)self, (void)unused;
    struct request *parent = front()->parent ? front()->parent(front()->context) : NULL;
    json_t *value = parent ? request_message(parent) : json_object();
    PyObject *message = convert_from_json(value);
    json_decref(value);
    request_release(parent);
    return message;
}

/* The request itself if the message tells of the one that outputs belong to already: it knows the
 * client that it came from. Otherwise one made of the message. A new reference, NULL if `message`
 * has no usable header. */
static struct request *request_of(const json_t *message)
{
    const json_t *header = json_object_get(message, "header");
    struct request *current = front()->parent(front()->context);
    if (current && strcmp(current->id, json_member_text(header, "msg_id", "")) == 0)
        return current;
    request_release(current);
    return request_of_header(header);
}

static PyObject *follow(PyObject *self, PyObject *message)
{
    (void)self;
    if (!front()->follow || streams_is_child())
        Py_RETURN_NONE;
    json_t *value = convert_to_json(message);
    if (!value)
        return NULL;
    struct request *r = request_of(value);
    front()->follow(front()->context, r);
    request_release(r);
    json_decref(value);
    Py_RETURN_NONE;
}

static PyObject *cell_name(PyObject *self, PyObject *code)
{
    const struct front_end *f = front();
    struct buffer text = BUFFER_INIT, name = BUFFER_INIT;
    PyObject *result = NULL;
    (void)self;
    if (convert_text(code, &text) == 0)
        result = f->cell_name && f->cell_name(f->context, buffer_text(&text), text.size, &name)
                     ? convert_from_text(name.data, name.size)
                     : Py_NewRef(Py_None);
    buffer_release(&text);
    buffer_release(&name);
    return result;
}

static PyObject *release_debugger(PyObject *self, PyObject *unused)
{
    (void)self, (void)unused;
    if (front()->release)
        front()->release(front()->context);
    Py_RETURN_NONE;
}

static PyObject *get_phase(PyObject *self, PyObject *unused)
{
    (void)self, (void)unused;
    return PyLong_FromLong(module.phase);
}

static PyObject *set_phase(PyObject *self, PyObject *phase)
{
    (void)self;
    module.phase = (int)PyLong_AsLong(phase);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *serve(PyObject *self, PyObject *unused)
{
    (void)self, (void)unused;
    return PyBool_FromLong(module.serve && !streams_is_child() &&
                           module.serve(module.serve_context));
}

static char *copy_text(PyObject *text)
{
    struct buffer copy = BUFFER_INIT;
    if (text == Py_None)
        return NULL;
    convert_text(text, &copy);
    return buffer_detach(&copy);
}

static json_t *json_or(PyObject *object, json_t *otherwise)
{
    json_t *value = convert_to_json(object);
    if (!value) {
        PyErr_Clear();
        return otherwise;
    }
    json_decref(otherwise);
    return value;
}

/* finish(count, ename, evalue, traceback, user_expressions, payload, exit): the cell ended; ename
 * None: well. */
static PyObject *finish(PyObject *self, PyObject *args)
{
    long long count;
    PyObject *ename, *evalue, *traceback, *expressions, *payload;
    int exit;
    (void)self;
    if (!PyArg_ParseTuple(args, "LOOOOOp", &count, &ename, &evalue, &traceback, &expressions,
                          &payload, &exit))
        return NULL;
    struct outcome outcome = {
        .status = ename == Py_None ? OUTCOME_OK : OUTCOME_ERROR,
        .count = count,
        .ename = copy_text(ename),
        .evalue = copy_text(evalue),
        .traceback = json_or(traceback, json_array()),
        .user_expressions = json_or(expressions, json_object()),
        .payload = json_or(payload, json_array()),
        .exit = exit,
    };
    execute_done *done = module.done;
    module.done = NULL;
    module.phase = PHASE_IDLE;
    if (done)
        done(module.done_context, &outcome);
    outcome_release(&outcome);
    Py_RETURN_NONE;
}

static PyObject *is_child(PyObject *self, PyObject *unused)
{
    (void)self, (void)unused;
    return PyBool_FromLong(streams_is_child());
}

static PyMethodDef methods[] = {
    {"write_bytes", write_bytes, METH_VARARGS,
     "write_bytes(fd, data): output that need not be text."},
    {"display", display, METH_VARARGS, "display(data, metadata, transient, update)"},
    {"result", result, METH_VARARGS, "result(count, data, metadata)"},
    {"error", error, METH_VARARGS, "error(ename, evalue, traceback)"},
    {"last_error", last_error, METH_NOARGS, "The arguments of the last call of error, or None."},
    {"forget_error", forget_error, METH_NOARGS, NULL},
    {"clear", clear, METH_O, "clear(wait)"},
    {"input", ask_input, METH_VARARGS, "input(prompt, password) -> str"},
    {"comm", send_comm, METH_VARARGS, "comm(type, content, metadata, buffers)"},
    {"parent", get_parent, METH_NOARGS, "The request that outputs of this thread belong to."},
    {"follow", follow, METH_O, "Outputs of this thread belong to that request; None: the latest."},
    {"cell_name", cell_name, METH_O, "The file name a debugger knows a cell by, or None."},
    {"release_debugger", release_debugger, METH_NOARGS, "Lets go soon what stands at breakpoints."},
    {"phase", get_phase, METH_NOARGS, NULL},
    {"set_phase", set_phase, METH_O, NULL},
    {"serve", serve, METH_NOARGS, "Serve a request; whether there may be more."},
    {"finish", finish, METH_VARARGS, "The cell ended."},
    {"is_child", is_child, METH_NOARGS, "Whether this process was forked off the kernel."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_kernel",
    .m_size = -1,
    .m_methods = methods,
};

static PyObject *make_module(void)
{
    PyObject *m = PyModule_Create(&definition), *type = m ? stream_type_new() : NULL;
    bool good = type && PyModule_AddObjectRef(m, "Stream", type) == 0 &&
                PyModule_AddFunctions(m, history_methods) == 0 &&
                PyModule_AddIntConstant(m, "IDLE", PHASE_IDLE) == 0 &&
                PyModule_AddIntConstant(m, "EXPECTED", PHASE_EXPECTED) == 0 &&
                PyModule_AddIntConstant(m, "INTERRUPTED", PHASE_INTERRUPTED) == 0 &&
                PyModule_AddIntConstant(m, "RUNNING", PHASE_RUNNING) == 0 &&
                PyModule_AddIntConstant(m, "ENDING", PHASE_ENDING) == 0;
    Py_XDECREF(type);
    if (!good)
        Py_CLEAR(m);
    return m;
}

int pymodule_register(void)
{
    return PyImport_AppendInittab("_kernel", make_module);
}
