/* Frames ↔ messages. No sockets: frames are byte ranges.
 *
 * Received frames: identity…, "<IDS|MSG>", signature, header, parent header, metadata, content,
 * buffer…
 */
#ifndef KERNEL_WIRE_H
#define KERNEL_WIRE_H

#include "connection.h"
#include "sign.h"
#include "sink.h"
#include <stdatomic.h>

struct subshell;

/* A request as received. Immutable and shared: a reply and every output of it hold a reference. */
struct request {
    atomic_int references;
    enum channel channel;
    struct buffer *identities; /* routing frames, to be sent back first */
    size_t identity_count;
    struct buffer header; /* the exact bytes: they become parent_header of every answer */
    json_t *header_json;  /* an object with the two members below */
    const char *type;     /* msg_type, borrowed from header_json */
    const char *id;       /* msg_id, likewise */
    json_t *parent;       /* an object, possibly empty */
    json_t *metadata;     /* likewise */
    json_t *content;      /* an object; NULL if what came was none */
    struct buffer *buffers;
    size_t buffer_count;
    struct subshell *shell; /* that it was handed to and that counts it, while it is unfinished;
                               NULL: the I/O thread serves it */
    int64_t waited_ms;      /* the I/O thread's: how long its outputs found no room, in total */
};

enum wire_problem {
    WIRE_GOOD,
    WIRE_TRUNCATED, /* too few frames or no delimiter */
    WIRE_TOO_LARGE, /* WIRE_FRAMES_MAX or WIRE_PARTS_MAX */
    WIRE_WRONG_KEY, /* signature does not match */
    WIRE_REPLAYED,
    WIRE_NOT_JSON, /* no usable header: nobody could be answered */
};

enum {
    WIRE_FRAMES_MAX = 16384,           /* frames of a message that is received */
    WIRE_PARTS_MAX = 16 * 1024 * 1024, /* bytes of its four signed parts: so long strangers can keep
                                          us busy with checking a signature */
};

/* Where the delimiter is, or `count`. */
size_t wire_find_delimiter(const struct bytes *frames, size_t count);

const char *wire_problem_text(enum wire_problem problem);

/* A request made of copies of the frames, with one reference; NULL and the reason if it must be
 * dropped. Nothing is parsed before the signature was found good. */
struct request *request_parse(enum channel channel, const struct bytes *frames, size_t count,
                              struct signer *signer, enum wire_problem *problem);
/* A request of nobody's whose header is that object, to be the parent of outputs; NULL if it lacks
 * a type or an id. */
struct request *request_of_header(const json_t *header);
struct request *request_retain(struct request *r); /* NULL is allowed, here and below */
void request_release(struct request *r);

/* The request as one object: header, parent_header, metadata, content. A new reference. */
json_t *request_message(const struct request *r);

/* Something to send. Owned by one holder at a time: its maker, then a queue, then the I/O thread.
 */
struct message {
    struct message *next;
    enum channel channel;
    struct request *parent; /* retained, or NULL */
    const char *type;       /* a constant text */
    char *topic;            /* first frame on iopub; NULL: made from the type */
    struct buffer metadata; /* JSON text; empty: {} */
    struct buffer content;  /* JSON text; empty: {} */
    struct buffer *buffers; /* raw frames */
    size_t buffer_count;
    bool is_stream; /* a run of text: `text` goes out in pieces, `content` is not used */
    enum stream_name stream;
    struct buffer text;
    size_t sent;    /* bytes of text that are out */
    int64_t due_ms; /* a run that still grows goes out then */
};

struct message *message_new(enum channel channel, struct request *parent, const char *type);
void message_release(struct message *m);

/* Whether it is the last message of a request. */
bool message_is_idle(const struct message *m);

/* Size in memory, roughly: what a queue counts. */
size_t message_size(const struct message *m);

/* Who sends: what every header says. */
struct sender {
    char session[33];
    char username[64];
    uint64_t count; /* messages made so far */
};

void sender_init(struct sender *s);

/* Appends the time of now as messages say it: UTC, "2026-11-23T18:00:32.959930Z". */
void wire_add_time(struct buffer *out);

enum { WIRE_TEXT_LIMIT = 64 * 1024 }; /* bytes of text in one stream message */

/* The frames of one message, ready to send. */
struct frames {
    struct bytes *list;
    size_t count, capacity;
    struct buffer header, content, topic; /* memory that the list points to */
    char signature[SIGN_HEX_MAX + 1];
};

void frames_release(struct frames *f);

/* Fills `out`, whose ranges point into itself and into `m` and are valid until either changes. Of a
 * run of text, the next WIRE_TEXT_LIMIT bytes are taken; returns how many of its bytes these are (0
 * for other messages). */
size_t message_compose(const struct message *m, struct sender *sender, const struct signer *signer,
                       struct frames *out);

extern const char wire_delimiter[]; /* "<IDS|MSG>" */
extern const char wire_protocol_version[];

#endif
