#include "sign.h"
#include "suite.h"
#include <sodium.h>
#include <string.h>

/* RFC 4231, section 4: key, data, HMAC-SHA-256. Keys and data that repeat one byte are given as
 * byte and count. */
static const struct vector {
    const char *key;
    int key_size;
    const char *data;
    int data_size;
    const char *digest;
} vectors[] = {
    {"\x0b", 20, "Hi There", 0, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"Jefe", 0, "what do ya want for nothing?", 0,
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"\xaa", 20, "\xdd", 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {"\xaa", 131, "Test Using Larger Than Block-Size Key - Hash Key First", 0,
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {"\xaa", 131,
     "This is a test using a larger than block-size key and a larger than block-size data. The key "
     "needs to be "
     "hashed before being used by the HMAC algorithm.",
     0, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
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
        struct signer s;
        char hex[SIGN_HEX_SIZE + 1];
        signer_init(&s, key.data, key.size);
        for (size_t cut = 0; cut <= data.size; cut += 3) {
            const struct bytes parts[SIGN_PARTS] = {{data.data, cut},
                                                    {data.data + cut, 0},
                                                    {data.data + cut, data.size - cut},
                                                    {"", 0}};
            signer_sign(&s, parts, hex);
            ck_assert_str_eq(hex, vectors[i].digest);
        }
        signer_release(&s);
        buffer_release(&key);
        buffer_release(&data);
    }
}
END_TEST

static const struct bytes message[SIGN_PARTS] = {{"{}", 2}, {"{}", 2}, {"{}", 2}, {"{\"a\":1}", 7}};

START_TEST(a_signature_is_good_once)
{
    struct signer s;
    char hex[SIGN_HEX_SIZE + 1];
    signer_init(&s, "key", 3);
    signer_sign(&s, message, hex);
    ck_assert_int_eq(signer_verify(&s, message, (struct bytes){hex, SIGN_HEX_SIZE}), SIGN_GOOD);
    ck_assert_int_eq(signer_verify(&s, message, (struct bytes){hex, SIGN_HEX_SIZE}), SIGN_REPLAYED);
    signer_release(&s);
}
END_TEST

START_TEST(any_other_signature_is_wrong)
{
    struct signer s;
    char hex[SIGN_HEX_SIZE + 1];
    signer_init(&s, "key", 3);
    signer_sign(&s, message, hex);
    ck_assert_int_eq(signer_verify(&s, message, (struct bytes){hex, SIGN_HEX_SIZE - 1}),
                     SIGN_WRONG);
    ck_assert_int_eq(signer_verify(&s, message, (struct bytes){"", 0}), SIGN_WRONG);
    for (int i = 0; i < SIGN_HEX_SIZE; i += 9) {
        char changed = hex[i];
        hex[i] = changed == '0' ? '1' : '0';
        ck_assert_int_eq(signer_verify(&s, message, (struct bytes){hex, SIGN_HEX_SIZE}),
                         SIGN_WRONG);
        hex[i] = changed;
    }
    signer_release(&s);
}
END_TEST

START_TEST(without_a_key_nothing_is_signed_or_checked)
{
    struct signer s;
    char hex[SIGN_HEX_SIZE + 1] = "x";
    signer_init(&s, "", 0);
    signer_sign(&s, message, hex);
    ck_assert_str_eq(hex, "");
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(signer_verify(&s, message, (struct bytes){"whatever", 8}), SIGN_GOOD);
    signer_release(&s);
}
END_TEST

static enum sign_verdict verify_number(struct signer *s, int number)
{
    char text[16], hex[SIGN_HEX_SIZE + 1];
    snprintf(text, sizeof text, "%d", number);
    const struct bytes parts[SIGN_PARTS] = {{text, strlen(text)}, {"", 0}, {"", 0}, {"", 0}};
    signer_sign(s, parts, hex);
    return signer_verify(s, parts, (struct bytes){hex, SIGN_HEX_SIZE});
}

START_TEST(the_last_65536_signatures_are_remembered_and_older_ones_forgotten)
{
    struct signer s;
    enum { EXTRA = 5000 };
    signer_init(&s, "k", 1);
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
                                  without_a_key_nothing_is_signed_or_checked,
                                  the_last_65536_signatures_are_remembered_and_older_ones_forgotten,
                                  NULL};
    return sodium_init() < 0 ? EXIT_FAILURE : run_tests("sign", tests);
}
