// Building pairs.h's table from merges whose ranks and results belong to each other.
#include "firsts.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_SYMBOLS = 1 << 20, MOST_RANKS = 1 << 22 };
static const uint32_t none = UINT32_MAX, several = UINT32_MAX - 1, is_result = (uint32_t)1 << 31;

void edic_tok_pairs_destroy(edic_tok_pairs *p) {
    if (!p) return;
    free(p->buckets);
    free(p->slots);
    edic_tok_firsts_destroy(p->firsts);
    free(p->outer);
    free(p->spans);
    free(p->inner);
    free(p);
}

static uint32_t *filled(size_t count) {
    uint32_t *a = malloc((count ? count : 1) * sizeof *a);
    if (a) memset(a, 0xFF, count * sizeof *a);
    return a;
}

static int is_less(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

// Numbers the symbols that have no number yet from *bases on, in the order of their lowest ranks: what is met often comes
// first, and what is known of it lies close together.
static int number_others(edic_tok_pairs *p, const edic_tok_merge_slot *slots, size_t count, uint32_t *bases) {
    uint32_t *lowest = filled(p->inner_count);
    uint64_t *others = malloc((p->inner_count + 1) * sizeof *others);
    size_t found = 0;
    for (size_t i = 0; i < count && lowest && others; i++) {
        if (slots[i].pair == UINT64_MAX) continue;
        const uint32_t sides[2] = {(uint32_t)(slots[i].pair >> 32), (uint32_t)slots[i].pair};
        for (unsigned k = 0; k < 2; k++) {
            if (slots[i].rank < lowest[sides[k]]) lowest[sides[k]] = slots[i].rank;
        }
    }
    for (uint32_t s = 0; s < p->inner_count && lowest && others; s++) {
        if (lowest[s] != none && p->inner[s] == none) others[found++] = (uint64_t)lowest[s] << 32 | s;
    }
    int done = lowest && others;
    if (done) qsort(others, found, sizeof *others, is_less);
    for (size_t i = 0; i < found; i++) p->inner[(uint32_t)others[i]] = (*bases)++;
    free(lowest);
    free(others);
    return done;
}

// Numbers the symbols: sets inner, bases and outer. Returns 0 where ranks and results do not belong to each other, or
// without memory. `dense` gets the place of each rank among those in use; ranks of several results stay without.
static int number(edic_tok_pairs *p, const edic_tok_merge_slot *slots, size_t count, const uint32_t *byte_ids,
                  uint32_t *dense, size_t ranks) {
    uint32_t *made = filled(ranks), results = 0;
    if (!made) return 0;
    int fits = 1;
    for (size_t i = 0; i < count; i++) {
        if (slots[i].pair == UINT64_MAX) continue;
        uint32_t *result = &made[slots[i].rank];
        *result = *result == none || *result == slots[i].result ? slots[i].result : several;
        fits &= !byte_ids || *result != several;
    }
    for (size_t r = 0; r < ranks && fits; r++) {
        if (made[r] == none || made[r] == several) continue;
        fits = p->inner[made[r]] == none;
        p->inner[made[r]] = is_result | results;
        dense[r] = results++;
    }
    free(made);
    uint32_t bases = 0;
    for (unsigned b = 0; byte_ids && b < 256 && fits; b++) {
        uint32_t inner = bases++;
        if (byte_ids[b] == none) {
            p->lacks_bytes = 1;
            continue;
        }
        fits = p->inner[byte_ids[b]] == none;
        p->inner[byte_ids[b]] = inner;
    }
    if (!fits || !number_others(p, slots, count, &bases)) return 0;
    p->bases = bases;
    p->symbols = bases + results;
    p->outer = bases + results < MOST_SYMBOLS ? filled(bases + results) : NULL;
    if (!p->outer) return 0;
    for (uint32_t s = 0; s < p->inner_count; s++) {
        if (p->inner[s] == none) continue;
        if (p->inner[s] & is_result) p->inner[s] = bases + (p->inner[s] & ~is_result);
        p->outer[p->inner[s]] = s;
    }
    return 1;
}

// What a symbol begins or ends with, when `parts` has each symbol's left or right part; `none` where that has no end.
static uint32_t last_part(const uint32_t *parts, uint32_t symbol) {
    enum { MOST_PARTS = 1 << 10 };
    for (unsigned i = 0; i < MOST_PARTS; i++) {
        if (parts[symbol] == none) return symbol;
        symbol = parts[symbol];
    }
    return none;
}

// Sets the ties: where two symbols of a merge without a place meet. Returns 0 where there are too many, or without memory.
static int find_ties(edic_tok_pairs *p, const edic_tok_merge_slot *slots, size_t count, const uint32_t *dense) {
    uint32_t *lefts = filled(p->inner_count), *rights = filled(p->inner_count);
    int fits = lefts && rights;
    for (size_t i = 0; i < count && fits; i++) {
        if (slots[i].pair == UINT64_MAX) continue;
        lefts[slots[i].result] = (uint32_t)(slots[i].pair >> 32);
        rights[slots[i].result] = (uint32_t)slots[i].pair;
    }
    for (size_t i = 0; i < count && fits; i++) {
        if (slots[i].pair == UINT64_MAX || dense[slots[i].rank] != none) continue;
        uint32_t left = last_part(rights, (uint32_t)(slots[i].pair >> 32)), right = last_part(lefts, (uint32_t)slots[i].pair);
        fits = left != none && right != none;
        if (!fits || edic_tok_may_tie(p, (uint32_t[]){p->inner[left], p->inner[right]}, 2)) continue;
        fits = p->tie_count < EDIC_TOK_MOST_TIES;
        if (fits) p->ties[p->tie_count++] = (edic_tok_tie){p->inner[left], p->inner[right]};
    }
    free(lefts);
    free(rights);
    return fits;
}

// Sets spans, unless a symbol is made of different numbers of first symbols, or of itself. Returns 0 without memory.
static int measure(edic_tok_pairs *p, const edic_tok_inner_merge *merges, size_t count) {
    enum { MOST_ROUNDS = 64 };
    uint32_t *spans = calloc(p->symbols + 1, sizeof *spans);
    if (!spans) return 0;
    for (uint32_t s = 0; s < p->bases; s++) spans[s] = 1;
    // In the order of ranks one round does, where parts come before their wholes.
    size_t unknown = p->symbols - p->bases;
    for (unsigned round = 0; unknown > 0 && round < MOST_ROUNDS; round++) {
        for (size_t i = 0; i < count; i++) {
            uint32_t *made = &spans[p->bases + merges[i].rank], left = spans[merges[i].left], right = spans[merges[i].right];
            if (*made > 0 || left == 0 || right == 0 || left > UINT32_MAX - right) continue;
            *made = left + right;
            unknown--;
        }
    }
    int fits = unknown == 0;
    for (size_t i = 0; i < count && fits; i++) {
        uint32_t made = spans[p->bases + merges[i].rank];
        fits = (uint64_t)spans[merges[i].left] + spans[merges[i].right] == made;
    }
    if (fits) p->spans = spans;
    else free(spans);
    return 1;
}

// Makes the empty table for so many pairs.
static int make_room(edic_tok_pairs *p, size_t pairs) {
    unsigned bits = 1;
    while (((size_t)8 << bits) < pairs * 2) bits++;
    size_t buckets = (size_t)1 << bits;
    p->bits = bits;
    void *table = aligned_alloc(64, (buckets + 1) * 64);
    if (!table) return 0;
    memset(table, 0xFF, (buckets + 1) * 64);
    if (p->symbols >= EDIC_TOK_NO_NARROW_RANK) {
        p->slots = table;
    } else {
        p->buckets = table;
        for (size_t b = 0; b <= buckets; b++) p->buckets[b].overflows = 0;
    }
    return 1;
}

static void insert(edic_tok_pairs *p, uint32_t left, uint32_t right, uint32_t rank) {
    size_t mask = edic_tok_pairs_bucket_count(p) - 1;
    if (p->slots) {
        size_t at = edic_tok_wide_bucket(p, left, right) * 8;
        while (p->slots[at] != UINT64_MAX) at = (at + 1) & (mask * 8 + 7);
        p->slots[at] = (uint64_t)left << 44 | (uint64_t)right << 24 | rank;
        return;
    }
    uint32_t key = left << 16 | right;
    for (size_t at = edic_tok_narrow_bucket(p, key);; at = (at + 1) & mask) {
        edic_tok_bucket *b = &p->buckets[at];
        unsigned i = 0;
        while (i < 8 && b->ranks[i] != EDIC_TOK_NO_NARROW_RANK) i++;
        if (i == 8) {
            b->overflows = 1;
            continue;
        }
        b->keys[i] = key;
        b->ranks[i] = (uint16_t)rank;
        return;
    }
}

static int by_rank(const void *a, const void *b) {
    const edic_tok_inner_merge *x = a, *y = b;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

edic_tok_pairs *edic_tok_pairs_create(const edic_tok_merge_slot *slots, size_t count, const uint32_t *byte_ids) {
    uint32_t symbols = 0, ranks = 0;
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (slots[i].pair == UINT64_MAX) continue;
        uint32_t left = (uint32_t)(slots[i].pair >> 32), right = (uint32_t)slots[i].pair, most = left > right ? left : right;
        if (slots[i].result > most) most = slots[i].result;
        if (most >= MOST_SYMBOLS || slots[i].rank >= MOST_RANKS) return NULL;
        if (most >= symbols) symbols = most + 1;
        if (slots[i].rank >= ranks) ranks = slots[i].rank + 1;
        used++;
    }
    for (unsigned b = 0; byte_ids && b < 256; b++) {
        if (byte_ids[b] == none) continue;
        if (byte_ids[b] >= MOST_SYMBOLS) return NULL;
        if (byte_ids[b] >= symbols) symbols = byte_ids[b] + 1;
    }
    edic_tok_pairs *p = calloc(1, sizeof *p);
    uint32_t *dense = filled(ranks);
    edic_tok_inner_merge *merges = NULL;
    if (!p || !dense) goto fail;
    p->inner = filled(symbols);
    p->inner_count = symbols;
    if (!p->inner || !number(p, slots, count, byte_ids, dense, ranks) || !find_ties(p, slots, count, dense)) goto fail;
    merges = malloc((used + 1) * sizeof *merges);
    if (!merges || !make_room(p, used)) goto fail;
    used = 0;
    for (size_t i = 0; i < count; i++) {
        if (slots[i].pair == UINT64_MAX || dense[slots[i].rank] == none) continue;
        uint32_t left = p->inner[slots[i].pair >> 32], right = p->inner[(uint32_t)slots[i].pair], rank = dense[slots[i].rank];
        insert(p, left, right, rank);
        merges[used++] = (edic_tok_inner_merge){left, right, rank};
    }
    qsort(merges, used, sizeof *merges, by_rank);
    p->has_bytes = byte_ids != NULL;
    if (!measure(p, merges, used)) goto fail;
    p->firsts = edic_tok_firsts_create(merges, used, p->bases, p->symbols, p->buckets != NULL);
    free(merges);
    free(dense);
    return p;
fail:
    free(merges);
    free(dense);
    edic_tok_pairs_destroy(p);
    return NULL;
}
