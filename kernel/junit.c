#include "junit.h"

#include "json.h"
#include "json_write.h"
#include "printer.h"
#include <string.h>

/* The text as XML 1.0 may hold it, in attributes too: without colours; control characters, which it
 * cannot hold at all, are shown by their numbers. */
static void add_escaped(struct buffer *out, const char *text)
{
    struct buffer plain = BUFFER_INIT;
    printer_add_without_colours(&plain, text);
    for (size_t i = 0; i < plain.size; i++) {
        unsigned char byte = (unsigned char)plain.data[i];
        if (byte == '<' || byte == '>' || byte == '&' || byte == '"' || byte == '\n' ||
            byte == '\t')
            buffer_addf(out, "&#%d;", byte);
        else if (byte < 0x20 || byte == 0x7f)
            buffer_addf(out, "\\x%02x", byte);
        else if (byte == 0xef && i + 2 < plain.size && (unsigned char)plain.data[i + 1] == 0xbf &&
                 (unsigned char)plain.data[i + 2] >= 0xbe) /* U+FFFE and U+FFFF */
            i += 2;
        else
            buffer_add_char(out, plain.data[i]);
    }
    buffer_release(&plain);
}

static void add_attribute(struct buffer *out, const char *name, const char *text)
{
    buffer_addf(out, " %s=\"", name);
    add_escaped(out, text);
    buffer_add_char(out, '"');
}

static void add_time(struct buffer *out, double seconds)
{
    void *locale = json_locale_enter();
    buffer_addf(out, " time=\"%.3f\"", seconds);
    json_locale_leave(locale);
}

static double seconds_of(const json_t *object)
{
    return json_number_value(json_object_get(object, "seconds"));
}

/* "a/b.ipynb" → "a.b", as JUnit's readers show packages. */
static void add_class(struct buffer *out, const char *path)
{
    struct buffer name = BUFFER_INIT;
    buffer_add_text(&name, path + strspn(path, "./"));
    if (name.size > 6 && strcmp(name.data + name.size - 6, ".ipynb") == 0)
        name.data[name.size -= 6] = '\0';
    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] == '/')
            name.data[i] = '.';
    add_attribute(out, "classname", buffer_text(&name));
    buffer_release(&name);
}

static bool is(const json_t *entry, const char *outcome)
{
    return strcmp(json_member_text(entry, "outcome", ""), outcome) == 0;
}

static void add_cell(struct buffer *out, const char *path, const json_t *entry)
{
    const char *message = json_member_text(entry, "message", "");
    buffer_add_text(out, "    <testcase");
    add_class(out, path);
    buffer_addf(out, " name=\"cell %lld\"", (long long)json_member_integer(entry, "cell", 0));
    add_time(out, seconds_of(entry));
    if (is(entry, "passed")) {
        buffer_add_text(out, "/>\n");
        return;
    }
    buffer_add_text(out, is(entry, "skipped") ? "><skipped" : "><failure");
    add_attribute(out, "message", message);
    if (is(entry, "skipped")) {
        buffer_add_text(out, "/></testcase>\n");
        return;
    }
    add_attribute(out, "type",
                  json_member_bool(entry, "differs", false) ? "difference" : "failure");
    buffer_add_char(out, '>');
    add_escaped(out, json_member_text(entry, "detail", ""));
    buffer_add_text(out, "</failure></testcase>\n");
}

/* What went wrong beside the cells is a test case that ended in an error. */
static void add_problem(struct buffer *out, const char *path, const char *problem)
{
    buffer_add_text(out, "    <testcase");
    add_class(out, path);
    buffer_add_text(out, " name=\"notebook\" time=\"0\"><error");
    add_attribute(out, "message", problem);
    add_attribute(out, "type", "notebook");
    buffer_add_text(out, "/></testcase>\n");
}

struct counts {
    int tests, failures, errors, skipped;
};

static struct counts count_notebook(const json_t *notebook)
{
    const json_t *entry;
    size_t index;
    struct counts counts = {.errors = json_object_get(notebook, "problem") != NULL};
    json_array_foreach(json_object_get(json_object_get(notebook, "result"), "cells"), index, entry)
    {
        counts.tests++;
        counts.failures += is(entry, "failed");
        counts.skipped += is(entry, "skipped");
    }
    counts.tests += counts.errors;
    return counts;
}

static void add_counts(struct buffer *out, const struct counts *counts)
{
    buffer_addf(out, " tests=\"%d\" failures=\"%d\" errors=\"%d\" skipped=\"%d\"", counts->tests,
                counts->failures, counts->errors, counts->skipped);
}

static void add_suite(struct buffer *out, const json_t *notebook)
{
    const char *path = json_member_text(notebook, "path", "");
    const char *problem = json_member_text(notebook, "problem", NULL);
    const json_t *result = json_object_get(notebook, "result"), *entry;
    struct counts counts = count_notebook(notebook);
    size_t index;
    buffer_add_text(out, "  <testsuite");
    add_attribute(out, "name", path);
    add_counts(out, &counts);
    add_time(out, seconds_of(result));
    buffer_add_text(out, ">\n");
    json_array_foreach(json_object_get(result, "cells"), index, entry) add_cell(out, path, entry);
    if (problem)
        add_problem(out, path, problem);
    buffer_add_text(out, "  </testsuite>\n");
}

void junit_add(struct buffer *out, const json_t *notebooks, double seconds)
{
    struct counts all = {0};
    const json_t *notebook;
    size_t index;
    json_array_foreach(notebooks, index, notebook)
    {
        struct counts counts = count_notebook(notebook);
        all.tests += counts.tests;
        all.failures += counts.failures;
        all.errors += counts.errors;
        all.skipped += counts.skipped;
    }
    buffer_add_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"mesale\"");
    add_counts(out, &all);
    add_time(out, seconds);
    buffer_add_text(out, ">\n");
    json_array_foreach(notebooks, index, notebook) add_suite(out, notebook);
    buffer_add_text(out, "</testsuites>\n");
}
