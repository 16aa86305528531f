/* Jupyter's folders, by the rules of jupyter_core.paths. */
#ifndef KERNEL_FOLDER_H
#define KERNEL_FOLDER_H

#include "buffer.h"
#include <sys/types.h>

/* Appends the user's data folder. 0, or -1 if the home folder is not known. */
int folder_add_data(struct buffer *out);

/* Appends the folder where running kernels have their connection files. 0 or -1, as above. */
int folder_add_runtime(struct buffer *out);

/* Makes the folder and those above it, those that it makes with that mode. 0, or -1 with errno. */
int folder_make(const char *path, mode_t mode);

#endif
