#include "cell_marks.h"
#include "json.h"
#include "suite.h"
#include <string.h>

static struct cell_marks read_marks(const char *tags, const char *source)
{
    json_t *list = json_parse(tags, strlen(tags), NULL);
    json_t *cell = json_pack("{s{so}}", "metadata", "tags", list);
    struct buffer code = BUFFER_INIT;
    buffer_add_text(&code, source);
    struct cell_marks marks = cell_marks_read(cell, &code);
    buffer_release(&code);
    json_decref(cell);
    return marks;
}

START_TEST(tags_are_marks)
{
    ck_assert(read_marks("[\"skip-execution\"]", "").skip);
    ck_assert(read_marks("[\"nbval-skip\"]", "").skip_test);
    ck_assert(read_marks("[\"raises-exception\"]", "").may_fail);
    ck_assert(read_marks("[\"other\", \"nbval-raises-exception\"]", "").may_fail);
    ck_assert(read_marks("[\"nbval-ignore-output\"]", "").ignores_output);
    ck_assert(read_marks("[\"nbval-check-output\"]", "").checks_output);
}
END_TEST

START_TEST(comments_on_lines_of_their_own_are_marks)
{
    ck_assert(read_marks("[]", "# NBVAL_SKIP").skip_test);
    ck_assert(read_marks("[]", "x = 1\n   #NBVAL_IGNORE_OUTPUT  \r\ny").ignores_output);
    ck_assert(read_marks("[]", "### NBVAL_RAISES_EXCEPTION\n1/0").may_fail);
    ck_assert(read_marks("[]", "\n# NBVAL_CHECK_OUTPUT\n").checks_output);
}
END_TEST

START_TEST(what_only_looks_like_a_mark_is_none)
{
    static const char *const sources[] = {
        "", "NBVAL_SKIP", "x # NBVAL_SKIP", "# NBVAL_SKIP it", "# nbval_skip", "#", "# ",
    };
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        ck_assert(!read_marks("[]", sources[i]).skip_test);
    ck_assert(!read_marks("{\"skip-execution\": 1}", "").skip);
    ck_assert(!read_marks("[1, null, \"skip\"]", "").skip);
    ck_assert(!read_marks("\"skip-execution\"", "").skip);
}
END_TEST

START_TEST(a_check_is_stronger_than_an_ignore)
{
    struct cell_marks marks = read_marks("[\"nbval-ignore-output\"]", "# NBVAL_CHECK_OUTPUT");
    ck_assert(marks.checks_output && !marks.ignores_output);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        tags_are_marks,
        comments_on_lines_of_their_own_are_marks,
        what_only_looks_like_a_mark_is_none,
        a_check_is_stronger_than_an_ignore,
        NULL,
    };
    return run_tests("cell_marks", tests);
}
