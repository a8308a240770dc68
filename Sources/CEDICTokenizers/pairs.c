// Building pairs.h's table from merges whose ranks and results belong to each other.
#include "pairs.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_SYMBOLS = 1 << 20, MOST_RANKS = 1 << 22 };
static const uint32_t none = UINT32_MAX, is_result = (uint32_t)1 << 31;

void edic_tok_pairs_destroy(edic_tok_pairs *p) {
    if (!p) return;
    free(p->slots);
    free(p->bytes);
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

// Sets spans. A result's parts come before it in rank.
static int measure(edic_tok_pairs *p, size_t slots) {
    uint64_t *pairs = malloc((p->symbols - p->bases + 1) * sizeof *pairs);
    p->spans = malloc((p->symbols + 1) * sizeof *p->spans);
    if (pairs && p->spans) {
        for (size_t i = 0; i < slots; i++) {
            if (p->slots[i] != UINT64_MAX) pairs[p->slots[i] & 0xFFFFFF] = p->slots[i] >> 24;
        }
        for (uint32_t s = 0; s < p->symbols; s++) {
            uint64_t pair = s < p->bases ? 0 : pairs[s - p->bases];
            p->spans[s] = s < p->bases ? 1 : p->spans[pair >> 20] + p->spans[pair & 0xFFFFF];
        }
    }
    int done = pairs && p->spans;
    free(pairs);
    return done;
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
    if (!p || !dense) goto fail;
    p->inner = filled(symbols);
    p->inner_count = symbols;
    if (!p->inner || !number(p, slots, count, byte_ids, dense, ranks)) goto fail;
    unsigned bits = 1;
    while (((size_t)8 << bits) < used * 2) bits++;
    size_t buckets = (size_t)1 << bits;
    p->shift = 64 - bits;
    p->slots = aligned_alloc(64, buckets * 64);
    if (!p->slots) goto fail;
    memset(p->slots, 0xFF, buckets * 64);
    if (byte_ids) {
        p->bytes = malloc(65536 * sizeof *p->bytes);
        if (!p->bytes) goto fail;
        for (size_t i = 0; i < 65536; i++) p->bytes[i] = EDIC_TOK_NO_RANK;
    }
    for (size_t i = 0; i < count; i++) {
        if (slots[i].pair == UINT64_MAX) continue;
        uint32_t left = p->inner[slots[i].pair >> 32], right = p->inner[(uint32_t)slots[i].pair], rank = dense[slots[i].rank];
        uint64_t key = (uint64_t)left << 20 | right;
        size_t at = edic_tok_pairs_bucket(p, key) * 8;
        while (p->slots[at] != UINT64_MAX) at = (at + 1) & (buckets * 8 - 1);
        p->slots[at] = key << 24 | rank;
        if (p->bytes && left < 256 && right < 256) p->bytes[left << 8 | right] = rank;
    }
    free(dense);
    if (ordered && !measure(p, buckets * 8)) {
        edic_tok_pairs_destroy(p);
        return NULL;
    }
    return p;
fail:
    free(dense);
    edic_tok_pairs_destroy(p);
    return NULL;
}
