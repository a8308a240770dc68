#include "CEDICLanguageID.h"
#include "letters.h"

#include <string.h>

typedef int8_t edic_weights __attribute__((vector_size(16)));
typedef int16_t edic_sums __attribute__((vector_size(32)));

// The features of a text are its n-grams of 2 to 5 letters, with one blank on either side of a word, and its words.
// A feature is known by a hash of 22 bits: collisions are rare enough among the few ten thousand that a model keeps.
#define EDIC_HASH(key, factor) ((uint32_t)((uint64_t)((key) * (factor)) >> (64 - edic_feature_bits)))

typedef struct {
    uint64_t last;  // the last four letters, 16 bits each, the newest lowest
    uint64_t fifth;
    uint64_t word;
    uint32_t in_word, letters, foreign;
} edic_walk;

enum { foreign_letter = 1 };

/// The letter that begins at `*at`, in lower case; 0 for what separates words.
static inline uint32_t next_letter(const uint8_t *bytes, size_t *at, size_t count) {
    size_t i = *at;
    uint32_t lead = bytes[i];
    if (lead < 0x80) {
        *at = i + 1;
        return edic_letters[lead];
    }
    if (lead >= 0xC2 && lead < 0xE0 && i + 1 < count && (bytes[i + 1] & 0xC0) == 0x80) {
        *at = i + 2;
        uint32_t scalar = (lead & 0x1F) << 6 | (bytes[i + 1] & 0x3F);
        return scalar < 0x530 ? edic_letters[scalar] : foreign_letter;
    }
    if (lead >= 0xE0 && lead < 0xF0 && i + 2 < count && (bytes[i + 1] & 0xC0) == 0x80 &&
        (bytes[i + 2] & 0xC0) == 0x80) {
        *at = i + 3;
        uint32_t scalar = (lead & 0x0F) << 12 | (uint32_t)(bytes[i + 1] & 0x3F) << 6 | (bytes[i + 2] & 0x3F);
        if (scalar == 0x2019) return '\'';
        if (scalar >= 0x1E00 && scalar < 0x2000) return edic_letters[0x530 + scalar - 0x1E00];
        int separates = (scalar >= 0x2000 && scalar < 0x2C00) || (scalar >= 0x3000 && scalar < 0x3040) ||
                        scalar >= 0xD800 || scalar < 0x530;
        return separates ? 0 : foreign_letter;
    }
    if (lead >= 0xF0 && lead < 0xF5 && i + 3 < count && (bytes[i + 1] & 0xC0) == 0x80 &&
        (bytes[i + 2] & 0xC0) == 0x80 && (bytes[i + 3] & 0xC0) == 0x80) {
        *at = i + 4;
        // Of the supplementary planes, ideographs (plane 2 and above) are letters; most of the rest are pictures.
        return lead == 0xF0 && bytes[i + 1] < 0xA0 ? 0 : foreign_letter;
    }
    *at = i + 1;
    return 0;
}

/// Takes one letter (or blank, 0) and writes up to five features; returns how many.
static inline int step(edic_walk *walk, uint32_t letter, uint32_t *out) {
    if (letter == foreign_letter) {
        walk->foreign++;
        letter = 0;
    }
    int found = 0;
    if (letter == 0) {
        if (!walk->in_word) return 0;
        letter = ' ';
        out[found++] = EDIC_HASH(walk->word, 0x9E3779B97F4A7C15u);
    } else {
        walk->letters++;
        if (!walk->in_word) {
            walk->last = ' ';
            walk->fifth = 0;
            walk->word = 0xCBF29CE484222325u;
        }
        walk->word = (walk->word ^ letter) * 0x100000001B3u;
    }
    walk->fifth = walk->last >> 48;
    walk->last = walk->last << 16 | letter;
    uint64_t four = walk->last;
    out[found++] = EDIC_HASH(four & 0xFFFFFFFFu, 0xD6E8FEB86659FD93u);
    if (four >> 32) {
        out[found++] = EDIC_HASH(four & 0xFFFFFFFFFFFFu, 0xA0761D6478BD642Fu);
        if (four >> 48) {
            out[found++] = EDIC_HASH(four, 0xE7037ED1A0B428DBu);
            if (walk->fifth) out[found++] = EDIC_HASH((four ^ walk->fifth * 0x8EBC6AF09C88C6E3u), 0x589965CC75374CC3u);
        }
    }
    walk->in_word = letter != ' ';
    return found;
}

uint32_t edic_language_slot(uint32_t feature, uint32_t slots) {
    return (uint32_t)((uint64_t)feature * slots >> edic_feature_bits);
}

// The features of one slot are neighbours in number, fewer than 256 for tables of 2^14 slots and more.
uint8_t edic_language_tag(uint32_t feature) { return (uint8_t)feature; }

/// Adds the rows of at most 255 slots: so many 8-bit weights fit a 16-bit sum.
static inline __attribute__((always_inline)) void add_rows_inline(
    const int8_t *weights, const uint32_t *slots, uint32_t count, int32_t *sums) {
    edic_sums partial[3] = {{0}, {0}, {0}};
    for (uint32_t k = 0; k < count; k++) {
        const int8_t *row = weights + (size_t)slots[k] * edic_language_limit;
        for (int b = 0; b < 3; b++) {
            edic_weights eight;
            memcpy(&eight, row + 16 * b, 16);
            partial[b] += __builtin_convertvector(eight, edic_sums);
        }
    }
    for (int i = 0; i < edic_language_limit; i++) sums[i] += partial[i / 16][i % 16];
}

static void add_rows_anywhere(const int8_t *weights, const uint32_t *slots, uint32_t count, int32_t *sums) {
    add_rows_inline(weights, slots, count, sums);
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void add_rows_avx2(
    const int8_t *weights, const uint32_t *slots, uint32_t count, int32_t *sums) {
    add_rows_inline(weights, slots, count, sums);
}

static void add_rows(const int8_t *weights, const uint32_t *slots, uint32_t count, int32_t *sums) {
    if (__builtin_cpu_supports("avx2"))
        add_rows_avx2(weights, slots, count, sums);
    else
        add_rows_anywhere(weights, slots, count, sums);
}
#else
#define add_rows add_rows_anywhere
#endif

// Of the word at hand the newest letters come first, so that the last four are one load, as `edic_walk.last` has them.
// `context` letters stay behind them: those of the same word that came before, or a blank and zeros.
enum { room = 255, context = 5, capacity = 59 };

typedef struct {
    const edic_language_table *table;
    int32_t *sums;
    // Collected without a branch on whether the table has the feature; then their rows are added.
    uint32_t slots[room + 1];
    uint32_t pending, features;
    // Where the newest letter is, and how many of them have not been looked at.
    uint32_t newest, fresh;
    uint16_t letters[capacity + context];
} edic_collector;

/// Appends the slot of a feature, if it `counts` and the table has it; returns how many slots there are then.
static inline __attribute__((always_inline)) uint32_t collect(
    const edic_language_table table, uint32_t *restrict slots, uint32_t pending, uint32_t feature, uint32_t counts) {
    uint32_t slot = edic_language_slot(feature, table.slots);
    uint32_t is_known = (table.tags[slot] == edic_language_tag(feature)) & counts;
    slots[pending] = slot;
    return pending + is_known;
}

static void add_collected(edic_collector *own) {
    add_rows(own->table->weights, own->slots, own->pending, own->sums);
    own->features += own->pending;
    own->pending = 0;
}

/// Collects the features that end in the fresh letters.
static void look(edic_collector *own) {
    const edic_language_table table = *own->table;
    uint32_t *slots = own->slots;
    uint32_t pending = own->pending;
    for (uint32_t at = own->newest + own->fresh; at-- > own->newest;) {
        const uint16_t *letters = own->letters + at;
        uint64_t four;
        memcpy(&four, letters, sizeof four);
        uint32_t two = EDIC_HASH(four & 0xFFFFFFFFu, 0xD6E8FEB86659FD93u);
        uint32_t three = EDIC_HASH(four & 0xFFFFFFFFFFFFu, 0xA0761D6478BD642Fu);
        uint32_t all_four = EDIC_HASH(four, 0xE7037ED1A0B428DBu);
        uint32_t five = EDIC_HASH(four ^ letters[4] * 0x8EBC6AF09C88C6E3u, 0x589965CC75374CC3u);
        pending = collect(table, slots, pending, two, 1);
        pending = collect(table, slots, pending, three, letters[2] != 0);
        pending = collect(table, slots, pending, all_four, letters[3] != 0);
        pending = collect(table, slots, pending, five, letters[4] != 0);
        if (pending > room - 5) {
            own->pending = pending;
            add_collected(own);
            pending = 0;
        }
    }
    own->pending = pending;
    own->fresh = 0;
}

static inline __attribute__((always_inline)) void add_letter(edic_collector *own, uint32_t letter) {
    if (own->newest == 0) {
        look(own);
        memmove(own->letters + capacity, own->letters, context * sizeof *own->letters);
        own->newest = capacity;
    }
    own->letters[--own->newest] = (uint16_t)letter;
    own->fresh++;
}

static inline __attribute__((always_inline)) void begin_word(edic_collector *own) {
    memset(own->letters + capacity, 0, context * sizeof *own->letters);
    own->letters[capacity] = ' ';
    own->newest = capacity;
    own->fresh = 0;
}

static inline __attribute__((always_inline)) void end_word(edic_collector *own, uint64_t word) {
    add_letter(own, ' ');
    look(own);
    own->pending = collect(*own->table, own->slots, own->pending, EDIC_HASH(word, 0x9E3779B97F4A7C15u), 1);
}

edic_language_evidence edic_language_sum(
    const edic_language_table *table, const void *text, size_t count, int32_t *sums) {
    const uint8_t *bytes = text;
    edic_collector own;
    own.table = table;
    own.sums = sums;
    own.pending = own.features = 0;
    memset(sums, 0, edic_language_limit * sizeof *sums);
    edic_language_evidence evidence = {0, 0, 0, 0};
    for (size_t at = 0; at < count;) {
        uint32_t letter = next_letter(bytes, &at, count);
        if (letter <= foreign_letter) {
            evidence.foreign += letter;
            continue;
        }
        begin_word(&own);
        uint64_t word = 0xCBF29CE484222325u;
        do {
            evidence.letters++;
            evidence.blocks |= 1ull << (letter >> 7 & 63);
            word = (word ^ letter) * 0x100000001B3u;
            add_letter(&own, letter);
            if (at == count) {
                letter = 0;
                break;
            }
            letter = next_letter(bytes, &at, count);
        } while (letter > foreign_letter);
        evidence.foreign += letter;
        end_word(&own, word);
    }
    add_collected(&own);
    evidence.features = own.features;
    return evidence;
}

size_t edic_language_features(const void *text, size_t count, uint32_t *features, size_t capacity) {
    const uint8_t *bytes = text;
    edic_walk walk = {0};
    size_t written = 0;
    for (size_t at = 0; at <= count;) {
        uint32_t letter = 0;
        if (at < count)
            letter = next_letter(bytes, &at, count);
        else
            at++;
        uint32_t found[6];
        int n = step(&walk, letter, found);
        for (int k = 0; k < n && written < capacity; k++) features[written++] = found[k];
    }
    return written;
}
