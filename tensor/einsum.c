/* einsum: an equation of subscripts as unsqueezes, permutes, batched matrix products and sums, all
 * recorded.
 *
 * Every operand gets all dims of the equation in one order: those of the result, then those that
 * are summed over; a dim that an operand lacks has size 1. Operands are then multiplied from left
 * to right, and a dim is summed over as soon as no operand further right has it. */
#include <string.h>

#include "core.h"
#include "op_functions.h"
#include "shape.h"

#define LETTERS 52 /* A … Z, a … z */
#define ELLIPSIS LETTERS

/* The subscripts of one operand: letters and at most one ELLIPSIS. Those beyond the room are
 * counted only. */
struct subscripts {
    int count;
    bool ellipsis;
    int8_t labels[TENSOR_MAX_DIMS + 1];
};

struct equation {
    struct tensor **operands; /* owned items; permuted once they are placed */
    struct subscripts *subscripts;
    int count;
    int uses[LETTERS]; /* how often a letter occurs among the operands */
    int at[LETTERS];   /* its place in the common order, or -1 */
    int64_t sizes[LETTERS], ellipsis_sizes[TENSOR_MAX_DIMS];
    int ellipsis_dims, ellipsis_at;
    int result_dims, dims; /* the result's come first in the common order */
};

/* --- the equation --- */

static int letter_of(char c)
{
    return c >= 'a' && c <= 'z' ? c - 'a' + 26 : c >= 'A' && c <= 'Z' ? c - 'A' : -1;
}

static char letter_name(int label)
{
    return (char)(label < 26 ? 'A' + label : 'a' + label - 26);
}

static int bad_letter(const char *text, const char *at)
{
    error_set(ERROR_RUNTIME,
              "einsum(): invalid subscript given at index %d in the equation string, subscripts "
              "must be in [a-zA-Z]",
              (int)(at - text));
    return -1;
}

/* Whether an ellipsis begins at `at`, which is a '.', within `end`. */
static bool is_ellipsis(const char *at, const char *end)
{
    return end - at >= 3 && at[1] == '.' && at[2] == '.';
}

static void add_label(struct subscripts *to, int label)
{
    if (to->count < TENSOR_MAX_DIMS + 1) {
        to->labels[to->count] = (int8_t)label;
    }
    to->count++;
}

static int read_operands(struct equation *e, const char *text, const char *end)
{
    int number = 0;
    for (const char *at = text; at < end; at++) {
        struct subscripts *to = &e->subscripts[number];
        if (*at == '.') {
            if (to->ellipsis || !is_ellipsis(at, end)) {
                error_set(ERROR_RUNTIME, "einsum(): found '.' for operand %d %s", number,
                          to->ellipsis ? "for which an ellipsis was already found"
                                       : "that is not part of any ellipsis");
                return -1;
            }
            to->ellipsis = true;
            add_label(to, ELLIPSIS);
            at += 2;
        } else if (*at == ',') {
            if (++number >= e->count) {
                error_set(ERROR_RUNTIME,
                          "einsum(): fewer operands were provided than specified in the equation");
                return -1;
            }
        } else if (*at != ' ') {
            if (letter_of(*at) < 0) {
                return bad_letter(text, at);
            }
            add_label(to, letter_of(*at));
        }
    }
    if (number < e->count - 1) {
        error_set(ERROR_RUNTIME,
                  "einsum(): more operands were provided than specified in the equation");
        return -1;
    }
    return 0;
}

/* Checks the number of subscripts of an operand and counts its letters. */
static int count_letters(struct equation *e, int number)
{
    const struct subscripts *of = &e->subscripts[number];
    int letters = of->count - of->ellipsis, dims = e->operands[number]->dims;
    if (of->ellipsis ? letters > dims : letters != dims) {
        error_set(ERROR_RUNTIME,
                  "einsum(): the number of subscripts in the equation (%d) %s the number of "
                  "dimensions (%d) for operand "
                  "%d%s",
                  letters, of->ellipsis ? "is more than" : "does not match", dims, number,
                  of->ellipsis ? "" : " and no ellipsis was given");
        return -1;
    }
    if (of->ellipsis && dims - letters > e->ellipsis_dims) {
        e->ellipsis_dims = dims - letters;
    }
    for (int i = 0; i < of->count; i++) {
        if (of->labels[i] != ELLIPSIS) {
            e->uses[of->labels[i]]++;
        }
    }
    return 0;
}

static int place_letter(struct equation *e, int label)
{
    if (e->uses[label] == 0 || e->at[label] >= 0) {
        error_set(ERROR_RUNTIME, "einsum(): output subscript %c %s", letter_name(label),
                  e->uses[label] ? "appears more than once in the output"
                                 : "does not appear in the equation for any input operand");
        return -1;
    }
    e->at[label] = e->dims++;
    return 0;
}

static void place_ellipsis(struct equation *e)
{
    e->ellipsis_at = e->dims;
    e->dims += e->ellipsis_dims;
}

/* The subscripts after "->", from `at` on. */
static int read_result(struct equation *e, const char *text, const char *at)
{
    const char *end = text + strlen(text);
    for (; at < end; at++) {
        if (*at == '.') {
            if (e->ellipsis_at >= 0 || !is_ellipsis(at, end)) {
                error_set(ERROR_RUNTIME, "einsum(): found '.' for output %s",
                          e->ellipsis_at >= 0 ? "but an ellipsis (...) was already found"
                                              : "that is not part of any ellipsis (...)");
                return -1;
            }
            place_ellipsis(e);
            at += 2;
        } else if (*at != ' ') {
            if (letter_of(*at) < 0) {
                return bad_letter(text, at);
            }
            if (place_letter(e, letter_of(*at))) {
                return -1;
            }
        }
    }
    return 0;
}

/* Decides the common order of dims. Without "->" the result has the ellipsis, then the letters that
 * occur once. */
static int read_equation(struct equation *e, const char *text)
{
    const char *arrow = strstr(text, "->");
    if (read_operands(e, text, arrow ? arrow : text + strlen(text))) {
        return -1;
    }
    for (int i = 0; i < e->count; i++) {
        if (count_letters(e, i)) {
            return -1;
        }
    }
    if (arrow && read_result(e, text, arrow + 2)) {
        return -1;
    }
    if (!arrow) {
        place_ellipsis(e);
    }
    for (int label = 0; !arrow && label < LETTERS; label++) {
        if (e->uses[label] == 1) {
            e->at[label] = e->dims++;
        }
    }
    e->result_dims = e->dims;
    if (e->ellipsis_at < 0) {
        place_ellipsis(e);
    }
    for (int label = 0; label < LETTERS; label++) {
        if (e->uses[label] && e->at[label] < 0) {
            e->at[label] = e->dims++;
        }
    }
    if (e->dims > TENSOR_MAX_DIMS) {
        error_set(ERROR_RUNTIME, "einsum(): more than %d dimensions", TENSOR_MAX_DIMS);
        return -1;
    }
    return 0;
}

/* --- operands in the common order --- */

/* Replaces *slot by `made`; 0, or -1 when that is NULL. */
static int replace(struct tensor **slot, struct tensor *made)
{
    if (!made) {
        return -1;
    }
    tensor_release(*slot);
    *slot = made;
    return 0;
}

/* Whether `size` goes with what was seen of a subscript so far; keeps the larger one. */
static bool broadcasts(int64_t *seen, int64_t size)
{
    if (*seen >= 0 && *seen != 1 && size != 1 && *seen != size) {
        return false;
    }
    *seen = *seen < 0 || *seen == 1 ? size : *seen;
    return true;
}

/* Dims `dim` and `other` of *slot, a repeated subscript, become their diagonal, at `dim`. */
static int take_diagonal(struct tensor **slot, int number, int label, int dim, int other)
{
    int64_t order[TENSOR_MAX_DIMS], first = (*slot)->sizes[dim], second = (*slot)->sizes[other];
    if (first != second) {
        error_set(ERROR_RUNTIME,
                  "einsum(): subscript %c is repeated for operand %d but the sizes don't match, "
                  "%lld != %lld",
                  letter_name(label), number, (long long)second, (long long)first);
        return -1;
    }
    if (replace(slot, tensor_diagonal(*slot, 0, dim, other))) {
        return -1;
    }
    int last = (*slot)->dims - 1;
    for (int i = 0; i <= last; i++) {
        order[i] = i < dim ? i : i == dim ? last : i - 1;
    }
    return replace(slot, tensor_permute(*slot, (struct ints){order, last + 1}));
}

/* The dims under an ellipsis, from `*dim` on; those that the operand lacks are put in front. */
static int take_ellipsis(struct equation *e, int number, int64_t *order, int *dim)
{
    struct tensor **slot = &e->operands[number];
    int own = (*slot)->dims - *dim, letters_after = 0;
    const struct subscripts *of = &e->subscripts[number];
    for (int i = of->count - 1; of->labels[i] != ELLIPSIS; i--) {
        letters_after++;
    }
    for (int missing = e->ellipsis_dims - (own - letters_after); missing > 0; missing--) {
        if (replace(slot, tensor_unsqueeze(*slot, *dim))) {
            return -1;
        }
    }
    for (int k = 0; k < e->ellipsis_dims; k++, (*dim)++) {
        int64_t size = (*slot)->sizes[*dim], seen = e->ellipsis_sizes[k];
        if (!broadcasts(&e->ellipsis_sizes[k], size)) {
            error_set(ERROR_RUNTIME,
                      "einsum(): dimension %d covered by ellipsis in operand %dhas size %lld which "
                      "does not broadcast "
                      "with previously seen ellipsis with size %lld for the respective dimension",
                      k, number, (long long)size, (long long)seen);
            return -1;
        }
        order[e->ellipsis_at + k] = *dim;
    }
    return 0;
}

static int take_letter(struct equation *e, int number, int label, int64_t *order, int *dim)
{
    struct tensor **slot = &e->operands[number];
    int64_t size = (*slot)->sizes[*dim], seen = e->sizes[label];
    if (order[e->at[label]] >= 0) {
        return take_diagonal(slot, number, label, (int)order[e->at[label]], *dim);
    }
    if (!broadcasts(&e->sizes[label], size)) {
        error_set(ERROR_RUNTIME,
                  "einsum(): subscript %c has size %lld for operand %d which does not broadcast "
                  "with previously seen "
                  "size %lld",
                  letter_name(label), (long long)size, number, (long long)seen);
        return -1;
    }
    order[e->at[label]] = (*dim)++;
    return 0;
}

/* Brings an operand into the common order. */
static int place_operand(struct equation *e, int number)
{
    const struct subscripts *of = &e->subscripts[number];
    struct tensor **slot = &e->operands[number];
    int64_t order[TENSOR_MAX_DIMS];
    int dim = 0;
    memset(order, -1, sizeof order);
    for (int i = 0; i < of->count; i++) {
        int label = of->labels[i];
        if (label == ELLIPSIS ? take_ellipsis(e, number, order, &dim)
                              : take_letter(e, number, label, order, &dim)) {
            return -1;
        }
    }
    for (int i = 0; i < e->dims; i++) {
        if (order[i] < 0) {
            if (replace(slot, tensor_unsqueeze(*slot, -1))) {
                return -1;
            }
            order[i] = dim++;
        }
    }
    return replace(slot, tensor_permute(*slot, (struct ints){order, e->dims}));
}

/* --- products of two operands --- */

/* What the dims are to a product: in both operands and the result, in one only, or summed over.
 * Size 1 counts as missing. */
struct roles {
    int64_t both[TENSOR_MAX_DIMS], left[TENSOR_MAX_DIMS], right[TENSOR_MAX_DIMS],
        summed[TENSOR_MAX_DIMS];
    int both_count, left_count, right_count, summed_count;
    int64_t batch, rows, columns, depth; /* products of the sizes */
};

static void find_roles(struct roles *roles, const struct tensor *a, const struct tensor *b,
                       const bool *summed)
{
    *roles = (struct roles){.batch = 1, .rows = 1, .columns = 1, .depth = 1};
    for (int i = 0; i < a->dims; i++) {
        if (summed[i]) {
            roles->summed[roles->summed_count++] = i;
            roles->depth *= a->sizes[i];
        } else if (a->sizes[i] != 1 && b->sizes[i] != 1) {
            roles->both[roles->both_count++] = i;
            roles->batch *= a->sizes[i];
        } else if (a->sizes[i] != 1) {
            roles->left[roles->left_count++] = i;
            roles->rows *= a->sizes[i];
        } else {
            roles->right[roles->right_count++] = i;
            roles->columns *= b->sizes[i];
        }
    }
}

static int append(int64_t *order, int at, const int64_t *dims, int count)
{
    memcpy(order + at, dims, (size_t)count * sizeof *dims);
    return at + count;
}

/* An operand as a batch of matrices. */
static struct tensor *as_matrices(struct tensor *self, const int64_t *order, const int64_t *sizes)
{
    struct tensor *turned = tensor_permute(self, (struct ints){order, self->dims});
    struct tensor *result = turned ? tensor_reshape(turned, (struct ints){sizes, 3}) : NULL;
    tensor_release(turned);
    return result;
}

/* The product of matrices with all dims again, in their order. Takes `product`. */
static struct tensor *unfold(struct tensor *product, const struct roles *roles,
                             const struct tensor *a, const struct tensor *b)
{
    int64_t order[TENSOR_MAX_DIMS], sizes[TENSOR_MAX_DIMS], back[TENSOR_MAX_DIMS];
    int at = append(order, 0, roles->both, roles->both_count);
    at = append(order, at, roles->left, roles->left_count);
    int summed = at;
    at = append(order, at, roles->summed, roles->summed_count);
    int right = at;
    at = append(order, at, roles->right, roles->right_count);
    for (int i = 0; i < at; i++) {
        sizes[i] = i < summed ? a->sizes[order[i]] : i < right ? 1 : b->sizes[order[i]];
        back[order[i]] = i;
    }
    struct tensor *viewed = product ? tensor_view(product, (struct ints){sizes, at}) : NULL;
    struct tensor *result = viewed ? tensor_permute(viewed, (struct ints){back, at}) : NULL;
    tensor_release(viewed);
    tensor_release(product);
    return result;
}

/* Sums of products over the dims `summed`, which both operands have. */
static struct tensor *sum_of_products(struct tensor *a, struct tensor *b, const bool *summed)
{
    struct roles roles;
    int64_t a_order[TENSOR_MAX_DIMS], b_order[TENSOR_MAX_DIMS];
    find_roles(&roles, a, b, summed);
    if (roles.left_count && roles.right_count &&
        roles.right[roles.right_count - 1] < roles.left[0]) {
        struct tensor *other = a; /* the result then lies in memory in the order of its dims */
        a = b;
        b = other;
        find_roles(&roles, a, b, summed);
    }
    int at = append(a_order, 0, roles.both, roles.both_count);
    at = append(a_order, at, roles.left, roles.left_count);
    at = append(a_order, at, roles.summed, roles.summed_count);
    append(a_order, at, roles.right, roles.right_count);
    at = append(b_order, 0, roles.both, roles.both_count);
    at = append(b_order, at, roles.summed, roles.summed_count);
    at = append(b_order, at, roles.right, roles.right_count);
    append(b_order, at, roles.left, roles.left_count);
    struct tensor *left =
        as_matrices(a, a_order, (int64_t[]){roles.batch, roles.rows, roles.depth});
    struct tensor *right =
        left ? as_matrices(b, b_order, (int64_t[]){roles.batch, roles.depth, roles.columns}) : NULL;
    struct tensor *product = right ? tensor_bmm(left, right) : NULL;
    tensor_release(left);
    tensor_release(right);
    return unfold(product, &roles, a, b);
}

/* *slot summed over the chosen dims, which stay with size 1. */
static int sum_over(struct tensor **slot, const bool *chosen)
{
    int64_t dims[TENSOR_MAX_DIMS];
    int count = 0;
    for (int i = 0; i < (*slot)->dims; i++) {
        if (chosen[i]) {
            dims[count++] = i;
        }
    }
    return count
               ? replace(slot, tensor_sum_dim(*slot, (struct ints){dims, count}, true, DTYPE_NONE))
               : 0;
}

/* The product of two operands, with the sums that are due; counts[i]: operands that have dim i. *a
 * becomes it. */
static int multiply_pair(struct equation *e, struct tensor **a, struct tensor **b, int *counts)
{
    bool a_alone[TENSOR_MAX_DIMS] = {false}, b_alone[TENSOR_MAX_DIMS] = {false},
         both[TENSOR_MAX_DIMS] = {false};
    bool any = false;
    for (int i = e->result_dims; i < e->dims; i++) {
        bool in_a = (*a)->sizes[i] != 1, in_b = (*b)->sizes[i] != 1;
        if (in_a && in_b) {
            both[i] = --counts[i] == 1;
            any |= both[i];
        } else if (counts[i] == 1) {
            a_alone[i] = in_a;
            b_alone[i] = in_b;
        }
        if (both[i] || a_alone[i] || b_alone[i]) {
            counts[i] = 0;
        }
    }
    if (sum_over(a, a_alone) || sum_over(b, b_alone)) {
        return -1;
    }
    return replace(a, any ? sum_of_products(*a, *b, both) : tensor_mul(*a, *b));
}

/* The result without the dims that were summed over. */
static struct tensor *finish(struct equation *e)
{
    struct tensor *whole = e->operands[0];
    int64_t dims[TENSOR_MAX_DIMS];
    if (e->dims == e->result_dims) {
        return tensor_retain(whole);
    }
    if (e->count > 1) {
        return tensor_view(whole, (struct ints){whole->sizes, e->result_dims});
    }
    for (int i = e->result_dims; i < e->dims; i++) {
        dims[i - e->result_dims] = i;
    }
    return tensor_sum_dim(whole, (struct ints){dims, e->dims - e->result_dims}, false, DTYPE_NONE);
}

static struct tensor *evaluate(struct equation *e, const char *text)
{
    int counts[TENSOR_MAX_DIMS] = {0};
    if (read_equation(e, text)) {
        return NULL;
    }
    for (int i = 0; i < e->count; i++) {
        if (place_operand(e, i)) {
            return NULL;
        }
        for (int dim = 0; dim < e->dims; dim++) {
            counts[dim] += e->operands[i]->sizes[dim] != 1;
        }
    }
    for (int i = 1; i < e->count; i++) {
        if (multiply_pair(e, &e->operands[0], &e->operands[i], counts)) {
            return NULL;
        }
    }
    return finish(e);
}

struct tensor *compose_einsum(const char *equation, struct tensors tensors)
{
    struct equation e = {.ellipsis_at = -1};
    struct tensor *result = NULL;
    if (tensors.count == 0) {
        error_set(ERROR_RUNTIME, "einsum(): must provide at least one operand");
        return NULL;
    }
    memset(e.at, -1, sizeof e.at);
    memset(e.sizes, -1, sizeof e.sizes);
    memset(e.ellipsis_sizes, -1, sizeof e.ellipsis_sizes);
    e.operands = mem_zalloc((size_t)tensors.count * sizeof *e.operands);
    e.subscripts = e.operands ? mem_zalloc((size_t)tensors.count * sizeof *e.subscripts) : NULL;
    if (!e.subscripts) {
        goto done;
    }
    for (e.count = 0; e.count < tensors.count; e.count++) {
        e.operands[e.count] = tensor_retain(tensors.items[e.count]);
    }
    result = evaluate(&e, equation);
done:
    for (int i = 0; i < e.count; i++) {
        tensor_release(e.operands[i]);
    }
    mem_free(e.operands);
    mem_free(e.subscripts);
    return result;
}
