#include "wire.h"
#include "json.h"
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

const char wire_delimiter[] = "<IDS|MSG>";
const char wire_protocol_version[] = "5.6";

enum { DELIMITER_SIZE = sizeof wire_delimiter - 1 };

const char *wire_problem_text(enum wire_problem problem)
{
    switch (problem) {
    case WIRE_TRUNCATED:
        return "message with missing frames";
    case WIRE_TOO_LARGE:
        return "message that is too large";
    case WIRE_WRONG_KEY:
        return "message with a wrong signature";
    case WIRE_REPLAYED:
        return "message that was received before";
    case WIRE_NOT_JSON:
        return "message without a usable header";
    default:
        return "message";
    }
}

static struct buffer *copy_frames(const struct bytes *frames, size_t count)
{
    struct buffer *copies = memory_new(count * sizeof *copies);
    for (size_t i = 0; i < count; i++)
        buffer_add(&copies[i], frames[i].data, frames[i].size);
    return copies;
}

static void release_frames(struct buffer *frames, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buffer_release(&frames[i]);
    free(frames);
}

/* The object in a frame, or NULL. */
static json_t *parse_object(struct bytes frame)
{
    json_t *value = json_parse(frame.data, frame.size, NULL);
    if (value && !json_is_object(value)) {
        json_decref(value);
        value = NULL;
    }
    return value;
}

static json_t *parse_object_or_empty(struct bytes frame)
{
    json_t *value = parse_object(frame);
    return value ? value : json_object();
}

/* With its header (stolen) and nothing else; NULL if that lacks a type or an id. */
static struct request *request_new(enum channel channel, json_t *header)
{
    const char *type = json_member_text(header, "msg_type", NULL),
               *id = json_member_text(header, "msg_id", NULL);
    if (!type || !id) {
        json_decref(header);
        return NULL;
    }
    struct request *r = memory_new(sizeof *r);
    *r = (struct request){
        .references = 1, .channel = channel, .header_json = header, .type = type, .id = id};
    return r;
}

struct request *request_of_header(const json_t *header)
{
    struct request *r = request_new(CHANNEL_IOPUB, json_deep_copy(header));
    if (!r)
        return NULL;
    json_add(&r->header, header);
    r->parent = json_object();
    r->metadata = json_object();
    r->content = json_object();
    return r;
}

size_t wire_find_delimiter(const struct bytes *frames, size_t count)
{
    size_t at = 0;
    while (at < count && (frames[at].size != DELIMITER_SIZE ||
                          memcmp(frames[at].data, wire_delimiter, DELIMITER_SIZE) != 0))
        at++;
    return at;
}

/* All that is looked at before a stranger's message is dropped: sizes and the signature. */
static enum wire_problem check_frames(const struct bytes *frames, size_t count, size_t ids,
                                      struct signer *signer)
{
    size_t size = 0;
    if (count > WIRE_FRAMES_MAX)
        return WIRE_TOO_LARGE;
    if (ids + 2 + SIGN_PARTS > count)
        return WIRE_TRUNCATED;
    const struct bytes *parts = frames + ids + 2;
    for (int i = 0; i < SIGN_PARTS; i++)
        size += parts[i].size;
    if (size > WIRE_PARTS_MAX)
        return WIRE_TOO_LARGE;
    switch (signer_verify(signer, parts, SIGN_PARTS, frames[ids + 1])) {
    case SIGN_GOOD:
        return WIRE_GOOD;
    case SIGN_REPLAYED:
        return WIRE_REPLAYED;
    default:
        return WIRE_WRONG_KEY;
    }
}

struct request *request_parse(enum channel channel, const struct bytes *frames, size_t count,
                              struct signer *signer, enum wire_problem *problem)
{
    size_t ids = wire_find_delimiter(frames, count);
    *problem = check_frames(frames, count, ids, signer);
    if (*problem != WIRE_GOOD)
        return NULL;
    const struct bytes *parts = frames + ids + 2;

    *problem = WIRE_NOT_JSON;
    struct request *r = request_new(channel, parse_object(parts[0]));
    if (!r)
        return NULL;
    r->identities = copy_frames(frames, ids);
    r->identity_count = ids;
    buffer_add(&r->header, parts[0].data, parts[0].size);
    r->parent = parse_object_or_empty(parts[1]);
    r->metadata = parse_object_or_empty(parts[2]);
    r->content = parse_object(parts[3]);
    r->buffer_count = count - ids - 2 - SIGN_PARTS;
    r->buffers = copy_frames(parts + SIGN_PARTS, r->buffer_count);
    *problem = WIRE_GOOD;
    return r;
}

struct request *request_retain(struct request *r)
{
    if (r)
        atomic_fetch_add_explicit(&r->references, 1, memory_order_relaxed);
    return r;
}

void request_release(struct request *r)
{
    if (!r || atomic_fetch_sub_explicit(&r->references, 1, memory_order_acq_rel) != 1)
        return;
    release_frames(r->identities, r->identity_count);
    release_frames(r->buffers, r->buffer_count);
    buffer_release(&r->header);
    json_decref(r->header_json);
    json_decref(r->parent);
    json_decref(r->metadata);
    json_decref(r->content);
    free(r);
}

json_t *request_message(const struct request *r)
{
    return json_pack("{s:O, s:s, s:s, s:O, s:O, s:O?}", "header", r->header_json, "msg_id", r->id,
                     "msg_type", r->type, "parent_header", r->parent, "metadata", r->metadata,
                     "content", r->content);
}

struct message *message_new(enum channel channel, struct request *parent, const char *type)
{
    struct message *m = memory_new(sizeof *m);
    *m = (struct message){.channel = channel, .parent = request_retain(parent), .type = type};
    return m;
}

void message_release(struct message *m)
{
    if (!m)
        return;
    request_release(m->parent);
    release_frames(m->buffers, m->buffer_count);
    buffer_release(&m->metadata);
    buffer_release(&m->content);
    buffer_release(&m->text);
    free(m->topic);
    free(m);
}

bool message_is_idle(const struct message *m)
{
    return m->type && strcmp(m->type, "status") == 0 && strstr(buffer_text(&m->content), "idle");
}

size_t message_size(const struct message *m)
{
    size_t size = sizeof *m + m->metadata.size + m->content.size + m->text.size;
    for (size_t i = 0; i < m->buffer_count; i++)
        size += m->buffers[i].size;
    return size;
}

void sender_init(struct sender *s)
{
    unsigned char random[16];
    const char *name = getenv("USER");
    *s = (struct sender){0};
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(s->session, sizeof s->session, random, sizeof random);
    snprintf(s->username, sizeof s->username, "%s", name && *name ? name : "username");
}

void frames_release(struct frames *f)
{
    free(f->list);
    buffer_release(&f->header);
    buffer_release(&f->content);
    buffer_release(&f->topic);
    *f = (struct frames){0};
}

static void add_frame(struct frames *f, const void *data, size_t size)
{
    if (f->count == f->capacity) {
        f->capacity = f->capacity ? 2 * f->capacity : 16;
        f->list = memory_resize(f->list, f->capacity * sizeof *f->list);
    }
    f->list[f->count++] = (struct bytes){data ? data : "", size};
}

void wire_add_time(struct buffer *out)
{
    struct timeval now;
    struct tm utc;
    gettimeofday(&now, NULL);
    gmtime_r(&now.tv_sec, &utc);
    buffer_addf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ", utc.tm_year + 1900, utc.tm_mon + 1,
                utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, (long)now.tv_usec);
}

static void compose_header(struct sender *sender, const char *type, struct buffer *out)
{
    buffer_clear(out);
    buffer_addf(out, "{\"msg_id\":\"%s_%d_%llu\",\"session\":\"%s\",\"username\":", sender->session,
                (int)getpid(), (unsigned long long)++sender->count, sender->session);
    json_add_text(out, sender->username, strlen(sender->username));
    buffer_add_text(out, ",\"date\":\"");
    wire_add_time(out);
    buffer_addf(out, "\",\"msg_type\":\"%s\",\"version\":\"%s\"}", type, wire_protocol_version);
}

/* The next piece of a run as a stream message's content; returns its bytes of text. */
static size_t compose_text(const struct message *m, struct buffer *out)
{
    size_t size = m->text.size - m->sent;
    if (size > WIRE_TEXT_LIMIT)
        size = utf8_complete(m->text.data + m->sent, WIRE_TEXT_LIMIT);
    buffer_clear(out);
    buffer_addf(out, "{\"name\":\"%s\",\"text\":", stream_text(m->stream));
    json_add_text(out, m->text.data + m->sent, size);
    buffer_add_char(out, '}');
    return size;
}

static void compose_topic(const struct message *m, const char *session, struct buffer *out)
{
    buffer_clear(out);
    if (m->topic)
        buffer_add_text(out, m->topic);
    else if (m->is_stream)
        buffer_addf(out, "stream.%s", stream_text(m->stream));
    else
        buffer_addf(out, "kernel.%s.%s", session, m->type);
}

static struct bytes object_text(const struct buffer *b)
{
    return b->size ? (struct bytes){b->data, b->size} : (struct bytes){"{}", 2};
}

size_t message_compose(const struct message *m, struct sender *sender, const struct signer *signer,
                       struct frames *out)
{
    size_t text = 0;
    out->count = 0;
    compose_header(sender, m->type, &out->header);
    if (m->is_stream)
        text = compose_text(m, &out->content);
    if (m->channel == CHANNEL_IOPUB) {
        compose_topic(m, sender->session, &out->topic);
        add_frame(out, out->topic.data, out->topic.size);
    } else if (m->parent) {
        for (size_t i = 0; i < m->parent->identity_count; i++)
            add_frame(out, m->parent->identities[i].data, m->parent->identities[i].size);
    }
    const struct bytes parts[SIGN_PARTS] = {
        {out->header.data, out->header.size},
        m->parent ? object_text(&m->parent->header) : (struct bytes){"{}", 2},
        object_text(&m->metadata),
        object_text(m->is_stream ? &out->content : &m->content),
    };
    signer_sign(signer, parts, SIGN_PARTS, out->signature);
    add_frame(out, wire_delimiter, DELIMITER_SIZE);
    add_frame(out, out->signature, strlen(out->signature));
    for (int i = 0; i < SIGN_PARTS; i++)
        add_frame(out, parts[i].data, parts[i].size);
    for (size_t i = 0; i < m->buffer_count; i++)
        add_frame(out, m->buffers[i].data, m->buffers[i].size);
    return text;
}
