#include "compare.h"
#include "json.h"
#include "suite.h"
#include <string.h>

#define STREAM(text) "[{\"output_type\": \"stream\", \"name\": \"stdout\", \"text\": \"" text "\"}]"
#define DISPLAY(mime, value)                                                                       \
    "[{\"output_type\": \"display_data\", \"metadata\": {}, \"data\": {\"" mime "\": " value "}}]"

static const struct compare_options usual = {.tolerance = 1e-5};

static void assert_compared(const char *stored, const char *fresh,
                            const struct compare_options *options, const char *expected)
{
    struct buffer report = BUFFER_INIT;
    json_t *a = json_parse(stored, strlen(stored), NULL),
           *b = json_parse(fresh, strlen(fresh), NULL);
    ck_assert(a && b);
    ck_assert(compare_outputs(a, b, options, &report) == (*expected == '\0'));
    ck_assert_str_eq(buffer_text(&report), expected);
    buffer_release(&report);
    json_decref(a);
    json_decref(b);
}

START_TEST(noise_is_no_difference)
{
    assert_compared(STREAM("loss 0.123456789\\n"), STREAM("loss 0.123456781\\n"), &usual, "");
    assert_compared(STREAM("<A at 0x7f00aa>\\n"), STREAM("<A at 0x7f11bb>\\n"), &usual, "");
    assert_compared(DISPLAY("text/html", "\"<i id=a1b2c3d4e5>\""),
                    DISPLAY("text/html", "[\"<i id=\", \"e5f6a7b8c9>\"]"), &usual, "");
    assert_compared(DISPLAY("application/json", "{\"x\": 0.30000000000000004}"),
                    DISPLAY("application/json", "{\"x\": 0.3}"), &usual, "");
}
END_TEST

START_TEST(views_in_two_languages_are_compared_by_their_text)
{
#define EN "<div lang=\\\"en\\\"><pre>"
#define TR "<div lang=\\\"tr\\\"><pre>"
    const struct compare_options exact = {.exact = true};
    const char *en = DISPLAY("text/html", "\"" EN "tensor([1])</pre>\\nshape\"");
    const char *tr = DISPLAY("text/html", "\"" TR "tensor([1])</pre>\\nbiçim\"");
    const char *other = DISPLAY("text/html", "\"" EN "tensor([1])</pre>\\nshape!\"");
    assert_compared(en, tr, &usual, "");
    assert_compared(en, DISPLAY("text/html", "\"" TR "tensor([2])</pre>\\nbiçim\""), &usual,
                    "      [display_data text/html]\n    - <pre>tensor([1])</pre>\n"
                    "    + <pre>tensor([2])</pre>\n");
    assert_compared(
        en, other, &usual,
        "      [display_data text/html]\n      <div lang=\"en\"><pre>tensor([1])</pre>\n"
        "    - shape\n    + shape!\n");
    assert_compared(
        en, tr, &exact,
        "      [display_data text/html]\n    - <div lang=\"en\"><pre>tensor([1])</pre>\n"
        "    - shape\n    + <div lang=\"tr\"><pre>tensor([1])</pre>\n    + biçim\n");
    assert_compared(DISPLAY("text/html", "\"<div lang=\\\"en\\\">a\""),
                    DISPLAY("text/html", "\"<div lang=\\\"tr\\\">a\""), &usual,
                    "      [display_data text/html]\n    - <div lang=\"en\">a\n"
                    "    + <div lang=\"tr\">a\n");
}
END_TEST

START_TEST(exactly_compared_noise_is_a_difference)
{
    const struct compare_options exact = {.exact = true};
    assert_compared(STREAM("0.3\\n"), STREAM("0.30000000000000004\\n"), &exact,
                    "      [stdout]\n    - 0.3\n    + 0.30000000000000004\n");
    assert_compared(STREAM("0x7f00aa\\n"), STREAM("0x7f11bb\\n"), &exact,
                    "      [stdout]\n    - 0x7f00aa\n    + 0x7f11bb\n");
}
END_TEST

START_TEST(lines_that_are_alike_are_not_in_the_difference)
{
    assert_compared(STREAM("a\\n0.123456789\\nb\\n"), STREAM("a\\n0.123456781\\nc\\n"), &usual,
                    "      a\n      0.123456789\n    - b\n    + c\n");
}
END_TEST

/* Upper case for texts, nothing for pictures; counts its calls. */
static void shout(void *context, const char *mime, struct buffer *text)
{
    ++*(int *)context;
    if (strcmp(mime, "image/png") == 0)
        buffer_clear(text);
    for (size_t i = 0; i < text->size; i++)
        if (text->data[i] >= 'a' && text->data[i] <= 'z')
            text->data[i] = (char)(text->data[i] - 'a' + 'A');
}

START_TEST(texts_and_pictures_are_rewritten_where_they_differ)
{
    int calls = 0;
    struct compare_options options = {.rewrite = shout, .context = &calls};
    assert_compared(STREAM("a"), STREAM("a"), &options, "");
    ck_assert_int_eq(calls, 0);
    assert_compared(STREAM("a\\n"), STREAM("A\\n"), &options, "");
    assert_compared(DISPLAY("image/png", "\"AAAA\""), DISPLAY("image/png", "\"AAAB\""), &options,
                    "");
    ck_assert_int_eq(calls, 4);
    assert_compared(STREAM("a\\n"), STREAM("b\\n"), &options, "      [stdout]\n    - A\n    + B\n");
    options.exact = true;
    assert_compared(STREAM("a\\n"), STREAM("A\\n"), &options, "      [stdout]\n    - a\n    + A\n");
}
END_TEST

START_TEST(bytes_of_pictures_are_no_text)
{
    assert_compared(DISPLAY("image/png", "\"0x7f00aa\""), DISPLAY("image/png", "\"0x7f11bb\""),
                    &usual, "      [display_data image/png]\n    - 0x7f00aa\n    + 0x7f11bb\n");
}
END_TEST

START_TEST(outputs_of_odd_types_are_compared_too)
{
    assert_compared("[{\"output_type\": \"display_data\", \"data\": 5}]", "[]", &usual, "");
    assert_compared("[{\"output_type\": \"stream\", \"name\": 7}]", "[]", &usual,
                    "    - [stdout]\n");
    assert_compared("[{\"output_type\": \"error\"}]", "[]", &usual, "    - [error]\n    - ?: \n");
    assert_compared(DISPLAY("text/html", "{\"a\\u001b\": null}"), "[]", &usual,
                    "    - [display_data text/html]\n    - {\n    -  \"a\\u001b\": null\n"
                    "    - }\n");
}
END_TEST

START_TEST(names_in_the_file_forge_no_lines)
{
    assert_compared(DISPLAY("a\\n\\u001b[1m", "\"x\""), "[]", &usual,
                    "    - [display_data a\\x0a\\x1b[1m]\n    - x\n");
    assert_compared("[{\"output_type\": \"error\", \"ename\": \"E\\n+ E\"}]", "[]", &usual,
                    "    - [error]\n    - E\\x0a+ E: \n");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        noise_is_no_difference,
        views_in_two_languages_are_compared_by_their_text,
        exactly_compared_noise_is_a_difference,
        lines_that_are_alike_are_not_in_the_difference,
        texts_and_pictures_are_rewritten_where_they_differ,
        bytes_of_pictures_are_no_text,
        outputs_of_odd_types_are_compared_too,
        names_in_the_file_forge_no_lines,
        NULL,
    };
    return run_tests("compare", tests);
}
