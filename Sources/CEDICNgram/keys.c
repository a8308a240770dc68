#include <string.h>

#include "CEDICNgram.h"
#include "buckets.h"
#include "varint.h"

#define STAGED 32

/// A layout with what is computed from it.
typedef struct {
    uint32_t order, bits, words_per_limb, top, unused;
    uint64_t word, full[5];
    uint8_t limb[10], shift[10];
} key_shape;

static key_shape shape_of(edic_ngram_layout layout) {
    key_shape shape = {
        .order = layout.order,
        .bits = layout.bits,
        .words_per_limb = layout.words_per_limb,
        .top = (layout.words_per_limb - 1) * layout.bits,
        .unused = 64 - layout.words_per_limb * layout.bits,
        .word = ((uint64_t)1 << layout.bits) - 1,
    };
    for (uint32_t word = 0; word < layout.order; word++) {
        uint32_t limb = word / layout.words_per_limb;
        uint32_t shift = (layout.words_per_limb - 1 - word % layout.words_per_limb) * layout.bits;
        shape.limb[word] = (uint8_t)limb;
        shape.shift[word] = (uint8_t)shift;
        shape.full[limb] |= shape.word << shift;
    }
    return shape;
}

#define L 1
#include "keys.h"
#undef L
#define L 2
#include "keys.h"
#undef L
#define L 3
#include "keys.h"
#undef L
#define L 4
#include "keys.h"
#undef L
#define L 5
#include "keys.h"
#undef L

/// Calls the function for the number of limbs there are.
#define WITH_LIMBS(limbs, CALL)                                                                                       \
    switch (limbs) {                                                                                                  \
    case 1: CALL(1); break;                                                                                           \
    case 2: CALL(2); break;                                                                                           \
    case 3: CALL(3); break;                                                                                           \
    case 4: CALL(4); break;                                                                                           \
    default: CALL(5); break;                                                                                          \
    }

size_t edic_ngram_codes(const uint8_t *block, size_t size, const uint32_t *map, uint32_t *codes) {
    const uint8_t *in = block, *end = block + size;
    size_t count = 0;
    while (in < end) {
        uint64_t number;
        in = edic_get(in, end, &number);
        codes[count] = map[number];
        count += codes[count] != EDIC_NGRAM_NONE;
    }
    return count;
}

void edic_ngram_count_pairs(const uint8_t *block, size_t size, const uint32_t *map, const uint16_t *bucket_of,
                            const uint8_t *class_of, uint32_t *rows) {
    const uint8_t *in = block, *end = block + size;
    uint32_t before = EDIC_NGRAM_BEGIN;
    while (in < end) {
        uint64_t number;
        in = edic_get(in, end, &number);
        uint32_t code = map[number];
        if (code == EDIC_NGRAM_NONE) continue;
        uint32_t bucket = bucket_of[code];
        if (bucket & EDIC_NGRAM_SPLIT) rows[(bucket & ~EDIC_NGRAM_SPLIT) * 256 + class_of[before]]++;
        before = code == EDIC_NGRAM_END ? EDIC_NGRAM_BEGIN : code;
    }
}

void edic_ngram_scatter(const uint8_t *block, size_t size, const uint32_t *map, edic_ngram_layout layout,
                        const edic_ngram_plan *plan, uint32_t first, uint32_t last, uint64_t *keys, uint64_t *cursors,
                        uint64_t *stage, uint8_t *filled) {
    key_shape shape = shape_of(layout);
#define CALL(l) scatter##l(block, size, map, &shape, plan, first, last, (key##l *)keys, cursors, (key##l *)stage, filled)
    WITH_LIMBS(layout.limbs, CALL)
#undef CALL
}

void edic_ngram_sort(uint64_t *keys, uint64_t *scratch, size_t n, uint32_t limbs) {
#define CALL(l) radix_sort##l((key##l *)keys, (key##l *)scratch, n, 0, 0)
    WITH_LIMBS(limbs, CALL)
#undef CALL
}

size_t edic_ngram_merge(uint64_t *keys, uint64_t *scratch, size_t n, edic_ngram_layout layout, uint64_t *nodes) {
    key_shape shape = shape_of(layout);
    size_t merged = 0;
#define CALL(l) merged = merge##l((key##l *)keys, scratch, n, &shape, nodes)
    WITH_LIMBS(layout.limbs, CALL)
#undef CALL
    return merged;
}

/// Marks what is pruned and counts how many n-grams there are and stay. Pruned parents have pruned children.
static void mark(uint32_t k, uint32_t order, uint32_t code_base, edic_ngram_level *levels, const uint64_t *thresholds,
                 const uint8_t *allowed, uint32_t *const *occurrences, edic_ngram_tally *tally) {
    edic_ngram_level level = levels[k - 1], parents = levels[k - 2];
    const uint32_t *sums = occurrences ? occurrences[k - 1] : NULL;
    size_t node = 0;
    tally->seen += level.n;
    for (size_t parent = 0; parent < parents.n; parent++) {
        uint32_t children = parents.counts[parent], is_out = 0;
        if (k == 2) {
            is_out = allowed && !allowed[code_base + parent];
        } else {
            if (is_begin(parents.labels[parent])) continue;
            is_out = (parents.labels[parent] & EDIC_NGRAM_PRUNED) != 0;
        }
        for (uint32_t child = 0; child < children; child++, node++) {
            uint32_t count = level.counts[node];
            if (count <= 4 && count) tally->counts[count - 1]++;
            if (is_out || (allowed && !allowed[level.labels[node]])
                || (sums ? sums[node] : k == order ? count : UINT32_MAX) <= thresholds[k - 1]) {
                level.labels[node] |= EDIC_NGRAM_PRUNED;
            } else {
                tally->kept++;
                if (tally->classes) tally->classes[EDIC_NGRAM_CLASS(level.labels[node] - 1)]++;
            }
        }
    }
}

void edic_ngram_build(const uint64_t *keys, const uint64_t *scratch, size_t n, size_t merged, edic_ngram_layout layout,
                      uint32_t code_base, edic_ngram_level *levels, const uint64_t *thresholds, const uint8_t *allowed,
                      uint32_t *const *occurrences, edic_ngram_tally *tallies) {
    key_shape shape = shape_of(layout);
#define CALL(l) build##l((const key##l *)keys, scratch, n, merged, &shape, code_base, levels, occurrences)
    WITH_LIMBS(layout.limbs, CALL)
#undef CALL
    for (uint32_t k = 2; k <= layout.order; k++) {
        mark(k, layout.order, code_base, levels, thresholds, allowed, occurrences, &tallies[k - 1]);
    }
}
