/* What comparing outputs needs Python for (python/_mesale_compare.py): the user's rules and
 * pictures. On the main thread with the GIL, between shell_start and python_stop, when no cell runs
 * any more. */
#ifndef KERNEL_COMPARE_PYTHON_H
#define KERNEL_COMPARE_PYTHON_H

#include "buffer.h"

/* Takes the rules of a file in the form of nbval's sanitize files. 0, or -1 with the cause in
 * `problem`. */
int compare_python_read_rules(const char *path, struct buffer *problem);

/* For compare_options.rewrite: applies the rules to texts, and puts size and digest of the pixels
 * in the place of PNG and JPEG pictures, where Pillow is installed. */
void compare_python_rewrite(void *context, const char *mime, struct buffer *text);

#endif
