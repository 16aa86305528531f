/* The embedded interpreter: the only part that starts and ends CPython. */
#ifndef KERNEL_PYTHON_H
#define KERNEL_PYTHON_H

#include "buffer.h"
#include <stdbool.h>

struct python_options {
    const char *python; /* interpreter whose environment is used; NULL: see python_find */
    bool real_torch; /* leave our own packages out, so that the environment's torch is imported */
};

/* The interpreter to act as, to be freed: `option` if given, else $VIRTUAL_ENV/bin/python, else the
 * venv beside a build tree (PROGRAM/../../venv/bin/python), else the one the build was configured
 * for. The file need not exist. */
char *python_find(const char *option);

/* Folders of this program, made from its own path; to be freed. `python_folder` holds the kernel's
 * Python files, `site_folder` the packages torch and mesale (NULL if neither place has one). */
char *program_path(void);
char *program_site_folder(void);
char *program_python_folder(void);

/* "3.11": the version that is embedded. */
const char *python_version(void); /* full, "3.11.2" */
const char *python_minor_version(void);

/* Starts CPython on the calling thread, which becomes the main thread and holds the GIL. Sets
 * PYTHONPATH, PATH, VIRTUAL_ENV and MPLBACKEND of the process. 0, or -1 with the cause and the cure
 * in `problem`. Once per process. */
int python_start(const struct python_options *options, struct buffer *problem);

/* Ends CPython: waits for threads, runs atexit. The calling thread must be the main thread. */
void python_stop(void);

bool python_is_running(void);

/* Calls function(context) without the GIL, which the calling thread holds if Python runs. */
void python_without_gil(void (*function)(void *context), void *context);

/* The interpreter found by python_start (sys.executable); borrowed. */
const char *python_executable(void);

/* Interrupts the main thread as Ctrl-C does. Any thread, any time after python_start; harmless
 * while idle. */
void python_interrupt(void);

#endif
