/* All state of `mesale kernel`, and which thread owns which part. */
#ifndef KERNEL_SESSION_H
#define KERNEL_SESSION_H

#include "input.h"
#include "lifetime.h"
#include "sockets.h"
#include "subshell.h"

struct kernel {
    /* set before threads start, read by all afterwards */
    struct connection connection;
    /* the I/O thread's alone */
    struct sockets sockets;
    struct signer signer;
    struct sender sender;
    /* between threads */
    struct subshell main;        /* the main thread's shell */
    struct subshells subshells;  /* the others */
    struct output_queue outputs; /* any → I/O */
    struct input input;          /* I/O ↔ any */
    struct lifetime lifetime;
    struct publisher publisher;
    /* written by the main thread before shells serve requests */
    struct buffer problem; /* why there is no Python or no IPython; empty if there is */
};

/* 0, or -1 with one line in `problem`. The connection is taken over. */
int kernel_init(struct kernel *k, struct connection connection, struct buffer *problem);
void kernel_release(struct kernel *k);

/* `mesale kernel …`: the exit status. */
int kernel_main(int argc, char **argv);

#endif
