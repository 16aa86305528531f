/* The frame parser: any frames make a request or a reason to drop them, and a request can be
 * answered with a message whose frames can be read again. */
#include "frames.h"
#include "json.h"
#include "publish.h"
#include <sodium.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static struct sender sender;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    sender_init(&sender);
    return sodium_init() < 0 ? -1 : 0;
}

static void check_object(struct bytes frame)
{
    json_t *value = json_parse(frame.data, frame.size, NULL);
    if (!json_is_object(value))
        abort();
    json_decref(value);
}

/* The parent's header goes back as it came, everything else is ours and must be whole. */
static void answer(struct request *r, const struct signer *signer)
{
    struct frames frames = {0};
    struct message *m = message_new(CHANNEL_SHELL, r, "answer");
    json_t *all = request_message(r);
    json_add(&m->content, all);
    json_decref(all);
    message_compose(m, &sender, signer, &frames);
    size_t at = wire_find_delimiter(frames.list, frames.count);
    if (at + 2 + SIGN_PARTS > frames.count)
        abort();
    for (int i = 0; i < SIGN_PARTS; i++)
        check_object(frames.list[at + 2 + i]);
    frames_release(&frames);
    message_release(m);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct bytes list[FRAMES_MAX];
    struct signer signer;
    enum wire_problem problem;
    if (!size)
        return 0;
    int flags = data[0];
    size_t count = frames_split(data + 1, size - 1, list);
    signer_init(&signer, flags & FLAG_SHA512 ? SIGN_SHA512 : SIGN_SHA256, "key",
                flags & FLAG_SIGNED ? 3 : 0);
    if (flags & FLAG_CORRECT)
        frames_sign(list, count, &signer);
    struct request *r = request_parse(CHANNEL_SHELL, list, count, &signer, &problem);
    if (!r && (problem == WIRE_GOOD || !*wire_problem_text(problem)))
        abort();
    if (r)
        answer(r, &signer);
    request_release(r);
    signer_release(&signer);
    frames_free(list, count);
    return 0;
}
