#include "json.h"
#include "json_write.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

json_t *json_parse(const char *text, size_t size, json_error_t *error)
{
    json_error_t ignored;
    /* strtod under jansson reads "0,5" where the locale says so */
    void *locale = json_locale_enter();
    json_t *value =
        json_loadb(text, size, JSON_ALLOW_NUL | JSON_DECODE_ANY, error ? error : &ignored);
    json_locale_leave(locale);
    return value;
}

static const char *short_escape(char c)
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        return NULL;
    }
}

/* Bytes at s that stand for themselves inside a JSON string, a whole word at a time where possible.
 */
static size_t plain_ascii(const char *s, size_t size)
{
    const uint64_t ones = 0x0101010101010101ull, tops = ones << 7;
    size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        uint64_t w;
        memcpy(&w, s + i, 8);
        uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\');
        /* a byte below n, or zero, borrows into its top bit (Warren, Hacker's Delight, 6-1) */
        if ((w | (w - ones * 0x20) | (quote - ones) | (slash - ones)) & tops)
            break;
    }
    while (i < size && (unsigned char)s[i] >= 0x20 && (unsigned char)s[i] < 0x80 && s[i] != '"' &&
           s[i] != '\\')
        i++;
    return i;
}

void json_add_text(struct buffer *out, const char *text, size_t size)
{
    buffer_reserve(out, size + size / 8 + 2);
    buffer_add_char(out, '"');
    for (size_t i = 0; i < size;) {
        size_t n = plain_ascii(text + i, size - i);
        if (n) {
            buffer_add(out, text + i, n);
        } else if ((unsigned char)text[i] >= 0x80) {
            n = utf8_length(text + i, size - i);
            buffer_add(out, n ? text + i : "\xEF\xBF\xBD", n ? n : 3);
            n = n ? n : 1;
        } else {
            const char *escape = short_escape(text[i]);
            if (escape)
                buffer_add(out, escape, 2);
            else
                buffer_addf(out, "\\u%04x", (unsigned char)text[i]);
            n = 1;
        }
        i += n;
    }
    buffer_add_char(out, '"');
}

static void add_real(struct buffer *out, double value)
{
    char text[JSON_REAL_BYTES] = "null";
    if (isfinite(value)) {
        void *locale = json_locale_enter();
        json_real_text(value, text);
        json_locale_leave(locale);
    }
    buffer_add_text(out, text);
}

static void add_array(struct buffer *out, const json_t *array)
{
    size_t i;
    json_t *item;
    buffer_add_char(out, '[');
    json_array_foreach(array, i, item)
    {
        if (i)
            buffer_add_char(out, ',');
        json_add(out, item);
    }
    buffer_add_char(out, ']');
}

static void add_object(struct buffer *out, const json_t *object)
{
    char separator = '{';
    /* the iterator takes a non-const object, and does not change it */
    json_t *o = (json_t *)object;
    for (void *i = json_object_iter(o); i; i = json_object_iter_next(o, i)) {
        buffer_add_char(out, separator);
        json_add_text(out, json_object_iter_key(i), json_object_iter_key_len(i));
        buffer_add_char(out, ':');
        json_add(out, json_object_iter_value(i));
        separator = ',';
    }
    buffer_add_text(out, separator == '{' ? "{}" : "}");
}

void json_add(struct buffer *out, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        add_object(out, value);
        break;
    case JSON_ARRAY:
        add_array(out, value);
        break;
    case JSON_STRING:
        json_add_text(out, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        buffer_addf(out, "%lld", (long long)json_integer_value(value));
        break;
    case JSON_REAL:
        add_real(out, json_real_value(value));
        break;
    case JSON_TRUE:
        buffer_add_text(out, "true");
        break;
    case JSON_FALSE:
        buffer_add_text(out, "false");
        break;
    case JSON_NULL:
        buffer_add_text(out, "null");
        break;
    }
}

json_t *json_text(const char *text, size_t size)
{
    json_t *value = json_stringn(text, size);
    if (!value) {
        struct buffer clean = BUFFER_INIT;
        buffer_add_utf8(&clean, text, size);
        value = json_stringn(clean.data, clean.size);
        buffer_release(&clean);
    }
    return value;
}

const char *json_member_text(const json_t *object, const char *key, const char *missing)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : missing;
}

bool json_member_bool(const json_t *object, const char *key, bool missing)
{
    const json_t *value = json_object_get(object, key);
    return json_is_boolean(value) ? json_is_true(value) : missing;
}

json_int_t json_member_integer(const json_t *object, const char *key, json_int_t missing)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : missing;
}
