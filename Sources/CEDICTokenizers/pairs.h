// Merges as one hash table of cache lines, over symbols numbered so that a merge's rank is its result.
#ifndef EDIC_TOK_PAIRS_H
#define EDIC_TOK_PAIRS_H

#include <stddef.h>
#include <stdint.h>

enum { EDIC_TOK_SHORT = 128, EDIC_TOK_NO_RANK = 0xFFFFFF, EDIC_TOK_NO_NARROW_RANK = 0xFFFF };
#define EDIC_TOK_SCATTER 0x9E3779B1u

// A cache line of pairs of 16-bit symbols. What is looked for is compared with all keys at once, and the place after the
// last rank answers where none is equal.
typedef struct {
    uint32_t keys[8];               // left << 16 | right
    uint16_t ranks[9];              // EDIC_TOK_NO_NARROW_RANK where there is no pair, so always in the last
    uint16_t overflows;             // whether pairs that belong here are in the next bucket
    uint16_t unused[6];
} edic_tok_bucket;

typedef struct edic_tok_firsts edic_tok_firsts;

// Two neighbours, inner symbols that no merge makes.
typedef struct {
    uint32_t left, right;
} edic_tok_tie;

enum { EDIC_TOK_MOST_TIES = 8 };

// Inner symbols: the symbols that no merge makes come first (of byte-level models: the 256 bytes), then the merges'
// results in the order of their ranks.
typedef struct {
    // Of fewer than 65 535 symbols `buckets`, of more `slots`; the other is NULL.
    edic_tok_bucket *buckets;       // and one more behind them, where no pair is
    uint64_t *slots;                // left << 44 | right << 24 | rank; all bits set: empty; 8 are a bucket, a cache line
    unsigned bits;                  // log2 of how many buckets there are
    uint32_t bases, symbols;        // how many symbols no merge makes, and how many there are
    int has_bytes;                  // whether symbols 0..<256 are the bytes
    int lacks_bytes;                // whether some of those are no symbols of the caller's
    edic_tok_firsts *firsts;        // which merges come first, see firsts.h; NULL where that cannot be told
    uint32_t *outer;                // the caller's symbol by inner symbol
    uint32_t *spans;                // how many first symbols an inner symbol is made of; NULL if that differs
    uint32_t *inner;                // and the other way; UINT32_MAX: none
    uint32_t inner_count;
    // A merge whose rank is shared by several results is not in the table (in Llama 2's model, those of runs of spaces): where
    // one may come, two of these stand side by side.
    edic_tok_tie ties[EDIC_TOK_MOST_TIES];
    unsigned tie_count;
} edic_tok_pairs;

// Whether two symbols stand side by side.
static inline int edic_tok_meet(const uint32_t *symbols, size_t count, uint32_t left, uint32_t right) {
    for (size_t i = 0; i + 1 < count; i++) {
        if (symbols[i] == left && symbols[i + 1] == right) return 1;
    }
    return 0;
}

// Whether merging first symbols may take a merge that is not in the table.
static inline int edic_tok_may_tie(const edic_tok_pairs *p, const uint32_t *symbols, size_t count) {
    for (unsigned t = 0; t < p->tie_count; t++) {
        if (edic_tok_meet(symbols, count, p->ties[t].left, p->ties[t].right)) return 1;
    }
    return 0;
}

// The bucket where the search for a pair begins; full buckets go on in the next.
static inline uint32_t edic_tok_narrow_bucket(const edic_tok_pairs *p, uint32_t key) {
    return key * EDIC_TOK_SCATTER >> (32 - p->bits);
}
static inline size_t edic_tok_wide_bucket(const edic_tok_pairs *p, uint32_t left, uint32_t right) {
    return (size_t)(((uint64_t)left << 20 | right) * 0x9E3779B97F4A7C15u >> (64 - p->bits));
}

// The inner symbol of a caller's, or UINT32_MAX.
static inline uint32_t edic_tok_inner_symbol(const edic_tok_pairs *p, uint32_t symbol) {
    return symbol < p->inner_count ? p->inner[symbol] : UINT32_MAX;
}

static inline size_t edic_tok_pairs_bucket_count(const edic_tok_pairs *p) { return (size_t)1 << p->bits; }

// A slot of the caller's table: pair is left << 32 | right; all bits set where it is empty.
typedef struct {
    uint64_t pair;
    uint32_t rank, result;
} edic_tok_merge_slot;

// NULL where a result has two ranks, where a rank has two results (with `byte_ids`, or in too many places), where there are too
// many symbols, or without memory. `byte_ids`, if given, are 256 symbols that no merge makes,
// UINT32_MAX where there is none.
edic_tok_pairs *edic_tok_pairs_create(const edic_tok_merge_slot *slots, size_t count, const uint32_t *byte_ids);
void edic_tok_pairs_destroy(edic_tok_pairs *pairs);

#endif
