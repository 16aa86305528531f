/* JSON text as notebook files hold it: indented by one space a level, UTF-8 unescaped, the order of keys kept.
 *
 * jansson's own writer is not used for files because its reals have 17 digits (0.1 comes back as
 * 0.10000000000000001) and its escapes are upper case; a notebook that was only read and written would change.
 * Numbers do not depend on the locale. */

#ifndef MESALE_JSON_WRITE_H
#define MESALE_JSON_WRITE_H

#include <jansson.h>
#include <stdio.h>

/* Long enough for any double in the form of json_real_text(), with its final NUL. */
enum { JSON_REAL_BYTES = 40 };

/* Writes value (borrowed) to file. Returns 0, or -1 when the file reports an error or the value is nested deeper
 * than a JSON text may be (2048 levels). A real that JSON cannot express is written as null. */
int json_write(const json_t *value, FILE *file);

/* Writes into text the shortest decimal form of number that reads back as the same double: a point or an exponent
 * always, the exponent below 1e-4 and from 1e16 on. number must be finite. */
void json_real_text(double number, char text[JSON_REAL_BYTES]);

/* Makes the calling thread format and read numbers as the C locale does, whatever the user has set; returns what
 * json_locale_leave() wants back. May be nested. */
void *json_locale_enter(void);
void json_locale_leave(void *previous);

#endif
