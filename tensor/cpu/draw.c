#include "draw.h"

#include <math.h>
#include <string.h>

#include "../call.h"
#include "../distribution.h"

int draw_pause(const struct draw *draw)
{
    pthread_mutex_unlock(&draw->generator->lock);
    int result = interrupt_poll();
    pthread_mutex_lock(&draw->generator->lock);
    return result;
}

int draw_contiguous(const struct draw *draw, char *data, int64_t numel)
{
    size_t bytes = dtype_info[draw->dtype].bytes;

    for (int64_t done = 0; done < numel; done += DRAW_BLOCK) {
        if (done && draw_pause(draw))
            return -1;
        draw->block(draw, data + (size_t)done * bytes,
                    numel - done < DRAW_BLOCK ? numel - done : DRAW_BLOCK);
    }
    return 0;
}

/* One run of elements `step` bytes apart; *polled counts those since the last poll. */
static int fill_strided(const struct draw *draw, char *data, int64_t step, int64_t n,
                        int64_t *polled)
{
    size_t bytes = dtype_info[draw->dtype].bytes;
    uint64_t buffer[DRAW_CHUNK];

    for (int64_t done = 0; done < n; done += DRAW_CHUNK) {
        if (*polled >= DRAW_BLOCK) {
            *polled = 0;
            if (draw_pause(draw))
                return -1;
        }
        int64_t count = n - done < DRAW_CHUNK ? n - done : DRAW_CHUNK;
        draw->block(draw, buffer, count);
        for (int64_t i = 0; i < count; i++)
            memcpy(data + (done + i) * step, (char *)buffer + (size_t)i * bytes, bytes);
        *polled += count;
    }
    return 0;
}

bool draw_next_run(const struct iter *iter, int64_t *position, char **data)
{
    for (int dim = 1; dim < iter->dims; dim++) {
        position[dim]++;
        for (int k = 0; k < iter->operands; k++)
            data[k] += iter->strides[k][dim];
        if (position[dim] < iter->sizes[dim])
            return true;
        for (int k = 0; k < iter->operands; k++)
            data[k] -= iter->strides[k][dim] * iter->sizes[dim];
        position[dim] = 0;
    }
    return false;
}

int draw_fill(struct tensor *self, struct draw *draw)
{
    int64_t position[TENSOR_MAX_DIMS] = {0};
    int64_t polled = 0;
    struct iter iter;
    int result = 0;

    if (self->numel == 0)
        return 0;
    if (!distribution_generator(draw->generator, self->storage->device) ||
        call_check_writable(self))
        return -1;
    if (tensor_is_contiguous(self)) {
        pthread_mutex_lock(&draw->generator->lock);
        result = draw_contiguous(draw, tensor_ptr(self), self->numel);
        pthread_mutex_unlock(&draw->generator->lock);
        return result;
    }
    iter_init(&iter, tensor_shape(self));
    iter_add(&iter, self);
    iter_prepare(&iter);
    char *data = iter.data[0];
    pthread_mutex_lock(&draw->generator->lock);
    do {
        result = fill_strided(draw, data, iter.strides[0][0], iter.sizes[0], &polled);
    } while (!result && draw_next_run(&iter, position, &data));
    pthread_mutex_unlock(&draw->generator->lock);
    return result;
}

struct draw draw_from(struct generator *generator, const struct tensor *self)
{
    return (struct draw){.generator = generator ? generator : generator_default(),
                         .dtype = (enum dtype)self->dtype};
}

double draw_normal(struct generator *generator)
{
    uint32_t bits[4];

    if (generator->has_normal) {
        generator->has_normal = false;
        return generator->normal;
    }
    generator_draw(generator, bits, 4);
    double angle = 2.0 * M_PI * draw_unit53(bits);
    double radius = sqrt(-2.0 * log1p(-draw_unit53(bits + 2)));
    generator->normal = radius * sin(angle);
    generator->has_normal = true;
    return radius * cos(angle);
}
