/* Where a cell's outputs go: a table of functions that a front end fills in. publish.c sends them
 * as IOPub messages, notebook.c stores them in an .ipynb; execution knows neither.
 *
 * Embed struct sink as the first member of your own struct. Every function of the table must be set
 * except those marked optional.
 *
 * Order and threads: the calls come in the order of the program and one at a time, under a lock of
 * streams.c. Most come from the main thread, but text written to file descriptors 1 and 2 and text
 * of users' threads may arrive on another one. A sink must not call Python, nor write to
 * descriptors 1 and 2, nor wait for either.
 *
 * Ownership: everything passed in is borrowed for the call; a sink that keeps a JSON value takes a
 * reference (json_incref). Values may be shared with the caller: do not change them.
 */
#ifndef KERNEL_SINK_H
#define KERNEL_SINK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stream_name { STREAM_STDOUT, STREAM_STDERR, STREAM_COUNT };

static inline const char *stream_text(enum stream_name name)
{
    return name == STREAM_STDERR ? "stderr" : "stdout";
}

struct sink {
    /* `size` bytes of text, as they come: not always UTF-8, never split inside a character on
     * purpose. `captured`: read from descriptor 1 or 2, by whichever thread; otherwise the calling
     * thread wrote it. */
    void (*stream)(struct sink *sink, enum stream_name name, const char *text, size_t size,
                   bool captured);

    /* A mime bundle: `data` {mime: value}, `metadata` object, `transient` object (holds
     * "display_id" or nothing). */
    void (*display)(struct sink *sink, json_t *data, json_t *metadata, json_t *transient);

    /* The same for an output shown before under transient["display_id"]. */
    void (*update)(struct sink *sink, json_t *data, json_t *metadata, json_t *transient);

    /* The value of a cell's expression; `count` as in Out[count]. */
    void (*result)(struct sink *sink, int64_t count, json_t *data, json_t *metadata);

    /* An exception: class name, its text, and the traceback, an array of strings with ANSI colours.
     */
    void (*error)(struct sink *sink, const char *ename, const char *evalue, json_t *traceback);

    /* Remove the outputs so far: now, or (wait) just before the next output. */
    void (*clear)(struct sink *sink, bool wait);

    /* The program flushed a stream: show what is there soon. (optional) */
    void (*flush)(struct sink *sink);
};

#endif
