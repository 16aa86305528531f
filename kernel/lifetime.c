#include "lifetime.h"
#include "cell_files.h"
#include "python.h"
#include "session.h"
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const int ending_signals[] = {SIGTERM, SIGHUP};
enum { ENDING_SIGNALS = sizeof ending_signals / sizeof ending_signals[0] };

/* For the signal handler, which gets no argument. */
static struct {
    pid_t pid;
    int event_fd;
    atomic_int signal;
} handler = {.event_fd = -1};

static void on_ending_signal(int number)
{
    int saved = errno;
    if (getpid() != handler.pid) {
        /* a child between fork and exec: it must not end its parent */
        signal(number, SIG_DFL);
        raise(number);
    } else {
        atomic_store(&handler.signal, number);
        eventfd_write(handler.event_fd, 1);
    }
    errno = saved;
}

static void after_fork_in_child(void)
{
    struct sigaction now;
    for (int i = 0; i < ENDING_SIGNALS; i++) {
        if (sigaction(ending_signals[i], NULL, &now) == 0 && now.sa_handler == on_ending_signal)
            signal(ending_signals[i], SIG_DFL);
    }
}

static void watch_parent(struct lifetime *l)
{
    const char *text = getenv("JPY_PARENT_PID");
    long pid = text ? strtol(text, NULL, 10) : 0;
    l->parent_fd = -1;
    /* pid 1 is a container's first process or the reaper of orphans: its death would end us anyway
     */
    if (pid <= 1)
        return;
    l->parent_fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
    l->watch_orphan = getppid() != 1;
}

int lifetime_start(struct kernel *k)
{
    struct lifetime *l = &k->lifetime;
    *l = (struct lifetime){.signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .parent_fd = -1};
    if (l->signal_fd < 0)
        return -1;
    handler.pid = getpid();
    handler.event_fd = l->signal_fd;
    for (int i = 0; i < ENDING_SIGNALS; i++) {
        struct sigaction action = {.sa_handler = on_ending_signal, .sa_flags = SA_RESTART};
        sigaction(ending_signals[i], &action, NULL);
    }
    pthread_atfork(NULL, NULL, after_fork_in_child);
    watch_parent(l);
    return 0;
}

void lifetime_release(struct lifetime *l)
{
    if (l->signal_fd >= 0)
        close(l->signal_fd);
    if (l->parent_fd >= 0)
        close(l->parent_fd);
}

void lifetime_stop(struct kernel *k)
{
    if (atomic_exchange(&k->lifetime.stopping, true))
        return;
    event_set(k->main.requests.event_fd);
    event_set(k->outputs.event_fd); /* the I/O thread starts the clock */
}

static bool parent_is_gone(struct lifetime *l, bool parent_ready, int64_t now)
{
    if (parent_ready) {
        close(l->parent_fd);
        l->parent_fd = -1;
        return true;
    }
    if (!l->watch_orphan || now < l->next_poll_ms)
        return false;
    l->next_poll_ms = now + LIFETIME_POLL_MS;
    return getppid() == 1;
}

/* While ending: interrupt what runs, again and again, and in the end do not wait any longer. */
static void press(struct kernel *k, int64_t now)
{
    struct lifetime *l = &k->lifetime;
    if (!l->deadline_ms)
        l->deadline_ms = now + LIFETIME_GRACE_MS;
    if (now >= l->deadline_ms) {
        lifetime_end_children();
        sockets_close(&k->sockets, LIFETIME_LINGER_MS);
        lifetime_exit(k);
    }
    if (now >= l->next_interrupt_ms) {
        l->next_interrupt_ms = now + 100;
        if (atomic_load(&k->main.unfinished) > 0)
            python_interrupt();
    }
}

int lifetime_tick(struct kernel *k, bool signal_ready, bool parent_ready)
{
    struct lifetime *l = &k->lifetime;
    int64_t now = clock_ms();
    if (signal_ready) {
        event_reset(l->signal_fd);
        atomic_store(&l->signal, atomic_load(&handler.signal));
        lifetime_stop(k);
    }
    if (parent_is_gone(l, parent_ready, now))
        lifetime_stop(k);
    if (atomic_load(&l->stopping)) {
        press(k, now);
        return 50;
    }
    return l->watch_orphan ? LIFETIME_POLL_MS : -1;
}

/* The process group of process `name` in /proc, or -1. Fields of stat: proc(5); the name, in
 * brackets, may hold any characters. */
static pid_t group_of(const char *name)
{
    char path[64], text[512];
    int parent, group = -1;
    snprintf(path, sizeof path, "/proc/%.20s/stat", name);
    FILE *file = fopen(path, "re");
    if (!file)
        return -1;
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    const char *end = strrchr(text, ')');
    char state;
    if (!end || sscanf(end + 1, " %c %d %d", &state, &parent, &group) != 3 || state == 'Z')
        return -1;
    return group;
}

/* Sends `number` (0: only count) to the other processes of our group; how many there are. */
static int signal_group(int number)
{
    int found = 0;
    pid_t own = getpid(), group = getpgrp();
    DIR *folder = opendir("/proc");
    if (!folder)
        return 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid <= 0 || pid == own || group_of(entry->d_name) != group)
            continue;
        found++;
        kill(pid, number);
    }
    closedir(folder);
    return found;
}

/* In a group that is not our own live those who started us. */
static bool group_is_ours(void)
{
    return getpgrp() == getpid();
}

void lifetime_interrupt_children(void)
{
    if (group_is_ours())
        signal_group(SIGINT);
}

void lifetime_end_children(void)
{
    if (!group_is_ours() || signal_group(SIGTERM) == 0)
        return;
    for (int waited = 0; waited < LIFETIME_CHILDREN_MS; waited += 10) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        if (signal_group(0) == 0)
            return;
    }
    signal_group(SIGKILL);
}

void lifetime_exit(struct kernel *k)
{
    int number = atomic_load(&k->lifetime.signal);
    connection_unlink(&k->connection);
    cell_files_remove();
    if (number) {
        sigset_t one;
        signal(number, SIG_DFL);
        sigemptyset(&one);
        sigaddset(&one, number);
        pthread_sigmask(SIG_UNBLOCK, &one, NULL);
        raise(number);
    }
    _exit(0);
}
