#include "error.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define TEXT_BYTES 4096

struct error_state {
    enum error_kind kind;
    char text[TEXT_BYTES];
};

static _Thread_local struct error_state error_state;
static _Atomic(warning_fn) warning_handler;
static _Atomic(interrupt_fn) interrupt_handler;

enum error_kind error_kind(void)
{
    return error_state.kind;
}

const char *error_message(void)
{
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
    va_list arguments;
    va_start(arguments, format);
    error_state.kind = kind;
    vsnprintf(error_state.text, TEXT_BYTES, format, arguments);
    va_end(arguments);
    trim_broken_utf8(error_state.text, TEXT_BYTES);
}

void error_clear(void)
{
    error_state.kind = ERROR_NONE;
    error_state.text[0] = '\0';
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
