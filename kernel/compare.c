#include "compare.h"

#include "json.h"
#include "json_write.h"
#include "notebook.h"
#include "similar.h"
#include "tidy.h"
#include <stdio.h>
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

/* How a view of tensors begins: its language, and after this text and pictures. */
static const char VIEW_START[] = "<div lang=\"", VIEW_TEXT_END[] = "</pre>";

static bool is_view(const char *mime, const char *text)
{
    return strcmp(mime, "text/html") == 0 && strncmp(text, VIEW_START, sizeof VIEW_START - 1) == 0;
}

/* The view without its language and what follows its text. */
static void keep_text(struct buffer *view)
{
    struct buffer text = BUFFER_INIT;
    const char *start = strstr(buffer_text(view), "<pre"), *end = NULL;
    end = start ? strstr(start, VIEW_TEXT_END) : NULL;
    if (end) {
        buffer_add(&text, start, (size_t)(end - start) + sizeof VIEW_TEXT_END - 1);
        buffer_release(view);
        *view = text;
    }
}

/* What an output's text is before it is compared. */
static void prepare(struct buffer *text, const char *mime, const struct compare_options *options)
{
    struct buffer tidied = BUFFER_INIT;
    bool picture = strncmp(mime, "image/", 6) == 0 && strcmp(mime, "image/svg+xml") != 0;
    bool readable = strcmp(mime, "text/plain") == 0 || strcmp(mime, "text/markdown") == 0;
    if (options->exact)
        return;
    if (options->views_as_text && is_view(mime, buffer_text(text)))
        keep_text(text);
    if (!picture) {
        (readable ? tidy_text : tidy_markup)(&tidied, buffer_text(text), text->size);
        buffer_release(text);
        *text = tidied;
    }
    if (options->rewrite)
        options->rewrite(options->context, mime, text);
}

/* The text, with what would hide or forge lines of the report escaped. Taken over. */
static void add_escaped(struct buffer *out, struct buffer *text)
{
    for (size_t i = 0; i < text->size; i++) {
        unsigned char byte = (unsigned char)text->data[i];
        if (byte == '\n' || byte == '\t' || byte >= 0x20)
            buffer_add_char(out, text->data[i]);
        else
            buffer_addf(out, "\\x%02x", byte);
    }
    buffer_release(text);
}

/* A name from the file, within a line. */
static void add_name(struct buffer *out, const char *name)
{
    for (; *name; name++)
        if ((unsigned char)*name >= 0x20)
            buffer_add_char(out, *name);
        else
            buffer_addf(out, "\\x%02x", *name);
}

/* The text of an output (taken over), made ready. */
static void add_text(struct buffer *out, struct buffer text, const char *mime,
                     const struct compare_options *options)
{
    prepare(&text, mime, options);
    add_escaped(out, &text);
}

/* A representation: text in one piece or as lines, or JSON. */
static void add_value(struct buffer *out, const json_t *value, const char *mime,
                      const struct compare_options *options)
{
    struct buffer text = BUFFER_INIT;
    if (json_is_string(value) || (json_is_array(value) && notebook_mime_is_text(mime)))
        notebook_add_text(&text, value);
    else
        json_write(&text, value);
    add_text(out, text, mime, options);
}

/* The line above an output; `mime` may be NULL. */
static void add_heading(struct buffer *out, const char *type, const char *mime)
{
    buffer_add_char(out, '[');
    add_name(out, type);
    if (mime) {
        buffer_add_char(out, ' ');
        add_name(out, mime);
    }
    buffer_add_text(out, "]\n");
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_bundle(struct buffer *out, const json_t *output, const char *type,
                       const struct compare_options *options)
{
    json_t *data = json_object_get(output, "data"), *value;
    const char **keys = memory_new((json_object_size(data) + 1) * sizeof(*keys)), *key;
    size_t count = 0;
    json_object_foreach(data, key, value)
    {
        if (!json_object_get(options->ignored, key))
            keys[count++] = key;
    }
    qsort(keys, count, sizeof(*keys), compare_keys);
    for (size_t i = 0; i < count; i++) {
        add_heading(out, type, keys[i]);
        add_value(out, json_object_get(data, keys[i]), keys[i], options);
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
static size_t add_stream(struct buffer *out, const json_t *outputs, size_t index,
                         const struct compare_options *options)
{
    const char *name = json_member_text(json_array_get(outputs, index), "name", "stdout");
    const char *next = name;
    struct buffer text = BUFFER_INIT;
    while (next && strcmp(next, name) == 0) {
        notebook_add_text(&text, json_object_get(json_array_get(outputs, index++), "text"));
        next = stream_of(json_array_get(outputs, index));
    }
    add_heading(out, name, NULL);
    add_text(out, text, "text/plain", options);
    if (out->data[out->size - 1] != '\n')
        buffer_add_text(out, "\n\\ no line end\n");
    return index;
}

static void add_output(struct buffer *out, const json_t *output,
                       const struct compare_options *options)
{
    const char *type = json_member_text(output, "output_type", "?");
    struct buffer text = BUFFER_INIT;
    if (strcmp(type, "error") != 0) {
        add_bundle(out, output, type, options);
        return;
    }
    add_heading(out, "error", NULL);
    add_name(out, json_member_text(output, "ename", "?"));
    buffer_add_text(out, ": ");
    notebook_add_text(&text, json_object_get(output, "evalue"));
    add_text(out, text, "text/plain", options);
    buffer_add_char(out, '\n');
}

static void lines_of_outputs(struct lines *lines, const json_t *outputs,
                             const struct compare_options *options)
{
    size_t count = json_array_size(outputs);
    *lines = (struct lines){0};
    for (size_t i = 0; i < count;) {
        const json_t *output = json_array_get(outputs, i);
        if (stream_of(output))
            i = add_stream(&lines->text, outputs, i, options);
        else
            add_output(&lines->text, json_array_get(outputs, i++), options);
    }
    lines_cut(lines);
}

/* --- the difference
 * ------------------------------------------------------------------------------------------------
 */

enum { CONTEXT_LINES = 2, SHOWN_BYTES = 160, TABLE_CELLS_MAX = 4000000 };

static void show_line(const char *line, char sign, struct buffer *report,
                      const struct compare_options *options)
{
    const char *start = !options->colour || sign == ' ' ? ""
                        : sign == '-'                   ? "\033[31m"
                                                        : "\033[32m";
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

static void show_lines(char **line, size_t count, char sign, struct buffer *report,
                       const struct compare_options *options)
{
    for (size_t i = 0; i < count; i++)
        show_line(line[i], sign, report, options);
}

/* Lengths of the longest common subsequences of all ends old[i…], new[j…], at [i * (news + 1) + j]
 * (Wagner and Fischer, 1974); NULL when the table would be too large. */
static unsigned *common_lengths(char **old, size_t olds, char **new, size_t news, double tolerance)
{
    size_t width = news + 1;
    if (olds >= TABLE_CELLS_MAX / width)
        return NULL;
    unsigned *table = memory_new((olds + 1) * width * sizeof(*table));
    for (size_t i = olds; i-- > 0;)
        for (size_t j = news; j-- > 0;) {
            unsigned down = table[(i + 1) * width + j], right = table[i * width + j + 1];
            unsigned best = down > right ? down : right;
            bool same = lines_similar(old[i], new[j], tolerance);
            table[i * width + j] = same ? table[(i + 1) * width + j + 1] + 1 : best;
        }
    return table;
}

static void show_difference(char **old, size_t olds, char **new, size_t news, struct buffer *report,
                            const struct compare_options *options)
{
    unsigned *common = common_lengths(old, olds, new, news, options->tolerance);
    size_t width = news + 1, i = 0, j = 0;
    while (common && i < olds && j < news) {
        if (lines_similar(old[i], new[j], options->tolerance)) {
            show_line(old[i++], ' ', report, options);
            j++;
        } else if (common[(i + 1) * width + j] >= common[i * width + j + 1]) {
            show_line(old[i++], '-', report, options);
        } else {
            show_line(new[j++], '+', report, options);
        }
    }
    show_lines(old + i, olds - i, '-', report, options);
    show_lines(new + j, news - j, '+', report, options);
    free(common);
}

static void show_report(const struct lines *old, const struct lines *new, struct buffer *report,
                        const struct compare_options *options)
{
    size_t least = old->count < new->count ? old->count : new->count, start = 0, end = 0;
    while (start < least && lines_similar(old->line[start], new->line[start], options->tolerance))
        start++;
    while (end < least - start &&
           lines_similar(old->line[old->count - 1 - end], new->line[new->count - 1 - end],
                         options->tolerance))
        end++;
    size_t before = start < CONTEXT_LINES ? start : CONTEXT_LINES;
    size_t after = end < CONTEXT_LINES ? end : CONTEXT_LINES;
    show_lines(old->line + start - before, before, ' ', report, options);
    show_difference(old->line + start, old->count - start - end, new->line + start,
                    new->count - start - end, report, options);
    show_lines(old->line + old->count - end, after, ' ', report, options);
}

static bool lines_equal(const struct lines *a, const struct lines *b, double tolerance)
{
    for (size_t i = 0; i < a->count && i < b->count; i++)
        if (!lines_similar(a->line[i], b->line[i], tolerance))
            return false;
    return a->count == b->count;
}

static bool compare_once(const json_t *stored, const json_t *fresh,
                         const struct compare_options *options, struct buffer *report)
{
    struct lines old, new;
    lines_of_outputs(&old, stored, options);
    lines_of_outputs(&new, fresh, options);
    bool same = lines_equal(&old, &new, options->tolerance);
    if (!same && report)
        show_report(&old, &new, report, options);
    lines_release(&old);
    lines_release(&new);
    return same;
}

/* The language of the first view among the outputs, two letters, or "". */
static void find_language(const json_t *outputs, char language[3])
{
    static const char html[] = "text/html";
    size_t count = json_array_size(outputs);
    language[0] = '\0';
    for (size_t i = 0; i < count && !language[0]; i++) {
        const json_t *data = json_object_get(json_array_get(outputs, i), "data");
        struct buffer text = BUFFER_INIT;
        notebook_add_text(&text, json_object_get(data, html));
        if (is_view(html, buffer_text(&text)))
            snprintf(language, 3, "%s", text.data + sizeof VIEW_START - 1);
        buffer_release(&text);
    }
}

static bool languages_differ(const json_t *stored, const json_t *fresh)
{
    char old[3], new[3];
    find_language(stored, old);
    find_language(fresh, new);
    return *old && *new &&strcmp(old, new) != 0;
}

/* What costs most, decoding pictures and looking for languages, waits until the rest has found a
 * difference. */
bool compare_outputs(const json_t *stored, const json_t *fresh,
                     const struct compare_options *options, struct buffer *report)
{
    struct compare_options plain = *options, whole = *options;
    plain.rewrite = NULL;
    if (compare_once(stored, fresh, &plain, NULL))
        return true;
    whole.views_as_text = languages_differ(stored, fresh);
    return compare_once(stored, fresh, &whole, report);
}
