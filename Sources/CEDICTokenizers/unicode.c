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
