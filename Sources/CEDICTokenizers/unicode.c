// Look-ups in the Unicode tables.
#include "CEDICTokenizers.h"
#include "tables.h"

enum { HANGUL_S = 0xAC00, HANGUL_L = 0x1100, HANGUL_V = 0x1161, HANGUL_T = 0x11A7, HANGUL_N = 588, HANGUL_COUNT = 11172 };

#define O CLASS_OTHER
#define S CLASS_SPACE
#define LINE (CLASS_SPACE | CLASS_NEWLINE)
#define N CLASS_NUMBER
#define U (CLASS_LETTER | CLASS_UPPER)
#define L (CLASS_LETTER | CLASS_LOWER)
#define B (CLASS_LETTER | CLASS_UPPER | CLASS_LOWER)
#define M (CLASS_OTHER | CLASS_MARK | CLASS_UPPER | CLASS_LOWER)

const uint8_t edic_tok_ascii_class[128] = {
    O, O, O, O, O, O, O, O, O, S, LINE, S, S, LINE, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
    S, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, N, N, N, N, N, N, N, N, N, N, O, O, O, O, O, O,
    O, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, O, O, O, O, O,
    O, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, O, O, O, O, O,
};

// By general category in the order of Tools/unicode-tables; the upper half is the same with the white-space bit.
const uint8_t edic_tok_category_class[64] = {
    U, L, U, B, B, M, M, M, N, N, N, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
    S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S,
};

#undef O
#undef S
#undef N
#undef U
#undef L
#undef B
#undef M

uint8_t edic_tok_category(uint32_t scalar) {
    if (scalar > 0x10FFFF) return 18;
    return edic_tok_category_block[edic_tok_category_index[scalar >> 7] * 128 + (scalar & 127)];
}

uint8_t edic_tok_combining_class(uint32_t scalar) {
    if (scalar > 0x10FFFF) return 0;
    return edic_tok_combining_block[edic_tok_combining_index[scalar >> 7] * 128 + (scalar & 127)];
}

uint8_t edic_tok_script(uint32_t scalar) {
    if (scalar > 0x10FFFF) return 0;
    return edic_tok_script_block[edic_tok_script_index[scalar >> 7] * 128 + (scalar & 127)];
}

size_t edic_tok_decompose(uint32_t scalar, int compatibility, uint32_t *out) {
    if (scalar < 0xA0 || scalar > 0x10FFFF) return 0;
    uint32_t s = scalar - HANGUL_S;
    if (s < HANGUL_COUNT) {
        out[0] = HANGUL_L + s / HANGUL_N;
        out[1] = HANGUL_V + s % HANGUL_N / 28;
        if (s % 28 == 0) return 2;
        out[2] = HANGUL_T + s % 28;
        return 3;
    }
    unsigned at = edic_tok_decomposition_block[edic_tok_decomposition_index[scalar >> 7] * 128 + (scalar & 127)];
    if (at == 0) return 0;
    uint32_t header = edic_tok_decomposition_sequence[at];
    size_t canonical = header & 0xFFFF, compatible = header >> 16;
    const uint32_t *from = &edic_tok_decomposition_sequence[at + 1];
    size_t count = canonical;
    if (compatibility && compatible > 0) {
        from += canonical;
        count = compatible;
    }
    for (size_t i = 0; i < count; i++) out[i] = from[i];
    return count;
}

uint32_t edic_tok_compose(uint32_t first, uint32_t second) {
    uint32_t l = first - HANGUL_L, v = second - HANGUL_V;
    if (l < 19 && v < 21) return HANGUL_S + (l * 21 + v) * 28;
    uint32_t s = first - HANGUL_S, t = second - HANGUL_T;
    if (s < HANGUL_COUNT && s % 28 == 0 && t > 0 && t < 28) return first + t;
    uint64_t key = (uint64_t)first << 32 | second;
    size_t low = 0, high = edic_tok_composition_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (edic_tok_composition_pair[middle] < key) low = middle + 1; else high = middle;
    }
    if (low < edic_tok_composition_count && edic_tok_composition_pair[low] == key) return edic_tok_composition_result[low];
    return 0;
}

size_t edic_tok_lowercase(uint32_t scalar, uint32_t *out) {
    if (scalar > 0x10FFFF) return 0;
    unsigned at = edic_tok_lower_block[edic_tok_lower_index[scalar >> 7] * 128 + (scalar & 127)];
    if (at == 0) return 0;
    size_t count = edic_tok_lower_sequence[at];
    for (size_t i = 0; i < count; i++) out[i] = edic_tok_lower_sequence[at + 1 + i];
    return count;
}

// tokenizers' tables for BERT are those of Unicode 8. These ranges hold what came later, and nothing that was there.
typedef struct {
    uint32_t first, last;
} range;

static const range newer_punctuation[] = {
    {0x61D, 0x61D}, {0x9FD, 0xA76}, {0xC77, 0xC84}, {0x1B4E, 0x1B4F}, {0x1B7D, 0x1B7F}, {0x2E43, 0x2E5D},
    {0x10D6E, 0x10F89}, {0x113D4, 0x1145D}, {0x11660, 0x116B9}, {0x1183B, 0x11FFF}, {0x12FF1, 0x12FF2},
    {0x16D6D, 0x16FE2}, {0x1E5FF, 0x1E95F},
};
static const range newer_nonspacing[] = {
    {0x7FD, 0x7FD}, {0x897, 0x8E1}, {0x9FE, 0x9FE}, {0xAFA, 0xAFF}, {0xB55, 0xB55}, {0xC04, 0xC3C}, {0xD00, 0xD00},
    {0xD3B, 0xD3C}, {0xD81, 0xD81}, {0xEBA, 0xEBA}, {0xECE, 0xECE}, {0x180F, 0x1886}, {0x1ABF, 0x1ACE},
    {0x1DF6, 0x1DFB}, {0xA82C, 0xA82C}, {0xA8C5, 0xA8C5}, {0xA8FF, 0xA8FF}, {0xA9BD, 0xA9BD}, {0x10D24, 0x10F85},
    {0x11070, 0x11074}, {0x110C2, 0x110C2}, {0x111C9, 0x111C9}, {0x111CF, 0x111CF}, {0x1123E, 0x11241},
    {0x1133B, 0x1133B}, {0x113BB, 0x1145E}, {0x1182F, 0x1612F}, {0x16F4F, 0x16F4F}, {0x16FE4, 0x16FE4},
    {0x1CF00, 0x1CF46}, {0x1E000, 0x1E5EF}, {0x1E944, 0x1E94A},
};
static const range newer_marks[] = {
    {0x7FD, 0x7FD}, {0x897, 0x8D3}, {0x9FE, 0x9FE}, {0xAFA, 0xAFF}, {0xB55, 0xB55}, {0xC04, 0xC3C}, {0xCF3, 0xD00},
    {0xD3B, 0xD3C}, {0xD81, 0xD81}, {0xEBA, 0xEBA}, {0xECE, 0xECE}, {0x1715, 0x1715}, {0x180F, 0x180F},
    {0x1ABF, 0x1ACE}, {0x1CF7, 0x1CF7}, {0x1DF6, 0x1DFA}, {0xA82C, 0xA82C}, {0xA8FF, 0xA8FF}, {0x10D24, 0x10F85},
    {0x11070, 0x11074}, {0x110C2, 0x110C2}, {0x11145, 0x11146}, {0x111C9, 0x111C9}, {0x111CE, 0x111CF},
    {0x11241, 0x11241}, {0x1133B, 0x1133B}, {0x113B8, 0x113E2}, {0x1145E, 0x1145E}, {0x1182C, 0x11A99},
    {0x11D31, 0x1612F}, {0x16F4F, 0x16F4F}, {0x16F7F, 0x16F87}, {0x16FE4, 0x16FF1}, {0x1CF00, 0x1CF46},
    {0x1E08F, 0x1E5EF},
};

static int is_in(const range *ranges, size_t count, uint32_t scalar) {
    for (size_t i = 0; i < count; i++) {
        if (scalar >= ranges[i].first && scalar <= ranges[i].last) return 1;
    }
    return 0;
}

#define IS_IN(RANGES, SCALAR) is_in(RANGES, sizeof RANGES / sizeof *RANGES, SCALAR)

int edic_tok_is_punctuation(uint32_t scalar) {
    if (scalar < 0x80) {
        return (scalar >= 33 && scalar <= 47) || (scalar >= 58 && scalar <= 64) || (scalar >= 91 && scalar <= 96)
            || (scalar >= 123 && scalar <= 126);
    }
    if (scalar == 0x166D || scalar == 0x111C9) return 1;
    unsigned category = edic_tok_category(scalar) & 31;
    return category >= 19 && category <= 25 && !IS_IN(newer_punctuation, scalar);
}

int edic_tok_is_ideograph(uint32_t c) {
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF)
        || (c >= 0x2A700 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0xF900 && c <= 0xFAFF)
        || (c >= 0x2F800 && c <= 0x2FA1F);
}

int edic_tok_is_mark(uint32_t scalar, int nonspacing) {
    unsigned category = edic_tok_category(scalar) & 31;
    if (nonspacing) {
        if (scalar == 0x1734 || scalar == 0x1171E) return 1;
        return category == 5 && !IS_IN(newer_nonspacing, scalar);
    }
    if (scalar == 0x1CF2 || scalar == 0x1CF3) return 1;
    return category >= 5 && category <= 7 && !IS_IN(newer_marks, scalar);
}
