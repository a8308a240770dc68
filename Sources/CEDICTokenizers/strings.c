// Byte strings found by their bytes: the tokens of a vocabulary, far faster laid out than a trie of them.
#include <stdlib.h>
#include <string.h>

#include "CEDICTokenizers.h"

struct edic_tok_index {
    uint64_t *slots;                // half of a hash above an id
    size_t mask, count;
};

static const uint64_t empty = UINT64_MAX;

static uint64_t mixed(uint64_t a, uint64_t b) {
    const __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_of(const uint8_t *s, size_t n) {
    uint64_t hash = n * 0x9E3779B97F4A7C15u, word;
    for (; n >= 8; s += 8, n -= 8) {
        memcpy(&word, s, 8);
        hash = mixed(hash ^ word, 0xD6E8FEB86659FD93u);
    }
    word = 0;
    memcpy(&word, s, n);
    return mixed(hash ^ word, 0xA0761D6478BD642Fu);
}

// The slot of these bytes, or the free one where they would be.
static size_t slot_of(const edic_tok_index *index, const edic_tok_strings *strings, const uint8_t *s, size_t n,
                      uint64_t hash) {
    size_t at = (size_t)hash & index->mask;
    for (; index->slots[at] != empty; at = (at + 1) & index->mask) {
        if ((index->slots[at] ^ hash) >> 32) continue;
        const uint32_t id = (uint32_t)index->slots[at];
        if (strings->lengths[id] == n && memcmp(strings->bytes + strings->starts[id], s, n) == 0) break;
    }
    return at;
}

edic_tok_index *edic_tok_index_create(const edic_tok_strings *strings) {
    edic_tok_index *index = calloc(1, sizeof *index);
    if (!index) return NULL;
    size_t capacity = 16;
    while (capacity < strings->count * 2) capacity *= 2;
    index->mask = capacity - 1;
    index->slots = malloc(capacity * sizeof *index->slots);
    if (!index->slots) {
        free(index);
        return NULL;
    }
    memset(index->slots, 0xFF, capacity * sizeof *index->slots);
    for (size_t id = 0; id < strings->count; id++) {
        const size_t length = strings->lengths[id];
        if (length == 0 || length == EDIC_TOK_NO_STRING) continue;
        const uint8_t *s = strings->bytes + strings->starts[id];
        const uint64_t hash = hash_of(s, length);
        const size_t at = slot_of(index, strings, s, length, hash);
        if (index->slots[at] != empty) continue;
        index->slots[at] = hash >> 32 << 32 | id;
        index->count++;
    }
    return index;
}

void edic_tok_index_destroy(edic_tok_index *index) {
    if (!index) return;
    free(index->slots);
    free(index);
}

size_t edic_tok_index_count(const edic_tok_index *index) { return index->count; }

uint32_t edic_tok_index_find(const edic_tok_index *index, const edic_tok_strings *strings, const uint8_t *s, size_t n) {
    if (n == 0) return UINT32_MAX;
    const uint64_t slot = index->slots[slot_of(index, strings, s, n, hash_of(s, n))];
    return slot == empty ? UINT32_MAX : (uint32_t)slot;
}
