#include "folder.h"
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The variable's value, NULL if it is not set or empty. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

int folder_add_data(struct buffer *out)
{
    const char *data = variable("JUPYTER_DATA_DIR"), *xdg = variable("XDG_DATA_HOME"),
               *home = variable("HOME");
    if (data) {
        buffer_add_text(out, data);
        return 0;
    }
    if (xdg) {
        buffer_addf(out, "%s/jupyter", xdg);
        return 0;
    }
    if (!home) {
        const struct passwd *user = getpwuid(getuid());
        home = user ? user->pw_dir : NULL;
    }
    if (!home)
        return -1;
    buffer_addf(out, "%s/.local/share/jupyter", home);
    return 0;
}

int folder_add_runtime(struct buffer *out)
{
    const char *runtime = variable("JUPYTER_RUNTIME_DIR");
    if (runtime)
        buffer_add_text(out, runtime);
    else if (folder_add_data(out) < 0)
        return -1;
    else
        buffer_add_text(out, "/runtime");
    return 0;
}

int folder_make(const char *path, mode_t mode)
{
    struct buffer part = BUFFER_INIT;
    int status = 0;
    for (const char *end = path; *end && status == 0;) {
        end += *end == '/';
        end += strcspn(end, "/");
        buffer_clear(&part);
        buffer_add(&part, path, (size_t)(end - path));
        if (mkdir(part.data, mode) < 0 && errno != EEXIST && errno != EISDIR)
            status = -1;
    }
    buffer_release(&part);
    return status;
}
