#include "suite.h"
#include "tidy.h"
#include <string.h>

static void assert_tidy(void (*tidy)(struct buffer *, const char *, size_t), const char *text,
                        const char *expected)
{
    struct buffer out = BUFFER_INIT;
    tidy(&out, text, strlen(text));
    ck_assert_str_eq(buffer_text(&out), expected);
    buffer_release(&out);
}

static void assert_text(const char *text, const char *expected)
{
    assert_tidy(tidy_text, text, expected);
}

static void assert_markup(const char *text, const char *expected)
{
    assert_tidy(tidy_markup, text, expected);
}

START_TEST(text_without_noise_stays)
{
    static const char *const texts[] = {
        "",
        "a\nb",
        "\n\n",
        "tensor([1., 2.])\n",
        "0xff 0x",
        "[1, 2] <x> [00:01]",
        "/tmp/other/1.py",
        "<ipython-input>",
        "100%",
        "[",
        "/",
        "<",
        "0",
        "ışğ\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_text(texts[i], texts[i]);
}
END_TEST

START_TEST(addresses_are_all_alike)
{
    assert_text("<object at 0x7f8a1c2b3d40>", "<object at 0x…>");
    assert_text("0x7F8A1C 0x12345678123456789", "0x… 0x12345678123456789");
}
END_TEST

START_TEST(cells_have_one_name_in_every_kernel)
{
    assert_text("<ipython-input-1-ddd36a04>:2: UserWarning: x", "<cell>:2: UserWarning: x");
    assert_text("/tmp/ipykernel_812/3412.py:2: UserWarning: x", "<cell>:2: UserWarning: x");
    assert_text("/tmp/mesale_812/3412.py:2:", "<cell>:2:");
    assert_text("/tmp/ipykernel_812/data", "/tmp/ipykernel_812/data");
}
END_TEST

START_TEST(times_that_magics_and_bars_show_are_all_alike)
{
    assert_text("CPU times: user 3 ms, sys: 0 ns, total: 3 ms\nWall time: 3.1 ms\n4\n",
                "CPU times: …\nWall time: …\n4\n");
    assert_text("31.1 ns ± 0.6 ns per loop (mean ± std. dev. of 7 runs, 10,000,000 loops each)\n",
                "… per loop\n");
    assert_text("The slowest run took 5.1 times longer than the fastest.\nx", "x");
    assert_text("100%|██████████| 10/10 [00:01<00:00, 9.12it/s]\n", "100%|██████████| 10/10 […]\n");
    assert_text("[00:01<00:00,  1.20s/it]", "[…]");
}
END_TEST

START_TEST(what_a_carriage_return_has_overwritten_is_gone)
{
    assert_text(" 0%\r50%\r100%\n", "100%\n");
    assert_text("a\r\nb\r", "a\nb");
    assert_text("\r", "");
}
END_TEST

START_TEST(ids_are_numbered_as_they_appear)
{
    assert_markup(
        "<a id='6fa459ea-ee8a-3ca4-894e-db77e160355e'/>#6fa459ea-ee8a-3ca4-894e-db77e160355e",
        "<a id='id…1'/>#id…1");
    assert_markup("<path id=\"m1f2e3d4c5b\"/><use href=\"#m1f2e3d4c5b\"/><p id=\"p0a1b2c3d4e\"/>",
                  "<path id=\"mid…1\"/><use href=\"#mid…1\"/><p id=\"pid…2\"/>");
    assert_markup("#T_1a2b3_row0 { } <td id='T_1a2b3_row0'>", "#id…1_row0 { } <td id='id…1_row0'>");
    assert_markup("{\"model_id\": \"0123456789abcdef0123456789abcdef\"}",
                  "{\"model_id\": \"id…1\"}");
    assert_markup("at 0x7f8a1c2b3d40", "at 0x…");
}
END_TEST

START_TEST(colours_numbers_and_words_in_markup_stay)
{
    static const char *const texts[] = {
        "color: #44015480", "#a1b2c3", "<td>12345678</td>", "deadbeef feedback",
        "T_shirt T_1a2",    "",        "sk-container-id-1", "00abcdefgh12",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_markup(texts[i], texts[i]);
    assert_markup("6fa459ea-ee8a", "id…1-ee8a"); /* no UUID, but digits at random */
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        text_without_noise_stays,
        addresses_are_all_alike,
        cells_have_one_name_in_every_kernel,
        times_that_magics_and_bars_show_are_all_alike,
        what_a_carriage_return_has_overwritten_is_gone,
        ids_are_numbered_as_they_appear,
        colours_numbers_and_words_in_markup_stay,
        NULL,
    };
    return run_tests("tidy", tests);
}
