// Encoding a word that is not remembered, for the loop over words.
#ifndef EDIC_TOK_WORDS_H
#define EDIC_TOK_WORDS_H

#include "CEDICTokenizers.h"

enum {
    EDIC_TOK_LONGEST_WORD = 255,    // in bytes; longer ones are the caller's
    EDIC_TOK_WORD_ROOM = 1024,      // no such word has more ids
};

// As edic_tok_encode_word, with the score of the path before the word, and the doubt of the choice.
size_t edic_tok_encode_word_after(const edic_tok_words *words, const uint8_t *word, size_t length, double before,
                                  uint32_t *ids, uint8_t *doubt);
// The most doubt that rounding leaves harmless until the score doubles, and how many ids that is at least.
uint8_t edic_tok_sentence_most_doubt(const edic_tok_sentence *sentence, float score, size_t *lasts);

#endif
