#include "pymodule.h"
#include "python.h"
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MESALE_PYTHON
#define MESALE_PYTHON "/usr/bin/python3"
#endif

static struct {
    char *executable;
    pthread_t main_thread;
    atomic_bool running;
} python;

static const char *const backend = "module://matplotlib_inline.backend_inline";

char *program_path(void)
{
    char path[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
    path[size < 0 ? 0 : size] = '\0';
    return memory_text(path);
}

/* "/a/bin/python" → "/a/bin" */
static char *folder_of(const char *path)
{
    char *folder = memory_text(path), *slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    return folder;
}

/* The first of the places beside the program that exists, or NULL. Only its folder is made
 * absolute: a venv's python is a link that must stay one. */
static char *find_beside_program(const char *const *places)
{
    char *program = program_path(), *folder = folder_of(program), *found = NULL, real[PATH_MAX];
    for (; *places && !found; places++) {
        struct buffer path = BUFFER_INIT;
        buffer_addf(&path, "%s/%s", folder, *places);
        char *parent = folder_of(path.data);
        bool exists = access(path.data, F_OK) == 0 && realpath(parent, real);
        buffer_release(&path);
        if (exists) {
            buffer_addf(&path, "%s%s", real, strrchr(*places, '/'));
            found = buffer_detach(&path);
        }
        free(parent);
    }
    free(folder);
    free(program);
    return found;
}

char *program_site_folder(void)
{
    static const char *const places[] = {"../site", "../lib/mesale/site", NULL};
    return find_beside_program(places);
}

char *program_python_folder(void)
{
    static const char *const places[] = {"../lib/mesale/python", NULL};
    return find_beside_program(places);
}

/* The absolute path of a program given as the shell takes it, links kept; a copy of `name` if it is
 * not found. */
static char *find_program(const char *name)
{
    char path[PATH_MAX];
    if (strchr(name, '/')) {
        if (name[0] == '/' || !getcwd(path, sizeof path))
            return memory_text(name);
        struct buffer absolute = BUFFER_INIT;
        buffer_addf(&absolute, "%s/%s", path, name);
        return buffer_detach(&absolute);
    }
    const char *folders = getenv("PATH");
    for (const char *p = folders ? folders : ""; *p;) {
        size_t size = strcspn(p, ":");
        snprintf(path, sizeof path, "%.*s/%s", (int)size, p, name);
        if (access(path, X_OK) == 0)
            return memory_text(path);
        p += size + (p[size] == ':');
    }
    return memory_text(name);
}

char *python_find(const char *option)
{
    static const char *const places[] = {"../venv/bin/python", "../../venv/bin/python", NULL};
    const char *environment = getenv("VIRTUAL_ENV");
    if (option)
        return find_program(option);
    if (environment && *environment) {
        struct buffer path = BUFFER_INIT;
        buffer_addf(&path, "%s/bin/python", environment);
        return buffer_detach(&path);
    }
    char *beside = find_beside_program(places);
    return beside ? beside : memory_text(MESALE_PYTHON);
}

const char *python_version(void)
{
    static char text[32];
    if (!text[0]) {
        const char *version = Py_GetVersion();
        snprintf(text, sizeof text, "%.*s", (int)strcspn(version, " "), version);
    }
    return text;
}

const char *python_minor_version(void)
{
    static char text[16];
    snprintf(text, sizeof text, "%d.%d", PY_MAJOR_VERSION, PY_MINOR_VERSION);
    return text;
}

bool python_is_running(void)
{
    return atomic_load(&python.running);
}

void python_without_gil(void (*function)(void *context), void *context)
{
    PyThreadState *state = python_is_running() ? PyEval_SaveThread() : NULL;
    function(context);
    if (state)
        PyEval_RestoreThread(state);
}

const char *python_executable(void)
{
    return python.executable;
}

void python_interrupt(void)
{
    if (python_is_running())
        pthread_kill(python.main_thread, SIGINT);
}

static void prepend(const char *name, const char *first)
{
    const char *old = getenv(name);
    struct buffer value = BUFFER_INIT;
    size_t size = strlen(first);
    if (old && strncmp(old, first, size) == 0 && (old[size] == ':' || !old[size]))
        return;
    buffer_addf(&value, old && *old ? "%s:%s" : "%s", first, old);
    setenv(name, value.data, 1);
    buffer_release(&value);
}

/* The variables that make this process, and what it starts, act as in the environment of its
 * python. */
static void set_environment(const struct python_options *options)
{
    char *bin = folder_of(python.executable), *root = folder_of(bin);
    struct buffer config = BUFFER_INIT;
    buffer_addf(&config, "%s/pyvenv.cfg", root);
    if (access(config.data, F_OK) == 0)
        setenv("VIRTUAL_ENV", root, 1);
    else
        unsetenv("VIRTUAL_ENV");
    prepend("PATH", bin);
    char *site = options->real_torch ? NULL : program_site_folder();
    if (site)
        prepend("PYTHONPATH", site);
    setenv("MPLBACKEND", backend, 0);
    buffer_release(&config);
    free(site);
    free(root);
    free(bin);
}

/* A venv tells its version: "version = 3.12.1" or "version_info = 3.12.1.final.0". An empty text if
 * it does not. */
static void read_venv_version(char version[16])
{
    char *bin = folder_of(python.executable), *root = folder_of(bin), line[512];
    struct buffer config = BUFFER_INIT;
    buffer_addf(&config, "%s/pyvenv.cfg", root);
    FILE *file = fopen(config.data, "re");
    int major, minor;
    version[0] = '\0';
    while (file && fgets(line, sizeof line, file)) {
        const char *equals = strchr(line, '=');
        if (strncmp(line, "version", 7) == 0 && equals &&
            sscanf(equals + 1, " %d.%d", &major, &minor) == 2)
            snprintf(version, 16, "%d.%d", major, minor);
    }
    if (file)
        fclose(file);
    buffer_release(&config);
    free(root);
    free(bin);
}

static int check_interpreter(struct buffer *problem)
{
    char version[16];
    if (access(python.executable, X_OK) < 0) {
        buffer_addf(problem,
                    "The Python interpreter %s cannot be used: %s. Choose another one with "
                    "`mesale install --python PATH`.",
                    python.executable, strerror(errno));
        return -1;
    }
    read_venv_version(version);
    if (*version && strcmp(version, python_minor_version()) != 0) {
        buffer_addf(
            problem,
            "%s is Python %s, but this mesale embeds Python %s. Build it anew for that interpreter "
            "with `make PYTHON=%s`, or choose one of version %s with `mesale install --python "
            "PATH`.",
            python.executable, version, python_minor_version(), python.executable,
            python_minor_version());
        return -1;
    }
    return 0;
}

static PyStatus configure(PyConfig *config)
{
    PyPreConfig before;
    PyPreConfig_InitPythonConfig(&before);
    before.utf8_mode = 1;
    PyStatus status = Py_PreInitialize(&before);
    if (PyStatus_Exception(status))
        return status;
    PyConfig_InitPythonConfig(config);
    config->parse_argv = 0;
    config->install_signal_handlers = 1;
    status = PyConfig_SetBytesString(config, &config->program_name, python.executable);
    if (!PyStatus_Exception(status))
        status = PyConfig_SetBytesString(config, &config->executable, python.executable);
    if (!PyStatus_Exception(status))
        status = PyWideStringList_Append(&config->argv, L"");
    return status;
}

int python_start(const struct python_options *options, struct buffer *problem)
{
    PyConfig config = {0};
    python.executable = python_find(options->python);
    python.main_thread = pthread_self();
    if (check_interpreter(problem) < 0)
        return -1;
    set_environment(options);
    pymodule_register();
    PyStatus status = configure(&config);
    if (!PyStatus_Exception(status))
        status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status)) {
        buffer_addf(problem,
                    "Python %s could not be started as %s: %s. Choose another interpreter with "
                    "`mesale install --python PATH`.",
                    python_minor_version(), python.executable,
                    status.err_msg ? status.err_msg : "unknown reason");
        return -1;
    }
    atomic_store(&python.running, true);
    return 0;
}

void python_stop(void)
{
    if (!python_is_running())
        return;
    atomic_store(&python.running, false);
    signal(SIGINT, SIG_IGN);
    Py_FinalizeEx();
}
