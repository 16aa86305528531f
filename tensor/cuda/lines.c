/* struct line_kernels of a GPU: tensors become the lines that the plug-in takes. */
#include "lines.h"

#include "../extreme.h"
#include "../shape.h"
#include "backend_parts.h"
#include "cuda.h"

/* Threads of a GPU that are worth having, and elements that each should find. */
#define WANTED_THREADS ((int64_t)1 << 17)
#define WANTED_BLOCKS ((int64_t)1 << 10)
#define PART_OF_THREAD ((int64_t)1 << 6)
#define PART_OF_BLOCK ((int64_t)1 << 12)
/* Fewer lines side by side than this leave most of a warp's reads unused. */
#define BESIDE_MIN 16
/* Bytes that sorting takes at once, unless one line needs more. */
#define SORT_ROOM ((int64_t)1 << 28)

/* --- lines --- */

/* Adds operand k, a tensor with or without the dim; NULL: not wanted. */
static void add(struct cuda_line_set *lines, int k, const struct tensor *tensor, int64_t dim)
{
    lines->data[k] = tensor ? tensor_ptr(tensor) : NULL;
    lines->steps[k] = 0;
    if (!tensor)
        return;
    int64_t bytes = (int64_t)dtype_info[tensor->dtype].bytes;
    bool has_dim = tensor->dims > lines->dims;
    int from = 0;
    for (int i = tensor->dims - 1; i >= 0; i--)
        if (!has_dim || i != dim)
            lines->strides[k][from++] = tensor->strides[i] * bytes;
    if (has_dim)
        lines->steps[k] = tensor->strides[dim] * bytes;
}

static void swap(int64_t *a, int64_t *b)
{
    int64_t old = *a;
    *a = *b;
    *b = old;
}

/* The dim with the smallest strides of operand 0 becomes the innermost, and so on. */
static void order_dims(struct cuda_line_set *lines)
{
    for (int i = 1; i < lines->dims; i++) {
        for (int j = i; j > 0 && lines->strides[0][j] < lines->strides[0][j - 1]; j--) {
            swap(&lines->sizes[j], &lines->sizes[j - 1]);
            for (int k = 0; k < CUDA_LINES_OPERANDS; k++)
                swap(&lines->strides[k][j], &lines->strides[k][j - 1]);
        }
    }
}

/* Whether dim i goes on in every operand where dim `inner` ends. */
static bool continues(const struct cuda_line_set *lines, int inner, int i)
{
    bool follows = true;
    for (int k = 0; k < CUDA_LINES_OPERANDS; k++)
        follows = follows && (!lines->data[k] ||
                              lines->strides[k][i] == lines->strides[k][inner] * lines->sizes[inner]);
    return follows;
}

/* Drops dims of size 1 and joins those that are one run. */
static void merge_dims(struct cuda_line_set *lines)
{
    int kept = 0;
    for (int i = 0; i < lines->dims; i++) {
        if (lines->sizes[i] == 1)
            continue;
        if (kept > 0 && continues(lines, kept - 1, i)) {
            lines->sizes[kept - 1] *= lines->sizes[i];
            continue;
        }
        lines->sizes[kept] = lines->sizes[i];
        for (int k = 0; k < CUDA_LINES_OPERANDS; k++)
            lines->strides[k][kept] = lines->strides[k][i];
        kept++;
    }
    lines->dims = kept;
}

static int64_t between(int64_t low, int64_t value, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* When all operands are there: brings the dims in order and says who takes which part. */
static void settle(struct cuda_line_set *lines)
{
    order_dims(lines);
    merge_dims(lines);
    int64_t step = lines->steps[0] < 0 ? -lines->steps[0] : lines->steps[0];
    lines->beside =
        lines->dims > 0 && lines->sizes[0] >= BESIDE_MIN && lines->length > 1 && lines->strides[0][0] < step;
    int64_t most = (lines->beside ? WANTED_THREADS : WANTED_BLOCKS) / lines->count;
    lines->parts = between(1, lines->length / (lines->beside ? PART_OF_THREAD : PART_OF_BLOCK), most > 1 ? most : 1);
}

/* Lines of self and of two more tensors, each NULL where there is none. */
static void lines_of(struct cuda_line_set *lines, const struct tensor *self, const struct tensor *first,
                     const struct tensor *second, int64_t dim)
{
    lines->dims = 0;
    lines->count = 1;
    lines->length = self->dims ? self->sizes[dim] : 1;
    for (int i = self->dims - 1; i >= 0; i--) {
        if (i != dim) {
            lines->sizes[lines->dims++] = self->sizes[i];
            lines->count *= self->sizes[i];
        }
    }
    for (int k = 0; k < CUDA_LINES_OPERANDS; k++)
        for (int i = 0; i < lines->dims; i++)
            lines->strides[k][i] = 0;
    add(lines, 0, self, dim);
    add(lines, 1, first, dim);
    add(lines, 2, second, dim);
    if (lines->count > 0)
        settle(lines);
}

/* Room for what is found in the parts of the lines: NULL and 0 where there are none; else the caller releases it. */
static int make_room(const struct cuda_line_set *lines, void **room)
{
    *room = NULL;
    if (lines->parts == 1)
        return 0;
    *room = cuda_allocate((size_t)(lines->parts * lines->count) * CUDA_STATE_BYTES);
    return *room ? 0 : -1;
}

static void release_room(void *room)
{
    if (room)
        cuda_release(room);
}

/* --- the functions of the table --- */

static int softmax(enum softmax kind, struct tensor *result, struct tensor *self, int64_t dim)
{
    struct cuda_line_set lines;
    cuda_stream stream;
    void *room;
    lines_of(&lines, self, result, NULL, dim);
    if (lines.count == 0)
        return 0;
    if (kind != LOG_SUM_EXP)
        lines.parts = 1; /* each result needs the whole line */
    if (cuda_enter(self, &stream) || make_room(&lines, &room))
        return -1;
    int status = cuda->lines->softmax(kind, (enum dtype)self->dtype, &lines, room, stream);
    release_room(room);
    return cuda_check(status);
}

static bool has_scan(enum scan kind, enum dtype dtype)
{
    return cuda->lines->has_scan(kind, dtype);
}

static void reverse(struct cuda_line_set *lines)
{
    for (int k = 0; k < CUDA_LINES_OPERANDS; k++) {
        if (lines->data[k])
            lines->data[k] += (lines->length - 1) * lines->steps[k];
        lines->steps[k] = -lines->steps[k];
    }
}

static int scan(enum scan kind, bool reversed, struct tensor *result, struct tensor *self, int64_t dim)
{
    struct cuda_line_set lines;
    cuda_stream stream;
    void *room;
    lines_of(&lines, self, result, NULL, dim);
    if (lines.count == 0 || lines.length == 0)
        return 0;
    if (reversed)
        reverse(&lines);
    if (cuda_enter(self, &stream) || make_room(&lines, &room))
        return -1;
    int status = cuda->lines->scan(kind, (enum dtype)self->dtype, &lines, room, stream);
    release_room(room);
    return cuda_check(status);
}

static int scan_extremes(enum extreme which, struct tensor *values, struct tensor *indices, struct tensor *self,
                         int64_t dim)
{
    struct cuda_line_set lines;
    cuda_stream stream;
    void *room;
    lines_of(&lines, self, values, indices, dim);
    if (lines.count == 0 || lines.length == 0)
        return 0;
    if (cuda_enter(self, &stream) || make_room(&lines, &room))
        return -1;
    int status = cuda->lines->scan_extremes(which, (enum dtype)self->dtype, &lines, room, stream);
    release_room(room);
    return cuda_check(status);
}

static int moments(struct tensor *variance, struct tensor *mean, struct tensor *self, int64_t dim, double freedom,
                   bool root)
{
    struct cuda_line_set lines;
    cuda_stream stream;
    void *room;
    lines_of(&lines, self, variance, mean, dim);
    if (lines.count == 0)
        return 0;
    if (cuda_enter(self, &stream) || make_room(&lines, &room))
        return -1;
    int status = cuda->lines->moments((enum dtype)self->dtype, &lines, freedom, root, room, stream);
    release_room(room);
    return cuda_check(status);
}

/* --- extremes --- */

static int run_extreme(enum extreme which, enum dtype dtype, const struct cuda_line_set *lines, cuda_stream stream)
{
    void *room;
    if (make_room(lines, &room))
        return -1;
    int status = cuda->lines->extreme(which, dtype, lines, room, stream);
    release_room(room);
    return cuda_check(status);
}

static int extreme_along(enum extreme which, struct tensor *values, struct tensor *indices, struct tensor *self,
                         int64_t dim)
{
    struct cuda_line_set lines;
    cuda_stream stream;
    lines_of(&lines, self, values, indices, dim);
    if (lines.count == 0)
        return 0;
    return cuda_enter(self, &stream) ? -1 : run_extreme(which, (enum dtype)self->dtype, &lines, stream);
}

/* One line of `length` neighbours. */
static int extreme_of_run(enum extreme which, struct tensor *result, void *data, int64_t length, cuda_stream stream)
{
    struct cuda_line_set line = {
        .length = length,
        .count = 1,
        .steps = {(int64_t)dtype_info[result->dtype].bytes},
        .data = {data, tensor_ptr(result)},
    };
    settle(&line);
    return run_extreme(which, (enum dtype)result->dtype, &line, stream);
}

static int longest_dim(const struct tensor *self)
{
    int longest = 0;
    for (int i = 1; i < self->dims; i++)
        longest = self->sizes[i] > self->sizes[longest] ? i : longest;
    return longest;
}

/* Where the elements lie apart the extreme of each line comes first, side by side in `found`. */
static int extreme_of_lines(enum extreme which, struct tensor *result, const struct tensor *self, void *found,
                            cuda_stream stream)
{
    struct cuda_line_set lines;
    int64_t stride = (int64_t)dtype_info[self->dtype].bytes;
    lines_of(&lines, self, NULL, NULL, longest_dim(self));
    lines.data[1] = found;
    for (int i = 0; i < lines.dims; i++) {
        lines.strides[1][i] = stride;
        stride *= lines.sizes[i];
    }
    return run_extreme(which, (enum dtype)self->dtype, &lines, stream) ||
                   extreme_of_run(which, result, found, lines.count, stream)
               ? -1
               : 0;
}

static int extreme_of_all(enum extreme which, struct tensor *result, struct tensor *self)
{
    cuda_stream stream;
    if (cuda_enter(self, &stream))
        return -1;
    if (shape_is_dense(self->dims, self->sizes, self->strides))
        return extreme_of_run(which, result, tensor_ptr(self), self->numel, stream);
    int64_t count = self->numel / self->sizes[longest_dim(self)];
    void *found = cuda_allocate((size_t)count * dtype_info[self->dtype].bytes);
    int status = found ? extreme_of_lines(which, result, self, found, stream) : -1;
    release_room(found);
    return status;
}

int cuda_max(struct tensor *result, struct tensor *self)
{
    return extreme_check_all("max", self) ? -1 : extreme_of_all(LARGEST, result, self);
}

int cuda_min(struct tensor *result, struct tensor *self)
{
    return extreme_check_all("min", self) ? -1 : extreme_of_all(SMALLEST, result, self);
}

int cuda_max_dim(struct tensor *values, struct tensor *indices, struct tensor *self, int64_t dim, bool keepdim)
{
    (void)keepdim; /* the results have their shape already */
    return extreme_check_dim("max", self, &dim) ? -1 : extreme_along(LARGEST, values, indices, self, dim);
}

int cuda_min_dim(struct tensor *values, struct tensor *indices, struct tensor *self, int64_t dim, bool keepdim)
{
    (void)keepdim;
    return extreme_check_dim("min", self, &dim) ? -1 : extreme_along(SMALLEST, values, indices, self, dim);
}

/* --- sorting and searching --- */

static int sort_along(enum sort_kind kind, struct tensor *values, struct tensor *indices, struct tensor *self,
                      int64_t dim, int64_t k, bool descending)
{
    struct cuda_line_set lines;
    cuda_stream stream;
    void *room = NULL;
    int status = CUDA_OK;
    lines_of(&lines, self, values, indices, dim);
    if (lines.count == 0 || lines.length == 0 || (kind == TOP && k == 0))
        return 0;
    if (cuda_enter(self, &stream))
        return -1;
    int64_t bytes = 2 * CUDA_PAIR_BYTES * lines.length, batch = lines.count;
    if (lines.length > CUDA_SORT_SHORT) {
        batch = between(1, SORT_ROOM / bytes, lines.count);
        room = cuda_allocate((size_t)(batch * bytes));
        if (!room)
            return -1;
    }
    for (int64_t i = 0; i < lines.count && status == CUDA_OK; i += batch) {
        int64_t count = between(1, batch, lines.count - i);
        status = cuda->lines->sort(kind, (enum dtype)self->dtype, &lines, i, count, k, descending, room, stream);
    }
    release_room(room);
    return cuda_check(status);
}

static int keep_triangle(struct tensor *target, const struct tensor *source, int64_t diagonal, bool upper)
{
    struct triangle kept = {target->sizes[target->dims - 2], target->sizes[target->dims - 1], diagonal, upper};
    cuda_stream stream;
    if (cuda_enter(target, &stream))
        return -1;
    return cuda_check(cuda->lines->triangle(tensor_ptr(target), tensor_ptr(source), dtype_info[target->dtype].bytes,
                                            &kept, target->numel / (kept.rows * kept.columns), stream));
}

static int search(struct tensor *places, const struct tensor *boundaries, const struct tensor *values,
                  const struct tensor *sorter, bool right)
{
    struct cuda_search search = {
        .dtype = (enum dtype)values->dtype,
        .boundaries = tensor_ptr(boundaries),
        .values = tensor_ptr(values),
        .sorter = sorter ? tensor_ptr(sorter) : NULL,
        .boundary_count = boundaries->sizes[boundaries->dims - 1],
        .row = values->dims ? values->sizes[values->dims - 1] : 1,
        .count = values->numel,
        .shared = boundaries->dims == 1,
        .right = right,
        .places = tensor_ptr(places),
    };
    cuda_stream stream;
    return cuda_enter(values, &stream) ? -1 : cuda_check(cuda->lines->search(&search, stream));
}

static int fill_series(struct tensor *result, const struct series *series)
{
    cuda_stream stream;
    return cuda_enter(result, &stream) ? -1
                                       : cuda_check(cuda->lines->series(tensor_ptr(result), series, stream));
}

const struct line_kernels cuda_line_kernels = {
    .softmax = softmax,
    .has_scan = has_scan,
    .scan = scan,
    .scan_extremes = scan_extremes,
    .moments = moments,
    .extreme_of_all = extreme_of_all,
    .extreme_along = extreme_along,
    .sort_along = sort_along,
    .triangle = keep_triangle,
    .search = search,
    .series = fill_series,
};
