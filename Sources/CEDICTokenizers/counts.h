// The table of counted words, for the files that count and list.
#ifndef EDIC_TOKENIZERS_COUNTS_H
#define EDIC_TOKENIZERS_COUNTS_H

#include <stdlib.h>
#include <string.h>

#include "CEDICTokenizers.h"

typedef struct {
    uint64_t key[3];        // the word and its length in the last byte, or hash, offset and length of a long one
    uint64_t count;
} word_slot;

struct edic_tok_counts {
    word_slot *slots;
    unsigned bits, skipped;     // upper bits of the hash that make the place, after those that all words share
    size_t used;
    uint8_t *bytes;         // long words
    size_t byte_count, byte_capacity;
};

/// A word of a text; `spaced`: with a space before it, whatever is there in the text.
typedef struct {
    uint32_t begin, length, spaced;
} word_range;

typedef struct {
    uint64_t prefix;        // the first 8 bytes, so that they compare as a number
    const uint8_t *word;
    uint64_t count;
    uint32_t length;
} word_reference;

uint64_t edic_tok_slot_hash(const word_slot *s);
const uint8_t *edic_tok_slot_word(const edic_tok_counts *c, const word_slot *s, uint32_t *length);
int edic_tok_counts_add_words(edic_tok_counts *c, const uint8_t *s, size_t n, const word_range *words, size_t count);

#endif
