/* When the process ends, and that it does: shutdown requests, signals, a parent that died. */
#ifndef KERNEL_LIFETIME_H
#define KERNEL_LIFETIME_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct kernel;

enum {
    LIFETIME_GRACE_MS = 500,    /* between the wish to end and the end by force */
    LIFETIME_CHILDREN_MS = 250, /* between SIGTERM and SIGKILL for children */
    LIFETIME_LINGER_MS = 200,   /* for what clients have not taken yet */
    LIFETIME_POLL_MS = 1000,    /* how often the parent is looked for */
};

struct lifetime {
    atomic_bool stopping;
    atomic_int signal; /* that ends us, 0 if none: it is raised again at the end */
    int signal_fd;     /* eventfd, set by the signal handler */
    int parent_fd;     /* pidfd of the parent, -1: not watched */
    bool watch_orphan; /* look whether we became a child of pid 1 */
    int64_t next_poll_ms;
    int64_t deadline_ms; /* 0: none yet */
    int64_t next_interrupt_ms;
};

/* Signal handlers, what happens on fork, the parent to watch ($JPY_PARENT_PID). Main thread. 0 or
 * -1. */
int lifetime_start(struct kernel *k);
void lifetime_release(struct lifetime *l);

/* Asks the main thread to end. Any thread. */
void lifetime_stop(struct kernel *k);

/* The I/O thread calls this after each wait; it does not return if the grace is over. Returns how
 * many ms may pass until the next call, -1: any number. */
int lifetime_tick(struct kernel *k, bool signal_ready, bool parent_ready);

/* SIGINT to the other processes of our group, if it is our own. */
void lifetime_interrupt_children(void);

/* Ends the other processes of our group: SIGTERM, then SIGKILL. */
void lifetime_end_children(void);

/* The end: what of the signal that ended us, or exit status 0. Runs no atexit. */
void lifetime_exit(struct kernel *k) __attribute__((noreturn));

#endif
