#include "buffer.h"
#include "suite.h"
#include <string.h>

START_TEST(an_empty_buffer_reads_as_an_empty_text)
{
    struct buffer b = BUFFER_INIT;
    ck_assert_str_eq(buffer_text(&b), "");
    char *text = buffer_detach(&b);
    ck_assert_str_eq(text, "");
    free(text);
    buffer_release(&b);
}
END_TEST

START_TEST(additions_of_any_size_are_kept_in_order)
{
    struct buffer b = BUFFER_INIT;
    size_t size = 0;
    for (int i = 0; i < 300; i++) {
        buffer_addf(&b, "%d,%s", i, i % 7 ? "" : "\n");
        buffer_add(&b, "a\0b", 3);
        buffer_add_char(&b, 'x');
        buffer_add_text(&b, "");
        size += (i > 99 ? 3 : i > 9 ? 2 : 1) + 1 + (i % 7 ? 0 : 1) + 4;
    }
    ck_assert_uint_eq(b.size, size);
    ck_assert_int_eq(b.data[b.size], '\0');
    ck_assert_mem_eq(b.data, "0,\na\0bx1,a\0bx", 13);
    buffer_release(&b);
}
END_TEST

START_TEST(the_front_can_be_removed)
{
    struct buffer b = BUFFER_INIT;
    buffer_remove_front(&b, 0);
    buffer_add_text(&b, "hello");
    buffer_remove_front(&b, 2);
    ck_assert_str_eq(b.data, "llo");
    buffer_remove_front(&b, 3);
    ck_assert_uint_eq(b.size, 0);
    buffer_add_text(&b, "again");
    buffer_clear(&b);
    ck_assert_str_eq(buffer_text(&b), "");
    buffer_release(&b);
}
END_TEST

START_TEST(characters_have_the_lengths_of_the_unicode_table)
{
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {
        {"a", 1},
        {"\xC5\x9F", 2},
        {"\xE2\x82\xAC", 3},
        {"\xF0\x9F\x98\x80", 4},
        {"\x80", 0},
        {"\xC0\x80", 0},
        {"\xC1\xBF", 0},
        {"\xE0\x80\x80", 0},
        {"\xE0\x9F\xBF", 0},
        {"\xED\xA0\x80", 0},
        {"\xF0\x8F\xBF\xBF", 0},
        {"\xF4\x90\x80\x80", 0},
        {"\xF5\x80\x80\x80", 0},
        {"\xC5", 0},
        {"\xC5g", 0},
        {"\xE2\x82", 0},
        {"\xE2\x82g", 0},
        {"\xED\x9F\xBF", 3},
        {"\xF4\x8F\xBF\xBF", 4},
        {"\xFF", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_uint_eq(utf8_length(cases[i].text, strlen(cases[i].text)), cases[i].length);
}
END_TEST

START_TEST(a_cut_character_is_not_complete_and_a_broken_one_is)
{
    ck_assert_uint_eq(utf8_complete("ab", 2), 2);
    ck_assert_uint_eq(utf8_complete("a\xC5\x9F", 3), 3);
    ck_assert_uint_eq(utf8_complete("a\xC5", 2), 1);
    ck_assert_uint_eq(utf8_complete("a\xE2\x82", 3), 1);
    ck_assert_uint_eq(utf8_complete("a\xF0\x9F\x98", 4), 1);
    ck_assert_uint_eq(utf8_complete("a\xF0\x9F\x98\x80", 5), 5);
    ck_assert_uint_eq(utf8_complete("\xED\xA0", 2), 2); /* half a surrogate never becomes valid */
    ck_assert_uint_eq(utf8_complete("\x80\x80\x80\x80", 4), 4);
    ck_assert_uint_eq(utf8_complete("", 0), 0);
}
END_TEST

START_TEST(what_is_not_utf8_becomes_a_replacement_character)
{
    struct buffer b = BUFFER_INIT;
    buffer_add_utf8(&b,
                    "a\xFF"
                    "b\xC5\x9F\xC5",
                    6);
    ck_assert_str_eq(b.data, "a\xEF\xBF\xBD"
                             "b\xC5\x9F\xEF\xBF\xBD");
    buffer_release(&b);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {an_empty_buffer_reads_as_an_empty_text,
                                  additions_of_any_size_are_kept_in_order,
                                  the_front_can_be_removed,
                                  characters_have_the_lengths_of_the_unicode_table,
                                  a_cut_character_is_not_complete_and_a_broken_one_is,
                                  what_is_not_utf8_becomes_a_replacement_character,
                                  NULL};
    return run_tests("buffer", tests);
}
