#include "watchdog.h"

#include "python.h"
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <unistd.h>

static const double grace_seconds = 5;

static void set_deadline(struct watchdog *dog, double seconds)
{
    double whole = floor(seconds);
    clock_gettime(CLOCK_MONOTONIC, &dog->deadline);
    dog->deadline.tv_sec += (time_t)whole;
    dog->deadline.tv_nsec += (long)((seconds - whole) * 1e9);
    if (dog->deadline.tv_nsec >= 1000000000) {
        dog->deadline.tv_sec++;
        dog->deadline.tv_nsec -= 1000000000;
    }
}

static void time_is_over(struct watchdog *dog)
{
    if (dog->fired) {
        if (dog->give_up)
            dog->give_up(dog->context);
        _exit(1);
    }
    dog->fired = true;
    set_deadline(dog, grace_seconds);
    python_interrupt();
}

static void *watch(void *argument)
{
    struct watchdog *dog = argument;
    pthread_mutex_lock(&dog->lock);
    while (!dog->quit) {
        if (!dog->is_armed)
            pthread_cond_wait(&dog->changed, &dog->lock);
        else if (pthread_cond_timedwait(&dog->changed, &dog->lock, &dog->deadline) == ETIMEDOUT)
            time_is_over(dog);
    }
    pthread_mutex_unlock(&dog->lock);
    return NULL;
}

int watchdog_start(struct watchdog *dog, double limit)
{
    sigset_t all, old;
    pthread_condattr_t clock;
    *dog = (struct watchdog){.limit = limit};
    if (limit <= 0)
        return 0;
    pthread_mutex_init(&dog->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&dog->changed, &clock);
    pthread_condattr_destroy(&clock);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are the main thread's */
    int status = pthread_create(&dog->thread, NULL, watch, dog);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (status != 0)
        dog->limit = 0;
    return status == 0 ? 0 : -1;
}

static void change(struct watchdog *dog, bool armed, bool quit)
{
    pthread_mutex_lock(&dog->lock);
    dog->is_armed = armed;
    dog->quit = quit;
    if (armed) {
        dog->fired = false;
        set_deadline(dog, dog->limit);
    }
    pthread_cond_signal(&dog->changed);
    pthread_mutex_unlock(&dog->lock);
}

void watchdog_stop(struct watchdog *dog)
{
    if (dog->limit <= 0)
        return;
    change(dog, false, true);
    pthread_join(dog->thread, NULL);
    pthread_cond_destroy(&dog->changed);
    pthread_mutex_destroy(&dog->lock);
    dog->limit = 0;
}

void watchdog_arm(struct watchdog *dog)
{
    if (dog->limit > 0)
        change(dog, true, false);
}

bool watchdog_disarm(struct watchdog *dog)
{
    if (dog->limit <= 0)
        return false;
    change(dog, false, false);
    return dog->fired;
}
