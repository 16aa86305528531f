/* The sink that prints a notebook's cells and outputs for people: `In [1]:` before code, `Out[1]:`
 * before results, `<image/png>` for what a terminal cannot show. Colours only if asked for; the
 * colours of tracebacks are removed without it. Updates of displays are not printed again. */
#ifndef KERNEL_PRINTER_H
#define KERNEL_PRINTER_H

#include "buffer.h"
#include "sink.h"

struct printer {
    struct sink sink;
    int descriptor;   /* borrowed */
    bool is_terminal; /* every whole line is written at once */
    bool colour;
    bool is_mid_line;      /* what was printed last did not end a line */
    bool failed;           /* the reader went away; nothing more is written */
    struct buffer pending; /* printed but not yet written */
};

void printer_init(struct printer *printer, int descriptor);
void printer_release(struct printer *printer);

/* True if people at this descriptor want colours: a terminal, not a dumb one, and NO_COLOR unset.
 */
bool printer_wants_colour(int descriptor);

/* A line for the notebook, before its first cell. */
void printer_notebook(struct printer *printer, const char *path);

/* A cell's code under its number, and the empty line after the last output of a cell. */
void printer_code(struct printer *printer, int64_t count, const char *code, size_t size);
void printer_cell_end(struct printer *printer);

/* Appends the text without control sequences of colours and the like. */
void printer_add_without_colours(struct buffer *out, const char *text);

#endif
