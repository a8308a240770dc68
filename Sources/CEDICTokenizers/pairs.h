// Merges as one hash table of 8 bytes a pair, over symbols numbered so that a merge's rank is its result.
#ifndef EDIC_TOK_PAIRS_H
#define EDIC_TOK_PAIRS_H

#include <stddef.h>
#include <stdint.h>

enum { EDIC_TOK_SHORT = 128, EDIC_TOK_NO_RANK = 0xFFFFFF };

// Inner symbols: the symbols that no merge makes come first (of byte-level models: the 256 bytes), then the merges'
// results in the order of their ranks.
typedef struct {
    uint64_t *slots;                // left << 44 | right << 24 | rank; all bits set: empty; aligned to buckets
    unsigned shift;                 // 64 - log2 of the buckets
    uint32_t bases, symbols;        // how many symbols no merge makes, and how many there are
    uint32_t *bytes;                // rank by left byte << 8 | right byte; NULL where bytes are no symbols
    uint32_t *outer;                // the caller's symbol by inner symbol
    uint32_t *spans;                // how many first symbols an inner symbol is made of; NULL if not ordered
    uint32_t *inner;                // and the other way; UINT32_MAX: none
    uint32_t inner_count;
} edic_tok_pairs;

// The bucket of 8 slots, a cache line, where the search for a key begins; full buckets go on in the next.
static inline size_t edic_tok_pairs_bucket(const edic_tok_pairs *p, uint64_t key) {
    return (size_t)(key * 0x9E3779B97F4A7C15u >> p->shift);
}

static inline const uint64_t *edic_tok_pairs_end(const edic_tok_pairs *p) { return p->slots + ((size_t)8 << (64 - p->shift)); }

// A slot of the caller's table: pair is left << 32 | right; all bits set where it is empty.
typedef struct {
    uint64_t pair;
    uint32_t rank, result;
} edic_tok_merge_slot;

// NULL where a rank has two results or a result two ranks, where there are too many, or without memory.
// `byte_ids`, if given, are 256 symbols that no merge makes; `ordered`: parts have lower ranks than wholes.
edic_tok_pairs *edic_tok_pairs_create(const edic_tok_merge_slot *slots, size_t count, const uint32_t *byte_ids,
                                      int ordered);
void edic_tok_pairs_destroy(edic_tok_pairs *pairs);

#endif
