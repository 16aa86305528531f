/* Message signatures: HMAC-SHA256 (RFC 2104, FIPS 180-4, by libsodium), and memory of those already
 * used. */
#ifndef KERNEL_SIGN_H
#define KERNEL_SIGN_H

#include "buffer.h"
#include <stdint.h>

enum {
    SIGN_HEX_SIZE = 64,      /* characters of a signature */
    SIGN_PARTS = 4,          /* header, parent header, metadata, content */
    SIGN_REMEMBERED = 65536, /* signatures that are refused when they come again */
};

struct bytes {
    const char *data;
    size_t size;
};

struct signer {
    char *key; /* any length; empty: messages are not signed */
    size_t key_size;
    uint64_t *ring;  /* first 8 bytes of the last SIGN_REMEMBERED signatures; NULL until one was
                        verified */
    uint32_t *slots; /* hash table: ring index + 1, 0 empty, linear probing */
    size_t next, used;
};

/* Copies the key. release forgets everything. */
void signer_init(struct signer *s, const char *key, size_t key_size);
void signer_release(struct signer *s);
bool signer_is_active(const struct signer *s);

/* The signature of the parts in lower-case hex, with a NUL; "" when not active. */
void signer_sign(const struct signer *s, const struct bytes parts[SIGN_PARTS],
                 char hex[SIGN_HEX_SIZE + 1]);

enum sign_verdict { SIGN_GOOD, SIGN_WRONG, SIGN_REPLAYED };

/* Compares in constant time, then looks whether this very message came before. Always good when not
 * active. */
enum sign_verdict signer_verify(struct signer *s, const struct bytes parts[SIGN_PARTS],
                                struct bytes signature);

#endif
