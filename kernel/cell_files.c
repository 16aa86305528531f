#include "cell_files.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char cell_files_suffix[] = ".py";

static struct {
    pthread_once_t once;
    struct buffer prefix;
    atomic_bool used;
    atomic_bool written; /* the folder exists and is ours */
} files = {.once = PTHREAD_ONCE_INIT};

uint32_t murmur2(const char *data, size_t size, uint32_t seed)
{
    const uint32_t m = 0x5bd1e995;
    const unsigned char *p = (const unsigned char *)data;
    uint32_t h = seed ^ (uint32_t)size;
    for (; size >= 4; p += 4, size -= 4) {
        uint32_t k = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        k *= m;
        k ^= k >> 24;
        h = h * m ^ k * m;
    }
    for (size_t i = 0; i < size; i++)
        h ^= (uint32_t)p[i] << 8 * i;
    if (size)
        h *= m;
    h ^= h >> 13;
    h *= m;
    return h ^ h >> 15;
}

/* Whether nobody else could have put files into what is at `path`. */
static bool is_own_folder(const char *path)
{
    struct stat s;
    return lstat(path, &s) == 0 && S_ISDIR(s.st_mode) && s.st_uid == geteuid() &&
           (s.st_mode & 077) == 0;
}

/* The folder is made later, with the first file: a name that somebody else has taken is not used.
 */
static void choose_prefix(void)
{
    char real[PATH_MAX];
    const char *folder = getenv("TMPDIR");
    if (!folder || !*folder || access(folder, W_OK | X_OK) < 0)
        folder = "/tmp";
    if (!realpath(folder, real))
        snprintf(real, sizeof real, "/tmp");
    for (int attempt = 0; attempt < 100; attempt++) {
        buffer_clear(&files.prefix);
        buffer_addf(&files.prefix, "%s/mesale_%ld", strcmp(real, "/") == 0 ? "" : real,
                    (long)getpid());
        if (attempt)
            buffer_addf(&files.prefix, "_%d", attempt);
        if ((access(files.prefix.data, F_OK) < 0 && errno == ENOENT) ||
            is_own_folder(files.prefix.data))
            break;
    }
    buffer_add_char(&files.prefix, '/');
}

const char *cell_files_prefix(void)
{
    pthread_once(&files.once, choose_prefix);
    return files.prefix.data;
}

void cell_files_use(void)
{
    atomic_store(&files.used, true);
}

static void add_name(const char *code, size_t size, struct buffer *name)
{
    buffer_addf(name, "%s%lu%s", cell_files_prefix(),
                (unsigned long)murmur2(code, size, CELL_FILES_SEED), cell_files_suffix);
}

bool cell_files_name(const char *code, size_t size, struct buffer *name)
{
    if (!atomic_load(&files.used))
        return false;
    add_name(code, size, name);
    return true;
}

static int make_folder(void)
{
    const char *folder = cell_files_prefix();
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        return -1;
    struct buffer path = BUFFER_INIT;
    buffer_add(&path, folder, strlen(folder) - 1); /* with the slash a link would be followed */
    bool own = is_own_folder(path.data);
    buffer_release(&path);
    if (!own) {
        errno = EEXIST;
        return -1;
    }
    atomic_store(&files.written, true);
    return 0;
}

int cell_files_write(const char *code, size_t size, struct buffer *name, struct buffer *problem)
{
    struct buffer path = BUFFER_INIT;
    add_name(code, size, &path);
    int fd = make_folder() < 0
                 ? -1
                 : open(path.data, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    int rc = fd < 0 ? -1 : write_fully(fd, code, size);
    if (rc < 0)
        buffer_addf(problem, "%s cannot be written: %s", path.data, strerror(errno));
    else
        buffer_add(name, path.data, path.size);
    if (fd >= 0)
        close(fd);
    buffer_release(&path);
    return rc;
}

void cell_files_remove(void)
{
    if (!atomic_exchange(&files.written, false))
        return;
    DIR *folder = opendir(cell_files_prefix());
    if (folder) {
        for (struct dirent *entry; (entry = readdir(folder));) {
            /* anything else in it is not ours; rmdir then leaves the folder */
            const char *suffix = strrchr(entry->d_name, '.');
            if (suffix && strcmp(suffix, cell_files_suffix) == 0)
                unlinkat(dirfd(folder), entry->d_name, 0);
        }
        closedir(folder);
    }
    rmdir(cell_files_prefix());
}
