/* Tensors as HTML: the printed text, one line of facts, a picture, statistics. Static, with inline
 * styles and no script, of the elements that notebook front ends leave in notebooks that are not
 * trusted. Backgrounds are transparent colours over the page's own, so that they serve light and
 * dark themes.
 *
 * Texts are UTF-8 and escaped here. What is returned has at most VIEW_BYTES_MOST bytes and goes to
 * mem_free(); NULL where the text alone does not fit (no error is set), or with the error set. */
#ifndef VIEW_H
#define VIEW_H

#include "tensor.h"
#include "view/html.h"

struct view_item {
    const char *name; /* "['weight']" */
    struct tensor *tensor;
};

/* Whether the environment (LC_ALL, LC_MESSAGES, LANG) asks for Turkish. */
TENSOR_API bool view_turkish(void);
/* Of one tensor, whose printed text is `text`. The picture is folded for up to four numbers. */
TENSOR_API char *view_tensor(struct tensor *tensor, const char *text, bool turkish);
/* Of an object with the given printed text that holds `total` tensors, of which the first `count`
 * are given: the text, then a fold for each. */
TENSOR_API char *view_items(const struct view_item *items, int count, int64_t total,
                            const char *text, bool turkish);
/* Of a torch.Size. */
TENSOR_API char *view_size(struct ints sizes, const char *text, bool turkish);

#endif
