#include "cell_marks.h"

#include "notebook.h"
#include <stddef.h>
#include <string.h>

static const struct mark {
    const char *tag, *comment; /* comment NULL: there is none */
    size_t field;              /* of struct cell_marks */
} marks[] = {
    {"skip-execution", NULL, offsetof(struct cell_marks, skip)},
    {"nbval-skip", "NBVAL_SKIP", offsetof(struct cell_marks, skip_test)},
    {"raises-exception", NULL, offsetof(struct cell_marks, may_fail)},
    {"nbval-raises-exception", "NBVAL_RAISES_EXCEPTION", offsetof(struct cell_marks, may_fail)},
    {"nbval-ignore-output", "NBVAL_IGNORE_OUTPUT", offsetof(struct cell_marks, ignores_output)},
    {"nbval-check-output", "NBVAL_CHECK_OUTPUT", offsetof(struct cell_marks, checks_output)},
};

enum { MARKS = sizeof marks / sizeof marks[0] };

static void set(struct cell_marks *found, const struct mark *mark)
{
    *(bool *)((char *)found + mark->field) = true;
}

/* A line of the source; a comment that holds a mark's word and nothing else sets it. */
static void read_comment(struct cell_marks *found, const char *line, size_t size)
{
    static const char blank[] = " \t\r\f\v";
    while (size > 0 && strchr(blank, line[size - 1]))
        size--;
    size_t start = 0;
    while (start < size && strchr(blank, line[start]))
        start++;
    if (start == size || line[start] != '#')
        return;
    while (start < size && (line[start] == '#' || strchr(blank, line[start])))
        start++;
    for (size_t i = 0; i < MARKS; i++)
        if (marks[i].comment && strlen(marks[i].comment) == size - start &&
            memcmp(line + start, marks[i].comment, size - start) == 0)
            set(found, &marks[i]);
}

struct cell_marks cell_marks_read(const json_t *cell, const struct buffer *code)
{
    struct cell_marks found = {0};
    const char *line = buffer_text(code), *stop = line + code->size;
    for (size_t i = 0; i < MARKS; i++)
        if (notebook_cell_has_tag(cell, marks[i].tag))
            set(&found, &marks[i]);
    while (line < stop) {
        const char *end = memchr(line, '\n', (size_t)(stop - line));
        end = end ? end : stop;
        read_comment(&found, line, (size_t)(end - line));
        line = end + 1;
    }
    if (found.checks_output)
        found.ignores_output = false;
    return found;
}
