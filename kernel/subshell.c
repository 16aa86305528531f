#include "subshell.h"
#include "dispatch.h"
#include "json.h"
#include "session.h"
#include "shell.h"
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int subshell_init(struct subshell *s, struct kernel *k)
{
    *s = (struct subshell){.kernel = k};
    return request_queue_init(&s->requests);
}

void subshell_release(struct subshell *s)
{
    request_queue_release(&s->requests);
    owner_release(&s->owner);
}

static void free_subshell(struct subshell *s)
{
    subshell_release(s);
    free(s);
}

void subshells_init(struct subshells *all)
{
    *all = (struct subshells){0};
    pthread_mutex_init(&all->lock, NULL);
    condition_init(&all->changed);
}

void subshells_release(struct subshells *all)
{
    /* one whose thread did not come to its end may be used still */
    while (all->first && all->threads == 0) {
        struct subshell *s = all->first;
        all->first = s->next;
        free_subshell(s);
    }
    pthread_mutex_destroy(&all->lock);
    pthread_cond_destroy(&all->changed);
}

static struct subshell **find(struct subshells *all, const char *id)
{
    struct subshell **place = &all->first;
    while (*place && strcmp((*place)->id, id) != 0)
        place = &(*place)->next;
    return place;
}

struct subshell *subshell_find(struct kernel *k, const struct request *r)
{
    const char *id = json_member_text(r->header_json, "subshell_id", "");
    return *id ? *find(&k->subshells, id) : &k->main;
}

/* A random UUID (RFC 9562, version 4). */
static void make_id(char id[SUBSHELL_ID_SIZE])
{
    unsigned char b[16];
    randombytes_buf(b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    snprintf(id, SUBSHELL_ID_SIZE,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
}

/* The end of a thread. A deleted subshell is known to nobody else any more. */
static void end(struct subshell *s)
{
    struct subshells *all = &s->kernel->subshells;
    pthread_mutex_lock(&all->lock);
    if (s->deleted)
        free_subshell(s);
    all->threads--;
    pthread_cond_broadcast(&all->changed);
    pthread_mutex_unlock(&all->lock);
}

static void *run(void *arg)
{
    struct subshell *s = arg;
    struct subshells *all = &s->kernel->subshells;
    pthread_mutex_lock(&all->lock);
    while (!all->python)
        pthread_cond_wait(&all->changed, &all->lock);
    pthread_mutex_unlock(&all->lock);
    publisher_enter(&s->owner);
    if (shell_is_running())
        shell_run_thread(s->requests.event_fd, dispatch_next, s);
    else
        dispatch_without_python(s);
    dispatch_refuse_rest(s);
    publisher_enter(NULL);
    end(s);
    return NULL;
}

/* Signals are the main thread's; the I/O thread, which calls this, has blocked them all. */
static int start(struct subshell *s)
{
    pthread_t thread;
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    int rc = pthread_create(&thread, &detached, run, s);
    pthread_attr_destroy(&detached);
    return rc;
}

/* Its thread notices at once or at the end of its cell. With the lock held. */
static void ask_to_end(struct subshell *s)
{
    atomic_store(&s->stopping, true);
    event_set(s->requests.event_fd);
}

/* Whether there was one of that id. */
static bool remove_subshell(struct subshells *all, const char *id)
{
    pthread_mutex_lock(&all->lock);
    struct subshell **place = find(all, id), *s = *place;
    if (s) {
        *place = s->next;
        s->deleted = true;
        ask_to_end(s);
    }
    pthread_mutex_unlock(&all->lock);
    return s;
}

json_t *subshell_create_reply(struct kernel *k, struct request *r)
{
    struct subshells *all = &k->subshells;
    struct subshell *s = memory_new(sizeof *s);
    (void)r;
    if (subshell_init(s, k) < 0) {
        free_subshell(s);
        return dispatch_error("OSError", "no file descriptors are left");
    }
    make_id(s->id);
    json_t *content = json_pack("{s:s, s:s}", "status", "ok", "subshell_id", s->id);
    pthread_mutex_lock(&all->lock);
    s->next = all->first;
    all->first = s;
    all->threads++;
    pthread_mutex_unlock(&all->lock);
    if (start(s) == 0)
        return content;
    json_decref(content);
    remove_subshell(all, s->id);
    end(s);
    return dispatch_error("OSError", "no thread can be started");
}

json_t *subshell_delete_reply(struct kernel *k, struct request *r)
{
    if (remove_subshell(&k->subshells, json_member_text(r->content, "subshell_id", "")))
        return json_pack("{s:s}", "status", "ok");
    return dispatch_error("ValueError", "there is no subshell of that subshell_id");
}

json_t *subshell_list_reply(struct kernel *k, struct request *r)
{
    json_t *ids = json_array();
    (void)r;
    for (const struct subshell *s = k->subshells.first; s; s = s->next)
        json_array_insert_new(ids, 0, json_string(s->id)); /* in the order of creation */
    return json_pack("{s:s, s:o}", "status", "ok", "subshell_id", ids);
}

void subshells_python_ready(struct kernel *k)
{
    struct subshells *all = &k->subshells;
    pthread_mutex_lock(&all->lock);
    all->python = true;
    pthread_cond_broadcast(&all->changed);
    pthread_mutex_unlock(&all->lock);
}

void subshells_stop(struct kernel *k, int ms)
{
    struct subshells *all = &k->subshells;
    struct timespec until = clock_after(ms);
    int rc = 0;
    pthread_mutex_lock(&all->lock);
    for (struct subshell *s = all->first; s; s = s->next)
        ask_to_end(s);
    while (all->threads > 0 && rc == 0)
        rc = pthread_cond_timedwait(&all->changed, &all->lock, &until);
    pthread_mutex_unlock(&all->lock);
}
