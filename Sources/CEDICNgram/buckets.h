#ifndef EDIC_NGRAM_BUCKETS_H
#define EDIC_NGRAM_BUCKETS_H

#include "CEDICNgram.h"

/// The bucket of an n-gram whose last word is `code` and the one before `before`.
static inline uint32_t bucket_of(const edic_ngram_plan *plan, uint32_t code, uint32_t before) {
    uint32_t bucket = plan->bucket_of[code];
    return bucket & EDIC_NGRAM_SPLIT
        ? plan->split[(bucket & ~EDIC_NGRAM_SPLIT) * 256 + plan->class_of[before]] : bucket;
}

static inline int is_begin(uint32_t label) { return (label & ~EDIC_NGRAM_PRUNED) == EDIC_NGRAM_BEGIN; }

#endif
