/* Elements that a mask chooses, on the CPU. */
#include <string.h>

#include "../backend.h"
#include "gather_kernels.h"
#include "places.h"

/* Elements of a mask that one piece of parallel work has at least, and at most pieces. */
#define GRAIN 65536
#define MAX_PIECES 64
/* short rows between two polls for interrupts */
#define ROWS 64

/* --- pieces of a mask: how many elements each chooses, so that threads know where to write --- */

struct pieces {
    const uint8_t *mask; /* contiguous */
    int64_t numel, count, total;
    int64_t starts[MAX_PIECES + 1]; /* elements chosen before each piece */
    const char *source;
    char *target;
    size_t bytes;
    struct work work;
};

static int64_t piece_begin(const struct pieces *pieces, int64_t piece)
{
    return pieces->numel / pieces->count * piece;
}

static int64_t piece_end(const struct pieces *pieces, int64_t piece)
{
    return piece == pieces->count - 1 ? pieces->numel : piece_begin(pieces, piece + 1);
}

static void count_pieces(void *arg, int64_t begin, int64_t end)
{
    struct pieces *pieces = arg;

    for (; begin < end && work_goes_on(&pieces->work); begin++) {
        int64_t from = piece_begin(pieces, begin);
        pieces->starts[begin + 1] =
            gather_kernels()->mask_count(pieces->mask + from, piece_end(pieces, begin) - from);
    }
}

/* Counts; 0 or -1 (interrupted). */
static int pieces_init(struct pieces *pieces, const struct tensor *mask)
{
    *pieces = (struct pieces){.mask = tensor_ptr(mask), .numel = mask->numel};
    pieces->count = mask->numel / GRAIN + 1;
    if (pieces->count > MAX_PIECES)
        pieces->count = MAX_PIECES;
    work_start(&pieces->work);
    if (mask->numel)
        parallel_for(0, pieces->count, 1, count_pieces, pieces);
    for (int64_t i = 0; i < pieces->count; i++)
        pieces->starts[i + 1] += pieces->starts[i];
    pieces->total = pieces->starts[pieces->count];
    return work_result(&pieces->work);
}

/* --- the elements themselves --- */

static void keep_pieces(void *arg, int64_t begin, int64_t end)
{
    struct pieces *pieces = arg;
    int64_t bytes = (int64_t)pieces->bytes;

    for (; begin < end && work_goes_on(&pieces->work); begin++) {
        int64_t from = piece_begin(pieces, begin), start = pieces->starts[begin];
        gather_kernels()->keep[gather_size(pieces->bytes)](
            pieces->target + start * bytes, pieces->source + from * bytes, pieces->mask + from,
            pieces->starts[begin + 1] - start);
    }
}

/* Each thread begins to write where the elements before its piece end. */
struct tensor *cpu_mask_keep(const struct tensor *self, const struct tensor *mask)
{
    struct pieces pieces;

    if (pieces_init(&pieces, mask))
        return NULL;
    struct tensor *result =
        tensor_new((enum dtype)self->dtype, self->storage->device, 1, &pieces.total);
    if (!result || pieces.total == 0)
        return result;
    pieces.source = tensor_ptr(self);
    pieces.target = tensor_ptr(result);
    pieces.bytes = dtype_info[self->dtype].bytes;
    parallel_for(0, pieces.count, 1, keep_pieces, &pieces);
    if (work_result(&pieces.work))
        tensor_clear(&result);
    return result;
}

static void spend_pieces(void *arg, int64_t begin, int64_t end)
{
    struct pieces *pieces = arg;
    int64_t bytes = (int64_t)pieces->bytes;

    for (; begin < end && work_goes_on(&pieces->work); begin++) {
        int64_t from = piece_begin(pieces, begin), start = pieces->starts[begin];
        gather_kernels()->spend[gather_size(pieces->bytes)](
            pieces->target + from * bytes, pieces->source + start * bytes, pieces->mask + from,
            pieces->starts[begin + 1] - start);
    }
}

int cpu_mask_spend(struct tensor *target, const struct tensor *mask, const struct tensor *source)
{
    struct pieces pieces;

    if (pieces_init(&pieces, mask))
        return -1;
    if (source->numel < pieces.total) {
        error_set(ERROR_RUNTIME, "Number of elements of source < number of ones in mask");
        return -1;
    }
    if (pieces.total == 0)
        return 0;
    pieces.source = tensor_ptr(source);
    pieces.target = tensor_ptr(target);
    pieces.bytes = dtype_info[target->dtype].bytes;
    parallel_for(0, pieces.count, 1, spend_pieces, &pieces);
    return work_result(&pieces.work);
}

/* --- where they are --- */

/* Row by row: the last dim of the mask is scanned by the kernel, the others are stepped here. */
static int64_t scan_mask(const struct tensor *mask, const int64_t *strides, int64_t *offsets)
{
    const struct gather_kernels *kernels = gather_kernels();
    const uint8_t *bytes = tensor_ptr(mask);
    int last = mask->dims - 1;
    int64_t row = last >= 0 ? mask->sizes[last] : 1, step = last >= 0 ? strides[last] : 0;
    int64_t at[TENSOR_MAX_DIMS] = {0};
    int64_t base = 0, count = 0;

    for (int64_t done = 0; done < mask->numel; done += row) {
        count += kernels->mask_offsets(bytes + done, row, base, step, offsets + count);
        for (int dim = last - 1; dim >= 0; dim--) {
            base += strides[dim];
            if (++at[dim] < mask->sizes[dim])
                break;
            base -= strides[dim] * mask->sizes[dim];
            at[dim] = 0;
        }
    }
    return count;
}

struct tensor *cpu_mask_offsets(const struct tensor *mask, const int64_t *strides)
{
    int64_t count = mask->numel ? gather_kernels()->mask_count(tensor_ptr(mask), mask->numel) : 0;
    int64_t room = count + 1; /* the kernel writes one ahead */
    struct tensor *offsets = tensor_new(DTYPE_I64, mask->storage->device, 1, &room);

    if (offsets) {
        if (mask->numel)
            scan_mask(mask, strides, tensor_ptr(offsets));
        offsets->sizes[0] = offsets->numel = count;
    }
    return offsets;
}

/* Room for `count` places of `dims` coordinates, all first ones first; and one element more, since
 * the kernel writes ahead. */
static struct tensor *new_places(int64_t count, int dims)
{
    int64_t room = count * dims + 1;
    struct tensor *flat = tensor_new(DTYPE_I64, (struct device){DEVICE_CPU, -1}, 1, &room);
    struct tensor *places =
        flat ? tensor_alias(flat, 2, (int64_t[]){count, dims}, (int64_t[]){1, count}, 0) : NULL;

    tensor_release(flat);
    return places;
}

/* Writes the coordinates of every true element, row by row: 0, or -1 (interrupted). */
static int write_places(const struct tensor *mask, int64_t count, int64_t *places)
{
    const uint8_t *bytes = tensor_ptr(mask);
    int64_t at[TENSOR_MAX_DIMS] = {0};
    int last = mask->dims - 1;
    int64_t row = mask->sizes[last], done = 0;
    struct work work;

    work_start(&work);
    for (int64_t from = 0, rows = 0; from < mask->numel; from += row, rows++) {
        if (rows % ROWS == ROWS - 1 && !work_goes_on(&work))
            return -1;
        for (int64_t at_row = 0, end; (end = work_block(&work, at_row, row)) > at_row;
             at_row = end) {
            int64_t found = gather_kernels()->mask_offsets(bytes + from + at_row, end - at_row,
                                                           at_row, 1, places + last * count + done);
            for (int dim = 0; dim < last; dim++)
                for (int64_t i = done; i < done + found; i++)
                    places[dim * count + i] = at[dim];
            done += found;
        }
        for (int dim = last - 1; dim >= 0 && ++at[dim] == mask->sizes[dim]; dim--)
            at[dim] = 0;
    }
    return work_result(&work);
}

struct tensor *cpu_mask_coordinates(const struct tensor *mask)
{
    struct pieces pieces;

    if (pieces_init(&pieces, mask))
        return NULL;
    struct tensor *places = new_places(pieces.total, mask->dims);
    if (places && places->numel && write_places(mask, pieces.total, tensor_ptr(places)))
        tensor_clear(&places);
    return places;
}
