#include "../gather_kernels.h"

#include "../../half.h"
#include "../../scalar.h"

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)

/* --- moving: by element size
 * ---------------------------------------------------------------------------------------- */

#define MOVERS(T)                                                                                  \
    static void pick_##T(char *target, const char *source, const int64_t *offsets, int64_t n)      \
    {                                                                                              \
        T *to = (T *)target;                                                                       \
        const T *from = (const T *)source;                                                         \
        for (int64_t i = 0; i < n; i++)                                                            \
            to[i] = from[offsets[i]];                                                              \
    }                                                                                              \
                                                                                                   \
    static void put_##T(char *target, const int64_t *offsets, const char *source, int64_t step,    \
                        int64_t n)                                                                 \
    {                                                                                              \
        T *to = (T *)target;                                                                       \
        const T *from = (const T *)source;                                                         \
        for (int64_t i = 0; i < n; i++)                                                            \
            to[offsets[i]] = from[i * step];                                                       \
    }                                                                                              \
                                                                                                   \
    static int64_t pick_line_##T(const struct gather_line *line)                                   \
    {                                                                                              \
        T *to = (T *)line->target;                                                                 \
        const T *from = (const T *)line->source;                                                   \
        for (int64_t i = 0; i < line->n; i++) {                                                    \
            int64_t place = line->places[i * line->places_step];                                   \
            if ((uint64_t)place >= (uint64_t)line->size)                                           \
                return i;                                                                          \
            to[i * line->target_step] = from[i * line->source_step + place * line->dim_step];      \
        }                                                                                          \
        return line->n;                                                                            \
    }                                                                                              \
                                                                                                   \
    static int64_t put_line_##T(const struct gather_line *line)                                    \
    {                                                                                              \
        T *to = (T *)line->target;                                                                 \
        const T *from = (const T *)line->source;                                                   \
        for (int64_t i = 0; i < line->n; i++) {                                                    \
            int64_t place = line->places[i * line->places_step];                                   \
            if ((uint64_t)place >= (uint64_t)line->size)                                           \
                return i;                                                                          \
            to[i * line->target_step + place * line->dim_step] = from[i * line->source_step];      \
        }                                                                                          \
        return line->n;                                                                            \
    }                                                                                              \
                                                                                                   \
    static void keep_##T(char *target, const char *source, const uint8_t *mask, int64_t count)     \
    {                                                                                              \
        T *to = (T *)target;                                                                       \
        const T *from = (const T *)source;                                                         \
        for (int64_t i = 0, kept = 0; kept < count; i++) {                                         \
            to[kept] = from[i];                                                                    \
            kept += mask[i] != 0;                                                                  \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void spend_##T(char *target, const char *source, const uint8_t *mask, int64_t count)    \
    {                                                                                              \
        T *to = (T *)target;                                                                       \
        const T *from = (const T *)source;                                                         \
        for (int64_t i = 0, spent = 0; spent < count; i++) {                                       \
            T taken = (T) - (T)(mask[i] != 0); /* all bits, or none */                             \
            to[i] = (T)((from[spent] & taken) | (to[i] & ~taken));                                 \
            spent += mask[i] != 0;                                                                 \
        }                                                                                          \
    }

MOVERS(uint8_t)
MOVERS(uint16_t)
MOVERS(uint32_t)
MOVERS(uint64_t)

/* --- adding: by dtype
 * -----------------------------------------------------------------------------------------------
 */

#define PLAIN(x) (x)
#define TRUTH(x) ((x) != 0)

/* `name`: the dtype's short name; LOAD and STORE convert between the stored type and the one that
 * adds. */
#define ADDERS(name, T, A, LOAD, STORE)                                                            \
    static void add_##name(char *target, const int64_t *offsets, const char *source, int64_t step, \
                           int64_t n)                                                              \
    {                                                                                              \
        T *to = (T *)target;                                                                       \
        const T *from = (const T *)source;                                                         \
        for (int64_t i = 0; i < n; i++) {                                                          \
            A sum = (A)(LOAD(to[offsets[i]]) + LOAD(from[i * step]));                              \
            to[offsets[i]] = (T)STORE(sum);                                                        \
        }                                                                                          \
    }                                                                                              \
    LINE_FOLD(add_line_##name, T, A, LOAD, STORE, a + b)                                           \
    LINE_FOLD(mul_line_##name, T, A, LOAD, STORE, a *b)                                            \
    LINE_FOLD(max_line_##name, T, A, LOAD, STORE, larger(a, b))                                    \
    LINE_FOLD(min_line_##name, T, A, LOAD, STORE, smaller(a, b))

#define LINE_FOLD(function, T, A, LOAD, STORE, JOINED)                                             \
    static int64_t function(const struct gather_line *line)                                        \
    {                                                                                              \
        T *to = (T *)line->target;                                                                 \
        const T *from = (const T *)line->source;                                                   \
        for (int64_t i = 0; i < line->n; i++) {                                                    \
            int64_t place = line->places[i * line->places_step];                                   \
            if ((uint64_t)place >= (uint64_t)line->size)                                           \
                return i;                                                                          \
            T *at = to + i * line->target_step + place * line->dim_step;                           \
            A a = (A)LOAD(*at), b = (A)LOAD(from[i * line->source_step]);                          \
            A joined = (A)(JOINED);                                                                \
            *at = (T)STORE(joined);                                                                \
        }                                                                                          \
        return line->n;                                                                            \
    }

ADDERS(bool, uint8_t, int, PLAIN, TRUTH)
ADDERS(u8, uint8_t, uint8_t, PLAIN, PLAIN)
ADDERS(i8, int8_t, int8_t, PLAIN, PLAIN)
ADDERS(i16, int16_t, int16_t, PLAIN, PLAIN)
ADDERS(i32, int32_t, int32_t, PLAIN, PLAIN)
ADDERS(i64, int64_t, int64_t, PLAIN, PLAIN)
ADDERS(f16, uint16_t, float, half_to_float, half_from_float)
ADDERS(bf16, uint16_t, float, bfloat_to_float, bfloat_from_float)
ADDERS(f32, float, float, PLAIN, PLAIN)
ADDERS(f64, double, double, PLAIN, PLAIN)

/* --- masks
 * ----------------------------------------------------------------------------------------------------------
 */

/* Branchless: writes every offset and keeps those of true elements. `offsets` has room for one more
 * than it returns. */
static int64_t mask_offsets(const uint8_t *mask, int64_t n, int64_t base, int64_t step,
                            int64_t *offsets)
{
    int64_t count = 0;

    for (int64_t i = 0; i < n; i++) {
        offsets[count] = base + i * step;
        count += mask[i] != 0;
    }
    return count;
}

static int64_t mask_count(const uint8_t *mask, int64_t n)
{
    int64_t count = 0;

#pragma omp simd reduction(+ : count)
    for (int64_t i = 0; i < n; i++)
        count += mask[i] != 0;
    return count;
}

#define BY_SIZE(name)                                                                              \
    {                                                                                              \
        name##_uint8_t, name##_uint16_t, name##_uint32_t, name##_uint64_t                          \
    }
const struct gather_kernels JOIN(gather_kernels, ISA) = {
    .pick = BY_SIZE(pick),
    .put = BY_SIZE(put),
    .add =
        {
#define DTYPE(id, name, storage, compute, accumulator, kind, short_name, ...)                      \
    [DTYPE_##id] = add_##short_name,
#include "../../dtype.def"
#undef DTYPE
        },
    .pick_line = BY_SIZE(pick_line),
    .put_line = BY_SIZE(put_line),
    .keep = BY_SIZE(keep),
    .spend = BY_SIZE(spend),
    .fold_line =
        {
#define DTYPE(id, name, storage, compute, accumulator, kind, short_name, ...)                      \
    [SCATTER_ADD][DTYPE_##id] = add_line_##short_name,                                                \
    [SCATTER_MUL][DTYPE_##id] = mul_line_##short_name,                                                \
    [SCATTER_MAX][DTYPE_##id] = max_line_##short_name,                                                \
    [SCATTER_MIN][DTYPE_##id] = min_line_##short_name,
#include "../../dtype.def"
#undef DTYPE
        },
    .mask_offsets = mask_offsets,
    .mask_count = mask_count,
};
