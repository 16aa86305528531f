#include "info.h"
#include "info_command.h"
#include "install.h"
#include "run.h"
#include "session.h"
#include <stdio.h>
#include <string.h>

static int help(int argc, char **argv);
static int version(int argc, char **argv);

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the name; returns the exit status */
    const char *arguments, *summary;
} commands[] = {
    {"kernel", kernel_main, "-f FILE", "speak the Jupyter protocol; kernelspecs start this"},
    {"run", run_main, "NOTEBOOK...", "execute notebooks without a Jupyter server"},
    {"test", run_main, "NOTEBOOK...", "execute them and compare with the outputs they hold"},
    {"install", install_main, "[--user | --sys-prefix | --prefix DIR]",
     "make the kernel known to Jupyter"},
    {"info", info_main, "", "show versions, the Python found, processor and libraries"},
    {"--help", help, NULL, NULL},
    {"-h", help, NULL, NULL},
    {"help", help, NULL, NULL},
    {"--version", version, NULL, NULL},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void write_usage(FILE *file)
{
    fputs("usage: mesale COMMAND [ARGUMENTS]\n\n", file);
    for (int i = 0; i < COMMANDS; i++) {
        if (commands[i].summary)
            fprintf(file, "  %-8s %-40s %s\n", commands[i].name, commands[i].arguments,
                    commands[i].summary);
    }
    fputs("\n`mesale COMMAND --help` tells more.\n", file);
}

static int help(int argc, char **argv)
{
    (void)argc, (void)argv;
    write_usage(stdout);
    return 0;
}

static int version(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("mesale %s\n", MESALE_VERSION);
    return 0;
}

int main(int argc, char **argv)
{
    for (int i = 0; argc > 1 && i < COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    if (argc > 1)
        fprintf(stderr, "mesale: there is no command \"%s\"\n\n", argv[1]);
    write_usage(stderr);
    return 2;
}
