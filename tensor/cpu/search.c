/* Looking values up among sorted boundaries. */
#include "../backend.h"
#include "cpu.h"

/* values looked up by one thread at least */
#define GRAIN 4096

/* Rows of sorted boundaries, and for each as many values. */
struct search {
    enum dtype dtype;                /* int64, float32 or float64 */
    const void *boundaries, *values; /* contiguous */
    const int64_t *sorter;           /* the order of the boundaries, or NULL */
    int64_t boundary_count, row;     /* of a row: boundaries, values */
    bool shared;                     /* one row of boundaries serves all values */
    bool right;
    int64_t *places;
    struct work work;
};

/* The first place whose boundary is not before the value; with `right` the first that is after it.
 * A NaN is found at the end. Without branches that depend on the numbers, which could not be
 * foreseen: `left` places from `low` on are halved whatever the comparison says. */
#define DEFINE_PLACE(name, T)                                                                      \
    static inline int64_t name(const T *boundaries, const int64_t *sorter, int64_t count, T value, \
                               bool right)                                                         \
    {                                                                                              \
        int64_t low = 0;                                                                           \
        for (int64_t left = count, half; left > 0; left -= half) {                                 \
            half = (left + 1) / 2;                                                                 \
            int64_t middle = low + half - 1;                                                       \
            T boundary = boundaries[sorter ? sorter[middle] : middle];                             \
            bool beyond = right ? boundary > value : boundary >= value;                            \
            low += beyond ? 0 : half;                                                              \
        }                                                                                          \
        return low;                                                                                \
    }

DEFINE_PLACE(place_int, int64_t)
DEFINE_PLACE(place_float, float)
DEFINE_PLACE(place_double, double)

#define SEARCH(place, T)                                                                           \
    for (; begin < end && work_goes_on(&search->work); begin++) {                                  \
        int64_t from = search->shared ? 0 : begin / search->row * count;                           \
        const T *boundaries = (const T *)search->boundaries + from;                                \
        T value = ((const T *)search->values)[begin];                                              \
        search->places[begin] =                                                                    \
            search->sorter  ? place(boundaries, search->sorter + from, count, value, right)        \
            : search->right ? place(boundaries, NULL, count, value, true)                          \
                            : place(boundaries, NULL, count, value, false);                        \
    }

static void search_values(void *arg, int64_t begin, int64_t end)
{
    struct search *search = arg;
    int64_t count = search->boundary_count;
    bool right = search->right;
    if (search->dtype == DTYPE_I64) {
        SEARCH(place_int, int64_t)
    } else if (search->dtype == DTYPE_F32) {
        SEARCH(place_float, float)
    } else {
        SEARCH(place_double, double)
    }
}

int cpu_search(struct tensor *places, const struct tensor *boundaries, const struct tensor *values,
               const struct tensor *sorter, bool right)
{
    struct search search = {
        .dtype = (enum dtype)values->dtype,
        .boundaries = tensor_ptr(boundaries),
        .values = tensor_ptr(values),
        .sorter = sorter ? tensor_ptr(sorter) : NULL,
        .boundary_count = boundaries->sizes[boundaries->dims - 1],
        .row = values->dims ? values->sizes[values->dims - 1] : 1,
        .shared = boundaries->dims == 1,
        .right = right,
        .places = tensor_ptr(places),
    };
    work_start(&search.work);
    parallel_for(0, values->numel, GRAIN, search_values, &search);
    return work_result(&search.work);
}
