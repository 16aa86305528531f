/* Values given to a notebook from outside, as papermill gives them: a cell of assignments, tagged
 * "injected-parameters", after the one tagged "parameters". */
#ifndef KERNEL_PARAMETERS_H
#define KERNEL_PARAMETERS_H

#include "buffer.h"
#include <jansson.h>

/* Appends the Python expression that papermill makes of a value of the command line: True, False,
 * None, whole and real numbers are what they look like, all else is a string. */
void parameters_add_value(struct buffer *out, const char *value);

/* True if the name can stand left of "=": letters, digits and "_", no digit first, no keyword.
 * Bytes beyond ASCII are taken for letters. */
bool parameters_name_is_valid(const char *name);

/* Puts the cell in: `parameters` is an object name → text of the command line. A cell that was
 * injected before is replaced; without one tagged "parameters" the cell is the first. Cells get an
 * id if the notebook (`root`, changed) is of nbformat 4.5 or newer. */
void parameters_inject(json_t *root, const json_t *parameters);

#endif
