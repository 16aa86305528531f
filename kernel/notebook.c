#include "notebook.h"

#include "json.h"
#include "json_write.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { NOTEBOOK_BYTES_MAX = 256 << 20 };

static int fail(struct buffer *problem, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct buffer *problem, const char *path, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    buffer_addf(problem, "%s: %s", path, text);
    return -1;
}

/* --- text
 * ----------------------------------------------------------------------------------------------------
 */

void notebook_add_text(struct buffer *out, const json_t *value)
{
    size_t index;
    const json_t *line;
    if (json_is_string(value))
        buffer_add(out, json_string_value(value), json_string_length(value));
    json_array_foreach(value, index, line) if (json_is_string(line))
        buffer_add(out, json_string_value(line), json_string_length(line));
}

/* Bytes of the line end that begins at text[0], 0 if none does: those of Python's str.splitlines.
 */
static size_t line_end(const char *text, size_t left)
{
    unsigned char byte = (unsigned char)text[0];
    if (byte == '\r')
        return left > 1 && text[1] == '\n' ? 2 : 1;
    if ((byte >= '\n' && byte <= '\f') || (byte >= 0x1c && byte <= 0x1e))
        return 1;
    if (left >= 2 && memcmp(text, "\xc2\x85", 2) == 0)
        return 2;
    if (left >= 3 && (memcmp(text, "\xe2\x80\xa8", 3) == 0 || memcmp(text, "\xe2\x80\xa9", 3) == 0))
        return 3;
    return 0;
}

static json_t *split_lines(const json_t *value)
{
    const char *text = json_string_value(value);
    size_t length = json_string_length(value), start = 0;
    json_t *lines = json_array();
    for (size_t at = 0; at < length;) {
        size_t end = line_end(text + at, length - at);
        at += end ? end : 1;
        if (!end && at < length)
            continue;
        json_array_append_new(lines, json_stringn(text + start, at - start));
        start = at;
    }
    return lines;
}

bool notebook_mime_is_text(const char *mime)
{
    return strncmp(mime, "text/", 5) == 0 || strcmp(mime, "application/javascript") == 0 ||
           strcmp(mime, "image/svg+xml") == 0;
}

static void split_field(json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_string(value))
        json_object_set_new(object, key, split_lines(value));
}

static void split_bundle(json_t *bundle)
{
    const char *mime;
    json_t *value;
    json_object_foreach(bundle, mime, value)
    {
        if (notebook_mime_is_text(mime) && json_is_string(value))
            json_object_set_new(bundle, mime, split_lines(value));
    }
}

/* A copy of the cell in which multi-line texts are lists of lines. */
static json_t *split_cell(const json_t *cell)
{
    json_t *copy = json_deep_copy(cell), *output, *attachment;
    const char *name;
    size_t index;
    split_field(copy, "source");
    json_object_foreach(json_object_get(copy, "attachments"), name, attachment)
        split_bundle(attachment);
    json_array_foreach(json_object_get(copy, "outputs"), index, output)
    {
        split_field(output, "text");
        split_bundle(json_object_get(output, "data"));
    }
    return copy;
}

/* --- reading
 * ---------------------------------------------------------------------------------------------------
 */

static bool is_text(const json_t *value)
{
    size_t index;
    const json_t *line;
    if (json_is_string(value))
        return true;
    json_array_foreach(value, index, line) if (!json_is_string(line)) return false;
    return json_is_array(value);
}

/* What is wrong with the cell, NULL if nothing is. */
static const char *cell_fault(const json_t *cell)
{
    const char *type = json_string_value(json_object_get(cell, "cell_type"));
    if (!type)
        return "has no cell_type";
    if (!is_text(json_object_get(cell, "source")))
        return "has no source text";
    if (strcmp(type, "code") != 0)
        return NULL;
    const json_t *outputs = json_object_get(cell, "outputs"), *output;
    size_t index;
    if (!json_is_array(outputs))
        return "has no list of outputs";
    json_array_foreach(outputs, index, output) if (
        !json_is_string(
            json_object_get(output, "output_type"))) return "has an output without output_type";
    return NULL;
}

static int check_document(const json_t *root, const char *path, struct buffer *problem)
{
    const json_t *format = json_object_get(root, "nbformat");
    const json_t *cells = json_object_get(root, "cells"), *cell;
    size_t index;
    if (!json_is_object(root) || !json_is_integer(format))
        return fail(problem, path, "not a notebook (it has no nbformat number)");
    if (json_integer_value(format) != 4)
        return fail(problem, path,
                    "nbformat %lld is not supported, only 4 "
                    "(convert it with: jupyter nbconvert --to notebook)",
                    (long long)json_integer_value(format));
    if (!json_is_array(cells))
        return fail(problem, path, "not a notebook (it has no list of cells)");
    json_array_foreach(cells, index, cell)
    {
        const char *fault = cell_fault(cell);
        if (fault)
            return fail(problem, path, "cell %zu %s", index + 1, fault);
    }
    return 0;
}

/* Devices and pipes may never end; what is too large would take many times as much memory. */
static int check_file(const char *path, struct buffer *problem)
{
    struct stat status;
    if (stat(path, &status) < 0 || S_ISDIR(status.st_mode))
        return 0; /* reading tells why */
    if (!S_ISREG(status.st_mode))
        return fail(problem, path, "not a regular file");
    if (status.st_size > NOTEBOOK_BYTES_MAX)
        return fail(problem, path, "larger than %d MiB", NOTEBOOK_BYTES_MAX >> 20);
    return 0;
}

int notebook_read(struct notebook *book, const char *path, struct buffer *problem)
{
    struct buffer text = BUFFER_INIT;
    json_error_t cause;
    int status = -1;
    book->root = NULL;
    if (check_file(path, problem) < 0)
        goto done;
    if (buffer_read_file(&text, path) < 0) {
        fail(problem, path, "%s", strerror(errno));
        goto done;
    }
    book->root = json_parse(buffer_text(&text), text.size, &cause);
    if (!book->root) {
        fail(problem, path, "not a notebook: line %d, column %d: %s", cause.line, cause.column,
             cause.text);
        goto done;
    }
    status = check_document(book->root, path, problem);
    if (status < 0)
        notebook_release(book);
done:
    buffer_release(&text);
    return status;
}

void notebook_release(struct notebook *book)
{
    json_decref(book->root);
    book->root = NULL;
}

/* --- writing
 * ---------------------------------------------------------------------------------------------------
 */

static void add_document(struct buffer *out, const json_t *root)
{
    json_t *document = json_copy((json_t *)root), *cells = json_array();
    const json_t *cell;
    size_t index;
    json_array_foreach(json_object_get(root, "cells"), index, cell)
        json_array_append_new(cells, split_cell(cell));
    json_object_set_new(document, "cells", cells);
    json_write(out, document);
    buffer_add_char(out, '\n');
    json_decref(document);
}

int notebook_write(const struct notebook *book, const char *path, struct buffer *problem)
{
    struct buffer text = BUFFER_INIT;
    add_document(&text, book->root);
    int status = buffer_write_file(&text, path);
    if (status < 0)
        fail(problem, path, "cannot write: %s", strerror(errno));
    buffer_release(&text);
    return status;
}

/* --- cells
 * -----------------------------------------------------------------------------------------------------
 */

const char *notebook_language(const struct notebook *book)
{
    const json_t *metadata = json_object_get(book->root, "metadata");
    const json_t *spec = json_object_get(metadata, "kernelspec");
    const json_t *info = json_object_get(metadata, "language_info");
    const char *language = json_string_value(json_object_get(info, "name"));
    if (!language)
        language = json_string_value(json_object_get(spec, "language"));
    return language ? language : "python";
}

void notebook_set_language(struct notebook *book, const char *version)
{
    json_t *metadata = json_object_get(book->root, "metadata");
    if (!json_is_object(metadata)) {
        metadata = json_object();
        json_object_set_new(book->root, "metadata", metadata);
    }
    json_t *info =
        json_pack("{s{sssi} ss ss ss ss ss ss}", "codemirror_mode", "name", "ipython", "version", 3,
                  "file_extension", ".py", "mimetype", "text/x-python", "name", "python",
                  "nbconvert_exporter", "python", "pygments_lexer", "ipython3", "version", version);
    json_object_set_new(metadata, "language_info", info);
}

json_t *notebook_cells(const struct notebook *book)
{
    return json_object_get(book->root, "cells");
}

bool notebook_cell_is_code(const json_t *cell)
{
    const char *type = json_string_value(json_object_get(cell, "cell_type"));
    return type && strcmp(type, "code") == 0;
}

bool notebook_cell_has_tag(const json_t *cell, const char *tag)
{
    const json_t *tags = json_object_get(json_object_get(cell, "metadata"), "tags"), *entry;
    size_t index;
    json_array_foreach(tags, index, entry)
    {
        const char *name = json_string_value(entry);
        if (name && strcmp(name, tag) == 0)
            return true;
    }
    return false;
}

/* --- the sink
 * ----------------------------------------------------------------------------------------------------
 */

static struct notebook_sink *self(struct sink *sink)
{
    return (struct notebook_sink *)sink;
}

void notebook_sink_sync(struct notebook_sink *sink)
{
    size_t count = json_array_size(sink->outputs);
    if (!sink->is_open || count == 0)
        return;
    json_object_set_new(json_array_get(sink->outputs, count - 1), "text",
                        json_text(buffer_text(&sink->text), sink->text.size));
}

/* Ends the run of stream text, so that the next text makes an output of its own. */
static void close_stream(struct notebook_sink *sink)
{
    notebook_sink_sync(sink);
    buffer_clear(&sink->text);
    sink->is_open = false;
}

/* Forgets which of the current cell's outputs show a display_id. */
static void forget_displays(struct notebook_sink *sink)
{
    const char *id;
    json_t *shown, *output;
    size_t index;
    json_object_foreach(sink->displays, id, shown) for (size_t i = json_array_size(shown); i-- > 0;)
        json_array_foreach(sink->outputs, index, output) if (json_array_get(shown, i) == output)
    {
        json_array_remove(shown, i);
        break;
    }
}

static void remove_outputs(struct notebook_sink *sink)
{
    close_stream(sink);
    forget_displays(sink);
    json_array_clear(sink->outputs);
    sink->clear_pending = false;
}

/* The output (taken over) is the cell's next one. */
static void add_output(struct notebook_sink *sink, json_t *output)
{
    close_stream(sink);
    if (sink->clear_pending)
        remove_outputs(sink);
    if (sink->outputs)
        json_array_append(sink->outputs, output);
    json_decref(output);
}

static void on_stream(struct sink *base, enum stream_name name, const char *text, size_t size,
                      bool captured)
{
    struct notebook_sink *sink = self(base);
    if (!sink->is_open || sink->name != name || sink->clear_pending) {
        add_output(sink, json_pack("{ss ss ss}", "name", stream_text(name), "output_type", "stream",
                                   "text", ""));
        sink->name = name;
        sink->is_open = true;
    }
    buffer_add(&sink->text, text, size);
    if (sink->next)
        sink->next->stream(sink->next, name, text, size, captured);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A copy of the bundle with its keys in the order of files. */
static json_t *sorted_bundle(json_t *bundle)
{
    const char **keys = memory_new((json_object_size(bundle) + 1) * sizeof(*keys)), *key;
    json_t *copy = json_object(), *value;
    size_t count = 0;
    json_object_foreach(bundle, key, value) keys[count++] = key;
    qsort(keys, count, sizeof(*keys), compare_keys);
    for (size_t i = 0; i < count; i++)
        json_object_set(copy, keys[i], json_object_get(bundle, keys[i]));
    free(keys);
    return copy;
}

static void on_display(struct sink *base, json_t *data, json_t *metadata, json_t *transient)
{
    struct notebook_sink *sink = self(base);
    const char *id = json_member_text(transient, "display_id", NULL);
    json_t *output = json_pack("{so sO ss}", "data", sorted_bundle(data), "metadata", metadata,
                               "output_type", "display_data");
    add_output(sink, json_incref(output));
    if (id && !json_object_get(sink->displays, id))
        json_object_set_new(sink->displays, id, json_array());
    if (id)
        json_array_append(json_object_get(sink->displays, id), output);
    json_decref(output);
    if (sink->next)
        sink->next->display(sink->next, data, metadata, transient);
}

static void on_update(struct sink *base, json_t *data, json_t *metadata, json_t *transient)
{
    struct notebook_sink *sink = self(base);
    const char *id = json_member_text(transient, "display_id", "");
    json_t *output;
    size_t index;
    json_array_foreach(json_object_get(sink->displays, id), index, output)
    {
        json_object_set_new(output, "data", sorted_bundle(data));
        json_object_set(output, "metadata", metadata);
    }
    if (sink->next)
        sink->next->update(sink->next, data, metadata, transient);
}

static void on_result(struct sink *base, int64_t count, json_t *data, json_t *metadata)
{
    struct notebook_sink *sink = self(base);
    add_output(sink,
               json_pack("{so sI sO ss}", "data", sorted_bundle(data), "execution_count",
                         (json_int_t)count, "metadata", metadata, "output_type", "execute_result"));
    if (sink->next)
        sink->next->result(sink->next, count, data, metadata);
}

static void on_error(struct sink *base, const char *ename, const char *evalue, json_t *traceback)
{
    struct notebook_sink *sink = self(base);
    add_output(sink, json_pack("{so so ss sO}", "ename", json_text(ename, strlen(ename)), "evalue",
                               json_text(evalue, strlen(evalue)), "output_type", "error",
                               "traceback", traceback));
    if (sink->next)
        sink->next->error(sink->next, ename, evalue, traceback);
}

static void on_clear(struct sink *base, bool wait)
{
    struct notebook_sink *sink = self(base);
    if (wait)
        sink->clear_pending = true;
    else
        remove_outputs(sink);
    if (sink->next)
        sink->next->clear(sink->next, wait);
}

static void on_flush(struct sink *base)
{
    struct notebook_sink *sink = self(base);
    if (sink->next && sink->next->flush)
        sink->next->flush(sink->next);
}

void notebook_sink_init(struct notebook_sink *sink, struct sink *next)
{
    *sink = (struct notebook_sink){
        .sink = {on_stream, on_display, on_update, on_result, on_error, on_clear, on_flush},
        .next = next,
        .displays = json_object(),
    };
}

void notebook_sink_release(struct notebook_sink *sink)
{
    notebook_sink_set_cell(sink, NULL);
    json_decref(sink->displays);
    buffer_release(&sink->text);
}

void notebook_sink_set_cell(struct notebook_sink *sink, json_t *cell)
{
    close_stream(sink);
    sink->clear_pending = false;
    json_decref(sink->outputs);
    sink->outputs = NULL;
    if (!cell)
        return;
    sink->outputs = json_array();
    json_object_set(cell, "outputs", sink->outputs);
}
