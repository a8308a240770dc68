// Gives the look-ups of CEDICNgramIndex parts of exact size and random contents, to be run with AddressSanitizer: whatever
// the contents, nothing outside the parts may be read. `Tools/fuzz-look-ups` builds and runs it.

#include "CEDICNgramIndex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state;

static uint64_t chance(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t below(uint64_t limit) { return chance() % limit; }
static uint64_t ones(uint32_t bits) { return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1; }

static void *owned[1024];
static size_t owned_count;

/// Bytes of one of four kinds: random, all ones, small, zero.
static uint8_t *bytes(size_t size) {
    uint8_t *bytes = owned[owned_count++] = malloc(size ? size : 1);
    uint64_t kind = below(4);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = kind == 0 ? (uint8_t)chance() : kind == 1 ? 0xFF : kind == 2 ? (uint8_t)below(3) : 0;
    }
    return bytes;
}

static const float *values(void) { return (const float *)bytes(65536 * 4); }

/// A set as a checked header may describe it; what its lines and entries say is random.
static void make_set(edic_index_set *set, uint32_t class, int is_quantised) {
    uint32_t word_bits = 1 + (uint32_t)below(28), key_bits = word_bits + 1 + (uint32_t)below(32);
    uint32_t home_bits = (uint32_t)below(11);
    if (home_bits > key_bits) home_bits = key_bits;
    if (key_bits - home_bits > 56) return;
    set->word_bits = (uint8_t)word_bits;
    set->remainder_bits = (uint8_t)(key_bits - home_bits);
    set->fold = (uint8_t)((key_bits + 1) / 2);
    set->key_mask = ones(key_bits);
    set->remainder_mask = ones(key_bits - home_bits);
    set->multiplier = edic_index_multiplier(below(64));
    set->first_word = class == 0 ? 0 : 8u << class;
    set->first_number = (uint32_t)chance();
    set->probability_bits = is_quantised ? (uint8_t)below(17) : 32;
    set->backoff_bits = is_quantised ? (uint8_t)below(17) : below(2) ? 32 : 0;
    set->entry_bits = (uint8_t)(set->remainder_bits + set->probability_bits + set->backoff_bits);
    set->count = below(2000);
    size_t lines = (((size_t)1 << home_bits) + 55) / 56;
    uint8_t *counts = bytes(lines * 32);
    for (size_t i = 0; i < lines && below(2); i++) {
        uint32_t before = (uint32_t)below(set->count + 2);
        memcpy(counts + i * 32, &before, 4);
    }
    set->lines = counts;
    set->entries = bytes((set->count * set->entry_bits + 7) / 8 + 8);
}

static void make_index(edic_index_index *index) {
    memset(index, 0, sizeof *index);
    index->order = 1 + (uint32_t)below(10);
    index->words = 3 + (uint32_t)below(below(4) ? 300 : 70000);
    int is_quantised = (int)below(2);
    index->unigrams = bytes((size_t)index->words * (is_quantised ? 4 : 8));
    if (is_quantised) {
        index->probabilities = values();
        index->backoffs = values();
    }
    index->slot_count = index->words + 1 + below(index->words);
    index->slots = bytes(index->slot_count * 4);
    index->starts = bytes((index->words + 7) / 8 * 4);
    index->text_size = below(5000);
    index->text = bytes(index->text_size);
    index->id_bits = 64 - (uint32_t)__builtin_clzll(index->words);
    index->begin = (uint32_t)chance();
    for (uint32_t level = 0; level < EDIC_INDEX_MAX_ORDER - 1; level++) {
        int has_values = (int)below(2);
        if (has_values) {
            index->levels[level].probabilities = values();
            index->levels[level].backoffs = values();
        }
        for (uint32_t class = 0; class < EDIC_INDEX_CLASSES - 1; class++) {
            if (below(3)) make_set(&index->levels[level].sets[class], class, has_values);
        }
    }
}

static void look_up(const edic_index_index *index) {
    uint32_t ids[EDIC_INDEX_BATCH];
    edic_index_score scores[EDIC_INDEX_BATCH];
    edic_index_context context = {0};
    for (int batch = 0; batch < 6; batch++) {
        size_t count = below(EDIC_INDEX_BATCH + 1);
        for (size_t i = 0; i < count; i++) {
            ids[i] = below(5) == 0    ? (uint32_t)chance()
                     : below(11) == 0 ? EDIC_INDEX_BEGIN
                     : below(13) == 0 ? EDIC_INDEX_NOTHING
                                      : (uint32_t)below(index->words);
        }
        if (below(2)) {
            edic_index_score_batch(index, &context, ids, count, scores);
        } else {
            edic_index_score_alternatives(index, &context, ids, count, scores);
        }
    }
    for (int i = 0; i < 50; i++) {
        int64_t length;
        edic_index_weights found;
        edic_index_word_place(index, (uint32_t)below(index->words + 3), &length);
        edic_index_unigram(index, (uint32_t)chance());
        if (index->order > 1) {
            uint32_t order = 2 + (uint32_t)below(index->order - 1);
            edic_index_extend(index, order, (uint32_t)chance(), (uint32_t)chance(), &found);
        }
        size_t size = below(40);
        edic_index_find_word(index, bytes(size), size);
    }
    size_t size = below(3000), position = 0;
    int open = 0;
    edic_index_word words[EDIC_INDEX_BATCH];
    uint8_t *text = bytes(size + 7);
    for (size_t i = 0; i < size; i++) text[i] = below(6) == 0 ? ' ' : below(40) == 0 ? '\n' : (uint8_t)('a' + below(3));
    while (edic_index_read_words(index, text, size, &position, &open, 2, EDIC_INDEX_BEGIN, ids, words)) {}
}

int main(int count, char **arguments) {
    uint64_t rounds = count > 1 ? strtoull(arguments[1], NULL, 10) : 300;
    for (uint64_t round = 1; round <= rounds; round++) {
        state = round * UINT64_C(0x9E3779B97F4A7C15) + 1;
        for (int i = 0; i < 5; i++) chance();
        edic_index_index index;
        make_index(&index);
        look_up(&index);
        while (owned_count > 0) free(owned[--owned_count]);
    }
    printf("%llu rounds without a fault\n", (unsigned long long)rounds);
    return 0;
}
