#include "run_options.h"

#include "parameters.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JOBS_MAX = 512 };
static const double usual_tolerance = 1e-5;

/* --- help
 * ------------------------------------------------------------------------------------------ */

static const char run_usage[] =
    "usage: mesale run [OPTION]... NOTEBOOK...\n"
    "Executes notebooks, each in a process of its own and in its folder, and prints their\n"
    "cells and outputs, or writes the executed notebook. A folder stands for all notebooks\n"
    "in it.\n"
    "\n"
    "  --output FILE   write the executed notebook to FILE\n"
    "  --inplace       write it over NOTEBOOK\n"
    "  --check         compare the outputs with the stored ones, as `mesale test` does;\n"
    "                  with its options --lax, --ignore, --tolerance, --sanitize,\n"
    "                  --exact\n";

static const char test_usage[] =
    "usage: mesale test [OPTION]... NOTEBOOK...\n"
    "Executes notebooks, each in a process of its own and in its folder, and compares the\n"
    "outputs with the stored ones. A folder stands for all notebooks in it.\n"
    "\n"
    "  --update        store the outputs of cells that show something else than stored\n"
    "  --lax           compare only cells marked nbval-check-output\n"
    "  --ignore TYPE   do not compare representations of this type, such as text/html; may\n"
    "                  be given again\n"
    "  --tolerance R   real numbers in text may differ by R of their size (1e-5), and by\n"
    "                  one in the last of four or more digits; 0: not at all\n"
    "  --sanitize FILE rules for text that changes, as nbval's: lines `regex: ...` and\n"
    "                  `replace: ...`\n"
    "  --exact         compare byte for byte: also addresses, times, ids in HTML, and the\n"
    "                  bytes of pictures whose pixels are equal\n";

static const char common_usage[] =
    "  -j, --jobs N    execute N notebooks at a time (%s)\n"
    "  -p NAME VALUE   set a parameter: a cell after the one tagged `parameters` assigns it\n"
    "  --junit FILE    write the results as JUnit XML\n"
    "  --allow-errors  go on after a cell that fails\n"
    "  --timeout S     interrupt a cell after S seconds\n"
    "  --python PATH   interpreter whose environment is used\n"
    "  --torch real    use the torch of that environment\n"
    "\n"
    "Tags of cells: skip-execution; raises-exception (may fail); parameters; and where\n"
    "outputs are compared nbval-skip, nbval-ignore-output, nbval-check-output,\n"
    "nbval-raises-exception, or the same as a comment, # NBVAL_IGNORE_OUTPUT.\n"
    "Ctrl-C ends the cell that runs; what is done is written. A second one ends all.\n"
    "\n"
    "Exit code: 0; 1 a cell failed, took too long or differs, or a notebook's process died;\n"
    "2 a notebook or an option cannot be used; 130 interrupted.\n";

static void show_usage(bool test)
{
    fputs(test ? test_usage : run_usage, stdout);
    printf(common_usage, test ? "as many as there are processors" : "1");
}

/* --- values
 * ---------------------------------------------------------------------------------------- */

static int misused(const struct run_options *options, const char *format, const char *what)
{
    const char *command = options->test ? "test" : "run";
    fprintf(stderr, "mesale %s: ", command);
    fprintf(stderr, format, what);
    fprintf(stderr, "\nTry 'mesale %s --help'.\n", command);
    return -1;
}

/* A finite number not below `least`; -1 if the text is none. */
static double read_number(const char *text, double least)
{
    char *end;
    double number = strtod(text, &end);
    return *end || end == text || !isfinite(number) || number < least ? -1 : number;
}

static int set_timeout(struct run_options *options, const char *text)
{
    options->timeout = read_number(text, 1e-9);
    return options->timeout > 0 ? 0 : misused(options, "--timeout wants seconds, not '%s'", text);
}

static int set_tolerance(struct run_options *options, const char *text)
{
    options->tolerance = read_number(text, 0);
    return options->tolerance >= 0 ? 0
                                   : misused(options, "--tolerance wants a number, not '%s'", text);
}

static int set_jobs(struct run_options *options, const char *text)
{
    double number = read_number(text, 1);
    if (number < 1 || number > JOBS_MAX || number != floor(number))
        return misused(options, "--jobs wants a number of processes, not '%s'", text);
    options->jobs = (int)number;
    return 0;
}

static int set_torch(struct run_options *options, const char *text)
{
    options->python.real_torch = strcmp(text, "real") == 0;
    return options->python.real_torch ? 0
                                      : misused(options, "--torch wants 'real', not '%s'", text);
}

static int set_sanitize(struct run_options *options, const char *path)
{
    free(options->sanitize);
    options->sanitize = realpath(path, NULL); /* cells run in another folder */
    if (!options->sanitize)
        fprintf(stderr, "mesale: %s: %s\n", path, strerror(errno));
    return options->sanitize ? 0 : -1;
}

/* `-p NAME VALUE`: the value is the word after the one that getopt knows of. */
static int set_parameter(struct run_options *options, const char *name, int argc, char **argv)
{
    if (!parameters_name_is_valid(name))
        return misused(options, "-p wants the name of a variable, not '%s'", name);
    if (optind >= argc)
        return misused(options, "-p %s wants a value", name);
    if (!options->parameters)
        options->parameters = json_object();
    json_t *value = json_string(argv[optind++]);
    if (!value)
        return misused(options, "the value of -p %s is not UTF-8", name);
    json_object_set_new(options->parameters, name, value);
    return 0;
}

int run_options_processors(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

/* --- the options
 * ----------------------------------------------------------------------------------- */

static const struct option table[] = {
    {"output", required_argument, NULL, 'o'},
    {"inplace", no_argument, NULL, 'i'},
    {"check", no_argument, NULL, 'c'},
    {"update", no_argument, NULL, 'u'},
    {"lax", no_argument, NULL, 'l'},
    {"exact", no_argument, NULL, 'E'},
    {"tolerance", required_argument, NULL, 'e'},
    {"sanitize", required_argument, NULL, 's'},
    {"ignore", required_argument, NULL, 'g'},
    {"allow-errors", no_argument, NULL, 'a'},
    {"timeout", required_argument, NULL, 't'},
    {"jobs", required_argument, NULL, 'j'},
    {"junit", required_argument, NULL, 'x'},
    {"python", required_argument, NULL, 'P'},
    {"torch", required_argument, NULL, 'T'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* Options without a value; false if the letter is none of theirs. */
static bool set_flag(struct run_options *options, int letter)
{
    bool *const flags[] = {
        ['i'] = &options->inplace, ['c'] = &options->check, ['u'] = &options->update,
        ['l'] = &options->lax,     ['E'] = &options->exact, ['a'] = &options->allow_errors,
    };
    bool *flag = letter < (int)(sizeof flags / sizeof flags[0]) ? flags[letter] : NULL;
    if (flag)
        *flag = true;
    return flag;
}

static int set_option(struct run_options *options, int letter, int argc, char **argv)
{
    switch (letter) {
    case 'o':
        options->output = optarg;
        return 0;
    case 'x':
        options->junit = optarg;
        return 0;
    case 'e':
        return set_tolerance(options, optarg);
    case 's':
        return set_sanitize(options, optarg);
    case 'g':
        if (!options->ignored)
            options->ignored = json_object();
        return json_object_set_new_nocheck(options->ignored, optarg, json_null());
    case 't':
        return set_timeout(options, optarg);
    case 'j':
        return set_jobs(options, optarg);
    case 'p':
        return set_parameter(options, optarg, argc, argv);
    case 'P':
        options->python.python =
            python_find(optarg); /* before the folder changes; kept to the end */
        return 0;
    case 'T':
        return set_torch(options, optarg);
    case 'h':
        show_usage(options->test);
        return 1;
    case ':':
        return misused(options, "%s wants a value", argv[optind - 1]);
    default:
        return misused(options, "unknown option '%s'", argv[optind - 1]);
    }
}

static int check_together(const struct run_options *o, bool several)
{
    bool compares =
        o->lax || o->exact || o->ignored || o->sanitize || o->tolerance != usual_tolerance;
    if (o->test && (o->output || o->inplace || o->check))
        return misused(o, "%s", "--output, --inplace and --check are options of `mesale run`");
    if (!o->test && o->update)
        return misused(o, "%s", "--update is an option of `mesale test`");
    if (!o->test && compares && !o->check)
        return misused(o, "%s",
                       "--lax, --ignore, --tolerance, --sanitize and --exact go with --check");
    if (o->output && o->inplace)
        return misused(o, "%s", "--output and --inplace exclude each other");
    if (o->output && several)
        return misused(o, "%s", "--output is for one notebook");
    if (o->update && o->parameters)
        return misused(o, "%s", "--update and -p exclude each other");
    return 0;
}

int run_options_parse(struct run_options *options, int argc, char **argv)
{
    int status = 0, letter;
    *options = (struct run_options){
        .test = strcmp(argv[0], "test") == 0, .tolerance = usual_tolerance, .report = -1};
    options->jobs = options->test ? run_options_processors() : 1;
    optind = 1;
    opterr = 0;
    while (status == 0 && (letter = getopt_long(argc, argv, ":o:p:j:h", table, NULL)) != -1)
        if (!set_flag(options, letter))
            status = set_option(options, letter, argc, argv);
    if (status == 0 && optind == argc)
        status = misused(options, "%s", "no notebook was named");
    if (status == 0)
        status = check_together(options, argc - optind > 1);
    options->check |= options->test;
    options->words = optind;
    if (options->exact)
        options->tolerance = 0;
    return status;
}
