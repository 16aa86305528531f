/* Questions to the user: input() and getpass over the stdin socket. */
#ifndef KERNEL_INPUT_H
#define KERNEL_INPUT_H

#include "wire.h"
#include <pthread.h>

struct kernel;

struct input {
    pthread_mutex_t lock;
    struct request *asked; /* the execute_request in whose name a question is open, or NULL */
    bool answered;
    struct buffer answer;
    int event_fd; /* an answer came */
};

int input_init(struct input *in);
void input_release(struct input *in);

enum input_result {
    INPUT_ANSWERED,
    INPUT_WAITING, /* nothing yet, or a signal came: look for it and call input_wait again */
    INPUT_BUSY,    /* another thread is asking: try again */
    INPUT_REFUSED, /* the front end does not allow questions */
};

/* Sends the question for the cell that runs now. Any thread; the GIL is not needed. */
enum input_result input_ask(struct kernel *k, const char *prompt, bool password);

/* Waits up to `ms` for the answer. After INPUT_ANSWERED the text is in `answer` and the question
 * closed. */
enum input_result input_wait(struct kernel *k, int ms, struct buffer *answer);

/* Gives the question up. */
void input_cancel(struct kernel *k);

/* The I/O thread got an input_reply. */
void input_receive(struct kernel *k, struct request *reply);

#endif
