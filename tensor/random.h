/* Random numbers: PyTorch's CPU streams, those of a CPU that is not Intel's. The generator is
 * MT19937 (Matsumoto & Nishimura 1998, seeded by init_genrand); the distributions (cpu/random.c)
 * are the kernels cpu_uniform_, cpu_normal_, cpu_bernoulli_, cpu_bernoulli_tensor_ and cpu_random_
 * of the op table (op_functions.h): each fills `self` in place, in the order of its memory;
 * generator NULL is the default one. */
#ifndef RANDOM_H
#define RANDOM_H

#include <pthread.h>
#include "core.h"

#define MT_STATE 624

struct generator {
    atomic_int refcount;
    pthread_mutex_t lock; /* held while a block is drawn; given up between blocks, where interrupts
                             are polled */
    uint64_t seed;        /* initial_seed() */
    uint32_t state[MT_STATE];
    int next; /* index of the next output in state; MT_STATE: the state must be renewed first */
    bool has_normal;
    double normal; /* the sine twin of the last Box-Muller pair */
    void *python;  /* the one PyObject, which owns a reference on this struct, or NULL */
};

TENSOR_API struct generator *generator_new(void); /* seed 67280421310721 */
TENSOR_API struct generator *generator_retain(struct generator *generator);
TENSOR_API void generator_release(struct generator *generator);
TENSOR_API uint64_t generator_initial_seed(struct generator *generator);
/* A seed from the system, set and returned. */
TENSOR_API uint64_t generator_seed_random(struct generator *generator);
/* One draw: 32 bits, or 64 (the first output is the high half). */
TENSOR_API uint32_t generator_next32(struct generator *generator);
TENSOR_API uint64_t generator_next64(struct generator *generator);
/* The next n outputs; the caller holds the lock. */
TENSOR_API void generator_draw(struct generator *generator, uint32_t *out, int64_t n);

static inline uint64_t generator_join(const uint32_t *pair)
{
    return (uint64_t)pair[0] << 32 | pair[1];
}

#endif
