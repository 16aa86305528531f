/* Notebook files (.ipynb, nbformat 4): read, changed in memory, written, and filled with a run's outputs.
 *
 * The document stays the JSON that was read: unknown fields, the order of keys, integers and reals survive. What is
 * multi-line text (sources, stream text, text/… bundles) may be one string or a list of lines when read and is a
 * list of lines when written, as nbformat writes it. */

#ifndef MESALE_NOTEBOOK_H
#define MESALE_NOTEBOOK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* A message of this module, without a final newline: "PATH: what is wrong". */
enum { NOTEBOOK_ERROR_BYTES = 1024 };

struct notebook {
    json_t *root; /* owned */
};

/* Reads and checks the file. Returns 0, or -1 with the cause in error; then nothing is to be released. Refused: what
 * is not UTF-8 JSON, not nbformat 4, or a cell without the fields that nbformat requires. */
int notebook_read(struct notebook *book, const char *path, char error[NOTEBOOK_ERROR_BYTES]);

/* Writes the document to path in one step: a reader sees the old file or the new one, never a part. The permissions
 * of an existing file are kept, and a symbolic link stays one. Returns 0, or -1 with the cause in error and the
 * file as it was. */
int notebook_write(const struct notebook *book, const char *path,
                   char error[NOTEBOOK_ERROR_BYTES]);

void notebook_release(struct notebook *book);

/* The language the notebook says it is in, lower case ASCII letters as stored; "python" when it says nothing.
 * Borrowed from the document. */
const char *notebook_language(const struct notebook *book);

/* The array of cells, borrowed from the document. */
json_t *notebook_cells(const struct notebook *book);

bool notebook_cell_is_code(const json_t *cell);
bool notebook_cell_has_tag(const json_t *cell, const char *tag);

/* Replaces a code cell's outputs (taken over) and its execution count (0: null). */
void notebook_cell_set_outputs(json_t *cell, json_t *outputs, long count);

/* A JSON string, or a list of strings joined, as new memory that the caller frees; *length (may be NULL) is its size
 * without the final NUL. Anything else gives an empty text; NULL only when memory is short. */
char *notebook_text(const json_t *value, size_t *length);

/* A copy (owned by the caller) of one cell or output whose multi-line texts are lists of lines. */
json_t *notebook_split_cell(const json_t *cell);

/* True for bundle keys whose value is split into lines in the file. */
bool notebook_mime_is_text(const char *mime);

#endif
