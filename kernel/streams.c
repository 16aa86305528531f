#include "streams.h"
#include "buffer.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { PIPE_BYTES = 1024 * 1024, CHUNK_BYTES = 64 * 1024 };

/* One per process, as descriptors 1 and 2 are. */
static struct {
    pthread_mutex_t lock;
    struct sink *sink; /* guarded by lock */
    struct buffer
        tail[STREAM_COUNT];  /* guarded: the bytes of a character that is not complete yet */
    char chunk[CHUNK_BYTES]; /* guarded */
    struct buffer line[STREAM_COUNT]; /* in a forked child: text up to the end of the line */
    int pipe_fd[STREAM_COUNT];        /* reading ends */
    int terminal_fd[STREAM_COUNT];
    size_t pipe_bytes;
    atomic_bool running, child;
    bool own_thread;
    int stop_fd;
    pthread_t thread;
} streams = {
    .lock = PTHREAD_MUTEX_INITIALIZER, .pipe_fd = {-1, -1}, .terminal_fd = {1, 2}, .stop_fd = -1};

/* In the child other threads are gone and may have held the lock for ever: from now on nothing here
 * takes it. */
static void after_fork_in_child(void)
{
    if (atomic_load(&streams.running))
        atomic_store(&streams.child, true);
    for (int i = 0; i < STREAM_COUNT; i++)
        buffer_clear(&streams.line[i]);
}

bool streams_is_child(void)
{
    return atomic_load_explicit(&streams.child, memory_order_relaxed);
}

int streams_terminal(enum stream_name name)
{
    return streams.terminal_fd[name];
}

int streams_fd(enum stream_name name)
{
    return streams.pipe_fd[name];
}

/* With the lock held. Characters are kept whole: the sink may cut only between them. */
static void pass_on(enum stream_name name, const char *data, size_t size)
{
    struct buffer *tail = &streams.tail[name];
    if (!streams.sink)
        return;
    if (tail->size) {
        buffer_add(tail, data, size);
        size_t whole = utf8_complete(tail->data, tail->size);
        if (whole)
            streams.sink->stream(streams.sink, name, tail->data, whole, true);
        buffer_remove_front(tail, whole);
        return;
    }
    size_t whole = utf8_complete(data, size);
    if (whole)
        streams.sink->stream(streams.sink, name, data, whole, true);
    buffer_add(tail, data + whole, size - whole);
}

/* With the lock held. Reads no more than a pipe holds, so that a program that never stops writing
 * cannot keep us. */
static void drain_pipe(enum stream_name name)
{
    for (size_t total = 0; total < streams.pipe_bytes;) {
        ssize_t n = read(streams.pipe_fd[name], streams.chunk, CHUNK_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        pass_on(name, streams.chunk, (size_t)n);
        total += (size_t)n;
        if (n < CHUNK_BYTES)
            return;
    }
}

static void drain_locked(void)
{
    struct pollfd ready[STREAM_COUNT];
    for (int i = 0; i < STREAM_COUNT; i++)
        ready[i] = (struct pollfd){.fd = streams.pipe_fd[i], .events = POLLIN};
    if (poll(ready, STREAM_COUNT, 0) <= 0)
        return;
    for (int i = 0; i < STREAM_COUNT; i++) {
        if (ready[i].revents & POLLIN)
            drain_pipe(i);
    }
}

void streams_drain(void)
{
    if (streams_is_child())
        return;
    pthread_mutex_lock(&streams.lock);
    drain_locked();
    pthread_mutex_unlock(&streams.lock);
}

/* With the lock held. */
static void finish_locked(void)
{
    drain_locked();
    for (int i = 0; i < STREAM_COUNT; i++) {
        if (streams.sink && streams.tail[i].size)
            streams.sink->stream(streams.sink, i, streams.tail[i].data, streams.tail[i].size, true);
        buffer_clear(&streams.tail[i]);
    }
}

void streams_finish(void)
{
    if (streams_is_child())
        return;
    pthread_mutex_lock(&streams.lock);
    finish_locked();
    pthread_mutex_unlock(&streams.lock);
}

void streams_set_sink(struct sink *sink)
{
    if (streams_is_child())
        return;
    pthread_mutex_lock(&streams.lock);
    if (sink != streams.sink)
        finish_locked();
    streams.sink = sink;
    pthread_mutex_unlock(&streams.lock);
}

struct sink *streams_lock(void)
{
    if (streams_is_child())
        return NULL;
    pthread_mutex_lock(&streams.lock);
    drain_locked();
    if (streams.sink)
        return streams.sink;
    pthread_mutex_unlock(&streams.lock);
    return NULL;
}

void streams_unlock(void)
{
    pthread_mutex_unlock(&streams.lock);
}

/* A child writes whole lines, so that those of several children do not mix. */
static void write_in_child(enum stream_name name, const char *text, size_t size)
{
    struct buffer *line = &streams.line[name];
    buffer_add(line, text, size);
    const char *end = memrchr(line->data, '\n', line->size);
    if (end) {
        size_t whole = (size_t)(end - line->data) + 1;
        write_fully(name == STREAM_STDERR ? 2 : 1, line->data, whole);
        buffer_remove_front(line, whole);
    }
}

void streams_write(enum stream_name name, const char *text, size_t size)
{
    if (streams_is_child()) {
        write_in_child(name, text, size);
        return;
    }
    struct sink *sink = streams_lock();
    if (sink) {
        sink->stream(sink, name, text, size, false);
        streams_unlock();
    }
}

void streams_flush(enum stream_name name)
{
    if (streams_is_child()) {
        struct buffer *line = &streams.line[name];
        write_fully(name == STREAM_STDERR ? 2 : 1, buffer_text(line), line->size);
        buffer_clear(line);
        return;
    }
    struct sink *sink = streams_lock();
    if (sink) {
        if (sink->flush)
            sink->flush(sink);
        streams_unlock();
    }
}

static void *read_pipes(void *unused)
{
    (void)unused;
    struct pollfd ready[] = {
        {.fd = streams.pipe_fd[0], .events = POLLIN},
        {.fd = streams.pipe_fd[1], .events = POLLIN},
        {.fd = streams.stop_fd, .events = POLLIN},
    };
    while (poll(ready, 3, -1) >= 0 || errno == EINTR) {
        if (ready[2].revents & POLLIN)
            break;
        streams_drain();
    }
    return NULL;
}

static int start_thread(void)
{
    sigset_t all, old;
    streams.stop_fd = eventfd(0, EFD_CLOEXEC);
    if (streams.stop_fd < 0)
        return -1;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&streams.thread, NULL, read_pipes, NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = rc;
    return rc ? -1 : 0;
}

/* Puts a pipe in the place of descriptor `fd`. */
static int capture(enum stream_name name, int fd)
{
    int ends[2];
    streams.terminal_fd[name] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (streams.terminal_fd[name] < 0) /* closed by whoever started us */
        streams.terminal_fd[name] = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES); /* a wish: the limit of a user's pipes may be lower */
    int size = fcntl(ends[1], F_GETPIPE_SZ);
    if (size > 0 && (size_t)size > streams.pipe_bytes)
        streams.pipe_bytes = (size_t)size;
    streams.pipe_fd[name] = ends[0];
    int rc = dup2(ends[1], fd);
    close(ends[1]);
    return rc < 0 ? -1 : 0;
}

int streams_start(bool own_thread)
{
    static bool registered;
    if (!registered) {
        pthread_atfork(NULL, NULL, after_fork_in_child);
        registered = true;
    }
    fflush(NULL);
    if (capture(STREAM_STDOUT, 1) < 0 || capture(STREAM_STDERR, 2) < 0)
        return -1;
    /* C programs' text arrives line by line, as on a terminal, and so in its place among Python's
     */
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    atomic_store(&streams.running, true);
    streams.own_thread = own_thread;
    return own_thread ? start_thread() : 0;
}

void streams_stop(void)
{
    if (!atomic_load(&streams.running) || streams_is_child())
        return;
    fflush(stdout);
    if (streams.own_thread) {
        eventfd_write(streams.stop_fd, 1);
        pthread_join(streams.thread, NULL);
        close(streams.stop_fd);
    }
    streams_set_sink(NULL);
    for (int i = 0; i < STREAM_COUNT; i++) {
        dup2(streams.terminal_fd[i], i == STREAM_STDERR ? 2 : 1);
        close(streams.terminal_fd[i]);
        close(streams.pipe_fd[i]);
        streams.terminal_fd[i] = i == STREAM_STDERR ? 2 : 1;
        streams.pipe_fd[i] = -1;
        buffer_release(&streams.tail[i]);
    }
    atomic_store(&streams.running, false);
}
