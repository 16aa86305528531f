#include "cell_files.h"
#include "suite.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each test is a process of its own, with a folder of its own. */
static char folder[] = "/tmp/test_cell_files_XXXXXX";

static void use_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("TMPDIR", folder, 1);
}

START_TEST(the_hash_is_the_one_that_front_ends_compute)
{
    static const struct {
        const char *text;
        uint32_t seeded, plain;
    } cases[] = {
        {"", 3990065800, 0},
        {"a", 2167009006, 2456313694},
        {"ab", 2805137849, 446775395},
        {"abc", 3350977461, 324500635},
        {"abcd", 804720481, 646393889},
        {"abcde", 730143326, 1594468574},
        {"print('hello')\n", 4288063316, 1612567987},
        {"ışık = 1  # Meşale", 3342718551, 2548727001},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t size = strlen(cases[i].text);
        ck_assert_uint_eq(murmur2(cases[i].text, size, CELL_FILES_SEED), cases[i].seeded);
        ck_assert_uint_eq(murmur2(cases[i].text, size, 0), cases[i].plain);
    }
}
END_TEST

START_TEST(cells_have_no_file_names_before_a_debugger_asked)
{
    use_folder();
    struct buffer name = BUFFER_INIT, expected = BUFFER_INIT;
    ck_assert(!cell_files_name("abc", 3, &name));
    ck_assert_uint_eq(name.size, 0);
    cell_files_use();
    ck_assert(cell_files_name("abc", 3, &name));
    buffer_addf(&expected, "%s/mesale_%ld/3350977461.py", folder, (long)getpid());
    ck_assert_str_eq(name.data, expected.data);
    buffer_release(&name);
    buffer_release(&expected);
    rmdir(folder);
}
END_TEST

START_TEST(a_written_cell_can_be_read_by_its_owner_alone_and_is_removed)
{
    use_folder();
    struct buffer name = BUFFER_INIT, problem = BUFFER_INIT;
    struct stat s;
    char text[16] = "";
    ck_assert_int_eq(cell_files_write("x = 1\n", 6, &name, &problem), 0);
    ck_assert_int_eq(stat(cell_files_prefix(), &s), 0);
    ck_assert_uint_eq(s.st_mode & 0777, 0700);
    FILE *file = fopen(name.data, "r");
    ck_assert_ptr_nonnull(fgets(text, sizeof text, file));
    fclose(file);
    ck_assert_str_eq(text, "x = 1\n");
    cell_files_remove();
    ck_assert_int_eq(stat(cell_files_prefix(), &s), -1);
    buffer_release(&name);
    rmdir(folder);
}
END_TEST

START_TEST(a_folder_of_somebody_else_is_not_used)
{
    use_folder();
    struct buffer open = BUFFER_INIT;
    buffer_addf(&open, "%s/mesale_%ld", folder, (long)getpid());
    mkdir(open.data, 0777);
    chmod(open.data, 0777); /* anybody could put files into it */
    buffer_add_text(&open, "_1/");
    ck_assert_str_eq(cell_files_prefix(), open.data);
    open.data[open.size - 3] = '\0';
    rmdir(open.data);
    buffer_release(&open);
    rmdir(folder);
}
END_TEST

START_TEST(a_link_in_the_place_of_the_folder_is_not_followed)
{
    use_folder();
    struct buffer link = BUFFER_INIT, name = BUFFER_INIT, problem = BUFFER_INIT;
    buffer_add_text(&link, cell_files_prefix());
    link.data[link.size - 1] = '\0';
    ck_assert_int_eq(symlink(folder, link.data), 0);
    ck_assert_int_eq(cell_files_write("x", 1, &name, &problem), -1);
    ck_assert_uint_ne(problem.size, 0);
    unlink(link.data);
    buffer_release(&link);
    buffer_release(&problem);
    rmdir(folder);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_hash_is_the_one_that_front_ends_compute,
        cells_have_no_file_names_before_a_debugger_asked,
        a_written_cell_can_be_read_by_its_owner_alone_and_is_removed,
        a_folder_of_somebody_else_is_not_used,
        a_link_in_the_place_of_the_folder_is_not_followed,
        NULL,
    };
    return run_tests_forked("cell_files", tests, CK_FORK);
}
