#include "similar.h"

#include "json_write.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_TO_ROUND = 4 };

struct real {
    double value;
    double unit; /* what one in the last digit is worth */
    int digits;  /* significant ones */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Text that numbers are not a part of, such as names and versions, ends where a number begins. */
static bool may_precede(const char *line, const char *at)
{
    return at == line || !(isalnum((unsigned char)at[-1]) || at[-1] == '_' || at[-1] == '.');
}

static bool may_follow(const char *end)
{
    return !(isalpha((unsigned char)end[0]) && end[0] != 'j') && end[0] != '_' &&
           !(end[0] == '.' && is_digit(end[1]));
}

/* Bytes of the exponent at `at`, 0 if there is none. */
static size_t exponent_length(const char *at)
{
    size_t sign = at[0] && (at[1] == '+' || at[1] == '-');
    if ((at[0] != 'e' && at[0] != 'E') || !is_digit(at[1 + sign]))
        return 0;
    return 1 + sign + strspn(at + 1 + sign, "0123456789");
}

static int significant_digits(const char *at, const char *end)
{
    int digits = 0;
    for (; at < end && *at != 'e' && *at != 'E'; at++)
        digits += is_digit(*at) && (digits > 0 || *at != '0');
    return digits;
}

/* The length of the real number, without its sign, that stands at `at` in the line; 0 if none does.
 */
static size_t read_real(const char *line, const char *at, struct real *real)
{
    if (!is_digit(*at) && !(*at == '.' && is_digit(at[1])))
        return 0;
    size_t whole = strspn(at, "0123456789");
    size_t point = at[whole] == '.', fraction = point ? strspn(at + whole + 1, "0123456789") : 0;
    size_t mantissa = whole + point + fraction, exponent = exponent_length(at + mantissa);
    const char *end = at + mantissa + exponent;
    if ((!point && !exponent) || !may_precede(line, at) || !may_follow(end))
        return 0;
    double power = exponent ? strtod(at + mantissa + 1, NULL) : 0;
    real->value = strtod(at, NULL);
    real->unit = pow(10, power - (double)fraction);
    real->digits = significant_digits(at, end);
    return (size_t)(end - at);
}

static bool reals_similar(const struct real *a, const struct real *b, double tolerance)
{
    double distance = fabs(a->value - b->value), unit = fmax(a->unit, b->unit);
    bool rounded = a->digits >= DIGITS_TO_ROUND && b->digits >= DIGITS_TO_ROUND;
    /* the half is for what decimal digits lose as doubles */
    return distance <= tolerance * fmax(a->value, b->value) || (rounded && distance < 1.5 * unit);
}

static bool rest_similar(const char *a, const char *b, double tolerance)
{
    const char *a_line = a, *b_line = b;
    struct real x, y;
    while (*a && *b) {
        size_t a_length = read_real(a_line, a, &x);
        size_t b_length = a_length ? read_real(b_line, b, &y) : 0;
        if (b_length && !reals_similar(&x, &y, tolerance))
            return false;
        if (!b_length && *a != *b)
            return false;
        a += b_length ? a_length : 1;
        b += b_length ? b_length : 1;
    }
    return *a == *b;
}

bool lines_similar(const char *a, const char *b, double tolerance)
{
    if (strcmp(a, b) == 0)
        return true;
    if (tolerance <= 0)
        return false;
    void *locale = json_locale_enter();
    bool similar = rest_similar(a, b, tolerance);
    json_locale_leave(locale);
    return similar;
}
