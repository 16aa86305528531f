#include "view/facts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "autograd/node.h"
#include "backend.h"
#include "shape.h"
#include "view/picture.h"

struct tensor *facts_gradient(struct tensor *tensor)
{
    struct autograd *autograd = tensor->autograd;

    if (!autograd) {
        return NULL;
    }
    spin_lock(&autograd->lock);
    struct tensor *gradient = autograd->grad ? tensor_retain(autograd->grad) : NULL;
    spin_unlock(&autograd->lock);
    return gradient;
}

/* --- the line --- */

/* Where the tensor stands in the graph, as far as one can know. */
static void add_graph(struct html *html, const struct words *words, struct tensor *tensor)
{
    bool error = false;
    struct node *node = tensor->autograd ? autograd_grad_fn(tensor, &error) : NULL;

    if (error) {
        error_clear();
        html_put(html, "grad_fn=&lt;Invalid&gt;");
    } else if (node) {
        html_put(html, "grad_fn=&lt;");
        html_text(html, node_name(node));
        html_put(html, "&gt;");
    } else if (tensor->inference) {
        html_put(html, words->inference);
    } else if (tensor->cut && !tensor->requires_grad) {
        html_put(html, words->no_grad);
    } else {
        html_put(html, words->leaf);
    }
}

void facts_add_line(struct html *html, const struct words *words, struct tensor *tensor)
{
    int64_t bytes = tensor->numel * (int64_t)dtype_info[tensor->dtype].bytes;
    char shape[1600], count[32], device[DEVICE_TEXT_BYTES];

    html_printf(html, "%s \xC2\xB7 %s %s \xC2\xB7 ", dtype_info[tensor->dtype].name, words->shape,
                shape_text(tensor_shape(tensor), shape, sizeof shape));
    html_put(html, device_text(tensor->storage->device, device));
    html_printf(html, " \xC2\xB7 %s %s \xC2\xB7 requires_grad=%s \xC2\xB7 ",
                words_count(words, bytes, count), bytes == 1 ? words->byte : words->bytes,
                tensor_tracks(tensor) ? "True" : "False");
    add_graph(html, words, tensor);
}

/* --- alarms --- */

static void add_one_alarm(struct html *html, const struct words *words, const char *format,
                          const char *colour, int64_t count)
{
    char text[32];

    if (count > 0) {
        html_printf(html,
                    "<strong style=\"background:%s;color:#fff;padding:1px 6px\">\xE2\x9A\xA0 ",
                    colour);
        html_printf(html, format, words_count(words, count, text));
        html_put(html, "</strong> ");
    }
}

static void add_loud(struct html *html, const struct words *words, const struct tensor *tensor,
                     const struct survey *survey)
{
    char index[INDEX_BYTES];

    add_one_alarm(html, words, words->nan, COLOUR_NAN, survey->nan);
    if (survey->nan_at >= 0 && tensor->dims > 0) {
        html_printf(html, words->at, picture_index(tensor, tensor->dims, survey->nan_at, index));
        html_put(html, " ");
    }
    add_one_alarm(html, words, words->infinity, COLOUR_INFINITY, survey->plus_infinity);
    add_one_alarm(html, words, words->minus_infinity, COLOUR_MINUS_INFINITY,
                  survey->minus_infinity);
}

void facts_add_alarm(struct html *html, const struct words *words, const struct tensor *tensor,
                     const struct survey *survey)
{
    bool loud = survey->nan + survey->plus_infinity + survey->minus_infinity > 0;
    char count[32], all[32];

    if (!loud && !survey->sampled) {
        return;
    }
    html_put(html, "<div style=\"margin:4px 0\">");
    add_loud(html, words, tensor, survey);
    if (survey->sampled && survey->nan == 0 && dtype_is_float(tensor->dtype)) {
        html_printf(html, words->sampled_none, words_count(words, survey->count, count));
    } else if (survey->sampled) {
        html_printf(html, words->sampled_of, words_count(words, survey->count, count),
                    words_count(words, tensor->numel, all));
    }
    html_put(html, "</div>\n");
}

/* --- statistics --- */

#define CELL "padding:1px 8px;text-align:left;white-space:nowrap;"

/* A row of blocks, as high as the numbers in each bin are many; every bin says its own. */
static void add_histogram(struct html *html, const struct words *words, const struct survey *survey)
{
    static const char *const blocks[] = {"\xC2\xA0",     "\xE2\x96\x81", "\xE2\x96\x82",
                                         "\xE2\x96\x83", "\xE2\x96\x84", "\xE2\x96\x85",
                                         "\xE2\x96\x86", "\xE2\x96\x87", "\xE2\x96\x88"};
    double width = (survey->high - survey->low) / SURVEY_BINS;
    char low[NUMBER_MOST], high[NUMBER_MOST], count[32];
    int64_t most = 1;

    for (int i = 0; i < SURVEY_BINS; i++) {
        most = survey->bins[i] > most ? survey->bins[i] : most;
    }
    for (int i = 0; i < SURVEY_BINS; i++) {
        int height = (int)ceil(8.0 * (double)survey->bins[i] / (double)most);
        html_put(html, "<span title=\"");
        html_printf(html, words->bin, picture_number(survey->low + i * width, low),
                    picture_number(survey->low + (i + 1) * width, high),
                    words_count(words, survey->bins[i], count));
        html_printf(html, "\">%s</span>", blocks[height]);
    }
}

static void add_figure(struct html *html, const struct words *words, double value, bool whole)
{
    char number[NUMBER_MOST];

    if (whole && fabs(value) < 0x1p53) {
        snprintf(number, sizeof number, "%.0f", value);
    } else {
        picture_number(value, number);
    }
    html_printf(html, "<td style=\"" CELL "\">%s</td>", isnan(value) ? words->undefined : number);
}

/* Least and greatest of whole numbers are exact as far as a double holds them. */
static void add_table(struct html *html, const struct words *words, const struct survey *survey,
                      bool whole)
{
    const char *const heads[] = {words->low, words->mean, words->high, words->deviation};
    const double values[] = {survey->low, survey->mean, survey->high, survey->deviation};
    char count[32];

    html_put(html, "<table style=\"border-collapse:collapse;width:auto;margin:4px 0;font:12px/1.4 "
                   "monospace\"><tr style=background:none>");
    for (int i = 0; i < 4; i++) {
        html_printf(html,
                    "<th scope=\"col\" style=\"" CELL "font-weight:normal;opacity:.75\">%s</th>",
                    heads[i]);
    }
    if (survey->binned > 0) {
        html_printf(html, "<th scope=\"col\" style=\"" CELL "font-weight:normal;opacity:.75\">%s",
                    words->histogram);
        if (survey->binned < survey->finite) {
            html_put(html, " ");
            html_printf(html, words->bins_sampled, words_count(words, survey->binned, count));
        }
        html_put(html, "</th>");
    }
    html_put(html, "</tr>\n<tr style=background:none>");
    for (int i = 0; i < 4; i++) {
        add_figure(html, words, values[i], whole && i % 2 == 0);
    }
    if (survey->binned > 0) {
        html_put(html, "<td style=\"" CELL "\">");
        add_histogram(html, words, survey);
        html_put(html, "</td>");
    }
    html_put(html, "</tr></table>\n");
}

void facts_add_statistics(struct html *html, const struct words *words, const struct tensor *tensor,
                          const struct survey *survey)
{
    char first[32], second[32];

    if (survey->count == 0) {
        html_printf(html, "<div>%s</div>", words->empty);
        return;
    }
    if (tensor->dtype == DTYPE_BOOL) {
        int64_t true_count = (int64_t)llround(survey->mean * (double)survey->count);
        html_put(html, "<div>");
        html_printf(html, words->true_count, words_count(words, true_count, first),
                    words_count(words, survey->count, second), 100 * survey->mean);
        html_put(html, "</div>\n");
        return;
    }
    if (survey->finite > 0 && survey->finite < survey->count) {
        html_put(html, "<div style=\"opacity:.8\">");
        html_printf(html, words->finite_only, words_count(words, survey->finite, first));
        html_put(html, "</div>");
    }
    if (survey->finite > 0) {
        add_table(html, words, survey, !dtype_is_float(tensor->dtype));
    }
}
