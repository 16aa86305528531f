/* JSON text as notebook files hold it: indented by one space a level, UTF-8 unescaped, the order of
 * keys kept. A notebook that is only read and written does not change.
 *
 * Numbers do not depend on the locale. jansson's own reals do not serve: they have 17 digits, so
 * that 0.1 comes back as 0.10000000000000001.
 */
#ifndef KERNEL_JSON_WRITE_H
#define KERNEL_JSON_WRITE_H

#include "buffer.h"
#include <jansson.h>

/* Long enough for any double in the form of json_real_text, with its final NUL. */
enum { JSON_REAL_BYTES = 40 };

/* Appends `value`, without a line end after it. A real that JSON cannot express becomes null. */
void json_write(struct buffer *out, const json_t *value);

/* Writes into `text` the shortest decimal form of `number` that reads back as the same double: a
 * point or an exponent always, the exponent below 1e-4 and from 1e16 on. `number` must be finite.
 */
void json_real_text(double number, char text[JSON_REAL_BYTES]);

/* Makes the calling thread format and read numbers as the C locale does, whatever the user has set;
 * returns what json_locale_leave wants back. May be nested. */
void *json_locale_enter(void);
void json_locale_leave(void *previous);

#endif
