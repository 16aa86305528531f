#include "wire.h"
#include "json.h"
#include "suite.h"
#include <sodium.h>
#include <string.h>

#define BYTES(text)                                                                                \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const char header[] =
    "{\"msg_id\":\"m1\",\"msg_type\":\"execute_request\",\"session\":\"s\",\"extra\":[1]}";

static struct signer signer;

static void setup(const char *key)
{
    signer_init(&signer, SIGN_SHA256, key, strlen(key));
}

static struct request *parse(const struct bytes *frames, size_t count, enum wire_problem *problem)
{
    return request_parse(CHANNEL_SHELL, frames, count, &signer, problem);
}

START_TEST(a_request_keeps_identities_header_bytes_and_buffers)
{
    const struct bytes frames[] = {
        BYTES("id1"), BYTES(""),     BYTES("<IDS|MSG>"),        BYTES(""),       BYTES(header),
        BYTES("{}"),  BYTES("null"), BYTES("{\"code\":\"1\"}"), BYTES("raw\0x"), BYTES("")};
    enum wire_problem problem;
    setup("");
    struct request *r = parse(frames, 10, &problem);
    ck_assert_ptr_nonnull(r);
    ck_assert_uint_eq(r->identity_count, 2);
    ck_assert_str_eq(r->identities[0].data, "id1");
    ck_assert_str_eq(r->header.data, header);
    ck_assert_str_eq(r->type, "execute_request");
    ck_assert_str_eq(r->id, "m1");
    ck_assert(json_is_object(r->metadata));
    ck_assert_str_eq(json_member_text(r->content, "code", ""), "1");
    ck_assert_uint_eq(r->buffer_count, 2);
    ck_assert_uint_eq(r->buffers[0].size, 5);
    request_retain(r);
    request_release(r);
    request_release(r);
    signer_release(&signer);
}
END_TEST

START_TEST(messages_without_all_frames_or_a_usable_header_are_dropped)
{
    const struct bytes cut[] = {BYTES("id"),   BYTES("<IDS|MSG>"), BYTES(""),
                                BYTES(header), BYTES("{}"),        BYTES("{}")};
    struct bytes whole[] = {BYTES("<IDS|MSG>"), BYTES(""),   BYTES("?"),
                            BYTES("{}"),        BYTES("{}"), BYTES("{}")};
    static const char *const headers[] = {
        "", "x", "[]", "{}", "{\"msg_id\":\"a\"}", "{\"msg_id\":1,\"msg_type\":\"t\"}"};
    enum wire_problem problem;
    setup("");
    for (size_t count = 0; count <= 6; count++) {
        ck_assert_ptr_null(parse(cut, count, &problem));
        ck_assert_int_eq(problem, WIRE_TRUNCATED);
    }
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        whole[2] = (struct bytes){headers[i], strlen(headers[i])};
        ck_assert_ptr_null(parse(whole, 6, &problem));
        ck_assert_int_eq(problem, WIRE_NOT_JSON);
    }
    signer_release(&signer);
}
END_TEST

START_TEST(messages_that_are_too_large_are_dropped_before_their_signature_is_looked_at)
{
    static const struct bytes end[] = {BYTES("<IDS|MSG>"), BYTES("?"),  BYTES(header),
                                       BYTES("{}"),        BYTES("{}"), BYTES("{}")};
    enum wire_problem problem;
    struct bytes *frames = memory_new((WIRE_FRAMES_MAX + 1) * sizeof *frames);
    char *large = memory_new(WIRE_PARTS_MAX);
    setup("secret");
    memcpy(frames, end, sizeof end);
    ck_assert_ptr_null(parse(frames, WIRE_FRAMES_MAX + 1, &problem));
    ck_assert_int_eq(problem, WIRE_TOO_LARGE);
    ck_assert_ptr_null(parse(frames, WIRE_FRAMES_MAX, &problem));
    ck_assert_int_eq(problem, WIRE_WRONG_KEY);
    frames[5] = (struct bytes){large, WIRE_PARTS_MAX};
    ck_assert_ptr_null(parse(frames, 6, &problem));
    ck_assert_int_eq(problem, WIRE_TOO_LARGE);
    frames[5] = end[5];
    frames[6] = (struct bytes){large, WIRE_PARTS_MAX}; /* raw buffers are not signed */
    ck_assert_ptr_null(parse(frames, 7, &problem));
    ck_assert_int_eq(problem, WIRE_WRONG_KEY);
    signer_release(&signer);
    free(large);
    free(frames);
}
END_TEST

START_TEST(a_content_that_is_no_object_still_makes_a_request)
{
    const struct bytes frames[] = {BYTES("<IDS|MSG>"), BYTES(""),   BYTES(header),
                                   BYTES("?"),         BYTES("[]"), BYTES("\xFF")};
    enum wire_problem problem;
    setup("");
    struct request *r = parse(frames, 6, &problem);
    ck_assert_ptr_nonnull(r);
    ck_assert_ptr_null(r->content);
    ck_assert_uint_eq(json_object_size(r->parent), 0);
    request_release(r);
    signer_release(&signer);
}
END_TEST

START_TEST(nothing_is_parsed_before_the_signature_is_good)
{
    const struct bytes parts[SIGN_PARTS] = {BYTES(header), BYTES("{}"), BYTES("{}"), BYTES("{}")};
    char hex[SIGN_HEX_MAX + 1];
    enum wire_problem problem;
    setup("secret");
    signer_sign(&signer, parts, SIGN_PARTS, hex);
    struct bytes frames[] = {BYTES("<IDS|MSG>"), {hex, strlen(hex)}, parts[0],
                             parts[1],           parts[2],           BYTES("{ }")};
    ck_assert_ptr_null(parse(frames, 6, &problem));
    ck_assert_int_eq(problem, WIRE_WRONG_KEY);
    frames[5] = parts[3];
    request_release(parse(frames, 6, &problem));
    ck_assert_int_eq(problem, WIRE_GOOD);
    ck_assert_ptr_null(parse(frames, 6, &problem));
    ck_assert_int_eq(problem, WIRE_REPLAYED);
    signer_release(&signer);
}
END_TEST

/* What was composed, received: the frames after the topic or the identities are a signed message
 * again. */
static struct request *receive(const struct frames *f)
{
    enum wire_problem problem;
    struct request *r = request_parse(CHANNEL_IOPUB, f->list, f->count, &signer, &problem);
    ck_assert_int_eq(problem, WIRE_GOOD);
    return r;
}

START_TEST(a_message_is_signed_and_carries_its_parent)
{
    const struct bytes in[] = {BYTES("client"), BYTES("<IDS|MSG>"), BYTES(""),  BYTES(header),
                               BYTES("{}"),     BYTES("{}"),        BYTES("{}")};
    struct sender sender;
    struct frames f = {0};
    enum wire_problem problem;
    struct signer none;
    signer_init(&none, SIGN_SHA256, "", 0);
    setup("secret");
    sender_init(&sender);
    struct request *parent = request_parse(CHANNEL_SHELL, in, 7, &none, &problem);
    struct message *m = message_new(CHANNEL_SHELL, parent, "execute_reply");
    buffer_add_text(&m->content, "{\"status\":\"ok\"}");
    message_compose(m, &sender, &signer, &f);
    struct request *r = receive(&f);
    ck_assert_uint_eq(r->identity_count, 1);
    ck_assert_str_eq(r->identities[0].data, "client");
    ck_assert(json_equal(r->parent, parent->header_json));
    ck_assert_str_eq(json_member_text(r->content, "status", ""), "ok");
    static const char *const fields[] = {"msg_id", "session",  "username",
                                         "date",   "msg_type", "version"};
    for (int i = 0; i < 6; i++)
        ck_assert_ptr_nonnull(json_member_text(r->header_json, fields[i], NULL));
    request_release(r);
    message_release(m);
    request_release(parent);
    frames_release(&f);
    signer_release(&none);
    signer_release(&signer);
}
END_TEST

START_TEST(a_long_text_goes_out_in_pieces_between_characters)
{
    struct sender sender;
    struct frames f = {0};
    struct buffer joined = BUFFER_INIT;
    int pieces = 0;
    setup("k");
    sender_init(&sender);
    struct message *m = message_new(CHANNEL_IOPUB, NULL, "stream");
    m->is_stream = true;
    for (int i = 0; i < 60000; i++)
        buffer_add_text(&m->text, "a\xC5\x9F");
    for (; m->sent < m->text.size; pieces++) {
        m->sent += message_compose(m, &sender, &signer, &f);
        struct request *r = receive(&f);
        ck_assert_str_eq(r->identities[0].data, "stream.stdout");
        const char *text = json_member_text(r->content, "text", "");
        ck_assert_uint_le(strlen(text), WIRE_TEXT_LIMIT);
        buffer_add_text(&joined, text);
        request_release(r);
    }
    ck_assert_int_eq(pieces, 3);
    ck_assert_str_eq(joined.data, m->text.data);
    buffer_release(&joined);
    message_release(m);
    frames_release(&f);
    signer_release(&signer);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_request_keeps_identities_header_bytes_and_buffers,
        messages_without_all_frames_or_a_usable_header_are_dropped,
        messages_that_are_too_large_are_dropped_before_their_signature_is_looked_at,
        a_content_that_is_no_object_still_makes_a_request,
        nothing_is_parsed_before_the_signature_is_good,
        a_message_is_signed_and_carries_its_parent,
        a_long_text_goes_out_in_pieces_between_characters,
        NULL};
    return sodium_init() < 0 ? EXIT_FAILURE : run_tests("wire", tests);
}
