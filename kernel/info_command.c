#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "info_command.h"

#include "buffer.h"
#include "info.h"
#include "python.h"
#include "sockets.h"
#include <dirent.h>
#include <getopt.h>
#include <gnu/libc-version.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

static void tell(const char *key, const char *value)
{
    printf("%s: %s\n", key, value);
}

static void tell_system(void)
{
    struct utsname names;
    if (uname(&names) == 0)
        printf("system: %s %s %s, glibc %s\n", names.sysname, names.release, names.machine,
               gnu_get_libc_version());
}

static void tell_environment(void)
{
    static const char *const names[] = {
        "LC_ALL",          "LANG",       "VIRTUAL_ENV", "PYTHONPATH",
        "OMP_NUM_THREADS", "MPLBACKEND", "JUPYTER_PATH"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);
        printf("env-%s: %s\n", names[i], value ? value : "(unset)");
    }
}

/* The model line of one GPU, as NVIDIA's driver tells it. */
static bool tell_gpu(const char *folder)
{
    struct buffer path = BUFFER_INIT;
    char line[256], *model = NULL;
    buffer_addf(&path, "/proc/driver/nvidia/gpus/%s/information", folder);
    FILE *file = fopen(path.data, "re");
    buffer_release(&path);
    while (file && !model && fgets(line, sizeof(line), file))
        if (strncmp(line, "Model:", 6) == 0)
            model = line + 6 + strspn(line + 6, " \t");
    if (file)
        fclose(file);
    if (!model)
        return false;
    model[strcspn(model, "\n")] = '\0';
    tell("gpu", model);
    return true;
}

static void tell_gpus(void)
{
    DIR *folder = opendir("/proc/driver/nvidia/gpus");
    bool any = false;
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        if (entry->d_name[0] != '.')
            any = tell_gpu(entry->d_name) || any;
    if (folder)
        closedir(folder);
    if (!any)
        tell("gpu", "none");
}

/* Prints the (key, value) pairs of an iterable; -1 with a Python exception set. */
static int tell_pairs(PyObject *pairs)
{
    PyObject *iterator = PyObject_GetIter(pairs), *pair;
    while (iterator && (pair = PyIter_Next(iterator))) {
        const char *key = NULL, *value = NULL;
        if (PyArg_ParseTuple(pair, "ss", &key, &value))
            tell(key, value);
        Py_DECREF(pair);
        if (PyErr_Occurred())
            break;
    }
    Py_XDECREF(iterator);
    return PyErr_Occurred() ? -1 : 0;
}

/* What Python knows, from python/_mesale_info.py. */
static int tell_packages(void)
{
    char *folder = program_python_folder(), *site = program_site_folder();
    PyObject *path = PySys_GetObject("path"), *entry = PyUnicode_DecodeFSDefault(folder);
    PyObject *module = NULL, *pairs = NULL;
    int status = -1;
    if (!path || !entry || PyList_Append(path, entry) < 0)
        goto done;
    module = PyImport_ImportModule("_mesale_info");
    if (module)
        pairs = PyObject_CallMethod(module, "lines", "z", site);
    if (pairs)
        status = tell_pairs(pairs);
done:
    if (PyErr_Occurred())
        PyErr_Print();
    Py_XDECREF(pairs);
    Py_XDECREF(module);
    Py_XDECREF(entry);
    free(site);
    free(folder);
    return status;
}

static int tell_python(const struct python_options *options)
{
    struct buffer problem = BUFFER_INIT;
    int status = python_start(options, &problem);
    if (status < 0)
        tell("python-problem", problem.data);
    else
        status = tell_packages();
    if (python_is_running())
        python_stop();
    buffer_release(&problem);
    return status;
}

static int misused(const char *what)
{
    fprintf(stderr,
            "mesale info: cannot use '%s'\nusage: mesale info [--python PATH] [--torch real]\n",
            what);
    return 2;
}

int info_main(int argc, char **argv)
{
    static const struct option table[] = {{"python", required_argument, NULL, 'p'},
                                          {"torch", required_argument, NULL, 'T'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    struct python_options options = {0};
    optind = 1;
    opterr = 0;
    for (int letter; (letter = getopt_long(argc, argv, "h", table, NULL)) != -1;) {
        if (letter == 'h') {
            puts("usage: mesale info [--python PATH] [--torch real]\n"
                 "Prints what a bug report needs: versions, interpreter, processor, GPU.");
            return 0;
        }
        if (letter == 'p')
            options.python = optarg;
        else if (letter == 'T' && strcmp(optarg, "real") == 0)
            options.real_torch = true;
        else
            return misused(argv[optind - 1]);
    }
    if (optind < argc)
        return misused(argv[optind]);
    char *program = program_path();
    tell("mesale", MESALE_VERSION);
    tell("program", program);
    free(program);
    tell_system();
    tell("libzmq", sockets_library_version());
    tell("libsodium", sodium_version_string());
    tell("jansson", jansson_version_str());
    tell_gpus();
    tell_environment();
    fflush(stdout);
    return tell_python(&options) == 0 && fflush(stdout) == 0 ? 0 : 1;
}
