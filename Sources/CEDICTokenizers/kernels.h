// The loops that have a version for each instruction set: letter masks and the merging of a short word.
//
// Each kernels_….c defines one of EDIC_AVX512, EDIC_AVX2, EDIC_NEON or none and includes
// kernels_body.h and merging_body.h.
#ifndef EDIC_TOK_KERNELS_H
#define EDIC_TOK_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "firsts.h"

// What the bytes of up to 1024 bytes of text surely are, a bit each; one block more for what crosses the end.
enum { EDIC_TOK_BLOCKS = 16 };
typedef struct {
    uint64_t letters[EDIC_TOK_BLOCKS + 1];
    uint64_t digits[EDIC_TOK_BLOCKS + 1];
    uint64_t white[EDIC_TOK_BLOCKS + 1];        // ASCII white space
    uint64_t blank[EDIC_TOK_BLOCKS + 1];        // of it, spaces
    uint64_t quote[EDIC_TOK_BLOCKS + 1];        // apostrophes
    uint64_t unsure[EDIC_TOK_BLOCKS + 1];       // not ASCII and not in `letters`
} edic_tok_classes;

// A set of bytes: bit `h` of rows[l] is byte h << 4 | l, of rows[16 + l] byte (h + 8) << 4 | l.
typedef struct {
    uint8_t rows[32];
} edic_tok_byte_set;

// A word to be merged: its inner symbols, and how many are left. There is room for a multiple of 16, and all of it may be
// written to.
typedef struct {
    uint32_t *symbols;
    size_t count;
} edic_tok_merging;

typedef struct {
    const char *name;
    /// A bit for each byte of s[0..<64 * blocks] that surely belongs to a letter: ASCII, and the two-byte letters of
    /// Latin, Greek, Cyrillic and Armenian capitals. s begins with a character; one byte more is read.
    void (*letters)(const uint8_t *s, size_t blocks, uint64_t *masks);
    /// All classes, with `letters` as above.
    void (*classes)(const uint8_t *s, size_t blocks, edic_tok_classes *classes);
    /// A bit for each byte of s[0..<64 * blocks] that is in the set.
    void (*members)(const uint8_t *s, size_t blocks, const edic_tok_byte_set *set, uint64_t *masks);
    /// Merges words of up to EDIC_TOK_SHORT inner symbols in place, several side by side.
    void (*merge)(const edic_tok_pairs *pairs, edic_tok_merging *words, size_t count);
} edic_tok_kernels;

extern const edic_tok_kernels edic_tok_kernels_generic, edic_tok_kernels_avx2, edic_tok_kernels_avx512, edic_tok_kernels_neon;

/// The fastest of this machine, unless edic_tok_use_kernels said another.
const edic_tok_kernels *edic_tok_kernels_now(void);

#endif
