// The inside of edic_tok_sentence, for normalization and encoding.
#ifndef EDIC_TOK_SENTENCE_H
#define EDIC_TOK_SENTENCE_H

#include "CEDICTokenizers.h"
#include "trie.h"

enum { DIRECT = 0x3000, TWO_BYTES = 0x800, NORMAL_ROOM = 1024 };
typedef struct {
    uint32_t scalar, symbol;
} character;

struct edic_tok_sentence {
    edic_tok_sentence_parts parts;
    uint32_t *units;                // the map's trie
    size_t unit_count;
    uint8_t *values;
    size_t value_size;
    uint8_t plain[TWO_BYTES];       // a character of one or two bytes that stands for itself unless …
    uint8_t goes_on[256];           // … a byte follows that goes on in a key of such a character
    uint32_t *direct;               // the symbols of the first characters
    character *others;              // and of the others, in their order
    size_t other_count;
    uint32_t *scalars;              // the character of each symbol beyond the pieces
    size_t scalar_count;
    float most;                     // no id changes the score by more
    uint8_t begins_symbol[256];     // whether a symbol of parts.symbols begins with the byte
    uint8_t quick[TWO_BYTES];       // a plain character that begins no symbol
    uint32_t *quick_inner;          // BPE: the inner symbol of each quick character; UINT32_MAX where there is none
    uint32_t mark_inner;            // and of ▁
    edic_tok_unigram symbol_free;   // the model without these symbols
};

static const uint8_t mark[3] = {0xE2, 0x96, 0x81};      // ▁

// A character of one or two bytes at s[i]: its scalar and how many bytes it takes; 0 where there is another.
// Without branches, since nobody can foresee which it is.
static inline unsigned two_bytes_at(const uint8_t *s, size_t i, size_t n, uint32_t *scalar) {
    uint32_t first = s[i], second = s[i + (i + 1 < n)];
    uint32_t is_two = first >= 0x80, is = !is_two | ((first - 0xC2 < 0x1E) & ((second & 0xC0) == 0x80));
    *scalar = is_two ? (first & 0x1F) << 6 | (second & 0x3F) : first;
    return (1 + is_two) & (0 - is);
}

// The length of the longest symbol at s[i], 0 where there is none.
static inline size_t symbol_at(const edic_tok_sentence *m, const uint8_t *s, size_t i, size_t n, uint32_t *id) {
    size_t length;
    if (!m->begins_symbol[s[i]]) return 0;
    *id = edic_tok_trie_longest(m->parts.symbols, s + i, n - i, &length);
    return *id == UINT32_MAX ? 0 : length;
}

// Writes a scalar below 0x110000 in UTF-8; returns how many bytes.
size_t edic_tok_utf8_of(uint32_t scalar, uint8_t *to);
// Takes the map in; returns 0 without memory. Then finds which characters it leaves alone.
int edic_tok_sentence_read_map(edic_tok_sentence *m, const uint8_t *map, size_t trie_size, size_t map_size);
// The normalized text, in `room` and 4 bytes; SIZE_MAX where it has no room, has bytes that are refused, or where it ends
// in a ▁ that may stay or go, or go into one piece with the next, as what follows in the sentence decides.
size_t edic_tok_sentence_normalize(const edic_tok_sentence *m, const uint8_t *s, size_t n, int prefix, uint8_t *out, size_t room);
// Whether a symbol of parts.symbols is in a text.
int edic_tok_sentence_has_symbol(const edic_tok_sentence *m, const uint8_t *s, size_t n);

#endif
