// The inner loops of the tokenizers: splitting text into words, remembering words, merging, best paths.
//
// Nothing here reads outside the buffers it is given, whatever the bytes: text need not be UTF-8. The
// tables (…_merges, …_trie) may be read by many threads; a memory of words is shared and locks only while its tables are
// replaced; the others belong to one thread.
#ifndef CEDICTOKENIZERS_H
#define CEDICTOKENIZERS_H

#include <stddef.h>
#include <stdint.h>

// --- Instruction sets ----------------------------------------------------------------------------------------------

/// Makes the kernels of one instruction set run from now on: "avx512", "avx2", "neon" or "generic". For tests.
/// Returns 0, with nothing changed, where the machine lacks it.
int edic_tok_use_kernels(const char *_Nonnull name);

// --- Unicode -------------------------------------------------------------------------------------------------------

/// The general category (order of Tools/unicode-tables: Lu Ll Lt Lm Lo Mn Mc Me Nd …), plus 32 for white space.
uint8_t edic_tok_category(uint32_t scalar);
/// Whether BERT takes the scalar for punctuation: ASCII symbols, and the punctuation of Unicode 8, which is what the
/// reference's tables know.
int edic_tok_is_punctuation(uint32_t scalar);
/// Whether BERT takes the scalar for a Chinese character.
int edic_tok_is_ideograph(uint32_t scalar);
/// Whether tokenizers takes the scalar for a mark, or for one that takes no space: also as of Unicode 8.
int edic_tok_is_mark(uint32_t scalar, int nonspacing);
/// The canonical combining class.
uint8_t edic_tok_combining_class(uint32_t scalar);
/// A number for the script, as tokenizers and sentencepiece know them (Unicode 9, kana and U+30FC are Han): 0 for spaces
/// and what was not assigned, edic_tok_script_inherited, or more.
uint8_t edic_tok_script(uint32_t scalar);
/// The full decomposition into at most 18 scalars; returns how many, 0 where the scalar stands for itself.
size_t edic_tok_decompose(uint32_t scalar, int compatibility, uint32_t *_Nonnull out);
/// The canonical composition of two scalars, or 0.
uint32_t edic_tok_compose(uint32_t first, uint32_t second);
/// The lower case, at most 3 scalars; returns how many, 0 where the scalar stands for itself.
size_t edic_tok_lowercase(uint32_t scalar, uint32_t *_Nonnull out);

// --- Splitting into words ------------------------------------------------------------------------------------------

enum __attribute__((enum_extensibility(closed))) edic_tok_family {
    edic_tok_family_gpt2 = 0,       // GPT-2, Whisper
    edic_tok_family_cl100k = 1,     // cl100k, Llama 3, Qwen 2
    edic_tok_family_o200k = 2,      // o200k, Tekken
    edic_tok_family_nonspace = 3,   // runs without white space; the white space is in no word
    edic_tok_family_bert = 4,       // nonspace, and each punctuation character alone
    edic_tok_family_word = 5,       // \w+|[^\w\s]+
    edic_tok_family_chunks = 6,     // runs of bytes that are no separator; with `keeps_separators`, those before too
};
typedef enum edic_tok_family edic_tok_family;

typedef struct {
    edic_tok_family family;
    uint8_t digits;                 // how many numbers make one word at most; 0: any number
    uint8_t isolates_digits;        // GPT-2 after a pre-tokenizer that cuts out digits
    uint8_t contractions;           // o200k: whether 's, 't … may end a word
    uint8_t joins_final_space;      // cl100k: white space at the end is one word even with line ends in it
    uint8_t keeps_controls;         // BERT: only space, tab and line ends separate, not the other controls
    uint8_t cuts_ideographs;        // BERT: each Chinese character is a word
    uint8_t keeps_separators;       // chunks
    const uint8_t *_Nullable separators;    // chunks: 256 flags
} edic_tok_pattern;

/// Splits s[from..<n] from a word's beginning; writes the begin and end of at most `capacity` words; returns how many.
/// `*resume` is where to go on, n when everything is split.
size_t edic_tok_split(const edic_tok_pattern *_Nonnull pattern, const uint8_t *_Nullable s, size_t n, size_t from,
                      uint32_t *_Nonnull begins, uint32_t *_Nonnull ends, size_t capacity, size_t *_Nonnull resume);

// --- Merging -------------------------------------------------------------------------------------------------------

/// The pairs of symbols that merge, hashed. A rank orders merges, lower first.
typedef struct edic_tok_merges edic_tok_merges;
edic_tok_merges *_Nullable edic_tok_merges_create(size_t expected);
void edic_tok_merges_destroy(edic_tok_merges *_Nullable merges);
/// Adds a pair; the lower rank counts when a pair comes twice. Returns 0 when memory is exhausted.
int edic_tok_merges_add(edic_tok_merges *_Nonnull merges, uint32_t left, uint32_t right, uint32_t rank, uint32_t result);
/// The rank of a pair, UINT32_MAX where it does not merge.
uint32_t edic_tok_merges_rank(const edic_tok_merges *_Nonnull merges, uint32_t left, uint32_t right,
                              uint32_t *_Nonnull result);
/// Says that the last pair was added. Where each rank has one result and each result one rank, words are then merged
/// by a smaller table, and long ones window by window. `byte_ids`, if given, are the 256 symbols words are made of.
void edic_tok_merges_finish(edic_tok_merges *_Nonnull merges, const uint32_t *_Nullable byte_ids);
/// Merges symbols, which are used up, and finds the last pair if one symbol comes of them. Returns 0 if not.
int edic_tok_merges_last(const edic_tok_merges *_Nonnull merges, uint32_t *_Nonnull symbols, size_t count,
                         uint32_t *_Nonnull left, uint32_t *_Nonnull right);
/// Merges symbols in place, lowest rank first and leftmost among equals; returns how many are left, or SIZE_MAX when
/// memory is exhausted. `sizes`, if given, holds each symbol's size and is summed along.
size_t edic_tok_merge(const edic_tok_merges *_Nonnull merges, uint32_t *_Nonnull symbols, uint32_t *_Nullable sizes,
                      size_t count);

// --- Strings -------------------------------------------------------------------------------------------------------

/// Byte strings in one piece of memory: where each begins, and how long it is, or EDIC_TOK_NO_STRING.
typedef struct {
    const uint8_t *_Nonnull bytes;
    const uint32_t *_Nonnull starts;
    const uint32_t *_Nonnull lengths;
    size_t count;
} edic_tok_strings;
#define EDIC_TOK_NO_STRING UINT32_MAX

/// Finds strings by their bytes. It does not hold them: each call is given those it was made of.
typedef struct edic_tok_index edic_tok_index;
/// Of equal strings the first counts, empty ones do not. NULL without memory.
edic_tok_index *_Nullable edic_tok_index_create(const edic_tok_strings *_Nonnull strings);
void edic_tok_index_destroy(edic_tok_index *_Nullable index);
/// How many different strings there are.
size_t edic_tok_index_count(const edic_tok_index *_Nonnull index);
/// The number of the string with exactly these bytes, or UINT32_MAX.
uint32_t edic_tok_index_find(const edic_tok_index *_Nonnull index, const edic_tok_strings *_Nonnull strings,
                             const uint8_t *_Nullable s, size_t n);

// --- Tries and best paths ------------------------------------------------------------------------------------------

/// A double-array trie over byte strings, each with an id and a score.
typedef struct edic_tok_trie edic_tok_trie;
/// String i gets ids[i], or i where there are none. Of equal strings the first counts, empty ones do not; `distinct` is how
/// many are left.
edic_tok_trie *_Nullable edic_tok_trie_create(const edic_tok_strings *_Nonnull strings, const uint32_t *_Nullable ids,
                                              const double *_Nullable scores, size_t *_Nonnull distinct);
void edic_tok_trie_destroy(edic_tok_trie *_Nullable trie);
/// The id of exactly these bytes, or UINT32_MAX.
uint32_t edic_tok_trie_find(const edic_tok_trie *_Nonnull trie, const uint8_t *_Nullable s, size_t n);
/// The longest key that s begins with: its id and length, or UINT32_MAX.
uint32_t edic_tok_trie_longest(const edic_tok_trie *_Nonnull trie, const uint8_t *_Nullable s, size_t n,
                               size_t *_Nonnull length);
/// Every key that s begins with, shortest first; returns how many (at most capacity).
size_t edic_tok_trie_prefixes(const edic_tok_trie *_Nonnull trie, const uint8_t *_Nullable s, size_t n,
                              uint32_t *_Nonnull ids, uint32_t *_Nonnull lengths, size_t capacity);

typedef struct {
    const edic_tok_trie *_Nullable trie;
    uint32_t unknown_id;            // what stands for a character that is no piece
    double unknown_score;
    double user_bonus;              // per byte, for entries of score INFINITY; those of -INFINITY are never taken
    int single_precision;           // sums are rounded to float after each piece, as sentencepiece does
} edic_tok_unigram;

/// The best segmentation of s. Writes ids and the end of each piece; returns how many pieces, SIZE_MAX when memory is
/// exhausted. `start` is the score already on the path. `*margin` gets the smallest lead of any choice on the path
/// over its runner-up: rounding cannot change the path while it stays below.
size_t edic_tok_unigram_best(const edic_tok_unigram *_Nonnull model, const uint8_t *_Nonnull s, size_t n, double start,
                             uint32_t *_Nonnull ids, uint32_t *_Nullable ends, double *_Nullable margin);

/// WordPiece: the longest piece first. `continuing` is a trie of the pieces that go on, without their prefix.
/// Returns how many ids were written, 0 where the word has no segmentation.
size_t edic_tok_wordpiece(const edic_tok_trie *_Nonnull starting, const edic_tok_trie *_Nullable continuing,
                          const uint8_t *_Nonnull s, size_t n, uint32_t *_Nonnull ids, uint32_t *_Nullable ends);

// --- SentencePiece -------------------------------------------------------------------------------------------------

typedef struct {
    int removes_extra_spaces;
    int refuses_invalid;                            // bytes that are no text are the caller's affair
    uint32_t piece_count;
    const edic_tok_merges *_Nullable merges;        // BPE; NULL: Unigram
    const uint32_t *_Nullable fallback;             // the ids of the 256 bytes, if characters without a piece are bytes
    edic_tok_unigram unigram;                       // of BPE only the unknown id
    const float *_Nullable scores;                  // Unigram: what each id adds to the score of a path
    const edic_tok_trie *_Nullable symbols;         // pieces that are found before all others and pass unchanged
    const edic_tok_trie *_Nullable others;          // Unigram: all other pieces, where there are such
} edic_tok_sentence_parts;

/// What encodes parts of a sentence; it keeps the pointers in `parts`. `map` is a precompiled character map, its trie
/// of `trie_size` bytes first. `scalars` and `symbols` name the symbol of each character of a BPE model; symbols that
/// are no piece are `piece_count` and following.
typedef struct edic_tok_sentence edic_tok_sentence;
edic_tok_sentence *_Nullable edic_tok_sentence_create(const edic_tok_sentence_parts *_Nonnull parts,
                                                      const uint8_t *_Nullable map, size_t trie_size, size_t map_size,
                                                      const uint32_t *_Nullable scalars,
                                                      const uint32_t *_Nullable symbols, size_t count);
void edic_tok_sentence_destroy(edic_tok_sentence *_Nullable sentence);
/// Normalizes a part of a sentence that comes after a path of score `before`, with a \u2581 before it if `prefix` is set,
/// and encodes it. `capacity` is at least 1024. Returns how many ids, SIZE_MAX where the caller must encode it.
size_t edic_tok_sentence_encode(const edic_tok_sentence *_Nonnull sentence, const uint8_t *_Nullable s, size_t n,
                                int prefix, double before, uint32_t *_Nonnull ids, size_t capacity,
                                uint8_t *_Nonnull doubt);
/// The same for a part of any length, in time and memory linear in it. `*ids` is for the caller to free.
size_t edic_tok_sentence_encode_long(const edic_tok_sentence *_Nonnull sentence, const uint8_t *_Nullable s, size_t n,
                                     int prefix, double before, uint32_t *_Nullable *_Nonnull ids);
/// Makes each run of unknown ids one, as sentencepiece does where characters are not encoded as bytes; returns how many ids
/// are left.
size_t edic_tok_fuse(uint32_t *_Nonnull ids, size_t count, uint32_t unknown);
/// The score of a Unigram path after more ids, summed as sentencepiece sums it.
float edic_tok_sentence_advance(const edic_tok_sentence *_Nonnull sentence, float score,
                                const uint32_t *_Nonnull ids, size_t count);

// --- Words already seen --------------------------------------------------------------------------------------------

/// A memory of words and their ids that any number of threads share, each by a cache of its own, which goes first.
/// `limit` is its greatest size in bytes; `wide` says that there are ids beyond 65535.
typedef struct edic_tok_memory edic_tok_memory;
edic_tok_memory *_Nullable edic_tok_memory_create(size_t limit, int wide);
void edic_tok_memory_destroy(edic_tok_memory *_Nullable memory);

/// What one thread at a time needs to work with a memory of words.
typedef struct edic_tok_cache edic_tok_cache;
edic_tok_cache *_Nullable edic_tok_cache_create(edic_tok_memory *_Nonnull memory);
void edic_tok_cache_destroy(edic_tok_cache *_Nullable cache);
/// Remembers the ids of a word; words that are too long or memory that is short are no error. `doubt` grows as the
/// choice of the ids gets closer: a job says how much of it it takes.
void edic_tok_cache_insert(edic_tok_cache *_Nonnull cache, const uint8_t *_Nonnull word, size_t length,
                           const uint32_t *_Nonnull ids, size_t count, uint8_t doubt);

enum __attribute__((enum_extensibility(closed))) edic_tok_words_kind {
    edic_tok_words_bytes = 0,       // byte-level BPE: `byte_ids`, `merges`, `whole`, `unknown_id`
    edic_tok_words_pieces = 1,      // WordPiece: `starting`, `continuing`, `unknown_id`
    edic_tok_words_elsewhere = 2,   // the caller encodes words that are not remembered
    edic_tok_words_sentence = 3,    // SentencePiece: `sentence`, `prefixes`
};

/// How a word that is not remembered is encoded.
typedef struct {
    enum edic_tok_words_kind kind;
    const edic_tok_merges *_Nullable merges;
    const uint32_t *_Nullable byte_ids;             // 256; UINT32_MAX: the vocabulary lacks the byte
    const edic_tok_trie *_Nullable whole;           // words that are one token whatever the merges say
    const edic_tok_trie *_Nullable starting, *_Nullable continuing;
    uint32_t unknown_id;                            // of bytes, UINT32_MAX: what the vocabulary lacks is left out
    uint32_t longest;                               // WordPiece: words of more characters are unknown
    uint8_t normalizes, lowercases, strips_accents; // WordPiece: whether and how BERT normalizes words
    uint8_t cuts_ideographs;                        // and puts spaces around Chinese characters
    uint8_t prefixes;                               // SentencePiece: whether a word gets a \u2581 before it
    uint8_t is_unigram;                             // and whether scores are summed along
    uint8_t plain_only;                             // and whether the caller encodes what is not plain
    uint8_t fuses_unknown;                          // of bytes and plain words: whether runs of unknown_id are one; of plain
                                                    // words, else they are the caller's
    const edic_tok_sentence *_Nullable sentence;
} edic_tok_words;

/// Encodes one word; `ids` has room for 1024. Returns how many, SIZE_MAX where the caller must.
size_t edic_tok_encode_word(const edic_tok_words *_Nonnull words, const uint8_t *_Nonnull word, size_t length,
                            uint32_t *_Nonnull ids);

typedef enum __attribute__((enum_extensibility(closed))) {
    edic_tok_progress_done = 0,     // every word is encoded
    edic_tok_progress_miss = 1,     // the caller must encode the word at `next`
    edic_tok_progress_full = 2,     // the output has no room for the word at `next`
} edic_tok_progress;

typedef struct {
    const uint8_t *_Nullable s;
    size_t n;
    const uint32_t *_Nonnull begins, *_Nonnull ends;
    size_t count, next;
    uint32_t *_Nonnull out;
    size_t capacity, written;       // room for at least 4096 ids; `written` is 0 when a run begins
    float score;                    // Unigram: of the path before the first id in `out`; kept up to date
    // Words of several texts: which words begin one, ascending (twice the same one where a text has none), and where in
    // `out` the ids of each text begin. `placed` counts up to `start_count`, and each place holds until `written` is reset.
    // Unigram's score begins anew with each.
    const uint32_t *_Nullable starts;
    uint32_t *_Nullable places;
    size_t start_count, placed;
} edic_tok_job;

/// Encodes words from `job->next` on. `resumes` says that the same job goes on after a stop.
edic_tok_progress edic_tok_cache_run(edic_tok_cache *_Nonnull cache, const edic_tok_words *_Nonnull words,
                                     edic_tok_job *_Nonnull job, int resumes);

// --- Training --------------------------------------------------------------------------------------------------------

/// Words and how often each occurred.
typedef struct edic_tok_counts edic_tok_counts;
edic_tok_counts *_Nullable edic_tok_counts_create(void);
void edic_tok_counts_destroy(edic_tok_counts *_Nullable counts);
/// Forgets all words.
void edic_tok_counts_clear(edic_tok_counts *_Nonnull counts);
/// Returns 0 when memory is exhausted; so do the other functions that add.
int edic_tok_counts_add(edic_tok_counts *_Nonnull counts, const uint8_t *_Nonnull word, size_t length, uint64_t count);
/// Adds the words of a text of less than 4 GiB, line by line: no word goes beyond a line's end, which belongs to the line.
int edic_tok_counts_add_lines(edic_tok_counts *_Nonnull counts, const edic_tok_pattern *_Nonnull pattern,
                              const uint8_t *_Nonnull s, size_t n);

/// Marks in a table of scripts, one byte for each scalar: white space, what is no character, a mark of the script before
/// it. Greater numbers are scripts.
enum { edic_tok_script_space = 0, edic_tok_script_none = 1, edic_tok_script_inherited = 2 };
/// Adds the runs of one script between white space; the first run of a word gets a space before it.
int edic_tok_counts_add_runs(edic_tok_counts *_Nonnull counts, const uint8_t *_Nonnull scripts,
                             const uint8_t *_Nonnull s, size_t n);

size_t edic_tok_counts_size(const edic_tok_counts *_Nonnull counts);
/// The bytes of memory in use.
size_t edic_tok_counts_memory(const edic_tok_counts *_Nonnull counts);
/// One of 2^part_bits (at most 12) parts of the words of several groups of tables: of each group, the word's sum times
/// weights / 2^20. Parts share no word. `sizes` says how many tables each group has. Null when memory is exhausted.
edic_tok_counts *_Nullable edic_tok_counts_collect(edic_tok_counts *_Nonnull const *_Nonnull tables,
                                                   const size_t *_Nonnull sizes, const uint64_t *_Nonnull weights,
                                                   size_t groups, size_t part, unsigned part_bits);

/// The words to learn from. They stay where they are: the tables or the bytes must outlive the list.
typedef struct edic_tok_word_list edic_tok_word_list;
edic_tok_word_list *_Nullable edic_tok_word_list_create(edic_tok_counts *_Nonnull const *_Nonnull tables, size_t count);
edic_tok_word_list *_Nullable edic_tok_word_list_flat(const uint8_t *_Nonnull bytes, const uint64_t *_Nonnull ends,
                                                      const uint64_t *_Nonnull counts, size_t count);
void edic_tok_word_list_destroy(edic_tok_word_list *_Nullable list);
size_t edic_tok_word_list_count(const edic_tok_word_list *_Nonnull list);
size_t edic_tok_word_list_bytes(const edic_tok_word_list *_Nonnull list);
const uint8_t *_Nonnull edic_tok_word_list_get(const edic_tok_word_list *_Nonnull list, size_t index,
                                               uint32_t *_Nonnull length, uint64_t *_Nonnull count);
/// Sorting: first into 65536 buckets, then each bucket, which threads may share out.
int edic_tok_word_list_bucket(edic_tok_word_list *_Nonnull list);
void edic_tok_word_list_sort(edic_tok_word_list *_Nonnull list, size_t first_bucket, size_t end_bucket);
/// Writes words from one on as length, bytes and count, the numbers in sevens of bits, lowest first. Returns the next word
/// to write: the same one where it does not fit.
size_t edic_tok_word_list_pack(const edic_tok_word_list *_Nonnull list, size_t from, uint8_t *_Nonnull out,
                               size_t capacity, size_t *_Nonnull written);
/// Adds each character's occurrences to 0x110000 counts.
void edic_tok_word_list_characters(const edic_tok_word_list *_Nonnull list, uint64_t *_Nonnull counts);
/// The words as cells for edic_tok_train: a symbol for each byte, UINT32_MAX around each word. There are as many cells
/// as bytes and words and one more.
size_t edic_tok_word_list_byte_cells(const edic_tok_word_list *_Nonnull list, const uint32_t *_Nonnull ids,
                                     uint32_t *_Nonnull cells);
/// The same with a symbol for each character; those of UINT32_MAX among the 0x110000 ids end a word. Writes how often
/// each of the words that this makes occurs: at most one for each byte, and how many there are.
size_t edic_tok_word_list_character_cells(const edic_tok_word_list *_Nonnull list, const uint32_t *_Nonnull ids,
                                          uint32_t *_Nonnull cells, uint64_t *_Nonnull counts, size_t *_Nonnull words);

/// Names the result of a merge: its id, or UINT32_MAX where the pair must not merge.
typedef uint32_t (*edic_tok_name_pair)(void *_Nullable context, uint32_t left, uint32_t right);

/// Learns at most `most` merges from words in cells, which are merged in place; `symbols` is the number of symbols.
/// Returns how many, SIZE_MAX when memory is exhausted or there are 2^32 cells.
size_t edic_tok_train(uint32_t *_Nonnull cells, size_t cell_count, const uint64_t *_Nonnull counts, size_t symbols,
                      uint64_t least_count, size_t most, edic_tok_name_pair _Nonnull name, void *_Nullable context,
                      uint32_t *_Nonnull lefts, uint32_t *_Nonnull rights, uint32_t *_Nonnull results);

// --- Training Unigram ------------------------------------------------------------------------------------------------

/// The substrings of words in cells (as edic_tok_train has them) that occur twice or more and go on differently.
typedef struct edic_tok_substrings edic_tok_substrings;
typedef struct {
    uint64_t count;
    uint32_t start;                 // where one occurrence begins
    uint32_t length;                // 2 or more symbols
    uint32_t order;                 // rises with the text
} edic_tok_substring;

/// `longest` is below 255. Null when memory is exhausted or there are 2^32 cells.
edic_tok_substrings *_Nullable edic_tok_substrings_create(const uint32_t *_Nonnull cells, size_t count,
                                                          const uint64_t *_Nonnull counts, uint32_t symbols,
                                                          uint32_t longest);
void edic_tok_substrings_destroy(edic_tok_substrings *_Nullable substrings);
size_t edic_tok_substrings_buckets(const edic_tok_substrings *_Nonnull substrings);
/// How many suffixes are in the buckets before this one.
size_t edic_tok_substrings_before(const edic_tok_substrings *_Nonnull substrings, size_t bucket);
/// Finds those that begin in some buckets, in the order of their symbols; `*result` is for the caller to free. Returns
/// how many, SIZE_MAX when memory is exhausted. Threads may share out the buckets.
size_t edic_tok_substrings_find(const edic_tok_substrings *_Nonnull substrings, size_t first_bucket, size_t end_bucket,
                                edic_tok_substring *_Nullable *_Nonnull result);

/// Pieces and their probabilities while they are learnt. Functions with a chunk may run at once for different chunks,
/// each with a worker number of its own; they return 0 when memory is exhausted.
typedef struct edic_tok_unigram_trainer edic_tok_unigram_trainer;

/// Words are cells with counts, best sorted; they stay in use. The first pieces are the characters, each with how often
/// it occurs and a cell that holds it; then come at most `most` of the substrings found.
edic_tok_unigram_trainer *_Nullable edic_tok_unigram_trainer_create(
    const uint32_t *_Nonnull cells, size_t cell_count, const uint64_t *_Nonnull counts,
    const uint64_t *_Nonnull character_counts, const uint32_t *_Nonnull character_cells, uint32_t characters,
    const edic_tok_substring *_Nonnull found, size_t found_count, size_t most, size_t workers);
void edic_tok_unigram_trainer_destroy(edic_tok_unigram_trainer *_Nullable trainer);
/// Chunks of words, or of the pieces themselves.
size_t edic_tok_unigram_trainer_chunks(const edic_tok_unigram_trainer *_Nonnull trainer, int of_pieces);
size_t edic_tok_unigram_trainer_pieces(const edic_tok_unigram_trainer *_Nonnull trainer);
/// How many of the pieces the last round left a probability.
size_t edic_tok_unigram_trainer_living(const edic_tok_unigram_trainer *_Nonnull trainer);

/// First each chunk of both kinds is built, then `built` frees what only that needed.
int edic_tok_unigram_trainer_build(edic_tok_unigram_trainer *_Nonnull trainer, int of_pieces, size_t chunk);
void edic_tok_unigram_trainer_built(edic_tok_unigram_trainer *_Nonnull trainer);
/// Expectation: each chunk of words; then maximisation, which returns the mean log-probability of a word before it.
int edic_tok_unigram_trainer_expect(edic_tok_unigram_trainer *_Nonnull trainer, size_t chunk, size_t worker);
double edic_tok_unigram_trainer_maximize(edic_tok_unigram_trainer *_Nonnull trainer);
/// Pruning: best paths of each chunk of words, then `counted`; losses of each chunk of pieces, then `prune` to at most
/// `most` pieces; then each chunk of both kinds is renamed.
int edic_tok_unigram_trainer_count_best(edic_tok_unigram_trainer *_Nonnull trainer, size_t chunk, size_t worker);
void edic_tok_unigram_trainer_counted(edic_tok_unigram_trainer *_Nonnull trainer);
int edic_tok_unigram_trainer_lose(edic_tok_unigram_trainer *_Nonnull trainer, size_t chunk, size_t worker);
int edic_tok_unigram_trainer_prune(edic_tok_unigram_trainer *_Nonnull trainer, size_t most);
void edic_tok_unigram_trainer_rename(edic_tok_unigram_trainer *_Nonnull trainer, int of_pieces, size_t chunk);
/// Each piece's first cell, length and score.
void edic_tok_unigram_trainer_result(const edic_tok_unigram_trainer *_Nonnull trainer, uint32_t *_Nonnull starts,
                                     uint8_t *_Nonnull lengths, double *_Nonnull scores);

#endif
