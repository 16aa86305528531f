#include "cell_files.h"
#include "debugger.h"
#include "json.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SOURCE_LIMIT = 64 * 1024 * 1024 };

static const json_t *arguments_of(const struct debugger *d)
{
    const json_t *arguments = json_object_get(d->request->content, "arguments");
    return json_is_object(arguments) ? arguments : NULL;
}

/* A copy that may be changed; an empty object if there are none. */
static json_t *copy_arguments(const struct debugger *d)
{
    const json_t *arguments = arguments_of(d);
    return arguments ? json_copy((json_t *)arguments) : json_object();
}

static const char *source_path(const struct debugger *d)
{
    return json_member_text(json_object_get(arguments_of(d), "source"), "path", "");
}

static void answer_problem(struct debugger *d, struct buffer *problem)
{
    debugger_answer(d, false, buffer_text(problem), NULL);
    buffer_release(problem);
}

/* --- without Python --- */

static json_t *breakpoint_list(const struct debugger *d)
{
    const char *path;
    json_t *list = json_array(), *breakpoints;
    json_object_foreach(d->breakpoints, path, breakpoints)
    {
        json_array_append_new(list,
                              json_pack("{s:s, s:O}", "source", path, "breakpoints", breakpoints));
    }
    return list;
}

static void debug_info(struct debugger *d)
{
    json_t *body =
        json_pack("{s:b, s:s, s:I, s:s, s:s, s:o, s:o, s:b, s:[s], s:b}", "isStarted", d->started,
                  "hashMethod", "Murmur2", "hashSeed", (json_int_t)CELL_FILES_SEED, "tmpFilePrefix",
                  cell_files_prefix(), "tmpFileSuffix", cell_files_suffix, "breakpoints",
                  breakpoint_list(d), "stoppedThreads", json_copy(d->stopped), "richRendering",
                  true, "exceptionPaths", "Python Exceptions", "copyToGlobals", true);
    debugger_answer(d, true, NULL, body);
}

static void dump_cell(struct debugger *d)
{
    const json_t *code = json_object_get(arguments_of(d), "code");
    struct buffer path = BUFFER_INIT, problem = BUFFER_INIT;
    if (!json_is_string(code))
        buffer_add_text(&problem, "dumpCell without a text \"code\"");
    if (problem.size ||
        cell_files_write(json_string_value(code), json_string_length(code), &path, &problem) < 0)
        answer_problem(d, &problem);
    else
        debugger_answer(d, true, NULL, json_pack("{s:s}", "sourcePath", path.data));
    buffer_release(&path);
}

/* The text of a file, or NULL: not a file of a reasonable size. */
static json_t *read_file(const char *path)
{
    struct stat s;
    struct buffer text = BUFFER_INIT;
    bool fit = stat(path, &s) == 0 && S_ISREG(s.st_mode) && s.st_size <= SOURCE_LIMIT &&
               access(path, R_OK) == 0;
    if (!fit)
        return NULL;
    buffer_read_file(&text, path);
    json_t *value = json_text(buffer_text(&text), text.size);
    buffer_release(&text);
    return value;
}

/* A file, or what debugpy knows by a number: cells that ran before the first debug_request. */
static void source(struct debugger *d)
{
    const json_t *arguments = arguments_of(d);
    json_t *text = read_file(source_path(d));
    json_int_t reference = json_member_integer(
        arguments, "sourceReference",
        json_member_integer(json_object_get(arguments, "source"), "sourceReference", 0));
    if (text)
        debugger_answer(d, true, NULL, json_pack("{s:o}", "content", text));
    else if (d->started && reference > 0)
        debugger_ask(d, "source", json_pack("{s:I}", "sourceReference", reference), debugger_pass);
    else
        debugger_answer(d, false, "source unavailable", NULL);
}

/* It was said to debugpy at the end of attach, without which nothing starts. */
static void configuration_done(struct debugger *d)
{
    debugger_answer(d, true, NULL, NULL);
}

/* --- beginning and end --- */

static void forward(struct debugger *d)
{
    debugger_ask(d, json_member_text(d->request->content, "command", ""), copy_arguments(d),
                 debugger_pass);
}

static void initialized(struct debugger *d, json_t *response)
{
    debugger_pass(d, response);
    if (!json_member_bool(response, "success", false))
        debugger_close(d);
}

static void ask_to_initialize(struct debugger *d)
{
    json_t *arguments = copy_arguments(d);
    if (!json_object_get(arguments, "adapterID")) /* debugpy insists on it */
        json_object_set_new(arguments, "adapterID", json_string("mesale"));
    debugger_ask(d, "initialize", arguments, initialized);
}

static void authorized(struct debugger *d, json_t *response)
{
    if (adapter_is_own(&d->adapter, response)) {
        ask_to_initialize(d);
        return;
    }
    debugger_answer(d, false, "somebody else than debugpy has connected", NULL);
    debugger_close(d);
}

static void initialize(struct debugger *d)
{
    struct buffer problem = BUFFER_INIT;
    if (d->started)
        ask_to_initialize(d);
    else if (debugger_open(d, &problem) < 0)
        answer_problem(d, &problem);
    else
        debugger_ask(d, "pydevdAuthorize", json_pack("{s:n}", "debugServerAccessToken"),
                     authorized);
}

static void configured(struct debugger *d, json_t *response)
{
    (void)response;
    debugger_pass(d, d->kept);
}

static void attached(struct debugger *d, json_t *response)
{
    if (!json_member_bool(response, "success", false)) {
        debugger_pass(d, response);
        return;
    }
    d->kept = json_incref(response);
    debugger_ask(d, "configurationDone", NULL, configured);
}

/* As in ipykernel, libraries can be stepped into unless the front end wants justMyCode; the kernel,
 * IPython and the event loop never are. Output goes to the notebook, not to the front end's
 * debugger. */
static void attach(struct debugger *d)
{
    json_t *arguments = copy_arguments(d);
    json_object_del(arguments, "connect");
    json_object_del(arguments, "listen");
    json_object_set_new(arguments, "redirectOutput", json_false());
    if (!json_object_get(arguments, "justMyCode"))
        json_object_set_new(arguments, "justMyCode", json_false());
    json_t *rules = json_copy(json_object_get(arguments, "rules"));
    if (!json_is_array(rules)) {
        json_decref(rules);
        rules = json_array();
    }
    json_array_extend(rules, d->rules);
    json_object_set_new(arguments, "rules", rules);
    debugger_ask(d, "attach", arguments, attached);
}

static void disconnected(struct debugger *d, json_t *response)
{
    debugger_close(d); /* first, so that nothing is traced any more after the answer */
    debugger_pass(d, response);
}

/* Never ends the process, whatever the front end asks for: that is what shutdown_request is for. */
static void disconnect(struct debugger *d)
{
    if (d->started)
        debugger_ask(d, "disconnect", json_pack("{s:b}", "terminateDebuggee", false), disconnected);
    else
        debugger_answer(d, true, NULL, NULL);
}

/* --- breakpoints --- */

static json_t *lines_of(const json_t *breakpoints)
{
    size_t i;
    json_t *lines = json_array(), *one;
    json_array_foreach(breakpoints, i, one)
    {
        json_t *line = json_object_get(one, "line");
        if (line)
            json_array_append_new(lines, json_pack("{s:O}", "line", line));
    }
    return lines;
}

/* debugpy may have moved a breakpoint to another line. */
static void breakpoints_set(struct debugger *d, json_t *response)
{
    json_t *lines = lines_of(json_object_get(json_object_get(response, "body"), "breakpoints"));
    if (!json_member_bool(response, "success", false))
        json_decref(lines);
    else if (json_array_size(lines))
        json_object_set_new(d->breakpoints, source_path(d), lines);
    else {
        json_decref(lines);
        json_object_del(d->breakpoints, source_path(d));
    }
    debugger_pass(d, response);
}

static void set_breakpoints(struct debugger *d)
{
    debugger_ask(d, "setBreakpoints", copy_arguments(d), breakpoints_set);
}

/* --- what stands --- */

static bool is_cell_frame(const json_t *frame)
{
    const char *path = json_member_text(json_object_get(frame, "source"), "path", "");
    return strncmp(path, cell_files_prefix(), strlen(cell_files_prefix())) == 0;
}

/* What called the cell, the kernel and IPython, is left out; then the part that was asked for is
 * taken. */
static void stack_known(struct debugger *d, json_t *response)
{
    const json_t *arguments = arguments_of(d);
    json_t *body = json_object_get(response, "body");
    json_t *frames = json_object_get(body, "stackFrames"), *part = json_array();
    size_t count = json_array_size(frames), end = count;
    while (end && !is_cell_frame(json_array_get(frames, end - 1)))
        end--;
    if (end)
        count = end;
    json_int_t first = json_member_integer(arguments, "startFrame", 0);
    json_int_t levels = json_member_integer(arguments, "levels", 0);
    for (size_t i = first > 0 ? (size_t)first : 0;
         i < count && (levels <= 0 || json_array_size(part) < (size_t)levels); i++)
        json_array_append(part, json_array_get(frames, i));
    if (json_is_object(body)) {
        json_object_set(body, "stackFrames", part);
        json_object_set_new(body, "totalFrames", json_integer((json_int_t)count));
    }
    json_decref(part);
    debugger_pass(d, response);
}

static void stack_trace(struct debugger *d)
{
    json_t *arguments = copy_arguments(d);
    json_object_del(arguments, "startFrame");
    json_object_del(arguments, "levels");
    debugger_ask(d, "stackTrace", arguments, stack_known);
}

/* IPython's own names: they are in every notebook, and nobody has written them. */
static bool is_hidden_name(const char *name)
{
    static const char *const names[] = {
        "__name__",     "__doc__",     "__package__",
        "__loader__",   "__spec__",    "__annotations__",
        "__builtins__", "__builtin__", "__display__",
        "__session__",  "get_ipython", "debugpy",
        "exit",         "quit",        "open",
        "In",           "Out",         "_ih",
        "_oh",          "_dh",         "_",
        "__",           "___",         "_i",
        "_ii",          "_iii",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    /* _12 and _i12 */
    const char *digits = name + (strncmp(name, "_i", 2) == 0 ? 2 : 1);
    return name[0] == '_' && *digits && strspn(digits, "0123456789") == strlen(digits);
}

static void hide_names(json_t *body)
{
    json_t *variables = json_object_get(body, "variables");
    for (size_t i = json_array_size(variables); i-- > 0;) {
        if (is_hidden_name(json_member_text(json_array_get(variables, i), "name", "")))
            json_array_remove(variables, i);
    }
}

static void variables_known(struct debugger *d, json_t *response)
{
    hide_names(json_object_get(response, "body"));
    debugger_pass(d, response);
}

/* Answers with the result of a function of _mesale_debug. */
static void answer_call(struct debugger *d, const char *function)
{
    struct buffer problem = BUFFER_INIT;
    json_t *none = json_object();
    const json_t *arguments = arguments_of(d);
    json_t *body = debugger_call(d, function, arguments ? arguments : none, &problem);
    json_decref(none);
    hide_names(body);
    if (body)
        debugger_answer(d, true, NULL, body);
    else
        answer_problem(d, &problem);
}

static bool something_stands(const struct debugger *d)
{
    return d->started && json_array_size(d->stopped) > 0;
}

static void variables(struct debugger *d)
{
    if (something_stands(d))
        debugger_ask(d, "variables", copy_arguments(d), variables_known);
    else
        answer_call(d, "variables");
}

static void inspect_variables(struct debugger *d)
{
    answer_call(d, "inspect_variables");
}

static void modules(struct debugger *d)
{
    answer_call(d, "modules");
}

static void evaluate(struct debugger *d)
{
    if (json_object_get(arguments_of(d), "frameId"))
        forward(d);
    else
        answer_call(d, "evaluate");
}

/* Whether what was sent is the name of a variable; if not, that is the answer. */
static bool is_name(struct debugger *d, const char *member, struct buffer *problem)
{
    json_t *arguments = json_pack("{s:s}", "name", json_member_text(arguments_of(d), member, ""));
    json_t *good = debugger_call(d, "check_name", arguments, problem);
    json_decref(arguments);
    json_decref(good);
    return good != NULL;
}

/* The frame has put the pictures of the variable where we fetch them. */
static void rich_known(struct debugger *d, json_t *response)
{
    if (json_member_bool(response, "success", false))
        answer_call(d, "take_shown");
    else
        debugger_pass(d, response);
}

static void rich_inspect_variables(struct debugger *d)
{
    const char *name = json_member_text(arguments_of(d), "variableName", "");
    json_t *frame = json_object_get(arguments_of(d), "frameId");
    struct buffer problem = BUFFER_INIT, code = BUFFER_INIT;
    if (strcmp(name, "special variables") == 0 || strcmp(name, "function variables") == 0) {
        debugger_answer(d, true, NULL, json_pack("{s:{}, s:{}}", "data", "metadata"));
    } else if (!is_name(d, "variableName", &problem)) {
        answer_problem(d, &problem);
    } else if (frame && something_stands(d)) {
        buffer_addf(&code, "__import__('_mesale_debug').show(%s)", name);
        debugger_ask(d, "evaluate",
                     json_pack("{s:s, s:O, s:s}", "expression", code.data, "frameId", frame,
                               "context", "watch"),
                     rich_known);
    } else {
        answer_call(d, "rich_inspect");
    }
    buffer_release(&code);
}

static void copy_to_globals(struct debugger *d)
{
    json_t *frame = json_object_get(arguments_of(d), "srcFrameId");
    struct buffer problem = BUFFER_INIT, target = BUFFER_INIT;
    if (!is_name(d, "srcVariableName", &problem) || !is_name(d, "dstVariableName", &problem)) {
        answer_problem(d, &problem);
        return;
    }
    buffer_addf(&target, "__import__('_mesale_debug').user_variables()['%s']",
                json_member_text(arguments_of(d), "dstVariableName", ""));
    debugger_ask(d, "setExpression",
                 json_pack("{s:s, s:s, s:O?}", "expression", target.data, "value",
                           json_member_text(arguments_of(d), "srcVariableName", ""), "frameId",
                           frame),
                 debugger_pass);
    buffer_release(&target);
}

/* --- the table --- */

static const struct command {
    const char *name;
    bool started; /* is refused before initialize */
    void (*serve)(struct debugger *d);
} commands[] = {
    {"debugInfo", false, debug_info},
    {"dumpCell", false, dump_cell},
    {"source", false, source},
    {"inspectVariables", false, inspect_variables},
    {"richInspectVariables", false, rich_inspect_variables},
    {"variables", false, variables},
    {"modules", false, modules},
    {"evaluate", false, evaluate},
    {"initialize", false, initialize},
    {"disconnect", false, disconnect},
    {"terminate", false, disconnect},
    {"attach", true, attach},
    {"configurationDone", true, configuration_done},
    {"setBreakpoints", true, set_breakpoints},
    {"stackTrace", true, stack_trace},
    {"copyToGlobals", true, copy_to_globals},
    {"completions", true, forward},
    {"continue", true, forward},
    {"exceptionInfo", true, forward},
    {"goto", true, forward},
    {"gotoTargets", true, forward},
    {"next", true, forward},
    {"pause", true, forward},
    {"scopes", true, forward},
    {"setDebuggerProperty", true, forward},
    {"setExceptionBreakpoints", true, forward},
    {"setExpression", true, forward},
    {"setFunctionBreakpoints", true, forward},
    {"setVariable", true, forward},
    {"stepIn", true, forward},
    {"stepInTargets", true, forward},
    {"stepOut", true, forward},
    {"threads", true, forward},
};

void debugger_serve(struct debugger *d)
{
    const char *name = json_member_text(d->request->content, "command", "");
    const struct command *c = commands, *end = c + sizeof commands / sizeof commands[0];
    while (c < end && strcmp(c->name, name) != 0)
        c++;
    if (c == end)
        debugger_answer(d, false, "the debugger does not know this command", NULL);
    else if (c->started && !d->started)
        debugger_answer(d, false, "the debugger is not started", NULL);
    else
        c->serve(d);
}
