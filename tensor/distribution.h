/* What the distributions check before they draw, whatever the device: parameters and element types,
 * in PyTorch's words. */
#ifndef DISTRIBUTION_H
#define DISTRIBUTION_H

#include "random.h"

/* The largest number that a floating dtype holds. */
double distribution_float_max(enum dtype dtype);

/* The generator itself, or the default one of the device (a CPU's or a GPU's, of that index) for NULL; RUNTIME
 * "Expected a 'cuda' device type for generator but found 'cpu'" for one of another type. Borrowed. */
struct generator *distribution_generator(struct generator *generator, struct device device);

/* Each 0, or -1 with the error set. */
int distribution_check_uniform(enum dtype dtype, double from, double to);
int distribution_check_std(double std);         /* of normal_() */
int distribution_check_chance(double p);        /* of bernoulli_() */
int distribution_check_success(double p);       /* of geometric_() */
/* "exponential_ expects lambda > 0.0, but found lambda=-1" unless the parameter is so. */
int distribution_check_positive(const char *op, const char *parameter, double value);
/* "Exponential distribution is a continuous probability distribution. …" unless the dtype is floating. */
int distribution_check_continuous(enum dtype dtype, const char *distribution, const char *dtype_name);
/* NOT_IMPLEMENTED "\"geometric_cpu\" not implemented for 'Bool'"; -1. */
int distribution_not_implemented(enum dtype dtype, const char *kernel);

/* The integers of random_(): first, first + 1, …; so many of them, 0 standing for 2^64. */
struct integer_choices {
    int64_t first;
    uint64_t count;
};
/* From this many choices on, random_(from, to) draws 64 bits an element. */
#define WIDE_CHOICES (1ULL << 28)
/* Those of random_(from, to); a bound that the dtype does not hold is an error, one that a floating dtype holds only
 * roughly a warning, and then moved inward. */
int distribution_choices(enum dtype dtype, int64_t from, struct maybe_int to, struct integer_choices *choices);
/* Those of random_(): up to the largest integer that the dtype holds exactly. */
struct integer_choices distribution_all_choices(enum dtype dtype);

#endif
