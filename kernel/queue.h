/* The two queues between threads: requests to the main thread, outputs to the I/O thread. Each
 * wakes its reader through an eventfd. */
#ifndef KERNEL_QUEUE_H
#define KERNEL_QUEUE_H

#include "wire.h"
#include <pthread.h>
#include <time.h>

/* Milliseconds of the monotonic clock; and when it will be so many milliseconds later. */
int64_t clock_ms(void);
struct timespec clock_after(int ms);

/* A condition whose waits end by clock_after(). */
void condition_init(pthread_cond_t *condition);

/* eventfds: make one readable; make it unreadable again. */
void event_set(int fd);
void event_reset(int fd);

/* --- requests, in order of arrival --- */

struct request_queue {
    pthread_mutex_t lock;
    struct request **list; /* ring */
    size_t first, count, capacity;
    int event_fd; /* readable: something was added, or event_set from outside */
};

int request_queue_init(struct request_queue *q);
void request_queue_release(struct request_queue *q);

/* Takes over the caller's reference. NULL is a mark: see request_queue_take. */
void request_queue_add(struct request_queue *q, struct request *r);

enum taken { TAKEN_NONE, TAKEN_REQUEST, TAKEN_MARK };

/* The oldest entry: a request (its reference is the caller's now), a mark, or none. */
enum taken request_queue_take(struct request_queue *q, struct request **r);
size_t request_queue_count(struct request_queue *q);

/* --- outputs, in the order of the program --- */

enum {
    OUTPUT_DELAY_MS = 50,            /* text waits so long for more of it */
    OUTPUT_FLUSH_MS = 10,            /* and so long when the program flushes again and again */
    OUTPUT_LIMIT = 64 * 1024 * 1024, /* bytes in the queue at which writers wait */
};

struct output_queue {
    pthread_mutex_t lock;
    pthread_cond_t room; /* signalled when bytes fall below OUTPUT_LIMIT */
    struct message *first, *last;
    size_t bytes;
    int64_t last_text_ms; /* when text was taken last */
    bool signalled;       /* event_fd is set and not yet reset */
    bool expected;        /* the reader comes soon without being woken */
    int event_fd;
};

int output_queue_init(struct output_queue *q);
void output_queue_release(struct output_queue *q);

/* Takes over the message, which ends the run of text before it. It wakes the reader, unless that is
 * about to look anyway or the message is a reply: a status follows it. */
void output_queue_add(struct output_queue *q, struct message *m);

/* Adds text to the last run if it is the same stream of the same request, else begins a run. */
void output_queue_add_text(struct output_queue *q, struct request *parent, enum stream_name name,
                           const char *text, size_t size);

/* Makes a run that still grows due soon. */
void output_queue_flush(struct output_queue *q);

/* The oldest message if it is to be sent now; the caller owns it. Otherwise NULL, and `due_ms` is
 * when there will be one, or -1. `all`: do not wait for more text. */
struct message *output_queue_take(struct output_queue *q, bool all, int64_t *due_ms);

/* To be called before reading: the next addition wakes again. */
void output_queue_reset(struct output_queue *q);

/* Whether the reader will look by itself within a moment: only the end of a request wakes it then.
 */
void output_queue_expect(struct output_queue *q, bool soon);

bool output_queue_is_full(struct output_queue *q);

/* Waits at most `ms` for room; true if there is. */
bool output_queue_wait(struct output_queue *q, int ms);

#endif
