#include "sign.h"
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 2 * SIGN_REMEMBERED, DIGEST_MAX = SIGN_HEX_MAX / 2 };

_Static_assert(crypto_auth_hmacsha512_BYTES == DIGEST_MAX, "the longest signature");

static const struct scheme {
    const char *name;
    size_t size;
} schemes[] = {
#define X(name, text, size) {text, size},
    SIGN_SCHEME_LIST(X)
#undef X
};

bool sign_scheme_find(const char *name, enum sign_scheme *scheme)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (strcmp(schemes[i].name, name) == 0) {
            *scheme = (enum sign_scheme)i;
            return true;
        }
    }
    return false;
}

void signer_init(struct signer *s, enum sign_scheme scheme, const char *key, size_t key_size)
{
    const unsigned char *bytes = (const unsigned char *)key;
    *s = (struct signer){.scheme = scheme, .active = key_size > 0};
    if (scheme == SIGN_SHA256)
        crypto_auth_hmacsha256_init(&s->keyed.sha256, bytes, key_size);
    else
        crypto_auth_hmacsha512_init(&s->keyed.sha512, bytes, key_size);
}

void signer_release(struct signer *s)
{
    sodium_memzero(&s->keyed, sizeof s->keyed);
    free(s->ring);
    free(s->slots);
    *s = (struct signer){0};
}

bool signer_is_active(const struct signer *s)
{
    return s->active;
}

static void digest_sha256(const struct signer *s, const struct bytes *parts, size_t count,
                          unsigned char out[DIGEST_MAX])
{
    crypto_auth_hmacsha256_state state = s->keyed.sha256;
    for (size_t i = 0; i < count; i++)
        crypto_auth_hmacsha256_update(&state, (const unsigned char *)parts[i].data, parts[i].size);
    crypto_auth_hmacsha256_final(&state, out);
    sodium_memzero(&state, sizeof state);
}

static void digest_sha512(const struct signer *s, const struct bytes *parts, size_t count,
                          unsigned char out[DIGEST_MAX])
{
    crypto_auth_hmacsha512_state state = s->keyed.sha512;
    for (size_t i = 0; i < count; i++)
        crypto_auth_hmacsha512_update(&state, (const unsigned char *)parts[i].data, parts[i].size);
    crypto_auth_hmacsha512_final(&state, out);
    sodium_memzero(&state, sizeof state);
}

/* Returns the number of bytes. */
static size_t digest(const struct signer *s, const struct bytes *parts, size_t count,
                     unsigned char out[DIGEST_MAX])
{
    if (s->scheme == SIGN_SHA256)
        digest_sha256(s, parts, count, out);
    else
        digest_sha512(s, parts, count, out);
    return schemes[s->scheme].size;
}

void signer_sign(const struct signer *s, const struct bytes *parts, size_t count,
                 char hex[SIGN_HEX_MAX + 1])
{
    unsigned char out[DIGEST_MAX];
    hex[0] = '\0';
    if (s->active)
        sodium_bin2hex(hex, SIGN_HEX_MAX + 1, out, digest(s, parts, count, out));
}

/* Signatures are uniformly distributed already, so their own bits are the hash. */
static size_t home_slot(uint64_t mark)
{
    return mark % SLOTS;
}

/* The slot that holds `mark`, or the empty one where it belongs. */
static size_t find_slot(const struct signer *s, uint64_t mark)
{
    size_t i = home_slot(mark);
    while (s->slots[i] && s->ring[s->slots[i] - 1] != mark)
        i = (i + 1) % SLOTS;
    return i;
}

/* Deletion in linear probing without marks: later entries move up (Knuth, TAOCP 3, 6.4, algorithm
 * R). */
static void forget(struct signer *s, uint64_t mark)
{
    size_t hole = find_slot(s, mark);
    for (size_t i = (hole + 1) % SLOTS; s->slots[i]; i = (i + 1) % SLOTS) {
        size_t home = home_slot(s->ring[s->slots[i] - 1]);
        bool stays = hole < i ? home > hole && home <= i : home > hole || home <= i;
        if (!stays) {
            s->slots[hole] = s->slots[i];
            hole = i;
        }
    }
    s->slots[hole] = 0;
}

/* False if `mark` is remembered already. */
static bool remember(struct signer *s, uint64_t mark)
{
    if (!s->ring) {
        s->ring = memory_new(SIGN_REMEMBERED * sizeof *s->ring);
        s->slots = memory_new(SLOTS * sizeof *s->slots);
    }
    if (s->slots[find_slot(s, mark)])
        return false;
    if (s->used == SIGN_REMEMBERED)
        forget(s, s->ring[s->next]);
    else
        s->used++;
    s->ring[s->next] = mark;
    s->slots[find_slot(s, mark)] = (uint32_t)s->next + 1;
    s->next = (s->next + 1) % SIGN_REMEMBERED;
    return true;
}

enum sign_verdict signer_verify(struct signer *s, const struct bytes *parts, size_t count,
                                struct bytes signature)
{
    unsigned char out[DIGEST_MAX];
    char hex[SIGN_HEX_MAX + 1];
    uint64_t mark;
    if (!s->active)
        return SIGN_GOOD;
    if (signature.size != 2 * schemes[s->scheme].size)
        return SIGN_WRONG;
    sodium_bin2hex(hex, sizeof hex, out, digest(s, parts, count, out));
    if (sodium_memcmp(hex, signature.data, signature.size) != 0)
        return SIGN_WRONG;
    memcpy(&mark, out, sizeof mark);
    return remember(s, mark) ? SIGN_GOOD : SIGN_REPLAYED;
}
