#pragma once
// The inner loop of language identification: letters to n-gram features, features to sums of weights.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    /// Feature numbers are below 2 to this power.
    edic_feature_bits = 22,
    /// Weights a feature has: one a language, padded.
    edic_language_limit = 48,
};

/// A table of weights: a slot holds one of the features that map to it, and the tag tells which.
typedef struct {
    const uint8_t *_Nonnull tags;
    /// `edic_language_limit` weights a slot.
    const int8_t *_Nonnull weights;
    uint32_t slots;
} edic_language_table;

typedef struct {
    /// Letters of the Latin, Greek and Cyrillic scripts, and letters of other scripts.
    uint32_t letters, foreign;
    /// Features of the text that the table has.
    uint32_t features;
    /// Bit n: there are letters from U+0080 times n on, up to the next multiple.
    uint64_t blocks;
} edic_language_evidence;

/// Adds up the weights of a text's features. `sums` holds `edic_language_limit` numbers. Looks at no more than `count`
/// bytes, whatever they are; bytes that are not UTF-8 separate words.
edic_language_evidence edic_language_sum(
    const edic_language_table *_Nonnull table, const void *_Nullable bytes, size_t count, int32_t *_Nonnull sums);

/// The features of a text, at most `capacity` of them (5 a letter are enough); returns their number.
size_t edic_language_features(
    const void *_Nullable bytes, size_t count, uint32_t *_Nonnull features, size_t capacity);

/// The slot and the tag of a feature in a table of `slots`.
uint32_t edic_language_slot(uint32_t feature, uint32_t slots);
uint8_t edic_language_tag(uint32_t feature);

/// The built-in model's bytes.
const void *_Nonnull edic_language_model(size_t *_Nonnull count);

#ifdef __cplusplus
}
#endif
