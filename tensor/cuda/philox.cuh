/* Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as
 * 1, 2, 3" (2011), and the numbers that cuRAND's device functions make of it, as PyTorch draws them: key = the seed,
 * counter = offset / 4 (low 64 bits) and the thread's number (high 64 bits), four outputs a counter. */
#ifndef PHILOX_CUH
#define PHILOX_CUH

#include <cmath>
#include <cstdint>

struct philox {
    uint32_t key[2];
    uint32_t counter[4];
};

/* `offset` is a multiple of 4. */
__device__ static inline struct philox philox_at(uint64_t seed, uint64_t thread, uint64_t offset)
{
    uint64_t block = offset / 4;

    return {{(uint32_t)seed, (uint32_t)(seed >> 32)},
            {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)thread, (uint32_t)(thread >> 32)}};
}

/* Ten rounds over a counter; the multipliers and the steps of the key (Weyl sequences) are the paper's. */
__device__ static inline void philox_rounds(const struct philox *state, uint32_t *out)
{
    uint32_t key0 = state->key[0], key1 = state->key[1];

    for (int i = 0; i < 4; i++) {
        out[i] = state->counter[i];
    }
    for (int round = 0; round < 10; round++) {
        uint64_t left = (uint64_t)0xD2511F53u * out[0], right = (uint64_t)0xCD9E8D57u * out[2];
        uint32_t next0 = (uint32_t)(right >> 32) ^ out[1] ^ key0;
        uint32_t next2 = (uint32_t)(left >> 32) ^ out[3] ^ key1;
        out[0] = next0;
        out[1] = (uint32_t)right;
        out[2] = next2;
        out[3] = (uint32_t)left;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
}

/* The next four outputs. */
__device__ static inline void philox_next(struct philox *state, uint32_t *out)
{
    philox_rounds(state, out);
    for (int i = 0; i < 4 && ++state->counter[i] == 0; i++) {
    }
}

/* --- numbers of outputs --- */

/* In (0, 1], as curand_uniform(). */
__device__ static inline float philox_unit(uint32_t bits)
{
    return (float)bits * 0x1p-32f + 0x1p-33f;
}

/* 53 bits of two outputs, in (0, 1], as curand_uniform_double(). */
__device__ static inline double philox_unit_double(uint32_t low, uint32_t high)
{
    uint64_t bits = (uint64_t)low ^ (uint64_t)high << 21;

    return (double)bits * 0x1p-53 + 0x1p-54;
}

/* Two normal numbers (Box & Muller 1958), as curand_normal2(); the sine's is the first. */
__device__ static inline void philox_normals(uint32_t first, uint32_t second, float *normals)
{
    const float turn = 0x1p-32f * 6.2831855f;
    float unit = philox_unit(first), angle = fmaf((float)second, turn, turn / 2);
    float radius = sqrtf(-2.0f * logf(unit)), sine, cosine;
#ifdef __CUDA_ARCH__
    __sincosf(angle, &sine, &cosine);
#else
    sine = sinf(angle);
    cosine = cosf(angle);
#endif
    normals[0] = sine * radius;
    normals[1] = cosine * radius;
}

/* The same of four outputs in double, as curand_normal2_double(). */
__device__ static inline void philox_normals_double(const uint32_t *bits, double *normals)
{
    double unit = philox_unit_double(bits[0], bits[1]), half_turns = 2 * philox_unit_double(bits[2], bits[3]);
    double radius = sqrt(-2.0 * log(unit)), sine, cosine;
#ifdef __CUDA_ARCH__
    sincospi(half_turns, &sine, &cosine);
#else
    sine = sin(M_PI * half_turns);
    cosine = cos(M_PI * half_turns);
#endif
    normals[0] = sine * radius;
    normals[1] = cosine * radius;
}

#endif
