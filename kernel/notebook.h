/* Notebook files (.ipynb, nbformat 4): read, changed in memory, written, and filled with a run's
 * outputs.
 *
 * The document stays the JSON that was read: unknown fields, the order of keys, integers and reals
 * survive. What is multi-line text (sources, stream text, text/… bundles) may be one string or a
 * list of lines when read, and is a list of lines when written, as nbformat writes it.
 *
 * Problems are told as "PATH: what is wrong", without a final newline.
 */
#ifndef KERNEL_NOTEBOOK_H
#define KERNEL_NOTEBOOK_H

#include "buffer.h"
#include "sink.h"

struct notebook {
    json_t *root; /* owned */
};

/* Reads and checks the file. 0, or -1 with the cause in `problem`; then nothing is to be released.
 * Refused: what is no regular file, larger than 256 MiB, not UTF-8 JSON, not nbformat 4, or has a
 * cell without the fields that nbformat requires. */
int notebook_read(struct notebook *book, const char *path, struct buffer *problem);

/* Writes the document to `path` in one step: a reader sees the old file or the new one, never a
 * part. Permissions of an existing file are kept, and a symbolic link stays one. 0, or -1 with the
 * cause in `problem` and the file as it was. */
int notebook_write(const struct notebook *book, const char *path, struct buffer *problem);

void notebook_release(struct notebook *book);

/* The language that the notebook says it is in; "python" if it says nothing. Borrowed from the
 * document. */
const char *notebook_language(const struct notebook *book);

/* Notes in the metadata which Python ("3.11.2") ran the notebook. */
void notebook_set_language(struct notebook *book, const char *version);

/* The array of cells, borrowed from the document. */
json_t *notebook_cells(const struct notebook *book);

bool notebook_cell_is_code(const json_t *cell);
bool notebook_cell_has_tag(const json_t *cell, const char *tag);

/* Appends a JSON string, or a list of strings one after the other; anything else is an empty text.
 */
void notebook_add_text(struct buffer *out, const json_t *value);

/* True for the bundle keys whose text is split into lines in the file. */
bool notebook_mime_is_text(const char *mime);

/* The sink that fills cells. Neighbouring texts of one stream become one output; \r and \b stay in
 * the text; clear_output removes; update_display changes every output shown under its display_id,
 * in earlier cells too. Between notebook_sink_open and _close all functions but these need the lock
 * of streams.h. */
struct notebook_sink {
    struct sink sink;
    struct sink *next;  /* gets every call too, NULL: nobody; borrowed */
    json_t *outputs;    /* of the current cell; NULL: outputs are dropped */
    json_t *displays;   /* display_id → array of the outputs that show it */
    struct buffer text; /* of the last output, while it is a stream that may go on */
    enum stream_name name;
    bool is_open;       /* `text` is in use */
    bool clear_pending; /* clear_output(wait=True) was called */
};

void notebook_sink_init(struct notebook_sink *sink, struct sink *next);
void notebook_sink_release(struct notebook_sink *sink);

/* Outputs go to the code cell from now on: its old ones are removed. The cell is borrowed until the
 * next call; NULL closes the current one. */
void notebook_sink_set_cell(struct notebook_sink *sink, json_t *cell);

/* Puts text that has come so far into the cell. */
void notebook_sink_sync(struct notebook_sink *sink);

#endif
