// Which of a word's first symbols are merged whatever else happens, all at once.
//
// Merging takes the lowest rank first, so a pair (a, b) is merged for certain if neither a can go to what ends before it
// nor b to what begins behind it at a lower rank. That follows from the two symbols around the pair alone: a could only
// be taken by a merge of (X, a) where X ends in the symbol on the left, and b by one of (b, Y) where Y begins with the
// symbol on the right. Where parts have lower ranks than wholes, what such a pair makes has no say before its own rank, so
// all of them may be merged in one step. Of European words that is more than half of all merges.
#ifndef EDIC_TOK_FIRSTS_H
#define EDIC_TOK_FIRSTS_H

#include "pairs.h"

enum { EDIC_TOK_FIRST_SYMBOLS = 512 };

// What is known of two neighbours a and b, three hastes from the lowest bits on: that of (a, b), the greatest of all (X, b)
// where X ends in a, and the greatest of all (a, Y) where Y begins with b. A haste is the most there is less the rank; 0
// where there is no such merge. They take 16 bits each where symbols do, otherwise 21.
typedef uint64_t edic_tok_neighbours;

struct edic_tok_firsts {
    uint32_t limit;                 // only words of symbols below it have sure merges
    unsigned bits;
    edic_tok_neighbours *known;     // by left * limit + right
};

// A merge of inner symbols.
typedef struct {
    uint32_t left, right, rank;
} edic_tok_inner_merge;

// NULL where it cannot be told which symbol a merged one begins and ends with, where a whole has a lower rank than one of
// its parts, or without memory.
edic_tok_firsts *edic_tok_firsts_create(const edic_tok_inner_merge *merges, size_t count, uint32_t bases, uint32_t symbols,
                                        int are_narrow);
void edic_tok_firsts_destroy(edic_tok_firsts *firsts);

// Merges what is sure of a word of up to EDIC_TOK_SHORT symbols in place; returns how many are left.
size_t edic_tok_merge_firsts(const edic_tok_pairs *pairs, uint32_t *symbols, size_t count);

#endif
