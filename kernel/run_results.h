/* Shows what became of notebooks that ran in processes of their own, and sums it up. */
#ifndef KERNEL_RUN_RESULTS_H
#define KERNEL_RUN_RESULTS_H

#include "run_options.h"

/* How a notebook's process ended; all borrowed. */
struct run_ending {
    const char *path;
    json_t *result;        /* as in run_report.h; NULL if the process died before it sent it */
    int wait_status;       /* as waitpid gives it */
    const char *out, *err; /* what it printed, as far as that was captured */
    size_t out_size, err_size;
};

struct run_results {
    const struct run_options *options; /* borrowed */
    bool colour;
    json_t *notebooks; /* as in junit.h */
    double begin;      /* seconds, see run_report_clock */
    int passed, failed, unusable;
    long long compared, differing, updated; /* cells */
    int status;                             /* the exit code so far */
};

void run_results_init(struct run_results *results, const struct run_options *options);
void run_results_release(struct run_results *results);

/* Prints the notebook's result: of a test on standard output, else what the process printed. */
void run_results_add(struct run_results *results, const struct run_ending *ending);

/* Prints the sum of a test, writes the JUnit file, and returns the exit code. `notebooks`: how many
 * were asked for; `stopped`: the signal that ended them early, 0 if none did. */
int run_results_finish(struct run_results *results, size_t notebooks, int stopped);

#endif
