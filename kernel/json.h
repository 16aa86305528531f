/* JSON messages ↔ jansson values, independent of the locale. (json_write.h has the indented form of
 * files.)
 *
 * The text written is UTF-8 without escapes that are not needed. Numbers always have a decimal
 * point, reals are the shortest text that reads back as the same double; NaN and infinities, which
 * JSON lacks, become null.
 */
#ifndef KERNEL_JSON_H
#define KERNEL_JSON_H

#include "buffer.h"
#include <jansson.h>

/* The value of a text of `size` bytes, a new reference; NULL if it is not JSON or nested deeper
 * than 2048. Duplicate keys: the last wins. `error` may be NULL. Any thread. */
json_t *json_parse(const char *text, size_t size, json_error_t *error);

/* Appends `value` as compact text, members in the order of insertion. */
void json_add(struct buffer *out, const json_t *value);

/* Appends `size` bytes as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void json_add_text(struct buffer *out, const char *text, size_t size);

/* A new JSON string of any bytes (see json_add_text). */
json_t *json_text(const char *text, size_t size);

/* Members with a default: a missing member, null, or one of another type gives the default.
 * Borrowed. */
const char *json_member_text(const json_t *object, const char *key, const char *missing);
bool json_member_bool(const json_t *object, const char *key, bool missing);
json_int_t json_member_integer(const json_t *object, const char *key, json_int_t missing);

#endif
