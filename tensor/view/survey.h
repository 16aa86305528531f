/* What a tensor's numbers are like: counts, least and greatest, mean, standard deviation,
 * histogram. */
#ifndef VIEW_SURVEY_H
#define VIEW_SURVEY_H

#include "core.h"

/* Up to so many numbers everything is exact. */
#define SURVEY_EXACT_MOST 1000000
/* Of more than can be read in time so many are looked at, at equal steps. */
#define SURVEY_SAMPLE_MOST 65536
/* Larger tensors are read whole if that takes no longer. */
#define SURVEY_TIME_MOST_MS 20
#define SURVEY_BINS 24

struct survey {
    int64_t count;  /* numbers that were looked at */
    int64_t finite; /* of these, neither NaN nor infinite */
    int64_t nan, plus_infinity, minus_infinity;
    double low, high;       /* of the finite ones; 0 where there are none */
    double mean, deviation; /* of the finite ones, the deviation with n - 1 as torch.std(); NaN
                               where not defined */
    int64_t nan_at; /* place of one NaN in row-major order of `self`, -1: none seen or not known */
    int64_t bins[SURVEY_BINS +
                 1]; /* from low to high at equal width; the last one counts to the one before it */
    int64_t binned;  /* the numbers that are in bins; 0: no histogram */
    bool sampled;    /* count numbers of more */
};

/* Reads `self`, wherever it lies. 0, or -1 with the error set. */
TENSOR_API int survey_tensor(struct tensor *self, struct survey *survey);
/* The same with so many milliseconds for larger tensors. */
TENSOR_API int survey_tensor_within(struct tensor *self, struct survey *survey, double most_ms);
/* `self` at equal steps along its dims, at most `most` elements: an alias, or itself (new
 * reference). Sets `steps` (one a dim). NULL with the error set. */
struct tensor *survey_thin(struct tensor *self, int64_t most, int64_t *steps);

#endif
