/* Where the user's code made a node: node->place, a count of the nodes that one code object made,
 * and node->instruction in it. That is little to note, a file name and a line are found when
 * somebody asks.
 *
 * A place keeps its code alive. Nodes are freed without the GIL, so they only count down, and
 * places that count none are dropped when the table has grown. */
#include <stdatomic.h>
#include <string.h>

#include "autograd/anomaly.h"
#include "objects.h"

enum { BUCKETS = 256, FIRST_LIMIT = 64 };

struct place {
    atomic_long nodes; /* goes down on any thread; all else is touched with the GIL held */
    PyCodeObject *code;
    bool is_own; /* of our packages, whose lines say nothing to users */
    struct place *next;
};

static struct {
    struct place *buckets[BUCKETS];
    size_t count, limit;
} places = {.limit = FIRST_LIMIT};

/* The folder that our packages lie in, found once, or NULL. */
static const char *package_folder(void)
{
    static char *folder;
    PyObject *module = folder ? NULL : PyImport_AddModule("torch");
    PyObject *file = module ? PyModule_GetFilenameObject(module) : NULL; /* …/torch/__init__.py */
    const char *text = file ? PyUnicode_AsUTF8(file) : NULL;
    const char *end = text ? strstr(text, "/torch/__init__.py") : NULL;
    if (end) {
        folder = strndup(text, (size_t)(end - text));
    }
    Py_XDECREF(file);
    PyErr_Clear();
    return folder;
}

static bool is_own(PyObject *filename)
{
    const char *folder = package_folder(), *text = PyUnicode_AsUTF8(filename);
    size_t length = folder ? strlen(folder) : 0;
    PyErr_Clear();
    return folder && text && strncmp(text, folder, length) == 0 &&
           (strncmp(text + length, "/torch/", 7) == 0 ||
            strncmp(text + length, "/mesale/", 8) == 0);
}

static void drop_unused(void)
{
    for (int i = 0; i < BUCKETS; i++) {
        for (struct place **slot = &places.buckets[i], *place; (place = *slot);) {
            if (atomic_load(&place->nodes) > 0) {
                slot = &place->next;
                continue;
            }
            *slot = place->next;
            places.count--;
            Py_DECREF(place->code);
            mem_free(place);
        }
    }
    places.limit = places.count < FIRST_LIMIT / 2 ? FIRST_LIMIT : 2 * places.count;
}

/* That of a code object; NULL with the error set. */
static struct place *place_of(PyCodeObject *code)
{
    struct place **bucket = &places.buckets[(uintptr_t)code / 64 % BUCKETS];
    for (struct place *place = *bucket; place; place = place->next) {
        if (place->code == code) {
            return place;
        }
    }
    if (places.count >= places.limit) {
        drop_unused();
    }
    struct place *place = mem_zalloc(sizeof *place);
    if (place) {
        place->code = (PyCodeObject *)Py_NewRef((PyObject *)code);
        place->is_own = is_own(code->co_filename);
        place->next = *bucket;
        *bucket = place;
        places.count++;
    }
    return place;
}

int place_note(struct node *node)
{
    PyGILState_STATE state = PyGILState_Ensure();
    PyFrameObject *frame = PyThreadState_GetFrame(PyThreadState_Get());
    int status = 0;
    while (frame) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        struct place *place = place_of(code);
        Py_DECREF(code);
        PyFrameObject *back = place && place->is_own ? PyFrame_GetBack(frame) : NULL;
        if (!place) {
            status = -1;
        } else if (!back) {
            atomic_fetch_add_explicit(&place->nodes, 1, memory_order_relaxed);
            node->place = place;
            node->instruction = PyFrame_GetLasti(frame);
        }
        Py_SETREF(frame, back);
    }
    PyGILState_Release(state);
    return status;
}

void place_drop(void *place)
{
    atomic_fetch_sub_explicit(&((struct place *)place)->nodes, 1, memory_order_relaxed);
}

PyObject *place_line(const struct node *node)
{
    const struct place *place = node->place;
    return place ? Py_BuildValue("Oi", place->code->co_filename,
                                 PyCode_Addr2Line(place->code, node->instruction))
                 : Py_NewRef(Py_None);
}
