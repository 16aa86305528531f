/* Integer arithmetic for op bodies, by C type, with what hardware does not define: sums and
 * products wrap, a division by 0 is reported, shifts may have any distance. */
#ifndef SCALAR_INT_H
#define SCALAR_INT_H

#include "scalar.h"
#include "tensor.h"

/* Says in params[0] that a loop met a divisor of 0; the call raises it when all loops are done. On a GPU nothing is
 * raised, as nobody waits for the result: it is 0 or what follows from 0. */
SCALAR_FN int loop_fault(const void *params)
{
#ifdef __cplusplus
    (void)params;
#else
    __atomic_store_n(&((struct scalar *)params)->i, 1, __ATOMIC_RELAXED);
#endif
    return 0;
}

/* U is T without sign; is_signed chooses where the two differ. Nothing is divided by -1, as the
 * least number over -1 traps. */
#define SCALAR_INTEGER(T, U, name, is_signed)                                                      \
    SCALAR_FN T divide_trunc_##name(T a, T b, const void *params)                              \
    {                                                                                              \
        if (b == 0)                                                                                \
            return (T)loop_fault(params);                                                          \
        return is_signed && b == (T)-1 ? (T)(0 - (U)a) : (T)(a / b);                               \
    }                                                                                              \
    SCALAR_FN T modulo_trunc_##name(T a, T b, const void *params)                              \
    {                                                                                              \
        if (b == 0)                                                                                \
            return (T)loop_fault(params);                                                          \
        return is_signed && b == (T)-1 ? 0 : (T)(a % b);                                           \
    }                                                                                              \
    SCALAR_FN T modulo_floor_##name(T a, T b, const void *params)                              \
    {                                                                                              \
        T rest = modulo_trunc_##name(a, b, params);                                                \
        return rest != 0 && negative_int(rest ^ b) ? (T)(rest + b) : rest;                         \
    }                                                                                              \
    SCALAR_FN T divide_floor_##name(T a, T b, const void *params)                              \
    {                                                                                              \
        T quotient = divide_trunc_##name(a, b, params);                                            \
        return (T)(a - (T)((U)quotient * (U)b)) != 0 && negative_int(a ^ b) ? (T)(quotient - 1)    \
                                                                            : quotient;            \
    }                                                                                              \
    SCALAR_FN T shift_left_##name(T a, T b)                                                    \
    {                                                                                              \
        return (U)b >= 8 * sizeof(T) ? 0 : (T)((U)a << b);                                         \
    }                                                                                              \
    SCALAR_FN T shift_right_##name(T a, T b)                                                   \
    {                                                                                              \
        if ((U)b >= 8 * sizeof(T))                                                                 \
            return is_signed ? (T)(a >> (8 * sizeof(T) - 1)) : 0;                                  \
        return (T)(a >> b);                                                                        \
    }                                                                                              \
    SCALAR_FN T gcd_##name(T a, T b)                                                           \
    {                                                                                              \
        T x = is_signed ? (T)absolute_int(a) : a, y = is_signed ? (T)absolute_int(b) : b;          \
        while (x != 0) {                                                                           \
            T rest = is_signed && x == (T)-1 ? 0 : (T)(y % x);                                     \
            y = x;                                                                                 \
            x = rest;                                                                              \
        }                                                                                          \
        return y;                                                                                  \
    }                                                                                              \
    SCALAR_FN T lcm_##name(T a, T b)                                                           \
    {                                                                                              \
        T divisor = gcd_##name(a, b);                                                              \
        if (divisor == 0)                                                                          \
            return 0;                                                                              \
        return (T)absolute_int((T)((U)divide_trunc_##name(a, divisor, NULL) * (U)b));              \
    }
SCALAR_INTEGER(uint8_t, uint8_t, u8, false)
SCALAR_INTEGER(int8_t, uint8_t, i8, true)
SCALAR_INTEGER(int16_t, uint16_t, i16, true)
SCALAR_INTEGER(int32_t, uint32_t, i32, true)
SCALAR_INTEGER(int64_t, uint64_t, i64, true)

#ifdef __cplusplus
SCALARS_CHOOSE(divide_trunc)
SCALARS_CHOOSE(divide_floor)
SCALARS_CHOOSE(modulo_trunc)
SCALARS_CHOOSE(modulo_floor)
INTEGERS_CHOOSE(shift_left)
INTEGERS_CHOOSE(shift_right)
INTEGERS_CHOOSE(gcd)
INTEGERS_CHOOSE(lcm)
#else
#define divide_trunc(a, b, params) SCALAR_BY_TYPE(divide_trunc, a)(a, b, params)
#define divide_floor(a, b, params) SCALAR_BY_TYPE(divide_floor, a)(a, b, params)
#define modulo_trunc(a, b, params) SCALAR_BY_TYPE(modulo_trunc, a)(a, b, params)
#define modulo_floor(a, b, params) SCALAR_BY_TYPE(modulo_floor, a)(a, b, params)
#define shift_left(a, b) INTEGER_BY_TYPE(shift_left, a)(a, b)
#define shift_right(a, b) INTEGER_BY_TYPE(shift_right, a)(a, b)
#define gcd(a, b) INTEGER_BY_TYPE(gcd, a)(a, b)
#define lcm(a, b) INTEGER_BY_TYPE(lcm, a)(a, b)
#endif

#endif
