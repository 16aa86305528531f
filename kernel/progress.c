#include "progress.h"

#include "buffer.h"
#include <string.h>
#include <sys/ioctl.h>

enum { BAR_CELLS = 24, USUAL_COLUMNS = 80 };

static size_t columns_of(int descriptor)
{
    struct winsize size;
    if (ioctl(descriptor, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return USUAL_COLUMNS;
    return size.ws_col;
}

/* As much of the text as fits into so many columns, taking every character for one. */
static void add_cut(struct buffer *out, const char *text, size_t columns)
{
    for (size_t length; *text && columns > 0; text += length, columns--) {
        length = utf8_length(text, strlen(text));
        length = length ? length : 1;
        buffer_add(out, text, length);
    }
}

void progress_draw(int descriptor, double done, double total, const char *words)
{
    static const char full[] = "\xe2\x96\x88", empty[] = "\xe2\x96\x91"; /* █ ░ */
    size_t columns = columns_of(descriptor), cells = columns > 2 * BAR_CELLS ? BAR_CELLS : 0;
    struct buffer line = BUFFER_INIT;
    buffer_add_text(&line, "\r\033[K");
    for (size_t i = 0; i < cells; i++)
        buffer_add_text(&line, (double)i < done / total * (double)cells ? full : empty);
    if (cells > 0)
        buffer_add_char(&line, ' ');
    add_cut(&line, words, columns > cells + 2 ? columns - cells - 2 : 0);
    write_fully(descriptor, line.data, line.size);
    buffer_release(&line);
}

void progress_clear(int descriptor)
{
    static const char text[] = "\r\033[K";
    write_fully(descriptor, text, strlen(text));
}
