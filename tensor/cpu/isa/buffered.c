/* Loops through blocks of buffers: for halves, which compute in float, and for vector functions,
 * which want whole vectors. */
#include <string.h>

#include "loop_body.h"

#define BLOCK_ELEMENTS 512
#define PADDING 16 /* the longest vector of any loop, in elements */

static void load_block(void *buffer, const char *data, int64_t stride, int64_t n,
                       struct operand operand)
{
    float *floats = buffer;

    if (operand.passage == PASS_F16) {
        for (int64_t i = 0; i < n; i++)
            floats[i] = half_to_float(*(const uint16_t *)(data + i * stride));
    } else if (operand.passage == PASS_BF16) {
        for (int64_t i = 0; i < n; i++)
            floats[i] = bfloat_to_float(*(const uint16_t *)(data + i * stride));
    } else if (operand.bytes == 8) {
        for (int64_t i = 0; i < n; i++)
            memcpy((char *)buffer + 8 * i, data + i * stride, 8);
    } else if (operand.bytes == 4) {
        for (int64_t i = 0; i < n; i++)
            memcpy((char *)buffer + 4 * i, data + i * stride, 4);
    } else {
        for (int64_t i = 0; i < n; i++)
            memcpy((char *)buffer + operand.bytes * i, data + i * stride, (size_t)operand.bytes);
    }
}

/* Dense halves in one go: eight at a time where there are instructions for it. */
static void load_dense_halves(float *floats, const uint16_t *bits, int64_t n)
{
    int64_t i = 0;
#ifdef __F16C__
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(floats + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(bits + i))));
#endif
    for (; i < n; i++)
        floats[i] = half_to_float(bits[i]);
}

static void store_dense_halves(uint16_t *bits, const float *floats, int64_t n)
{
    int64_t i = 0;
#ifdef __F16C__
    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128((__m128i *)(bits + i), _mm256_cvtps_ph(_mm256_loadu_ps(floats + i), 0));
#endif
    for (; i < n; i++)
        bits[i] = half_from_float(floats[i]);
}

static void load_dense(void *buffer, const char *data, int64_t n, struct operand operand)
{
    if (operand.passage == PASS_F16) {
        load_dense_halves(buffer, (const uint16_t *)data, n);
    } else if (operand.passage == PASS_BF16) {
        for (int64_t i = 0; i < n; i++)
            ((float *)buffer)[i] = bfloat_to_float(((const uint16_t *)data)[i]);
    } else {
        memcpy(buffer, data, (size_t)(n * operand.bytes));
    }
}

static void store_block(char *data, int64_t stride, const void *buffer, int64_t n,
                        struct operand operand)
{
    const float *floats = buffer;

    if (operand.passage == PASS_F16 && stride == 2) {
        store_dense_halves((uint16_t *)data, floats, n);
    } else if (operand.passage == PASS_F16) {
        for (int64_t i = 0; i < n; i++)
            *(uint16_t *)(data + i * stride) = half_from_float(floats[i]);
    } else if (operand.passage == PASS_BF16 && stride == 2) {
        for (int64_t i = 0; i < n; i++)
            ((uint16_t *)data)[i] = bfloat_from_float(floats[i]);
    } else if (operand.passage == PASS_BF16) {
        for (int64_t i = 0; i < n; i++)
            *(uint16_t *)(data + i * stride) = bfloat_from_float(floats[i]);
    } else if (stride == operand.bytes) {
        memcpy(data, buffer, (size_t)(n * operand.bytes));
    } else {
        for (int64_t i = 0; i < n; i++)
            memcpy(data + i * stride, (const char *)buffer + i * operand.bytes,
                   (size_t)operand.bytes);
    }
}

/* Bytes of an element within a buffer. */
static inline int64_t buffered_bytes(struct operand operand)
{
    return operand.passage == PASS_BYTES ? operand.bytes : (int64_t)sizeof(float);
}

void run_buffered(loop_fn loop, char *const *data, const int64_t *strides, int64_t n,
                  const void *params, const struct operand *operands, int count)
{
    _Alignas(64) char buffers[4][(BLOCK_ELEMENTS + PADDING) * sizeof(double)];
    char *inside[4] = {buffers[0], buffers[1], buffers[2], buffers[3]};
    int64_t inside_strides[4];

    for (int k = 0; k < count; k++) {
        inside_strides[k] = k > 0 && strides[k] == 0 ? 0 : buffered_bytes(operands[k]);
        if (inside_strides[k] == 0)
            load_block(buffers[k], data[k], 0, 1, operands[k]);
    }
    for (int64_t done = 0; done < n; done += BLOCK_ELEMENTS) {
        int64_t length = n - done < BLOCK_ELEMENTS ? n - done : BLOCK_ELEMENTS;
        int64_t padded = (length + PADDING - 1) / PADDING * PADDING;
        for (int k = 1; k < count; k++) {
            const char *from = data[k] + done * strides[k];
            if (inside_strides[k] == 0)
                continue;
            if (strides[k] == operands[k].bytes)
                load_dense(buffers[k], from, length, operands[k]);
            else
                load_block(buffers[k], from, strides[k], length, operands[k]);
            for (int64_t i = length; i < padded; i++)
                memcpy(buffers[k] + i * inside_strides[k],
                       buffers[k] + (length - 1) * inside_strides[k], (size_t)inside_strides[k]);
        }
        loop(inside, inside_strides, padded, params);
        store_block(data[0] + done * strides[0], strides[0], buffers[0], length, operands[0]);
    }
}

void run_wide(loop_fn loop, char *const *data, const int64_t *strides, int64_t n,
              const void *params, const struct operand *operands, int count)
{
    float number = params ? (float)param_double(params, 0) : 0;
    struct operand inside[] = {operands[0], operands[1], {PASS_BYTES, sizeof number}};
    char *with_number[] = {data[0], data[1], (char *)&number};
    const int64_t with_strides[] = {strides[0], strides[1], 0};

    if (params)
        run_buffered(loop, with_number, with_strides, n, NULL, inside, count);
    else
        run_buffered(loop, data, strides, n, NULL, operands, count);
}

void run_vectors(loop_fn loop, char *const *data, const int64_t *strides, int64_t n,
                 const void *params, const struct operand *operands, int count)
{
    int64_t whole = n / PADDING * PADDING;
    char *rest[4];

    for (int k = 0; k < count; k++)
        if (strides[k] != operands[k].bytes && !(k > 0 && strides[k] == 0))
            whole = 0;
    if (whole > 0)
        loop(data, strides, whole, params);
    for (int k = 0; k < count; k++)
        rest[k] = data[k] + whole * strides[k];
    if (whole < n)
        run_buffered(loop, rest, strides, n - whole, params, operands, count);
}
