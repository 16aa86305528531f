/* Random numbers: PyTorch's streams, on the CPU those of one that is not Intel's. A CPU's generator is
 * MT19937 (Matsumoto & Nishimura 1998, seeded by init_genrand); the distributions (cpu/random.c)
 * are the kernels cpu_uniform_, cpu_normal_, cpu_bernoulli_, cpu_bernoulli_tensor_ and cpu_random_
 * of the op table (op_functions.h): each fills `self` in place, in the order of its memory;
 * generator NULL is the default one. A GPU's generator is Philox, which has no state but a seed and
 * how far it was drawn (cuda/random.c). */
#ifndef RANDOM_H
#define RANDOM_H

#include <pthread.h>
#include "core.h"

#define MT_STATE 624
#define GENERATOR_MAX_DEVICES 128

struct generator {
    atomic_int refcount;
    struct device device; /* CUDA: only the lock, seed and offset are used */
    pthread_mutex_t lock; /* held while a block is drawn; given up between blocks, where interrupts
                             are polled */
    uint64_t seed;        /* initial_seed() */
    uint64_t offset;      /* Philox: 32-bit numbers drawn by each thread so far, a multiple of 4 */
    uint32_t state[MT_STATE];
    int next; /* index of the next output in state; MT_STATE: the state must be renewed first */
    bool has_normal;
    double normal; /* the sine twin of the last Box-Muller pair */
    void *python;  /* the one PyObject, which owns a reference on this struct, or NULL */
};

TENSOR_API struct generator *generator_new(void); /* the CPU's, seed 67280421310721 */
/* One of a device; a CUDA index of -1 is kept as it is: the current device. */
TENSOR_API struct generator *generator_new_on(struct device device);
/* The default generator of that GPU, made on first use with a seed from the system; borrowed. NULL with
 * the error set: out of memory, or more than GENERATOR_MAX_DEVICES. */
TENSOR_API struct generator *generator_of_device(int index);
TENSOR_API struct generator *generator_retain(struct generator *generator);
TENSOR_API void generator_release(struct generator *generator);
TENSOR_API uint64_t generator_initial_seed(struct generator *generator);
/* A seed from the system, set and returned. */
TENSOR_API uint64_t generator_seed_random(struct generator *generator);
/* Philox: the seed, and the offset at which `count` numbers of every thread begin; the generator goes
 * on after them. */
struct philox_place {
    uint64_t seed, offset;
};
TENSOR_API struct philox_place generator_reserve(struct generator *generator, uint64_t count);
/* One draw of a CPU's generator: 32 bits, or 64 (the first output is the high half). */
TENSOR_API uint32_t generator_next32(struct generator *generator);
TENSOR_API uint64_t generator_next64(struct generator *generator);
/* The next n outputs; the caller holds the lock. */
TENSOR_API void generator_draw(struct generator *generator, uint32_t *out, int64_t n);

static inline uint64_t generator_join(const uint32_t *pair)
{
    return (uint64_t)pair[0] << 32 | pair[1];
}

#endif
