/* One text of the functions for numbers, for two languages: in C, and in the C++ of the CUDA plug-in, where they run on
 * the device. A function for one type is called NAME_f32 and the like; the name without its ending chooses by the type
 * of the first argument: in C a macro over _Generic, in C++ an overload or a template, since macros of such short names
 * would change the headers of C++. */
#ifndef BY_TYPE_H
#define BY_TYPE_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#include <type_traits>

#ifdef __host__ /* nvcc, or whoever stands in for it */
#define SCALAR_FN __host__ __device__ static inline
#else
#define SCALAR_FN static inline
#endif

#define IF_TYPE(T, function) if constexpr (std::is_same_v<X, T>) return function(x, rest...); else
#define IF_INTEGER_TYPE(name)                                                                      \
    IF_TYPE(uint8_t, name##_u8) IF_TYPE(int8_t, name##_i8) IF_TYPE(int16_t, name##_i16)            \
    IF_TYPE(int32_t, name##_i32)
#define CHOOSES(name, chain, last)                                                                 \
    template <class X, class... Rest> SCALAR_FN auto name(X x, Rest... rest)                       \
    {                                                                                              \
        chain return last(x, rest...);                                                             \
    }

/* Defines name() over functions for the floats; for all whole numbers together, too; for the types of whole numbers,
 * each its own; or for all types. */
#define FLOATS_CHOOSE(name) CHOOSES(name, IF_TYPE(float, name##_f32), name##_f64)
#define NUMBERS_CHOOSE_OF(name, functions)                                                         \
    CHOOSES(name, IF_TYPE(float, functions##_f32) IF_TYPE(double, functions##_f64), functions##_int)
#define NUMBERS_CHOOSE(name) NUMBERS_CHOOSE_OF(name, name)
#define INTEGERS_CHOOSE(name) CHOOSES(name, IF_INTEGER_TYPE(name), name##_i64)
#define SCALARS_CHOOSE(name)                                                                       \
    CHOOSES(name, IF_TYPE(float, name##_f32) IF_TYPE(double, name##_f64) IF_INTEGER_TYPE(name), name##_i64)

#else
#define SCALAR_FN static inline

#define FLOAT_BY_TYPE(name, x) _Generic((x), float : name##f, default : name)
#define FLOAT_FUNCTION_BY_TYPE(name, x) _Generic((x), float : name##_f32, double : name##_f64)
#define NUMBER_BY_TYPE(name, x)                                                                    \
    _Generic((x), float : name##_f32, double : name##_f64, default : name##_int)
#define INTEGER_BY_TYPE(name, x)                                                                   \
    _Generic((x), uint8_t                                                                          \
             : name##_u8, int8_t                                                                   \
             : name##_i8, int16_t                                                                  \
             : name##_i16, int32_t                                                                 \
             : name##_i32, int64_t                                                                 \
             : name##_i64)
#define SCALAR_BY_TYPE(name, x)                                                                    \
    _Generic((x), uint8_t                                                                          \
             : name##_u8, int8_t                                                                   \
             : name##_i8, int16_t                                                                  \
             : name##_i16, int32_t                                                                 \
             : name##_i32, int64_t                                                                 \
             : name##_i64, float                                                                   \
             : name##_f32, double                                                                  \
             : name##_f64)
#endif

#endif
