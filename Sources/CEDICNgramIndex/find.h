// What the files of this target share: the steps of one look-up.

#pragma once

#include "CEDICNgramIndex.h"

#include <string.h>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

/// Homes of one line: 32 bytes, of which four are the count before it.
#define HOMES 56

static inline uint32_t load32(const uint8_t *at) {
    uint32_t value;
    memcpy(&value, at, 4);
    return value;
}

static inline uint64_t load64(const uint8_t *at) {
    uint64_t value;
    memcpy(&value, at, 8);
    return value;
}

static inline float load_float(const uint8_t *at) {
    float value;
    memcpy(&value, at, 4);
    return value;
}

static inline uint64_t ones(uint32_t bits) { return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1; }

/// The class of a word: below 16, then one for each power of two.
static inline uint32_t class_of(uint32_t word) {
    uint32_t class = 28 - (uint32_t)__builtin_clz(word | 15);
    return class < EDIC_INDEX_CLASSES ? class : EDIC_INDEX_CLASSES - 1;
}

static inline uint64_t scramble(uint64_t key, uint64_t mask, uint32_t fold, uint64_t multiplier) {
    uint64_t value = (key * multiplier) & mask;
    value ^= value >> fold;
    value = (value * UINT64_C(0xD6E8FEB86659FD93)) & mask;
    return value ^ (value >> fold);
}

static inline uint64_t key_of(const edic_index_set *set, uint32_t parent, uint32_t word) {
    uint64_t key = ((uint64_t)parent << set->word_bits) | (uint32_t)(word - set->first_word);
    return scramble(key & set->key_mask, set->key_mask, set->fold, set->multiplier);
}

static inline const uint8_t *line_of(const edic_index_set *set, uint64_t home) {
    return set->lines + home / HOMES * 32;
}

/// The place of a home's first entry, and how many it has.
static inline uint64_t home_start(const uint8_t *line, uint32_t place, uint32_t *held) {
    *held = (line[4 + (place >> 1)] >> ((place & 1) * 4)) & 15;
#if defined(__x86_64__)
    // Low halves of bytes are even homes, high halves odd ones; the count in front is masked off.
    const __m128i four = _mm_set1_epi8(15);
    const __m128i at0 = _mm_setr_epi8(127, 127, 127, 127, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
    const __m128i at1 = _mm_setr_epi8(12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27);
    __m128i even = _mm_set1_epi8((char)((place + 1) >> 1)), odd = _mm_set1_epi8((char)(place >> 1));
    __m128i a = _mm_loadu_si128((const __m128i *)line), b = _mm_loadu_si128((const __m128i *)(line + 16));
    __m128i sum = _mm_and_si128(_mm_and_si128(a, four), _mm_cmpgt_epi8(even, at0));
    sum = _mm_add_epi8(sum, _mm_and_si128(_mm_and_si128(_mm_srli_epi16(a, 4), four), _mm_cmpgt_epi8(odd, at0)));
    sum = _mm_add_epi8(sum, _mm_and_si128(_mm_and_si128(b, four), _mm_cmpgt_epi8(even, at1)));
    sum = _mm_add_epi8(sum, _mm_and_si128(_mm_and_si128(_mm_srli_epi16(b, 4), four), _mm_cmpgt_epi8(odd, at1)));
    sum = _mm_sad_epu8(sum, _mm_setzero_si128());
    uint32_t before = (uint32_t)_mm_cvtsi128_si32(sum) + (uint32_t)_mm_extract_epi16(sum, 4);
#else
    uint32_t before = 0;
    for (uint32_t home = 0; home < place; home++) before += (line[4 + (home >> 1)] >> ((home & 1) * 4)) & 15;
#endif
    return (uint64_t)load32(line) + before;
}

/// Up to 57 bits from a bit offset.
static inline uint64_t bits_at(const uint8_t *bytes, uint64_t offset) {
    return load64(bytes + (offset >> 3)) >> (offset & 7);
}

/// The place of a remainder among `held` entries from `first` on, or -1. Damaged counts may reach beyond the entries.
static inline int64_t place_of(const edic_index_set *set, uint64_t first, uint32_t held, uint64_t remainder) {
    if (first >= set->count) return -1;
    if (held > set->count - first) held = (uint32_t)(set->count - first);
    uint64_t offset = first * set->entry_bits;
    for (uint32_t place = 0; place < held; place++) {
        uint64_t here = bits_at(set->entries, offset) & set->remainder_mask;
        if (here >= remainder) return here == remainder ? (int64_t)(first + place) : -1;
        offset += set->entry_bits;
    }
    return -1;
}

static inline edic_index_weights weights_at(const edic_index_level *level, const edic_index_set *set, uint64_t place) {
    uint64_t offset = place * set->entry_bits + set->remainder_bits;
    edic_index_weights weights = {0, 0, set->first_number + (uint32_t)place};
    if (level->probabilities) {
        uint64_t codes = bits_at(set->entries, offset);
        weights.probability = level->probabilities[codes & ones(set->probability_bits)];
        if (set->backoff_bits) {
            weights.backoff = level->backoffs[(codes >> set->probability_bits) & ones(set->backoff_bits)];
        }
    } else {
        uint32_t bits = (uint32_t)bits_at(set->entries, offset);
        memcpy(&weights.probability, &bits, 4);
        if (set->backoff_bits) {
            bits = (uint32_t)bits_at(set->entries, offset + 32);
            memcpy(&weights.backoff, &bits, 4);
        }
    }
    return weights;
}

static inline edic_index_weights unigram_of(const edic_index_index *index, uint32_t word) {
    if (word >= index->words) word = 0;
    if (index->probabilities) {
        uint32_t codes = load32(index->unigrams + (uint64_t)word * 4);
        return (edic_index_weights){index->probabilities[codes & 0xFFFF], index->backoffs[codes >> 16], word};
    }
    const uint8_t *at = index->unigrams + (uint64_t)word * 8;
    return (edic_index_weights){load_float(at), load_float(at + 4), word};
}
