// Unigram's best paths of many short words at once, summed in single precision.
#ifndef EDIC_TOK_PATHS_H
#define EDIC_TOK_PATHS_H

#include "CEDICTokenizers.h"

enum {
    EDIC_TOK_PATHS_ROOM = 1024,     // the bytes of all words of a round
    EDIC_TOK_PATHS_WORD = 192,      // and of one word at most
    EDIC_TOK_PATHS_MOST = 64,       // how many words
};

typedef struct edic_tok_paths edic_tok_paths;
edic_tok_paths *edic_tok_paths_create(void);
void edic_tok_paths_destroy(edic_tok_paths *paths);

// Whether the model's scores and ids are such that the paths can be found here. Of a model summed in double precision they
// are best where no choice was closer than edic_tok_paths_rounding.
int edic_tok_paths_fit(const edic_tok_unigram *model, uint32_t piece_count);
// Begins a round without words.
void edic_tok_paths_clear(edic_tok_paths *paths);
// Where the next word may be written, EDIC_TOK_PATHS_WORD bytes; NULL where the round is full. Then how long it is.
uint8_t *edic_tok_paths_next(edic_tok_paths *paths);
void edic_tok_paths_add(edic_tok_paths *paths, size_t length);
// Finds the pieces that begin at each character of each word.
void edic_tok_paths_walk(edic_tok_paths *paths, const edic_tok_unigram *model);
// The best path of a word, as edic_tok_unigram_best finds it from a score of 0 on, and the word; SIZE_MAX where it must be
// found there.
size_t edic_tok_paths_best(const edic_tok_paths *paths, const edic_tok_unigram *model, size_t word, uint32_t *ids,
                           uint32_t *ends, float *margin, const uint8_t **bytes);

// What rounding to single precision can add at most to the lead of one path over another in a word of `length` bytes, where no
// piece's score is greater than `most`, whatever its sign.
float edic_tok_paths_rounding(size_t length, float most);

#endif
