/* Files and JSON that hold keys: readable by their owner alone on disk, wiped from memory after
 * use. To be used before threads are started: the JSON library's allocator is changed meanwhile. */
#ifndef KERNEL_SECRET_H
#define KERNEL_SECRET_H

#include "buffer.h"
#include <jansson.h>
#include <sys/types.h>

enum { SECRET_FILE_MAX = 1024 * 1024 }; /* bytes that are read at most */

/* Overwrites the contents, then releases them. */
void buffer_wipe(struct buffer *b);

/* The whole file in `text`, which is empty before, and its mode; 0, or -1 with the reason appended
 * to `problem`. To be ended with buffer_wipe in both cases. */
int secret_file_read(const char *path, struct buffer *text, mode_t *mode, struct buffer *problem);

/* Replaces or makes the file at once (rename), with mode 0600 whatever the umask is. 0 or -1, as
 * above. */
int secret_file_write(const char *path, const struct buffer *text, struct buffer *problem);

/* As json_parse (json.h); everything that is freed on the way is overwritten. The reason of a
 * failure is appended to `problem` without any word of the text. */
json_t *secret_json_parse(const char *text, size_t size, struct buffer *problem);

/* Gives up a value and overwrites what it held, if this was the last reference. NULL is allowed. */
void secret_json_release(json_t *value);

#endif
