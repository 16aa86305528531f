#include "input.h"
#include "json.h"
#include "session.h"
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

int input_init(struct input *in)
{
    *in = (struct input){.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    pthread_mutex_init(&in->lock, NULL);
    return in->event_fd < 0 ? -1 : 0;
}

void input_release(struct input *in)
{
    request_release(in->asked);
    buffer_release(&in->answer);
    close(in->event_fd);
    pthread_mutex_destroy(&in->lock);
}

static void send_question(struct kernel *k, struct request *cell, const char *prompt, bool password)
{
    struct message *m = message_new(CHANNEL_STDIN, cell, "input_request");
    buffer_add_text(&m->content, "{\"prompt\":");
    json_add_text(&m->content, prompt, strlen(prompt));
    buffer_addf(&m->content, ",\"password\":%s}", password ? "true" : "false");
    output_queue_add(&k->outputs, m);
}

enum input_result input_ask(struct kernel *k, const char *prompt, bool password)
{
    enum input_result result = INPUT_WAITING;
    struct request *cell = publisher_parent(&k->publisher);
    if (!cell || !cell->identity_count || !json_member_bool(cell->content, "allow_stdin", true)) {
        request_release(cell);
        return INPUT_REFUSED;
    }
    pthread_mutex_lock(&k->input.lock);
    if (k->input.asked) {
        result = INPUT_BUSY;
    } else {
        k->input.asked = request_retain(cell);
        k->input.answered = false;
        event_reset(k->input.event_fd);
        send_question(k, cell, prompt, password);
    }
    pthread_mutex_unlock(&k->input.lock);
    request_release(cell);
    return result;
}

enum input_result input_wait(struct kernel *k, int ms, struct buffer *answer)
{
    enum input_result result = INPUT_WAITING;
    struct pollfd ready = {.fd = k->input.event_fd, .events = POLLIN};
    /* a signal ends the wait at once, which is what its handler in Python needs */
    if (poll(&ready, 1, ms) <= 0)
        return INPUT_WAITING;
    pthread_mutex_lock(&k->input.lock);
    event_reset(k->input.event_fd);
    if (k->input.answered) {
        buffer_add(answer, buffer_text(&k->input.answer), k->input.answer.size);
        request_release(k->input.asked);
        k->input.asked = NULL;
        result = INPUT_ANSWERED;
    }
    pthread_mutex_unlock(&k->input.lock);
    return result;
}

void input_cancel(struct kernel *k)
{
    pthread_mutex_lock(&k->input.lock);
    request_release(k->input.asked);
    k->input.asked = NULL;
    pthread_mutex_unlock(&k->input.lock);
}

/* An answer must come from the client that runs the cell: clients use one identity on shell and
 * stdin. */
static bool same_client(const struct request *a, const struct request *b)
{
    return a->identity_count && b->identity_count &&
           a->identities[0].size == b->identities[0].size &&
           memcmp(a->identities[0].data, b->identities[0].data, a->identities[0].size) == 0;
}

void input_receive(struct kernel *k, struct request *reply)
{
    const json_t *value = json_object_get(reply->content, "value");
    pthread_mutex_lock(&k->input.lock);
    struct input *in = &k->input;
    if (strcmp(reply->type, "input_reply") == 0 && in->asked && !in->answered &&
        same_client(in->asked, reply)) {
        buffer_clear(&in->answer);
        if (json_is_string(value))
            buffer_add(&in->answer, json_string_value(value), json_string_length(value));
        in->answered = true;
        event_set(in->event_fd);
    }
    pthread_mutex_unlock(&k->input.lock);
    request_release(reply);
}
