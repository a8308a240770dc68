// The Unicode properties of unicode/ and the reading of UTF-8, shared by the files of this target.
#ifndef EDIC_TOK_TABLES_H
#define EDIC_TOK_TABLES_H

#include <stddef.h>
#include <stdint.h>

extern const uint16_t edic_tok_category_index[8704];
extern const uint8_t edic_tok_category_block[];
extern const uint16_t edic_tok_combining_index[8704];
extern const uint8_t edic_tok_combining_block[];
extern const uint16_t edic_tok_script_index[8704];
extern const uint8_t edic_tok_script_block[];
extern const uint16_t edic_tok_decomposition_index[8704];
extern const uint16_t edic_tok_decomposition_block[];
extern const uint32_t edic_tok_decomposition_sequence[];
extern const uint16_t edic_tok_lower_index[8704];
extern const uint16_t edic_tok_lower_block[];
extern const uint32_t edic_tok_lower_sequence[];
extern const uint64_t edic_tok_composition_pair[];
extern const uint32_t edic_tok_composition_result[];
extern const uint32_t edic_tok_composition_count;

// What the splitting patterns ask of a character. Bits may be combined.
enum {
    CLASS_LETTER = 1,
    CLASS_NUMBER = 2,
    CLASS_SPACE = 4,
    CLASS_OTHER = 8,        // none of the three above
    CLASS_NEWLINE = 16,     // \r or \n, beside CLASS_SPACE
    CLASS_UPPER = 32,       // Lu Lt Lm Lo M
    CLASS_LOWER = 64,       // Ll Lm Lo M
    CLASS_MARK = 128,       // M, beside CLASS_OTHER
};

extern const uint8_t edic_tok_ascii_class[128];
extern const uint8_t edic_tok_category_class[64];

static inline unsigned edic_tok_class_of(uint32_t scalar) {
    if (scalar < 128) return edic_tok_ascii_class[scalar];
    unsigned block = edic_tok_category_index[scalar >> 7];
    return edic_tok_category_class[edic_tok_category_block[block * 128 + (scalar & 127)]];
}

// The scalar that starts at s[i] and its length in bytes. A byte that begins no well-formed sequence is a character
// of its own, without a scalar: UINT32_MAX, length 1.
static inline uint32_t edic_tok_decode(const uint8_t *s, size_t i, size_t n, unsigned *length) {
    uint8_t a = s[i];
    *length = 1;
    if (a < 0x80) return a;
    if (a < 0xC2 || a > 0xF4 || i + 1 >= n) return UINT32_MAX;
    uint8_t b = s[i + 1];
    if ((b & 0xC0) != 0x80) return UINT32_MAX;
    if (a < 0xE0) {
        *length = 2;
        return (uint32_t)(a & 0x1F) << 6 | (b & 0x3F);
    }
    if (i + 2 >= n || (s[i + 2] & 0xC0) != 0x80) return UINT32_MAX;
    uint32_t c = s[i + 2] & 0x3F;
    if (a < 0xF0) {
        uint32_t scalar = (uint32_t)(a & 0x0F) << 12 | (uint32_t)(b & 0x3F) << 6 | c;
        if (scalar < 0x800 || (scalar >= 0xD800 && scalar < 0xE000)) return UINT32_MAX;
        *length = 3;
        return scalar;
    }
    if (i + 3 >= n || (s[i + 3] & 0xC0) != 0x80) return UINT32_MAX;
    uint32_t scalar = (uint32_t)(a & 7) << 18 | (uint32_t)(b & 0x3F) << 12 | c << 6 | (s[i + 3] & 0x3F);
    if (scalar < 0x10000 || scalar > 0x10FFFF) return UINT32_MAX;
    *length = 4;
    return scalar;
}

// The class of the character at s[i], and its length.
static inline unsigned edic_tok_class_at(const uint8_t *s, size_t i, size_t n, unsigned *length) {
    if (s[i] < 0x80) {
        *length = 1;
        return edic_tok_ascii_class[s[i]];
    }
    uint32_t scalar = edic_tok_decode(s, i, n, length);
    return scalar == UINT32_MAX ? CLASS_OTHER : edic_tok_class_of(scalar);
}

#endif
