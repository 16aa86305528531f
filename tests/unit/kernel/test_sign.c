#include "sign.h"
#include "suite.h"
#include <sodium.h>
#include <string.h>

/* RFC 4231, section 4: key, data, HMAC-SHA-256, HMAC-SHA-512. Keys and data that repeat one byte
 * are given as byte and count. */
static const struct vector {
    const char *key;
    int key_size;
    const char *data;
    int data_size;
    const char *digests[2];
} vectors[] = {
    {"\x0b",
     20,
     "Hi There",
     0,
     {"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
      "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3"
      "f4e4be9d914eeb61f1702e696c203a126854"}},
    {"Jefe",
     0,
     "what do ya want for nothing?",
     0,
     {"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0"
      "e6fdcaeab1a34d4a6b4b636e070a38bce737"}},
    {"\xaa",
     20,
     "\xdd",
     50,
     {"773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
      "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a47e67"
      "c807b946a337bee8942674278859e13292fb"}},
    {"\xaa",
     131,
     "Test Using Larger Than Block-Size Key - Hash Key First",
     0,
     {"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
      "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a"
      "1e5295e64f73f63f0aec8b915a985d786598"}},
    {"\xaa",
     131,
     "This is a test using a larger than block-size key and a larger than block-size data. The key "
     "needs to be "
     "hashed before being used by the HMAC algorithm.",
     0,
     {"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
      "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944b6022cac3c4982b10d5eeb55c3e4"
      "de15134676fb6de0446065c97440fa8c6a58"}},
};

static struct buffer expand(const char *text, int count)
{
    struct buffer b = BUFFER_INIT;
    for (int i = 0; i < count; i++)
        buffer_add_char(&b, text[0]);
    if (!count)
        buffer_add_text(&b, text);
    return b;
}

START_TEST(signatures_are_those_of_rfc_4231_however_the_data_is_cut)
{
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct buffer key = expand(vectors[i].key, vectors[i].key_size);
        struct buffer data = expand(vectors[i].data, vectors[i].data_size);
        for (int scheme = SIGN_SHA256; scheme <= SIGN_SHA512; scheme++) {
            struct signer s;
            char hex[SIGN_HEX_MAX + 1];
            signer_init(&s, scheme, key.data, key.size);
            for (size_t cut = 0; cut <= data.size; cut += 3) {
                const struct bytes parts[SIGN_PARTS] = {{data.data, cut},
                                                        {data.data + cut, 0},
                                                        {data.data + cut, data.size - cut},
                                                        {"", 0}};
                signer_sign(&s, parts, SIGN_PARTS, hex);
                ck_assert_str_eq(hex, vectors[i].digests[scheme]);
            }
            signer_release(&s);
        }
        buffer_release(&key);
        buffer_release(&data);
    }
}
END_TEST

static const struct bytes message[SIGN_PARTS] = {{"{}", 2}, {"{}", 2}, {"{}", 2}, {"{\"a\":1}", 7}};

/* Signs `message` with a new signer. */
static struct bytes sign_with(struct signer *s, enum sign_scheme scheme, char hex[SIGN_HEX_MAX + 1])
{
    signer_init(s, scheme, "key", 3);
    signer_sign(s, message, SIGN_PARTS, hex);
    return (struct bytes){hex, strlen(hex)};
}

START_TEST(a_signature_is_good_once)
{
    for (int scheme = SIGN_SHA256; scheme <= SIGN_SHA512; scheme++) {
        struct signer s;
        char hex[SIGN_HEX_MAX + 1];
        struct bytes signature = sign_with(&s, scheme, hex);
        ck_assert_uint_eq(signature.size, scheme == SIGN_SHA256 ? 64 : 128);
        ck_assert_int_eq(signer_verify(&s, message, SIGN_PARTS, signature), SIGN_GOOD);
        ck_assert_int_eq(signer_verify(&s, message, SIGN_PARTS, signature), SIGN_REPLAYED);
        signer_release(&s);
    }
}
END_TEST

START_TEST(any_other_signature_is_wrong)
{
    for (int scheme = SIGN_SHA256; scheme <= SIGN_SHA512; scheme++) {
        struct signer s;
        char hex[SIGN_HEX_MAX + 1];
        struct bytes given = sign_with(&s, scheme, hex);
        for (size_t size = 0; size < given.size; size++)
            ck_assert_int_eq(signer_verify(&s, message, SIGN_PARTS, (struct bytes){hex, size}),
                             SIGN_WRONG);
        for (size_t i = 0; i < given.size; i += 9) {
            char right = hex[i];
            hex[i] = right == '0' ? '1' : '0';
            ck_assert_int_eq(signer_verify(&s, message, SIGN_PARTS, given), SIGN_WRONG);
            hex[i] = right;
        }
        signer_release(&s);
    }
}
END_TEST

START_TEST(a_signer_keeps_no_copy_of_the_key)
{
    static const char key[] = "a-key-that-is-as-long-as-those-that-front-ends-make";
    struct signer s;
    signer_init(&s, SIGN_SHA256, key, sizeof key - 1);
    ck_assert_ptr_null(memmem(&s, sizeof s, key, 8));
    signer_release(&s);
    const struct signer empty = {0};
    ck_assert_int_eq(memcmp(&s.keyed, &empty.keyed, sizeof s.keyed), 0);
}
END_TEST

START_TEST(schemes_have_the_names_of_connection_files)
{
    enum sign_scheme scheme;
    ck_assert(sign_scheme_find("hmac-sha256", &scheme) && scheme == SIGN_SHA256);
    ck_assert(sign_scheme_find("hmac-sha512", &scheme) && scheme == SIGN_SHA512);
    ck_assert(!sign_scheme_find("hmac-md5", &scheme));
    ck_assert(!sign_scheme_find("", &scheme));
}
END_TEST

START_TEST(without_a_key_nothing_is_signed_or_checked)
{
    struct signer s;
    char hex[SIGN_HEX_MAX + 1] = "x";
    signer_init(&s, SIGN_SHA256, "", 0);
    signer_sign(&s, message, SIGN_PARTS, hex);
    ck_assert_str_eq(hex, "");
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(signer_verify(&s, message, SIGN_PARTS, (struct bytes){"whatever", 8}),
                         SIGN_GOOD);
    signer_release(&s);
}
END_TEST

static enum sign_verdict verify_number(struct signer *s, int number)
{
    char text[16], hex[SIGN_HEX_MAX + 1];
    snprintf(text, sizeof text, "%d", number);
    const struct bytes parts[SIGN_PARTS] = {{text, strlen(text)}, {"", 0}, {"", 0}, {"", 0}};
    signer_sign(s, parts, SIGN_PARTS, hex);
    return signer_verify(s, parts, SIGN_PARTS, (struct bytes){hex, strlen(hex)});
}

START_TEST(the_last_65536_signatures_are_remembered_and_older_ones_forgotten)
{
    struct signer s;
    enum { EXTRA = 5000 };
    signer_init(&s, SIGN_SHA256, "k", 1);
    for (int i = 0; i < SIGN_REMEMBERED + EXTRA; i++)
        ck_assert_int_eq(verify_number(&s, i), SIGN_GOOD);
    for (int i = EXTRA; i < SIGN_REMEMBERED + EXTRA; i += 101)
        ck_assert_int_eq(verify_number(&s, i), SIGN_REPLAYED);
    for (int i = 0; i < EXTRA; i += 7)
        ck_assert_int_eq(verify_number(&s, i), SIGN_GOOD);
    signer_release(&s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {signatures_are_those_of_rfc_4231_however_the_data_is_cut,
                                  a_signature_is_good_once,
                                  any_other_signature_is_wrong,
                                  a_signer_keeps_no_copy_of_the_key,
                                  schemes_have_the_names_of_connection_files,
                                  without_a_key_nothing_is_signed_or_checked,
                                  the_last_65536_signatures_are_remembered_and_older_ones_forgotten,
                                  NULL};
    return sodium_init() < 0 ? EXIT_FAILURE : run_tests("sign", tests);
}
