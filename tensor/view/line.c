/* A vector as a line: an SVG within an image, since front ends drop SVG elements of notebooks that
 * are not trusted. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "call.h"
#include "mem.h"
#include "view/picture.h"

#define POINTS_MOST 240
#define WIDTH 480
#define HEIGHT 90
#define MARGIN 4

struct drawing {
    char *text;
    size_t length, capacity;
};

static void draw(struct drawing *drawing, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void draw(struct drawing *drawing, const char *format, ...)
{
    va_list args;
    size_t room = drawing->capacity - drawing->length;

    va_start(args, format);
    int length = vsnprintf(drawing->text + drawing->length, room, format, args);
    va_end(args);
    drawing->length += length < 0 ? 0 : (size_t)length < room ? (size_t)length : room - 1;
}

/* The height of a number, from the top. */
static double height_of(const struct survey *survey, double value)
{
    double share = survey->high > survey->low
                       ? (value / 2 - survey->low / 2) / (survey->high / 2 - survey->low / 2)
                       : 0.5;

    return MARGIN + (1 - fmin(fmax(share, 0), 1)) * (HEIGHT - 2 * MARGIN);
}

/* Straight from number to number; a gap where one is not finite. */
static void draw_points(struct drawing *drawing, const struct survey *survey,
                        const struct tensor *host)
{
    bool pen_down = false;
    double step = (double)WIDTH / (double)(host->numel > 1 ? host->numel - 1 : 1);

    for (int64_t i = 0; i < host->numel; i++) {
        const char *data = (char *)tensor_ptr(host) +
                           i * host->strides[0] * (int64_t)dtype_info[host->dtype].bytes;
        double value = scalar_to_double(dtype_load(host->dtype, data));
        if (isfinite(value)) {
            draw(drawing, "%c%.0f %.1f", pen_down ? 'L' : 'M', (double)i * step,
                 height_of(survey, value));
        }
        pen_down = isfinite(value);
    }
}

static void draw_line(struct drawing *drawing, const struct survey *survey,
                      const struct tensor *host)
{
    draw(drawing, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\">", WIDTH,
         HEIGHT);
    if (survey->low <= 0 && survey->high >= 0) {
        draw(drawing, "<path d=\"M0 %.1fH%d\" stroke=\"#888\" stroke-dasharray=\"3 3\"/>",
             height_of(survey, 0), WIDTH);
    }
    draw(drawing, "<path d=\"");
    draw_points(drawing, survey, host);
    draw(drawing, "\" fill=\"none\" stroke=\"#3a8fd0\" stroke-width=\"1.5\" "
                  "stroke-linejoin=\"round\"/></svg>");
}

/* RFC 4648 */
static void add_base64(struct html *html, const char *bytes, size_t count)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < count; i += 3) {
        uint32_t three = 0;
        for (size_t k = 0; k < 3; k++) {
            three = three << 8 | (i + k < count ? (unsigned char)bytes[i + k] : 0u);
        }
        html_printf(html, "%c%c%c%c", digits[three >> 18], digits[three >> 12 & 63],
                    i + 1 < count ? digits[three >> 6 & 63] : '=',
                    i + 2 < count ? digits[three & 63] : '=');
    }
}

static void add_image(struct picture *picture, const struct drawing *drawing)
{
    struct html *html = picture->html;
    char label[64], low[NUMBER_MOST], high[NUMBER_MOST];
    size_t mark = html->length;

    html_put(html, "<div><img alt=\"");
    html_printf(html, picture->words->line, picture_label(picture->tensor, -1, label, sizeof label),
                picture_number(picture->survey->low, low),
                picture_number(picture->survey->high, high));
    html_printf(html, "\" width=\"%d\" height=\"%d\" src=\"data:image/svg+xml;base64,", WIDTH,
                HEIGHT);
    add_base64(html, drawing->text, drawing->length);
    html_put(html, "\"></div>");
    if (html->full) {
        html_rewind(html, mark);
    }
}

int line_add(struct picture *picture)
{
    int64_t step;
    struct tensor *thin = survey_thin(picture->tensor, POINTS_MOST, &step),
                  *host = thin ? call_host(thin) : NULL;
    struct drawing drawing = {.capacity = 512 + 24 * POINTS_MOST};
    int status = -1;

    tensor_release(thin);
    drawing.text = host ? mem_alloc(drawing.capacity) : NULL;
    if (drawing.text && picture->survey->finite > 0) {
        draw_line(&drawing, picture->survey, host);
        add_image(picture, &drawing);
    }
    status = drawing.text ? 0 : -1;
    mem_free(drawing.text);
    tensor_release(host);
    return status;
}
