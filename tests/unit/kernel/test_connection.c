#include "connection.h"
#include "json.h"
#include "suite.h"
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
        {"{\"curve_publickey\":\"x\"}", "encryption"},
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
    ck_assert_int_eq(connection_write(&c, &problem), 0);
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
                                  an_ipc_address_is_a_path_and_a_number,
                                  what_cannot_be_served_is_refused_with_a_reason,
                                  chosen_ports_are_written_back_and_unknown_fields_kept,
                                  a_file_that_is_not_there_is_a_reason,
                                  NULL};
    return run_tests("connection", tests);
}
