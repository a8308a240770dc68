// Encoding a word that is not remembered, for the loop over words.
#ifndef EDIC_TOK_WORDS_H
#define EDIC_TOK_WORDS_H

#include "CEDICTokenizers.h"
#include "pairs.h"
#include "paths.h"

enum {
    EDIC_TOK_LONGEST_WORD = 255,    // in bytes; longer ones are the caller's
    EDIC_TOK_WORD_ROOM = 1024,      // no such word has more ids
};

// As edic_tok_encode_word, with the score of the path before the word, and the doubt of the choice.
size_t edic_tok_encode_word_after(const edic_tok_words *words, const uint8_t *word, size_t length, double before,
                                  uint32_t *ids, uint8_t *doubt);
// Of plain words: makes each run of unknown ids one; SIZE_MAX where they are the caller's affair.
size_t edic_tok_settle_unknown(const edic_tok_words *words, uint32_t *ids, size_t count);
// Whether a WordPiece word has more characters than any that is not unknown, for sure.
int edic_tok_is_overlong(const edic_tok_words *words, const uint8_t *s, size_t n);
// Of SentencePiece's BPE: the inner symbols of a normalized word, at most EDIC_TOK_SHORT; 0 where it is not a run of them.
// Then, when those are merged, the ids they are: SIZE_MAX where one is unknown.
int edic_tok_sentence_symbols(const edic_tok_sentence *sentence, const uint8_t *s, size_t n, int prefix, uint32_t *symbols,
                              size_t *count);
size_t edic_tok_sentence_put(const edic_tok_sentence *sentence, uint32_t *symbols, size_t count, uint32_t *ids);
// The pairs that the words of a sentence merge by; NULL: none, or Unigram.
const edic_tok_pairs *edic_tok_sentence_pairs(const edic_tok_sentence *sentence);
// Whether a word is letters, numbers, punctuation and symbols that the map leaves alone and that are characters of their own
// beside any others: so that it is the same however texts are cut into characters, and joins nothing beside it.
int edic_tok_sentence_is_plain(const edic_tok_sentence *sentence, const uint8_t *s, size_t n);
// Whether the best paths of many words of a Unigram sentence may be found at once. Then each is normalized and added, which
// gives 0 where it must be encoded otherwise and -1 where the round is full, and after the walk taken: SIZE_MAX as above.
int edic_tok_sentence_walks(const edic_tok_sentence *sentence);
int edic_tok_sentence_add(const edic_tok_sentence *sentence, const uint8_t *s, size_t n, int prefix, edic_tok_paths *paths);
size_t edic_tok_sentence_take(const edic_tok_sentence *sentence, const edic_tok_paths *paths, size_t word, uint32_t *ids,
                              uint8_t *doubt);
void edic_tok_sentence_walk(const edic_tok_sentence *sentence, edic_tok_paths *paths);
// The most doubt that rounding leaves harmless until the score doubles, and how many ids that is at least.
uint8_t edic_tok_sentence_most_doubt(const edic_tok_sentence *sentence, float score, size_t *lasts);

// Whether a byte of a word is none of the vocabulary's.
static inline int edic_tok_lacks_bytes(const edic_tok_words *words, const uint8_t *word, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (words->byte_ids[word[i]] == UINT32_MAX) return 1;
    }
    return 0;
}

#endif
