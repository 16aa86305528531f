/* Connection and registration files: any bytes give a connection or a reason without a word of the
 * file, and what was read can be written, read again, and forgotten. */
#include "connection.h"
#include "json.h"
#include "secret.h"
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    return sodium_init() < 0 ? -1 : 0;
}

static void check_reason(const struct buffer *problem)
{
    if (!problem->size || problem->size > 4 * SECRET_FILE_MAX || strchr(problem->data, '\n'))
        abort();
}

static void use(struct connection *c)
{
    struct buffer text = BUFFER_INIT;
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        connection_address(c, i, &text);
        connection_set_port(c, i, i + 1);
    }
    if (c->registration_port)
        connection_endpoint(c->ipc, c->registration_ip, c->registration_port, &text);
    connection_warn(c, &text);
    buffer_release(&text);
}

static void read_again(struct connection *c)
{
    struct connection again;
    struct buffer text = BUFFER_INIT, problem = BUFFER_INIT;
    json_add(&text, c->file);
    if (connection_parse(&again, text.data, text.size, &problem) < 0 || again.ipc != c->ipc ||
        again.ports[CHANNEL_HB] != c->ports[CHANNEL_HB] || strcmp(again.ip, c->ip) != 0)
        abort();
    connection_release(&again);
    buffer_release(&text);
    buffer_release(&problem);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct connection c;
    struct buffer problem = BUFFER_INIT;
    if (connection_parse(&c, (const char *)data, size, &problem) < 0) {
        check_reason(&problem);
    } else {
        use(&c);
        read_again(&c);
        connection_forget(&c);
    }
    connection_release(&c);
    buffer_release(&problem);
    return 0;
}
