/* What lines.cu collects from the files that it is made of. */
#ifndef LINES_CUH
#define LINES_CUH

#include "lines.h"

/* softmax.cu */
int cuda_softmax(enum softmax kind, enum dtype dtype, const cuda_line_set *lines, void *room, cuda_stream stream);
/* scan.cu */
bool cuda_has_scan(enum scan kind, enum dtype dtype);
int cuda_scan(enum scan kind, enum dtype dtype, const cuda_line_set *lines, void *room, cuda_stream stream);
int cuda_scan_extremes(enum extreme which, enum dtype dtype, const cuda_line_set *lines, void *room,
                       cuda_stream stream);
/* sort.cu */
int cuda_sort(enum sort_kind kind, enum dtype dtype, const cuda_line_set *lines, int64_t first, int64_t count,
              int64_t k, bool descending, void *room, cuda_stream stream);
/* search.cu */
int cuda_triangle(void *target, const void *source, size_t bytes, const triangle *triangle, int64_t count,
                  cuda_stream stream);
int cuda_search_places(const cuda_search *search, cuda_stream stream);
/* series.cu */
int cuda_series(void *data, const series *series, cuda_stream stream);

#endif
