#include "view/html.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"

int html_init(struct html *html)
{
    *html = (struct html){.data = mem_alloc(VIEW_BYTES_MOST), .limit = VIEW_BYTES_MOST - 1};
    return html->data ? 0 : -1;
}

void html_release(struct html *html)
{
    mem_free(html->data);
    html->data = NULL;
}

char *html_finish(struct html *html)
{
    if (html->full) {
        html_release(html);
        return NULL;
    }
    html->data[html->length] = '\0';
    return html->data;
}

static void html_add(struct html *html, const char *bytes, size_t count)
{
    if (html->full || count > html_room(html)) {
        html->full = true;
        return;
    }
    memcpy(html->data + html->length, bytes, count);
    html->length += count;
}

void html_put(struct html *html, const char *markup)
{
    html_add(html, markup, strlen(markup));
}

void html_printf(struct html *html, const char *format, ...)
{
    va_list args;
    size_t room = html_room(html);

    if (html->full) {
        return;
    }
    va_start(args, format);
    int length = vsnprintf(html->data + html->length, room + 1, format, args);
    va_end(args);
    if (length < 0 || (size_t)length > room) {
        html->full = true;
        return;
    }
    html->length += (size_t)length;
}

void html_integer(struct html *html, int64_t number)
{
    char digits[24];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    html_add(html, digits + at, sizeof digits - at);
}

void html_rewind(struct html *html, size_t length)
{
    html->length = length;
    html->full = false;
}

size_t html_room(const struct html *html)
{
    return html->limit > html->length ? html->limit - html->length : 0;
}

/* --- escaping --- */

/* The bytes of the UTF-8 sequence at `text` (RFC 3629) and its code point; 0 where it is none. */
static int decode(const unsigned char *text, size_t left, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    int bytes = text[0] < 0x80             ? 1
                : (text[0] & 0xE0) == 0xC0 ? 2
                : (text[0] & 0xF0) == 0xE0 ? 3
                                           : 4;

    if (bytes == 4 && (text[0] & 0xF8) != 0xF0) {
        return 0;
    }
    if (left < (size_t)bytes) {
        return 0;
    }
    *code = bytes == 1 ? text[0] : text[0] & (0xFFu >> (bytes + 1));
    for (int i = 1; i < bytes; i++) {
        if ((text[i] & 0xC0) != 0x80) {
            return 0;
        }
        *code = *code << 6 | (text[i] & 0x3Fu);
    }
    bool surrogate = *code >= 0xD800 && *code < 0xE000;
    return *code < least[bytes] || *code > 0x10FFFF || surrogate ? 0 : bytes;
}

/* Characters that one does not see and that change how others are shown: controls, marks of
 * direction (Unicode's Bidi_Control), line separators, the byte order mark, and what HTML forbids.
 */
static bool is_hidden(uint32_t code)
{
    if (code < 0x20) {
        return code != '\n' && code != '\t';
    }
    return (code >= 0x7F && code < 0xA0) || code == 0x061C || (code >= 0x200E && code <= 0x200F) ||
           (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) ||
           code == 0xFEFF || (code & 0xFFFE) == 0xFFFE;
}

static const char *entity(uint32_t code)
{
    switch (code) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void html_text_bytes(struct html *html, const char *text, size_t count)
{
    for (size_t i = 0; i < count && !html->full;) {
        uint32_t code = 0;
        int bytes = decode((const unsigned char *)text + i, count - i, &code);
        if (bytes == 0) {
            html_put(html, "\xEF\xBF\xBD");
            bytes = 1;
        } else if (is_hidden(code)) {
            html_printf(html, "\xE2\x80\xB9U+%04X\xE2\x80\xBA", code);
        } else if (entity(code)) {
            html_put(html, entity(code));
        } else {
            html_add(html, text + i, (size_t)bytes);
        }
        i += (size_t)bytes;
    }
}

void html_text(struct html *html, const char *text)
{
    html_text_bytes(html, text, strlen(text));
}
