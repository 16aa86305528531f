/* Random numbers: PyTorch's CPU streams. Generator: MT19937 (Matsumoto & Nishimura 1998, init_genrand seeding). */
#ifndef RANDOM_H
#define RANDOM_H

#include <pthread.h>
#include "core.h"

#define MT_STATE 624

struct generator {
    atomic_int refcount;
    pthread_mutex_t lock; /* held for one whole fill */
    uint64_t seed;        /* initial_seed() */
    uint32_t state[MT_STATE];
    int next; /* index of the next output in state */
    bool has_normal;
    double normal; /* the sine twin of the last Box-Muller pair */
    void *python;  /* the one PyObject, or NULL */
    uint8_t python_owner;
};

TENSOR_API struct generator *generator_new(void); /* seed 67280421310721 */
TENSOR_API struct generator *generator_retain(struct generator *generator);
TENSOR_API void generator_release(struct generator *generator);
TENSOR_API uint64_t generator_initial_seed(const struct generator *generator);
/* A seed from the system, set and returned. */
TENSOR_API uint64_t generator_seed_random(struct generator *generator);

/* Kernels of the op table (op_kernels members); generator NULL: the default one. Each fills `self` in place. */
int cpu_uniform_(struct tensor *self, double from, double to, struct generator *generator);
int cpu_normal_(struct tensor *self, double mean, double std, struct generator *generator);
int cpu_bernoulli_(struct tensor *self, double p, struct generator *generator);
int cpu_bernoulli_tensor_(struct tensor *self, struct tensor *p, struct generator *generator);
int cpu_random_(struct tensor *self, int64_t from, struct maybe_int to, struct generator *generator);

#endif
