/* Inputs of the fuzzers as frames: a byte of flags, then frames that are separated by the byte 1E,
 * which JSON texts do not hold. */
#ifndef FUZZ_FRAMES_H
#define FUZZ_FRAMES_H

#include "wire.h"
#include <stdlib.h>
#include <string.h>

enum { FRAMES_MAX = 64, SEPARATOR = 0x1E };

enum frames_flags {
    FLAG_SIGNED = 1,  /* there is a key */
    FLAG_SHA512 = 2,  /* its scheme */
    FLAG_CORRECT = 4, /* the signature is made to fit, so that parsing goes on */
};

/* Each frame in memory of its own size, so that reading beyond it is seen. Returns their number. */
static inline size_t frames_split(const unsigned char *data, size_t size,
                                  struct bytes list[FRAMES_MAX])
{
    size_t count = 0;
    const unsigned char *end = data + size;
    while (count < FRAMES_MAX) {
        const unsigned char *stop = memchr(data, SEPARATOR, (size_t)(end - data));
        size_t length = (size_t)((stop ? stop : end) - data);
        char *copy = malloc(length ? length : 1);
        memcpy(copy, data, length);
        list[count++] = (struct bytes){copy, length};
        if (!stop)
            break;
        data = stop + 1;
    }
    return count;
}

static inline void frames_free(struct bytes *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free((void *)list[i].data);
}

/* Puts the right signature in its place, if there is one. */
static inline void frames_sign(struct bytes *list, size_t count, const struct signer *signer)
{
    char hex[SIGN_HEX_MAX + 1];
    size_t at = wire_find_delimiter(list, count);
    if (at + 2 + SIGN_PARTS > count)
        return;
    signer_sign(signer, list + at + 2, SIGN_PARTS, hex);
    free((void *)list[at + 1].data);
    list[at + 1] = (struct bytes){strdup(hex), strlen(hex)};
}

#endif
