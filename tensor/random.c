#include "random.h"

#include <sys/random.h>
#include <time.h>

#include "cpu/random_kernels.h"

#define DEFAULT_SEED 67280421310721ULL

/* --- the generator
 * ------------------------------------------------------------------------------------------------
 */

static struct generator default_generator = {
    .refcount = 1, .device = {DEVICE_CPU, -1}, .lock = PTHREAD_MUTEX_INITIALIZER};
static pthread_once_t default_once = PTHREAD_ONCE_INIT;
static _Atomic(struct generator *) gpu_generators[GENERATOR_MAX_DEVICES];

static void seed_locked(struct generator *generator, uint64_t seed)
{
    uint32_t *state = generator->state;

    generator->seed = seed;
    generator->offset = 0;
    state[0] = (uint32_t)seed;
    for (uint32_t i = 1; i < MT_STATE; i++)
        state[i] = 1812433253U * (state[i - 1] ^ (state[i - 1] >> 30)) + i;
    generator->next = MT_STATE;
    generator->has_normal = false;
}

void generator_seed(struct generator *generator, uint64_t seed)
{
    pthread_mutex_lock(&generator->lock);
    seed_locked(generator, seed);
    pthread_mutex_unlock(&generator->lock);
}

uint64_t generator_seed_random(struct generator *generator)
{
    uint64_t seed;

    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        seed = (uint64_t)now.tv_sec * 1000000007ULL ^ (uint64_t)now.tv_nsec;
    }
    generator_seed(generator, seed);
    return seed;
}

/* A fork while another thread draws would leave the child a lock that nobody opens. */
static void fork_prepare(void)
{
    pthread_mutex_lock(&default_generator.lock);
}

static void fork_done(void)
{
    pthread_mutex_unlock(&default_generator.lock);
}

static void default_start(void)
{
    generator_seed_random(&default_generator);
    pthread_atfork(fork_prepare, fork_done, fork_done);
}

struct generator *generator_default(void)
{
    pthread_once(&default_once, default_start);
    return &default_generator;
}

struct generator *generator_new_on(struct device device)
{
    struct generator *generator = mem_zalloc(sizeof *generator);

    if (!generator)
        return NULL;
    atomic_init(&generator->refcount, 1);
    generator->device = device;
    pthread_mutex_init(&generator->lock, NULL);
    seed_locked(generator, DEFAULT_SEED);
    return generator;
}

struct generator *generator_new(void)
{
    return generator_new_on((struct device){DEVICE_CPU, -1});
}

struct generator *generator_of_device(int index)
{
    if (index < 0 || index >= GENERATOR_MAX_DEVICES) {
        error_set(ERROR_RUNTIME, "there is no generator of device %d", index);
        return NULL;
    }
    struct generator *found = atomic_load(&gpu_generators[index]);
    if (found)
        return found;
    struct generator *fresh = generator_new_on((struct device){DEVICE_CUDA, (int8_t)index});
    if (fresh)
        generator_seed_random(fresh);
    if (fresh && !atomic_compare_exchange_strong(&gpu_generators[index], &found, fresh)) {
        generator_release(fresh); /* another thread was first */
        return found;
    }
    return fresh;
}

struct generator *generator_retain(struct generator *generator)
{
    atomic_fetch_add_explicit(&generator->refcount, 1, memory_order_relaxed);
    return generator;
}

void generator_release(struct generator *generator)
{
    if (!generator || atomic_fetch_sub_explicit(&generator->refcount, 1, memory_order_acq_rel) != 1)
        return;
    pthread_mutex_destroy(&generator->lock);
    mem_free(generator);
}

uint64_t generator_initial_seed(struct generator *generator)
{
    pthread_mutex_lock(&generator->lock);
    uint64_t seed = generator->seed;
    pthread_mutex_unlock(&generator->lock);
    return seed;
}

struct philox_place generator_reserve(struct generator *generator, uint64_t count)
{
    pthread_mutex_lock(&generator->lock);
    struct philox_place place = {generator->seed, generator->offset};
    generator->offset += (count + 3) / 4 * 4;
    pthread_mutex_unlock(&generator->lock);
    return place;
}

void generator_draw(struct generator *generator, uint32_t *out, int64_t n)
{
    const struct random_kernels *kernels = random_kernels();

    while (n > 0) {
        if (generator->next >= MT_STATE) {
            kernels->renew(generator->state);
            generator->next = 0;
        }
        const uint32_t *state = generator->state + generator->next;
        int64_t count = MT_STATE - generator->next;
        count = count < n ? count : n;
        kernels->temper(state, out, count);
        generator->next += (int)count;
        out += count;
        n -= count;
    }
}

uint32_t generator_next32(struct generator *generator)
{
    uint32_t value;
    pthread_mutex_lock(&generator->lock);
    generator_draw(generator, &value, 1);
    pthread_mutex_unlock(&generator->lock);
    return value;
}

uint64_t generator_next64(struct generator *generator)
{
    uint32_t pair[2];
    pthread_mutex_lock(&generator->lock);
    generator_draw(generator, pair, 2);
    pthread_mutex_unlock(&generator->lock);
    return generator_join(pair);
}
