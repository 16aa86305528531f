#include "complete.h"
#include "json.h"
#include "shell.h"
#include <limits.h>

/* The member "code", also one that holds NULs. */
static const char *code_of(const struct request *r, size_t *size)
{
    const json_t *code = json_object_get(r->content, "code");
    *size = json_string_length(code);
    return json_is_string(code) ? json_string_value(code) : "";
}

static int64_t cursor_of(const struct request *r)
{
    return json_member_integer(r->content, "cursor_pos", INT_MAX);
}

json_t *complete_reply(struct kernel *k, struct request *r)
{
    (void)k;
    size_t size;
    const char *code = code_of(r, &size);
    return shell_complete(code, size, cursor_of(r));
}

json_t *inspect_reply(struct kernel *k, struct request *r)
{
    (void)k;
    size_t size;
    const char *code = code_of(r, &size);
    return shell_inspect(code, size, cursor_of(r),
                         json_member_integer(r->content, "detail_level", 0),
                         json_object_get(r->content, "omit_sections"));
}

json_t *history_reply(struct kernel *k, struct request *r)
{
    (void)k;
    return shell_history(r->content);
}

json_t *is_complete_reply(struct kernel *k, struct request *r)
{
    (void)k;
    size_t size;
    const char *code = code_of(r, &size);
    return shell_is_complete(code, size);
}
