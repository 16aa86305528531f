/* HTML views: escaping, room, colours, words, and whole views. */
#include "../../tensor/view/html.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../tensor/view/colour.h"
#include "../../tensor/view/view.h"
#include "../../tensor/view/words.h"
#include "graphs.h"
#undef CPU
#include "layouts.h"

/* The text as it stands in HTML. */
static const char *escaped(const char *text)
{
    static char buffer[256];
    struct html html;
    ok(html_init(&html));
    html_text(&html, text);
    char *done = html_finish(&html);
    ck_assert_ptr_nonnull(done);
    snprintf(buffer, sizeof buffer, "%s", done);
    mem_free(done);
    return buffer;
}

START_TEST(markup_is_escaped)
{
    ck_assert_str_eq(escaped("<script>&\"'"), "&lt;script&gt;&amp;&quot;&#39;");
    ck_assert_str_eq(escaped("ışık\n\t"), "ışık\n\t");
}
END_TEST

START_TEST(what_one_does_not_see_is_named)
{
    ck_assert_str_eq(escaped("\x1b[31m"), "‹U+001B›[31m");
    ck_assert_str_eq(escaped("a\xE2\x80\xAE"
                             "b"),
                     "a‹U+202E›b");
    ck_assert_str_eq(escaped("\xE2\x81\xA6\xC2\x85\x7f"), "‹U+2066›‹U+0085›‹U+007F›");
}
END_TEST

START_TEST(bytes_that_are_no_utf8_are_replaced)
{
    ck_assert_str_eq(escaped("a\xFF"
                             "b"),
                     "a\xEF\xBF\xBD"
                     "b");
    ck_assert_str_eq(escaped("\xC0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD"); /* too long */
    ck_assert_str_eq(escaped("\xED\xA0\x80"),
                     "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");          /* a surrogate */
    ck_assert_str_eq(escaped("\xF0\x9F"), "\xEF\xBF\xBD\xEF\xBF\xBD"); /* cut off */
}
END_TEST

START_TEST(what_does_not_fit_is_left_out)
{
    struct html html;
    ok(html_init(&html));
    html.limit = 5;
    html_put(&html, "abc");
    html_put(&html, "defg");
    ck_assert(html.full && html.length == 3);
    html_put(&html, "x");
    ck_assert_int_eq(html.length, 3);
    html_rewind(&html, 1);
    html_printf(&html, "%d", 12345);
    ck_assert(html.full);
    html_rewind(&html, 1);
    html_printf(&html, "%d", 12);
    html_integer(&html, 90);
    char *done = html_finish(&html);
    ck_assert_str_eq(done, "a1290");
    mem_free(done);
}
END_TEST

START_TEST(colours_turn_at_zero)
{
    struct survey survey = {.low = -2, .high = 4};
    struct scale scale;
    char colour[COLOUR_BYTES];
    scale_init(&scale, &survey);
    ck_assert_str_eq(scale_colour(&scale, 4, 1, colour), "#d55e00ff");
    ck_assert_str_eq(scale_colour(&scale, 0, 1, colour), "#d55e0000");
    ck_assert_str_eq(scale_colour(&scale, -2, 1, colour), "#0072b280");
    ck_assert_str_eq(colour_shorten(colour), "#07b8");
    ck_assert_str_eq(scale_colour(&scale, (double)NAN, 1, colour), COLOUR_NAN);
    ck_assert_str_eq(scale_colour(&scale, -(double)INFINITY, 1, colour), COLOUR_MINUS_INFINITY);
    ck_assert_str_eq(colour_shorten(colour), COLOUR_MINUS_INFINITY);
}
END_TEST

START_TEST(numbers_that_are_much_alike_are_told_apart)
{
    struct survey survey = {.low = 100, .high = 101};
    struct scale scale;
    char colour[COLOUR_BYTES];
    scale_init(&scale, &survey);
    ck_assert_str_eq(scale_colour(&scale, 100, 1, colour), "#d55e0000");
    ck_assert_str_eq(scale_colour(&scale, 101, 1, colour), "#d55e00ff");
    scale_init(&scale, &(struct survey){.low = 0, .high = 0});
    ck_assert_str_eq(scale_colour(&scale, 0, 1, colour), "#d55e0000");
}
END_TEST

START_TEST(counts_have_thousands)
{
    char text[32];
    ck_assert_str_eq(words_count(&words_english, 999, text), "999");
    ck_assert_str_eq(words_count(&words_english, 65536, text), "65,536");
    ck_assert_str_eq(words_count(&words_turkish, 1234567, text), "1.234.567");
    ck_assert_str_eq(words_count(&words_english, -123456, text), "-123,456");
}
END_TEST

START_TEST(both_languages_have_all_words)
{
    const size_t first = offsetof(struct words, shape);
    for (size_t at = first; at < sizeof(struct words); at += sizeof(char *)) {
        const char *english, *turkish;
        memcpy(&english, (const char *)&words_english + at, sizeof english);
        memcpy(&turkish, (const char *)&words_turkish + at, sizeof turkish);
        ck_assert(english && *english && turkish && *turkish);
        for (const char *a = english, *b = turkish;
             a || b;) { /* the same formats in the same order */
            a = a ? strpbrk(a, "%") : NULL;
            b = b ? strpbrk(b, "%") : NULL;
            ck_assert_int_eq(a != NULL, b != NULL);
            a = a ? a + 1 : NULL;
            b = b ? b + 1 : NULL;
        }
    }
}
END_TEST

START_TEST(the_environment_chooses_the_language)
{
    setenv("LC_ALL", "", 1);
    setenv("LC_MESSAGES", "tr_TR.UTF-8", 1);
    ck_assert(view_turkish());
    setenv("LC_ALL", "en_US.UTF-8", 1);
    ck_assert(!view_turkish());
    setenv("LC_ALL", "Turkish_Turkey", 1);
    ck_assert(view_turkish());
    setenv("LC_ALL", "C", 1);
    ck_assert(!view_turkish());
}
END_TEST

/* The view holds `part`. */
static void holds(struct tensor *tensor, const char *text, const char *part)
{
    char *html = view_tensor(tensor, text, false);
    ck_assert_msg(html != NULL, "%s", error_message());
    ck_assert_int_lt(strlen(html), VIEW_BYTES_MOST);
    ck_assert_msg(strstr(html, part) != NULL, "no %s in\n%s", part, html);
    mem_free(html);
}

START_TEST(a_view_has_text_facts_and_numbers)
{
    struct tensor *leaf = LEAF(1, -2, 3, 4, 5);
    holds(leaf, "te<xt>",
          "<pre style=\"font:13px/1.3 "
          "monospace;margin:0;background:none;white-space:pre-wrap\">te&lt;xt&gt;</pre>");
    holds(leaf, "", "<details open ");
    holds(leaf, "", "float32 · shape [5] · cpu · 20 bytes · requires_grad=True · leaf");
    holds(leaf, "", ">-2.</td>");
    holds(mul(leaf, num(2)), "", "grad_fn=&lt;MulBackward0&gt;");
    holds(DATA(1, 2), "", "<details style");
    holds(DATA(1, NAN, 2, 3, 4), "", "⚠ 1 NaN</strong> one at [1]");
    backward(total(mul(leaf, leaf)));
    holds(leaf, "", "<b>.grad</b>");
}
END_TEST

START_TEST(a_text_that_fills_the_view_leaves_no_room_for_it)
{
    char *text = malloc(VIEW_BYTES_MOST + 1);
    memset(text, 'x', VIEW_BYTES_MOST);
    text[VIEW_BYTES_MOST] = '\0';
    ck_assert_ptr_null(view_tensor(DATA(1), text, false));
    ck_assert_int_eq(error_kind(), ERROR_NONE);
    for (int left = 100; left < 20000;
         left += 333) { /* a picture that does not fit is left out whole */
        text[VIEW_BYTES_MOST - left] = '\0';
        char *html =
            view_tensor(keep(tensor_zeros(INTS(40, 40), DTYPE_NONE, DEVICE_DEFAULT)), text, false);
        ck_assert(!html || strstr(html, "</div>"));
        mem_free(html);
        text[VIEW_BYTES_MOST - left] = 'x';
    }
    free(text);
}
END_TEST

START_TEST(items_and_sizes_have_views)
{
    struct view_item items[2] = {{"['<b>']", DATA(1, 2, 3)}, {"[1]", DATA(4)}};
    char *html = view_items(items, 2, 70, "{…}", false);
    ck_assert_ptr_nonnull(strstr(html, "<b>[&#39;&lt;b&gt;&#39;]</b> float32"));
    ck_assert_ptr_nonnull(strstr(html, "… and 68 more"));
    mem_free(html);
    html = view_size(INTS(2, 30), "torch.Size([2, 30])", true);
    ck_assert_ptr_nonnull(strstr(html, "2 × 30 = 60 eleman, boyut sayısı: 2"));
    mem_free(html);
}
END_TEST

START_TEST(every_layout_of_every_dtype_has_a_view)
{
    uint64_t state = 7;
    for (int n = 0; n < 400; n++) {
        int64_t sizes[5];
        int dims = random_sizes(&state, 5, n % 4 ? 6 : 40, sizes);
        enum dtype dtype = (enum dtype)(n % DTYPE_COUNT);
        struct tensor *tensor = keep(tensor_new(dtype, CPU, dims, sizes));
        if (tensor->numel > 0) {
            memset(tensor_ptr(tensor), n % 7 ? n & 1 : 0xFF,
                   (size_t)tensor->numel * dtype_info[dtype].bytes);
        }
        if (dims > 1) {
            tensor = keep(tensor_transpose(tensor, 0, -1));
        }
        char *html = view_tensor(tensor, "text", n & 1);
        ck_assert_msg(html != NULL, "%s", error_message());
        ck_assert_int_lt(strlen(html), VIEW_BYTES_MOST);
        mem_free(html);
    }
}
END_TEST

/* Each allocation fails once, the n-th in the n-th run, until one succeeds. */
static void survives(struct tensor *tensor)
{
    for (long n = 1; n < 1000; n++) {
        mem_fail_at(n);
        char *html = view_tensor(tensor, "text", false);
        mem_fail_at(0);
        if (html) {
            mem_free(html);
            return;
        }
        ck_assert_int_eq(error_kind(), ERROR_MEMORY);
        error_clear();
    }
    ck_abort_msg("it never succeeds");
}

START_TEST(without_memory_there_is_an_error)
{
    struct tensor *leaf = LEAF(1, 2, 3, 4, 5, 6);
    backward(total(mul(leaf, leaf)));
    survives(leaf);
    survives(keep(tensor_arange(scalar_int(1600), DTYPE_F32, CPU)));
    survives(keep(tensor_zeros(INTS(3, 20, 20), DTYPE_NONE, DEVICE_DEFAULT)));
    survives(keep(tensor_zeros(INTS(1500, 1000), DTYPE_NONE, DEVICE_DEFAULT)));
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("html");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, NULL, release_kept);
    tcase_add_test(cases, markup_is_escaped);
    tcase_add_test(cases, what_one_does_not_see_is_named);
    tcase_add_test(cases, bytes_that_are_no_utf8_are_replaced);
    tcase_add_test(cases, what_does_not_fit_is_left_out);
    tcase_add_test(cases, colours_turn_at_zero);
    tcase_add_test(cases, numbers_that_are_much_alike_are_told_apart);
    tcase_add_test(cases, counts_have_thousands);
    tcase_add_test(cases, both_languages_have_all_words);
    tcase_add_test(cases, the_environment_chooses_the_language);
    tcase_add_test(cases, a_view_has_text_facts_and_numbers);
    tcase_add_test(cases, a_text_that_fills_the_view_leaves_no_room_for_it);
    tcase_add_test(cases, items_and_sizes_have_views);
    tcase_add_test(cases, every_layout_of_every_dtype_has_a_view);
    tcase_add_test(cases, without_memory_there_is_an_error);
    return run_suite("html", cases);
}
