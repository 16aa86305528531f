/* Message signatures: HMAC-SHA256 or HMAC-SHA512 (RFC 2104, FIPS 180-4, by libsodium), and memory
 * of those already used. */
#ifndef KERNEL_SIGN_H
#define KERNEL_SIGN_H

#include "buffer.h"
#include <sodium.h>
#include <stdint.h>

/* Names as in connection files, and the bytes of a signature. */
#define SIGN_SCHEME_LIST(X) X(SHA256, "hmac-sha256", 32) X(SHA512, "hmac-sha512", 64)

enum sign_scheme {
#define X(name, text, size) SIGN_##name,
    SIGN_SCHEME_LIST(X)
#undef X
};

enum {
    SIGN_HEX_MAX = 128,      /* characters of a signature: 64 or 128 */
    SIGN_PARTS = 4,          /* header, parent header, metadata, content */
    SIGN_REMEMBERED = 65536, /* signatures that are refused when they come again */
};

struct bytes {
    const char *data;
    size_t size;
};

struct signer {
    enum sign_scheme scheme;
    bool active; /* false: messages are not signed */
    /* the computation after the key was read, which every signature begins with: the key itself is
     * not kept */
    union {
        crypto_auth_hmacsha256_state sha256;
        crypto_auth_hmacsha512_state sha512;
    } keyed;
    uint64_t *ring;  /* first 8 bytes of the last SIGN_REMEMBERED signatures; NULL until one was
                        verified */
    uint32_t *slots; /* hash table: ring index + 1, 0 empty, linear probing */
    size_t next, used;
};

/* The scheme of that name in *scheme; false if there is none. */
bool sign_scheme_find(const char *name, enum sign_scheme *scheme);

/* A key of any length; an empty one: not active. release wipes what came from the key. */
void signer_init(struct signer *s, enum sign_scheme scheme, const char *key, size_t key_size);
void signer_release(struct signer *s);
bool signer_is_active(const struct signer *s);

/* The signature of the parts, one after the other, in lower-case hex with a NUL; "" when not
 * active. */
void signer_sign(const struct signer *s, const struct bytes *parts, size_t count,
                 char hex[SIGN_HEX_MAX + 1]);

enum sign_verdict { SIGN_GOOD, SIGN_WRONG, SIGN_REPLAYED };

/* Compares in constant time, then looks whether this very message came before. Always good when not
 * active. */
enum sign_verdict signer_verify(struct signer *s, const struct bytes *parts, size_t count,
                                struct bytes signature);

#endif
