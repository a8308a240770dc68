// Encoding a word that is not remembered, for the loop over words.
#ifndef EDIC_TOK_WORDS_H
#define EDIC_TOK_WORDS_H

#include "CEDICTokenizers.h"
#include "pairs.h"

enum {
    EDIC_TOK_LONGEST_WORD = 255,    // in bytes; longer ones are the caller's
    EDIC_TOK_WORD_ROOM = 1024,      // no such word has more ids
};

// As edic_tok_encode_word, with the score of the path before the word, and the doubt of the choice.
size_t edic_tok_encode_word_after(const edic_tok_words *words, const uint8_t *word, size_t length, double before,
                                  uint32_t *ids, uint8_t *doubt);
// Of SentencePiece's BPE: the inner symbols of a normalized word, at most EDIC_TOK_SHORT; 0 where it is not a run of them.
// Then, when those are merged, the ids they are: SIZE_MAX where one is unknown.
int edic_tok_sentence_symbols(const edic_tok_sentence *sentence, const uint8_t *s, size_t n, int prefix, uint32_t *symbols,
                              size_t *count);
size_t edic_tok_sentence_put(const edic_tok_sentence *sentence, const uint32_t *symbols, size_t count, uint32_t *ids);
// The pairs that the words of a sentence merge by; NULL: none, or Unigram.
const edic_tok_pairs *edic_tok_sentence_pairs(const edic_tok_sentence *sentence);
// The most doubt that rounding leaves harmless until the score doubles, and how many ids that is at least.
uint8_t edic_tok_sentence_most_doubt(const edic_tok_sentence *sentence, float score, size_t *lasts);

#endif
