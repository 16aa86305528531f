#include "queue.h"
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

int64_t clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct timespec clock_after(int ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

void condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

void event_set(int fd)
{
    uint64_t one = 1;
    /* fails only when the counter is full, and then the fd is readable anyway */
    ssize_t ignored = write(fd, &one, sizeof one);
    (void)ignored;
}

void event_reset(int fd)
{
    uint64_t count;
    ssize_t ignored = read(fd, &count, sizeof count);
    (void)ignored;
}

int request_queue_init(struct request_queue *q)
{
    *q = (struct request_queue){.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    pthread_mutex_init(&q->lock, NULL);
    return q->event_fd < 0 ? -1 : 0;
}

void request_queue_release(struct request_queue *q)
{
    struct request *r;
    while (request_queue_take(q, &r) != TAKEN_NONE)
        request_release(r);
    free(q->list);
    close(q->event_fd);
    pthread_mutex_destroy(&q->lock);
}

static void grow(struct request_queue *q)
{
    size_t capacity = q->capacity ? 2 * q->capacity : 16;
    struct request **list = memory_new(capacity * sizeof *list);
    for (size_t i = 0; i < q->count; i++)
        list[i] = q->list[(q->first + i) % q->capacity];
    free(q->list);
    q->list = list;
    q->capacity = capacity;
    q->first = 0;
}

void request_queue_add(struct request_queue *q, struct request *r)
{
    pthread_mutex_lock(&q->lock);
    if (q->count == q->capacity)
        grow(q);
    q->list[(q->first + q->count++) % q->capacity] = r;
    pthread_mutex_unlock(&q->lock);
    event_set(q->event_fd);
}

enum taken request_queue_take(struct request_queue *q, struct request **r)
{
    *r = NULL;
    enum taken taken = TAKEN_NONE;
    pthread_mutex_lock(&q->lock);
    if (q->count) {
        *r = q->list[q->first];
        q->first = (q->first + 1) % q->capacity;
        q->count--;
        taken = *r ? TAKEN_REQUEST : TAKEN_MARK;
    }
    pthread_mutex_unlock(&q->lock);
    return taken;
}

size_t request_queue_count(struct request_queue *q)
{
    pthread_mutex_lock(&q->lock);
    size_t count = q->count;
    pthread_mutex_unlock(&q->lock);
    return count;
}

int output_queue_init(struct output_queue *q)
{
    *q = (struct output_queue){.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    pthread_mutex_init(&q->lock, NULL);
    condition_init(&q->room);
    return q->event_fd < 0 ? -1 : 0;
}

void output_queue_release(struct output_queue *q)
{
    while (q->first) {
        struct message *m = q->first;
        q->first = m->next;
        message_release(m);
    }
    close(q->event_fd);
    pthread_cond_destroy(&q->room);
    pthread_mutex_destroy(&q->lock);
}

/* With the lock held. One write to the eventfd is enough until the reader has reset it. */
static void wake(struct output_queue *q)
{
    if (!q->signalled) {
        q->signalled = true;
        event_set(q->event_fd);
    }
}

static void append(struct output_queue *q, struct message *m)
{
    m->next = NULL;
    if (q->last)
        q->last->next = m;
    else
        q->first = m;
    q->last = m;
}

static bool can_wait(const struct output_queue *q, const struct message *m)
{
    bool reply = m->type && (m->channel == CHANNEL_SHELL || m->channel == CHANNEL_CONTROL);
    return reply || (q->expected && m->channel == CHANNEL_IOPUB && !message_is_idle(m));
}

void output_queue_add(struct output_queue *q, struct message *m)
{
    pthread_mutex_lock(&q->lock);
    append(q, m);
    q->bytes += message_size(m);
    if (!can_wait(q, m))
        wake(q);
    pthread_mutex_unlock(&q->lock);
}

void output_queue_add_text(struct output_queue *q, struct request *parent, enum stream_name name,
                           const char *text, size_t size)
{
    pthread_mutex_lock(&q->lock);
    struct message *m = q->last;
    if (!m || !m->is_stream || m->stream != name || m->parent != parent) {
        m = message_new(CHANNEL_IOPUB, parent, "stream");
        m->is_stream = true;
        m->stream = name;
        m->due_ms = clock_ms() + OUTPUT_DELAY_MS;
        append(q, m);
        q->bytes += message_size(m);
        if (!q->expected)
            wake(q);
    }
    bool was_small = m->text.size < WIRE_TEXT_LIMIT;
    buffer_add(&m->text, text, size);
    q->bytes += size;
    if (was_small && m->text.size >= WIRE_TEXT_LIMIT)
        wake(q);
    pthread_mutex_unlock(&q->lock);
}

void output_queue_flush(struct output_queue *q)
{
    pthread_mutex_lock(&q->lock);
    struct message *m = q->last;
    int64_t soon = q->last_text_ms + OUTPUT_FLUSH_MS;
    if (m && m->is_stream && m->due_ms > soon) {
        m->due_ms = soon;
        wake(q);
    }
    pthread_mutex_unlock(&q->lock);
}

static bool is_due(const struct message *m, int64_t now)
{
    return !m->is_stream || m->next || m->text.size >= WIRE_TEXT_LIMIT || m->due_ms <= now;
}

struct message *output_queue_take(struct output_queue *q, bool all, int64_t *due_ms)
{
    int64_t now = clock_ms();
    *due_ms = -1;
    pthread_mutex_lock(&q->lock);
    struct message *m = q->first;
    if (m && !all && !is_due(m, now)) {
        *due_ms = m->due_ms;
        m = NULL;
    }
    if (m) {
        q->first = m->next;
        if (!q->first)
            q->last = NULL;
        m->next = NULL;
        q->bytes -= message_size(m);
        if (m->is_stream)
            q->last_text_ms = now;
        if (q->bytes < OUTPUT_LIMIT)
            pthread_cond_broadcast(&q->room);
    }
    pthread_mutex_unlock(&q->lock);
    return m;
}

void output_queue_reset(struct output_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->signalled = false;
    event_reset(q->event_fd);
    pthread_mutex_unlock(&q->lock);
}

void output_queue_expect(struct output_queue *q, bool soon)
{
    pthread_mutex_lock(&q->lock);
    q->expected = soon;
    pthread_mutex_unlock(&q->lock);
}

bool output_queue_is_full(struct output_queue *q)
{
    pthread_mutex_lock(&q->lock);
    bool full = q->bytes >= OUTPUT_LIMIT;
    pthread_mutex_unlock(&q->lock);
    return full;
}

bool output_queue_wait(struct output_queue *q, int ms)
{
    struct timespec until = clock_after(ms);
    pthread_mutex_lock(&q->lock);
    int rc = 0;
    while (q->bytes >= OUTPUT_LIMIT && rc == 0)
        rc = pthread_cond_timedwait(&q->room, &q->lock, &until);
    bool room = q->bytes < OUTPUT_LIMIT;
    pthread_mutex_unlock(&q->lock);
    return room;
}
