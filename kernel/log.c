#include "log.h"
#include "streams.h"
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void log_line(const char *format, ...)
{
    char line[1024] = "mesale: ";
    size_t size = strlen(line);
    /* a pipe that can be written to has room for PIPE_BUF bytes, which is more than a line */
    struct pollfd terminal = {.fd = streams_terminal(STREAM_STDERR), .events = POLLOUT};
    va_list args;
    va_start(args, format);
    int rest = vsnprintf(line + size, sizeof line - size - 1, format, args);
    va_end(args);
    size += rest < 0 ? 0 : (size_t)rest;
    if (size > sizeof line - 2)
        size = sizeof line - 2;
    line[size++] = '\n';
    if (poll(&terminal, 1, 0) == 1 && terminal.revents & POLLOUT) {
        ssize_t ignored = write(terminal.fd, line, size);
        (void)ignored;
    }
}
