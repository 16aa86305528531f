#include "info.h"
#include "io.h"
#include "json.h"
#include "python.h"

json_t *kernel_info_reply(struct kernel *k, struct request *r)
{
    (void)k, (void)r;
    struct buffer banner = BUFFER_INIT;
    buffer_addf(&banner, "Meşale %s: Python %s with a tensor and autograd library in C",
                MESALE_VERSION, python_version());
    json_t *language =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:s, s:i}, s:s}", "name", "python", "version",
                  python_version(), "mimetype", "text/x-python", "file_extension", ".py",
                  "pygments_lexer", "ipython3", "codemirror_mode", "name", "ipython", "version", 3,
                  "nbconvert_exporter", "python");
    json_t *content = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:o, s:[{s:s, s:s}, {s:s, s:s}], s:[s, s], s:b}", "status", "ok",
        "protocol_version", wire_protocol_version, "implementation", "mesale",
        "implementation_version", MESALE_VERSION, "banner", banner.data, "language_info", language,
        "help_links", "text", "Python Reference", "url", "https://docs.python.org/3", "text",
        "PyTorch Reference", "url", "https://docs.pytorch.org/docs", "supported_features",
        "debugger", "kernel subshells", "debugger", true);
    buffer_release(&banner);
    return content;
}

json_t *connect_reply(struct kernel *k, struct request *r)
{
    (void)r;
    json_t *content = json_pack("{s:s}", "status", "ok");
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        char key[32];
        snprintf(key, sizeof key, "%s_port", channel_name(i));
        json_object_set_new(content, key, json_integer(k->connection.ports[i]));
    }
    return content;
}

json_t *shutdown_reply(struct kernel *k, struct request *r)
{
    bool restart = json_member_bool(r->content, "restart", false);
    json_t *content = json_pack("{s:s, s:b}", "status", "ok", "restart", restart);
    struct message *m = message_new(CHANNEL_IOPUB, r, "shutdown_reply");
    json_add(&m->content, content);
    io_send(k, m);
    lifetime_stop(k);
    return content;
}

json_t *interrupt_reply(struct kernel *k, struct request *r)
{
    (void)k, (void)r;
    python_interrupt(); /* first: or the end of a child could end the cell */
    lifetime_interrupt_children();
    return json_pack("{s:s}", "status", "ok");
}
