// One look-up, and many at once.
//
// A batch goes through the orders together: for all words whose n-gram of one order less was found, first the lines of
// their homes are asked for, then, read from those, their entries, and then the entries are searched. So as many cache
// misses are under way as the processor can hold, where one word after another would wait for each.

#include "find.h"

uint64_t edic_index_multiplier(uint64_t seed) {
    return UINT64_C(0x9E3779B97F4A7C15) + seed * UINT64_C(0x3C6EF372FE94F82A);
}

uint64_t edic_index_scramble(uint64_t key, uint64_t mask, uint32_t fold, uint64_t multiplier) {
    return scramble(key, mask, fold, multiplier);
}

edic_index_weights edic_index_unigram(const edic_index_index *index, uint32_t word) { return unigram_of(index, word); }

int edic_index_extend(
    const edic_index_index *index, uint32_t order, uint32_t parent, uint32_t word, edic_index_weights *found
) {
    const edic_index_level *level = &index->levels[order - 2];
    const edic_index_set *set = &level->sets[class_of(word)];
    if (set->count == 0) return 0;
    uint64_t key = key_of(set, parent, word);
    uint64_t home = key >> set->remainder_bits;
    uint32_t held;
    uint64_t first = home_start(line_of(set, home), (uint32_t)(home % HOMES), &held);
    int64_t place = place_of(set, first, held, key & set->remainder_mask);
    if (place < 0) return 0;
    *found = weights_at(level, set, (uint64_t)place);
    return 1;
}

typedef struct {
    const edic_index_set *set;
    uint64_t remainder;
    union {
        uint64_t home;
        uint64_t first;
    };
    uint32_t word;
    uint32_t held;
} probe;

/// Scores words one after another, or, as `alternatives`, each after the context.
static inline __attribute__((always_inline)) void score_words(
    const edic_index_index *index, edic_index_context *context, const uint32_t *ids, size_t count,
    edic_index_score *scores, int alternatives
) {
    enum { past = EDIC_INDEX_MAX_ORDER };
    // Behind the words before the batch lie its own; place `past + n` is word n.
    uint32_t words[past + EDIC_INDEX_BATCH];
    uint32_t matched[1 + EDIC_INDEX_BATCH];
    uint32_t numbers[1 + EDIC_INDEX_BATCH];
    // Of n-grams of one word, two, …
    float backoffs[1 + EDIC_INDEX_BATCH][EDIC_INDEX_MAX_ORDER];
    probe probes[EDIC_INDEX_BATCH];
    uint32_t order = index->order;
    if (count == 0) return;
    memcpy(words, context->words, sizeof context->words);
    memcpy(backoffs[0], context->backoffs, sizeof context->backoffs);
    matched[0] = context->matched;
    for (size_t n = 0; n < count; n++) {
        uint32_t id = ids[n] == EDIC_INDEX_BEGIN ? index->begin : ids[n] == EDIC_INDEX_NOTHING ? 0 : ids[n];
        words[past + n] = id;
        __builtin_prefetch(index->unigrams + (uint64_t)(id < index->words ? id : 0) * (index->probabilities ? 4 : 8));
    }
    size_t active = 0;
    for (size_t n = 0; n < count; n++) {
        edic_index_weights found = unigram_of(index, words[past + n]);
        scores[n].probability = found.probability;
        backoffs[n + 1][0] = found.backoff;
        numbers[n + 1] = found.number;
        matched[n + 1] = ids[n] != EDIC_INDEX_NOTHING;
        probes[active].word = (uint32_t)n;
        active += ids[n] < EDIC_INDEX_NOTHING && matched[alternatives ? 0 : n] >= 1;
    }
    for (uint32_t longer = 2; longer <= order && active > 0; longer++) {
        const edic_index_level *level = &index->levels[longer - 2];
        size_t kept = 0;
        for (size_t i = 0; i < active; i++) {
            uint32_t n = probes[i].word;
            uint32_t word = words[past + (alternatives ? 0 : n) - (longer - 1)];
            const edic_index_set *set = &level->sets[class_of(word)];
            uint64_t key = key_of(set, numbers[n + 1], word);
            uint64_t home = key >> set->remainder_bits;
            __builtin_prefetch(line_of(set, home));
            probes[kept] = (probe){set, key & set->remainder_mask, {home}, n, 0};
            kept += set->count > 0;
        }
        active = kept;
        kept = 0;
        for (size_t i = 0; i < active; i++) {
            probe p = probes[i];
            uint64_t home = p.home;
            p.first = home_start(line_of(p.set, home), (uint32_t)(home % HOMES), &p.held);
            const uint8_t *at = p.set->entries + (p.first * p.set->entry_bits >> 3);
            __builtin_prefetch(at);
            __builtin_prefetch(at + ((p.held * p.set->entry_bits) >> 3) + 7);
            probes[kept] = p;
            kept += p.held > 0;
        }
        active = kept;
        for (size_t i = 0; i < active; i++) {
            probe p = probes[i];
            int64_t place = place_of(p.set, p.first, p.held, p.remainder);
            if (place < 0) continue;
            edic_index_weights found = weights_at(level, p.set, (uint64_t)place);
            uint32_t n = p.word;
            scores[n].probability = found.probability;
            numbers[n + 1] = found.number;
            matched[n + 1] = longer;
            backoffs[n + 1][longer - 1] = found.backoff;
        }
        // A longer n-gram can only be there where the words before the last are one too.
        kept = 0;
        for (size_t i = 0; i < active; i++) {
            uint32_t n = probes[i].word;
            probes[kept].word = n;
            kept += matched[n + 1] == longer && matched[alternatives ? 0 : n] >= longer;
        }
        active = kept;
    }
    for (size_t n = 0; n < count; n++) {
        // Where a context ends there is no n-gram to back off to.
        if (matched[n + 1] == 0) {
            scores[n].backoff = 0;
            scores[n].matched = 0;
            continue;
        }
        size_t before = alternatives ? 0 : n;
        uint32_t length = matched[before] < order ? matched[before] : order - 1;
        float backoff = 0, probability = scores[n].probability;
        for (uint32_t place = matched[n + 1]; place <= length; place++) {
            backoff += backoffs[before][place - 1];
            probability += backoffs[before][place - 1];
        }
        scores[n] = (edic_index_score){probability, backoff, matched[n + 1]};
    }
    if (alternatives) return;
    memcpy(context->words, words + count, sizeof context->words);
    memcpy(context->backoffs, backoffs[count], sizeof context->backoffs);
    context->matched = matched[count];
}

void edic_index_score_batch(
    const edic_index_index *index, edic_index_context *context, const uint32_t *ids, size_t count,
    edic_index_score *scores
) {
    score_words(index, context, ids, count, scores, 0);
}

void edic_index_score_alternatives(
    const edic_index_index *index, const edic_index_context *context, const uint32_t *ids, size_t count,
    edic_index_score *scores
) {
    edic_index_context copy = *context;
    score_words(index, &copy, ids, count, scores, 1);
}
