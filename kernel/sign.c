#include "sign.h"
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 2 * SIGN_REMEMBERED };

_Static_assert(2 * crypto_auth_hmacsha256_BYTES == SIGN_HEX_SIZE, "a signature is 32 bytes in hex");

void signer_init(struct signer *s, const char *key, size_t key_size)
{
    *s = (struct signer){.key = memory_new(key_size + 1), .key_size = key_size};
    memcpy(s->key, key, key_size);
}

void signer_release(struct signer *s)
{
    if (s->key)
        sodium_memzero(s->key, s->key_size);
    free(s->key);
    free(s->ring);
    free(s->slots);
    *s = (struct signer){0};
}

bool signer_is_active(const struct signer *s)
{
    return s->key_size > 0;
}

static void digest(const struct signer *s, const struct bytes parts[SIGN_PARTS],
                   unsigned char out[32])
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)s->key, s->key_size);
    for (int i = 0; i < SIGN_PARTS; i++)
        crypto_auth_hmacsha256_update(&state, (const unsigned char *)parts[i].data, parts[i].size);
    crypto_auth_hmacsha256_final(&state, out);
}

void signer_sign(const struct signer *s, const struct bytes parts[SIGN_PARTS],
                 char hex[SIGN_HEX_SIZE + 1])
{
    unsigned char out[32];
    hex[0] = '\0';
    if (!signer_is_active(s))
        return;
    digest(s, parts, out);
    sodium_bin2hex(hex, SIGN_HEX_SIZE + 1, out, sizeof out);
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

enum sign_verdict signer_verify(struct signer *s, const struct bytes parts[SIGN_PARTS],
                                struct bytes signature)
{
    unsigned char out[32];
    char hex[SIGN_HEX_SIZE + 1];
    uint64_t mark;
    if (!signer_is_active(s))
        return SIGN_GOOD;
    if (signature.size != SIGN_HEX_SIZE)
        return SIGN_WRONG;
    digest(s, parts, out);
    sodium_bin2hex(hex, sizeof hex, out, sizeof out);
    if (sodium_memcmp(hex, signature.data, SIGN_HEX_SIZE) != 0)
        return SIGN_WRONG;
    memcpy(&mark, out, sizeof mark);
    return remember(s, mark) ? SIGN_GOOD : SIGN_REPLAYED;
}
