/* What a view says in words and figures: the line of facts, alarms, statistics. */
#ifndef VIEW_FACTS_H
#define VIEW_FACTS_H

#include "view/html.h"
#include "view/survey.h"
#include "view/words.h"

/* Room that statistics and histogram take at most. */
#define FACTS_BYTES 5000

/* The accumulated gradient (new reference), or NULL. */
struct tensor *facts_gradient(struct tensor *tensor);
/* dtype, shape, device, bytes, requires_grad, and where it stands in the graph. */
void facts_add_line(struct html *html, const struct words *words, struct tensor *tensor);
/* NaN and infinities, loudly; and when only some numbers were looked at. */
void facts_add_alarm(struct html *html, const struct words *words, const struct tensor *tensor,
                     const struct survey *survey);
/* Least, mean, greatest, standard deviation, histogram; of bools how many are True. */
void facts_add_statistics(struct html *html, const struct words *words, const struct tensor *tensor,
                          const struct survey *survey);

#endif
