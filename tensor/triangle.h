/* Which elements of matrices are kept by tril and triu. */
#ifndef TRIANGLE_H
#define TRIANGLE_H

#include <stdbool.h>
#include <stdint.h>

struct triangle {
    int64_t rows, columns, diagonal;
    bool upper;
};

static inline int64_t triangle_clamped(int64_t value, int64_t last)
{
    return value < 0 ? 0 : value > last ? last : value;
}

/* A diagonal that lies outside every row must not overflow. */
static inline int64_t triangle_diagonal(const struct triangle *task)
{
    return task->diagonal < -task->rows     ? -task->rows
           : task->diagonal > task->columns ? task->columns
                                            : task->diagonal;
}

/* Columns [*from, *to) of the row are kept; rows of matrices one after the other. */
static inline void triangle_columns(const struct triangle *task, int64_t row, int64_t *from, int64_t *to)
{
    int64_t at = row % task->rows, last = task->columns, diagonal = triangle_diagonal(task);
    *from = task->upper ? triangle_clamped(at + diagonal, last) : 0;
    *to = task->upper ? last : triangle_clamped(at + diagonal + 1, last);
}

#endif
