/* How a fold is shared out: lanes, blocks and segments (fold.cuh). */
#include "fold.cuh"

/* blocks that keep the largest devices busy */
#define ENOUGH_BLOCKS 1024
/* elements that a thread should have before a run is cut into segments, and segments that are worth a second launch */
#define THREAD_ITEMS 16
#define FEW_SEGMENTS 4
/* neighbouring results that neighbouring threads take: those of a warp */
#define COLUMNS 32

/* numbers that axis_divide() does not take (tests make it small) */
#ifndef WIDE_FROM
#define WIDE_FROM (INT64_C(1) << 31)
#endif

/* The least power of 2 that is not below n, at most `most`. */
static int power_above(int64_t n, int most)
{
    int power = 1;
    while (power < n && power < most)
        power *= 2;
    return power;
}

/* Dims along which the result stands still are reduced; of an iteration without elements, only those. */
static void split_dims(struct fold_call *call, const struct iter *iter)
{
    call->results = call->run = 1;
    call->kept = call->reduced = 0;
    for (int d = 0; d < iter->dims; d++) {
        if (iter->strides[0][d] != 0) {
            call->axes[call->kept++] = {axis_of(iter->sizes[d]), iter->strides[1][d], iter->strides[0][d]};
            call->results *= iter->sizes[d];
        }
    }
    for (int d = 0; d < iter->dims; d++) {
        if (iter->strides[0][d] == 0) {
            call->axes[call->kept + call->reduced++] = {axis_of(iter->sizes[d]), iter->strides[1][d], 0};
            call->run *= iter->sizes[d];
        }
    }
    call->wide = call->results >= WIDE_FROM || call->run >= WIDE_FROM;
}

static bool takes_quads(const struct fold_call *call, int bytes)
{
    int64_t step = bytes < 4 ? 4 * bytes : 16;
    bool quads = call->reduced == 1 && call->axes[call->kept].in == bytes && (uintptr_t)call->in % (uintptr_t)step == 0;
    for (int d = 0; d < call->kept; d++)
        quads = quads && call->axes[d].in % step == 0;
    return quads;
}

/* Neighbouring threads take what lies side by side in memory: elements of one run, or results. */
static void share_out(struct fold_call *call, int bytes)
{
    const struct fold_axis *kept = call->axes, *reduced = call->axes + call->kept;
    bool columns = call->kept > 0 && (call->reduced == 0 || kept->in < reduced->in);
    int64_t turns = call->run / FOLD_CHAINS;
    call->side_by_side = !columns;
    call->quads = !columns && takes_quads(call, bytes);
    call->lanes = power_above(turns, columns ? CUDA_THREADS / power_above(call->results, COLUMNS) : CUDA_THREADS);
    int results = CUDA_THREADS / call->lanes;
    call->blocks = (call->results + results - 1) / results;
    call->segments = 1;
    call->segment = call->run;
    if (call->blocks == 0)
        return;
    int64_t least = (int64_t)call->lanes * THREAD_ITEMS; /* a multiple of four */
    int64_t most = ENOUGH_BLOCKS / call->blocks, segments = call->run / least;
    segments = segments < most ? segments : most;
    if (segments >= FEW_SEGMENTS) {
        call->segment = (call->run + segments - 1) / segments;
        call->segment = (call->segment + least - 1) / least * least;
        call->segments = (call->run + call->segment - 1) / call->segment;
    }
}

static void describe(struct fold_call *call, enum dtype dtype, enum dtype result, const struct iter *iter)
{
    call->in = iter->data[1];
    call->out = iter->data[0];
    call->result = result;
    split_dims(call, iter);
    share_out(call, (int)element_bytes(dtype));
}

/* The fold of what the segments of `first` left in `scratch`: rows of results, one below the other. */
static void describe_second(struct fold_call *second, const struct fold_call *first, char *scratch, int bytes)
{
    int64_t step = bytes;
    *second = *first;
    second->in = scratch;
    for (int d = 0; d < first->kept; d++) {
        second->axes[d].in = step;
        step *= first->axes[d].axis.size;
    }
    second->axes[first->kept] = {axis_of(first->segments), step, 0};
    second->reduced = 1;
    second->run = second->segment = first->segments;
    second->segments = 1;
    second->side_by_side = first->kept == 0;
    second->quads = false;
    second->lanes = power_above(second->run / FOLD_CHAINS,
                                CUDA_THREADS / power_above(second->results, second->side_by_side ? 1 : COLUMNS));
    int results = CUDA_THREADS / second->lanes;
    second->blocks = (second->results + results - 1) / results;
}

size_t cuda_fold_scratch(int fold_id, enum dtype dtype, const struct iter *iter)
{
    struct fold_call call;
    describe(&call, dtype, dtype, iter);
    size_t bytes = element_bytes(cuda_fold_loops[fold_id][dtype].accumulator);
    return call.segments > 1 ? (size_t)call.results * (size_t)call.segments * bytes : 0;
}

int cuda_fold(int fold_id, enum dtype dtype, enum dtype result_dtype, const struct iter *iter, void *scratch,
              cuda_stream stream)
{
    const struct fold_row *row = &cuda_fold_loops[fold_id][dtype];
    struct fold_call first, second;
    if (!row->run)
        return CUDA_NO_KERNEL;
    describe(&first, dtype, result_dtype, iter);
    if (first.segments == 1)
        return row->run(&first, NULL, stream);
    describe_second(&second, &first, (char *)scratch, (int)element_bytes(row->accumulator));
    first.out = (char *)scratch;
    return row->run(&first, &second, stream);
}
