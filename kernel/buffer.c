#include "buffer.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void out_of_memory(void)
{
    static const char text[] = "mesale: out of memory\n";
    fwrite(text, 1, sizeof text - 1, stderr);
    abort();
}

void *memory_new(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    if (!p)
        out_of_memory();
    return p;
}

void *memory_resize(void *old, size_t size)
{
    void *p = realloc(old, size ? size : 1);
    if (!p)
        out_of_memory();
    return p;
}

char *memory_text(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(memory_new(size), text, size);
}

void buffer_init(struct buffer *b)
{
    *b = (struct buffer)BUFFER_INIT;
}

void buffer_release(struct buffer *b)
{
    free(b->data);
    buffer_init(b);
}

char *buffer_detach(struct buffer *b)
{
    buffer_reserve(b, 0);
    char *data = b->data;
    buffer_init(b);
    return data;
}

void buffer_reserve(struct buffer *b, size_t extra)
{
    size_t needed = b->size + extra + 1;
    if (needed <= b->size)
        out_of_memory();
    if (needed > b->capacity) {
        size_t capacity = b->capacity ? b->capacity + b->capacity / 2 : 64;
        b->capacity = capacity < needed ? needed : capacity;
        b->data = memory_resize(b->data, b->capacity);
    }
    b->data[b->size] = '\0';
}

void buffer_add(struct buffer *b, const void *data, size_t size)
{
    buffer_reserve(b, size);
    if (size)
        memcpy(b->data + b->size, data, size);
    b->size += size;
    b->data[b->size] = '\0';
}

void buffer_add_char(struct buffer *b, char c)
{
    buffer_add(b, &c, 1);
}

void buffer_add_text(struct buffer *b, const char *text)
{
    buffer_add(b, text, strlen(text));
}

void buffer_addf(struct buffer *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size > 0) {
        buffer_reserve(b, (size_t)size);
        vsnprintf(b->data + b->size, (size_t)size + 1, format, again);
        b->size += (size_t)size;
    }
    va_end(again);
}

void buffer_clear(struct buffer *b)
{
    b->size = 0;
    if (b->data)
        b->data[0] = '\0';
}

void buffer_remove_front(struct buffer *b, size_t size)
{
    if (!size)
        return;
    memmove(b->data, b->data + size, b->size - size);
    b->size -= size;
    b->data[b->size] = '\0';
}

const char *buffer_text(const struct buffer *b)
{
    return b->data ? b->data : "";
}

/* How many bytes a character with this first byte has; 0: no character begins so. */
static size_t announced_length(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xC2)
        return 0;
    if (first < 0xE0)
        return 2;
    if (first < 0xF0)
        return 3;
    return first < 0xF5 ? 4 : 0;
}

/* The second byte decides about overlong forms, surrogates and what lies beyond U+10FFFF (Unicode,
 * table 3-7). */
static bool second_fits(unsigned char first, unsigned char second)
{
    unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    return second >= low && second <= high;
}

/* How many of the bytes at s can belong to one character: less than the announced length if it is
 * broken or cut. */
static size_t matching_length(const unsigned char *s, size_t size, size_t announced)
{
    if (size > 1 && announced > 1 && !second_fits(s[0], s[1]))
        return 1;
    size_t n = 1;
    while (n < announced && n < size && (n == 1 || (s[n] & 0xC0) == 0x80))
        n++;
    return n;
}

size_t utf8_length(const char *data, size_t size)
{
    const unsigned char *s = (const unsigned char *)data;
    size_t announced = announced_length(s[0]);
    return announced && matching_length(s, size, announced) == announced ? announced : 0;
}

size_t utf8_complete(const char *data, size_t size)
{
    for (size_t back = 1; back <= 3 && back <= size; back++) {
        const unsigned char *s = (const unsigned char *)data + size - back;
        if ((*s & 0xC0) == 0x80)
            continue;
        size_t announced = announced_length(*s);
        bool cut = announced > back && matching_length(s, back, announced) == back;
        return cut ? size - back : size;
    }
    return size;
}

void buffer_add_utf8(struct buffer *b, const char *data, size_t size)
{
    size_t start = 0, i = 0;
    while (i < size) {
        size_t n = utf8_length(data + i, size - i);
        if (n) {
            i += n;
            continue;
        }
        buffer_add(b, data + start, i - start);
        buffer_add(b, "\xEF\xBF\xBD", 3);
        start = ++i;
    }
    buffer_add(b, data + start, size - start);
}

int buffer_read_file(struct buffer *b, const char *path)
{
    char piece[16384];
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    while ((got = read(fd, piece, sizeof piece)) > 0 || (got < 0 && errno == EINTR))
        buffer_add(b, piece, got > 0 ? (size_t)got : 0);
    int failed = errno;
    close(fd);
    errno = failed;
    return got < 0 ? -1 : 0;
}

int write_fully(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, text, size);
        if (written >= 0) {
            text += written;
            size -= (size_t)written;
        } else if (errno == EAGAIN) {
            poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
        } else if (errno != EINTR) {
            return -1;
        }
    }
    return 0;
}

/* The permissions a file at path has, or would have if it were made. */
static mode_t file_mode(const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0)
        return status.st_mode & 07777;
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

/* Writes all of the text and closes the descriptor in any case. */
static int write_descriptor(const struct buffer *text, int descriptor)
{
    int status = write_fully(descriptor, text->data, text->size);
    if (status == 0)
        status = fsync(descriptor);
    return close(descriptor) == 0 ? status : -1;
}

int buffer_write_file(const struct buffer *b, const char *path)
{
    struct buffer part = BUFFER_INIT;
    char resolved[PATH_MAX];
    const char *target = realpath(path, resolved) ? resolved : path;
    int status = -1;
    buffer_addf(&part, "%s.XXXXXX", target);
    int descriptor = mkostemp(part.data, O_CLOEXEC);
    if (descriptor >= 0) {
        fchmod(descriptor, file_mode(target));
        status = write_descriptor(b, descriptor) < 0 || rename(part.data, target) < 0 ? -1 : 0;
        int failed = errno;
        if (status < 0)
            unlink(part.data);
        errno = failed;
    }
    buffer_release(&part);
    return status;
}
