/* The history file: any bytes are read as the cells that can be read, and a cell that is added to
 * such a file is found again. */
#include "history.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { WAIT_MS = 20000 };

static char path[64];

static void write_file(const unsigned char *data, size_t size)
{
    snprintf(path, sizeof path, "/tmp/fuzz-history-%d.jsonl", (int)getpid());
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    close(fd);
}

static struct history_entries read_file(struct history *h)
{
    char *copy = strdup(path);
    history_init(h, copy);
    return history_read(h, WAIT_MS);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct history h;
    struct buffer input = BUFFER_INIT;
    write_file(data, size);
    struct history_entries entries = read_file(&h);
    buffer_add_text(&input, "added");
    history_add(&h, 7, 1, &input, NULL);
    if (!history_release(&h, WAIT_MS))
        abort();
    history_entries_release(&entries);
    entries = read_file(&h);
    struct history_entry *last = entries.count ? &entries.list[entries.count - 1] : NULL;
    if (!last || last->session != 7 || strcmp(last->input.data, "added") != 0)
        abort();
    history_entries_release(&entries);
    history_release(&h, WAIT_MS);
    buffer_release(&input);
    unlink(path);
    return 0;
}
