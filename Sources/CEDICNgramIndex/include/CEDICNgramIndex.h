// Look-ups in a model of EDICNgram's own format (see the article "The model format"), where its bytes lie.
//
// Nothing here allocates or checks sizes: whoever fills in an index has checked that every part lies inside the file.
// Damaged contents (counts, codes, ids) lead to "not found" or to wrong numbers, never to a read outside the parts.

#pragma once

#include <stdint.h>
#include <stddef.h>

#define EDIC_INDEX_MAX_ORDER 10
#define EDIC_INDEX_CLASSES 26
/// The most words that one call scores or looks up.
#define EDIC_INDEX_BATCH 128
/// An id that stands for the beginning of a sentence in a batch: scored as a context, not as a word.
#define EDIC_INDEX_BEGIN UINT32_MAX
/// An id that stands for no context: what follows it is scored as if nothing came before.
#define EDIC_INDEX_NOTHING (UINT32_MAX - 1)

/// N-grams of one order whose first word is of one class.
typedef struct {
    const uint8_t *_Nonnull lines;
    const uint8_t *_Nonnull entries;
    uint64_t count;
    uint64_t key_mask;
    uint64_t remainder_mask;
    uint64_t multiplier;
    uint32_t first_word;
    uint32_t first_number;
    uint8_t word_bits;
    uint8_t remainder_bits;
    uint8_t fold;
    uint8_t entry_bits;
    uint8_t probability_bits;
    uint8_t backoff_bits;
} edic_index_set;

/// N-grams of one order. Lists of values have an element for every code, or are null where codes are floats.
typedef struct {
    edic_index_set sets[EDIC_INDEX_CLASSES];
    const float *_Nullable probabilities;
    const float *_Nullable backoffs;
} edic_index_level;

typedef struct {
    uint32_t order;
    uint32_t words;
    const uint8_t *_Nonnull unigrams;
    /// Of unigrams: 65536 values each, or null where they are floats.
    const float *_Nullable probabilities;
    const float *_Nullable backoffs;
    const uint8_t *_Nonnull slots;
    uint64_t slot_count;
    const uint8_t *_Nonnull starts;
    const uint8_t *_Nonnull text;
    uint64_t text_size;
    uint32_t id_bits;
    uint32_t begin;
    /// Of the orders from 2 on.
    edic_index_level levels[EDIC_INDEX_MAX_ORDER - 1];
} edic_index_index;

typedef struct {
    float probability;
    float backoff;
    uint32_t number;
} edic_index_weights;

/// What a batch leaves for the next one: the words before it, the latest last, and what was found of them.
typedef struct {
    uint32_t words[EDIC_INDEX_MAX_ORDER];
    float backoffs[EDIC_INDEX_MAX_ORDER];
    uint32_t matched;
} edic_index_context;

typedef struct {
    float probability;
    float backoff;
    uint32_t matched;
} edic_index_score;

/// The multiplier that a set's seed stands for.
uint64_t edic_index_multiplier(uint64_t seed);

/// The key of an n-gram in its set, scrambled: its top bits are the home, the others the remainder.
uint64_t edic_index_scramble(uint64_t key, uint64_t mask, uint32_t fold, uint64_t multiplier);

edic_index_weights edic_index_unigram(const edic_index_index *_Nonnull index, uint32_t word);

/// Finds the n-gram of `order` words that is number `parent` of the order below with `word` put before it.
int edic_index_extend(
    const edic_index_index *_Nonnull index, uint32_t order, uint32_t parent, uint32_t word,
    edic_index_weights *_Nonnull found);

/// Scores up to EDIC_INDEX_BATCH words one after another, with look-ups of all of them under way at once; `context`
/// is the one before them and becomes the one behind them. The result is that of scoring them one by one.
void edic_index_score_batch(
    const edic_index_index *_Nonnull index, edic_index_context *_Nonnull context, const uint32_t *_Nonnull ids,
    size_t count, edic_index_score *_Nonnull scores);

/// As edic_index_score_batch, but each word is scored after the context, as alternatives to one another.
void edic_index_score_alternatives(
    const edic_index_index *_Nonnull index, const edic_index_context *_Nonnull context, const uint32_t *_Nonnull ids,
    size_t count, edic_index_score *_Nonnull scores);

/// The hash of a word.
uint64_t edic_index_hash(const uint8_t *_Nonnull word, size_t length);

/// The slot where the search for a hash begins.
uint64_t edic_index_slot(uint64_t hash, uint64_t slot_count);

/// The id of a word, or UINT32_MAX where it is unknown.
uint32_t edic_index_find_word(const edic_index_index *_Nonnull index, const uint8_t *_Nonnull word, size_t length);

/// Where the bytes of a word lie in the index's text; the length is -1 where there is no such word.
int64_t edic_index_word_place(const edic_index_index *_Nonnull index, uint32_t id, int64_t *_Nonnull length);

/// Where a word lies in a text.
typedef struct {
    size_t start;
    size_t length;
} edic_index_word;

/// Cuts words off a text and looks them up until there are EDIC_INDEX_BATCH, where a line end counts as two with the ids
/// `end` and `begin`, of length 0; unknown words get 0. Seven readable bytes must follow the text. `*position` is where
/// to begin and becomes where to go on, `*open` says whether the line has begun; a last line without a line feed ends too.
/// Returns how many ids there are.
size_t edic_index_read_words(
    const edic_index_index *_Nonnull index, const uint8_t *_Nonnull text, size_t size, size_t *_Nonnull position,
    int *_Nonnull open, uint32_t end, uint32_t begin, uint32_t *_Nonnull ids, edic_index_word *_Nonnull words);
