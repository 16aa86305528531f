/* The command lines of `mesale run` and `mesale test`. */
#ifndef KERNEL_RUN_OPTIONS_H
#define KERNEL_RUN_OPTIONS_H

#include "python.h"
#include <jansson.h>

/* The exit codes of both commands; of several notebooks' the largest counts. */
enum { EXIT_DIFFERENT = 1, EXIT_UNUSABLE = 2, EXIT_INTERRUPTED = 130 };

struct run_options {
    bool test;          /* the command is `test` */
    const char *output; /* file to write, or NULL */
    bool inplace;
    bool check;  /* compare outputs with the stored ones; always with `test` */
    bool update; /* store outputs that differ */
    bool lax;    /* compare only cells that are marked for it */
    bool exact;  /* compare byte for byte */
    bool allow_errors;
    double timeout;     /* seconds a cell may take; 0: any */
    double tolerance;   /* of real numbers, see similar.h */
    char *sanitize;     /* absolute path of a file of rules, or NULL; kept to the end */
    json_t *ignored;    /* mime types that are not compared → null, or NULL; kept to the end */
    const char *junit;  /* file to write, or NULL */
    int jobs;           /* notebooks at a time */
    json_t *parameters; /* name → text of the command line, or NULL; kept to the end */
    int report;         /* in a process for one of several notebooks: descriptor, else -1 */
    bool colour;        /* of what is reported through it */
    struct python_options python;
    int words; /* argv[1] to argv[words - 1] are options, the rest names notebooks and folders */
};

/* Fills options from the words of the command, argv[0] being "run" or "test", which are put in
 * order, options first. 0; 1 when help was asked for and given; -1 when something is wrong and was
 * told. */
int run_options_parse(struct run_options *options, int argc, char **argv);

/* How many processors this process may use. */
int run_options_processors(void);

#endif
