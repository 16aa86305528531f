/* Filling a tensor with draws from a generator: what the distributions (random.c, random_int.c)
 * share. */
#ifndef DRAW_H
#define DRAW_H

#include "../iter.h"
#include "../random.h"
#include "random_kernels.h"

/* Outputs drawn at a time into a buffer on the stack. */
#define DRAW_CHUNK 1024
/* Elements between two polls for interrupts: a few milliseconds. */
#define DRAW_BLOCK (1 << 18)

/* One distribution: `block` writes the next n elements, contiguous, of the drawn dtype. */
struct draw {
    struct generator *generator;
    enum dtype dtype;
    void (*block)(const struct draw *draw, void *out, int64_t n);
    double from, range; /* uniform */
    double mean, std;   /* normal, log_normal; median and sigma of cauchy */
    double p;           /* bernoulli, geometric; lambda of exponential */
    double (*transform)(const struct draw *draw, double unit); /* exponential, cauchy, geometric */
    int64_t first;                                             /* random_ */
    uint64_t choices;                                          /* random_; 0 stands for 2^64 */
    bool wide;                                                 /* random_: 64 bits an element */
    struct divisor divisor;                                    /* random_: of the choices */
};

/* A draw for self from `generator`, or from the default one. */
struct draw draw_from(struct generator *generator, const struct tensor *self);
/* Fills self in the order of its memory. RUNTIME when it is an expanded tensor. 0 or -1. */
int draw_fill(struct tensor *self, struct draw *draw);
/* The same for n contiguous elements; the caller holds the lock. */
int draw_contiguous(const struct draw *draw, char *data, int64_t n);
/* Gives other threads, and the embedder's signal handlers, a turn; they may draw from the same
 * generator. */
int draw_pause(const struct draw *draw);
/* Steps an odometer over the dims from 1 on, innermost first; false after the last position. */
bool draw_next_run(const struct iter *iter, int64_t *position, char **data);

/* The next standard normal number (Box & Muller 1958 in double); the sine twin is kept for the next
 * call. The caller holds the lock. */
double draw_normal(struct generator *generator);

/* 53 bits of two outputs, in [0, 1). */
static inline double draw_unit53(const uint32_t *pair)
{
    return (double)(generator_join(pair) & ((1ULL << 53) - 1)) * (1.0 / (1LL << 53));
}

#endif
