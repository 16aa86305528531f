#include "connection.h"
#include "json.h"
#include "suite.h"
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char whole[] = "{\"transport\":\"tcp\",\"ip\":\"127.0.0.1\",\"shell_port\":5001,"
                            "\"iopub_port\":\"5002\",\"stdin_port\":5003,"
                            "\"control_port\":5004,\"hb_port\":5005,\"key\":\"abc\",\"signature_"
                            "scheme\":\"hmac-sha256\",\"mine\":[1]}";

static int parse(struct connection *c, const char *text, struct buffer *problem)
{
    return connection_parse(c, text, strlen(text), problem);
}

START_TEST(ports_may_be_numbers_or_texts)
{
    struct connection c;
    struct buffer problem = BUFFER_INIT, address = BUFFER_INIT;
    ck_assert_int_eq(parse(&c, whole, &problem), 0);
    ck_assert_int_eq(c.ports[CHANNEL_SHELL], 5001);
    ck_assert_int_eq(c.ports[CHANNEL_IOPUB], 5002);
    ck_assert_int_eq(c.ports[CHANNEL_HB], 5005);
    ck_assert_str_eq(c.key, "abc");
    ck_assert_uint_eq(c.key_size, 3);
    connection_address(&c, CHANNEL_STDIN, &address);
    ck_assert_str_eq(address.data, "tcp://127.0.0.1:5003");
    buffer_release(&address);
    connection_release(&c);
}
END_TEST

START_TEST(what_is_missing_has_a_default)
{
    struct connection c;
    struct buffer problem = BUFFER_INIT, address = BUFFER_INIT;
    ck_assert_int_eq(parse(&c, "{\"key\":null,\"ip\":\"*\"}", &problem), 0);
    ck_assert_uint_eq(c.key_size, 0);
    connection_address(&c, CHANNEL_SHELL, &address);
    ck_assert_str_eq(address.data, "tcp://0.0.0.0:*");
    buffer_release(&address);
    connection_release(&c);
}
END_TEST

START_TEST(a_key_may_begin_with_nul)
{
    struct connection c;
    struct buffer problem = BUFFER_INIT;
    ck_assert_int_eq(parse(&c, "{\"key\":\"\\u0000k\"}", &problem), 0);
    ck_assert_uint_eq(c.key_size, 2);
    ck_assert(c.is_signed);
    connection_release(&c);
}
END_TEST

START_TEST(an_ipc_address_is_a_path_and_a_number)
{
    struct connection c;
    struct buffer problem = BUFFER_INIT, address = BUFFER_INIT;
    ck_assert_int_eq(parse(&c, "{\"transport\":\"ipc\",\"ip\":\"/tmp/k\",\"hb_port\":3}", &problem),
                     0);
    connection_address(&c, CHANNEL_HB, &address);
    ck_assert_str_eq(address.data, "ipc:///tmp/k-3");
    buffer_release(&address);
    connection_release(&c);
}
END_TEST

START_TEST(what_cannot_be_served_is_refused_with_a_reason)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"", "not JSON"},
        {"{\"a\":", "not JSON"},
        {"[1]", "not a JSON object"},
        {"{\"shell_port\":70000}", "shell_port is not a port"},
        {"{\"shell_port\":-1}", "shell_port is not a port"},
        {"{\"hb_port\":\"12x\"}", "hb_port is not a port"},
        {"{\"hb_port\":\"\"}", "hb_port is not a port"},
        {"{\"iopub_port\":1.5}", "iopub_port is not a port"},
        {"{\"transport\":\"udp\"}", "transport \"udp\""},
        {"{\"key\":\"k\",\"signature_scheme\":\"hmac-md5\"}", "signature_scheme \"hmac-md5\""},
        {"{\"key\":5}", "key is not a text"},
        {"{\"transport\":\"a\\nb\"}", "transport \"a\\nb\" is not"},
        {"{\"key\":\"k\",\"signature_scheme\":\"\\u0007\\n\"}", "\\u0007\\n"},
        {"{\"ip\":\"a\\u0000b\"}", "ip is not a text"},
        {"{\"kernel_id\":\"\\u0000\"}", "kernel_id is not a text"},
        {"{\"key\":\"k\",\"signature_scheme\":\"\"}", "signature_scheme \"\""},
        {"{\"curve_publickey\":\"x\"}", "curve_secretkey is missing"},
        {"{\"curve_secretkey\":\"x\"}", "curve_publickey is missing"},
        {"{\"curve_publickey\":\"x\",\"curve_secretkey\":\"x\"}", "40 characters"},
        {"{\"curve_publickey\":1}", "curve_publickey is not a text"},
        {"{\"registration_port\":1}", "registration_ip is missing"},
        {"{\"registration_ip\":\"127.0.0.1\"}", "registration_port is missing"},
        {"{\"registration_port\":\"x\"}", "registration_port is not a port"},
        {"{\"transport\":\"ipc\",\"ip\":\"@name\"}", "abstract"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct connection c;
        struct buffer problem = BUFFER_INIT;
        ck_assert_int_eq(parse(&c, cases[i].text, &problem), -1);
        ck_assert_msg(strstr(buffer_text(&problem), cases[i].reason) != NULL, "%s: %s",
                      cases[i].text, buffer_text(&problem));
        buffer_release(&problem);
        connection_release(&c);
    }
}
END_TEST

START_TEST(a_reason_has_no_word_of_the_key)
{
    static const char *const texts[] = {
        "{\"key\": \"secret",          "{\"key\": \"secret\n",         "{\"key\": secret}",
        "{\"key\" \"secret\"}",        "{\"key\": \"a\", \"secret\"}", "[\"secret\"]",
        "{\"key\": \"\\ud800secret\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct connection c;
        struct buffer problem = BUFFER_INIT;
        ck_assert_int_eq(parse(&c, texts[i], &problem), -1);
        ck_assert_msg(!strstr(buffer_text(&problem), "secret"), "%s", buffer_text(&problem));
        buffer_release(&problem);
        connection_release(&c);
    }
}
END_TEST

START_TEST(addresses_of_ipv6_come_in_brackets)
{
    struct buffer address = BUFFER_INIT;
    connection_endpoint(false, "::1", 80, &address);
    ck_assert_str_eq(address.data, "tcp://[::1]:80");
    buffer_clear(&address);
    connection_endpoint(false, "[::1]", 0, &address);
    ck_assert_str_eq(address.data, "tcp://[::1]:*");
    buffer_release(&address);
}
END_TEST

static void expect_warnings(const char *text, mode_t mode, const char *expected)
{
    struct connection c;
    struct buffer problem = BUFFER_INIT, lines = BUFFER_INIT;
    ck_assert_int_eq(parse(&c, text, &problem), 0);
    c.mode = mode;
    connection_warn(&c, &lines);
    if (*expected)
        ck_assert_msg(strstr(buffer_text(&lines), expected), "%s", buffer_text(&lines));
    else
        ck_assert_str_eq(buffer_text(&lines), "");
    buffer_release(&lines);
    connection_release(&c);
}

START_TEST(what_others_can_reach_is_said)
{
#define CURVE                                                                                      \
    ",\"curve_publickey\":\"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID\","                           \
    "\"curve_secretkey\":\"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs\"}"
    expect_warnings("{\"key\":\"k\"}", 0600, "");
    expect_warnings("{\"key\":\"k\"}", 0640, "chmod 600");
    expect_warnings("{\"key\":\"k\"}", 0604, "chmod 600");
    expect_warnings("{}", 0644, "has no key");
    expect_warnings("{\"transport\":\"ipc\"}", 0644, "");
    expect_warnings("{\"key\":\"k\",\"ip\":\"::1\"}", 0600, "");
    expect_warnings("{\"key\":\"k\",\"ip\":\"localhost\"}", 0600, "");
    expect_warnings("{\"key\":\"k\",\"ip\":\"*\"}", 0600, "listening on *");
    expect_warnings("{\"key\":\"k\",\"ip\":\"192.0.2.1\"}", 0600, "without encryption");
    expect_warnings("{\"key\":\"k\",\"ip\":\"*\"" CURVE, 0600, "");
    expect_warnings("{\"ip\":\"*\"" CURVE, 0600, "");
    expect_warnings("{\"ip\":\"*\"" CURVE, 0644, "chmod 600");
}
END_TEST

START_TEST(what_was_forgotten_is_gone_and_the_rest_stays)
{
    struct connection c;
    struct buffer problem = BUFFER_INIT, address = BUFFER_INIT;
    ck_assert_int_eq(parse(&c, whole, &problem), 0);
    connection_forget(&c);
    ck_assert_ptr_null(c.key);
    ck_assert_ptr_null(c.file);
    connection_address(&c, CHANNEL_SHELL, &address);
    ck_assert_str_eq(address.data, "tcp://127.0.0.1:5001");
    buffer_release(&address);
    connection_release(&c);
}
END_TEST

START_TEST(chosen_ports_are_written_back_and_unknown_fields_kept)
{
    struct connection c;
    struct buffer problem = BUFFER_INIT;
    struct stat state;
    char path[] = "/tmp/connection-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_eq(write(fd, whole, sizeof whole - 1), sizeof whole - 1);
    close(fd);
    ck_assert_int_eq(connection_read(&c, path, &problem), 0);
    connection_set_port(&c, CHANNEL_CONTROL, 6004);
    ck_assert(c.chosen);
    mode_t old = umask(0777); /* the mode does not depend on it */
    ck_assert_int_eq(connection_write(&c, &problem), 0);
    umask(old);
    connection_release(&c);
    ck_assert_int_eq(connection_read(&c, path, &problem), 0);
    ck_assert_int_eq(c.ports[CHANNEL_CONTROL], 6004);
    ck_assert_int_eq(c.ports[CHANNEL_SHELL], 5001);
    ck_assert_uint_eq(json_array_size(json_object_get(c.file, "mine")), 1);
    ck_assert_int_eq(stat(path, &state), 0);
    ck_assert_int_eq(state.st_mode & 0777, 0600);
    connection_release(&c);
    unlink(path);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_a_reason)
{
    struct connection c;
    struct buffer problem = BUFFER_INIT;
    ck_assert_int_eq(connection_read(&c, "/nowhere/at/all", &problem), -1);
    ck_assert_str_eq(buffer_text(&problem), "No such file or directory");
    buffer_release(&problem);
    connection_release(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {ports_may_be_numbers_or_texts,
                                  what_is_missing_has_a_default,
                                  a_key_may_begin_with_nul,
                                  an_ipc_address_is_a_path_and_a_number,
                                  what_cannot_be_served_is_refused_with_a_reason,
                                  chosen_ports_are_written_back_and_unknown_fields_kept,
                                  a_file_that_is_not_there_is_a_reason,
                                  a_reason_has_no_word_of_the_key,
                                  addresses_of_ipv6_come_in_brackets,
                                  what_others_can_reach_is_said,
                                  what_was_forgotten_is_gone_and_the_rest_stays,
                                  NULL};
    return sodium_init() < 0 ? EXIT_FAILURE : run_tests("connection", tests);
}
