#include "error.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEXT_BYTES 4096
#define POLL_MS 10

/* The text is allocated by a thread's first error: a buffer within the thread-local storage would
 * take more of it than a library that is loaded late may have. */
struct error_state {
    enum error_kind kind;
    char *text;
};

static _Thread_local struct error_state error_state;
static pthread_key_t text_key;
static pthread_once_t text_once = PTHREAD_ONCE_INIT;
static _Atomic(warning_fn) warning_handler;
static _Atomic(interrupt_fn) interrupt_handler;

enum error_kind error_kind(void)
{
    return error_state.kind;
}

const char *error_message(void)
{
    return error_state.text ? error_state.text : "";
}

static void make_text_key(void)
{
    pthread_key_create(&text_key, free);
}

/* This thread's buffer, freed when it ends; NULL without memory. */
static char *text_buffer(void)
{
    if (!error_state.text) {
        pthread_once(&text_once, make_text_key);
        error_state.text = malloc(TEXT_BYTES);
        pthread_setspecific(text_key, error_state.text);
    }
    return error_state.text;
}

/* A text cut at the buffer's end must not end within a UTF-8 sequence. */
static void trim_broken_utf8(char *text, size_t capacity)
{
    size_t end = strlen(text);
    if (end + 1 < capacity) {
        return;
    }
    while (end > 0 && ((unsigned char)text[end - 1] & 0xC0) == 0x80) {
        end--;
    }
    if (end > 0 && (unsigned char)text[end - 1] >= 0xC0) {
        end--;
    }
    text[end] = '\0';
}

void error_set(enum error_kind kind, const char *format, ...)
{
    char *text = text_buffer();
    va_list arguments;
    error_state.kind = kind;
    if (!text) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(text, TEXT_BYTES, format, arguments);
    va_end(arguments);
    trim_broken_utf8(text, TEXT_BYTES);
}

void error_clear(void)
{
    error_state.kind = ERROR_NONE;
    if (error_state.text) {
        error_state.text[0] = '\0';
    }
}

void warning_set_handler(warning_fn handler)
{
    atomic_store(&warning_handler, handler);
}

int warning_emit(const char *format, ...)
{
    warning_fn handler = atomic_load(&warning_handler);
    if (!handler) {
        return 0;
    }
    char text[TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    trim_broken_utf8(text, sizeof text);
    return handler(text);
}

void interrupt_set_handler(interrupt_fn handler)
{
    atomic_store(&interrupt_handler, handler);
}

int interrupt_poll(void)
{
    interrupt_fn handler = atomic_load(&interrupt_handler);
    return handler ? handler() : 0;
}

/* the coarse clock costs a few ns and is fine enough for polls 10 ms apart */
static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void work_start(struct work *work)
{
    work->starter = pthread_self();
    atomic_init(&work->stopped, false);
    work->due_ms = now_ms() + POLL_MS;
}

bool work_goes_on(struct work *work)
{
    if (atomic_load_explicit(&work->stopped, memory_order_relaxed)) {
        return false;
    }
    if (!pthread_equal(work->starter, pthread_self()) || now_ms() < work->due_ms) {
        return true;
    }
    if (interrupt_poll()) {
        atomic_store_explicit(&work->stopped, true, memory_order_relaxed);
        return false;
    }
    work->due_ms = now_ms() + POLL_MS;
    return true;
}
