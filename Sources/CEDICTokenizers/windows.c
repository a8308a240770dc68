// Very long words, merged window by window.
//
// A sequence of symbols is the merging of its text exactly when each two neighbours are the merging of theirs: a first
// merge across two would be of what both are at that moment, which they become in the same order alone. So the results of
// two overlapping windows may be joined at any symbol that both have at the same place: to its left the neighbours come
// from one, to its right from the other. Eight windows are merged side by side; where one shares no symbol with what is
// settled, it is merged again from the beginning of a settled symbol, and from further back each time.
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "merges.h"

enum { OVERLAP = 32, STEP = EDIC_TOK_SHORT - OVERLAP, GROUP = 8, NOTHING = 0xFFFFF };

typedef struct {
    const edic_tok_pairs *pairs;
    size_t count;                   // the word's
    uint32_t *settled, *begins;     // the symbols so far and where each begins; begins[kept] is where they end
    size_t kept;
} joining;

static inline uint32_t span_of(const joining *j, uint32_t symbol) { return symbol == NOTHING ? 1 : j->pairs->spans[symbol]; }

// Joins the merging of inner[from…] to what is settled; returns 0 where they share no symbol.
static int join(joining *j, const uint32_t *window, size_t found, size_t from) {
    size_t old = j->kept, meet_old = SIZE_MAX, meet_new = 0, meet_at = 0;
    if (from == 0) {
        meet_old = 0;
    } else {
        while (old > 0 && j->begins[old] > from) old--;
        size_t at = from;
        // Any shared symbol will do; the last has most context on its left.
        for (size_t w = 0; w < found && old < j->kept;) {
            if (at < j->begins[old]) {
                at += span_of(j, window[w++]);
            } else if (at > j->begins[old]) {
                old++;
            } else {
                if (window[w] == j->settled[old]) {
                    meet_old = old;
                    meet_new = w;
                    meet_at = at;
                }
                at += span_of(j, window[w++]);
                old++;
            }
        }
        if (meet_old == SIZE_MAX) return 0;
    }
    j->kept = meet_old;
    for (size_t w = meet_new; w < found; w++) {
        j->settled[j->kept] = window[w];
        j->begins[j->kept++] = (uint32_t)meet_at;
        meet_at += span_of(j, window[w]);
    }
    j->begins[j->kept] = (uint32_t)meet_at;
    return 1;
}

static uint32_t inner_of(const edic_tok_pairs *pairs, uint32_t symbol) {
    uint32_t inner = edic_tok_inner_symbol(pairs, symbol);
    return inner == UINT32_MAX ? (uint32_t)NOTHING : inner;
}

// Settles one more window where side by side it did not join. Returns 0 without memory.
static int join_alone(joining *j, const edic_tok_merges *m, const uint32_t *word, uint32_t *window) {
    size_t done = j->begins[j->kept], to = j->count - done > STEP ? done + STEP : j->count;
    for (size_t back = 2 * OVERLAP;; back *= 2) {
        size_t k = j->kept;
        while (k > 0 && j->begins[k] + back > done) k--;
        size_t from = k == 0 ? 0 : j->begins[k];
        memcpy(window, word + from, (to - from) * sizeof *window);
        size_t found = edic_tok_merge_heap(m, window, NULL, to - from);
        if (found == SIZE_MAX) return 0;
        for (size_t w = 0; w < found; w++) {
            // What no merge has is itself, wherever it stands.
            window[w] = inner_of(j->pairs, window[w]);
        }
        if (join(j, window, found, from)) return 1;
    }
}

size_t edic_tok_merge_windows(const edic_tok_merges *m, uint32_t *symbols, uint32_t *sizes, size_t count) {
    uint32_t *settled = malloc(count * sizeof *settled), *begins = malloc((count + 1) * sizeof *begins);
    uint32_t *window = malloc(count * sizeof *window);
    size_t result = SIZE_MAX;
    if (!settled || !begins || !window) goto out;
    int are_first = 1;
    for (size_t i = 0; i < count; i++) {
        uint32_t inner = inner_of(m->pairs, symbols[i]);
        are_first &= inner == NOTHING || m->pairs->spans[inner] == 1;
    }
    if (!are_first) {
        result = edic_tok_merge_heap(m, symbols, sizes, count);
        goto out;
    }
    joining j = {m->pairs, count, settled, begins, 0};
    begins[0] = 0;
    while (begins[j.kept] < count) {
        size_t done = begins[j.kept], group = 0, froms[GROUP];
        uint32_t rooms[GROUP][EDIC_TOK_SHORT];
        edic_tok_merging merging[GROUP];
        // The first window begins where a settled symbol does.
        size_t k = j.kept, from = 0;
        while (k > 0 && begins[k] + OVERLAP > done) k--;
        if (k > 0) from = begins[k];
        for (; group < GROUP && from < count; group++) {
            size_t length = count - from < EDIC_TOK_SHORT ? count - from : EDIC_TOK_SHORT;
            for (size_t i = 0; i < length; i++) rooms[group][i] = inner_of(m->pairs, symbols[from + i]);
            merging[group] = (edic_tok_merging){rooms[group], length};
            froms[group] = from;
            from = from + length == count ? count : from + STEP;
        }
        edic_tok_kernels_now()->merge(m->pairs, merging, group);
        for (size_t g = 0; g < group; g++) {
            if (join(&j, rooms[g], merging[g].count, froms[g]) && begins[j.kept] > done) {
                done = begins[j.kept];
                continue;
            }
            if (!join_alone(&j, m, symbols, window)) goto out;
            break;
        }
    }
    for (size_t k = 0; k < j.kept; k++) {
        uint32_t begin = begins[k], outer = settled[k] == NOTHING ? symbols[begin] : m->pairs->outer[settled[k]];
        if (sizes) {
            uint32_t sum = 0;
            for (size_t i = begin; i < begins[k + 1]; i++) sum += sizes[i];
            window[k] = sum;
        }
        settled[k] = outer;
    }
    memcpy(symbols, settled, j.kept * sizeof *symbols);
    if (sizes) memcpy(sizes, window, j.kept * sizeof *sizes);
    result = j.kept;
out:
    free(settled);
    free(begins);
    free(window);
    return result;
}
