/* The cells of earlier sessions, kept in a file that several kernels append to.
 *
 * The file is $XDG_STATE_HOME/mesale/history.jsonl (without the variable ~/.local/state/…), mode
 * 0600: one JSON object a line, {"session", "line", "input"} and "source" where IPython's
 * transformation changed the input. Each line is one write() to a descriptor opened with O_APPEND,
 * so that kernels do not tear each other's lines; lines that cannot be read are skipped. When the
 * file has grown beyond HISTORY_FILE_LIMIT it becomes history-1.jsonl, in the place of the one
 * before, and a new one is begun: so there are never more than twice that many bytes, and who had
 * the file open when it was renamed loses nothing.
 *
 * All work on the file is done by a thread that lives while there is some (and HISTORY_LINGER_MS
 * more): a disk that hangs, is full or may not be written holds up nobody else. All functions may
 * be called by any thread.
 */
#ifndef KERNEL_HISTORY_H
#define KERNEL_HISTORY_H

#include "buffer.h"
#include <pthread.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    HISTORY_FILE_LIMIT = 2 * 1024 * 1024,
    HISTORY_LINE_LIMIT = 256 * 1024,         /* a longer cell is not kept */
    HISTORY_WAITING_LIMIT = 4 * 1024 * 1024, /* bytes that a hanging disk may hold back */
    HISTORY_PAUSE_MS = 100,                  /* lines that come meanwhile are written together */
    HISTORY_LINGER_MS = 1000,
    HISTORY_FAREWELL_MS = 200,
};

struct history_entry {
    int64_t session, line;
    struct buffer input, source; /* source: empty if it is the same as the input */
};

struct history_entries {
    struct history_entry *list;
    size_t count, capacity;
    bool whole; /* these are all there are; otherwise they follow those that were read before */
};

struct history {
    char *path, *old_path; /* NULL: nothing is kept */
    pthread_mutex_t lock;
    pthread_cond_t wanted, done; /* for the worker; by the worker */
    struct buffer lines;         /* to be written, each with its newline */
    struct history_entries read; /* and not fetched yet */
    bool reading;                /* the worker is to read, or does */
    bool hurry;                  /* we end: no pauses any more */
    bool working, resting;       /* the worker lives; it waits for something to do */
    /* the worker's alone: how far it has read, and in which files */
    ino_t inode, old_inode;
    off_t offset;
};

/* The path of the file as the environment has it, to be freed; NULL if there is none. */
char *history_default_path(void);

/* `path` is taken over; NULL: nothing is ever kept or found. Touches no file. */
void history_init(struct history *h, char *path);

/* Waits at most `ms` for what is not written yet. If the disk hangs, the worker lives on and what
 * belongs to `h` must stay: false, and nothing is freed. */
bool history_release(struct history *h, int ms);

/* Keeps one cell; returns at once. `source` NULL: the same as the input. */
void history_add(struct history *h, int64_t session, int64_t line, const struct buffer *input,
                 const struct buffer *source);

/* What the files have, in their order, that no call before has returned: the caller's, to be
 * released. Waits at most `ms` for the disk; what comes too late is for the next call. */
struct history_entries history_read(struct history *h, int ms);
void history_entries_release(struct history_entries *entries);

#endif
