#include "run_report.h"

#include "json.h"
#include <fcntl.h>
#include <string.h>
#include <time.h>

double run_report_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void run_report_init(struct run_report *report, int descriptor)
{
    if (descriptor >= 0)
        fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    *report = (struct run_report){
        .descriptor = descriptor,
        .begin = run_report_clock(),
        .result = json_pack("{si sf si si si s[] s[]}", "status", 0, "seconds", 0.0, "compared", 0,
                            "differing", 0, "updated", 0, "messages", "cells"),
    };
}

void run_report_release(struct run_report *report)
{
    json_decref(report->result);
    report->result = NULL;
}

static void send_line(const struct run_report *report, const json_t *value)
{
    struct buffer line = BUFFER_INIT;
    json_add(&line, value);
    buffer_add_char(&line, '\n');
    write_fully(report->descriptor, line.data, line.size);
    buffer_release(&line);
}

void run_report_progress(const struct run_report *report, size_t done, size_t total)
{
    if (report->descriptor < 0)
        return;
    json_t *line = json_pack("{sI sI}", "done", (json_int_t)done, "of", (json_int_t)total);
    send_line(report, line);
    json_decref(line);
}

void run_report_message(struct run_report *report, const char *text)
{
    json_array_append_new(json_object_get(report->result, "messages"),
                          json_text(text, strlen(text)));
}

json_t *run_report_cell(struct run_report *report, size_t cell, const char *outcome,
                        long long count, double seconds)
{
    json_t *entry = json_pack("{sI sI sf ss}", "cell", (json_int_t)cell, "count", (json_int_t)count,
                              "seconds", seconds, "outcome", outcome);
    json_array_append_new(json_object_get(report->result, "cells"), entry);
    return entry;
}

void run_report_fail(json_t *entry, const char *message, const char *detail)
{
    json_object_set_new(entry, "outcome", json_string("failed"));
    if (!json_object_get(entry, "message"))
        json_object_set_new(entry, "message", json_text(message, strlen(message)));
    if (detail && !json_object_get(entry, "detail"))
        json_object_set_new(entry, "detail", json_text(detail, strlen(detail)));
}

void run_report_send(struct run_report *report, int status)
{
    if (report->descriptor < 0)
        return;
    json_object_set_new(report->result, "status", json_integer(status));
    json_object_set_new(report->result, "seconds", json_real(run_report_clock() - report->begin));
    send_line(report, report->result);
    report->descriptor = -1;
}
