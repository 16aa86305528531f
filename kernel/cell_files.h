/* The files in which a debugger finds the source of cells, and the names that cells are compiled
 * under so that its breakpoints bind. All functions: any thread. */
#ifndef KERNEL_CELL_FILES_H
#define KERNEL_CELL_FILES_H

#include "buffer.h"
#include <stdint.h>

/* The hash of a cell's text, and the seed we tell front ends. */
uint32_t murmur2(const char *data, size_t size, uint32_t seed);
#define CELL_FILES_SEED UINT32_C(0xc70f6907)

extern const char cell_files_suffix[]; /* ".py" */

/* What every name begins with: "/tmp/mesale_PID/", the folder of this process. The first call reads
 * the environment ($TMPDIR). */
const char *cell_files_prefix(void);

/* From now on cells are compiled under names of files. (Without a debugger they are not: warnings
 * and tracebacks would show a name that is another one in every process.) */
void cell_files_use(void);

/* Appends the name of the file of a cell; false, and nothing is appended, before cell_files_use. */
bool cell_files_name(const char *code, size_t size, struct buffer *name);

/* Writes the file of a cell and appends its name. 0, or -1 with the reason. */
int cell_files_write(const char *code, size_t size, struct buffer *name, struct buffer *problem);

/* Removes the files and their folder. In the process that made them, at its end. */
void cell_files_remove(void);

#endif
