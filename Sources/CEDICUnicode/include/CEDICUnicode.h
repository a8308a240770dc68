#pragma once
// The few things EDIC asks of ICU, under names of our own. No ICU header is reachable from here: ICU renames its entry
// points by version with macros that Swift cannot import, and its types clash with the copy inside Foundation.
//
// Every text argument is UTF-8 with a length. Functions that say "well-formed" give a defined answer for other bytes
// too (they count as U+FFFD) and never read beyond `count`. A status is an ICU error code: above 0 is a failure.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The version of ICU at run time, such as "72.1".
const char *_Nonnull edic_icu_version(void);
const char *_Nonnull edic_icu_error_name(int32_t status);

// MARK: Charsets (converters.c)

/// A converter from a legacy charset; not to be used from two threads at once.
typedef struct edic_converter edic_converter;

edic_converter *_Nullable edic_converter_open(const char *_Nonnull name, int32_t *_Nonnull status);
void edic_converter_close(edic_converter *_Nullable converter);

typedef struct {
    size_t consumed;
    size_t produced;
    /// The length of the invalid sequence that ends at `consumed`, or 0. It may have begun in an earlier call.
    size_t invalid;
    /// The converter needs no more calls for this input.
    int32_t done;
    int32_t status;
} edic_conversion;

/// Converts until the input ends, the output is full (it must hold 64 bytes or more) or a sequence is invalid. `flush`
/// says that no more input follows.
edic_conversion edic_converter_to_utf8(
    edic_converter *_Nonnull converter, const void *_Nullable bytes, size_t count, int32_t flush,
    void *_Nonnull output, size_t capacity);

/// The scalar of each byte of a single-byte charset, `UINT32_MAX` for a byte without one. Returns 0 if the charset is
/// unknown or takes more than a byte a character.
int32_t edic_charset_table(const char *_Nonnull name, uint32_t *_Nonnull table);

/// Converts with a table of 256 entries, each up to three bytes of UTF-8 (first byte lowest) with their number in the top
/// byte; 0 in the top byte stops. Returns how many bytes were converted; `output` must hold three bytes for each.
size_t edic_convert_bytes(
    const uint32_t *_Nonnull table, const void *_Nullable bytes, size_t count, void *_Nonnull output,
    size_t *_Nonnull produced);

/// The preferred MIME or IANA name of a charset ICU knows by this alias, or null. Static memory.
const char *_Nullable edic_charset_standard_name(const char *_Nonnull alias);

/// ICU's best guess at the charset of the bytes, or null; `confidence` is 0 to 100. The name is copied to `name`.
int32_t edic_detect_charset(
    const void *_Nullable bytes, size_t count, char *_Nonnull name, size_t capacity, int32_t *_Nonnull confidence);

// MARK: Normalisation (normalization.c)

enum { edic_nfc = 0, edic_nfd = 1, edic_nfkc = 2, edic_nfkc_casefold = 3, edic_nfkd = 4 };

/// The index of the first byte, at or after `from`, of a character that may not stand in NFC as it does; `count` if
/// there is none. All characters before it are in NFC, and have combining class 0.
size_t edic_nfc_clean_end(const void *_Nullable bytes, size_t from, size_t count);

/// The index of the first character, at or after `from`, that is certainly in NFC whatever stands before it.
size_t edic_nfc_dirty_end(const void *_Nullable bytes, size_t from, size_t count);

/// Whether the bytes are in NFC.
int32_t edic_is_nfc(const void *_Nullable bytes, size_t count, int32_t *_Nonnull status);

/// Normalises into `output` and returns the length; more than `capacity` means that nothing useful was written.
size_t edic_normalize(
    int32_t form, const void *_Nullable bytes, size_t count, void *_Nullable output, size_t capacity,
    int32_t *_Nonnull status);

// MARK: Characters (characters.c)

enum {
    edic_class_word = 1,        // letters, marks and numbers
    edic_class_nfc_stable = 2,  // in NFC and of combining class 0, whatever stands before it
    edic_class_upper = 4,
    edic_class_lower = 8,
    edic_class_single = 16,     // a word of its own: ideographs, kana, Thai, Lao and Khmer letters are counted one by one
    edic_class_digit = 32,
    edic_class_mark = 64,
    edic_class_letter = 128,
};

/// The classes of a Unicode scalar, a set of the bits above.
uint8_t edic_character_class(uint32_t scalar);

/// The number of words, as `WordCounter` in EDICText defines them.
size_t edic_count_words(const void *_Nullable bytes, size_t count);

/// The letters and marks of a script, by `edic_script`'s number.
typedef struct {
    int32_t script;
    uint64_t count;
} edic_script_count;

/// Room for all scripts that there are.
enum { edic_script_limit = 256 };

/// Counts the letters and marks of each script that occurs; `found` has room for `edic_script_limit`. Latin comes first,
/// with 0 where there is none of it. Returns how many scripts there are.
size_t edic_count_scripts(const void *_Nullable bytes, size_t count, edic_script_count *_Nonnull found);

/// ICU's number for the script of a scalar, below 256.
int32_t edic_script(uint32_t scalar);
/// The ISO 15924 code of a script number, such as "Latn", or null.
const char *_Nullable edic_script_code(int32_t script);

/// The first byte, at or after `from`, of anything that `TextNormalizer` may have to change (a control other than tab
/// and line feed, a special space, an invisible character), or `count`. May stop at characters it need not change.
size_t edic_plain_end(const void *_Nullable bytes, size_t from, size_t count);

/// Lower case by the root locale's rules, as `edic_normalize`.
size_t edic_lowercase(
    const char *_Nonnull locale, const void *_Nullable bytes, size_t count, void *_Nullable output, size_t capacity,
    int32_t *_Nonnull status);

// MARK: Segmentation (segmentation.c)

/// A break iterator; not to be used from two threads at once.
typedef struct edic_segmenter edic_segmenter;

enum { edic_words = 0, edic_sentences = 1, edic_graphemes = 2 };

edic_segmenter *_Nullable edic_segmenter_open(int32_t kind, const char *_Nonnull locale, int32_t *_Nonnull status);
void edic_segmenter_close(edic_segmenter *_Nullable segmenter);

/// The bytes must stay where they are until the last `edic_segmenter_next`.
void edic_segmenter_set_text(
    edic_segmenter *_Nonnull segmenter, const void *_Nonnull bytes, size_t count, int32_t *_Nonnull status);

/// The end of the next segment, or -1. `is_word` says whether a word segment holds letters, numbers or ideographs.
int64_t edic_segmenter_next(edic_segmenter *_Nonnull segmenter, int32_t *_Nonnull is_word);

#ifdef __cplusplus
}
#endif
