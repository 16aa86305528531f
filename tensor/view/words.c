#include "view/words.h"

#include <stdio.h>
#include <string.h>

const struct words words_english = {
    .language = "en",
    .separator = ',',
    .shape = "shape",
    .byte = "byte",
    .bytes = "bytes",
    .leaf = "leaf",
    .no_grad = "no graph: made under no_grad",
    .inference = "no graph: made under inference_mode",
    .low = "min",
    .mean = "mean",
    .high = "max",
    .deviation = "std",
    .histogram = "histogram",
    .finite_only = "of the %s finite numbers",
    .undefined = "not defined",
    .true_count = "True: %s of %s (%.1f %%)",
    .nan = "%s NaN",
    .infinity = "%s inf",
    .minus_infinity = "%s -inf",
    .at = "one at [%s]",
    .sampled_none = "sampled: no NaN among %s",
    .sampled_of = "sampled: %s of %s numbers",
    .bins_sampled = "of %s sampled numbers",
    .bin = "%s to %s: %s",
    .empty = "no elements",
    .value = "value",
    .gradient = ".grad",
    .heat = "Heat map of %s, numbers from %s to %s",
    .line = "Line of %s, numbers from %s to %s",
    .thinned = "shown: %s of %s rows, %s of %s columns",
    .thinned_line = "shown: %s of %s numbers",
    .slices = "shown: %s of %s slices",
    .table = "Numbers of %s",
    .elements = "%s = %s elements, dimensions: %d",
    .more_items = "… and %s more",
    .too_large = "The picture does not fit here.",
};

const struct words words_turkish = {
    .language = "tr",
    .separator = '.',
    .shape = "biçim",
    .byte = "bayt",
    .bytes = "bayt",
    .leaf = "yaprak",
    .no_grad = "graf yok: no_grad altında yapıldı",
    .inference = "graf yok: inference_mode altında yapıldı",
    .low = "en küçük",
    .mean = "ortalama",
    .high = "en büyük",
    .deviation = "standart sapma",
    .histogram = "histogram",
    .finite_only = "%s sonlu sayıdan",
    .undefined = "tanımsız",
    .true_count = "True: %s / %s (%% %.1f)",
    .nan = "%s NaN",
    .infinity = "%s inf",
    .minus_infinity = "%s -inf",
    .at = "biri [%s] yerinde",
    .sampled_none = "örneklendi: %s sayıda NaN yok",
    .sampled_of = "örneklendi: %s / %s sayı",
    .bins_sampled = "örneklenen %s sayıdan",
    .bin = "%s ile %s arası: %s",
    .empty = "eleman yok",
    .value = "değer",
    .gradient = ".grad",
    .heat = "%s ısı haritası, sayılar %s ile %s arasında",
    .line = "%s çizgisi, sayılar %s ile %s arasında",
    .thinned = "gösterilen: satır %s / %s, sütun %s / %s",
    .thinned_line = "gösterilen: %s / %s sayı",
    .slices = "gösterilen: %s / %s dilim",
    .table = "%s sayıları",
    .elements = "%s = %s eleman, boyut sayısı: %d",
    .more_items = "… ve %s tane daha",
    .too_large = "Resim buraya sığmıyor.",
};

const char *words_count(const struct words *words, int64_t count, char *buffer)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)count), at = 0;

    for (int i = 0; i < length; i++) {
        if (i > 0 && digits[i - 1] != '-' && (length - i) % 3 == 0) {
            buffer[at++] = words->separator;
        }
        buffer[at++] = digits[i];
    }
    buffer[at] = '\0';
    return buffer;
}
