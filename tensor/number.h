/* Numbers as text, whatever the locale: tr_TR has a decimal comma. For printing and for error
 * texts. */
#ifndef NUMBER_H
#define NUMBER_H

#include <locale.h>
#include "tensor.h"

/* A double as Python's repr prints it ("0.1", "1e+16", "nan"); `buffer` holds at least 32 bytes.
 * Returns `buffer`. */
TENSOR_API char *print_double(double value, char *buffer);
/* A double as a C++ stream prints it, six significant digits ("2", "0.5", "3e+38"); at least 32
 * bytes. */
TENSOR_API char *print_short(double value, char *buffer);

/* "nan", "inf" or "-inf" for a double that is one of them. */
const char *number_not_finite(double value);
/* Switches this thread to the C locale, for a row of snprintf, and returns what to give
 * number_locale_leave(). */
locale_t number_locale_enter(void);
void number_locale_leave(locale_t old);

#endif
