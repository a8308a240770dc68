// Building and using firsts.h's table.
#include "firsts.h"

#include <stdlib.h>
#include <string.h>

enum { OWN = 0, BY_LEFT = 1, BY_RIGHT = 2 };

static inline uint32_t most_haste(const edic_tok_firsts *f) { return ((uint32_t)1 << f->bits) - 1; }

static inline uint32_t haste(const edic_tok_firsts *f, edic_tok_neighbours known, unsigned field) {
    return (uint32_t)(known >> field * f->bits) & most_haste(f);
}

void edic_tok_firsts_destroy(edic_tok_firsts *f) {
    if (!f) return;
    free(f->known);
    free(f);
}

static void note(edic_tok_firsts *f, uint32_t left, uint32_t right, unsigned field, uint32_t rank) {
    if (left >= f->limit || right >= f->limit) return;
    edic_tok_neighbours *known = &f->known[left * f->limit + right];
    uint64_t is = most_haste(f) - rank;
    if (is <= haste(f, *known, field)) return;
    *known = (*known & ~((uint64_t)most_haste(f) << field * f->bits)) | is << field * f->bits;
}

// Sets the first symbols that all symbols begin and end with. Returns 0 where that is not one each, or a part has no
// lower rank than its whole.
static int find_ends(const edic_tok_inner_merge *merges, size_t count, uint32_t bases, uint32_t symbols, uint32_t *begins,
                     uint32_t *ends) {
    const edic_tok_inner_merge **of = calloc(symbols + 1, sizeof *of);
    if (!of) return 0;
    int fits = 1;
    for (size_t i = 0; i < count; i++) {
        of[bases + merges[i].rank] = &merges[i];
        fits &= merges[i].left < bases + merges[i].rank && merges[i].right < bases + merges[i].rank;
    }
    for (uint32_t s = 0; s < symbols && fits; s++) {
        begins[s] = of[s] ? begins[of[s]->left] : s;
        ends[s] = of[s] ? ends[of[s]->right] : s;
    }
    for (size_t i = 0; i < count && fits; i++) {
        uint32_t made = bases + merges[i].rank;
        fits = begins[merges[i].left] == begins[made] && ends[merges[i].right] == ends[made];
    }
    free(of);
    return fits;
}

edic_tok_firsts *edic_tok_firsts_create(const edic_tok_inner_merge *merges, size_t count, uint32_t bases, uint32_t symbols,
                                        int are_narrow) {
    edic_tok_firsts *f = calloc(1, sizeof *f);
    uint32_t *begins = malloc((symbols + 1) * sizeof *begins), *ends = malloc((symbols + 1) * sizeof *ends);
    if (!f || !begins || !ends) goto fail;
    f->bits = are_narrow ? 16 : 21;
    if (symbols > most_haste(f) || !find_ends(merges, count, bases, symbols, begins, ends)) goto fail;
    f->limit = bases < EDIC_TOK_FIRST_SYMBOLS ? bases : EDIC_TOK_FIRST_SYMBOLS;
    f->known = calloc((size_t)f->limit * f->limit + 1, sizeof *f->known);
    if (!f->known) goto fail;
    for (size_t i = 0; i < count; i++) {
        edic_tok_inner_merge m = merges[i];
        note(f, m.left, m.right, OWN, m.rank);
        if (m.right < bases) note(f, ends[m.left], m.right, BY_LEFT, m.rank);
        if (m.left < bases) note(f, m.left, begins[m.right], BY_RIGHT, m.rank);
    }
    free(begins);
    free(ends);
    return f;
fail:
    free(begins);
    free(ends);
    edic_tok_firsts_destroy(f);
    return NULL;
}

size_t edic_tok_merge_firsts(const edic_tok_pairs *pairs, uint32_t *symbols, size_t count) {
    const edic_tok_firsts *f = pairs->firsts;
    uint32_t most = 0;
    for (size_t i = 0; i < count; i++) most = symbols[i] > most ? symbols[i] : most;
    if (count < 2 || count > EDIC_TOK_SHORT || most >= f->limit) return count;
    // Of the pair before each symbol and, one further, of that behind it; nothing is known beyond the word's ends.
    edic_tok_neighbours known[EDIC_TOK_SHORT + 2];
    known[0] = known[count] = known[count + 1] = 0;
    for (size_t i = 0; i + 1 < count; i++) known[i + 1] = f->known[symbols[i] * f->limit + symbols[i + 1]];
    // Never two neighbours: each would be before the other. Without branches, since nobody can foresee which it is.
    size_t kept = 0, is_taken = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t own = haste(f, known[i + 1], OWN);
        uint32_t left = haste(f, known[i], BY_LEFT), right = haste(f, known[i + 2], BY_RIGHT);
        size_t is_sure = own > (left > right ? left : right);
        symbols[kept] = is_sure ? pairs->bases + most_haste(f) - own : symbols[i];
        kept += !is_taken;
        is_taken = is_sure;
    }
    return kept;
}
