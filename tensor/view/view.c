#include "view/view.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "autograd/node.h"
#include "mem.h"
#include "number.h"
#include "shape.h"
#include "view/facts.h"
#include "view/picture.h"

/* Pictures of so few numbers are folded: the text says it all. */
#define FOLDED_MOST 4
/* Kept free for closing tags. */
#define CLOSING_BYTES 64
/* A picture is not begun with less room, but named as left out. */
#define PICTURE_BYTES_LEAST 1200

bool view_turkish(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

    for (int i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);
        if (value && *value) {
            size_t length = strcspn(value, "_.");
            return (length == 2 && strncasecmp(value, "tr", 2) == 0) ||
                   (length == 7 && strncasecmp(value, "turkish", 7) == 0);
        }
    }
    return false;
}

static const struct words *words_of(bool turkish)
{
    return turkish ? &words_turkish : &words_english;
}

static void add_text(struct html *html, const struct words *words, const char *text)
{
    html_printf(html,
                "<div lang=\"%s\"><pre style=\"font:13px/1.3 "
                "monospace;margin:0;background:none;white-space:pre-wrap\">",
                words->language);
    html_text(html, text);
    html_put(html, "</pre>\n");
}

/* Statistics and picture of one tensor in the room that is left. 0 or -1. */
static int add_numbers(struct html *html, const struct words *words, struct tensor *tensor)
{
    struct survey survey;
    struct picture picture = {.html = html, .words = words, .tensor = tensor, .survey = &survey};
    size_t mark = html->length;
    int status = 0;

    if (survey_tensor(tensor, &survey) < 0) {
        return -1;
    }
    facts_add_alarm(html, words, tensor, &survey);
    if (html_room(html) > PICTURE_BYTES_LEAST + FACTS_BYTES) {
        html->limit -= FACTS_BYTES;
        scale_init(&picture.scale, &survey);
        mark = html->length;
        status = picture_add(&picture);
        html->limit += FACTS_BYTES;
    }
    if (html->full) {
        html_rewind(html, mark);
        html_put(html, words->too_large);
    }
    mark = html->length;
    facts_add_statistics(html, words, tensor, &survey);
    if (html->full) {
        html_rewind(html, mark);
    }
    return status;
}

/* Value and gradient side by side, each with half of the room. */
static int add_sides(struct html *html, const struct words *words, struct tensor *tensor,
                     struct tensor *gradient)
{
    struct tensor *const sides[2] = {tensor, gradient};
    const char *const names[2] = {words->value, words->gradient};
    size_t limit = html->limit;
    int status = 0;

    for (int i = 0; i < 2 && status == 0; i++) {
        html->limit = html->length + (limit - html->length) / (size_t)(2 - i) - CLOSING_BYTES / 2;
        html_printf(
            html,
            "<div "
            "style=\"display:inline-block;vertical-align:top;margin-right:2em;max-width:100%%\">"
            "<b>%s</b>\n",
            names[i]);
        status = add_numbers(html, words, sides[i]);
        html->limit += CLOSING_BYTES / 2;
        html_put(html, "</div>\n");
    }
    html->limit = limit;
    return status;
}

/* The fold of one tensor: the line of facts, and what is below it. */
static int add_fold(struct html *html, const struct words *words, struct tensor *tensor,
                    const char *name, bool open)
{
    struct tensor *gradient = facts_gradient(tensor);
    int status;

    html_printf(html, "<details%s style=\"overflow-x:auto\"><summary style=\"cursor:pointer\">",
                open ? " open" : "");
    if (name) {
        html_put(html, "<b>");
        html_text(html, name);
        html_put(html, "</b> ");
    }
    facts_add_line(html, words, tensor);
    html_put(html, "</summary>\n");
    html->limit -= CLOSING_BYTES;
    status = gradient ? add_sides(html, words, tensor, gradient) : add_numbers(html, words, tensor);
    html->limit += CLOSING_BYTES;
    html_put(html, "</details>\n");
    tensor_release(gradient);
    return status;
}

/* The whole text, or NULL where it failed or was too long. Leaves the locale. */
static char *finish(struct html *html, int status, locale_t old)
{
    number_locale_leave(old);
    if (status < 0) {
        html_release(html);
        return NULL;
    }
    return html_finish(html);
}

char *view_tensor(struct tensor *tensor, const char *text, bool turkish)
{
    const struct words *words = words_of(turkish);
    struct html html;
    locale_t old = number_locale_enter();
    int status = html_init(&html);

    if (status == 0) {
        html.limit -= CLOSING_BYTES;
        add_text(&html, words, text);
        status = add_fold(&html, words, tensor, NULL, tensor->numel > FOLDED_MOST);
        html.limit += CLOSING_BYTES;
        html_put(&html, "</div>");
    }
    return finish(&html, status, old);
}

char *view_items(const struct view_item *items, int count, int64_t total, const char *text,
                 bool turkish)
{
    const struct words *words = words_of(turkish);
    struct html html;
    locale_t old = number_locale_enter();
    int status = html_init(&html), shown = 0;
    char left[32];

    if (status == 0) {
        html.limit -= 4 * CLOSING_BYTES;
        add_text(&html, words, text);
    }
    size_t limit = html.limit;
    for (; shown < count && status == 0 && !html.full; shown++) {
        size_t mark = html.length;
        html.limit = html.length + (limit - html.length) / (size_t)(count - shown);
        status = add_fold(&html, words, items[shown].tensor, items[shown].name, false);
        if (html.full) {
            html_rewind(&html, mark);
            break;
        }
    }
    if (status == 0) {
        html.limit = limit + 4 * CLOSING_BYTES;
        if (shown < total) {
            html_printf(&html, words->more_items, words_count(words, total - shown, left));
        }
        html_put(&html, "</div>");
    }
    return finish(&html, status, old);
}

char *view_size(struct ints sizes, const char *text, bool turkish)
{
    const struct words *words = words_of(turkish);
    char product[1600] = "", count[32];
    size_t length = 0;
    int64_t numel = 1;
    struct html html;

    if (html_init(&html) < 0) {
        return NULL;
    }
    for (int i = 0; i < sizes.count && length < sizeof product; i++) {
        length += (size_t)snprintf(product + length, sizeof product - length, "%s%lld",
                                   i ? " × " : "", (long long)sizes.items[i]);
        numel *= sizes.items[i];
    }
    add_text(&html, words, text);
    html_put(&html, "<span style=\"opacity:.8\">");
    html_printf(&html, words->elements, sizes.count ? product : "1",
                words_count(words, numel, count), sizes.count);
    html_put(&html, "</span></div>");
    return html_finish(&html);
}
