/* random.cu on the stand-in: published answers of Philox, numbers that PyTorch gives on GPUs, and where each goes. */
#include <check.h>
#include <cmath>
#include <vector>

#include "host.h"

#include "half.h"
#include "philox.cuh"
#include "random_kernels.h"
#include "tables.h"

/* --- memory --- */

template <class T> struct device_array {
    T *data;
    size_t count;

    explicit device_array(size_t n) : data(nullptr), count(n)
    {
        ck_assert_int_eq(cudaMalloc((void **)&data, n * sizeof(T)), cudaSuccess);
    }
    ~device_array()
    {
        cudaFree(data);
    }
    device_array(const device_array &) = delete;
    device_array &operator=(const device_array &) = delete;
    void write(const std::vector<T> &values)
    {
        size_t bytes = values.size() * sizeof(T);
        ck_assert_int_eq(cudaMemcpy(data, values.data(), bytes, cudaMemcpyHostToDevice), cudaSuccess);
    }
    std::vector<T> read() const
    {
        std::vector<T> values(count);
        ck_assert_int_eq(cudaMemcpy(values.data(), data, count * sizeof(T), cudaMemcpyDeviceToHost), cudaSuccess);
        return values;
    }
};

static struct iter row(void *data, int64_t n, int64_t bytes)
{
    struct iter iter = {};

    iter.operands = iter.dims = 1;
    iter.numel = iter.sizes[0] = n;
    iter.strides[0][0] = bytes;
    iter.data[0] = (char *)data;
    return iter;
}

static struct cuda_draw draw_of(enum cuda_distribution distribution, enum dtype dtype, double first, double second)
{
    struct cuda_draw draw = {};

    draw.distribution = distribution;
    draw.dtype = dtype;
    draw.first = first;
    draw.second = second;
    draw.blocks = 1;
    return draw;
}

/* n numbers of a distribution, seed and offset 0 unless the draw says otherwise. */
template <class T> static std::vector<T> filled(const struct cuda_draw &draw, int64_t n)
{
    device_array<T> target((size_t)n);
    struct iter iter = row(target.data, n, sizeof(T));

    ck_assert_int_eq(cuda_random_functions.fill(&draw, &iter, nullptr), CUDA_OK);
    return target.read();
}

static std::vector<uint32_t> outputs(uint64_t seed, uint64_t thread, uint64_t offset)
{
    std::vector<uint32_t> bits(4);
    struct philox state = philox_at(seed, thread, offset);

    philox_next(&state, bits.data());
    return bits;
}

/* --- the generator --- */

struct known_answer {
    struct philox state;
    uint32_t outputs[4];
};

/* of the authors' Random123 library, philox4x32 with ten rounds */
static const struct known_answer known_answers[] = {
    {{{0, 0}, {0, 0, 0, 0}}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{{~0u, ~0u}, {~0u, ~0u, ~0u, ~0u}}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{{0xa4093822, 0x299f31d0}, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

START_TEST(philox_gives_the_published_answers)
{
    for (const struct known_answer &known : known_answers) {
        uint32_t bits[4];
        philox_rounds(&known.state, bits);
        ck_assert_mem_eq(bits, known.outputs, sizeof bits);
    }
}
END_TEST

START_TEST(the_counter_carries)
{
    struct philox state = philox_at(1, 2, (uint64_t)0xFFFFFFFF * 4);
    uint32_t bits[4];

    philox_next(&state, bits);
    ck_assert_uint_eq(state.counter[0], 0);
    ck_assert_uint_eq(state.counter[1], 1);
    ck_assert_uint_eq(state.counter[2], 2);
}
END_TEST

/* --- distributions --- */

/* torch.manual_seed(0); torch.rand(2, 3, device='cuda'), torch.randn(2, 3, device='cuda') */
START_TEST(seed_0_gives_what_gpus_give)
{
    static const float uniform[6] = {0.3990f, 0.5167f, 0.0249f, 0.9401f, 0.9459f, 0.7967f};
    static const float normal[6] = {-0.9247f, -0.4253f, -2.6438f, 0.1452f, -0.1209f, -0.5797f};
    std::vector<float> units = filled<float>(draw_of(CUDA_UNIFORM, DTYPE_F32, 0, 1), 6);
    std::vector<float> normals = filled<float>(draw_of(CUDA_NORMAL, DTYPE_F32, 0, 1), 6);

    for (int i = 0; i < 6; i++) {
        ck_assert_float_eq_tol(units[i], uniform[i], 0.00005f);
        ck_assert_float_eq_tol(normals[i], normal[i], 0.00005f);
    }
}
END_TEST

/* A grid of 512 threads: the second output of a thread is a grid further on, the fifth four grids. */
START_TEST(a_thread_serves_elements_a_grid_apart)
{
    struct cuda_draw draw = draw_of(CUDA_UNIFORM, DTYPE_F32, 0, 1);
    draw.blocks = 2;
    draw.seed = 42;
    draw.offset = 8;
    std::vector<float> values = filled<float>(draw, 512 * 5 + 3);

    for (int64_t i = 0; i < (int64_t)values.size(); i += 37) {
        uint64_t thread = (uint64_t)i % 512, turn = (uint64_t)i / 512;
        float unit = philox_unit(outputs(42, thread, 8 + turn / 4 * 4)[turn % 4]);
        ck_assert_float_eq(values[(size_t)i], unit == 1 ? 0 : unit);
    }
}
END_TEST

START_TEST(doubles_take_two_outputs_each)
{
    struct cuda_draw draw = draw_of(CUDA_UNIFORM, DTYPE_F64, 0, 1);
    std::vector<double> values = filled<double>(draw, 256 * 2 + 1);
    std::vector<uint32_t> first = outputs(0, 0, 0), next = outputs(0, 0, 4);

    ck_assert_double_eq(values[0], philox_unit_double(first[0], first[1]));
    ck_assert_double_eq(values[256], philox_unit_double(first[2], first[3]));
    ck_assert_double_eq(values[512], philox_unit_double(next[0], next[1]));
    ck_assert_int_eq(cuda_random_functions.draws_at_once(CUDA_UNIFORM, DTYPE_F64), 2);
    ck_assert_int_eq(cuda_random_functions.draws_at_once(CUDA_UNIFORM, DTYPE_F16), 4);
    ck_assert_int_eq(cuda_random_functions.draws_at_once(CUDA_INTEGERS, DTYPE_F64), 4);
}
END_TEST

START_TEST(uniform_halves_stay_below_the_upper_bound)
{
    std::vector<uint16_t> values = filled<uint16_t>(draw_of(CUDA_UNIFORM, DTYPE_BF16, 2, 3), 100000);
    bool low = false;

    for (uint16_t bits : values) {
        float value = bfloat_to_float(bits);
        ck_assert(value >= 2 && value < 3);
        low = low || value == 2;
    }
    ck_assert(low);
}
END_TEST

START_TEST(normals_have_their_moments)
{
    std::vector<double> values = filled<double>(draw_of(CUDA_NORMAL, DTYPE_F64, 3, 2), 100000);
    double sum = 0, squares = 0;

    for (double value : values) {
        sum += value;
        squares += (value - 3) * (value - 3);
    }
    ck_assert_double_eq_tol(sum / 100000, 3, 0.03);
    ck_assert_double_eq_tol(sqrt(squares / 100000), 2, 0.03);
}
END_TEST

/* The mean, or for Cauchy's, which has none, the part below the median. */
START_TEST(transformed_numbers_are_distributed_so)
{
    double exponential = 0, geometric = 0, below = 0, logarithms = 0;

    for (float value : filled<float>(draw_of(CUDA_EXPONENTIAL, DTYPE_F32, 4, 0), 40000)) {
        ck_assert(value > 0);
        exponential += value / 40000;
    }
    for (int32_t value : filled<int32_t>(draw_of(CUDA_GEOMETRIC, DTYPE_I32, 0.25, 0), 40000)) {
        ck_assert(value >= 0);
        geometric += value / 40000.0;
    }
    for (float value : filled<float>(draw_of(CUDA_CAUCHY, DTYPE_F32, 5, 2), 40000)) {
        ck_assert(std::isfinite(value));
        below += (value < 5) / 40000.0;
    }
    for (double value : filled<double>(draw_of(CUDA_LOG_NORMAL, DTYPE_F64, 1, 0.5), 40000)) {
        logarithms += log(value) / 40000;
    }
    ck_assert_double_eq_tol(exponential, 0.25, 0.01);
    ck_assert_double_eq_tol(geometric, 4, 0.1);
    ck_assert_double_eq_tol(below, 0.5, 0.01);
    ck_assert_double_eq_tol(logarithms, 1, 0.01);
}
END_TEST

START_TEST(integers_are_the_outputs_modulo_the_choices)
{
    struct cuda_draw draw = draw_of(CUDA_INTEGERS, DTYPE_I16, 0, 0);
    draw.base = -7;
    draw.choices = 1000;
    std::vector<int16_t> narrow = filled<int16_t>(draw, 257);
    std::vector<uint32_t> bits = outputs(0, 0, 0);

    ck_assert_int_eq(narrow[0], (int)(bits[0] % 1000) - 7);
    ck_assert_int_eq(narrow[256], (int)(bits[1] % 1000) - 7);
    draw = draw_of(CUDA_INTEGERS_64, DTYPE_I64, 0, 0);
    std::vector<int64_t> wide = filled<int64_t>(draw, 257);
    ck_assert_int_eq(wide[0], (int64_t)((uint64_t)bits[0] << 32 | bits[1]));
    ck_assert_int_eq(wide[256], (int64_t)((uint64_t)bits[2] << 32 | bits[3]));
    draw.choices = (uint64_t)1 << 40;
    draw.dtype = DTYPE_F64;
    ck_assert_double_eq(filled<double>(draw, 1)[0], (double)(((uint64_t)bits[0] << 32 | bits[1]) % draw.choices));
}
END_TEST

START_TEST(bernoulli_is_1_below_the_chance)
{
    std::vector<bool> expected;
    std::vector<uint8_t> coins = filled<uint8_t>(draw_of(CUDA_BERNOULLI, DTYPE_BOOL, 0.3, 0), 200);
    std::vector<uint16_t> halves = filled<uint16_t>(draw_of(CUDA_BERNOULLI, DTYPE_F16, 0.3, 0), 200);

    for (uint64_t i = 0; i < 200; i++) {
        bool one = philox_unit(outputs(0, i, 0)[0]) < 0.3f;
        ck_assert_int_eq(coins[i], one);
        ck_assert_int_eq(halves[i], one ? 0x3C00 : 0);
    }
}
END_TEST

START_TEST(strides_say_where_elements_lie)
{
    device_array<float> target(60);
    struct cuda_draw draw = draw_of(CUDA_UNIFORM, DTYPE_F32, 0, 1);
    struct iter iter = {};

    target.write(std::vector<float>(60, -1));
    iter.operands = 1;
    iter.dims = 2;
    iter.numel = 12;
    iter.sizes[0] = 3;
    iter.sizes[1] = 4;
    iter.strides[0][0] = 8;
    iter.strides[0][1] = 40;
    iter.data[0] = (char *)target.data;
    ck_assert_int_eq(cuda_random_functions.fill(&draw, &iter, nullptr), CUDA_OK);
    std::vector<float> values = target.read(), dense = filled<float>(draw, 12);
    int untouched = 0;
    for (float value : values) {
        untouched += value == -1;
    }
    ck_assert_int_eq(untouched, 48);
    for (size_t i = 0; i < 12; i++) {
        ck_assert_float_eq(values[i % 3 * 2 + i / 3 * 10], dense[i]);
    }
}
END_TEST

START_TEST(what_no_kernel_draws_is_said)
{
    struct cuda_draw draw = draw_of(CUDA_NORMAL, DTYPE_I32, 0, 1);
    struct iter iter = row(nullptr, 1, 4);

    ck_assert_int_eq(cuda_random_functions.fill(&draw, &iter, nullptr), CUDA_NO_KERNEL);
    draw = draw_of(CUDA_GEOMETRIC, DTYPE_BOOL, 0.5, 0);
    ck_assert_int_eq(cuda_random_functions.fill(&draw, &iter, nullptr), CUDA_NO_KERNEL);
}
END_TEST

/* --- coins, permutations, places --- */

START_TEST(coins_take_four_neighbours_a_thread)
{
    const size_t n = 4099;
    device_array<float> chances(n), coins(n);
    std::vector<float> p(n);
    struct iter iter = row(coins.data, (int64_t)n, 4);

    for (size_t i = 0; i < n; i++) {
        p[i] = (float)(i % 5) / 4;
    }
    chances.write(p);
    iter.operands = 2;
    iter.strides[1][0] = 4;
    iter.data[1] = (char *)chances.data;
    ck_assert_int_eq(cuda_random_functions.coins(DTYPE_F32, &iter, 9, 16, nullptr), CUDA_OK);
    std::vector<float> values = coins.read();
    for (size_t i = 0; i < n; i++) {
        float unit = philox_unit(outputs(9, i / 4, 16)[i % 4]);
        ck_assert_float_eq(values[i], unit <= p[i]);
    }
}
END_TEST

START_TEST(a_chance_above_1_is_a_device_assertion)
{
    device_array<float> chance(1), coin(1);
    struct iter iter = row(coin.data, 1, 4);
    float value;

    chance.write({1.5f});
    iter.operands = 2;
    iter.data[1] = (char *)chance.data;
    ck_assert_int_eq(cuda_random_functions.coins(DTYPE_F32, &iter, 0, 0, nullptr), CUDA_OK);
    ck_assert_int_eq(cudaMemcpy(&value, coin.data, 4, cudaMemcpyDeviceToHost), cudaErrorAssert);
    cuda_host_reset();
}
END_TEST

START_TEST(runs_are_shuffled_within_themselves)
{
    std::vector<int64_t> keys, start;
    for (int64_t i = 0; i < 3000; i++) {
        keys.push_back(i / 5 * 5 < 1500 ? i / 5 : 1000 + i);
        start.push_back(i);
    }
    device_array<int64_t> key_array(3000), values(3000);
    key_array.write(keys);
    values.write(start);
    ck_assert_int_eq(cuda_random_functions.shuffle_runs(values.data, key_array.data, 3000, 5, 0, nullptr), CUDA_OK);
    std::vector<int64_t> shuffled = values.read();
    std::vector<int> seen(3000);
    int moved = 0;
    for (size_t i = 0; i < 3000; i++) {
        ck_assert_int_eq(keys[(size_t)shuffled[i]], keys[i]);
        seen[(size_t)shuffled[i]]++;
        moved += shuffled[i] != (int64_t)i;
    }
    for (int count : seen) {
        ck_assert_int_eq(count, 1);
    }
    ck_assert_int_gt(moved, 1000);
}
END_TEST

START_TEST(places_are_found_among_sums)
{
    const std::vector<float> weights = {0.25f, 0, 0.5f, 0.25f, 0, 0, 1, 0}, sums = {0.25f, 0.25f, 0.75f, 1, 0, 0, 1, 1};
    const int64_t samples = 300;
    device_array<float> weight_array(8), sum_array(8);
    device_array<int64_t> choices(600);

    weight_array.write(weights);
    sum_array.write(sums);
    ck_assert_int_eq(cuda_random_functions.choose(DTYPE_F32, choices.data, sum_array.data, weight_array.data, 2, 4,
                                                  samples, 3, 0, nullptr),
                     CUDA_OK);
    std::vector<int64_t> found = choices.read();
    for (uint64_t i = 0; i < 600; i++) {
        uint64_t thread = i < 300 ? i : 384 + i - 300; /* a row has whole blocks of 128 threads */
        float unit = philox_unit(outputs(3, thread, 0)[0]);
        int64_t first = unit <= 0.25f ? 0 : unit <= 0.75f ? 2 : 3;
        ck_assert_int_eq(found[i], i < 300 ? first : 2);
    }
}
END_TEST

int main(void)
{
    static const TTest *const tests[] = {
        philox_gives_the_published_answers, the_counter_carries, seed_0_gives_what_gpus_give,
        a_thread_serves_elements_a_grid_apart, doubles_take_two_outputs_each, uniform_halves_stay_below_the_upper_bound,
        normals_have_their_moments, transformed_numbers_are_distributed_so, integers_are_the_outputs_modulo_the_choices,
        bernoulli_is_1_below_the_chance, strides_say_where_elements_lie, what_no_kernel_draws_is_said,
        coins_take_four_neighbours_a_thread, a_chance_above_1_is_a_device_assertion,
        runs_are_shuffled_within_themselves, places_are_found_among_sums,
    };
    Suite *suite = suite_create("random on the device");
    TCase *cases = tcase_create("random.cu");
    for (const TTest *test : tests) {
        tcase_add_test(cases, test);
    }
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
