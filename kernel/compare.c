#include "compare.h"

#include "json.h"
#include "json_write.h"
#include "notebook.h"
#include <stdlib.h>
#include <string.h>

/* --- outputs as lines of text
 * ------------------------------------------------------------------------------------ */

struct lines {
    struct buffer text; /* line ends are replaced by NUL */
    char **line;
    size_t count;
};

static void lines_release(struct lines *lines)
{
    buffer_release(&lines->text);
    free(lines->line);
}

/* Cuts lines->text, which ends in a line end, or is empty. */
static void lines_cut(struct lines *lines)
{
    char *at = lines->text.data, *end;
    size_t ends = 0;
    for (size_t i = 0; i < lines->text.size; i++)
        ends += at[i] == '\n';
    lines->line = memory_new((ends + 1) * sizeof(*lines->line));
    for (; ends > 0; ends--, at = end + 1) {
        end = strchr(at, '\n');
        *end = '\0';
        lines->line[lines->count++] = at;
    }
}

/* The text, with what would hide or forge lines of the report escaped. */
static void add_text(struct buffer *out, const json_t *value)
{
    struct buffer text = BUFFER_INIT;
    notebook_add_text(&text, value);
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte == '\n' || byte == '\t' || byte >= 0x20)
            buffer_add_char(out, text.data[i]);
        else
            buffer_addf(out, "\\x%02x", byte);
    }
    buffer_release(&text);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_bundle(struct buffer *out, const json_t *output, const char *type)
{
    json_t *data = json_object_get(output, "data"), *value;
    const char **keys = memory_new((json_object_size(data) + 1) * sizeof(*keys)), *key;
    size_t count = 0;
    json_object_foreach(data, key, value) keys[count++] = key;
    qsort(keys, count, sizeof(*keys), compare_keys);
    for (size_t i = 0; i < count; i++) {
        value = json_object_get(data, keys[i]);
        buffer_addf(out, "[%s %s]\n", type, keys[i]);
        if (json_is_string(value) || (json_is_array(value) && notebook_mime_is_text(keys[i])))
            add_text(out, value);
        else
            json_write(out, value);
        buffer_add_char(out, '\n');
    }
    free(keys);
}

static const char *stream_of(const json_t *output)
{
    const char *type = json_member_text(output, "output_type", "");
    return strcmp(type, "stream") == 0 ? json_member_text(output, "name", "stdout") : NULL;
}

/* Adds the outputs of one stream from index on as one text; returns the index after them. */
static size_t add_stream(struct buffer *out, const json_t *outputs, size_t index)
{
    const char *name = json_member_text(json_array_get(outputs, index), "name", "stdout");
    const char *next = name;
    buffer_addf(out, "[%s]\n", name);
    while (next && strcmp(next, name) == 0) {
        add_text(out, json_object_get(json_array_get(outputs, index++), "text"));
        next = stream_of(json_array_get(outputs, index));
    }
    if (out->data[out->size - 1] != '\n')
        buffer_add_text(out, "\n\\ no line end\n");
    return index;
}

static void add_output(struct buffer *out, const json_t *output)
{
    const char *type = json_member_text(output, "output_type", "?");
    if (strcmp(type, "error") != 0) {
        add_bundle(out, output, type);
        return;
    }
    buffer_addf(out, "[error]\n%s: ", json_member_text(output, "ename", "?"));
    add_text(out, json_object_get(output, "evalue"));
    buffer_add_char(out, '\n');
}

static void lines_of_outputs(struct lines *lines, const json_t *outputs)
{
    size_t count = json_array_size(outputs);
    *lines = (struct lines){0};
    for (size_t i = 0; i < count;) {
        const json_t *output = json_array_get(outputs, i);
        if (stream_of(output))
            i = add_stream(&lines->text, outputs, i);
        else
            add_output(&lines->text, json_array_get(outputs, i++));
    }
    lines_cut(lines);
}

/* --- the difference
 * ------------------------------------------------------------------------------------------------
 */

enum { CONTEXT_LINES = 2, SHOWN_BYTES = 160, TABLE_CELLS_MAX = 4000000 };

static void show_line(const char *line, char sign, struct buffer *report, bool colour)
{
    const char *start = !colour || sign == ' ' ? "" : sign == '-' ? "\033[31m" : "\033[32m";
    size_t length = strlen(line), shown = length;
    if (length > SHOWN_BYTES)
        for (shown = SHOWN_BYTES; shown > 0 && ((unsigned char)line[shown] & 0xc0) == 0x80;)
            shown--;
    buffer_addf(report, "    %s%c ", start, sign);
    buffer_add(report, line, shown);
    if (shown < length)
        buffer_addf(report, "… (%zu bytes more)", length - shown);
    buffer_add_text(report, *start ? "\033[0m\n" : "\n");
}

static void show_lines(char **line, size_t count, char sign, struct buffer *report, bool colour)
{
    for (size_t i = 0; i < count; i++)
        show_line(line[i], sign, report, colour);
}

/* Lengths of the longest common subsequences of all ends old[i…], new[j…], at [i * (news + 1) + j]
 * (Wagner and Fischer, 1974); NULL when the table would be too large. */
static unsigned *common_lengths(char **old, size_t olds, char **new, size_t news)
{
    size_t width = news + 1;
    if (olds >= TABLE_CELLS_MAX / width)
        return NULL;
    unsigned *table = memory_new((olds + 1) * width * sizeof(*table));
    for (size_t i = olds; i-- > 0;)
        for (size_t j = news; j-- > 0;) {
            unsigned down = table[(i + 1) * width + j], right = table[i * width + j + 1];
            unsigned best = down > right ? down : right;
            bool same = strcmp(old[i], new[j]) == 0;
            table[i * width + j] = same ? table[(i + 1) * width + j + 1] + 1 : best;
        }
    return table;
}

static void show_difference(char **old, size_t olds, char **new, size_t news, struct buffer *report,
                            bool colour)
{
    unsigned *common = common_lengths(old, olds, new, news);
    size_t width = news + 1, i = 0, j = 0;
    while (common && i < olds && j < news) {
        if (strcmp(old[i], new[j]) == 0) {
            show_line(old[i++], ' ', report, colour);
            j++;
        } else if (common[(i + 1) * width + j] >= common[i * width + j + 1]) {
            show_line(old[i++], '-', report, colour);
        } else {
            show_line(new[j++], '+', report, colour);
        }
    }
    show_lines(old + i, olds - i, '-', report, colour);
    show_lines(new + j, news - j, '+', report, colour);
    free(common);
}

static void show_report(const struct lines *old, const struct lines *new, struct buffer *report,
                        bool colour)
{
    size_t least = old->count < new->count ? old->count : new->count, start = 0, end = 0;
    while (start < least && strcmp(old->line[start], new->line[start]) == 0)
        start++;
    while (end < least - start &&
           strcmp(old->line[old->count - 1 - end], new->line[new->count - 1 - end]) == 0)
        end++;
    size_t before = start < CONTEXT_LINES ? start : CONTEXT_LINES;
    size_t after = end < CONTEXT_LINES ? end : CONTEXT_LINES;
    show_lines(old->line + start - before, before, ' ', report, colour);
    show_difference(old->line + start, old->count - start - end, new->line + start,
                    new->count - start - end, report, colour);
    show_lines(old->line + old->count - end, after, ' ', report, colour);
}

static bool lines_equal(const struct lines *a, const struct lines *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++)
        if (strcmp(a->line[i], b->line[i]) != 0)
            return false;
    return a->count == b->count;
}

bool compare_outputs(const json_t *stored, const json_t *fresh, struct buffer *report, bool colour)
{
    struct lines old, new;
    lines_of_outputs(&old, stored);
    lines_of_outputs(&new, fresh);
    bool same = lines_equal(&old, &new);
    if (!same)
        show_report(&old, &new, report, colour);
    lines_release(&old);
    lines_release(&new);
    return same;
}
