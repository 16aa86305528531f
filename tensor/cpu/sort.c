/* Sorting along a dim: elements become unsigned keys in the same order, lines of (key, index) pairs
 * are sorted by radix, and the results are picked from the original by index. */
#include "sort.h"

#include <stdatomic.h>
#include <string.h>

#include "lines.h"

/* lines up to this length are sorted by insertion, and need no room from the heap */
#define INSERTION_MAX 48
#define SMALL_ROOM 128
/* keys that are made at once */
#define KEY_BLOCK 256
/* pairs in hand while the first k are looked for */
#define TOP_ROOM(k) (4 * (k) + 4 * KEY_BLOCK)
/* lines that share their room */
#define TILE 64

/* Where keys come from. */
struct key_source {
    struct work *work;
    const char *data;
    int64_t step; /* bytes */
    enum dtype dtype;
    bool descending;
    bool has_nan;
    uint64_t nan_key; /* as compared: of descending keys 0 */
};

struct sort_task {
    enum sort_kind kind;
    struct key_source source;
    int values, indices; /* numbers of the operands, or 0 */
    size_t bytes;
    int64_t k, count; /* results of a line */
    int64_t room;     /* pairs in each of two lists */
    atomic_bool failed;
};

static inline void copy_element(char *target, const char *source, size_t bytes)
{
    switch (bytes) {
    case 1:
        *target = *source;
        break;
    case 2:
        memcpy(target, source, 2);
        break;
    case 4:
        memcpy(target, source, 4);
        break;
    default:
        memcpy(target, source, 8);
    }
}

/* --- keys --- */

/* Integers: the sign bit is turned. Floats: negative ones are turned over altogether; -0 is 0, all
 * NaNs are one. */
#define INTEGER_KEY(bits, sign) ((bits) ^ (sign))
#define FLOAT_KEY(bits, sign, infinity)                                                            \
    (((bits) & ((sign)-1)) > (infinity) ? ((sign)-1) | (sign)                                      \
     : ((bits) & ((sign)-1)) == 0       ? (sign)                                                   \
     : ((bits) & (sign))                ? ~(bits) & (((sign)-1) | (sign))                          \
                                        : (bits) | (sign))

/* A loop over n elements of the unsigned type U. */
#define LOAD_KEYS(K, U, expression)                                                                \
    for (int64_t i = 0; i < n && step == (int64_t)sizeof(U); i++) {                                \
        U bits = ((const U *)data)[i];                                                             \
        keys[i] = (K)(expression) ^ turn;                                                          \
    }                                                                                              \
    for (int64_t i = 0; i < n && step != (int64_t)sizeof(U); i++) {                                \
        U bits = *(const U *)(data + i * step);                                                    \
        keys[i] = (K)(expression) ^ turn;                                                          \
    }                                                                                              \
    break

static void load_keys_32(const struct key_source *source, uint32_t *keys, int64_t from, int64_t n)
{
    const char *data = source->data + from * source->step;
    int64_t step = source->step;
    uint32_t turn = source->descending ? UINT32_MAX : 0;
    switch (source->dtype) {
    case DTYPE_BOOL:
    case DTYPE_U8:
        LOAD_KEYS(uint32_t, uint8_t, bits);
    case DTYPE_I8:
        LOAD_KEYS(uint32_t, uint8_t, INTEGER_KEY(bits, 0x80u));
    case DTYPE_I16:
        LOAD_KEYS(uint32_t, uint16_t, INTEGER_KEY(bits, 0x8000u));
    case DTYPE_I32:
        LOAD_KEYS(uint32_t, uint32_t, INTEGER_KEY(bits, 0x80000000u));
    case DTYPE_F16:
        LOAD_KEYS(uint32_t, uint16_t, FLOAT_KEY((uint32_t)bits, 0x8000u, 0x7C00u));
    case DTYPE_BF16:
        LOAD_KEYS(uint32_t, uint16_t, FLOAT_KEY((uint32_t)bits, 0x8000u, 0x7F80u));
    default:
        LOAD_KEYS(uint32_t, uint32_t, FLOAT_KEY(bits, 0x80000000u, 0x7F800000u));
    }
}

static void load_keys_64(const struct key_source *source, uint64_t *keys, int64_t from, int64_t n)
{
    const char *data = source->data + from * source->step;
    int64_t step = source->step;
    const uint64_t sign = (uint64_t)1 << 63;
    uint64_t turn = source->descending ? UINT64_MAX : 0;
    if (source->dtype == DTYPE_I64 || source->dtype == DTYPE_F64) {
        switch (source->dtype) {
        case DTYPE_I64:
            LOAD_KEYS(uint64_t, uint64_t, INTEGER_KEY(bits, sign));
        default:
            LOAD_KEYS(uint64_t, uint64_t, FLOAT_KEY(bits, sign, 0x7FF0000000000000u));
        }
        return;
    }
    /* lines of 2^32 elements and more */
    for (int64_t i = 0; i < n; i += KEY_BLOCK) {
        uint32_t small[KEY_BLOCK];
        int64_t count = n - i < KEY_BLOCK ? n - i : KEY_BLOCK;
        load_keys_32(source, small, from + i, count);
        for (int64_t j = 0; j < count; j++) {
            keys[i + j] = small[j];
        }
    }
}

static uint64_t nan_key(enum dtype dtype, bool descending)
{
    uint64_t key = dtype == DTYPE_F64 ? UINT64_MAX : dtype == DTYPE_F32 ? UINT32_MAX : 0xFFFF;
    uint64_t turn = dtype == DTYPE_F64 ? UINT64_MAX : UINT32_MAX;
    return descending ? key ^ turn : key;
}

#define K uint32_t
#define JOIN(x) x##_32
#include "typed/sort.inc"
#undef K
#undef JOIN
#define K uint64_t
#define JOIN(x) x##_64
#include "typed/sort.inc"
#undef K
#undef JOIN

int sort_along(enum sort_kind kind, struct tensor *values, struct tensor *indices,
               struct tensor *self, int64_t dim, int64_t k, bool descending)
{
    struct line_iter lines;
    struct sort_task task = {.kind = kind, .k = k, .bytes = dtype_info[self->dtype].bytes};
    lines_init(&lines, self, dim);
    task.values = lines_add(&lines, values, dim);
    task.indices = lines_add(&lines, indices, dim);
    if (lines.length == 0 || (kind == TOP && k == 0)) {
        return 0;
    }
    bool wide = task.bytes == 8 || lines.length > UINT32_MAX;
    task.source = (struct key_source){
        .dtype = (enum dtype)self->dtype,
        .descending = descending,
        .has_nan = dtype_is_float((enum dtype)self->dtype),
        .nan_key = nan_key((enum dtype)self->dtype, descending),
    };
    task.count = kind == SORT ? lines.length : kind == TOP ? k : 1;
    task.room = lines.length;
    if (kind == TOP && TOP_ROOM(k) < lines.length) {
        task.room = TOP_ROOM(k);
    } else if (kind == TOP) { /* so many that sorting them all costs no more */
        task.kind = SORT;
    }
    atomic_init(&task.failed, false);
    if (lines_run(&lines, wide ? run_64 : run_32, TILE, &task)) {
        return -1;
    }
    if (atomic_load(&task.failed)) {
        error_set(ERROR_MEMORY, "not enough memory to sort %lld elements", (long long)lines.length);
        return -1;
    }
    return 0;
}
