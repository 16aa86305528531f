/* A limit on the time of a cell: interrupts the main thread when it is over, as Ctrl-C does. */
#ifndef KERNEL_WATCHDOG_H
#define KERNEL_WATCHDOG_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

struct watchdog {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct timespec deadline; /* of CLOCK_MONOTONIC */
    double limit;             /* seconds; 0: no limit, no thread */
    bool is_armed, fired, quit;
    /* Called on the dog's thread before it ends the program, NULL: nothing is. Set after start. */
    void (*give_up)(void *context);
    void *context;
};

/* 0, or -1 when no thread can be started. After Python was started. */
int watchdog_start(struct watchdog *dog, double limit);
void watchdog_stop(struct watchdog *dog);

/* The time begins; the time is over. disarm returns true if the limit was exceeded in between. A
 * cell that goes on for five more seconds after the interrupt ends the program with exit code 1. */
void watchdog_arm(struct watchdog *dog);
bool watchdog_disarm(struct watchdog *dog);

#endif
