// Building pairs.h's table from merges whose ranks and results belong to each other.
#include "pairs.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_SYMBOLS = 1 << 20, MOST_RANKS = 1 << 22 };
static const uint32_t none = UINT32_MAX, is_result = (uint32_t)1 << 31;

void edic_tok_pairs_destroy(edic_tok_pairs *p) {
    if (!p) return;
    free(p->buckets);
    free(p->slots);
    free(p->narrow_bytes);
    free(p->wide_bytes);
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

// Numbers the symbols: sets inner, bases and outer. Returns 0 where ranks and results do not belong to each other, or
// without memory. `dense` gets the place of each rank among those in use.
static int number(edic_tok_pairs *p, const edic_tok_merge_slot *slots, size_t count, const uint32_t *byte_ids,
                  uint32_t *dense, size_t ranks) {
    uint32_t *made = filled(ranks), results = 0;
    if (!made) return 0;
    int fits = 1;
    for (size_t i = 0; i < count; i++) {
        if (slots[i].pair == UINT64_MAX) continue;
        uint32_t *result = &made[slots[i].rank];
        if (*result == none) *result = slots[i].result;
        fits &= *result == slots[i].result;
    }
    for (size_t r = 0; r < ranks && fits; r++) {
        if (made[r] == none) continue;
        fits = p->inner[made[r]] == none;
        p->inner[made[r]] = is_result | results;
        dense[r] = results++;
    }
    free(made);
    uint32_t bases = 0;
    for (unsigned b = 0; byte_ids && b < 256 && fits; b++) {
        fits = p->inner[byte_ids[b]] == none;
        p->inner[byte_ids[b]] = bases++;
    }
    for (size_t i = 0; i < count && fits; i++) {
        if (slots[i].pair == UINT64_MAX) continue;
        uint32_t *left = &p->inner[slots[i].pair >> 32], *right = &p->inner[(uint32_t)slots[i].pair];
        if (*left == none) *left = bases++;
        if (*right == none) *right = bases++;
    }
    p->bases = bases;
    p->symbols = bases + results;
    p->outer = fits && bases + results < MOST_SYMBOLS ? filled(bases + results) : NULL;
    if (!p->outer) return 0;
    for (uint32_t s = 0; s < p->inner_count; s++) {
        if (p->inner[s] == none) continue;
        if (p->inner[s] & is_result) p->inner[s] = bases + (p->inner[s] & ~is_result);
        p->outer[p->inner[s]] = s;
    }
    return 1;
}

// Sets spans, given the two parts of each merge as left << 32 | right. Parts come before their whole in rank.
static int measure(edic_tok_pairs *p, const uint64_t *parts) {
    p->spans = malloc((p->symbols + 1) * sizeof *p->spans);
    if (!p->spans) return 0;
    for (uint32_t s = 0; s < p->symbols; s++) {
        uint64_t pair = s < p->bases ? 0 : parts[s - p->bases];
        p->spans[s] = s < p->bases ? 1 : p->spans[pair >> 32] + p->spans[(uint32_t)pair];
    }
    return 1;
}

// Makes the empty table for so many pairs.
static int make_room(edic_tok_pairs *p, size_t pairs, int has_bytes) {
    unsigned bits = 1;
    while (((size_t)8 << bits) < pairs * 2) bits++;
    size_t buckets = (size_t)1 << bits;
    p->shift = 64 - bits;
    void *table = aligned_alloc(64, buckets * 64);
    if (!table) return 0;
    memset(table, 0xFF, buckets * 64);
    if (p->symbols >= EDIC_TOK_NO_NARROW_RANK) {
        p->slots = table;
        p->wide_bytes = has_bytes ? malloc(65536 * sizeof *p->wide_bytes) : NULL;
        for (size_t i = 0; p->wide_bytes && i < 65536; i++) p->wide_bytes[i] = EDIC_TOK_NO_RANK;
    } else {
        p->buckets = table;
        for (size_t b = 0; b < buckets; b++) p->buckets[b].overflows = 0;
        p->narrow_bytes = has_bytes ? malloc(65536 * sizeof *p->narrow_bytes) : NULL;
        for (size_t i = 0; p->narrow_bytes && i < 65536; i++) p->narrow_bytes[i] = EDIC_TOK_NO_NARROW_RANK;
    }
    return edic_tok_pairs_have_bytes(p) == has_bytes;
}

static void insert(edic_tok_pairs *p, uint32_t left, uint32_t right, uint32_t rank) {
    size_t mask = edic_tok_pairs_bucket_count(p) - 1, at = edic_tok_pairs_bucket(p, left, right);
    int are_bytes = edic_tok_pairs_have_bytes(p) && left < 256 && right < 256;
    if (p->slots) {
        for (at *= 8; p->slots[at] != UINT64_MAX; at = (at + 1) & (mask * 8 + 7)) {}
        p->slots[at] = (uint64_t)left << 44 | (uint64_t)right << 24 | rank;
        if (are_bytes) p->wide_bytes[left << 8 | right] = rank;
        return;
    }
    for (;; at = (at + 1) & mask) {
        edic_tok_bucket *b = &p->buckets[at];
        unsigned i = 0;
        while (i < 8 && b->ranks[i] != EDIC_TOK_NO_NARROW_RANK) i++;
        if (i == 8) {
            b->overflows = 1;
            continue;
        }
        b->keys[i] = left << 16 | right;
        b->ranks[i] = (uint16_t)rank;
        break;
    }
    if (are_bytes) p->narrow_bytes[left << 8 | right] = (uint16_t)rank;
}

edic_tok_pairs *edic_tok_pairs_create(const edic_tok_merge_slot *slots, size_t count, const uint32_t *byte_ids, int ordered) {
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
        if (byte_ids[b] >= MOST_SYMBOLS) return NULL;
        if (byte_ids[b] >= symbols) symbols = byte_ids[b] + 1;
    }
    edic_tok_pairs *p = calloc(1, sizeof *p);
    uint32_t *dense = filled(ranks);
    uint64_t *parts = NULL;
    if (!p || !dense) goto fail;
    p->inner = filled(symbols);
    p->inner_count = symbols;
    if (!p->inner || !number(p, slots, count, byte_ids, dense, ranks)) goto fail;
    parts = calloc(p->symbols - p->bases + 1, sizeof *parts);
    if (!parts || !make_room(p, used, byte_ids != NULL)) goto fail;
    for (size_t i = 0; i < count; i++) {
        if (slots[i].pair == UINT64_MAX) continue;
        uint32_t left = p->inner[slots[i].pair >> 32], right = p->inner[(uint32_t)slots[i].pair], rank = dense[slots[i].rank];
        insert(p, left, right, rank);
        parts[rank] = (uint64_t)left << 32 | right;
    }
    if (ordered && !measure(p, parts)) goto fail;
    free(parts);
    free(dense);
    return p;
fail:
    free(parts);
    free(dense);
    edic_tok_pairs_destroy(p);
    return NULL;
}
