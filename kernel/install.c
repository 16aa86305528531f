#include "install.h"

#include "folder.h"
#include "json.h"
#include "json_write.h"
#include "python.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum place { PLACE_DEFAULT, PLACE_USER, PLACE_SYS_PREFIX, PLACE_PREFIX };

struct install_options {
    enum place place;
    const char *prefix, *python, *name;
    bool real_torch;
};

/* What an interpreter says of itself. */
struct interpreter {
    json_t *facts; /* owned */
    const char *executable, *version, *minor, *prefix;
    const char *ipython; /* its version, or NULL */
};

static const char *const logos[] = {"logo-32x32.png", "logo-64x64.png", "logo-svg.svg"};

static int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("mesale install: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return -1;
}

/* --- the interpreter
 * ------------------------------------------------------------------------------- */

/* Runs the program and appends what it prints; 0 if it ended well. */
static int run_program(char *const argv[], struct buffer *printed)
{
    posix_spawn_file_actions_t actions;
    char block[4096];
    int ends[2], status = -1;
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    errno = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (errno == 0) {
        for (ssize_t size; (size = read(ends[0], block, sizeof(block))) > 0;)
            buffer_add(printed, block, (size_t)size);
        waitpid(pid, &status, 0);
    }
    close(ends[0]);
    return status == 0 ? 0 : -1;
}

static int ask_interpreter(struct interpreter *answer, char *python)
{
    /* words that every Python since 2.7 understands: the answer may be that it is the wrong one */
    static char question[] = "import json, sys\n"
                             "try:\n"
                             "    from importlib.metadata import version\n"
                             "    ipython = version('ipython')\n"
                             "except Exception:\n"
                             "    ipython = None\n"
                             "print(json.dumps({'executable': sys.executable, 'prefix': "
                             "sys.prefix, 'ipython': ipython,\n"
                             "                  'version': '%d.%d.%d' % sys.version_info[:3],\n"
                             "                  'minor': '%d.%d' % sys.version_info[:2]}))\n";
    char option[] = "-c";
    char *argv[] = {python, option, question, NULL};
    struct buffer printed = BUFFER_INIT;
    int status = run_program(argv, &printed);
    answer->facts = status == 0 ? json_parse(buffer_text(&printed), printed.size, NULL) : NULL;
    buffer_release(&printed);
    if (!answer->facts)
        return fail("%s does not run as a Python interpreter", python);
    answer->executable = json_member_text(answer->facts, "executable", python);
    answer->version = json_member_text(answer->facts, "version", "?");
    answer->minor = json_member_text(answer->facts, "minor", "?");
    answer->prefix = json_member_text(answer->facts, "prefix", "");
    answer->ipython = json_member_text(answer->facts, "ipython", NULL);
    return 0;
}

static int check_interpreter(const struct interpreter *interpreter)
{
    if (strcmp(interpreter->minor, python_minor_version()) != 0)
        return fail("%s is Python %s, and this mesale embeds Python %s. Build one for it with:\n"
                    "    make PYTHON=%s",
                    interpreter->executable, interpreter->version, python_minor_version(),
                    interpreter->executable);
    if (!interpreter->ipython)
        return fail("%s has no IPython, which runs the cells. Install it with:\n"
                    "    %s -m pip install 'ipython>=9,<10' comm matplotlib-inline",
                    interpreter->executable, interpreter->executable);
    return 0;
}

/* --- where to
 * -------------------------------------------------------------------------------------- */

static int add_folder(struct buffer *out, const struct install_options *options,
                      const struct interpreter *interpreter)
{
    const char *environment = getenv("VIRTUAL_ENV");
    enum place place = options->place;
    if (place == PLACE_DEFAULT)
        place = environment && *environment ? PLACE_SYS_PREFIX : PLACE_USER;
    if (place == PLACE_USER) {
        if (folder_add_data(out) < 0)
            return fail("your home folder is not known: set HOME or JUPYTER_DATA_DIR");
    } else {
        buffer_addf(out, "%s/share/jupyter",
                    place == PLACE_PREFIX ? options->prefix : interpreter->prefix);
    }
    buffer_addf(out, "/kernels/%s", options->name);
    return 0;
}

/* --- the files
 * ------------------------------------------------------------------------------------- */

static int read_file(struct buffer *out, const char *folder, const char *name)
{
    struct buffer path = BUFFER_INIT;
    buffer_addf(&path, "%s/%s", folder, name);
    int status = buffer_read_file(out, path.data);
    buffer_release(&path);
    return status;
}

/* In one step: front ends may be reading. */
static int write_file(const char *folder, const char *name, const struct buffer *content)
{
    struct buffer path = BUFFER_INIT, part = BUFFER_INIT;
    buffer_addf(&path, "%s/%s", folder, name);
    buffer_addf(&part, "%s.part", path.data);
    FILE *file = fopen(part.data, "we");
    int status = file ? 0 : -1;
    if (file && fwrite(content->data, 1, content->size, file) != content->size)
        status = -1;
    if (file && fclose(file) != 0)
        status = -1;
    if (status == 0)
        status = rename(part.data, path.data);
    if (status < 0)
        fail("cannot write %s: %s", path.data, strerror(errno));
    buffer_release(&part);
    buffer_release(&path);
    return status;
}

static json_t *read_spec(const char *folder, const char *name)
{
    struct buffer text = BUFFER_INIT;
    json_t *spec = read_file(&text, folder, name) == 0
                       ? json_parse(buffer_text(&text), text.size, NULL)
                       : NULL;
    buffer_release(&text);
    return spec;
}

/* The template and the folder that holds it and the logos, beside this program when it is
 * installed, in the build's own kernelspec otherwise. NULL, told, if neither is there. */
static json_t *find_template(struct buffer *folder, const char *program)
{
    char *copy = memory_text(program), *base = dirname(copy);
    buffer_addf(folder, "%s/../share/mesale/kernelspec", base);
    json_t *spec = read_spec(folder->data, "kernel.json.in");
    if (!spec) {
        buffer_clear(folder);
        buffer_addf(folder, "%s/../share/jupyter/kernels/mesale", base);
        spec = read_spec(folder->data, "kernel.json");
    }
    if (!spec)
        fail("the kernelspec's template is missing in %s", folder->data);
    free(copy);
    return spec;
}

static void fill_template(json_t *spec, const char *program, const char *python, bool real_torch)
{
    json_t *argv = json_pack("[s, s, s, s]", program, "kernel", "--python", python);
    if (real_torch) {
        json_array_append_new(argv, json_string("--torch"));
        json_array_append_new(argv, json_string("real"));
        json_object_set_new(spec, "display_name", json_string("Meşale (PyTorch)"));
    }
    json_array_append_new(argv, json_string("-f"));
    json_array_append_new(argv, json_string("{connection_file}"));
    json_object_set_new(spec, "argv", argv);
}

static int copy_logos(const char *from, const char *folder)
{
    int status = 0;
    for (size_t i = 0; i < sizeof(logos) / sizeof(logos[0]) && status == 0; i++) {
        struct buffer content = BUFFER_INIT;
        status = read_file(&content, from, logos[i]);
        if (status < 0)
            fail("cannot read %s/%s: %s", from, logos[i], strerror(errno));
        else
            status = write_file(folder, logos[i], &content);
        buffer_release(&content);
    }
    return status;
}

/* kernel.json comes last: a kernelspec that can be seen is whole. */
static int write_kernelspec(const struct install_options *options, const char *python,
                            const char *folder)
{
    struct buffer from = BUFFER_INIT, text = BUFFER_INIT;
    char *program = program_path();
    int status = -1;
    json_t *spec = find_template(&from, program);
    if (!spec)
        goto done;
    if (folder_make(folder, 0777) < 0) {
        fail("cannot make %s: %s", folder, strerror(errno));
        goto done;
    }
    fill_template(spec, program, python, options->real_torch);
    json_write(&text, spec);
    buffer_add_char(&text, '\n');
    if (copy_logos(from.data, folder) == 0)
        status = write_file(folder, "kernel.json", &text);
done:
    json_decref(spec);
    free(program);
    buffer_release(&text);
    buffer_release(&from);
    return status;
}

static int install(const struct install_options *options)
{
    struct interpreter interpreter = {0};
    struct buffer folder = BUFFER_INIT;
    char *python = python_find(options->python);
    int status = ask_interpreter(&interpreter, python);
    if (status == 0)
        status = check_interpreter(&interpreter);
    if (status == 0)
        status = add_folder(&folder, options, &interpreter);
    if (status == 0)
        status = write_kernelspec(options, interpreter.executable, folder.data);
    if (status == 0)
        printf("Kernel '%s' for %s is installed in %s\n", options->name, interpreter.executable,
               folder.data);
    json_decref(interpreter.facts);
    buffer_release(&folder);
    free(python);
    return status;
}

/* --- the command
 * ----------------------------------------------------------------------------------- */

static const char usage[] =
    "usage: mesale install [OPTION]...\n"
    "Writes the kernelspec by which Jupyter, VS Code and others find the kernel.\n"
    "\n"
    "  --user          for you alone (unless a virtual environment is active)\n"
    "  --sys-prefix    into the environment of the interpreter\n"
    "  --prefix DIR    into DIR/share/jupyter\n"
    "  --python PATH   interpreter whose environment the kernel serves\n"
    "  --name NAME     name of the kernelspec (mesale)\n"
    "  --torch real    a kernel that imports the PyTorch of that environment (mesale-pytorch)\n"
    "\n"
    "To remove it: jupyter kernelspec remove NAME\n";

static int misused(const char *format, const char *what)
{
    fputs("mesale install: ", stderr);
    fprintf(stderr, format, what);
    fputs("\nTry 'mesale install --help'.\n", stderr);
    return -1;
}

static int set_place(struct install_options *options, enum place place)
{
    if (options->place != PLACE_DEFAULT && options->place != place)
        return misused("%s", "--user, --sys-prefix and --prefix exclude each other");
    options->place = place;
    return 0;
}

/* Names are made of what Jupyter allows in them. */
static int check_name(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    if (!*name || name[strspn(name, allowed)] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return misused("'%s' cannot name a kernel: only letters, digits, '.', '_' and '-'", name);
    return 0;
}

static int set_torch(struct install_options *options, const char *text)
{
    options->real_torch = strcmp(text, "real") == 0;
    return options->real_torch ? 0 : misused("--torch wants 'real', not '%s'", text);
}

static int set_option(struct install_options *options, int letter, char **argv)
{
    switch (letter) {
    case 'u':
        return set_place(options, PLACE_USER);
    case 's':
        return set_place(options, PLACE_SYS_PREFIX);
    case 'd':
        options->prefix = optarg;
        return set_place(options, PLACE_PREFIX);
    case 'p':
        options->python = optarg;
        return 0;
    case 'n':
        options->name = optarg;
        return check_name(optarg);
    case 'T':
        return set_torch(options, optarg);
    case 'h':
        return 1;
    case ':':
        return misused("%s wants a value", argv[optind - 1]);
    default:
        return misused("unknown option '%s'", argv[optind - 1]);
    }
}

/* Fills options; 0, 1 when help was asked for, -1 when something is wrong and was told. */
static int parse(struct install_options *options, int argc, char **argv)
{
    static const struct option table[] = {
        {"user", no_argument, NULL, 'u'},         {"sys-prefix", no_argument, NULL, 's'},
        {"prefix", required_argument, NULL, 'd'}, {"python", required_argument, NULL, 'p'},
        {"name", required_argument, NULL, 'n'},   {"torch", required_argument, NULL, 'T'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    int status = 0;
    optind = 1;
    opterr = 0;
    for (int letter; status == 0 && (letter = getopt_long(argc, argv, ":h", table, NULL)) != -1;)
        status = set_option(options, letter, argv);
    if (status == 0 && optind < argc)
        status = misused("unexpected argument '%s'", argv[optind]);
    if (!options->name)
        options->name = options->real_torch ? "mesale-pytorch" : "mesale";
    return status;
}

int install_main(int argc, char **argv)
{
    struct install_options options = {0};
    char resolved[PATH_MAX];
    int parsed = parse(&options, argc, argv);
    if (parsed > 0)
        fputs(usage, stdout);
    if (parsed != 0)
        return parsed > 0 ? 0 : 2;
    if (options.prefix && options.prefix[0] != '/' && realpath(".", resolved)) {
        struct buffer absolute = BUFFER_INIT;
        buffer_addf(&absolute, "%s/%s", resolved, options.prefix);
        options.prefix = absolute.data; /* for the rest of the program */
    }
    return install(&options) == 0 ? 0 : 1;
}
