/* Growable bytes: the only string type of the kernel.
 *
 * Invariants: `data` is never NULL once something was added, and is followed by a NUL that `size`
 * does not count, so that it can be read as a C string. A zeroed struct (BUFFER_INIT) is a valid
 * empty buffer that owns nothing. Running out of memory ends the program: a kernel cannot say
 * anything useful after that.
 */
#ifndef KERNEL_BUFFER_H
#define KERNEL_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *data;
    size_t size;     /* bytes in use */
    size_t capacity; /* bytes allocated, NUL included; 0: nothing allocated */
};

#define BUFFER_INIT                                                                                \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

/* Life cycle. release frees the contents and leaves an empty buffer; detach hands the contents
 * (never NULL, ends with NUL) to the caller, who frees them, and leaves an empty buffer. */
void buffer_init(struct buffer *b);
void buffer_release(struct buffer *b);
char *buffer_detach(struct buffer *b);

/* Content. All of them copy what they are given. */
void buffer_reserve(struct buffer *b, size_t extra);
void buffer_add(struct buffer *b, const void *data, size_t size);
void buffer_add_char(struct buffer *b, char c);
void buffer_add_text(struct buffer *b, const char *text);
void buffer_addf(struct buffer *b, const char *format, ...)
    __attribute__((format(printf, 2, 3), nonnull(2)));
void buffer_clear(struct buffer *b);                     /* size 0, memory kept */
void buffer_remove_front(struct buffer *b, size_t size); /* size ≤ b->size */
const char *
buffer_text(const struct buffer *b); /* "" when nothing was added; valid until the next change */

/* UTF-8. The length of the longest prefix of `data` that does not end inside a character: what
 * follows it (at most three bytes) may be completed by later bytes. Bytes that can never become
 * UTF-8 count as complete. */
size_t utf8_complete(const char *data, size_t size);
/* Adds `data`; every byte that is no part of a valid character, lone surrogates included, becomes
 * U+FFFD. */
void buffer_add_utf8(struct buffer *b, const char *data, size_t size);
/* Bytes of the valid character at data[0] (1 to 4), or 0 if there is none; size ≥ 1. */
size_t utf8_length(const char *data, size_t size);

/* Files. Appends what a file holds; writes all of the text to a descriptor. 0, or -1 with errno. */
int buffer_read_file(struct buffer *b, const char *path);
/* Puts the text in the place of the file in one step: a reader sees the old file or the new one. The
 * permissions of an existing file are kept, and a symbolic link stays one. 0, or -1 with errno and
 * the file as it was. */
int buffer_write_file(const struct buffer *b, const char *path);
int write_fully(int fd, const char *text, size_t size);

/* malloc, realloc and strdup that end the program when memory is gone. */
void *memory_new(size_t size); /* zeroed */
void *memory_resize(void *old, size_t size);
char *memory_text(const char *text);

#endif
