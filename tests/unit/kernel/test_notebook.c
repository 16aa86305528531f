#include "compare.h"
#include "json.h"
#include "json_write.h"
#include "notebook.h"
#include <check.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/notebook.XXXXXX";
static char path[64];

static void setup(void)
{
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/book.ipynb", folder);
}

static void teardown(void)
{
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0); /* also: no temporary file was left */
}

static void put_file(const char *text, size_t size)
{
    FILE *file = fopen(path, "w");
    ck_assert_uint_eq(fwrite(text, 1, size, file), size);
    fclose(file);
}

static struct buffer get_file(void)
{
    struct buffer text = BUFFER_INIT;
    FILE *file = fopen(path, "r");
    for (int c; (c = fgetc(file)) != EOF;)
        buffer_add_char(&text, (char)c);
    fclose(file);
    return text;
}

static json_t *parse(const char *text)
{
    json_t *value = json_parse(text, strlen(text), NULL);
    ck_assert_ptr_nonnull(value);
    return value;
}

static void assert_json(const json_t *value, const char *expected)
{
    json_t *other = parse(expected);
    struct buffer text = BUFFER_INIT;
    json_write(&text, value);
    ck_assert_msg(json_equal(value, other), "%s\nis not\n%s", buffer_text(&text), expected);
    buffer_release(&text);
    json_decref(other);
}

/* --- the file
 * -------------------------------------------------------------------------------------- */

/* As nbformat writes it, but for the unknown fields and the order of keys, which it would sort. */
static const char *const canonical =
    "{\n \"nbformat\": 4,\n \"nbformat_minor\": 5,\n \"cells\": [\n  {\n   \"cell_type\": "
    "\"code\",\n"
    "   \"id\": \"a-1\",\n   \"execution_count\": 3,\n   \"metadata\": {},\n   \"unknown\": {\n"
    "    \"z\": 0.1,\n    \"a\": 1e-07,\n    \"big\": 9007199254740993,\n    \"one\": 1.0\n   },\n"
    "   \"outputs\": [\n    {\n     \"name\": \"stdout\",\n     \"output_type\": \"stream\",\n"
    "     \"text\": [\n      \"\\u001b[31mı İ ş ğ\\b\\n\",\n      \"🔥\"\n     ]\n    }\n   ],\n"
    "   \"source\": [\n    \"print(1)\\n\",\n    \"2\"\n   ]\n  },\n  {\n"
    "   \"cell_type\": \"markdown\",\n   \"id\": \"b\",\n   \"metadata\": {},\n   \"source\": []\n"
    "  }\n ],\n \"metadata\": {\n  \"extra\": [\n   null,\n   true,\n   []\n  ]\n }\n}\n";

static void assert_unchanged(const char *text)
{
    struct notebook book;
    struct buffer problem = BUFFER_INIT;
    put_file(text, strlen(text));
    ck_assert_msg(notebook_read(&book, path, &problem) == 0, "%s", buffer_text(&problem));
    ck_assert_int_eq(notebook_write(&book, path, &problem), 0);
    notebook_release(&book);
    struct buffer written = get_file();
    ck_assert_str_eq(written.data, text);
    buffer_release(&written);
}

START_TEST(a_file_read_and_written_does_not_change)
{
    assert_unchanged(canonical);
}
END_TEST

START_TEST(the_locale_changes_no_number)
{
    ck_assert_ptr_nonnull(setlocale(LC_ALL, "tr_TR.UTF-8"));
    assert_unchanged(canonical);
    setlocale(LC_ALL, "C");
}
END_TEST

START_TEST(text_may_be_one_string_and_is_written_as_lines)
{
    const char *text =
        "{\"cells\":[{\"cell_type\":\"code\",\"metadata\":{},\"execution_count\":null,"
        "\"source\":\"a\\r\\nb\\u2028c\\u0085d\\u000be\",\"outputs\":[{\"output_type\":"
        "\"display_data\",\"metadata\":{},\"data\":{\"text/html\":\"x\\ny\","
        "\"image/png\":\"AB\\nCD\",\"image/svg+xml\":\"\",\"application/json\":\"p\\nq\"}}]}],"
        "\"metadata\":{},\"nbformat\":4,\"nbformat_minor\":0}";
    struct notebook book;
    struct buffer problem = BUFFER_INIT;
    put_file(text, strlen(text));
    ck_assert_int_eq(notebook_read(&book, path, &problem), 0);
    ck_assert_int_eq(notebook_write(&book, path, &problem), 0);
    notebook_release(&book);
    ck_assert_int_eq(notebook_read(&book, path, &problem), 0);
    const json_t *cell = json_array_get(notebook_cells(&book), 0);
    assert_json(json_object_get(cell, "source"),
                "[\"a\\r\\n\", \"b\\u2028\", \"c\\u0085\", \"d\\u000b\", \"e\"]");
    assert_json(
        json_object_get(json_array_get(json_object_get(cell, "outputs"), 0), "data"),
        "{\"text/html\": [\"x\\n\", \"y\"], \"image/png\": \"AB\\nCD\", \"image/svg+xml\": [],"
        " \"application/json\": \"p\\nq\"}");
    notebook_release(&book);
}
END_TEST

START_TEST(permissions_and_links_stay)
{
    struct notebook book;
    struct buffer problem = BUFFER_INIT;
    struct stat status;
    char link[80];
    snprintf(link, sizeof(link), "%s/link.ipynb", folder);
    put_file(canonical, strlen(canonical));
    chmod(path, 0640);
    ck_assert_int_eq(symlink("book.ipynb", link), 0);
    ck_assert_int_eq(notebook_read(&book, link, &problem), 0);
    ck_assert_int_eq(notebook_write(&book, link, &problem), 0);
    notebook_release(&book);
    ck_assert_int_eq(lstat(link, &status), 0);
    ck_assert(S_ISLNK(status.st_mode));
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0640);
    unlink(link);
}
END_TEST

START_TEST(an_unwritable_place_is_told)
{
    struct notebook book = {parse(canonical)};
    struct buffer problem = BUFFER_INIT;
    ck_assert_int_eq(notebook_write(&book, "/nowhere/at/all.ipynb", &problem), -1);
    ck_assert_str_eq(problem.data,
                     "/nowhere/at/all.ipynb: cannot write: No such file or directory");
    buffer_release(&problem);
    notebook_release(&book);
}
END_TEST

static const struct {
    const char *text, *cause;
} faults[] = {
    {"", "not a notebook: line 1, column 0: "},
    {"{\"cells\": [", "not a notebook: line 1, column 11: "},
    {"{\"cells\": \"\xff\"}", "not a notebook: line 1, column "},
    {"[]", "not a notebook (it has no nbformat number)"},
    {"{\"nbformat\": 3, \"worksheets\": []}",
     "nbformat 3 is not supported, only 4 (convert it with: "},
    {"{\"nbformat\": 4}", "not a notebook (it has no list of cells)"},
    {"{\"nbformat\": 4, \"cells\": [7]}", "cell 1 has no cell_type"},
    {"{\"nbformat\": 4, \"cells\": [{\"cell_type\": \"raw\", \"source\": 5}]}",
     "cell 1 has no source text"},
    {"{\"nbformat\": 4, \"cells\": [{\"cell_type\": \"code\", \"source\": \"\"}]}",
     "cell 1 has no list of outputs"},
    {"{\"nbformat\": 4, \"cells\": [{\"cell_type\": \"code\", \"source\": \"\", \"outputs\": "
     "[{}]}]}",
     "cell 1 has an output without output_type"},
};

START_TEST(what_is_no_notebook_is_refused_with_its_cause)
{
    struct notebook book;
    struct buffer problem = BUFFER_INIT, expected = BUFFER_INIT;
    put_file(faults[_i].text, strlen(faults[_i].text));
    ck_assert_int_eq(notebook_read(&book, path, &problem), -1);
    buffer_addf(&expected, "%s: %s", path, faults[_i].cause);
    ck_assert_msg(strncmp(problem.data, expected.data, expected.size) == 0, "%s", problem.data);
    buffer_release(&problem);
    buffer_release(&expected);
}
END_TEST

START_TEST(reals_are_the_shortest_that_read_back)
{
    static const struct {
        double number;
        const char *text;
    } cases[] = {
        /* the right column is what Python's repr gives */
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1.0, "1.0"},
        {0.1, "0.1"},
        {-2.5, "-2.5"},
        {100.0, "100.0"},
        {1e15, "1000000000000000.0"},
        {1e16, "1e+16"},
        {123456.789, "123456.789"},
        {0.0001, "0.0001"},
        {0.00001, "1e-05"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {5e-324, "5e-324"},
        {1.0 / 3, "0.3333333333333333"},
        {2.0 / 3, "0.6666666666666666"},
        {9007199254740993.0, "9007199254740992.0"},
        {0.1 + 0.2, "0.30000000000000004"},
    };
    char text[JSON_REAL_BYTES];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_real_text(cases[i].number, text);
        ck_assert_str_eq(text, cases[i].text);
    }
}
END_TEST

START_TEST(language_comes_from_the_metadata)
{
    struct notebook book = {
        parse("{\"cells\": [], \"metadata\": {\"kernelspec\": {\"language\": \"R\"}}}")};
    ck_assert_str_eq(notebook_language(&book), "R");
    notebook_set_language(&book, "3.11.2");
    ck_assert_str_eq(notebook_language(&book), "python");
    notebook_release(&book);
    book.root = parse("{\"cells\": []}");
    ck_assert_str_eq(notebook_language(&book), "python");
    notebook_set_language(&book, "3.11.2");
    assert_json(json_object_get(json_object_get(book.root, "metadata"), "language_info"),
                "{\"codemirror_mode\": {\"name\": \"ipython\", \"version\": 3}, "
                "\"file_extension\": \".py\","
                " \"mimetype\": \"text/x-python\", \"name\": \"python\", \"nbconvert_exporter\": "
                "\"python\","
                " \"pygments_lexer\": \"ipython3\", \"version\": \"3.11.2\"}");
    notebook_release(&book);
}
END_TEST

/* --- the sink
 * -------------------------------------------------------------------------------------- */

static struct notebook_sink sink;
static json_t *cell;

static void setup_sink(void)
{
    notebook_sink_init(&sink, NULL);
    cell = parse(
        "{\"cell_type\": \"code\", \"source\": \"\", \"outputs\": [{\"output_type\": \"old\"}]}");
    notebook_sink_set_cell(&sink, cell);
}

static void teardown_sink(void)
{
    notebook_sink_release(&sink);
    json_decref(cell);
}

static void stream(enum stream_name name, const char *text)
{
    sink.sink.stream(&sink.sink, name, text, strlen(text), true);
}

static void display(void (*call)(struct sink *, json_t *, json_t *, json_t *), const char *data,
                    const char *id)
{
    json_t *bundle = parse(data), *metadata = json_object();
    json_t *transient = id ? json_pack("{ss}", "display_id", id) : json_object();
    call(&sink.sink, bundle, metadata, transient);
    json_decref(bundle);
    json_decref(metadata);
    json_decref(transient);
}

static void assert_outputs(const char *expected)
{
    notebook_sink_sync(&sink);
    assert_json(json_object_get(cell, "outputs"), expected);
}

#define STREAM(name, text)                                                                         \
    "{\"name\": \"" name "\", \"output_type\": \"stream\", \"text\": \"" text "\"}"
#define DISPLAY(text)                                                                              \
    "{\"data\": {\"text/plain\": \"" text                                                          \
    "\"}, \"metadata\": {}, \"output_type\": \"display_data\"}"

START_TEST(neighbouring_texts_of_a_stream_are_one_output)
{
    stream(STREAM_STDOUT, "a");
    stream(STREAM_STDOUT, "b\rc\b\n");
    stream(STREAM_STDERR, "e");
    stream(STREAM_STDOUT, "d");
    assert_outputs("[" STREAM("stdout", "ab\\rc\\b\\n") "," STREAM("stderr", "e") "," STREAM(
        "stdout", "d") "]");
}
END_TEST

START_TEST(a_character_cut_in_two_and_bytes_that_are_no_text_are_stored)
{
    stream(STREAM_STDOUT, "\xc4");
    stream(STREAM_STDOUT, "\xb1");
    stream(STREAM_STDOUT, "\xff.");
    assert_outputs("[" STREAM("stdout", "ı\xEF\xBF\xBD.") "]");
}
END_TEST

START_TEST(clear_removes_now_or_before_the_next_output)
{
    stream(STREAM_STDOUT, "1");
    sink.sink.clear(&sink.sink, false);
    assert_outputs("[]");
    stream(STREAM_STDOUT, "2");
    sink.sink.clear(&sink.sink, true);
    assert_outputs("[" STREAM("stdout", "2") "]");
    stream(STREAM_STDOUT, "3");
    stream(STREAM_STDOUT, "4");
    assert_outputs("[" STREAM("stdout", "34") "]");
    sink.sink.clear(&sink.sink, true);
    display(sink.sink.display, "{\"text/plain\": \"5\"}", NULL);
    assert_outputs("[" DISPLAY("5") "]");
}
END_TEST

START_TEST(update_reaches_every_output_of_its_id_and_earlier_cells)
{
    json_t *first = cell;
    display(sink.sink.display, "{\"text/plain\": \"a\"}", "one");
    display(sink.sink.display, "{\"text/plain\": \"b\"}", "two");
    cell = parse("{\"cell_type\": \"code\", \"source\": \"\", \"outputs\": []}");
    notebook_sink_set_cell(&sink, cell);
    display(sink.sink.display, "{\"text/plain\": \"c\"}", "one");
    display(sink.sink.update, "{\"text/plain\": \"d\"}", "one");
    display(sink.sink.update, "{\"text/plain\": \"x\"}", "never shown");
    assert_outputs("[" DISPLAY("d") "]");
    assert_json(json_object_get(first, "outputs"), "[" DISPLAY("d") "," DISPLAY("b") "]");
    sink.sink.clear(&sink.sink, false);
    display(sink.sink.update, "{\"text/plain\": \"e\"}", "one");
    assert_outputs("[]");
    assert_json(json_object_get(first, "outputs"), "[" DISPLAY("e") "," DISPLAY("b") "]");
    json_decref(first);
}
END_TEST

START_TEST(results_and_errors_are_stored_with_sorted_bundles)
{
    json_t *bundle = parse("{\"text/plain\": \"1\", \"image/png\": \"AA\"}"),
           *metadata = json_object();
    json_t *traceback = parse("[\"line\\nline\"]");
    struct buffer text = BUFFER_INIT;
    sink.sink.result(&sink.sink, 7, bundle, metadata);
    sink.sink.error(&sink.sink, "ValueError", "bad\xff", traceback);
    assert_outputs(
        "[{\"data\": {\"image/png\": \"AA\", \"text/plain\": \"1\"}, \"execution_count\": 7,"
        " \"metadata\": {}, \"output_type\": \"execute_result\"},"
        " {\"ename\": \"ValueError\", \"evalue\": \"bad\xEF\xBF\xBD\", \"output_type\": \"error\","
        " \"traceback\": [\"line\\nline\"]}]");
    json_write(&text, json_object_get(cell, "outputs"));
    ck_assert(strstr(text.data, "image/png") < strstr(text.data, "text/plain"));
    buffer_release(&text);
    json_decref(bundle);
    json_decref(metadata);
    json_decref(traceback);
}
END_TEST

START_TEST(without_a_cell_outputs_are_dropped)
{
    notebook_sink_set_cell(&sink, NULL);
    stream(STREAM_STDOUT, "late");
    display(sink.sink.display, "{\"text/plain\": \"late\"}", "id");
    notebook_sink_sync(&sink);
    assert_outputs("[]");
}
END_TEST

/* --- the comparison
 * -------------------------------------------------------------------------------- */

static const struct compare_options exact = {.exact = true};

static void assert_report(const char *stored, const char *fresh, const char *expected)
{
    json_t *a = parse(stored), *b = parse(fresh);
    struct buffer report = BUFFER_INIT;
    bool same = compare_outputs(a, b, &exact, &report);
    ck_assert_str_eq(buffer_text(&report), expected);
    ck_assert(same == (expected[0] == '\0'));
    buffer_release(&report);
    json_decref(a);
    json_decref(b);
}

START_TEST(what_a_reader_sees_alike_is_the_same)
{
    assert_report("[]", "[]", "");
    assert_report(
        "[{\"output_type\": \"stream\", \"name\": \"stdout\", \"text\": [\"a\\n\", \"b\"]}]",
        "[" STREAM("stdout", "a\\n") "," STREAM("stdout", "b") "]", "");
    assert_report(
        "[{\"output_type\": \"execute_result\", \"execution_count\": 1, \"metadata\": {\"m\": 1},"
        " \"data\": {\"text/plain\": [\"1\"], \"application/json\": {\"a\": 1}}}]",
        "[{\"output_type\": \"execute_result\", \"execution_count\": 9, \"metadata\": {},"
        " \"data\": {\"application/json\": {\"a\": 1}, \"text/plain\": \"1\"}}]",
        "");
    assert_report(
        "[{\"output_type\": \"error\", \"ename\": \"E\", \"evalue\": \"v\", \"traceback\": []}]",
        "[{\"output_type\": \"error\", \"ename\": \"E\", \"evalue\": \"v\", \"traceback\": "
        "[\"t\"]}]",
        "");
}
END_TEST

START_TEST(a_difference_is_shown_by_lines)
{
    assert_report("[" STREAM("stdout", "1\\n2\\n3\\n4\\n5\\n6\\n7\\n") "]",
                  "[" STREAM("stdout", "1\\n2\\n3\\nfour\\n5\\n5.5\\n6\\n7\\n") "]",
                  "      2\n      3\n    - 4\n    + four\n      5\n    + 5.5\n      6\n      7\n");
    assert_report("[" STREAM("stdout", "a\\n") "]", "[" STREAM("stdout", "a") "]",
                  "      [stdout]\n      a\n    + \\ no line end\n");
    assert_report("[" STREAM("stdout", "a\\r\\n") "]", "[]", "    - [stdout]\n    - a\\x0d\n");
    assert_report(
        "[]",
        "[{\"output_type\": \"error\", \"ename\": \"E\", \"evalue\": \"v\", \"traceback\": []}]",
        "    + [error]\n    + E: v\n");
    assert_report("[" DISPLAY("x") "]", "[" STREAM("stdout", "x\\n") "]",
                  "    - [display_data text/plain]\n    + [stdout]\n      x\n");
}
END_TEST

START_TEST(a_long_line_is_cut_between_characters)
{
    struct buffer stored = BUFFER_INIT, report = BUFFER_INIT;
    buffer_add_text(&stored, "[{\"output_type\": \"stream\", \"name\": \"stdout\", \"text\": \"x");
    for (int i = 0; i < 100; i++)
        buffer_add_text(&stored, "ş");
    buffer_add_text(&stored, "\\n\"}]");
    json_t *a = parse(stored.data), *b = json_array();
    ck_assert(!compare_outputs(a, b, &exact, &report));
    ck_assert_ptr_nonnull(strstr(report.data, "ş… (42 bytes more)\n"));
    buffer_release(&stored);
    buffer_release(&report);
    json_decref(a);
    json_decref(b);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name, SFun before, SFun after)
{
    TCase *part = tcase_create(name);
    tcase_add_checked_fixture(part, before, after);
    suite_add_tcase(suite, part);
    return part;
}

int main(void)
{
    Suite *suite = suite_create("notebook");
    TCase *file = add_case(suite, "file", setup, teardown);
    tcase_add_test(file, a_file_read_and_written_does_not_change);
    tcase_add_test(file, the_locale_changes_no_number);
    tcase_add_test(file, text_may_be_one_string_and_is_written_as_lines);
    tcase_add_test(file, permissions_and_links_stay);
    tcase_add_test(file, an_unwritable_place_is_told);
    tcase_add_loop_test(file, what_is_no_notebook_is_refused_with_its_cause, 0,
                        (int)(sizeof(faults) / sizeof(faults[0])));
    tcase_add_test(file, reals_are_the_shortest_that_read_back);
    tcase_add_test(file, language_comes_from_the_metadata);
    TCase *outputs = add_case(suite, "sink", setup_sink, teardown_sink);
    tcase_add_test(outputs, neighbouring_texts_of_a_stream_are_one_output);
    tcase_add_test(outputs, a_character_cut_in_two_and_bytes_that_are_no_text_are_stored);
    tcase_add_test(outputs, clear_removes_now_or_before_the_next_output);
    tcase_add_test(outputs, update_reaches_every_output_of_its_id_and_earlier_cells);
    tcase_add_test(outputs, results_and_errors_are_stored_with_sorted_bundles);
    tcase_add_test(outputs, without_a_cell_outputs_are_dropped);
    TCase *comparison = tcase_create("comparison");
    suite_add_tcase(suite, comparison);
    tcase_add_test(comparison, what_a_reader_sees_alike_is_the_same);
    tcase_add_test(comparison, a_difference_is_shown_by_lines);
    tcase_add_test(comparison, a_long_line_is_cut_between_characters);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
