#include "dap.h"
#include "json.h"
#include "suite.h"
#include <stdio.h>
#include <string.h>

static struct buffer bytes(const char *text)
{
    struct buffer b = BUFFER_INIT;
    buffer_add_text(&b, text);
    return b;
}

static json_int_t seq_of(json_t *message)
{
    json_int_t number = json_member_integer(message, "seq", -1);
    json_decref(message);
    return number;
}

START_TEST(a_message_reads_back_as_it_was_written)
{
    struct buffer wire = BUFFER_INIT;
    json_t *message = json_pack("{s:i, s:s}", "seq", 7, "text", "ışık\r\n\r\n"), *read;
    dap_add(&wire, message);
    dap_add(&wire, message);
    ck_assert_int_eq(strncmp(wire.data, "Content-Length: ", 16), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(dap_take(&wire, &read), 1);
        ck_assert(json_equal(message, read));
        json_decref(read);
    }
    ck_assert_int_eq(dap_take(&wire, &read), 0);
    ck_assert_uint_eq(wire.size, 0);
    json_decref(message);
    buffer_release(&wire);
}
END_TEST

START_TEST(a_message_may_arrive_byte_by_byte)
{
    const char text[] = "Content-Length: 9\r\n\r\n{\"seq\":1}Content-Length: 9\r\n\r\n{\"seq\":2}";
    struct buffer in = BUFFER_INIT;
    json_t *message;
    json_int_t found = 0;
    for (size_t i = 0; i < sizeof text - 1; i++) {
        buffer_add_char(&in, text[i]);
        int rc = dap_take(&in, &message);
        ck_assert_int_ge(rc, 0);
        if (rc)
            ck_assert_int_eq(seq_of(message), ++found);
    }
    ck_assert_int_eq(found, 2);
    buffer_release(&in);
}
END_TEST

START_TEST(other_fields_of_the_head_do_not_matter)
{
    struct buffer in = bytes("Content-Type: x\r\ncontent-length:9\r\nMore: 5\r\n\r\n{\"seq\":3}");
    json_t *message;
    ck_assert_int_eq(dap_take(&in, &message), 1);
    ck_assert_int_eq(seq_of(message), 3);
    buffer_release(&in);
}
END_TEST

START_TEST(what_is_no_message_is_refused)
{
    static const char *const texts[] = {
        "Content-Length: -1\r\n\r\n{}",
        "Content-Length: many\r\n\r\n{}",
        "Content-Length: 2x\r\n\r\n{}",
        "Content-Length: 99999999999999999999\r\n\r\n{}",
        "Length: 2\r\n\r\n{}",
        "Content-Length: 2\r\n\r\n[}",
        "\r\n\r\n",
    };
    json_t *message;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buffer in = bytes(texts[i]);
        ck_assert_msg(dap_take(&in, &message) == -1, "%s", texts[i]);
        ck_assert_ptr_null(message);
        buffer_release(&in);
    }
    struct buffer in = BUFFER_INIT;
    for (int i = 0; i < 5000; i++)
        buffer_add_char(&in, 'a');
    ck_assert_int_eq(dap_take(&in, &message), -1);
    buffer_release(&in);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_message_reads_back_as_it_was_written, a_message_may_arrive_byte_by_byte,
        other_fields_of_the_head_do_not_matter, what_is_no_message_is_refused, NULL};
    return run_tests("dap", tests);
}
