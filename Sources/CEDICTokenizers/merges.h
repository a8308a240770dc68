// The inside of edic_tok_merges, for the files that encode words.
#ifndef EDIC_TOK_MERGES_H
#define EDIC_TOK_MERGES_H

#include "CEDICTokenizers.h"
#include "pairs.h"

struct edic_tok_merges {
    edic_tok_merge_slot *slots;
    size_t mask, count;
    edic_tok_pairs *pairs;          // the same merges, faster; NULL where they are not consistent
};

// Merges a word of any length in linear time, as edic_tok_merge does.
size_t edic_tok_merge_windows(const edic_tok_merges *m, uint32_t *symbols, uint32_t *sizes, size_t count);
// The same in more time, with any merges.
size_t edic_tok_merge_heap(const edic_tok_merges *m, uint32_t *symbols, uint32_t *sizes, size_t count);

#endif
