/* A bounded piece of HTML that grows at its end. What does not fit sets `full`, and nothing is
 * added any more until the caller goes back to a place before that. */
#ifndef VIEW_HTML_H
#define VIEW_HTML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most bytes of one view, its last NUL included. */
#define VIEW_BYTES_MOST 65536

struct html {
    char *data; /* one mem_alloc block */
    size_t length, limit;
    bool full;
};

/* 0, or -1 with error MEMORY. The limit is the whole room. */
int html_init(struct html *html);
void html_release(struct html *html);
/* The NUL-terminated text, which the caller gives to mem_free(), or NULL where it was full.
 * Releases the rest. */
char *html_finish(struct html *html);

void html_put(struct html *html, const char *markup);
void html_printf(struct html *html, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A number that is not negative. */
void html_integer(struct html *html, int64_t number);
/* Text of anybody as it may stand between tags and within quoted attributes: markup is escaped;
 * control characters and marks that turn the direction of text show their code ("‹U+202E›"); bytes
 * that are no UTF-8 become U+FFFD. */
void html_text(struct html *html, const char *text);
void html_text_bytes(struct html *html, const char *text, size_t count);
/* Drops what was added since `length`, and `full` with it. */
void html_rewind(struct html *html, size_t length);
/* Bytes that are left. */
size_t html_room(const struct html *html);

#endif
