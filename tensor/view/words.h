/* The words of a view, in English or Turkish. Formats take what their comments say. */
#ifndef VIEW_WORDS_H
#define VIEW_WORDS_H

#include <stdbool.h>
#include <stdint.h>

struct words {
    const char *language; /* of lang="…" */
    char separator;       /* between thousands */
    const char *shape, *byte, *bytes, *leaf, *no_grad, *inference;
    const char *low, *mean, *high, *deviation, *histogram, *finite_only, *undefined;
    const char *true_count;                      /* count, all, percent */
    const char *nan, *infinity, *minus_infinity; /* count */
    const char *at;                              /* index */
    const char *sampled_none;                    /* count */
    const char *sampled_of;                      /* count, all */
    const char *bins_sampled;                    /* count */
    const char *bin;                             /* low, high, count */
    const char *empty, *value, *gradient;
    const char *heat;         /* alternative text: label, low, high */
    const char *line;         /* the same of a line */
    const char *thinned;      /* shown rows, all rows, shown columns, all columns */
    const char *thinned_line; /* shown, all */
    const char *slices;       /* shown, all */
    const char *table;        /* caption: label */
    const char *elements;     /* product, count, dims */
    const char *more_items;   /* count */
    const char *too_large;
};

extern const struct words words_english, words_turkish;

/* "65,536" or "65.536" into `buffer` of at least 32 bytes, which is returned. */
const char *words_count(const struct words *words, int64_t count, char *buffer);

#endif
