// The inner loops of n-gram estimation: splitting text into numbered words, sorting packed n-grams, building the levels
// of a suffix trie, matching n-grams with their contexts, and formatting ARPA lines.
//
// Everything works on memory the caller gives and sized as each comment says. Only the word table is shared between
// threads; a function that takes other memory is for one thread at a time on that memory.
#ifndef CEDICNGRAM_H
#define CEDICNGRAM_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// --- Codes ---------------------------------------------------------------------------------------------------------

/// A word's code is its id plus one; these come before the words of the text.
#define EDIC_NGRAM_NONE 0u
#define EDIC_NGRAM_UNKNOWN 1u
#define EDIC_NGRAM_BEGIN 2u
#define EDIC_NGRAM_END 3u
#define EDIC_NGRAM_FIRST 4u
/// The bit of a label that says that the n-gram is pruned.
#define EDIC_NGRAM_PRUNED 0x80000000u

// --- Words (words.c) -----------------------------------------------------------------------------------------------

/// A table of words that many threads fill at once. Numbers are given in order of arrival.
typedef struct edic_ngram_words edic_ngram_words;
/// `seed` keeps chosen words from being slow. Nil when memory is exhausted; so for all that return pointers here.
edic_ngram_words *_Nullable edic_ngram_words_create(uint64_t seed);
void edic_ngram_words_destroy(edic_ngram_words *_Nullable words);
uint32_t edic_ngram_words_count(const edic_ngram_words *words);
/// Bytes of memory in use.
size_t edic_ngram_words_memory(const edic_ngram_words *words);
/// The number of a word, new or known, with `occurrences` more; UINT32_MAX when memory is exhausted. Up to 16 bytes
/// behind the word are read.
uint32_t edic_ngram_words_add(edic_ngram_words *words, const uint8_t *word, size_t length, uint64_t occurrences);
/// The number of a known word, UINT32_MAX for others. Up to 16 bytes behind the word are read.
uint32_t edic_ngram_words_find(const edic_ngram_words *words, const uint8_t *word, size_t length);

/// Where each word lies, `records[number]`; the words no longer change.
typedef struct { uint64_t count; uint32_t number; uint32_t length; } edic_ngram_word;
void edic_ngram_words_list(const edic_ngram_words *words, const edic_ngram_word *_Nonnull *_Nonnull records);
/// Counts more occurrences of a word.
void edic_ngram_word_add(const edic_ngram_word *word, uint64_t occurrences);
/// A word's bytes.
const uint8_t *edic_ngram_word_bytes(const edic_ngram_word *word);
/// Puts the numbers of `n` words into `order`: most frequent first, equally frequent ones in an order that depends on
/// their bytes alone. `scratch` has 4n numbers of 64 bits.
void edic_ngram_words_sort(const edic_ngram_word *_Nonnull const *_Nonnull records, uint32_t *order, size_t n,
                           uint64_t *scratch);

/// One thread's way into a word table: a cache of frequent words, and words looked up together.
typedef struct edic_ngram_splitter edic_ngram_splitter;
edic_ngram_splitter *_Nullable edic_ngram_splitter_create(edic_ngram_words *words);
void edic_ngram_splitter_destroy(edic_ngram_splitter *_Nullable splitter);
/// Splits text at spaces, tabs, carriage returns and NULs, one sentence a line, into `codes`, which has
/// room for n + 1: the numbers plus EDIC_NGRAM_FIRST, and EDIC_NGRAM_END after each line. At least 16 bytes must be
/// readable behind the text. Returns how many codes, or SIZE_MAX when memory is exhausted.
size_t edic_ngram_split(edic_ngram_splitter *splitter, const uint8_t *text, size_t n, uint32_t *codes);

// --- Numbers in few bytes (varint.h) -------------------------------------------------------------------------------

/// Writes each number in one to five bytes, small ones in fewer; `out` has 5n bytes. Returns the bytes written.
size_t edic_ngram_pack(const uint32_t *numbers, size_t n, uint8_t *out);
/// The reverse: fills n numbers from at most `size` bytes, and returns the bytes read, or SIZE_MAX where they end early.
size_t edic_ngram_unpack(const uint8_t *bytes, size_t size, uint32_t *numbers, size_t n);

// --- Buckets (keys.c) ----------------------------------------------------------------------------------------------

/// How the words of an n-gram lie in a key: the last word in the top bits of the first limb.
typedef struct { uint32_t order, bits, words_per_limb, limbs; } edic_ngram_layout;

/// Which bucket an n-gram is in, by its last two words.
typedef struct {
    /// For each code the bucket, or EDIC_NGRAM_SPLIT plus the row of `split`.
    const uint16_t *bucket_of;
    /// 256 buckets a row, by the class of the word before.
    const uint16_t *split;
    const uint8_t *class_of;
    /// The first code of each bucket.
    const uint32_t *code_base;
    uint32_t buckets;
} edic_ngram_plan;
#define EDIC_NGRAM_SPLIT 0x8000u

/// The codes of a block, those of "no word" left out; `codes` has room for `size`. Returns how many there are.
size_t edic_ngram_codes(const uint8_t *block, size_t size, const uint32_t *map, uint32_t *codes);

/// Counts, for the words with a row, which classes come before: adds to rows of 256. `map` turns numbers into codes.
void edic_ngram_count_pairs(const uint8_t *block, size_t size, const uint32_t *map, const uint16_t *bucket_of,
                            const uint8_t *class_of, uint32_t *rows);

/// Forms the n-grams of a block and adds those of the buckets from `first` to before `last` to `keys`. Bucket b's
/// next place is `cursors[b - first]`, shared between threads; `stage` has 32 keys for each of those buckets and
/// `filled` how many are in use, which is zero before and after.
void edic_ngram_scatter(const uint8_t *block, size_t size, const uint32_t *map, edic_ngram_layout layout,
                        const edic_ngram_plan *plan, uint32_t first, uint32_t last, uint64_t *keys, uint64_t *cursors,
                        uint64_t *stage, uint8_t *filled);

/// Sorts n keys; `scratch` has the size of `keys`.
void edic_ngram_sort(uint64_t *keys, uint64_t *scratch, size_t n, uint32_t limbs);

/// Merges equal neighbours of n sorted keys in place; `scratch` (of the size of `keys`) gets what
/// ``edic_ngram_build`` needs. Adds how many n-grams there are of each order from 1 to `nodes`, and returns how many
/// keys are left.
size_t edic_ngram_merge(uint64_t *keys, uint64_t *scratch, size_t n, edic_ngram_layout layout, uint64_t *nodes);

/// The n-grams of one order in one bucket, in suffix order.
typedef struct {
    /// The first word of each.
    uint32_t *_Nullable labels;
    /// How many n-grams extend it to the left; at the highest order and after <s> how often it occurs.
    uint32_t *_Nullable counts;
    size_t n;
} edic_ngram_level;

/// How many n-grams there are, stay, and have the counts 1 to 4; `classes` counts those that stay by the class of the
/// first word (EDIC_NGRAM_CLASSES).
typedef struct {
    uint64_t seen, kept, counts[4];
    uint64_t *_Nullable classes;
} edic_ngram_tally;

/// Fills the levels 1 … order (levels[0] is order 1, whose codes are `code_base` and up, labels unused) from merged keys.
/// An n-gram is pruned that occurs at most thresholds[k - 1] times, or has a word whose `allowed` is zero (nil allows
/// all). `occurrences` has room for the largest level where a threshold is not zero. Tallies are for orders from 2.
void edic_ngram_build(const uint64_t *keys, const uint64_t *scratch, size_t n, size_t merged, edic_ngram_layout layout,
                      uint32_t code_base, edic_ngram_level *levels, const uint64_t *thresholds,
                      const uint8_t *_Nullable allowed, uint32_t *_Nullable const *_Nullable occurrences,
                      edic_ngram_tally *tallies);

// --- Contexts (contexts.c) -----------------------------------------------------------------------------------------

/// One order's n-grams on their way to their contexts, or back: `level` is order k, `parents` k - 1.
typedef struct {
    uint32_t k;
    edic_ngram_level level, parents;
    /// The context of each parent: its bucket and its place there (k >= 4).
    const uint16_t *_Nullable context_bucket;
    const uint32_t *_Nullable context_place;
    /// The bucket that holds each unigram (k = 2): the first of those of a split word.
    const uint16_t *home_of;
} edic_ngram_source;

/// Writes what contexts must know of the n-grams, sorted by their buckets: `starts` and `bytes` have buckets + 1
/// entries, in n-grams and in bytes of `out`. `out` has 15 bytes an n-gram, `scratch` three numbers. Returns the size.
size_t edic_ngram_send(const edic_ngram_source *source, const edic_ngram_plan *plan, uint32_t *scratch, uint32_t *starts,
                       uint64_t *bytes, uint8_t *out);

/// What is known of one context: the sum of its counts, of the pruned ones, and how many of the others are 1, 2, more.
typedef struct { uint64_t total, pruned; uint32_t ones, twos, more, pad; } edic_ngram_sum;

/// Finds the contexts of n n-grams that another bucket sent and adds the n-grams to `sums`: `places` gets each one's.
/// The contexts are order k - 1: `contexts`; `offsets` says where the extensions of each n-gram one shorter begin
/// (k >= 3). Returns 0 when the bytes contradict that.
int edic_ngram_collect(uint32_t k, const uint8_t *bytes, size_t size, size_t n, edic_ngram_level contexts,
                       const uint32_t *_Nullable offsets, size_t offset_count, uint32_t code_base, edic_ngram_sum *sums,
                       uint32_t *places);

/// The weights of the shorter context: the mass that discounting and pruning leave.
void edic_ngram_weights(const edic_ngram_sum *sums, size_t n, const double *discounts, float *weights);

/// Answers n n-grams: `out` has 20 bytes for each. Returns the size. With `gives_places`, each answer has the place.
size_t edic_ngram_reply(const uint32_t *places, size_t n, const edic_ngram_sum *sums, const float *weights,
                        int gives_places, uint8_t *out);

/// Computes the probabilities of `source->level` from the answers of all buckets, at `answers[bucket]` and up to
/// `ends[bucket]`, and from the parents' probabilities. With `context_bucket` (then place too), also the contexts.
/// Returns 0 when the answers end early.
int edic_ngram_interpolate(const edic_ngram_source *source, const edic_ngram_plan *plan,
                           const uint8_t *_Nonnull *_Nonnull answers, const uint8_t *_Nonnull const *_Nonnull ends,
                           const double *discounts, const float *shorter, float *probabilities,
                           uint16_t *_Nullable context_bucket, uint32_t *_Nullable context_place);

/// The offsets of the children of `level` among the next level: n + 1 sums.
void edic_ngram_offsets(edic_ngram_level level, int is_first, uint32_t *offsets);

// --- Weights and lines (lines.c) -----------------------------------------------------------------------------------

/// Base-10 logarithms; the same bits on every machine.
void edic_ngram_logs(const float *values, size_t n, float *logs);

/// The most bytes a number takes up.
#define EDIC_NGRAM_NUMBER 24
/// Writes `value` with the digits that reading the same float back needs; returns how many bytes.
size_t edic_ngram_number(float value, uint8_t *out);

/// Where a walk over the n-grams of a bucket is.
typedef struct {
    size_t node;
    /// By order: how many n-grams were entered, and how many extensions of the last are left.
    size_t places[11];
    uint32_t left[11];
} edic_ngram_walk;

/// Writes n-grams of order k as ARPA lines until all are written or `out` may be too small for one more; pruned ones are
/// left out. `levels` are orders 1 to k; `bytes` and `starts` the words by id, with 16 readable bytes behind the last.
/// Returns the bytes written; the walk is then behind the last, and at the end when its node is the level's n. When it
/// did not move, `out` is too small for the next line. The walk begins zeroed.
size_t edic_ngram_lines(uint32_t k, const edic_ngram_level *levels, uint32_t code_base, const float *logs,
                        const float *_Nullable backoffs, const uint8_t *bytes, const intptr_t *starts, uint8_t *out,
                        size_t capacity, edic_ngram_walk *walk);

/// For each n-gram of `level` that is kept, its first word's id, its place among all of `level`, and the place of its
/// parent among the kept parents (`parents` order k - 1; where k is 2, the parent's id). Returns how many are kept.
size_t edic_ngram_kept(uint32_t k, edic_ngram_level level, edic_ngram_level parents, uint32_t code_base, uint32_t *words,
                       uint32_t *parent_places, uint32_t *places);

// --- Entries of sets (entries.c) -----------------------------------------------------------------------------------

/// The class of a first word: ids below 16, then one class for each power of two.
#define EDIC_NGRAM_CLASS(word) (28 - (uint32_t)__builtin_clz((word) | 15u))
#define EDIC_NGRAM_CLASSES 25

/// How the n-grams of one class are keyed, and which bits of the scrambled key choose one of its parts.
typedef struct {
    uint64_t mask, multiplier;
    uint32_t first_word, word_bits, fold, first_part, part_shift;
} edic_ngram_class;

/// A record is a scrambled key and what stands for its weights: floats, or bins where they are to be quantised. Its size
/// is 8 to 16 bytes, and that of its key 8 at most.
typedef struct { uint32_t key_bytes, size; } edic_ngram_record;

/// A weight's bin: its sign, exponent and leading nine bits, in the order of the values.
#define EDIC_NGRAM_BIN_BITS 18
uint32_t edic_ngram_bin(float value);

/// For each bin how many weights there are, and the sum of their bits below those of the bin.
typedef struct { uint32_t *counts; uint64_t *rests; } edic_ngram_histogram;

/// Makes records of n n-grams: `parents` are the numbers of the n-grams without the first words. `parts` gets the part
/// of each, `counts` is added to by part. With `histograms` (of probabilities and of backoffs) weights become bins.
void edic_ngram_records(const uint32_t *words, const uint32_t *parents, const float *probabilities,
                        const float *_Nullable backoffs, size_t n, const edic_ngram_class *classes,
                        edic_ngram_record layout, const edic_ngram_histogram *_Nullable histograms, uint8_t *records,
                        uint16_t *parts, uint32_t *counts);

/// Gives records of the class `from` the keys and parts of `to`, the same class scrambled otherwise.
void edic_ngram_rekey(uint8_t *records, size_t n, edic_ngram_record layout, const edic_ngram_class *from,
                      const edic_ngram_class *to, uint16_t *parts, uint32_t *counts);

/// Copies records of `size` bytes to `out`, each to the next place of its part; `places` are counted on.
void edic_ngram_share_out(const uint8_t *records, size_t n, size_t size, const uint16_t *parts, uint32_t *places,
                          uint8_t *out);

/// The reverse for numbers: takes each from the next of its part's places among `answers`.
void edic_ngram_returned(const uint16_t *parts, size_t n, const uint32_t *answers, uint32_t *places, uint32_t *numbers);

/// The homes of one part: how many, from which on, and how many bits of a key are below them.
typedef struct { size_t count; uint64_t first; uint32_t remainder_bits; } edic_ngram_homes_shape;

/// One entry: what its key has below the home, and the record it comes from.
typedef struct { uint64_t remainder; uint32_t record; } edic_ngram_entry;

/// Sorts the n records of a part into `entries`; `counts` gets how many each home has, `places` has room for one number a
/// home. Returns 0 where a home would have more than fifteen, or a record does not belong to the part.
int edic_ngram_homes(const uint8_t *records, size_t n, edic_ngram_record layout, edic_ngram_homes_shape shape,
                     uint8_t *counts, uint32_t *places, edic_ngram_entry *entries);

/// Homes that one line of 32 bytes counts the entries of.
#define EDIC_NGRAM_HOMES 56
/// Fills zeroed lines, from the one that the first home is in, with the part's counts; `first_place` entries are before
/// the first home.
void edic_ngram_lines_of_homes(const uint8_t *counts, edic_ngram_homes_shape shape, uint64_t first_place, uint8_t *lines);

/// The bits of an entry's parts, and the codes of the bins; nil where weights are floats.
typedef struct {
    uint32_t remainder_bits, probability_bits, backoff_bits;
    const uint16_t *_Nullable probability_codes, *_Nullable backoff_codes;
} edic_ngram_packing;

/// Packs n sorted entries into `out` from bit `first_bit` of its first byte on, the bits before it zero. `numbers` gets
/// for each record the number of its entry, the first being `first_number`. Eight bytes behind the last entry may be
/// written.
void edic_ngram_pack_entries(const edic_ngram_entry *entries, const uint8_t *records, size_t n, edic_ngram_record layout,
                             edic_ngram_packing packing, uint32_t first_bit, uint32_t first_number, uint8_t *out,
                             uint32_t *_Nullable numbers);

// --- Files (spill.c) -----------------------------------------------------------------------------------------------

/// Gives a range of an open file back to the disk.
void edic_ngram_free_space(int file, int64_t offset, int64_t count);

#pragma clang assume_nonnull end

#endif
