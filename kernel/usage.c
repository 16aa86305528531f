#include "usage.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct process {
    pid_t pid;
    long long started; /* ticks since the start of the machine: tells one pid from its next owner */
    long long ticks;   /* of processor time */
};

struct processes {
    struct process *list;
    size_t count, capacity;
};

/* Of the request before, to compare with. */
static struct {
    pthread_mutex_t lock;
    struct processes processes;
    int64_t time_ms;                 /* 0: there was none */
    long long busy_ticks, all_ticks; /* of the machine */
} before = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* --- /proc --- */

/* The text of a file of /proc, in `text`; "" if it cannot be read. */
static const char *read_text(struct buffer *text, const char *path)
{
    buffer_clear(text);
    buffer_read_file(text, path);
    return buffer_text(text);
}

/* The number behind `name` at the beginning of a line, 0 if there is none. */
static long long number_of(const char *text, const char *name)
{
    size_t size = strlen(name);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, size) == 0)
            return strtoll(line + size, NULL, 10);
    }
    return 0;
}

/* --- this process and its children --- */

static void add_process(struct processes *all, pid_t pid)
{
    for (size_t i = 0; i < all->count; i++) {
        if (all->list[i].pid == pid)
            return;
    }
    if (all->count == all->capacity) {
        all->capacity = all->capacity ? 2 * all->capacity : 8;
        all->list = memory_resize(all->list, all->capacity * sizeof *all->list);
    }
    all->list[all->count++] = (struct process){.pid = pid};
}

/* Children belong to the thread that made them. */
static void add_children(struct processes *all, pid_t pid, struct buffer *text)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    if (!threads)
        return;
    for (struct dirent *thread; (thread = readdir(threads));) {
        if (thread->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%.16s/children", (int)pid, thread->d_name);
        const char *at = read_text(text, path);
        for (char *end; *at; at = end) {
            long child = strtol(at, &end, 10);
            if (end == at)
                break;
            add_process(all, (pid_t)child);
            end += *end == ' ';
        }
    }
    closedir(threads);
}

static void read_times(struct process *p, struct buffer *text)
{
    char path[64];
    long long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)p->pid);
    /* the name, in brackets, may hold anything; fields 14, 15 and 22 of proc(5) */
    const char *fields = strrchr(read_text(text, path), ')');
    if (fields && sscanf(fields + 1,
                         " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lld %lld %*s %*s %*s %*s "
                         "%*s %*s %lld",
                         &user, &system, &p->started) == 3)
        p->ticks = user + system;
}

/* Bytes of memory; pages shared with others count in part. */
static long long memory_of(pid_t pid, struct buffer *text)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    return number_of(read_text(text, path), "Pss:") * 1024;
}

static struct processes find_processes(struct buffer *text)
{
    struct processes all = {0};
    add_process(&all, getpid());
    for (size_t i = 0; i < all.count; i++) {
        add_children(&all, all.list[i].pid, text);
        read_times(&all.list[i], text);
    }
    return all;
}

/* --- processor time --- */

static double rounded(double value)
{
    return (double)(long long)(value * 10 + 0.5) / 10;
}

static long long ticks_before(const struct process *p)
{
    for (size_t i = 0; i < before.processes.count; i++) {
        const struct process *old = &before.processes.list[i];
        if (old->pid == p->pid && old->started == p->started)
            return old->ticks;
    }
    return 0;
}

/* Of one processor; keeps the processes for the next time. */
static double kernel_percent(struct processes now, struct buffer *text)
{
    long long ticks = 0, per_second = sysconf(_SC_CLK_TCK);
    int64_t time_ms = clock_ms(), since_ms = before.time_ms;
    for (size_t i = 0; i < now.count; i++)
        ticks += now.list[i].ticks - ticks_before(&now.list[i]);
    if (!since_ms) /* the clock may not have begun with the machine: its age tells */
        since_ms = time_ms - (int64_t)(strtod(read_text(text, "/proc/uptime"), NULL) * 1000) +
                   now.list[0].started * 1000 / per_second;
    free(before.processes.list);
    before.processes = now;
    before.time_ms = time_ms;
    double seconds = (double)(time_ms - since_ms) / 1000;
    return seconds > 0 ? rounded((double)ticks / (double)per_second / seconds * 100) : 0;
}

static double host_percent(struct buffer *text)
{
    long long t[8] = {0}, all = 0;
    /* user, nice, system, idle, iowait, irq, softirq, steal */
    sscanf(read_text(text, "/proc/stat"), "cpu %lld %lld %lld %lld %lld %lld %lld %lld", &t[0],
           &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]);
    for (int i = 0; i < 8; i++)
        all += t[i];
    long long busy = all - t[3] - t[4];
    double percent = 0;
    if (all > before.all_ticks)
        percent = (double)(busy - before.busy_ticks) / (double)(all - before.all_ticks) * 100;
    before.all_ticks = all;
    before.busy_ticks = busy;
    return percent > 0 ? rounded(percent) : 0;
}

/* --- the reply --- */

static void add_memory(json_t *memory, const char *key, long long kilobytes)
{
    json_object_set_new(memory, key, json_integer(kilobytes * 1024));
}

static json_t *host_memory(struct buffer *text)
{
    json_t *memory = json_object();
    const char *info = read_text(text, "/proc/meminfo");
    long long total = number_of(info, "MemTotal:"), available = number_of(info, "MemAvailable:");
    add_memory(memory, "total", total);
    add_memory(memory, "available", available);
    json_object_set_new(
        memory, "percent",
        json_real(total ? rounded((double)(total - available) / (double)total * 100) : 0));
    add_memory(memory, "used", total - available);
    add_memory(memory, "free", number_of(info, "MemFree:"));
    add_memory(memory, "active", number_of(info, "Active:"));
    add_memory(memory, "inactive", number_of(info, "Inactive:"));
    add_memory(memory, "buffers", number_of(info, "Buffers:"));
    add_memory(memory, "cached", number_of(info, "Cached:") + number_of(info, "SReclaimable:"));
    add_memory(memory, "shared", number_of(info, "Shmem:"));
    add_memory(memory, "slab", number_of(info, "Slab:"));
    return memory;
}

json_t *usage_reply(struct kernel *k, struct request *r)
{
    char host[256] = "";
    long long memory = 0;
    struct buffer text = BUFFER_INIT;
    (void)k, (void)r;
    gethostname(host, sizeof host - 1);
    pthread_mutex_lock(&before.lock);
    struct processes now = find_processes(&text);
    for (size_t i = 0; i < now.count; i++)
        memory += memory_of(now.list[i].pid, &text);
    double kernel = kernel_percent(now, &text), machine = host_percent(&text);
    pthread_mutex_unlock(&before.lock);
    json_t *content =
        json_pack("{s:s, s:s, s:i, s:f, s:I, s:I, s:f, s:o}", "status", "ok", "hostname", host,
                  "pid", (int)getpid(), "kernel_cpu", kernel, "kernel_memory", (json_int_t)memory,
                  "cpu_count", (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "host_cpu_percent",
                  machine, "host_virtual_memory", host_memory(&text));
    buffer_release(&text);
    return content;
}
