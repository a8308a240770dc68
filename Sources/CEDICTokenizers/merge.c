// Byte-pair merging: the table of pairs, short words by scanning, long words by a heap.
#include <stdlib.h>
#include <string.h>

#include "CEDICTokenizers.h"
#include "kernels.h"
#include "merges.h"

typedef edic_tok_merge_slot slot;

static const uint64_t empty = UINT64_MAX;

static inline size_t hash_pair(uint64_t pair) {
    pair *= 0x9E3779B97F4A7C15u;
    pair ^= pair >> 32;
    return (size_t)(pair * 0xD6E8FEB86659FD93u >> 20);
}

static slot *slots_create(size_t count) {
    slot *slots = malloc(count * sizeof(slot));
    if (slots) memset(slots, 0xFF, count * sizeof(slot));
    return slots;
}

edic_tok_merges *edic_tok_merges_create(size_t expected) {
    edic_tok_merges *m = calloc(1, sizeof *m);
    if (!m) return NULL;
    size_t capacity = 16;
    while (capacity < expected * 2) capacity *= 2;
    m->slots = slots_create(capacity);
    m->mask = capacity - 1;
    if (m->slots) return m;
    free(m);
    return NULL;
}

void edic_tok_merges_destroy(edic_tok_merges *m) {
    if (!m) return;
    free(m->slots);
    edic_tok_pairs_destroy(m->pairs);
    free(m);
}

void edic_tok_merges_finish(edic_tok_merges *m, const uint32_t *byte_ids) {
    edic_tok_pairs_destroy(m->pairs);
    m->pairs = edic_tok_pairs_create(m->slots, m->mask + 1, byte_ids);
}

static slot *slot_for(slot *slots, size_t mask, uint64_t pair) {
    size_t at = hash_pair(pair) & mask;
    while (slots[at].pair != pair && slots[at].pair != empty) at = (at + 1) & mask;
    return &slots[at];
}

int edic_tok_merges_add(edic_tok_merges *m, uint32_t left, uint32_t right, uint32_t rank, uint32_t result) {
    if (m->count * 2 > m->mask) {
        size_t capacity = (m->mask + 1) * 2;
        slot *bigger = slots_create(capacity);
        if (!bigger) return 0;
        for (size_t i = 0; i <= m->mask; i++) {
            if (m->slots[i].pair != empty) *slot_for(bigger, capacity - 1, m->slots[i].pair) = m->slots[i];
        }
        free(m->slots);
        m->slots = bigger;
        m->mask = capacity - 1;
    }
    slot *s = slot_for(m->slots, m->mask, (uint64_t)left << 32 | right);
    if (s->pair == empty) {
        m->count++;
        *s = (slot){(uint64_t)left << 32 | right, rank, result};
    } else if (rank < s->rank) {
        s->rank = rank;
        s->result = result;
    }
    return 1;
}

static inline uint32_t lookup(const edic_tok_merges *m, uint32_t left, uint32_t right, uint32_t *result) {
    uint64_t pair = (uint64_t)left << 32 | right;
    size_t at = hash_pair(pair) & m->mask;
    for (;;) {
        const slot *s = &m->slots[at];
        if (s->pair == pair) {
            *result = s->result;
            return s->rank;
        }
        if (s->pair == empty) return UINT32_MAX;
        at = (at + 1) & m->mask;
    }
}

uint32_t edic_tok_merges_rank(const edic_tok_merges *m, uint32_t left, uint32_t right, uint32_t *result) {
    return lookup(m, left, right, result);
}

int edic_tok_merges_last(const edic_tok_merges *m, uint32_t *symbols, size_t count, uint32_t *left, uint32_t *right) {
    for (; count > 1; count--) {
        uint32_t lowest = UINT32_MAX, made = 0;
        size_t best = 0;
        for (size_t i = 0; i + 1 < count; i++) {
            uint32_t result, rank = lookup(m, symbols[i], symbols[i + 1], &result);
            if (rank >= lowest) continue;
            lowest = rank;
            best = i;
            made = result;
        }
        if (lowest == UINT32_MAX) return 0;
        *left = symbols[best];
        *right = symbols[best + 1];
        symbols[best] = made;
        memmove(&symbols[best + 1], &symbols[best + 2], (count - best - 2) * sizeof *symbols);
    }
    return 1;
}

enum { SHORT = 128 };

// Quadratic in `count`, which is at most SHORT.
static size_t merge_short(const edic_tok_merges *m, uint32_t *symbols, uint32_t *sizes, size_t count) {
    uint32_t rank[SHORT], result[SHORT];
    if (count < 2) return count;
    for (size_t i = 0; i + 1 < count; i++) rank[i] = lookup(m, symbols[i], symbols[i + 1], &result[i]);
    size_t pairs = count - 1;
    while (pairs > 0) {
        size_t best = 0;
        uint32_t lowest = rank[0];
        for (size_t i = 1; i < pairs; i++) {
            best = rank[i] < lowest ? i : best;
            lowest = rank[i] < lowest ? rank[i] : lowest;
        }
        if (lowest == UINT32_MAX) break;
        symbols[best] = result[best];
        if (sizes) {
            sizes[best] += sizes[best + 1];
            memmove(&sizes[best + 1], &sizes[best + 2], (pairs - best - 1) * sizeof *sizes);
        }
        memmove(&symbols[best + 1], &symbols[best + 2], (pairs - best - 1) * sizeof *symbols);
        memmove(&rank[best], &rank[best + 1], (pairs - best - 1) * sizeof *rank);
        memmove(&result[best], &result[best + 1], (pairs - best - 1) * sizeof *result);
        pairs--;
        if (best < pairs) rank[best] = lookup(m, symbols[best], symbols[best + 1], &result[best]);
        if (best > 0) rank[best - 1] = lookup(m, symbols[best - 1], symbols[best], &result[best - 1]);
    }
    return pairs + 1;
}

// --- Long words: a heap of candidates over a linked list ------------------------------------------------------------

typedef struct {
    uint32_t rank, position, left, right;
} candidate;

typedef struct {
    candidate *items;
    size_t count;
} heap;

static inline int before(candidate a, candidate b) {
    return a.rank < b.rank || (a.rank == b.rank && a.position < b.position);
}

static void heap_push(heap *h, candidate item) {
    size_t at = h->count++;
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!before(item, h->items[parent])) break;
        h->items[at] = h->items[parent];
        at = parent;
    }
    h->items[at] = item;
}

static void heap_settle(heap *h, size_t at, candidate item) {
    for (;;) {
        size_t child = at * 2 + 1;
        if (child >= h->count) break;
        if (child + 1 < h->count && before(h->items[child + 1], h->items[child])) child++;
        if (!before(h->items[child], item)) break;
        h->items[at] = h->items[child];
        at = child;
    }
    h->items[at] = item;
}

static candidate heap_pop(heap *h) {
    candidate top = h->items[0], last = h->items[--h->count];
    if (h->count > 0) heap_settle(h, 0, last);
    return top;
}

size_t edic_tok_merge_heap(const edic_tok_merges *m, uint32_t *symbols, uint32_t *sizes, size_t count) {
    // Every merge takes one candidate away and adds at most two: 3 · count bounds them all.
    candidate *items = malloc(3 * count * sizeof *items);
    uint32_t *next = malloc(count * sizeof *next), *previous = malloc(count * sizeof *previous);
    if (!items || !next || !previous) {
        free(items);
        free(next);
        free(previous);
        return SIZE_MAX;
    }
    heap h = {items, 0};
    uint32_t result;
    for (size_t i = 0; i < count; i++) {
        next[i] = (uint32_t)i + 1;
        previous[i] = (uint32_t)i - 1;
        if (i + 1 < count) {
            uint32_t rank = lookup(m, symbols[i], symbols[i + 1], &result);
            if (rank != UINT32_MAX) h.items[h.count++] = (candidate){rank, (uint32_t)i, symbols[i], symbols[i + 1]};
        }
    }
    for (size_t i = h.count / 2; i-- > 0;) heap_settle(&h, i, h.items[i]);
    while (h.count > 0) {
        candidate c = heap_pop(&h);
        uint32_t i = c.position, j = next[i];
        // A candidate is stale when either side has merged since; dead symbols are UINT32_MAX.
        if (symbols[i] != c.left || j >= count || symbols[j] != c.right) continue;
        if (lookup(m, c.left, c.right, &result) != c.rank) continue;
        symbols[i] = result;
        symbols[j] = UINT32_MAX;
        if (sizes) sizes[i] += sizes[j];
        uint32_t k = next[j];
        next[i] = k;
        if (k < count) {
            previous[k] = i;
            uint32_t rank = lookup(m, result, symbols[k], &(uint32_t){0});
            if (rank != UINT32_MAX) heap_push(&h, (candidate){rank, i, result, symbols[k]});
        }
        if (i > 0) {
            uint32_t p = previous[i];
            uint32_t rank = lookup(m, symbols[p], result, &(uint32_t){0});
            if (rank != UINT32_MAX) heap_push(&h, (candidate){rank, p, symbols[p], result});
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i = next[i]) {
        symbols[kept] = symbols[i];
        if (sizes) sizes[kept] = sizes[i];
        kept++;
    }
    free(items);
    free(next);
    free(previous);
    return kept;
}

// Whether the pairs hold all merges that these symbols may take.
static int pairs_suffice(const edic_tok_pairs *p, const uint32_t *symbols, size_t count) {
    if (!p || !p->spans) return 0;
    for (unsigned t = 0; t < p->tie_count; t++) {
        if (edic_tok_meet(symbols, count, p->outer[p->ties[t].left], p->outer[p->ties[t].right])) return 0;
    }
    return 1;
}

size_t edic_tok_merge(const edic_tok_merges *m, uint32_t *symbols, uint32_t *sizes, size_t count) {
    if (count <= SHORT) return merge_short(m, symbols, sizes, count);
    if (count > 2 * SHORT && pairs_suffice(m->pairs, symbols, count)) return edic_tok_merge_windows(m, symbols, sizes, count);
    return edic_tok_merge_heap(m, symbols, sizes, count);
}
