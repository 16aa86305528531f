#include "print.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "autograd/node.h"
#include "backend.h"
#include "call.h"
#include "op_functions.h"

struct print_options print_options = {4, 1000, 3, 80, -1};

/* --- growing text
 * -----------------------------------------------------------------------------------------------
 */

struct text {
    char *data;
    size_t length, capacity;
    bool failed; /* the error is set; nothing is added any more */
    char inline_data[1024];
};

static void text_init(struct text *text)
{
    text->data = text->inline_data;
    text->length = 0;
    text->capacity = sizeof text->inline_data;
    text->failed = false;
}

static void text_release(struct text *text)
{
    if (text->data != text->inline_data)
        mem_free(text->data);
}

/* Room for `bytes` more, or NULL. */
static char *text_room(struct text *text, size_t bytes)
{
    if (text->failed)
        return NULL;
    if (text->length + bytes > text->capacity) {
        size_t capacity = 2 * text->capacity + bytes;
        char *data = mem_alloc(capacity);
        if (!data) {
            text->failed = true;
            return NULL;
        }
        memcpy(data, text->data, text->length);
        text_release(text);
        text->data = data;
        text->capacity = capacity;
    }
    return text->data + text->length;
}

static void text_add(struct text *text, const char *bytes, size_t count)
{
    char *room = text_room(text, count);
    if (room) {
        memcpy(room, bytes, count);
        text->length += count;
    }
}

static void text_puts(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

static void text_fill(struct text *text, char byte, int count)
{
    char *room = count > 0 ? text_room(text, (size_t)count) : NULL;
    if (room) {
        memset(room, byte, (size_t)count);
        text->length += (size_t)count;
    }
}

/* The finished string for the caller to free(), or NULL; the text is released either way. */
static char *text_finish(struct text *text)
{
    char *string = NULL;

    if (!text->failed) {
        string = malloc(text->length + 1);
        if (string) {
            memcpy(string, text->data, text->length);
            string[text->length] = '\0';
        } else {
            error_set(ERROR_MEMORY, "not enough memory for the text of a tensor");
        }
    }
    text_release(text);
    return string;
}

/* Columns that UTF-8 text takes: its code points. */
static int columns_of(const char *bytes, size_t count)
{
    int columns = 0;
    for (size_t i = 0; i < count; i++)
        columns += ((unsigned char)bytes[i] & 0xc0) != 0x80;
    return columns;
}

/* --- the elements that are shown
 * ---------------------------------------------------------------------------------- */

#define VALUES_INLINE 64

union number {
    double d;
    int64_t i;
};

struct formatter {
    bool floating;
    bool boolean;
    bool whole; /* every finite element is an integer: "2." */
    bool scientific;
    int width;
};

struct printer {
    struct tensor *tensor;
    struct print_options options;
    bool summarize;
    struct formatter formatter;
    union number *values; /* of the shown elements, in order */
    int64_t count, next;
    union number values_inline[VALUES_INLINE];
    struct text text;
};

/* Whether dimension `dim` shows its first and last items only. */
static bool cuts(const struct printer *printer, int dim)
{
    return printer->summarize &&
           printer->tensor->sizes[dim] > 2 * (int64_t)printer->options.edge_items;
}

/* The shown elements alone of a tensor on a GPU, in host memory (new reference): what is not shown
 * is not carried over. */
static struct tensor *shown_part(const struct printer *printer, struct tensor *tensor)
{
    int64_t edge = printer->options.edge_items;
    struct tensor *part = tensor_retain(tensor), *host;

    for (int dim = 0; dim < tensor->dims && part; dim++) {
        if (!cuts(printer, dim))
            continue;
        struct tensor *ends[2] = {
            alias_slice(part, dim, (struct maybe_int){true, 0}, (struct maybe_int){true, edge}, 1),
            alias_slice(part, dim, (struct maybe_int){true, tensor->sizes[dim] - edge},
                        MAYBE_INT_NONE, 1)};
        tensor_release(part);
        part = ends[0] && ends[1] ? body_cat(NULL, (struct tensors){ends, 2}, dim) : NULL;
        tensor_release(ends[0]);
        tensor_release(ends[1]);
    }
    host = part ? call_host(part) : NULL;
    tensor_release(part);
    return host;
}

/* Elements of `tensor`, the printer's or the shown part of it. */
static void collect(struct printer *printer, const struct tensor *tensor, const char *data, int dim)
{

    if (dim == tensor->dims) {
        struct scalar value = dtype_load((enum dtype)tensor->dtype, data);
        union number *number = &printer->values[printer->count++];
        if (value.kind == SCALAR_FLOAT)
            number->d = value.d;
        else
            number->i = value.i;
        return;
    }
    int64_t size = tensor->sizes[dim];
    int64_t step = tensor->strides[dim] * (int64_t)dtype_info[tensor->dtype].bytes;
    int64_t edge = printer->options.edge_items;
    bool cut = tensor == printer->tensor && cuts(printer, dim);
    for (int64_t i = 0; i < size; i++) {
        if (cut && i == edge)
            i = size - edge;
        if (i < size)
            collect(printer, tensor, data + i * step, dim + 1);
    }
}

/* Reads every shown element; 0, or -1 with the error set. */
static int load_values(struct printer *printer)
{
    struct tensor *tensor = printer->tensor;
    int64_t count = 1;

    for (int dim = 0; dim < tensor->dims; dim++)
        count *= cuts(printer, dim) ? 2 * (int64_t)printer->options.edge_items : tensor->sizes[dim];
    printer->values = printer->values_inline;
    if (count > VALUES_INLINE) {
        printer->values = mem_alloc((size_t)count * sizeof(union number));
        if (!printer->values)
            return -1;
    }
    printer->count = printer->next = 0;
    if (count == 0)
        return 0;
    struct tensor *shown =
        tensor_on_cpu(tensor) ? tensor_retain(tensor) : shown_part(printer, tensor);
    if (!shown)
        return -1;
    collect(printer, shown, tensor_ptr(shown), 0);
    tensor_release(shown);
    return 0;
}

static int text_of_int(int64_t value, bool boolean, char *buffer)
{
    if (boolean)
        return (int)strlen(strcpy(buffer, value ? "True" : "False"));
    return snprintf(buffer, 32, "%lld", (long long)value);
}

/* The digits of one float without padding; `capacity` as for snprintf, whose count it returns. */
static int text_of_float(const struct printer *printer, double value, char *buffer, size_t capacity)
{
    const struct formatter *formatter = &printer->formatter;

    if (!isfinite(value))
        return snprintf(buffer, capacity, "%s", number_not_finite(value));
    if (formatter->scientific)
        return snprintf(buffer, capacity, "%.*e", printer->options.precision, value);
    if (formatter->whole)
        return snprintf(buffer, capacity, "%.0f.", value);
    return snprintf(buffer, capacity, "%.*f", printer->options.precision, value);
}

static void widen(struct formatter *formatter, int width)
{
    if (width > formatter->width)
        formatter->width = width;
}

/* Chooses how floats are shown, from those that are finite and not 0. */
static void choose_float_format(struct printer *printer)
{
    struct formatter *formatter = &printer->formatter;
    double least = INFINITY, most = 0;
    char buffer[32];

    formatter->whole = true;
    for (int64_t i = 0; i < printer->count; i++) {
        double value = printer->values[i].d, size = fabs(value);
        if (!isfinite(value) || value == 0)
            continue;
        least = size < least ? size : least;
        most = size > most ? size : most;
        if (value != ceil(value))
            formatter->whole = false;
    }
    if (most == 0)
        return;
    formatter->scientific = printer->options.sci_mode >= 0
                                ? printer->options.sci_mode
                                : most / least > 1000.0 || most > 1.0e8 || least < 1.0e-4;
    for (int64_t i = 0; i < printer->count; i++)
        if (isfinite(printer->values[i].d) && printer->values[i].d != 0)
            widen(formatter, text_of_float(printer, printer->values[i].d, buffer, sizeof buffer));
}

static void choose_format(struct printer *printer)
{
    struct formatter *formatter = &printer->formatter;
    enum dtype dtype = (enum dtype)printer->tensor->dtype;
    char buffer[32];

    *formatter = (struct formatter){
        .floating = dtype_is_float(dtype), .boolean = dtype == DTYPE_BOOL, .width = 1};
    if (formatter->floating) {
        choose_float_format(printer);
        return;
    }
    for (int64_t i = 0; i < printer->count; i++)
        widen(formatter, text_of_int(printer->values[i].i, formatter->boolean, buffer));
}

/* --- layout
 * -------------------------------------------------------------------------------------------------------
 */

/* %f of a large double has up to 309 digits before the point. */
#define NUMBER_BYTES 400

static void add_number(struct printer *printer)
{
    union number value = printer->values[printer->next++];
    struct text *text = &printer->text;
    int precision = printer->options.precision;
    size_t capacity = NUMBER_BYTES + (size_t)(precision > 0 ? precision : 0);
    char *room = text_room(text, capacity + (size_t)printer->formatter.width);
    int length;

    if (!room)
        return;
    if (printer->formatter.floating)
        length = text_of_float(printer, value.d, room, capacity);
    else
        length = text_of_int(value.i, printer->formatter.boolean, room);
    int padding = printer->formatter.width - length;
    if (padding > 0) {
        memmove(room + padding, room, (size_t)length);
        memset(room, ' ', (size_t)padding);
        length += padding;
    }
    text->length += (size_t)length;
}

static void add_line_break(struct text *text, int newlines, int indent)
{
    text_puts(text, ",");
    text_fill(text, '\n', newlines);
    text_fill(text, ' ', indent);
}

/* One row: as many elements a line as fit. */
static void add_vector(struct printer *printer, int dim, int indent)
{
    struct text *text = &printer->text;
    bool cut = cuts(printer, dim);
    int64_t edge = printer->options.edge_items;
    int64_t items = cut ? 2 * edge + 1 : printer->tensor->sizes[dim];
    int room = printer->options.line_width - indent;
    int64_t per_line = room > 0 ? room / (printer->formatter.width + 2) : 1;

    per_line = per_line > 1 ? per_line : 1;
    text_puts(text, "[");
    for (int64_t i = 0; i < items && !text->failed; i++) {
        if (i && i % per_line == 0)
            add_line_break(text, 1, indent + 1);
        else if (i)
            text_puts(text, ", ");
        if (cut && i == edge)
            text_puts(text, edge ? " ..." : "...");
        else
            add_number(printer);
        if ((i & 0xfff) == 0xfff && interrupt_poll())
            text->failed = true;
    }
    text_puts(text, "]");
}

static void add_block(struct printer *printer, int dim, int indent)
{
    const struct tensor *tensor = printer->tensor;
    struct text *text = &printer->text;

    if (dim == tensor->dims) {
        add_number(printer);
        return;
    }
    if (dim == tensor->dims - 1) {
        add_vector(printer, dim, indent);
        return;
    }
    bool cut = cuts(printer, dim);
    int64_t edge = printer->options.edge_items;
    int64_t items = cut ? 2 * edge + 1 : tensor->sizes[dim];
    text_puts(text, "[");
    for (int64_t i = 0; i < items && !text->failed; i++) {
        if (i)
            add_line_break(text, tensor->dims - dim - 1, indent + 1);
        if (cut && i == edge)
            text_puts(text, "...");
        else
            add_block(printer, dim + 1, indent + 1);
        if ((i & 0xff) == 0xff && interrupt_poll())
            text->failed = true;
    }
    text_puts(text, "]");
}

/* Adds the bracketed numbers to printer->text. */
static void add_numbers(struct printer *printer, struct tensor *tensor, int indent)
{
    printer->tensor = tensor;
    printer->options = print_options;
    if (printer->options.edge_items < 0)
        printer->options.edge_items = 0;
    printer->summarize = (double)tensor->numel > printer->options.threshold;
    if (tensor->numel == 0) {
        text_puts(&printer->text, "[]");
        return;
    }
    if (load_values(printer)) {
        printer->text.failed = true;
        return;
    }
    choose_format(printer);
    add_block(printer, 0, indent);
    if (printer->values != printer->values_inline)
        mem_free(printer->values);
}

/* --- suffixes
 * -----------------------------------------------------------------------------------------------------
 */

struct suffixes {
    struct text *text;
    int indent;
    int line_length; /* of the last line, with what must still fit behind it */
    int line_width;
};

static void suffixes_init(struct suffixes *suffixes, struct text *text, int indent, int line_width)
{
    size_t start = text->length;

    while (start > 0 && text->data[start - 1] != '\n')
        start--;
    suffixes->text = text;
    suffixes->indent = indent;
    suffixes->line_width = line_width;
    suffixes->line_length = columns_of(text->data + start, text->length - start) + 2;
}

/* Appends before + middle + after behind ", ", on a line of its own when it would pass the line's
 * width. */
static void add_suffix(struct suffixes *suffixes, const char *before, const char *middle,
                       const char *after)
{
    struct text *text = suffixes->text;
    int length = columns_of(before, strlen(before)) + columns_of(middle, strlen(middle)) +
                 columns_of(after, strlen(after));

    if (suffixes->line_length + length + 2 > suffixes->line_width) {
        add_line_break(text, 1, suffixes->indent);
        suffixes->line_length = suffixes->indent + length;
    } else {
        text_puts(text, ", ");
        suffixes->line_length += length + 2;
    }
    text_puts(text, before);
    text_puts(text, middle);
    text_puts(text, after);
}

static void add_size(struct suffixes *suffixes, const struct tensor *tensor)
{
    char sizes[TENSOR_MAX_DIMS * 22 + 4];
    int length = 0;

    for (int i = 0; i < tensor->dims; i++)
        length += snprintf(sizes + length, sizeof sizes - (size_t)length, i ? ", %lld" : "%lld",
                           (long long)tensor->sizes[i]);
    snprintf(sizes + length, sizeof sizes - (size_t)length, tensor->dims == 1 ? "," : "");
    add_suffix(suffixes, "size=(", sizes, ")");
}

static void add_device(struct suffixes *suffixes, const struct tensor *tensor)
{
    char device[DEVICE_TEXT_BYTES];

    if (!tensor_on_cpu(tensor))
        add_suffix(suffixes, "device='", device_text(tensor->storage->device, device), "'");
}

/* The dtype is left out where the numbers alone tell it. */
static bool names_dtype(const struct tensor *tensor)
{
    if (tensor->dtype == (int8_t)dtype_default())
        return false;
    return tensor->numel == 0 || (tensor->dtype != DTYPE_I64 && tensor->dtype != DTYPE_BOOL);
}

static void add_gradient(struct suffixes *suffixes, struct tensor *tensor)
{
    bool error = false;
    struct node *node = tensor->autograd ? autograd_grad_fn(tensor, &error) : NULL;

    if (error) {
        error_clear();
        add_suffix(suffixes, "grad_fn=<", "Invalid", ">");
    } else if (node) {
        const char *name = node->class->name, *colons;
        while ((colons = strstr(name, "::")))
            name = colons + 2;
        add_suffix(suffixes, "grad_fn=<", name, ">");
    } else if (tensor->requires_grad) {
        add_suffix(suffixes, "requires_grad=True", "", "");
    }
}

static void add_suffixes(struct printer *printer, struct tensor *tensor, int indent)
{
    struct suffixes suffixes;

    suffixes_init(&suffixes, &printer->text, indent, printer->options.line_width);
    add_device(&suffixes, tensor);
    if (tensor->numel == 0 ? tensor->dims != 1 : printer->options.edge_items == 0)
        add_size(&suffixes, tensor);
    if (names_dtype(tensor))
        add_suffix(&suffixes, "dtype=torch.", dtype_info[tensor->dtype].name, "");
    add_gradient(&suffixes, tensor);
}

/* --- the public functions
 * ----------------------------------------------------------------------------------------- */

char *tensor_repr_as(struct tensor *tensor, const char *name)
{
    static const char parameter[] = "Parameter containing:\n";
    struct printer printer;
    locale_t old = number_locale_enter();

    text_init(&printer.text);
    if (strcmp(name, "Parameter") == 0) {
        text_puts(&printer.text, parameter);
        name = "tensor";
    }
    text_puts(&printer.text, name);
    text_puts(&printer.text, "(");
    int indent = columns_of(name, strlen(name)) + 1;
    add_numbers(&printer, tensor, indent);
    add_suffixes(&printer, tensor, indent);
    text_puts(&printer.text, ")");
    number_locale_leave(old);
    return text_finish(&printer.text);
}

char *tensor_repr(struct tensor *tensor)
{
    return tensor_repr_as(tensor, "tensor");
}

char *tensor_text(struct tensor *tensor, int indent)
{
    struct printer printer;
    locale_t old = number_locale_enter();

    text_init(&printer.text);
    add_numbers(&printer, tensor, indent);
    number_locale_leave(old);
    return text_finish(&printer.text);
}
