#include "tidy.h"

#include <jansson.h>
#include <string.h>

static const char ellipsis[] = "\xe2\x80\xa6";

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

static bool is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* How many bytes from text on are such. */
static size_t span(const char *text, size_t size, bool (*is)(char))
{
    size_t length = 0;
    while (length < size && is(text[length]))
        length++;
    return length;
}

static bool begins(const char *text, size_t size, const char *with)
{
    size_t length = strlen(with);
    return size >= length && memcmp(text, with, length) == 0;
}

/* Bytes of the address (0x and six to sixteen digits), 0 if none begins here. */
static size_t address_length(const char *text, size_t size)
{
    if (!begins(text, size, "0x"))
        return 0;
    size_t digits = 0;
    while (2 + digits < size &&
           (is_hex(text[2 + digits]) || (text[2 + digits] >= 'A' && text[2 + digits] <= 'F')))
        digits++;
    return digits >= 6 && digits <= 16 ? 2 + digits : 0;
}

/* --- texts
 * ----------------------------------------------------------------------------------------- */

/* How warnings name a cell, "<ipython-input-1-ddd36a04>": bytes, 0 if none begins here. */
static size_t cell_name_length(const char *text, size_t size)
{
    static const char start[] = "<ipython-input-";
    size_t at = sizeof start - 1;
    if (!begins(text, size, start))
        return 0;
    at += span(text + at, size - at, is_digit);
    if (at < size && text[at] == '-')
        at++;
    at += span(text + at, size - at, is_hex);
    return at < size && text[at] == '>' ? at + 1 : 0;
}

/* The same under ipykernel, and where a debugger was: "/tmp/ipykernel_12/34.py". */
static size_t cell_file_length(const char *text, size_t size)
{
    const char *folders[] = {"/tmp/ipykernel_", "/tmp/mesale_"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        size_t at = strlen(folders[i]);
        if (!begins(text, size, folders[i]))
            continue;
        at += span(text + at, size - at, is_digit);
        if (at < size && text[at] == '/')
            at++;
        at += span(text + at, size - at, is_word);
        return begins(text + at, size - at, ".py") ? at + 3 : 0;
    }
    return 0;
}

/* The brackets of tqdm, "[00:01<00:00, 12.3it/s]": bytes, 0 if none begin here. */
static size_t progress_length(const char *text, size_t size)
{
    const char *end =
        size > 4 && text[0] == '[' && is_digit(text[1]) ? memchr(text, ']', size) : NULL;
    size_t length = end ? (size_t)(end - text) + 1 : 0;
    bool timed = end && memmem(text, length, ":", 1) && memmem(text, length, "<", 1);
    bool rated = end && (memmem(text, length, "/s", 2) || memmem(text, length, "s/", 2));
    return timed && rated ? length : 0;
}

/* Replaces what begins at the text if it is one of ours; returns its bytes. */
static size_t replace_part(struct buffer *out, const char *text, size_t size)
{
    size_t length = 0;
    if ((length = address_length(text, size)))
        buffer_addf(out, "0x%s", ellipsis);
    else if ((length = cell_file_length(text, size)) || (length = cell_name_length(text, size)))
        buffer_addf(out, "<cell>");
    else if ((length = progress_length(text, size)))
        buffer_addf(out, "[%s]", ellipsis);
    return length;
}

static void add_parts(struct buffer *out, const char *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        bool maybe = text[i] && strchr("0/[<", text[i]);
        size_t length = maybe ? replace_part(out, text + i, size - i) : 0;
        if (length == 0)
            buffer_add_char(out, text[i]);
        i += length ? length : 1;
    }
}

/* Lines that hold nothing but times. */
static bool replace_line(struct buffer *out, const char *text, size_t size)
{
    static const char loops[] = " per loop (mean \xc2\xb1 std. dev. of ";
    if (begins(text, size, "CPU times: "))
        buffer_addf(out, "CPU times: %s", ellipsis);
    else if (begins(text, size, "Wall time: "))
        buffer_addf(out, "Wall time: %s", ellipsis);
    else if (memmem(text, size, loops, sizeof loops - 1))
        buffer_addf(out, "%s per loop", ellipsis);
    else
        return false;
    return true;
}

/* The part of a line that is still seen when its carriage returns have been obeyed. */
static void skip_overwritten(const char **text, size_t *size)
{
    while (*size > 0 && (*text)[*size - 1] == '\r')
        --*size;
    const char *last = memrchr(*text, '\r', *size);
    if (last) {
        *size -= (size_t)(last + 1 - *text);
        *text = last + 1;
    }
}

void tidy_text(struct buffer *out, const char *text, size_t size)
{
    while (size > 0) {
        const char *end = memchr(text, '\n', size), *line = text;
        size_t length = end ? (size_t)(end - text) : size, whole = length + (end != NULL);
        text += whole;
        size -= whole;
        skip_overwritten(&line, &length);
        if (begins(line, length, "The slowest run took ")) /* %timeit says so now and then */
            continue;
        if (!replace_line(out, line, length))
            add_parts(out, line, length);
        if (end)
            buffer_add_char(out, '\n');
    }
}

/* --- markup
 * ---------------------------------------------------------------------------------------- */

/* Bytes of a UUID, 0 if none begins here. */
static size_t uuid_length(const char *text, size_t size)
{
    static const size_t parts[] = {8, 4, 4, 4, 12};
    size_t at = 0;
    for (size_t i = 0; i < 5; i++) {
        if (i > 0 && (at >= size || text[at++] != '-'))
            return 0;
        if (at > size || span(text + at, size - at, is_hex) != parts[i])
            return 0;
        at += parts[i];
    }
    return at;
}

/* Bytes of a run of eight or more digits among which are letters and decimal ones; `text` has a
 * byte before it. */
static size_t hash_length(const char *text, size_t size, char before)
{
    size_t length = span(text, size, is_hex), digits = 0;
    for (size_t i = 0; i < length; i++)
        digits += is_digit(text[i]);
    bool colour = before == '#' && length == 8;
    bool is_part = length < size && text[length] >= 'g' && text[length] <= 'z';
    return length >= 8 && digits > 0 && digits < length && !colour && !is_part ? length : 0;
}

/* pandas' names of styled tables: T_ and five digits. */
static size_t table_length(const char *text, size_t size)
{
    return begins(text, size, "T_") && span(text + 2, size - 2, is_hex) == 5 ? 7 : 0;
}

static size_t random_length(const char *text, size_t size, char before)
{
    size_t length = table_length(text, size);
    if (length == 0 && is_hex(*text) && !is_hex(before)) {
        length = uuid_length(text, size);
        length = length ? length : hash_length(text, size, before);
    }
    return length;
}

/* The id's number in the order of appearance. */
static void add_number(struct buffer *out, json_t *numbers, const char *id, size_t length)
{
    json_t *number = json_object_getn(numbers, id, length);
    if (!number) {
        number = json_integer((json_int_t)json_object_size(numbers) + 1);
        json_object_setn_new(numbers, id, length, number);
    }
    buffer_addf(out, "id\xe2\x80\xa6%lld", (long long)json_integer_value(number));
}

void tidy_markup(struct buffer *out, const char *text, size_t size)
{
    json_t *numbers = json_object();
    for (size_t i = 0; i < size;) {
        size_t address = text[i] == '0' ? address_length(text + i, size - i) : 0;
        size_t length = address ? 0 : random_length(text + i, size - i, i ? text[i - 1] : ' ');
        if (address)
            buffer_addf(out, "0x%s", ellipsis);
        else if (length)
            add_number(out, numbers, text + i, length);
        else
            buffer_add_char(out, text[i]);
        i += address + length ? address + length : 1;
    }
    json_decref(numbers);
}
