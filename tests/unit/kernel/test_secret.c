#include "secret.h"
#include "suite.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/secret-XXXXXX";

static struct buffer path_of(const char *name)
{
    struct buffer path = BUFFER_INIT;
    buffer_addf(&path, "%s/%s", folder, name);
    return path;
}

START_TEST(what_is_written_is_read_again_and_for_the_owner_alone)
{
    struct buffer path = path_of("file"), text = BUFFER_INIT, again = BUFFER_INIT,
                  problem = BUFFER_INIT;
    mode_t mode, old = umask(0);
    buffer_add_text(&text, "{\"key\":\"ş\"}");
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(secret_file_write(path.data, &text, &problem), 0);
    umask(old);
    ck_assert_int_eq(secret_file_read(path.data, &again, &mode, &problem), 0);
    ck_assert_str_eq(again.data, text.data);
    ck_assert_int_eq(mode & 07777, 0600);
    buffer_wipe(&again);
    ck_assert_ptr_null(again.data);
    unlink(path.data);
    buffer_release(&path);
    buffer_release(&text);
}
END_TEST

START_TEST(files_that_cannot_be_read_or_written_give_a_reason_and_leave_nothing)
{
    struct buffer path = path_of("none/file"), text = BUFFER_INIT, problem = BUFFER_INIT;
    mode_t mode;
    ck_assert_int_eq(secret_file_read(path.data, &text, &mode, &problem), -1);
    ck_assert_str_eq(problem.data, "No such file or directory");
    buffer_clear(&problem);
    ck_assert_int_eq(secret_file_write(path.data, &text, &problem), -1);
    ck_assert_str_eq(problem.data, "cannot be written: No such file or directory");
    buffer_clear(&problem);
    ck_assert_int_eq(secret_file_read("/dev/zero", &text, &mode, &problem), -1);
    ck_assert_str_eq(problem.data, "too large");
    buffer_clear(&problem);
    ck_assert_int_eq(secret_file_read(folder, &text, &mode, &problem), -1);
    buffer_wipe(&text);
    buffer_release(&path);
    buffer_release(&problem);
}
END_TEST

START_TEST(a_value_is_parsed_and_a_reason_has_no_word_of_it)
{
    static const char good[] = "{\"key\":[\"secret\"]}", bad[] = "{\"key\": secret}";
    struct buffer problem = BUFFER_INIT;
    json_t *value = secret_json_parse(good, sizeof good - 1, &problem);
    ck_assert_uint_eq(json_object_size(value), 1);
    secret_json_release(value);
    secret_json_release(NULL);
    ck_assert_ptr_null(secret_json_parse(bad, sizeof bad - 1, &problem));
    ck_assert_ptr_null(strstr(problem.data, "secret"));
    buffer_release(&problem);
}
END_TEST

START_TEST(json_memory_is_the_usual_one_afterwards)
{
    struct buffer problem = BUFFER_INIT;
    json_malloc_t allocate;
    json_free_t release;
    secret_json_release(secret_json_parse("[]", 2, &problem));
    json_get_alloc_funcs(&allocate, &release);
    ck_assert(allocate == malloc && release == free);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_is_written_is_read_again_and_for_the_owner_alone,
        files_that_cannot_be_read_or_written_give_a_reason_and_leave_nothing,
        a_value_is_parsed_and_a_reason_has_no_word_of_it, json_memory_is_the_usual_one_afterwards,
        NULL};
    if (!mkdtemp(folder))
        return EXIT_FAILURE;
    int status = run_tests("secret", tests);
    rmdir(folder);
    return status;
}
