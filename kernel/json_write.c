#include "json_write.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- numbers
 * --------------------------------------------------------------------------------------- */

void *json_locale_enter(void)
{
    static locale_t c_locale;
    locale_t known = __atomic_load_n(&c_locale, __ATOMIC_ACQUIRE);
    if (!known) {
        locale_t expected = (locale_t)0;
        known = newlocale(LC_ALL_MASK, "C", (locale_t)0);
        if (!__atomic_compare_exchange_n(&c_locale, &expected, known, false, __ATOMIC_ACQ_REL,
                                         __ATOMIC_ACQUIRE)) {
            freelocale(known);
            known = expected;
        }
    }
    return (void *)uselocale(known);
}

void json_locale_leave(void *previous)
{
    uselocale((locale_t)previous);
}

/* The fewest significant digits, written d.ddde±x, that read back as the same number. */
static void shortest_digits(double number, char digits[JSON_REAL_BYTES])
{
    for (int precision = 0; precision < 17; precision++) {
        snprintf(digits, JSON_REAL_BYTES, "%.*e", precision, number);
        if (strtod(digits, NULL) == number)
            return;
    }
}

/* Lays out the digits (count of them) with the decimal point after `point` digits. */
static void place_point(const char *digits, int count, int point, char *text)
{
    if (point <= 0) {
        *text++ = '0';
        *text++ = '.';
        for (; point < 0; point++)
            *text++ = '0';
        memcpy(text, digits, (size_t)count);
        text[count] = '\0';
        return;
    }
    for (int i = 0; i < point || i < count; i++) {
        if (i == point)
            *text++ = '.';
        *text++ = i < count ? digits[i] : '0';
    }
    memcpy(text, ".0", 3);
    if (count > point)
        text[0] = '\0';
}

void json_real_text(double number, char text[JSON_REAL_BYTES])
{
    void *previous = json_locale_enter();
    char scientific[JSON_REAL_BYTES], digits[JSON_REAL_BYTES];
    shortest_digits(fabs(number), scientific);
    json_locale_leave(previous);

    int exponent = atoi(strchr(scientific, 'e') + 1), count = 0;
    for (const char *at = scientific; *at != 'e'; at++)
        if (*at != '.')
            digits[count++] = *at;
    if (signbit(number))
        *text++ = '-';
    if (exponent < -4 || exponent >= 16)
        memcpy(text, scientific, strlen(scientific) + 1);
    else
        place_point(digits, count, exponent + 1, text);
}

static void write_real(struct buffer *out, double number)
{
    char text[JSON_REAL_BYTES] = "null";
    if (isfinite(number))
        json_real_text(number, text);
    buffer_add_text(out, text);
}

/* --- values
 * ---------------------------------------------------------------------------------------- */

static void write_value(struct buffer *out, const json_t *value, int depth);

/* The escape of a byte that cannot stand in a JSON string as it is; an empty text for all others.
 */
static void escape_byte(unsigned char byte, char escape[8])
{
    static const char named[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    escape[0] = '\0';
    if (byte == '"' || byte == '\\')
        snprintf(escape, 8, "\\%c", byte);
    else if (byte < sizeof(named) && named[byte])
        snprintf(escape, 8, "\\%c", named[byte]);
    else if (byte < 0x20)
        snprintf(escape, 8, "\\u%04x", byte);
}

static void write_string(struct buffer *out, const char *text, size_t length)
{
    size_t written = 0;
    char escape[8];
    buffer_add_char(out, '"');
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        escape_byte(byte, escape);
        buffer_add(out, text + written, i - written);
        buffer_add_text(out, escape);
        written = i + 1;
    }
    buffer_add(out, text + written, length - written);
    buffer_add_char(out, '"');
}

static void write_line_start(struct buffer *out, int depth)
{
    buffer_add_char(out, '\n');
    for (int i = 0; i < depth; i++)
        buffer_add_char(out, ' ');
}

static void write_object(struct buffer *out, const json_t *object, int depth)
{
    json_t *borrowed = (json_t *)object, *value; /* the iterator wants it so, and changes nothing */
    const char *key;
    char separator = '{';
    json_object_foreach(borrowed, key, value)
    {
        buffer_add_char(out, separator);
        write_line_start(out, depth + 1);
        write_string(out, key, strlen(key));
        buffer_add_text(out, ": ");
        write_value(out, value, depth + 1);
        separator = ',';
    }
    if (separator == '{')
        buffer_add_char(out, '{');
    else
        write_line_start(out, depth);
    buffer_add_char(out, '}');
}

static void write_array(struct buffer *out, const json_t *array, int depth)
{
    size_t count = json_array_size(array);
    buffer_add_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i)
            buffer_add_char(out, ',');
        write_line_start(out, depth + 1);
        write_value(out, json_array_get(array, i), depth + 1);
    }
    if (count)
        write_line_start(out, depth);
    buffer_add_char(out, ']');
}

static void write_value(struct buffer *out, const json_t *value, int depth)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        write_object(out, value, depth);
        break;
    case JSON_ARRAY:
        write_array(out, value, depth);
        break;
    case JSON_STRING:
        write_string(out, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        buffer_addf(out, "%lld", (long long)json_integer_value(value));
        break;
    case JSON_REAL:
        write_real(out, json_real_value(value));
        break;
    default:
        buffer_add_text(out, json_is_true(value)    ? "true"
                             : json_is_false(value) ? "false"
                                                    : "null");
    }
}

void json_write(struct buffer *out, const json_t *value)
{
    write_value(out, value, 0);
}
