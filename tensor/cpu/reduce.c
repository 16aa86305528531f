/* Reductions: cuts a fold into calls of the generated loops (loops.h), and looks for largest
 * elements.
 *
 * Dims are kept (they appear in the result) or reduced. Where the dim that is dense in memory is
 * reduced, each element of the result is one run (fold_run); where it is kept, whole rows of
 * results are added up together (columns). Parts are cut by size and thread count alone and
 * combined in order, so that a result does not depend on timing. */
#include <string.h>

#include "../backend.h"
#include "../shape.h"
#include "cpu.h"

/* elements worth another thread, and those between two looks at interrupts */
#define GRAIN ((int64_t)1 << 15)
#define BLOCK ((int64_t)1 << 21)
/* results of a row that are added up together: they stay in the first-level cache */
#define TILE 512
/* a dense reduced dim shorter than this is left to the column loops */
#define SHORT_RUN 16
#define MAX_PARTS 64
#define ACC_BYTES sizeof(int64_t)

struct dim {
    int64_t size, in, out; /* steps in bytes; out 0 where reduced */
};

struct reduction {
    const struct fold_loops *loops;
    loop_fn store; /* accumulators → result */
    size_t acc_bytes;
    const char *in;
    char *out;
    int kept, reduced;
    struct dim kept_dims[TENSOR_MAX_DIMS], reduced_dims[TENSOR_MAX_DIMS]; /* innermost first */
    int64_t results, run; /* products of their sizes */
    int64_t parts;        /* of the outermost reduced dim, each folded by itself */
    char *partial;        /* parts × tile accumulators */
    int64_t unit;         /* the result or tile being folded in parts */
    struct work work;
};

/* --- one element of the result --- */

/* Partial results, combined pairwise like the carries of a binary counter (Higham 1993): slot l
 * holds 2^l of them. */
struct pairwise {
    _Alignas(int64_t) char slots[48][ACC_BYTES];
    uint64_t count;
};

static void pairwise_push(const struct reduction *r, struct pairwise *sums, const void *value)
{
    _Alignas(int64_t) char carry[ACC_BYTES];
    int level = 0;
    memcpy(carry, value, r->acc_bytes);
    for (; sums->count >> level & 1; level++) {
        r->loops->combine(sums->slots[level], carry, 1);
        memcpy(carry, sums->slots[level], r->acc_bytes);
    }
    memcpy(sums->slots[level], carry, r->acc_bytes);
    sums->count++;
}

static void pairwise_finish(const struct reduction *r, const struct pairwise *sums, void *acc)
{
    for (int level = 0; sums->count >> level; level++) {
        if (sums->count >> level & 1) {
            r->loops->combine(acc, sums->slots[level], 1);
        }
    }
}

/* Folds the innermost reduced dim, `n` elements from `data` on. */
static void fold_dense(struct reduction *r, struct pairwise *sums, const char *data, int64_t n)
{
    int64_t step = r->reduced_dims[0].in;
    for (int64_t i = 0; i < n && work_goes_on(&r->work); i += BLOCK) {
        _Alignas(int64_t) char acc[ACC_BYTES];
        r->loops->start(acc, 1);
        r->loops->inner(acc, data + i * step, step, least(BLOCK, n - i));
        pairwise_push(r, sums, acc);
    }
}

/* acc[0] = the fold of the elements from `data` on whose index in the outermost reduced dim is in
 * [begin, end). */
static void fold_run(struct reduction *r, void *acc, const char *data, int64_t begin, int64_t end)
{
    const struct dim *dims = r->reduced_dims;
    int top = r->reduced - 1;
    int64_t counter[TENSOR_MAX_DIMS] = {0};
    struct pairwise sums = {.count = 0};
    data += begin * dims[top].in;
    r->loops->start(acc, 1);
    if (top == 0) {
        if (end - begin <= BLOCK) {
            r->loops->inner(acc, data, dims[0].in, end - begin);
            return;
        }
        fold_dense(r, &sums, data, end - begin);
        pairwise_finish(r, &sums, acc);
        return;
    }
    for (counter[top] = begin; counter[top] < end && work_goes_on(&r->work);) {
        fold_dense(r, &sums, data, dims[0].size);
        int i = 1;
        for (; i <= top; i++) {
            data += dims[i].in;
            if (++counter[i] < dims[i].size || i == top) {
                break;
            }
            data -= dims[i].in * dims[i].size;
            counter[i] = 0;
        }
    }
    pairwise_finish(r, &sums, acc);
}

/* --- places of results --- */

/* Where result number `index` (over the kept dims from `from` on) lies. */
static void seek_result(const struct reduction *r, int from, int64_t index, const char **in,
                        char **out)
{
    *in = r->in;
    *out = r->out;
    for (int i = from; i < r->kept; i++) {
        int64_t at = index % r->kept_dims[i].size;
        index /= r->kept_dims[i].size;
        *in += at * r->kept_dims[i].in;
        *out += at * r->kept_dims[i].out;
    }
}

static void store(const struct reduction *r, char *out, int64_t out_step, void *acc, int64_t n)
{
    r->store((char *[]){out, acc}, (int64_t[]){out_step, (int64_t)r->acc_bytes}, n, NULL);
}

static int64_t top_size(const struct reduction *r)
{
    return r->reduced_dims[r->reduced - 1].size;
}

static void run_results(void *arg, int64_t begin, int64_t end)
{
    struct reduction *r = arg;
    for (int64_t i = begin; i < end && work_goes_on(&r->work); i++) {
        _Alignas(int64_t) char acc[ACC_BYTES];
        const char *in;
        char *out;
        seek_result(r, 0, i, &in, &out);
        fold_run(r, acc, in, 0, top_size(r));
        store(r, out, 0, acc, 1);
    }
}

static void run_parts(void *arg, int64_t begin, int64_t end)
{
    struct reduction *r = arg;
    const char *in;
    char *out;
    seek_result(r, 0, r->unit, &in, &out);
    for (int64_t p = begin; p < end; p++) {
        fold_run(r, r->partial + (size_t)p * r->acc_bytes, in, top_size(r) * p / r->parts,
                 top_size(r) * (p + 1) / r->parts);
    }
}

/* Few results of long runs: the threads share each run. */
static void run_shared(struct reduction *r)
{
    _Alignas(int64_t) char partial[MAX_PARTS * ACC_BYTES];
    r->partial = partial;
    for (r->unit = 0; r->unit < r->results && work_goes_on(&r->work); r->unit++) {
        const char *in;
        char *out;
        parallel_for(0, r->parts, 1, run_parts, r);
        for (int64_t p = 1; p < r->parts; p++) {
            r->loops->combine(partial, partial + (size_t)p * r->acc_bytes, 1);
        }
        seek_result(r, 0, r->unit, &in, &out);
        store(r, out, 0, partial, 1);
    }
}

/* --- columns: neighbouring results together --- */

/* Adds `rows` rows of the innermost reduced dim to acc. Narrow dense rows are taken several at a
 * time, as one wide row whose parts are joined at the end: `acc` has room for TILE accumulators. */
static void fold_rows(struct reduction *r, char *acc, const char *data, int64_t n, int64_t rows)
{
    int64_t step = r->kept_dims[0].in, row_step = r->reduced_dims[0].in;
    int64_t joined = row_step == n * step && n <= TILE / 8 && rows >= TILE ? TILE / 2 / n : 1;
    int64_t wide = joined * n, wide_rows = rows / joined, block = BLOCK / wide + 1;
    if (joined > 1) {
        r->loops->start(acc + (size_t)n * r->acc_bytes, wide - n);
    }
    for (int64_t i = 0; i < wide_rows && work_goes_on(&r->work); i += block) {
        r->loops->rows(acc, data + i * joined * row_step, joined * row_step,
                       least(block, wide_rows - i), step, wide);
    }
    for (int64_t i = wide_rows * joined; i < rows; i++) {
        r->loops->rows(acc, data + i * row_step, row_step, 1, step, n);
    }
    for (int64_t i = 1; i < joined; i++) {
        r->loops->combine(acc, acc + (size_t)(i * n) * r->acc_bytes, n);
    }
}

/* acc[j] = the fold of column j < n from `data` on, over [begin, end) of the outermost reduced dim.
 */
static void fold_columns(struct reduction *r, void *acc, const char *data, int64_t n, int64_t begin,
                         int64_t end)
{
    const struct dim *dims = r->reduced_dims;
    int top = r->reduced - 1;
    int64_t counter[TENSOR_MAX_DIMS] = {0};
    int64_t rows = top == 0 ? end - begin : dims[0].size;
    data += begin * dims[top].in;
    r->loops->start(acc, n);
    for (counter[top] = begin; counter[top] < end;) {
        fold_rows(r, acc, data, n, rows);
        if (top == 0 || r->work.stopped) {
            return;
        }
        for (int i = 1; i <= top; i++) {
            data += dims[i].in;
            if (++counter[i] < dims[i].size || i == top) {
                break;
            }
            data -= dims[i].in * dims[i].size;
            counter[i] = 0;
        }
    }
}

static int64_t tiles_of(const struct reduction *r)
{
    return (r->kept_dims[0].size + TILE - 1) / TILE;
}

/* The place and width of a tile: they are counted over the innermost kept dim first. */
static int64_t seek_tile(const struct reduction *r, int64_t unit, const char **in, char **out)
{
    const struct dim *dim = &r->kept_dims[0];
    int64_t tiles = tiles_of(r), column = unit % tiles * TILE;
    seek_result(r, 1, unit / tiles, in, out);
    *in += column * dim->in;
    *out += column * dim->out;
    return least(TILE, dim->size - column);
}

static void run_tiles(void *arg, int64_t begin, int64_t end)
{
    struct reduction *r = arg;
    for (int64_t unit = begin; unit < end && work_goes_on(&r->work); unit++) {
        _Alignas(64) char acc[TILE * ACC_BYTES];
        const char *in;
        char *out;
        int64_t n = seek_tile(r, unit, &in, &out);
        fold_columns(r, acc, in, n, 0, top_size(r));
        store(r, out, r->kept_dims[0].out, acc, n);
    }
}

static void run_tile_parts(void *arg, int64_t begin, int64_t end)
{
    struct reduction *r = arg;
    const char *in;
    char *out;
    int64_t n = seek_tile(r, r->unit, &in, &out);
    for (int64_t p = begin; p < end; p++) {
        fold_columns(r, r->partial + (size_t)p * TILE * r->acc_bytes, in, n,
                     top_size(r) * p / r->parts, top_size(r) * (p + 1) / r->parts);
    }
}

/* Few tiles of many rows: the threads share the rows. */
static int run_tiles_shared(struct reduction *r, int64_t units)
{
    r->partial = mem_alloc((size_t)r->parts * TILE * r->acc_bytes);
    if (!r->partial) {
        return -1;
    }
    for (r->unit = 0; r->unit < units && work_goes_on(&r->work); r->unit++) {
        const char *in;
        char *out;
        parallel_for(0, r->parts, 1, run_tile_parts, r);
        int64_t n = seek_tile(r, r->unit, &in, &out);
        for (int64_t p = 1; p < r->parts; p++) {
            r->loops->combine(r->partial, r->partial + (size_t)p * TILE * r->acc_bytes, n);
        }
        store(r, out, r->kept_dims[0].out, r->partial, n);
    }
    mem_free(r->partial);
    return 0;
}

/* --- setting up --- */

/* Sorts the iteration's dims into kept and reduced ones; of the latter a long one comes first, so
 * that runs are long. */
static void split_dims(struct reduction *r, const struct iter *iter)
{
    r->results = r->run = 1;
    r->kept = r->reduced = 0;
    for (int i = 0; i < iter->dims; i++) {
        struct dim dim = {iter->sizes[i], iter->strides[1][i], iter->strides[0][i]};
        if (dim.out) {
            r->kept_dims[r->kept++] = dim;
            r->results *= dim.size;
        } else {
            r->reduced_dims[r->reduced++] = dim;
            r->run *= dim.size;
        }
    }
    int longest = 0;
    for (int i = 1; i < r->reduced; i++) {
        longest = r->reduced_dims[i].size > r->reduced_dims[longest].size ? i : longest;
    }
    if (r->reduced > 0 && r->reduced_dims[0].size < SHORT_RUN) {
        struct dim first = r->reduced_dims[0];
        r->reduced_dims[0] = r->reduced_dims[longest];
        r->reduced_dims[longest] = first;
    }
    if (r->reduced == 0) {
        r->reduced_dims[r->reduced++] = (struct dim){1, 0, 0};
    }
}

static bool by_columns(const struct reduction *r)
{
    if (r->kept == 0 || r->kept_dims[0].size < 2) {
        return false;
    }
    bool kept_is_inner = r->kept_dims[0].in < r->reduced_dims[0].in || r->reduced_dims[0].size == 1;
    return kept_is_inner || (r->run < SHORT_RUN && r->kept_dims[0].size > r->run);
}

static int run_reduction(struct reduction *r)
{
    int64_t threads = cpu_threads(), total = r->results * r->run;
    r->parts = least(least(threads, MAX_PARTS), least(top_size(r), total / GRAIN + 1));
    work_start(&r->work);
    if (by_columns(r)) {
        int64_t units = r->results / r->kept_dims[0].size * tiles_of(r);
        if (units < threads && r->parts > 1) {
            if (run_tiles_shared(r, units)) {
                return -1;
            }
        } else {
            parallel_for(0, units, GRAIN / (r->run * least(TILE, r->kept_dims[0].size)) + 1,
                         run_tiles, r);
        }
    } else if (r->results < threads && r->parts > 1) {
        run_shared(r);
    } else {
        parallel_for(0, r->results, GRAIN / r->run + 1, run_results, r);
    }
    return work_result(&r->work);
}

/* Operands result, whose reduced dims stand still, and self. */
static void iterate_over(struct iter *iter, struct tensor *result, struct tensor *self,
                         const bool *reduced_dims)
{
    int64_t strides[TENSOR_MAX_DIMS];
    for (int i = 0; i < self->dims; i++) {
        strides[i] = reduced_dims[i] || self->sizes[i] == 1 ? 0 : result->strides[i];
    }
    iter_init(iter, tensor_shape(self));
    iter_add_strided(iter, result, strides);
    iter_add(iter, self);
    iter_prepare(iter);
}

/* Every result is the fold of nothing. */
static int fold_nothing(const struct fold_loops *loops, struct tensor *result)
{
    _Alignas(int64_t) char acc[ACC_BYTES];
    loops->start(acc, 1);
    return cpu_fill(result, dtype_load(loops->accumulator, acc));
}

int cpu_fold(int fold_id, struct tensor *result, struct tensor *self, const bool *reduced_dims)
{
    const struct fold_loops *loops = &cpu_tables->folds[fold_id][self->dtype];
    if (!loops->inner) {
        error_set(ERROR_NOT_IMPLEMENTED, "reduction not implemented for '%s'",
                  dtype_info[self->dtype].class_name);
        return -1;
    }
    if (self->numel == 0) {
        return fold_nothing(loops, result);
    }
    struct iter iter;
    struct reduction r = {
        .loops = loops,
        .store = cpu_tables->copy->convert[result->dtype][loops->accumulator],
        .acc_bytes = dtype_info[loops->accumulator].bytes,
    };
    iterate_over(&iter, result, self, reduced_dims);
    r.out = iter.data[0];
    r.in = iter.data[1];
    split_dims(&r, &iter);
    return run_reduction(&r);
}
