#include "json.h"
#include "notebook.h"
#include "parameters.h"
#include "suite.h"
#include <string.h>

static const struct {
    const char *value, *code; /* right: what papermill 2.6 writes, but for strings beyond ASCII */
} values[] = {
    {"1", "1"},
    {"-7", "-7"},
    {"+7", "7"},
    {"007", "7"},
    {"-0", "0"},
    {"1_000", "1000"},
    {"123456789012345678901234567890", "123456789012345678901234567890"},
    {"1.50", "1.5"},
    {"1e3", "1000.0"},
    {".5", "0.5"},
    {"5.", "5.0"},
    {"-0.0", "-0.0"},
    {"1e400", "float('inf')"},
    {"nan", "float('nan')"},
    {"-inf", "float('-inf')"},
    {"True", "True"},
    {"False", "False"},
    {"None", "None"},
    {"true", "\"true\""},
    {"", "\"\""},
    {"text", "\"text\""},
    {"1.2.3", "\"1.2.3\""},
    {"1e", "\"1e\""},
    {"_1", "\"_1\""},
    {"1__0", "\"1__0\""},
    {"-", "\"-\""},
    {".", "\".\""},
    {"a\"b\\c", "\"a\\\"b\\\\c\""},
    {"a\nb\t\x1b", "\"a\\nb\\t\\x1b\""},
    {"Çiğdem", "\"Çiğdem\""},
};

START_TEST(values_become_what_they_look_like)
{
    struct buffer code = BUFFER_INIT;
    parameters_add_value(&code, values[_i].value);
    ck_assert_str_eq(code.data, values[_i].code);
    buffer_release(&code);
}
END_TEST

START_TEST(names_are_those_of_variables)
{
    static const char *const good[] = {"x", "_", "x1", "sınır", "Class"};
    static const char *const bad[] = {"", "1x", "x-y", "x y", "x.y", "class", "None", "x=1", "x\n"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        ck_assert(parameters_name_is_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert(!parameters_name_is_valid(bad[i]));
}
END_TEST

static json_t *parse(const char *text)
{
    json_t *value = json_parse(text, strlen(text), NULL);
    ck_assert_ptr_nonnull(value);
    return value;
}

/* Injects x = 1 and checks at which index the cell stands, among how many. */
static json_t *assert_injected(const char *notebook, size_t index, size_t count)
{
    json_t *root = parse(notebook), *parameters = parse("{\"x\": \"1\"}");
    parameters_inject(root, parameters);
    json_t *cells = json_object_get(root, "cells"), *cell = json_array_get(cells, index);
    ck_assert_uint_eq(json_array_size(cells), count);
    ck_assert(notebook_cell_is_code(cell) && notebook_cell_has_tag(cell, "injected-parameters"));
    ck_assert_str_eq(json_member_text(cell, "source", ""), "# Parameters\nx = 1\n");
    json_decref(parameters);
    return root;
}

#define TAGGED(tag) "{\"cell_type\": \"code\", \"metadata\": {\"tags\": [\"" tag "\"]}}"

START_TEST(the_cell_stands_where_papermill_puts_it)
{
    json_decref(assert_injected("{\"cells\": []}", 0, 1));
    json_decref(assert_injected("{\"cells\": [{}, {}]}", 0, 3));
    json_decref(assert_injected("{\"cells\": [{}, " TAGGED("parameters") ", {}]}", 2, 4));
    json_decref(assert_injected(
        "{\"cells\": [" TAGGED("parameters") ", {}, " TAGGED("injected-parameters") "]}", 2, 3));
}
END_TEST

START_TEST(cells_have_ids_from_nbformat_4_5_on)
{
    json_t *old = assert_injected("{\"cells\": [], \"nbformat_minor\": 4}", 0, 1);
    json_t *new = assert_injected("{\"cells\": [], \"nbformat_minor\": 5}", 0, 1);
    const json_t *cell = json_array_get(json_object_get(new, "cells"), 0);
    ck_assert_ptr_null(json_object_get(json_array_get(json_object_get(old, "cells"), 0), "id"));
    ck_assert_uint_eq(strlen(json_member_text(cell, "id", "")), 8);
    json_decref(old);
    json_decref(new);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parameters");
    TCase *all = tcase_create("parameters");
    suite_add_tcase(suite, all);
    tcase_add_loop_test(all, values_become_what_they_look_like, 0,
                        (int)(sizeof values / sizeof values[0]));
    tcase_add_test(all, names_are_those_of_variables);
    tcase_add_test(all, the_cell_stands_where_papermill_puts_it);
    tcase_add_test(all, cells_have_ids_from_nbformat_4_5_on);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
