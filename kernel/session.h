/* All state of `mesale kernel`, and which thread owns which part. */
#ifndef KERNEL_SESSION_H
#define KERNEL_SESSION_H

#include "input.h"
#include "lifetime.h"
#include "publish.h"
#include "queue.h"
#include "sockets.h"

struct kernel {
    /* set before threads start, read by all afterwards */
    struct connection connection;
    /* the I/O thread's alone */
    struct sockets sockets;
    struct signer signer;
    struct sender sender;
    /* between threads */
    struct request_queue requests; /* I/O → main */
    struct output_queue outputs;   /* any → I/O */
    struct input input;            /* I/O ↔ any */
    struct lifetime lifetime;
    atomic_int unfinished; /* requests given to the main thread and not answered yet */
    /* the main thread's alone */
    struct publisher publisher;
    struct buffer problem; /* why there is no Python or no IPython; empty if there is */
    struct request *cell;  /* the execute_request that runs now, or NULL */
    bool aborting;         /* a cell failed: execute requests up to the next mark are refused */
};

/* 0, or -1 with one line in `problem`. The connection is taken over. */
int kernel_init(struct kernel *k, struct connection connection, struct buffer *problem);
void kernel_release(struct kernel *k);

/* `mesale kernel …`: the exit status. */
int kernel_main(int argc, char **argv);

#endif
