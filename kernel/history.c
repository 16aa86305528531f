#include "history.h"
#include "folder.h"
#include "json.h"
#include "queue.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

char *history_default_path(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    struct buffer path = BUFFER_INIT;
    if (state && state[0] == '/')
        buffer_addf(&path, "%s/mesale/history.jsonl", state);
    else if (home && home[0] == '/')
        buffer_addf(&path, "%s/.local/state/mesale/history.jsonl", home);
    else
        return NULL;
    return buffer_detach(&path);
}

static char *old_path_of(const char *path)
{
    struct buffer old = BUFFER_INIT;
    const char *end = strrchr(path, '.');
    size_t stem = end ? (size_t)(end - path) : strlen(path);
    buffer_add(&old, path, stem);
    buffer_addf(&old, "-1%s", path + stem);
    return buffer_detach(&old);
}

void history_init(struct history *h, char *path)
{
    pthread_condattr_t monotonic;
    *h = (struct history){.path = path, .old_path = path ? old_path_of(path) : NULL};
    pthread_mutex_init(&h->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&h->wanted, &monotonic);
    pthread_cond_init(&h->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

/* Waits, with the lock held, until the condition is signalled or the clock shows `end_ms`. */
static void wait_until(struct history *h, pthread_cond_t *condition, int64_t end_ms)
{
    struct timespec end = {.tv_sec = end_ms / 1000, .tv_nsec = end_ms % 1000 * 1000000};
    pthread_cond_timedwait(condition, &h->lock, &end);
}

/* --- entries --- */

static struct history_entry *entries_add(struct history_entries *e)
{
    if (e->count == e->capacity) {
        e->capacity = e->capacity ? 2 * e->capacity : 64;
        e->list = memory_resize(e->list, e->capacity * sizeof *e->list);
    }
    e->list[e->count] = (struct history_entry){0};
    return &e->list[e->count++];
}

void history_entries_release(struct history_entries *e)
{
    for (size_t i = 0; i < e->count; i++) {
        buffer_release(&e->list[i].input);
        buffer_release(&e->list[i].source);
    }
    free(e->list);
    *e = (struct history_entries){0};
}

/* What was read later, behind what was read before. */
static void entries_join(struct history_entries *all, struct history_entries *more)
{
    if (more->whole)
        history_entries_release(all);
    if (!all->count) {
        more->whole |= all->whole;
        *all = *more;
    } else {
        for (size_t i = 0; i < more->count; i++)
            *entries_add(all) = more->list[i];
        free(more->list);
    }
    *more = (struct history_entries){0};
}

static void add_member(struct buffer *text, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_string(value))
        buffer_add(text, json_string_value(value), json_string_length(value));
}

/* Adds the entry of one line, if it is one. */
static void entries_parse(struct history_entries *e, const char *line, size_t size)
{
    json_t *value = json_parse(line, size, NULL);
    if (json_is_string(json_object_get(value, "input")) &&
        json_is_integer(json_object_get(value, "session")) &&
        json_is_integer(json_object_get(value, "line"))) {
        struct history_entry *entry = entries_add(e);
        entry->session = json_member_integer(value, "session", 0);
        entry->line = json_member_integer(value, "line", 0);
        add_member(&entry->input, value, "input");
        add_member(&entry->source, value, "source");
    }
    json_decref(value);
}

/* --- the files; the worker's alone --- */

/* A descriptor of a regular file, or -1. A pipe in its place must not hang us. */
static int open_regular(const char *path, int flags, struct stat *status)
{
    int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
    if (fd >= 0 && (fstat(fd, status) < 0 || !S_ISREG(status->st_mode))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Reads whole lines from `offset` on; returns where the last one ends. */
static off_t read_lines(int fd, off_t offset, off_t size, struct history_entries *e)
{
    /* nobody's file is longer, unless somebody else has written to it */
    off_t most = 2 * (off_t)(HISTORY_FILE_LIMIT + HISTORY_LINE_LIMIT);
    if (size - offset > most)
        offset = size - most;
    struct buffer text = BUFFER_INIT;
    buffer_reserve(&text, (size_t)(size - offset));
    ssize_t got = 0;
    while (text.size < (size_t)(size - offset) && got >= 0) {
        got = pread(fd, text.data + text.size, (size_t)(size - offset) - text.size,
                    offset + (off_t)text.size);
        if (got <= 0)
            break;
        text.size += (size_t)got;
    }
    const char *at = buffer_text(&text), *end = at + text.size;
    for (const char *next; (next = memchr(at, '\n', (size_t)(end - at))); at = next + 1)
        entries_parse(e, at, (size_t)(next - at));
    offset += at - buffer_text(&text);
    buffer_release(&text);
    return offset;
}

/* What is new in the files; everything if they were renamed since. */
static struct history_entries read_files(struct history *h)
{
    struct history_entries found = {0};
    struct stat status = {0}, old_status = {0};
    int old = open_regular(h->old_path, O_RDONLY, &old_status);
    int fd = open_regular(h->path, O_RDONLY, &status);
    ino_t inode = fd < 0 ? 0 : status.st_ino, old_inode = old < 0 ? 0 : old_status.st_ino;
    if (inode != h->inode || old_inode != h->old_inode || status.st_size < h->offset) {
        found.whole = true;
        h->inode = inode;
        h->old_inode = old_inode;
        h->offset = 0;
        if (old >= 0)
            read_lines(old, 0, old_status.st_size, &found);
    }
    if (fd >= 0)
        h->offset = read_lines(fd, h->offset, status.st_size, &found);
    if (old >= 0)
        close(old);
    if (fd >= 0)
        close(fd);
    return found;
}

/* Makes the folders that the file lies in. */
static void make_folders(const char *path)
{
    char *folder = memory_text(path);
    *strrchr(folder, '/') = '\0';
    folder_make(folder, 0700);
    free(folder);
}

/* Somebody's write may have ended in the middle of a line: ours begins at the beginning of one. */
static void end_torn_line(int fd, off_t size)
{
    char last = '\n';
    if (size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n' && write(fd, "\n", 1) < 0)
        return;
}

/* Renames a file that has grown too long. Under the lock of this very file, which must still be
 * the one of that name: two kernels that find it too long must not rename twice. */
static void rotate(const struct history *h, int fd)
{
    struct stat own, named;
    if (fstat(fd, &own) < 0 || own.st_size <= HISTORY_FILE_LIMIT ||
        flock(fd, LOCK_EX | LOCK_NB) < 0)
        return;
    if (stat(h->path, &named) == 0 && named.st_ino == own.st_ino && named.st_dev == own.st_dev)
        rename(h->path, h->old_path);
    flock(fd, LOCK_UN);
}

static void write_lines(const struct history *h, const struct buffer *lines)
{
    struct stat status;
    int flags = O_RDWR | O_APPEND | O_CREAT;
    int fd = open_regular(h->path, flags, &status);
    if (fd < 0 && errno == ENOENT) {
        make_folders(h->path);
        fd = open_regular(h->path, flags, &status);
    }
    if (fd < 0)
        return;
    if (status.st_mode & 077)
        fchmod(fd, 0600);
    end_torn_line(fd, status.st_size);
    const char *at = lines->data, *end = at + lines->size;
    while (at < end) {
        const char *next = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
        ssize_t size = next - at, written = write(fd, at, (size_t)size);
        if (written >= 0 && written < size && write(fd, "\n", 1) < 0)
            break;
        if (written < size)
            break; /* the disk is full */
        at = next;
    }
    rotate(h, fd);
    close(fd);
}

/* --- the worker --- */

/* Does what is wanted, without the lock. False if nothing was. */
static bool work(struct history *h)
{
    struct buffer lines = h->lines;
    bool reading = h->reading;
    if (!lines.size && !reading)
        return false;
    struct history_entries found = {0};
    h->lines = (struct buffer)BUFFER_INIT;
    pthread_mutex_unlock(&h->lock);
    if (lines.size)
        write_lines(h, &lines);
    if (reading)
        found = read_files(h);
    buffer_release(&lines);
    pthread_mutex_lock(&h->lock);
    if (reading) {
        entries_join(&h->read, &found);
        h->reading = false;
    }
    pthread_cond_broadcast(&h->done);
    return true;
}

static void *run(void *arg)
{
    struct history *h = arg;
    pthread_mutex_lock(&h->lock);
    for (;;) {
        if (work(h)) {
            int64_t pause_end = clock_ms() + HISTORY_PAUSE_MS;
            while (!h->hurry && !h->reading && clock_ms() < pause_end)
                wait_until(h, &h->wanted, pause_end);
            continue;
        }
        int64_t end = clock_ms() + HISTORY_LINGER_MS;
        h->resting = true;
        while (!h->hurry && !h->reading && !h->lines.size && clock_ms() < end)
            wait_until(h, &h->wanted, end);
        h->resting = false;
        if (!h->reading && !h->lines.size)
            break;
    }
    h->working = false;
    pthread_cond_broadcast(&h->done);
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

/* With the lock held: there is something to do. Lines wait for the end of a pause. */
static void call_worker(struct history *h)
{
    pthread_t thread;
    sigset_t all, old;
    if (h->resting || h->reading)
        pthread_cond_signal(&h->wanted);
    if (h->working)
        return;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    h->working = pthread_create(&thread, NULL, run, h) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (h->working)
        pthread_detach(thread);
    else
        h->reading = false;
}

/* --- for everybody --- */

bool history_release(struct history *h, int ms)
{
    int64_t end = clock_ms() + ms;
    pthread_mutex_lock(&h->lock);
    h->hurry = true;
    pthread_cond_signal(&h->wanted);
    while (h->working && clock_ms() < end)
        wait_until(h, &h->done, end);
    bool ended = !h->working;
    pthread_mutex_unlock(&h->lock);
    if (!ended)
        return false;
    buffer_release(&h->lines);
    history_entries_release(&h->read);
    pthread_cond_destroy(&h->wanted);
    pthread_cond_destroy(&h->done);
    pthread_mutex_destroy(&h->lock);
    free(h->path);
    free(h->old_path);
    *h = (struct history){0};
    return true;
}

void history_add(struct history *h, int64_t session, int64_t line, const struct buffer *input,
                 const struct buffer *source)
{
    struct buffer text = BUFFER_INIT;
    if (!h->path)
        return;
    buffer_addf(&text, "{\"session\":%lld,\"line\":%lld,\"input\":", (long long)session,
                (long long)line);
    json_add_text(&text, buffer_text(input), input->size);
    if (source) {
        buffer_add_text(&text, ",\"source\":");
        json_add_text(&text, buffer_text(source), source->size);
    }
    buffer_add_text(&text, "}\n");
    pthread_mutex_lock(&h->lock);
    if (text.size <= HISTORY_LINE_LIMIT && h->lines.size + text.size <= HISTORY_WAITING_LIMIT) {
        buffer_add(&h->lines, text.data, text.size);
        call_worker(h);
    }
    pthread_mutex_unlock(&h->lock);
    buffer_release(&text);
}

struct history_entries history_read(struct history *h, int ms)
{
    struct history_entries found = {0};
    if (!h->path)
        return found;
    int64_t end = clock_ms() + ms;
    pthread_mutex_lock(&h->lock);
    h->reading = true;
    call_worker(h);
    while (h->reading && clock_ms() < end)
        wait_until(h, &h->done, end);
    found = h->read;
    h->read = (struct history_entries){0};
    pthread_mutex_unlock(&h->lock);
    return found;
}
