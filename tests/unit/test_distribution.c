/* Generators of GPUs, and which generator a device's draws take; none of it needs a GPU. */
#include <check.h>
#include "backend.h"
#include "distribution.h"
#include "suite.h"

static const struct device gpu = {DEVICE_CUDA, 0};

START_TEST(a_reserved_part_begins_at_the_offset_and_ends_at_a_multiple_of_4)
{
    struct generator *generator = generator_new_on(gpu);

    ck_assert_uint_eq(generator_initial_seed(generator), 67280421310721);
    generator_seed(generator, 5);
    struct philox_place first = generator_reserve(generator, 10), second = generator_reserve(generator, 4);
    ck_assert_uint_eq(first.seed, 5);
    ck_assert_uint_eq(first.offset, 0);
    ck_assert_uint_eq(second.offset, 12);
    ck_assert_uint_eq(generator->offset, 16);
    generator_seed(generator, 5);
    ck_assert_uint_eq(generator->offset, 0);
    generator_release(generator);
}
END_TEST

START_TEST(every_gpu_has_one_default_generator)
{
    struct generator *first = generator_of_device(0);

    ck_assert_ptr_eq(generator_of_device(0), first);
    ck_assert_ptr_ne(generator_of_device(1), first);
    ck_assert_int_eq(first->device.type, DEVICE_CUDA);
    ck_assert_int_eq(generator_of_device(1)->device.index, 1);
    ck_assert_ptr_null(generator_of_device(GENERATOR_MAX_DEVICES));
    ck_assert_ptr_eq(distribution_generator(NULL, gpu), first);
    ck_assert_ptr_eq(distribution_generator(NULL, (struct device){DEVICE_CPU, -1}), generator_default());
}
END_TEST

START_TEST(a_generator_of_another_device_type_is_refused)
{
    struct generator *generator = generator_new_on(gpu);
    int64_t n = 3;
    struct tensor *tensor = tensor_new(DTYPE_F32, (struct device){DEVICE_CPU, -1}, 1, &n);

    ck_assert_ptr_null(distribution_generator(generator_default(), gpu));
    ck_assert_str_eq(error_message(), "Expected a 'cuda' device type for generator but found 'cpu'");
    ck_assert_int_eq(cpu_backend.ops->normal_(tensor, 0, 1, generator), -1);
    ck_assert_str_eq(error_message(), "Expected a 'cpu' device type for generator but found 'cuda'");
    ck_assert_int_eq(cpu_backend.ops->uniform_(tensor, 0, 1, generator), -1);
    ck_assert_int_eq(cpu_backend.ops->bernoulli_tensor_(tensor, tensor, generator), -1);
    tensor_release(tensor);
    generator_release(generator);
}
END_TEST

START_TEST(choices_of_random_are_those_that_the_dtype_holds)
{
    struct integer_choices choices;

    ck_assert_int_eq(distribution_choices(DTYPE_I64, INT64_MIN, (struct maybe_int){false, 0}, &choices), 0);
    ck_assert_uint_eq(choices.count, 0);
    ck_assert_int_eq(distribution_choices(DTYPE_U8, 3, (struct maybe_int){true, 10}, &choices), 0);
    ck_assert_uint_eq(choices.count, 7);
    ck_assert_int_eq(choices.first, 3);
    ck_assert_int_eq(distribution_choices(DTYPE_U8, 3, (struct maybe_int){true, 1000}, &choices), -1);
    ck_assert_uint_eq(distribution_all_choices(DTYPE_BOOL).count, 2);
    ck_assert_uint_eq(distribution_all_choices(DTYPE_F32).count, (1 << 24) + 1);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("distribution");
    tcase_add_test(cases, a_reserved_part_begins_at_the_offset_and_ends_at_a_multiple_of_4);
    tcase_add_test(cases, every_gpu_has_one_default_generator);
    tcase_add_test(cases, a_generator_of_another_device_type_is_refused);
    tcase_add_test(cases, choices_of_random_are_those_that_the_dtype_holds);
    return run_suite("distribution", cases);
}
