/* The plug-in's loops, folds, conversions and fills beside those of the CPU, on the same elements in the same
 * layouts. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "cpu/cpu.h"
#include "plugin.h"
#include "tables.h"
#include "../unit/suite.h"

/* elements of an operand's memory, and bytes of one */
#define ROOM 16384
#define WIDEST 8

#define cuda (&cuda_runtime_functions)
#define loops (&cuda_loop_functions)

/* --- numbers --- */

static uint64_t random_state = 88172645463325252u;

/* xorshift64 (Marsaglia 2003) */
static uint64_t random_bits(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static int random_below(int n)
{
    return (int)(random_bits() % (uint64_t)n);
}

static double random_value(enum dtype dtype)
{
    static const double special[] = {0, -0.0, 1, -1, 2, 0.5, INFINITY, -INFINITY, NAN, 100, 3e9, -3e9, 1e30};
    if (dtype == DTYPE_BOOL)
        return random_below(2);
    if (dtype_is_float(dtype))
        return random_below(8) ? random_below(8001) / 1000.0 - 4 : special[random_below(13)];
    return random_below(8) ? random_below(13) - (dtype == DTYPE_U8 ? 0 : 6) : random_below(256) - 128;
}

static void fill_random(enum dtype dtype, void *data, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        dtype_store(dtype, (char *)data + i * (int64_t)dtype_bytes(dtype), scalar_float(random_value(dtype)));
}

/* How far two results may lie apart, as a part of 1 and of the larger one. */
static double tolerance(enum dtype dtype)
{
    return dtype == DTYPE_F64 ? 1e-12 : dtype == DTYPE_F32 ? 2e-5 : dtype == DTYPE_F16 ? 2e-3 : 1.6e-2;
}

static bool is_near(enum dtype dtype, const void *a, const void *b, double tolerated)
{
    if (!dtype_is_float(dtype))
        return memcmp(a, b, dtype_bytes(dtype)) == 0;
    double x = scalar_to_double(dtype_load(dtype, a)), y = scalar_to_double(dtype_load(dtype, b));
    return x == y || (x != x && y != y) || fabs(x - y) <= tolerated * (1 + fmax(fabs(x), fabs(y)));
}

static void check_near(const char *name, enum dtype dtype, const void *cpu, const void *gpu, int64_t n,
                       double tolerated)
{
    for (int64_t i = 0; i < n; i++) {
        size_t at = (size_t)i * dtype_bytes(dtype);
        const char *a = (const char *)cpu + at, *b = (const char *)gpu + at;
        if (!is_near(dtype, a, b, tolerated))
            ck_abort_msg("%s of %s: place %ld is %.17g, on the CPU %.17g", name, dtype_name(dtype), (long)i,
                         scalar_to_double(dtype_load(dtype, b)), scalar_to_double(dtype_load(dtype, a)));
    }
}

/* --- memory on both sides --- */

static void *to_device(const void *host, size_t bytes)
{
    void *data;
    ck_assert_int_eq(cuda->allocate(&data, bytes ? bytes : 1), CUDA_OK);
    ck_assert_int_eq(cuda->copy(data, host, bytes, CUDA_HOST_TO_DEVICE, NULL), CUDA_OK);
    return data;
}

static void to_host(void *host, void *data, size_t bytes)
{
    ck_assert_int_eq(cuda->copy(host, data, bytes, CUDA_DEVICE_TO_HOST, NULL), CUDA_OK);
    ck_assert_int_eq(cuda->device_synchronize(), CUDA_OK);
    ck_assert_int_eq(cuda->release(data), CUDA_OK);
}

struct operand {
    enum dtype dtype;
    _Alignas(16) char host[ROOM * WIDEST];
    int64_t offset; /* bytes to the first element */
};

/* One call: operand 0 is the result. */
struct call {
    struct operand operands[4];
    struct iter cpu;
    void *device[4];
};

/* --- layouts --- */

enum layout { DENSE, ORDERED, STEPPED, REPEATED, ONE, ON_HOST, LAYOUTS };

static void random_sizes(struct iter *iter)
{
    static const int most[] = {0, 4000, 70, 16, 7, 5};
    int64_t sizes[5];
    int dims = 1 + random_below(5);
    for (int d = 0; d < dims; d++)
        sizes[d] = 1 + random_below(random_below(3) ? most[dims] : 3);
    iter_init(iter, (struct ints){sizes, dims});
}

/* Strides of a layout, outermost first: row by row, in another order of dims, every second element, or with dims
 * repeated. */
static void add_operand(struct call *call, enum dtype dtype, enum layout layout)
{
    struct iter *iter = &call->cpu;
    int k = iter->operands++;
    struct operand *operand = &call->operands[k];
    int64_t bytes = (int64_t)dtype_bytes(dtype), step = layout == STEPPED ? 2 * bytes : bytes;
    int turn = layout == ORDERED ? random_below(iter->dims) : 0;
    for (int i = iter->dims - 1; i >= 0; i--) {
        int d = (i + turn) % iter->dims;
        bool still = layout == ONE || layout == ON_HOST || (layout == REPEATED && random_below(2));
        iter->strides[k][d] = still || iter->sizes[d] == 1 ? 0 : step;
        step *= still ? 1 : iter->sizes[d];
    }
    operand->dtype = dtype;
    operand->offset = random_below(2) ? 0 : bytes * random_below(8);
    fill_random(dtype, operand->host, ROOM);
    iter->data[k] = operand->host + operand->offset;
    iter->host |= layout == ON_HOST ? 1u << k : 0;
}

static void start_call(struct call *call)
{
    random_sizes(&call->cpu);
    call->cpu.host = 0;
}

/* The same call on the device; what it holds there goes back to `result`. */
static struct iter on_device(struct call *call)
{
    struct iter iter = call->cpu;
    for (int k = 0; k < iter.operands; k++) {
        call->device[k] = to_device(call->operands[k].host, sizeof call->operands[k].host);
        if (!(iter.host >> k & 1))
            iter.data[k] = (char *)call->device[k] + call->operands[k].offset;
    }
    return iter;
}

static void check_call(const char *name, struct call *call)
{
    static char result[ROOM * WIDEST];
    to_host(result, call->device[0], sizeof result);
    for (int k = 1; k < call->cpu.operands; k++)
        ck_assert_int_eq(cuda->release(call->device[k]), CUDA_OK);
    enum dtype dtype = call->operands[0].dtype;
    check_near(name, dtype, call->operands[0].host, result, ROOM, tolerance(dtype));
}

/* --- elementwise --- */

struct body {
    int id;
    const char *name;
    int inputs, params;
    bool compares, condition;
};

static const struct body bodies[] = {
#define CASE(...) {__VA_ARGS__},
#include "pointwise_cases.inc"
#undef CASE
};

static struct call call;

/* `wide`: the second input is a float in params. */
static void compare_body(const struct body *body, enum dtype dtype, bool wide)
{
    struct scalar params[4] = {scalar_int(0)};
    const struct scalar *given = body->params || !dtype_is_float(dtype) || wide ? params : NULL;
    bool half = dtype == DTYPE_F16 || dtype == DTYPE_BF16;
    for (int i = 0; i < body->params; i++)
        params[i] = dtype_is_float(dtype) && !half ? scalar_float(1 + random_below(3))
                                                   : scalar_int(1 + random_below(3));
    if (wide)
        params[0] = scalar_float(1.0009765625 + random_below(3));
    start_call(&call);
    add_operand(&call, body->compares ? DTYPE_BOOL : dtype, (enum layout)random_below(REPEATED));
    for (int k = 0; k < body->inputs; k++)
        add_operand(&call, k == 0 && body->condition ? DTYPE_BOOL : dtype,
                    wide && k == 1 ? ON_HOST : (enum layout)random_below(LAYOUTS));
    iter_prepare(&call.cpu);
    struct iter iter = on_device(&call);
    ck_assert_int_eq(loops->pointwise(body->id, dtype, &iter, given, NULL), CUDA_OK);
    ck_assert_int_eq(cpu_backend.pointwise(body->id, dtype, &call.cpu, given), 0);
    check_call(body->name, &call);
}

START_TEST(bodies_give_what_they_give_on_the_cpu)
{
    const struct body *body = &bodies[_i];
    bool wide = strcmp(body->name, "mul") == 0 || strcmp(body->name, "div") == 0;
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        bool has = cpu_backend.has_pointwise(body->id, (enum dtype)dtype);
        ck_assert_int_eq(loops->has_pointwise(body->id, (enum dtype)dtype), has);
        for (int trial = 0; has && trial < 6; trial++)
            compare_body(body, (enum dtype)dtype, false);
        if (wide && (dtype == DTYPE_F16 || dtype == DTYPE_BF16))
            compare_body(body, (enum dtype)dtype, true);
    }
}
END_TEST

/* The exponents that have bodies of their own, and some that have not. */
START_TEST(powers_of_special_numbers_take_cheaper_bodies)
{
    static const double exponents[] = {2, 3, 0.5, -1, -2, 1.5, 0, 7};
    const struct body pow = {POINTWISE_POW, "pow", 2, 0, false, false};
    for (int dtype = DTYPE_U8; dtype < DTYPE_COUNT; dtype++) {
        start_call(&call);
        add_operand(&call, (enum dtype)dtype, DENSE);
        add_operand(&call, (enum dtype)dtype, DENSE);
        add_operand(&call, (enum dtype)dtype, ON_HOST);
        dtype_store((enum dtype)dtype, call.cpu.data[2], scalar_float(exponents[_i]));
        iter_prepare(&call.cpu);
        struct iter iter = on_device(&call);
        ck_assert_int_eq(loops->pointwise(pow.id, (enum dtype)dtype, &iter, NULL, NULL), CUDA_OK);
        ck_assert_int_eq(cpu_backend.pointwise(pow.id, (enum dtype)dtype, &call.cpu, NULL), 0);
        check_call(pow.name, &call);
    }
}
END_TEST

/* More dims than a kernel takes, none of which can be merged: turned round in the result, beside the first. */
START_TEST(many_dims_are_several_launches)
{
    enum { DIMS = 19 };
    int64_t sizes[DIMS];
    for (int d = 0; d < DIMS; d++)
        sizes[d] = d % 2 ? 2 : 1 + (d % 6 == 0);
    iter_init(&call.cpu, (struct ints){sizes, DIMS});
    call.cpu.host = 0;
    add_operand(&call, DTYPE_F32, DENSE);
    add_operand(&call, DTYPE_F32, DENSE);
    int64_t step = sizeof(float);
    for (int d = 0; d < DIMS; d++) {
        call.cpu.strides[1][d] = sizes[d] == 1 ? 0 : step;
        step *= sizes[d];
    }
    iter_prepare(&call.cpu);
    struct iter iter = on_device(&call);
    ck_assert_int_eq(loops->convert(DTYPE_F32, DTYPE_F32, &iter, NULL), CUDA_OK);
    ck_assert_int_eq(iter_run(&call.cpu, cpu_tables->copy->convert[DTYPE_F32][DTYPE_F32], NULL), 0);
    check_call("copy", &call);
}
END_TEST

START_TEST(operands_without_elements_are_nothing_to_do)
{
    int64_t sizes[] = {3, 0};
    const int value = 1;
    iter_init(&call.cpu, (struct ints){sizes, 2});
    call.cpu.host = 0;
    add_operand(&call, DTYPE_F32, DENSE);
    add_operand(&call, DTYPE_F32, DENSE);
    struct iter iter = on_device(&call);
    ck_assert_int_eq(loops->convert(DTYPE_F32, DTYPE_F32, &iter, NULL), CUDA_OK);
    ck_assert_int_eq(loops->fill(&value, sizeof value, &iter, NULL), CUDA_OK);
    ck_assert_int_eq(loops->pointwise(POINTWISE_EXP, DTYPE_F32, &iter, NULL, NULL), CUDA_OK);
    ck_assert_int_eq(loops->pointwise(POINTWISE_EXP, DTYPE_I32, &iter, NULL, NULL), CUDA_NO_KERNEL);
    check_call("nothing", &call);
}
END_TEST

/* --- conversion and filling --- */

START_TEST(conversions_give_what_they_give_on_the_cpu)
{
    enum dtype to = (enum dtype)_i;
    for (int from = 0; from < DTYPE_COUNT; from++) {
        for (int trial = 0; trial < 4; trial++) {
            start_call(&call);
            add_operand(&call, to, (enum layout)random_below(REPEATED));
            add_operand(&call, (enum dtype)from, (enum layout)random_below(LAYOUTS));
            iter_prepare(&call.cpu);
            struct iter iter = on_device(&call);
            ck_assert_int_eq(loops->convert(to, (enum dtype)from, &iter, NULL), CUDA_OK);
            ck_assert_int_eq(iter_run(&call.cpu, cpu_tables->copy->convert[to][from], NULL), 0);
            check_call("conversion", &call);
        }
    }
}
END_TEST

START_TEST(fills_give_what_they_give_on_the_cpu)
{
    enum dtype dtype = (enum dtype)_i;
    for (int trial = 0; trial < 12; trial++) {
        uint64_t value;
        fill_random(dtype, &value, 1);
        start_call(&call);
        add_operand(&call, dtype, (enum layout)random_below(REPEATED));
        iter_prepare(&call.cpu);
        struct iter iter = on_device(&call);
        ck_assert_int_eq(loops->fill(&value, dtype_bytes(dtype), &iter, NULL), CUDA_OK);
        ck_assert_int_eq(iter_run(&call.cpu, cpu_tables->copy->fill[copy_size(dtype_bytes(dtype))], &value), 0);
        check_call("fill", &call);
    }
}
END_TEST

/* --- folds --- */

static bool is_half(enum dtype dtype)
{
    return dtype == DTYPE_F16 || dtype == DTYPE_BF16;
}

/* Elements near 1 keep products within range; some NaN where they are left out of sums. */
static void fill_source(struct tensor *source, int fold)
{
    char *data = source->storage->data;
    int64_t n = (int64_t)(source->storage->bytes / dtype_bytes(source->dtype));
    for (int64_t i = 0; i < n; i++) {
        double value = dtype_is_float(source->dtype) ? 0.9 + random_below(201) / 1000.0 : random_value(source->dtype);
        if (dtype_is_float(source->dtype) && (fold == FOLD_ALL || fold == FOLD_ANY || fold == FOLD_COUNT_NONZERO))
            value = random_below(64) == (fold == FOLD_ANY) ? 0 : value;
        value = fold == FOLD_NANSUM && random_below(5) == 0 ? NAN : value;
        dtype_store(source->dtype, data + i * (int64_t)dtype_bytes(source->dtype), scalar_float(value));
    }
}

static struct iter fold_iter(struct tensor *result, struct tensor *source, const bool *reduced)
{
    struct iter iter = {.host = 0};
    int64_t strides[TENSOR_MAX_DIMS];
    for (int d = 0; d < source->dims; d++)
        strides[d] = reduced[d] || source->sizes[d] == 1 ? 0 : result->strides[d];
    iter_init(&iter, (struct ints){source->sizes, source->dims});
    iter_add_strided(&iter, result, strides);
    iter_add(&iter, source);
    if (source->numel)
        iter_prepare(&iter);
    return iter;
}

static void fold_on_device(int fold, struct tensor *result, struct tensor *source, const bool *reduced, void *given)
{
    struct iter iter = fold_iter(result, source, reduced);
    void *in = to_device(source->storage->data, source->storage->bytes);
    void *out = to_device(result->storage->data, result->storage->bytes), *scratch = NULL;
    iter.data[0] = out;
    iter.data[1] = (char *)in + ((char *)tensor_ptr(source) - (char *)source->storage->data);
    size_t bytes = loops->fold_scratch(fold, source->dtype, &iter);
    if (bytes)
        ck_assert_int_eq(cuda->allocate(&scratch, bytes), CUDA_OK);
    ck_assert_int_eq(loops->fold(fold, source->dtype, result->dtype, &iter, scratch, NULL), CUDA_OK);
    to_host(given, out, result->storage->bytes);
    ck_assert_int_eq(cuda->release(in), CUDA_OK);
    if (scratch)
        ck_assert_int_eq(cuda->release(scratch), CUDA_OK);
}

/* One fold of one tensor over the dims of `mask`. */
static void compare_fold(int fold, struct tensor *source, unsigned mask)
{
    enum dtype accumulator = cpu_tables->folds[fold][source->dtype].accumulator;
    int64_t sizes[TENSOR_MAX_DIMS];
    bool reduced[TENSOR_MAX_DIMS];
    char name[64];
    for (int d = 0; d < source->dims; d++) {
        reduced[d] = mask >> d & 1;
        sizes[d] = reduced[d] ? 1 : source->sizes[d];
    }
    enum dtype dtype = is_half(source->dtype) && accumulator == DTYPE_F32 ? source->dtype : accumulator;
    struct tensor *result = tensor_new(dtype, (struct device){DEVICE_CPU, 0}, source->dims, sizes);
    void *given = calloc(result->storage->bytes + 1, 1);
    memset(result->storage->data, 0x5a, result->storage->bytes);
    fold_on_device(fold, result, source, reduced, given);
    ck_assert_int_eq(cpu_backend.fold(fold, result, source, reduced), 0);
    snprintf(name, sizeof name, "fold %d over %#x", fold, mask);
    check_near(name, dtype, tensor_ptr(result), given, result->numel, dtype == DTYPE_F32 ? 2e-4 : tolerance(dtype));
    free(given);
    tensor_release(result);
}

/* A tensor whose dims lie in memory in another order where `order` says so, from an odd element on. */
static struct tensor *new_source(enum dtype dtype, int dims, const int64_t *sizes, int turn, int64_t offset)
{
    int64_t strides[TENSOR_MAX_DIMS], step = 1, room = offset + 1;
    for (int i = dims - 1; i >= 0; i--) {
        int d = (i + turn) % dims;
        strides[d] = step;
        step *= sizes[d] ? sizes[d] : 1;
    }
    room += step;
    struct tensor *base = tensor_new(dtype, (struct device){DEVICE_CPU, 0}, 1, &room);
    struct tensor *source = tensor_alias(base, dims, sizes, strides, offset);
    tensor_release(base);
    return source;
}

START_TEST(folds_over_all_sets_of_dims)
{
    static const int64_t shapes[][4] = {{3, 4, 5, 6}, {2, 1, 33, 8}, {1, 1, 1, 1}, {7, 40, 2, 3}, {2, 0, 3, 1}};
    int fold = _i;
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        if (!cpu_tables->folds[fold][dtype].inner)
            continue;
        for (int shape = 0; shape < 5; shape++) {
            struct tensor *source = new_source((enum dtype)dtype, 4, shapes[shape], random_below(4), random_below(3));
            fill_source(source, fold);
            for (unsigned mask = 0; mask < 16; mask++)
                compare_fold(fold, source, mask);
            tensor_release(source);
        }
    }
}
END_TEST

/* Runs that are cut into segments, folded by rows, by columns and in the middle. */
START_TEST(long_folds_take_several_blocks)
{
    static const int64_t shapes[][3] = {{1, 1, 300000}, {1, 70001, 3},  {2, 40000, 2},
                                        {3, 1, 50021},  {1, 20000, 65}, {400, 9, 70}};
    static const unsigned masks[] = {4, 2, 2, 4, 2, 5};
    int fold = _i;
    for (int shape = 0; shape < 6; shape++) {
        for (int dtype = DTYPE_BOOL; dtype < DTYPE_COUNT; dtype += 1 + random_below(3)) {
            if (!cpu_tables->folds[fold][dtype].inner)
                continue;
            struct tensor *source = new_source((enum dtype)dtype, 3, shapes[shape], 0, random_below(2) * 8);
            fill_source(source, fold);
            compare_fold(fold, source, masks[shape]);
            tensor_release(source);
        }
    }
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("loops");
    tcase_set_timeout(cases, 600);
    tcase_add_loop_test(cases, bodies_give_what_they_give_on_the_cpu, 0, (int)(sizeof bodies / sizeof *bodies));
    tcase_add_loop_test(cases, powers_of_special_numbers_take_cheaper_bodies, 0, 8);
    tcase_add_test(cases, many_dims_are_several_launches);
    tcase_add_test(cases, operands_without_elements_are_nothing_to_do);
    tcase_add_loop_test(cases, conversions_give_what_they_give_on_the_cpu, 0, DTYPE_COUNT);
    tcase_add_loop_test(cases, fills_give_what_they_give_on_the_cpu, 0, DTYPE_COUNT);
    tcase_add_loop_test(cases, folds_over_all_sets_of_dims, 0, FOLD_COUNT);
    tcase_add_loop_test(cases, long_folds_take_several_blocks, 0, FOLD_COUNT);
    return run_suite("cuda loops", cases);
}
