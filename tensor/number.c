#include "number.h"

#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

locale_t number_locale_enter(void)
{
    pthread_once(&c_locale_once, make_c_locale);
    return c_locale ? uselocale(c_locale) : (locale_t)0;
}

void number_locale_leave(locale_t old)
{
    if (old)
        uselocale(old);
}

/* The shortest digits that read back as `value`, as "d.ddde±xx"; returns their count. */
static int shortest_digits(double value, char *scientific)
{
    /* 15 digits always survive a round trip through a normal double, fewer through a subnormal one
     */
    int digits = fabs(value) < DBL_MIN ? 1 : 15;

    for (; digits < 17; digits++) {
        snprintf(scientific, 32, "%.*e", digits - 1, value);
        if (strtod(scientific, NULL) == value)
            break;
    }
    snprintf(scientific, 32, "%.*e", digits - 1, value);
    char *end = strchr(scientific, 'e');
    char *last = end - 1;
    while (*last == '0' && last > scientific + 1)
        last--, digits--;
    return digits < 1 ? 1 : digits;
}

const char *number_not_finite(double value)
{
    return isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
}

char *print_double(double value, char *buffer)
{
    char scientific[32];

    if (!isfinite(value))
        return strcpy(buffer, number_not_finite(value));
    if (value == 0)
        return strcpy(buffer, signbit(value) ? "-0.0" : "0.0");
    locale_t old = number_locale_enter();
    int digits = shortest_digits(value, scientific);
    int exponent = atoi(strchr(scientific, 'e') + 1);
    if (exponent < -4 || exponent >= 16) {
        snprintf(buffer, 32, "%.*e", digits - 1, value);
    } else {
        int decimals = digits - 1 - exponent;
        snprintf(buffer, 32, "%.*f", decimals > 1 ? decimals : 1, value);
    }
    number_locale_leave(old);
    return buffer;
}

char *print_short(double value, char *buffer)
{
    if (!isfinite(value))
        return strcpy(buffer, number_not_finite(value));
    locale_t old = number_locale_enter();
    snprintf(buffer, 32, "%g", value);
    number_locale_leave(old);
    return buffer;
}
