/* Do two runs of a cell show the same? Outputs are compared as a reader sees them: text of streams
 * (neighbouring pieces of one stream joined), every representation of displays and results, name
 * and message of errors. Execution counts, output metadata and tracebacks (which hold paths and
 * colours) are left out. */
#ifndef KERNEL_COMPARE_H
#define KERNEL_COMPARE_H

#include "buffer.h"
#include <jansson.h>

struct compare_options {
    bool exact;            /* byte for byte: what tidy.h takes out counts too */
    double tolerance;      /* of real numbers, see similar.h; 0: equal text */
    bool colour;           /* of the report */
    bool views_as_text;    /* set by compare_outputs(), see there */
    const json_t *ignored; /* object whose keys are mime types that do not count; NULL: all do */
    /* Called for each text and picture where the outputs still differ: may change it (rules of the
     * user, pictures decoded). NULL: none. */
    void (*rewrite)(void *context, const char *mime, struct buffer *text);
    void *context;
};

/* True if the lists of outputs `stored` and `fresh` (borrowed) show the same. Otherwise the lines
 * that differ are added to `report` ("- " stored, "+ " fresh, "  " the lines around them). Views of
 * tensors whose words are in different languages are compared by the text that they begin with. */
bool compare_outputs(const json_t *stored, const json_t *fresh,
                     const struct compare_options *options, struct buffer *report);

#endif
