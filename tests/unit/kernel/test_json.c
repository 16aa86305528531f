#include "json.h"
#include "suite.h"
#include <locale.h>
#include <math.h>
#include <string.h>

static void assert_written(json_t *value, const char *expected)
{
    struct buffer text = BUFFER_INIT;
    json_add(&text, value);
    ck_assert_str_eq(buffer_text(&text), expected);
    buffer_release(&text);
    json_decref(value);
}

START_TEST(values_are_written_compactly_in_their_order)
{
    assert_written(json_pack("{s:[i, b, n], s:s, s:{}, s:[]}", "z", 1, 1, "a", "ş", "o", "e"),
                   "{\"z\":[1,true,null],\"a\":\"ş\",\"o\":{},\"e\":[]}");
    assert_written(json_integer(INT64_MIN), "-9223372036854775808");
}
END_TEST

START_TEST(control_characters_quotes_and_backslashes_are_escaped)
{
    assert_written(json_stringn("a\"\\\n\r\t\x01\x1f\0z", 10),
                   "\"a\\\"\\\\\\n\\r\\t\\u0001\\u001f\\u0000z\"");
    /* at every place of a word of eight bytes, which are looked at together */
    for (size_t i = 0; i < 20; i++) {
        char text[21] = "abcdefghijklmnopqrst", expected[32];
        text[i] = '\n';
        snprintf(expected, sizeof expected, "\"%.*s\\n%s\"", (int)i, text, text + i + 1);
        assert_written(json_string(text), expected);
    }
}
END_TEST

START_TEST(bytes_that_are_not_utf8_become_replacement_characters)
{
    struct buffer text = BUFFER_INIT;
    json_add_text(&text, "x\xFFy\xED\xA0\x80", 6);
    ck_assert_str_eq(text.data, "\"x\xEF\xBF\xBDy\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
    buffer_release(&text);
    json_t *value = json_text("\xFF", 1);
    ck_assert_str_eq(json_string_value(value), "\xEF\xBF\xBD");
    json_decref(value);
}
END_TEST

START_TEST(reals_are_short_and_do_not_depend_on_the_locale)
{
    static const char *const locales[] = {"C", "tr_TR.UTF-8", "de_DE.UTF-8"};
    for (int i = 0; i < 3; i++) {
        setlocale(LC_ALL, locales[i]); /* one that is not installed changes nothing */
        assert_written(json_real(0.1), "0.1");
        assert_written(json_real(0.5), "0.5");
        assert_written(json_real(-3), "-3.0");
        json_t *read = json_parse("[0.25, 1e3]", 11, NULL);
        ck_assert(json_real_value(json_array_get(read, 0)) == 0.25);
        ck_assert(json_real_value(json_array_get(read, 1)) == 1000.0);
        json_decref(read);
    }
    setlocale(LC_ALL, "C");
}
END_TEST

START_TEST(what_is_written_reads_back_the_same)
{
    const char *text = "{\"a\":[1,-2.5,1e+300,\"\\u00e7\\ud83d\\ude00\",{\"b\":null}],\"\":false}";
    json_t *value = json_parse(text, strlen(text), NULL);
    struct buffer again = BUFFER_INIT;
    json_add(&again, value);
    json_t *reread = json_parse(again.data, again.size, NULL);
    ck_assert(json_equal(value, reread));
    json_decref(value);
    json_decref(reread);
    buffer_release(&again);
}
END_TEST

START_TEST(bad_and_too_deep_texts_are_refused)
{
    static const char *const bad[] = {"", "{", "[1,]", "{\"a\" 1}", "nul", "\"\xFF\"", "1 2"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_ptr_null(json_parse(bad[i], strlen(bad[i]), NULL));
    struct buffer deep = BUFFER_INIT;
    for (int i = 0; i < 100000; i++)
        buffer_add_char(&deep, '[');
    ck_assert_ptr_null(json_parse(deep.data, deep.size, NULL));
    buffer_release(&deep);
}
END_TEST

START_TEST(members_of_another_type_count_as_missing)
{
    json_t *o = json_pack("{s:i, s:s, s:n, s:b}", "i", 3, "s", "text", "n", "b", 0);
    ck_assert_str_eq(json_member_text(o, "s", "-"), "text");
    ck_assert_str_eq(json_member_text(o, "i", "-"), "-");
    ck_assert_str_eq(json_member_text(o, "n", "-"), "-");
    ck_assert_str_eq(json_member_text(NULL, "s", "-"), "-");
    ck_assert(!json_member_bool(o, "b", true));
    ck_assert(json_member_bool(o, "n", true));
    ck_assert_int_eq(json_member_integer(o, "i", 7), 3);
    ck_assert_int_eq(json_member_integer(o, "x", 7), 7);
    json_decref(o);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {values_are_written_compactly_in_their_order,
                                  control_characters_quotes_and_backslashes_are_escaped,
                                  bytes_that_are_not_utf8_become_replacement_characters,
                                  reals_are_short_and_do_not_depend_on_the_locale,
                                  what_is_written_reads_back_the_same,
                                  bad_and_too_deep_texts_are_refused,
                                  members_of_another_type_count_as_missing,
                                  NULL};
    return run_tests("json", tests);
}
