#include "printer.h"

#include "json.h"
#include "notebook.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PENDING_BYTES_MAX = 65536 };

static const char bold[] = "\033[1m", green[] = "\033[32m", red[] = "\033[31m", plain[] = "\033[0m";

bool printer_wants_colour(int descriptor)
{
    const char *terminal = getenv("TERM"), *refused = getenv("NO_COLOR");
    return isatty(descriptor) && !(refused && *refused) &&
           !(terminal && strcmp(terminal, "dumb") == 0);
}

static void write_pending(struct printer *printer)
{
    if (!printer->failed && printer->pending.size > 0 &&
        write_fully(printer->descriptor, printer->pending.data, printer->pending.size) < 0)
        printer->failed = true;
    buffer_clear(&printer->pending);
}

static void print(struct printer *printer, const char *text, size_t size)
{
    if (size == 0)
        return;
    buffer_add(&printer->pending, text, size);
    printer->is_mid_line = text[size - 1] != '\n';
    /* a progress bar ends its lines with \r */
    bool line_done = memchr(text, '\n', size) || memchr(text, '\r', size);
    if ((printer->is_terminal && line_done) || printer->pending.size > PENDING_BYTES_MAX)
        write_pending(printer);
}

static void print_text(struct printer *printer, const char *text)
{
    print(printer, text, strlen(text));
}

static void print_styled(struct printer *printer, const char *style, const char *text)
{
    if (printer->colour)
        print_text(printer, style);
    print_text(printer, text);
    if (printer->colour)
        print_text(printer, plain);
}

/* Outputs other than stream text begin on a line of their own. */
static void end_line(struct printer *printer)
{
    if (printer->is_mid_line)
        print_text(printer, "\n");
}

void printer_notebook(struct printer *printer, const char *path)
{
    print_styled(printer, bold, path);
    print_text(printer, "\n\n");
}

void printer_code(struct printer *printer, int64_t count, const char *code, size_t size)
{
    struct buffer prompt = BUFFER_INIT;
    buffer_addf(&prompt, "In [%lld]: ", (long long)count);
    size_t width = prompt.size;
    print_styled(printer, green, prompt.data);
    for (const char *end; (end = memchr(code, '\n', size)); code = end + 1) {
        size -= (size_t)(end - code) + 1;
        print(printer, code, (size_t)(end - code) + 1);
        buffer_clear(&prompt);
        buffer_addf(&prompt, "%*s", (int)width, "...: ");
        print_styled(printer, green, prompt.data);
    }
    print(printer, code, size);
    print_text(printer, "\n");
    buffer_release(&prompt);
    write_pending(printer);
}

void printer_cell_end(struct printer *printer)
{
    end_line(printer);
    print_text(printer, "\n");
    write_pending(printer);
}

/* --- the sink
 * -------------------------------------------------------------------------------------- */

static struct printer *self(struct sink *sink)
{
    return (struct printer *)sink;
}

static void on_stream(struct sink *sink, enum stream_name name, const char *text, size_t size,
                      bool captured)
{
    (void)captured;
    (void)name; /* both in the order of the program, on the same paper */
    print(self(sink), text, size);
}

static void add_bundle_text(struct buffer *out, const json_t *data)
{
    json_t *text = json_object_get(data, "text/plain"), *borrowed = (json_t *)data, *value;
    const char *mime;
    notebook_add_text(out, text);
    if (text)
        return;
    json_object_foreach(borrowed, mime, value)
        buffer_addf(out, "%s<%s>", out->size ? " " : "", mime);
}

static void on_display(struct sink *sink, json_t *data, json_t *metadata, json_t *transient)
{
    struct buffer text = BUFFER_INIT;
    (void)metadata;
    (void)transient;
    add_bundle_text(&text, data);
    end_line(self(sink));
    print(self(sink), text.data, text.size);
    end_line(self(sink));
    buffer_release(&text);
}

static void on_update(struct sink *sink, json_t *data, json_t *metadata, json_t *transient)
{
    (void)sink;
    (void)data;
    (void)metadata;
    (void)transient;
}

static void on_result(struct sink *sink, int64_t count, json_t *data, json_t *metadata)
{
    struct buffer prompt = BUFFER_INIT, text = BUFFER_INIT;
    (void)metadata;
    add_bundle_text(&text, data);
    buffer_addf(&prompt, "Out[%lld]: ", (long long)count);
    end_line(self(sink));
    print_styled(self(sink), red, prompt.data);
    if (memchr(buffer_text(&text), '\n', text.size))
        print_text(self(sink), "\n"); /* so that columns stay under each other */
    print(self(sink), text.data, text.size);
    end_line(self(sink));
    buffer_release(&prompt);
    buffer_release(&text);
}

/* The text without control sequences (ECMA-48: ESC [ parameters, final byte from @ to ~). */
void printer_add_without_colours(struct buffer *out, const char *text)
{
    while (*text) {
        size_t kept = strcspn(text, "\033");
        buffer_add(out, text, kept);
        text += kept;
        if (text[0] == '\033' && text[1] == '[')
            for (text += 2; *text && !(*text >= '@' && *text <= '~');)
                text++;
        text += *text != '\0';
    }
}

static void on_error(struct sink *sink, const char *ename, const char *evalue, json_t *traceback)
{
    struct buffer text = BUFFER_INIT;
    size_t index;
    const json_t *line;
    json_array_foreach(traceback, index, line)
    {
        if (self(sink)->colour)
            buffer_add_text(&text, json_string_value(line));
        else
            printer_add_without_colours(&text, json_string_value(line));
        buffer_add_char(&text, '\n');
    }
    if (text.size == 0)
        buffer_addf(&text, "%s: %s\n", ename, evalue);
    end_line(self(sink));
    print(self(sink), text.data, text.size);
    buffer_release(&text);
}

static void on_clear(struct sink *sink, bool wait)
{
    (void)sink;
    (void)wait;
}

static void on_flush(struct sink *sink)
{
    write_pending(self(sink));
}

void printer_init(struct printer *printer, int descriptor)
{
    *printer = (struct printer){
        .sink = {on_stream, on_display, on_update, on_result, on_error, on_clear, on_flush},
        .descriptor = descriptor,
        .is_terminal = isatty(descriptor),
        .colour = printer_wants_colour(descriptor),
    };
}

void printer_release(struct printer *printer)
{
    write_pending(printer);
    buffer_release(&printer->pending);
}
