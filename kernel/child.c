#include "child.h"
#include <dirent.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const struct connection *connection;

static bool is_our_port(int port)
{
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        if (!connection->ipc && connection->ports[i] == port)
            return true;
    }
    return false;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_our_path(const char *path)
{
    const char *name = last_part(path);
    bool found = false;
    for (int i = 0; i < CHANNEL_COUNT && connection->ipc && !found; i++) {
        struct buffer address = BUFFER_INIT;
        connection_address(connection, (enum channel)i, &address);
        found = strcmp(last_part(buffer_text(&address)), name) == 0;
        buffer_release(&address);
    }
    return found;
}

/* Listening sockets and the connections that they accepted have the same local address. */
static bool is_ours(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    } address = {0};
    socklen_t size = sizeof address - 1; /* a path is not always terminated */
    if (getsockname(fd, &address.any, &size) < 0)
        return false;
    switch (address.any.sa_family) {
    case AF_INET:
        return is_our_port(ntohs(address.in.sin_port));
    case AF_INET6:
        return is_our_port(ntohs(address.in6.sin6_port));
    case AF_UNIX:
        return size > offsetof(struct sockaddr_un, sun_path) && is_our_path(address.un.sun_path);
    default:
        return false;
    }
}

static void after_fork_in_child(void)
{
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return;
    for (struct dirent *entry; (entry = readdir(folder));) {
        int fd = (int)strtol(entry->d_name, NULL, 10);
        if (fd > 2 && fd != dirfd(folder) && is_ours(fd))
            close(fd);
    }
    closedir(folder);
}

void child_leaves_sockets(const struct connection *c)
{
    connection = c;
    pthread_atfork(NULL, NULL, after_fork_in_child);
}
