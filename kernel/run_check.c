#include "run_check.h"

#include "compare.h"
#include "compare_python.h"
#include "json.h"
#include <string.h>

void run_check_init(struct run_check *check, const struct run_options *options)
{
    *check = (struct run_check){.options = options, .kept = json_array()};
}

void run_check_release(struct run_check *check)
{
    json_decref(check->kept);
    check->kept = NULL;
}

void run_check_keep(struct run_check *check, json_t *cell)
{
    json_t *note =
        json_pack("{sO sO* sO*}", "cell", cell, "outputs", json_object_get(cell, "outputs"),
                  "execution_count", json_object_get(cell, "execution_count"));
    json_array_append_new(check->kept, note);
}

void run_check_done(struct run_check *check, json_t *entry, bool compared)
{
    json_t *note = json_array_get(check->kept, json_array_size(check->kept) - 1);
    json_object_set(note, "entry", entry);
    json_object_set_new(note, "compared", json_boolean(compared));
}

/* The cell shows again what the file held. */
static void restore(const json_t *note)
{
    json_t *cell = json_object_get(note, "cell"), *count = json_object_get(note, "execution_count");
    json_object_set(cell, "outputs", json_object_get(note, "outputs"));
    if (count)
        json_object_set(cell, "execution_count", count);
    else
        json_object_del(cell, "execution_count");
}

static bool has_failed(const json_t *entry)
{
    return strcmp(json_member_text(entry, "outcome", ""), "passed") != 0;
}

/* True if the cell shows what is stored, or need not. */
static bool check_cell(const json_t *note, const struct compare_options *options,
                       struct buffer *difference)
{
    return compare_outputs(json_object_get(note, "outputs"),
                           json_object_get(json_object_get(note, "cell"), "outputs"), options,
                           difference);
}

static void count_up(struct run_report *report, const char *key)
{
    json_int_t count = json_member_integer(report->result, key, 0);
    json_object_set_new(report->result, key, json_integer(count + 1));
}

static void judge(struct run_check *check, const json_t *note,
                  const struct compare_options *options, struct run_report *report)
{
    struct buffer difference = BUFFER_INIT;
    json_t *entry = json_object_get(note, "entry");
    bool compared = json_is_true(json_object_get(note, "compared")) && !has_failed(entry);
    bool same = !compared || check_cell(note, options, &difference);
    if (compared)
        count_up(report, "compared");
    if (same && check->options->update)
        restore(note);
    if (!same && check->options->update) {
        json_object_set_new(entry, "message", json_string("updated"));
        count_up(report, "updated");
    } else if (!same) {
        count_up(report, "differing");
        run_report_fail(entry, "shows something else than stored (- stored, + now)",
                        difference.data);
        json_object_set_new(entry, "differs", json_true());
    }
    buffer_release(&difference);
}

int run_check_finish(struct run_check *check, struct run_report *report, struct buffer *problem)
{
    const struct compare_options options = {
        .exact = check->options->exact,
        .tolerance = check->options->tolerance,
        .colour = check->options->colour,
        .ignored = check->options->ignored,
        .rewrite = compare_python_rewrite,
    };
    const char *rules = check->options->sanitize;
    size_t index;
    json_t *note;
    if (rules && compare_python_read_rules(rules, problem) < 0)
        return -1;
    json_array_foreach(check->kept, index, note) judge(check, note, &options, report);
    return 0;
}
