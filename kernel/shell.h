/* IPython's InteractiveShell (our subclass in python/_mesale_shell.py) and the asyncio loop that it
 * lives in. shell_start and shell_stop are called on the main thread, the rest on a shell's: the
 * main thread or one inside shell_run_thread; all with the GIL held, after python_start. */
#ifndef KERNEL_SHELL_H
#define KERNEL_SHELL_H

#include "execute.h"

/* Imports IPython, and no more than that. As shell_start. */
int shell_prepare(struct buffer *problem);

/* Imports IPython and builds the shell. 0, or -1 with cause and cure (the pip line) in `problem`.
 */
int shell_start(struct buffer *problem);

/* Imports one of our modules, with its folder on sys.path for just that time. A new reference to a
 * PyObject, or NULL with a Python error. Any thread with the GIL. */
struct _object *shell_import(const char *name);

/* Takes the Python error that is set: "ModuleNotFoundError" and "No module named 'IPython'", for
 * free(). Any thread with the GIL. */
void shell_fetch_error(char **ename, char **evalue);

/* Drops the shell; before python_stop. */
void shell_stop(void);

bool shell_is_running(void);

/* The loop: runs until shell_stop_loop. Whenever `wakeup_fd` is readable, and after each cell that
 * awaited, `serve` is called in the loop, again and again as long as it returns true, other tasks
 * of the loop getting their turn between two calls. wakeup_fd is an eventfd, which is reset before
 * serve is called. */
typedef bool shell_serve(void *context);
void shell_run_loop(int wakeup_fd, shell_serve *serve, void *context);
void shell_stop_loop(void);

/* The same on a thread that does not hold the GIL, as a shell of its own: with its own loop,
 * counter and history. */
void shell_run_thread(int wakeup_fd, shell_serve *serve, void *context);

int64_t shell_next_count(void);

/* See execute_start and execute_cell. */
void shell_start_cell(const char *code, size_t size, const struct cell_options *options,
                      execute_done *done, void *context);
void shell_run_cell(const char *code, size_t size, const struct cell_options *options,
                    execute_done *done, void *context);

/* Content of the replies, new references; never NULL (an exception gives a content of status
 * "error"). Positions count Unicode characters and are clamped. */
json_t *shell_complete(const char *code, size_t size, int64_t cursor);
json_t *shell_inspect(const char *code, size_t size, int64_t cursor, int64_t detail,
                      const json_t *omit_sections);
json_t *shell_is_complete(const char *code, size_t size);

/* Content of a history_reply for the content of a request. */
json_t *shell_history(const json_t *request);

/* A cell is about to come (or is not, after all): an interrupt from now on is for it, raised when
 * its code begins. */
void shell_expect_cell(bool expected);

/* A comm message from the front end, as the object {header, parent_header, metadata, content} and
 * its raw buffers. */
void shell_comm(const char *type, const json_t *message, const struct buffer *buffers,
                size_t buffer_count);

/* Content of a comm_info_reply; `target` NULL: all targets. */
json_t *shell_comm_info(const char *target);

#endif
