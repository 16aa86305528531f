#include "parameters.h"

#include "json_write.h"
#include "notebook.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

enum { ID_BYTES = 4, MINOR_WITH_IDS = 5 };

/* --- values
 * ---------------------------------------------------------------------------------------- */

/* Digits with single underscores between them: the length, 0 if none stand there. */
static size_t digits_length(const char *text)
{
    size_t length = strspn(text, "0123456789");
    while (length > 0 && text[length] == '_' && strspn(text + length + 1, "0123456789") > 0)
        length += 1 + strspn(text + length + 1, "0123456789");
    return length;
}

/* Appends digits without underscores. */
static void add_digits(struct buffer *out, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] != '_')
            buffer_add_char(out, text[i]);
}

/* A whole number as Python's int() reads and prints it. */
static bool add_whole(struct buffer *out, const char *value)
{
    const char *digits = value + (*value == '-' || *value == '+');
    size_t length = digits_length(digits);
    if (length == 0 || digits[length])
        return false;
    while (length > 1 && (*digits == '0' || *digits == '_')) {
        digits++;
        length--;
    }
    if (*value == '-' && strcmp(digits, "0") != 0)
        buffer_add_char(out, '-');
    add_digits(out, digits, length);
    return true;
}

/* Copies what is a number to Python's float(), without its underscores, for strtod. */
static bool read_plain_real(struct buffer *out, const char *value)
{
    const char *at = value + (*value == '-' || *value == '+');
    size_t whole = digits_length(at), fraction = 0, exponent = 0;
    buffer_add(out, value, (size_t)(at - value));
    add_digits(out, at, whole);
    at += whole;
    if (*at == '.') {
        fraction = digits_length(++at);
        buffer_add_char(out, '.');
        add_digits(out, at, fraction);
        at += fraction;
    }
    if (*at == 'e' || *at == 'E') {
        size_t sign = at[1] == '-' || at[1] == '+';
        exponent = digits_length(at + 1 + sign);
        buffer_add(out, at, 1 + sign);
        add_digits(out, at + 1 + sign, exponent);
        at += exponent ? 1 + sign + exponent : 0;
    }
    return *at == '\0' && whole + fraction > 0;
}

/* inf, infinity, nan, with a sign or without. */
static bool add_special(struct buffer *out, const char *value)
{
    const char *name = value + (*value == '-' || *value == '+');
    bool infinite = strcasecmp(name, "inf") == 0 || strcasecmp(name, "infinity") == 0;
    if (!infinite && strcasecmp(name, "nan") != 0)
        return false;
    buffer_addf(out, "float('%s%s')", infinite && *value == '-' ? "-" : "",
                infinite ? "inf" : "nan");
    return true;
}

static bool add_real(struct buffer *out, const char *value)
{
    struct buffer plain = BUFFER_INIT;
    char text[JSON_REAL_BYTES];
    if (add_special(out, value))
        return true;
    bool is_real = read_plain_real(&plain, value);
    if (is_real) {
        void *locale = json_locale_enter();
        double number = strtod(buffer_text(&plain), NULL);
        json_locale_leave(locale);
        if (isinf(number)) {
            add_special(out, number < 0 ? "-inf" : "inf");
        } else {
            json_real_text(number, text);
            buffer_add_text(out, text);
        }
    }
    buffer_release(&plain);
    return is_real;
}

static void add_string(struct buffer *out, const char *value)
{
    struct buffer text = BUFFER_INIT;
    buffer_add_utf8(&text, value, strlen(value));
    buffer_add_char(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte == '"' || byte == '\\')
            buffer_addf(out, "\\%c", byte);
        else if (byte == '\n' || byte == '\r' || byte == '\t')
            buffer_addf(out, "\\%c", byte == '\n' ? 'n' : byte == '\r' ? 'r' : 't');
        else if (byte < 0x20 || byte == 0x7f)
            buffer_addf(out, "\\x%02x", byte);
        else
            buffer_add_char(out, text.data[i]);
    }
    buffer_add_char(out, '"');
    buffer_release(&text);
}

void parameters_add_value(struct buffer *out, const char *value)
{
    bool is_word =
        strcmp(value, "True") == 0 || strcmp(value, "False") == 0 || strcmp(value, "None") == 0;
    if (is_word)
        buffer_add_text(out, value);
    else if (!add_whole(out, value) && !add_real(out, value))
        add_string(out, value);
}

bool parameters_name_is_valid(const char *name)
{
    static const char *const keywords[] = {
        "False", "None",     "True",  "and",    "as",   "assert", "async",  "await",    "break",
        "class", "continue", "def",   "del",    "elif", "else",   "except", "finally",  "for",
        "from",  "global",   "if",    "import", "in",   "is",     "lambda", "nonlocal", "not",
        "or",    "pass",     "raise", "return", "try",  "while",  "with",   "yield",
    };
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++)
        if (strcmp(name, keywords[i]) == 0)
            return false;
    for (const char *at = name; *at; at++) {
        bool letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || *at == '_' ||
                      (unsigned char)*at >= 0x80;
        if (!letter && !(at > name && *at >= '0' && *at <= '9'))
            return false;
    }
    return *name != '\0';
}

/* --- the cell
 * -------------------------------------------------------------------------------------- */

static json_t *make_cell(const json_t *root, const json_t *parameters)
{
    struct buffer code = BUFFER_INIT;
    const char *name;
    json_t *value, *borrowed = (json_t *)parameters;
    buffer_add_text(&code, "# Parameters\n");
    json_object_foreach(borrowed, name, value)
    {
        buffer_addf(&code, "%s = ", name);
        parameters_add_value(&code, json_string_value(value));
        buffer_add_char(&code, '\n');
    }
    json_t *cell =
        json_pack("{ss sn s{s[s]} s[] ss}", "cell_type", "code", "execution_count", "metadata",
                  "tags", "injected-parameters", "outputs", "source", code.data);
    unsigned char bytes[ID_BYTES] = {0};
    buffer_clear(&code);
    if (getrandom(bytes, sizeof bytes, 0) < 0)
        memset(bytes, 0, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        buffer_addf(&code, "%02x", bytes[i]);
    if (json_integer_value(json_object_get(root, "nbformat_minor")) >= MINOR_WITH_IDS)
        json_object_set_new(cell, "id", json_string(code.data));
    buffer_release(&code);
    return cell;
}

/* The index of the first cell with the tag; the number of cells if none has it. */
static size_t find_tagged(const json_t *cells, const char *tag)
{
    size_t index;
    const json_t *cell;
    json_array_foreach(cells, index, cell)
    {
        if (notebook_cell_has_tag(cell, tag))
            return index;
    }
    return json_array_size(cells);
}

void parameters_inject(json_t *root, const json_t *parameters)
{
    json_t *cells = json_object_get(root, "cells"), *cell = make_cell(root, parameters);
    size_t count = json_array_size(cells);
    size_t injected = find_tagged(cells, "injected-parameters");
    size_t given = find_tagged(cells, "parameters");
    if (injected < count)
        json_array_set_new(cells, injected, cell);
    else
        json_array_insert_new(cells, given < count ? given + 1 : 0, cell);
}
