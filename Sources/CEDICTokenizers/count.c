// Counting words, for training: an open-addressing table over an arena of bytes.
#include <stdlib.h>
#include <string.h>

#include "CEDICTokenizers.h"

typedef struct {
    uint64_t hash, count, offset;
    uint32_t length;
} word_entry;

struct edic_tok_counts {
    word_entry *slots;
    size_t mask, used;
    uint8_t *bytes;
    size_t byte_count, byte_capacity;
    int failed;
};

edic_tok_counts *edic_tok_counts_create(void) {
    edic_tok_counts *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->mask = (1 << 14) - 1;
    c->slots = calloc(c->mask + 1, sizeof *c->slots);
    if (c->slots) return c;
    free(c);
    return NULL;
}

void edic_tok_counts_destroy(edic_tok_counts *c) {
    if (!c) return;
    free(c->slots);
    free(c->bytes);
    free(c);
}

static uint64_t hash_bytes(const uint8_t *s, size_t n) {
    uint64_t h = n * 0x9E3779B97F4A7C15u;
    while (n >= 8) {
        uint64_t v;
        memcpy(&v, s, 8);
        h = (h ^ v) * 0xD6E8FEB86659FD93u;
        h ^= h >> 32;
        s += 8;
        n -= 8;
    }
    uint64_t v = 0;
    memcpy(&v, s, n);
    h = (h ^ v) * 0xD6E8FEB86659FD93u;
    h ^= h >> 32;
    h *= 0x9E3779B97F4A7C15u;
    return h ^ h >> 29;
}

static int widen(edic_tok_counts *c) {
    size_t mask = c->mask * 2 + 1;
    word_entry *slots = calloc(mask + 1, sizeof *slots);
    if (!slots) return 0;
    for (size_t i = 0; i <= c->mask; i++) {
        if (c->slots[i].length == 0) continue;
        size_t at = c->slots[i].hash & mask;
        while (slots[at].length != 0) at = (at + 1) & mask;
        slots[at] = c->slots[i];
    }
    free(c->slots);
    c->slots = slots;
    c->mask = mask;
    return 1;
}

int edic_tok_counts_add(edic_tok_counts *c, const uint8_t *word, size_t length, uint64_t count) {
    if (length == 0 || length > UINT32_MAX) return 1;
    uint64_t hash = hash_bytes(word, length);
    size_t at = hash & c->mask;
    for (; c->slots[at].length != 0; at = (at + 1) & c->mask) {
        word_entry *e = &c->slots[at];
        if (e->hash == hash && e->length == length && memcmp(c->bytes + e->offset, word, length) == 0) {
            e->count += count;
            return 1;
        }
    }
    if (c->byte_count + length > c->byte_capacity) {
        size_t capacity = c->byte_capacity * 2 + length + 4096;
        uint8_t *bytes = realloc(c->bytes, capacity);
        if (!bytes) return 0;
        c->bytes = bytes;
        c->byte_capacity = capacity;
    }
    memcpy(c->bytes + c->byte_count, word, length);
    c->slots[at] = (word_entry){hash, count, c->byte_count, (uint32_t)length};
    c->byte_count += length;
    if (++c->used * 2 > c->mask) return widen(c);
    return 1;
}

int edic_tok_counts_add_text(edic_tok_counts *c, const edic_tok_pattern *pattern, const uint8_t *s, size_t n,
                             uint64_t count) {
    uint32_t begins[1024], ends[1024];
    for (size_t at = 0; at < n;) {
        size_t words = edic_tok_split(pattern, s, n, at, begins, ends, 1024, &at);
        if (words == 0) break;
        for (size_t i = 0; i < words; i++) {
            if (!edic_tok_counts_add(c, s + begins[i], ends[i] - begins[i], count)) return 0;
        }
    }
    return 1;
}

size_t edic_tok_counts_size(const edic_tok_counts *c) { return c->used; }

size_t edic_tok_counts_memory(const edic_tok_counts *c) {
    return (c->mask + 1) * sizeof *c->slots + c->byte_capacity;
}

typedef struct {
    const edic_tok_counts *counts;
    const word_entry *entry;
} reference;

static int compare(const void *x, const void *y) {
    const reference *a = x, *b = y;
    size_t n = a->entry->length < b->entry->length ? a->entry->length : b->entry->length;
    int order = memcmp(a->counts->bytes + a->entry->offset, b->counts->bytes + b->entry->offset, n);
    if (order != 0) return order;
    return (a->entry->length > b->entry->length) - (a->entry->length < b->entry->length);
}

int edic_tok_counts_sorted(const edic_tok_counts *c, const uint8_t **words, uint32_t *lengths, uint64_t *counts) {
    reference *all = malloc((c->used + 1) * sizeof *all);
    if (!all) return 0;
    size_t k = 0;
    for (size_t i = 0; i <= c->mask; i++) {
        if (c->slots[i].length != 0) all[k++] = (reference){c, &c->slots[i]};
    }
    qsort(all, k, sizeof *all, compare);
    for (size_t i = 0; i < k; i++) {
        words[i] = c->bytes + all[i].entry->offset;
        lengths[i] = all[i].entry->length;
        counts[i] = all[i].entry->count;
    }
    free(all);
    return 1;
}
