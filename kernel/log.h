/* What the kernel itself has to say: lines on the stderr that the process was started with. */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

/* Writes "mesale: ", the text and a newline, shortened to 1000 bytes. Never waits: if whoever
 * should read it does not, the line is lost. Any thread. Nothing secret may be in it. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
