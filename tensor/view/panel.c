/* One matrix of numbers: as a table, or as a heat map with its legend. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "print.h"
#include "view/picture.h"

/* --- tables --- */

#define CELL "padding:1px 6px;text-align:right;white-space:nowrap;"

/* Index numbers above the columns. */
static void add_column_names(struct picture *picture, int64_t columns, bool rows_too)
{
    html_put(picture->html, rows_too ? "<tr style=background:none><td style=\"" CELL "\"></td>"
                                     : "<tr style=background:none>");
    for (int64_t i = 0; i < columns; i++) {
        html_printf(picture->html,
                    "<th scope=\"col\" style=\"" CELL "font-weight:normal;opacity:.75\">%lld</th>",
                    (long long)i);
    }
    html_put(picture->html, "</tr>\n");
}

static void add_cell(struct picture *picture, const char *number)
{
    char colour[COLOUR_BYTES];
    double value = strcmp(number, "True") == 0    ? 1
                   : strcmp(number, "False") == 0 ? 0
                                                  : strtod(number, NULL);
    bool loud = !isfinite(value);

    html_printf(picture->html, "<td style=\"" CELL "background:%s%s\">",
                scale_colour(&picture->scale, value, 0.55, colour),
                loud ? ";color:#fff;font-weight:bold" : "");
    html_text(picture->html, number);
    html_put(picture->html, "</td>");
}

static void add_row(struct picture *picture, int64_t row, int64_t columns, char **numbers)
{
    struct html *html = picture->html;

    html_put(html, "<tr style=background:none>");
    if (picture->tensor->dims > 1) {
        html_printf(html,
                    "<th scope=\"row\" style=\"" CELL "font-weight:normal;opacity:.75\">%lld</th>",
                    (long long)row);
    }
    for (int64_t column = 0; column < columns; column++) {
        add_cell(picture, numbers[column]);
    }
    html_put(html, "</tr>\n");
}

/* The caption is for screen readers: who sees the page reads the facts above the table. */
#define TABLE                                                                                      \
    "<table style=\"border-collapse:collapse;width:auto;margin:4px 0;font:12px/1.4 monospace\">"   \
    "<caption style=\"text-align:left;padding:0;height:1px;overflow:hidden;font-size:1px;"         \
    "opacity:0\">"

int table_add(struct picture *picture, int64_t slice, int64_t at, int64_t rows, int64_t columns,
              char **numbers)
{
    struct html *html = picture->html;
    char label[1600];
    size_t mark = html->length;

    html_put(html, TABLE);
    html_printf(html, picture->words->table,
                picture_label(picture->tensor, slice, label, sizeof label));
    html_put(html, "</caption>\n");
    add_column_names(picture, columns, picture->tensor->dims > 1);
    for (int64_t row = 0; row < rows; row++) {
        add_row(picture, row, columns, numbers + at + row * columns);
    }
    html_put(html, "</table>");
    if (html->full) {
        html_rewind(html, mark);
        html_put(html, picture->words->too_large);
    }
    return 0;
}

/* --- heat maps --- */

/* Most rows and columns of one. */
#define HEAT_ROWS 32
#define HEAT_COLUMNS 64
/* Of a cell without its index and number: <i style=background:#rrggbbaa title="[…] …">two
 * spaces</i>. */
#define HEAT_CELL_BYTES 47
#define HEAT_FRAME_BYTES 700

struct heat {
    struct tensor *host; /* the matrix, thinned, in host memory */
    int64_t rows, columns, row_step, column_step;
    char lead[INDEX_BYTES + 2]; /* "2, 0, " before the index within a slice */
    bool vector;
    bool coarse; /* colours of one digit a channel */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How many bytes a cell takes, at most or as a rule. */
static size_t cell_bytes(const struct heat *heat, const struct tensor *panel, bool most)
{
    char index[64];
    int number = panel->dtype == DTYPE_BOOL ? 5 : 8;

    snprintf(index, sizeof index, "%lld, %lld", (long long)panel->sizes[0],
             (long long)panel->sizes[1]);
    if (most && panel->dtype != DTYPE_BOOL) {
        number = dtype_is_float(panel->dtype) ? (int)least(print_options.precision, 17) + 7 : 20;
    }
    return HEAT_CELL_BYTES - (heat->coarse ? 4 : 0) + strlen(heat->lead) + strlen(index) +
           (size_t)number;
}

/* Chooses how many rows and columns are shown, of `most` cells. True where that is all that a map
 * ever has. */
static bool fit(struct heat *heat, const struct tensor *panel, int64_t most)
{
    int64_t height = panel->sizes[0], width = panel->sizes[1];
    int64_t rows = least(height, HEAT_ROWS), columns = least(width, HEAT_COLUMNS);
    bool fits = rows * columns <= most;

    while (rows * columns > most && rows * columns > 1) {
        *(rows > columns || columns == 1 ? &rows : &columns) -= 1;
    }
    heat->row_step = (height + rows - 1) / rows;
    heat->column_step = (width + columns - 1) / columns;
    heat->rows = (height + heat->row_step - 1) / heat->row_step;
    heat->columns = (width + heat->column_step - 1) / heat->column_step;
    return fits;
}

/* Cells for which there is room. */
static int64_t cells(const struct heat *heat, const struct picture *picture,
                     const struct tensor *panel, bool most)
{
    size_t room = html_room(picture->html);

    return room > HEAT_FRAME_BYTES
               ? (int64_t)((room - HEAT_FRAME_BYTES) / cell_bytes(heat, panel, most))
               : 0;
}

static int take(struct heat *heat, struct tensor *panel)
{
    int64_t sizes[2] = {heat->rows, heat->columns};
    int64_t strides[2] = {panel->strides[0] * heat->row_step,
                          panel->strides[1] * heat->column_step};
    struct tensor *thin = tensor_alias(panel, 2, sizes, strides, panel->offset);

    heat->host = thin ? call_host(thin) : NULL;
    tensor_release(thin);
    return heat->host ? 0 : -1;
}

/* A thousand of these make a map, so that they are not put together by printf. */
static void add_spot(struct picture *picture, const struct heat *heat, int64_t row, int64_t column)
{
    struct html *html = picture->html;
    char colour[COLOUR_BYTES], number[NUMBER_MOST];
    int64_t at = row * heat->host->strides[0] + column * heat->host->strides[1];
    const char *data =
        (char *)tensor_ptr(heat->host) + at * (int64_t)dtype_info[heat->host->dtype].bytes;
    struct scalar value = dtype_load(heat->host->dtype, data);

    scale_colour(&picture->scale, scalar_to_double(value), 1, colour);
    html_put(html, "<i style=background:");
    html_put(html, heat->coarse ? colour_shorten(colour) : colour);
    html_put(html, " title=\"[");
    html_put(html, heat->lead);
    if (!heat->vector) {
        html_integer(html, row * heat->row_step);
        html_put(html, ", ");
    }
    html_integer(html, column * heat->column_step);
    html_put(html, "] ");
    html_put(html, picture_scalar(value, number));
    html_put(html, "\">  </i>");
}

/* What a heat map leaves out. */
static void add_thinning(struct picture *picture, const struct heat *heat,
                         const struct tensor *panel)
{
    char texts[4][32];
    const int64_t counts[4] = {heat->rows, panel->sizes[0], heat->columns, panel->sizes[1]};

    if (heat->row_step == 1 && heat->column_step == 1) {
        return;
    }
    for (int i = 0; i < 4; i++) {
        words_count(picture->words, counts[i], texts[i]);
    }
    html_put(picture->html, "<div style=\"opacity:.8\">");
    if (heat->vector) {
        html_printf(picture->html, picture->words->thinned_line, texts[2], texts[3]);
    } else {
        html_printf(picture->html, picture->words->thinned, texts[0], texts[1], texts[2], texts[3]);
    }
    html_put(picture->html, "</div>");
}

/* The opening tag, with what a screen reader says instead of colours. */
static void add_heat_frame(struct picture *picture, int64_t slice)
{
    char label[1600], low[NUMBER_MOST], high[NUMBER_MOST];

    html_put(picture->html, "<pre role=\"img\" aria-label=\"");
    html_printf(picture->html, picture->words->heat,
                picture_label(picture->tensor, slice, label, sizeof label),
                picture_number(picture->survey->low, low),
                picture_number(picture->survey->high, high));
    html_put(picture->html,
             "\" style=\"font:11px/13px monospace;margin:4px 0;white-space:pre;background:none\">");
}

static void set_lead(struct heat *heat, const struct picture *picture, int64_t slice)
{
    char index[INDEX_BYTES];

    heat->lead[0] = '\0';
    if (slice >= 0) {
        snprintf(heat->lead, sizeof heat->lead, "%s, ",
                 picture_index(picture->tensor, picture->tensor->dims - 2, slice, index));
    }
}

/* Adds the map in the size that was chosen; false where it turned out too large. 1, 0 or -1. */
static int try_heat(struct picture *picture, struct heat *heat, struct tensor *panel, int64_t slice)
{
    struct html *html = picture->html;
    size_t mark = html->length;

    if (take(heat, panel) < 0) {
        return -1;
    }
    add_heat_frame(picture, slice);
    for (int64_t row = 0; row < heat->rows && !html->full; row++) {
        for (int64_t column = 0; column < heat->columns; column++) {
            add_spot(picture, heat, row, column);
        }
        html_put(html, "\n");
    }
    html_put(html, "</pre>");
    add_thinning(picture, heat, panel);
    tensor_release(heat->host);
    if (html->full) {
        html_rewind(html, mark);
        return 0;
    }
    return 1;
}

int heat_add(struct picture *picture, struct tensor *panel, int64_t slice)
{
    struct heat heat = {.vector = picture->tensor->dims == 1};
    int status = 0;

    set_lead(&heat, picture, slice);
    /* first as if numbers were short, with fine colours unless only coarse ones leave room for all
     * cells */
    for (int attempt = 0; attempt < 2 && status == 0; attempt++) {
        heat.coarse = false;
        if (!fit(&heat, panel, cells(&heat, picture, panel, attempt > 0))) {
            heat.coarse = true;
            heat.coarse = fit(&heat, panel, cells(&heat, picture, panel, attempt > 0));
            fit(&heat, panel, cells(&heat, picture, panel, attempt > 0));
        }
        status = heat.rows * heat.columns <= cells(&heat, picture, panel, attempt > 0)
                     ? try_heat(picture, &heat, panel, slice)
                     : 0;
    }
    if (status == 0) {
        html_put(picture->html, picture->words->too_large);
    }
    return status < 0 ? -1 : 0;
}

#define LEGEND_STEPS 9

static void add_swatch(struct picture *picture, double value)
{
    char colour[COLOUR_BYTES], number[NUMBER_MOST];

    html_printf(picture->html, "<i style=background:%s title=\"%s\">  </i>",
                scale_colour(&picture->scale, value, 1, colour), picture_number(value, number));
}

void legend_add(struct picture *picture)
{
    const struct survey *survey = picture->survey;
    double low = picture->scale.diverging && survey->low >= 0 ? 0 : picture->scale.low;
    double high = picture->scale.diverging && survey->high <= 0 ? 0 : picture->scale.high;
    struct html *html = picture->html;
    char number[NUMBER_MOST];

    html_put(
        html,
        "<pre style=\"font:11px/13px monospace;margin:4px 0;white-space:pre;background:none\">");
    if (survey->finite > 0) {
        html_printf(html, "%s ", picture_number(low, number));
        for (int i = 0; i < LEGEND_STEPS; i++) {
            double share = (double)i / (LEGEND_STEPS - 1);
            add_swatch(picture, low * (1 - share) + high * share);
        }
        html_printf(html, " %s", picture_number(high, number));
    }
    if (survey->nan > 0) {
        html_put(html, "  ");
        add_swatch(picture, (double)NAN);
        html_put(html, " NaN");
    }
    const int64_t infinities[2] = {survey->plus_infinity, survey->minus_infinity};
    for (int i = 0; i < 2; i++) {
        if (infinities[i] > 0) {
            html_put(html, "  ");
            add_swatch(picture, i ? -(double)INFINITY : (double)INFINITY);
            html_put(html, i ? " -inf" : " inf");
        }
    }
    html_put(html, "</pre>");
}
