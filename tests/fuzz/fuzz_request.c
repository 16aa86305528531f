/* The content of each kind of request, given to the whole kernel but its sockets: dispatch, shell,
 * Python and IPython. An input is the type, metadata, content and raw buffers (frames.h). Each gets
 * busy, at most one reply, idle, and every message can be read. Programs are not made up: the code
 * of cells is replaced. */
#include "comm.h"
#include "dispatch.h"
#include "frames.h"
#include "json.h"
#include "pymodule.h"
#include "python.h"
#include "streams.h"
#include <sodium.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static struct kernel k;
static struct signer none;
static char folder[] = "/tmp/fuzz-request-XXXXXX";

static void fail(const char *why)
{
    fprintf(stderr, "fuzz_request: %s\n", why);
    abort();
}

static void send_comm(void *kernel, const char *type, const json_t *content, const json_t *metadata,
                      struct buffer *buffers, size_t buffer_count)
{
    comm_send(kernel, type, content, metadata, buffers, buffer_count);
}

static struct request *parent(void *kernel)
{
    return publisher_parent(&((struct kernel *)kernel)->publisher);
}

/* Nothing of the person's own is touched: no history, no profile, no files. */
static void leave_home(void)
{
    if (!mkdtemp(folder) || chdir(folder) < 0)
        fail("no temporary folder");
    setenv("HOME", folder, 1);
    setenv("IPYTHONDIR", folder, 1);
    setenv("XDG_STATE_HOME", folder, 1);
    setenv("JUPYTER_DATA_DIR", folder, 1);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const struct front_end front_end = {.context = &k, .comm = send_comm, .parent = parent};
    const struct python_options options = {.python = getenv("MESALE_FUZZ_PYTHON")};
    (void)argc, (void)argv;
    if (sodium_init() < 0)
        return -1;
    leave_home();
    signer_init(&none, SIGN_SHA256, "", 0);
    sender_init(&k.sender);
    publisher_init(&k.publisher, &k.outputs);
    subshells_init(&k.subshells);
    if (subshell_init(&k.main, &k) < 0 || output_queue_init(&k.outputs) < 0)
        fail("no descriptors");
    streams_set_sink(&k.publisher.sink);
    pymodule_set_front_end(&front_end);
    publisher_enter(&k.publisher.main);
    if (python_start(&options, &k.problem) < 0 || shell_start(&k.problem) < 0)
        fail(buffer_text(&k.problem));
    subshells_python_ready(&k);
    return 0;
}

/* What would end the process, start threads or wait for somebody is for the tests with a real
 * kernel. */
static bool is_wanted(const struct request *r)
{
    static const char *const unwanted[] = {"shutdown_request", "interrupt_request",
                                           "create_subshell_request", "debug_request"};
    for (size_t i = 0; i < sizeof unwanted / sizeof unwanted[0]; i++) {
        if (strcmp(r->type, unwanted[i]) == 0)
            return false;
    }
    return true;
}

static void replace_code(struct request *r)
{
    json_t *expressions = json_object_get(r->content, "user_expressions"), *value;
    const char *name;
    void *next;
    if (strcmp(r->type, "execute_request") != 0)
        return;
    if (json_is_string(json_object_get(r->content, "code")))
        json_object_set_new(r->content, "code", json_string("len([1])"));
    json_object_foreach_safe(expressions, next, name, value)
    {
        if (json_is_string(value))
            json_object_set_new(expressions, name, json_string("1"));
    }
}

static struct request *make(const struct bytes *list, size_t count)
{
    struct buffer header = BUFFER_INIT;
    struct bytes frames[FRAMES_MAX + 6];
    enum wire_problem problem;
    buffer_add_text(&header, "{\"msg_id\":\"m\",\"msg_type\":");
    json_add_text(&header, list[0].data, list[0].size);
    buffer_add_char(&header, '}');
    frames[0] = (struct bytes){wire_delimiter, strlen(wire_delimiter)};
    frames[1] = (struct bytes){"", 0};
    frames[2] = (struct bytes){header.data, header.size};
    frames[3] = (struct bytes){"{}", 2};
    memcpy(frames + 4, list + 1, (count - 1) * sizeof *list);
    struct request *r = request_parse(CHANNEL_SHELL, frames, count + 3, &none, &problem);
    buffer_release(&header);
    return r;
}

static bool serve(void *shell)
{
    struct subshell *s = shell;
    bool more = dispatch_next(s);
    if (!more && atomic_load(&s->unfinished) == 0)
        shell_stop_loop();
    return more;
}

static void check_message(const struct message *m, int *busy, int *replies, int *idle)
{
    const struct buffer *parts[] = {&m->content, &m->metadata};
    for (int i = 0; i < 2; i++) {
        json_t *value = parts[i]->size ? json_parse(parts[i]->data, parts[i]->size, NULL) : NULL;
        if (parts[i]->size && !json_is_object(value))
            fail("a part of a message is no object");
        if (i == 0 && strcmp(m->type, "status") == 0) {
            bool ends = strcmp(json_member_text(value, "execution_state", ""), "idle") == 0;
            *(ends ? idle : busy) += 1;
        }
        json_decref(value);
    }
    *replies += m->channel == CHANNEL_SHELL && m->type;
    if (*idle > 1 || *busy != 1)
        fail("busy and idle are not the first and the last message");
}

static void check_messages(void)
{
    int busy = 0, replies = 0, idle = 0;
    int64_t due;
    for (struct message *m; (m = output_queue_take(&k.outputs, true, &due));) {
        if (m->type && m->parent)
            check_message(m, &busy, &replies, &idle);
        message_release(m);
    }
    if (busy != 1 || idle != 1 || replies > 1)
        fail("not one busy, one idle and at most one reply");
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct bytes list[FRAMES_MAX];
    size_t count = frames_split(data, size, list);
    struct request *r = count >= 3 ? make(list, count) : NULL;
    if (r && is_wanted(r)) {
        replace_code(r);
        dispatch_received(&k, r);
        PyRun_SimpleString("import _mesale_loop; _mesale_loop.main._stopping = False");
        shell_run_loop(k.main.requests.event_fd, serve, &k.main);
        check_messages();
    } else {
        request_release(r);
    }
    frames_free(list, count);
    return 0;
}
