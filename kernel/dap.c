#include "dap.h"
#include "json.h"
#include <stdlib.h>
#include <string.h>

enum { HEAD_LIMIT = 4096, BODY_LIMIT = 1 << 30 };

static const char length_field[] = "Content-Length:", end_of_head[] = "\r\n\r\n";

void dap_add(struct buffer *out, const json_t *message)
{
    struct buffer body = BUFFER_INIT;
    json_add(&body, message);
    buffer_addf(out, "%s %zu%s", length_field, body.size, end_of_head);
    buffer_add(out, body.data, body.size);
    buffer_release(&body);
}

/* The number after Content-Length in a head of `size` bytes, or -1. */
static long body_size(const char *head, size_t size)
{
    for (const char *line = head; line;) {
        if (strncasecmp(line, length_field, sizeof length_field - 1) == 0) {
            char *end;
            long number = strtol(line + sizeof length_field - 1, &end, 10);
            return *end == '\r' && number >= 0 && number <= BODY_LIMIT ? number : -1;
        }
        line = memmem(line, size - (size_t)(line - head), "\r\n", 2);
        line = line ? line + 2 : NULL;
    }
    return -1;
}

int dap_take(struct buffer *in, json_t **message)
{
    *message = NULL;
    if (!in->size)
        return 0;
    size_t search = in->size < HEAD_LIMIT ? in->size : HEAD_LIMIT;
    const char *end = memmem(in->data, search, end_of_head, sizeof end_of_head - 1);
    if (!end)
        return in->size < HEAD_LIMIT ? 0 : -1;
    size_t head = (size_t)(end - in->data) + sizeof end_of_head - 1;
    long body = body_size(in->data, head);
    if (body < 0)
        return -1;
    if (in->size - head < (size_t)body)
        return 0;
    *message = json_parse(in->data + head, (size_t)body, NULL);
    buffer_remove_front(in, head + (size_t)body);
    return *message ? 1 : -1;
}
