#include "secret.h"
#include "json.h"
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void buffer_wipe(struct buffer *b)
{
    if (b->data)
        sodium_memzero(b->data, b->capacity);
    buffer_release(b);
}

/* Room first: a buffer that grows leaves copies behind. */
static int read_all(int fd, struct buffer *text, struct buffer *problem)
{
    ssize_t n;
    buffer_reserve(text, SECRET_FILE_MAX);
    while ((n = read(fd, text->data + text->size, SECRET_FILE_MAX - text->size)) > 0)
        text->size += (size_t)n;
    text->data[text->size] = '\0';
    if (n < 0)
        buffer_add_text(problem, strerror(errno));
    else if (text->size == SECRET_FILE_MAX)
        buffer_add_text(problem, "too large");
    return n < 0 || text->size == SECRET_FILE_MAX ? -1 : 0;
}

int secret_file_read(const char *path, struct buffer *text, mode_t *mode, struct buffer *problem)
{
    struct stat state;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &state) < 0) {
        buffer_add_text(problem, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    *mode = state.st_mode;
    int rc = read_all(fd, text, problem);
    close(fd);
    return rc;
}

int secret_file_write(const char *path, const struct buffer *text, struct buffer *problem)
{
    struct buffer temporary = BUFFER_INIT;
    int rc = -1;
    buffer_addf(&temporary, "%s.%d", path, (int)getpid());
    int fd = open(temporary.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd >= 0) {
        rc = fchmod(fd, S_IRUSR | S_IWUSR);
        if (rc == 0)
            rc = write_fully(fd, text->data, text->size);
        if (close(fd) < 0)
            rc = -1;
        if (rc == 0)
            rc = rename(temporary.data, path);
    }
    if (rc < 0) {
        buffer_addf(problem, "cannot be written: %s", strerror(errno));
        if (fd >= 0)
            unlink(temporary.data);
    }
    buffer_release(&temporary);
    return rc;
}

static void wipe_and_free(void *memory)
{
    if (memory)
        sodium_memzero(memory, malloc_usable_size(memory));
    free(memory);
}

json_t *secret_json_parse(const char *text, size_t size, struct buffer *problem)
{
    json_error_t error;
    json_set_alloc_funcs(malloc, wipe_and_free);
    json_t *value = json_parse(text, size, &error);
    json_set_alloc_funcs(malloc, free);
    if (!value) {
        char *near = strstr(error.text, " near ");
        if (near)
            *near = '\0';
        buffer_addf(problem, "not JSON: line %d: %s", error.line, error.text);
    }
    sodium_memzero(&error, sizeof error);
    return value;
}

void secret_json_release(json_t *value)
{
    json_set_alloc_funcs(malloc, wipe_and_free);
    json_decref(value);
    json_set_alloc_funcs(malloc, free);
}
