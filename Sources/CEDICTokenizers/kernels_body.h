// The code of kernels.h, compiled once for each instruction set.
#include <string.h>

#include "kernels.h"

#if defined(EDIC_AVX512) || defined(EDIC_AVX2)
#include <immintrin.h>
#elif defined(EDIC_NEON)
#include <arm_neon.h>
#endif

// --- Letter masks ---------------------------------------------------------------------------------------------------
//
// A two-byte character is a letter when LEAD[lead] & HIGH[continuation >> 4] & LOW[continuation & 15] is exactly
// PAIR: the other bits are the few characters of these blocks that are none.
//   1: C3 97, C3 B7   2: CE 80–85 87 8B 8D   4: CE A2   8: CF B6   16: D2 82–89   32: D4 B0

enum { PAIR = 64 };
#define LEADS_C 0, 0, 0, 65, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 70, 72
#define LEADS_D 64, 64, 80, 64, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
#define HIGH 0, 0, 0, 0, 0, 0, 0, 0, 82, 65, 68, 105, 0, 0, 0, 0
// The bit of a byte's upper half, for sets of bytes.
#define BITS 1, 2, 4, 8, 16, 32, 64, (char)128, 1, 2, 4, 8, 16, 32, 64, (char)128
#define LOW 98, 66, 86, 82, 82, 82, 88, 83, 80, 80, 64, 66, 64, 66, 64, 64

#if defined(EDIC_AVX512)

static void letters(const uint8_t *s, size_t blocks, uint64_t *masks) {
    const __m512i leads_c = _mm512_broadcast_i32x4(_mm_setr_epi8(LEADS_C));
    const __m512i leads_d = _mm512_broadcast_i32x4(_mm_setr_epi8(LEADS_D));
    const __m512i high = _mm512_broadcast_i32x4(_mm_setr_epi8(HIGH)), low = _mm512_broadcast_i32x4(_mm_setr_epi8(LOW));
    const __m512i nibble = _mm512_set1_epi8(15), row = _mm512_set1_epi8((char)0xF0);
    uint64_t carry = 0;
    for (size_t b = 0; b < blocks; b++, s += 64) {
        __m512i x = _mm512_loadu_si512(s);
        __m512i folded = _mm512_sub_epi8(_mm512_or_si512(x, _mm512_set1_epi8(0x20)), _mm512_set1_epi8('a'));
        uint64_t found = _mm512_cmple_epu8_mask(folded, _mm512_set1_epi8(25)), first = 0;
        if (_mm512_movepi8_mask(x)) {
            __m512i y = _mm512_loadu_si512(s + 1), at = _mm512_and_si512(x, nibble), top = _mm512_and_si512(x, row);
            __mmask64 c = _mm512_cmpeq_epi8_mask(top, _mm512_set1_epi8((char)0xC0));
            __mmask64 d = _mm512_cmpeq_epi8_mask(top, _mm512_set1_epi8((char)0xD0));
            __m512i lead = _mm512_or_si512(_mm512_maskz_shuffle_epi8(c, leads_c, at), _mm512_maskz_shuffle_epi8(d, leads_d, at));
            __m512i next = _mm512_and_si512(
                _mm512_shuffle_epi8(high, _mm512_and_si512(_mm512_srli_epi16(y, 4), nibble)),
                _mm512_shuffle_epi8(low, _mm512_and_si512(y, nibble)));
            first = _mm512_cmpeq_epi8_mask(_mm512_and_si512(lead, next), _mm512_set1_epi8(PAIR));
        }
        masks[b] = found | first | first << 1 | carry;
        carry = first >> 63;
    }
}

static void classes(const uint8_t *s, size_t blocks, edic_tok_classes *c) {
    letters(s, blocks, c->letters);
    for (size_t b = 0; b < blocks; b++, s += 64) {
        __m512i x = _mm512_loadu_si512(s);
        c->digits[b] = _mm512_cmple_epu8_mask(_mm512_sub_epi8(x, _mm512_set1_epi8('0')), _mm512_set1_epi8(9));
        c->blank[b] = _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8(' '));
        c->white[b] = c->blank[b] | _mm512_cmple_epu8_mask(_mm512_sub_epi8(x, _mm512_set1_epi8(9)), _mm512_set1_epi8(4));
        c->quote[b] = _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('\''));
        c->unsure[b] = _mm512_movepi8_mask(x) & ~c->letters[b];
    }
}

static void members(const uint8_t *s, size_t blocks, const edic_tok_byte_set *set, uint64_t *masks) {
    const __m512i first = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)set->rows));
    const __m512i second = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)set->rows + 1));
    const __m512i bits = _mm512_broadcast_i32x4(_mm_setr_epi8(BITS)), nibble = _mm512_set1_epi8(15);
    for (size_t b = 0; b < blocks; b++, s += 64) {
        __m512i x = _mm512_loadu_si512(s), low = _mm512_and_si512(x, nibble);
        __m512i bit = _mm512_shuffle_epi8(bits, _mm512_and_si512(_mm512_srli_epi16(x, 4), nibble));
        __m512i row = _mm512_mask_shuffle_epi8(_mm512_shuffle_epi8(first, low), _mm512_movepi8_mask(x), second, low);
        masks[b] = _mm512_test_epi8_mask(row, bit);
    }
}

#elif defined(EDIC_AVX2)

static inline uint32_t ascii_letters(__m256i x) {
    __m256i folded = _mm256_sub_epi8(_mm256_or_si256(x, _mm256_set1_epi8(0x20)), _mm256_set1_epi8('a'));
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(folded, _mm256_set1_epi8(25)), folded));
}

static inline uint32_t pair_letters(__m256i x, __m256i y) {
    const __m256i leads_c = _mm256_broadcastsi128_si256(_mm_setr_epi8(LEADS_C));
    const __m256i leads_d = _mm256_broadcastsi128_si256(_mm_setr_epi8(LEADS_D));
    const __m256i high = _mm256_broadcastsi128_si256(_mm_setr_epi8(HIGH)), low = _mm256_broadcastsi128_si256(_mm_setr_epi8(LOW));
    const __m256i nibble = _mm256_set1_epi8(15);
    __m256i at = _mm256_and_si256(x, nibble), top = _mm256_and_si256(x, _mm256_set1_epi8((char)0xF0));
    __m256i c = _mm256_cmpeq_epi8(top, _mm256_set1_epi8((char)0xC0)), d = _mm256_cmpeq_epi8(top, _mm256_set1_epi8((char)0xD0));
    __m256i lead = _mm256_or_si256(
        _mm256_and_si256(c, _mm256_shuffle_epi8(leads_c, at)), _mm256_and_si256(d, _mm256_shuffle_epi8(leads_d, at)));
    __m256i next = _mm256_and_si256(
        _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16(y, 4), nibble)),
        _mm256_shuffle_epi8(low, _mm256_and_si256(y, nibble)));
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_and_si256(lead, next), _mm256_set1_epi8(PAIR)));
}

static inline __m256i load(const uint8_t *s) { return _mm256_loadu_si256((const __m256i *)s); }

static void letters(const uint8_t *s, size_t blocks, uint64_t *masks) {
    uint64_t carry = 0;
    for (size_t b = 0; b < blocks; b++, s += 64) {
        __m256i x0 = load(s), x1 = load(s + 32);
        uint64_t found = ascii_letters(x0) | (uint64_t)ascii_letters(x1) << 32, first = 0;
        if (_mm256_movemask_epi8(_mm256_or_si256(x0, x1))) {
            first = pair_letters(x0, load(s + 1)) | (uint64_t)pair_letters(x1, load(s + 33)) << 32;
        }
        masks[b] = found | first | first << 1 | carry;
        carry = first >> 63;
    }
}

static inline uint32_t up_to(__m256i x, char first, char most) {
    __m256i from = _mm256_sub_epi8(x, _mm256_set1_epi8(first));
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(from, _mm256_set1_epi8(most)), from));
}

static inline uint32_t equal(__m256i x, char byte) {
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(x, _mm256_set1_epi8(byte)));
}

#define BOTH(WHAT) ((uint64_t)(uint32_t)(WHAT(x0)) | (uint64_t)(uint32_t)(WHAT(x1)) << 32)
#define DIGITS(x) up_to(x, '0', 9)
#define BLANK(x) equal(x, ' ')
#define CONTROLS(x) up_to(x, 9, 4)
#define QUOTE(x) equal(x, '\'')

static void classes(const uint8_t *s, size_t blocks, edic_tok_classes *c) {
    letters(s, blocks, c->letters);
    for (size_t b = 0; b < blocks; b++, s += 64) {
        __m256i x0 = load(s), x1 = load(s + 32);
        c->digits[b] = BOTH(DIGITS);
        c->blank[b] = BOTH(BLANK);
        c->white[b] = c->blank[b] | BOTH(CONTROLS);
        c->quote[b] = BOTH(QUOTE);
        c->unsure[b] = BOTH(_mm256_movemask_epi8) & ~c->letters[b];
    }
}

static inline uint32_t members_of(__m256i x, __m256i first, __m256i second) {
    const __m256i bits = _mm256_broadcastsi128_si256(_mm_setr_epi8(BITS)), nibble = _mm256_set1_epi8(15);
    __m256i low = _mm256_and_si256(x, nibble);
    __m256i bit = _mm256_shuffle_epi8(bits, _mm256_and_si256(_mm256_srli_epi16(x, 4), nibble));
    __m256i row = _mm256_blendv_epi8(_mm256_shuffle_epi8(first, low), _mm256_shuffle_epi8(second, low), x);
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_and_si256(row, bit), bit));
}

static void members(const uint8_t *s, size_t blocks, const edic_tok_byte_set *set, uint64_t *masks) {
    const __m256i first = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)set->rows));
    const __m256i second = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)set->rows + 1));
    for (size_t b = 0; b < blocks; b++, s += 64) {
        masks[b] = members_of(load(s), first, second) | (uint64_t)members_of(load(s + 32), first, second) << 32;
    }
}

#elif defined(EDIC_NEON)

static inline uint64_t bits_of(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d) {
    const uint8x16_t bit = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t ab = vpaddq_u8(vandq_u8(a, bit), vandq_u8(b, bit)), cd = vpaddq_u8(vandq_u8(c, bit), vandq_u8(d, bit));
    uint8x16_t all = vpaddq_u8(ab, cd);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(all, all)), 0);
}

static inline uint8x16_t ascii_letters(uint8x16_t x) {
    return vcleq_u8(vsubq_u8(vorrq_u8(x, vdupq_n_u8(0x20)), vdupq_n_u8('a')), vdupq_n_u8(25));
}

static inline uint8x16_t pair_letters(uint8x16_t x, uint8x16_t y) {
    static const uint8_t leads[32] = {LEADS_C, LEADS_D}, highs[16] = {HIGH}, lows[16] = {LOW};
    // Beyond the two rows the look-up gives 0.
    uint8x16x2_t table = {{vld1q_u8(leads), vld1q_u8(leads + 16)}};
    uint8x16_t lead = vqtbl2q_u8(table, vsubq_u8(x, vdupq_n_u8(0xC0)));
    uint8x16_t next = vandq_u8(vqtbl1q_u8(vld1q_u8(highs), vshrq_n_u8(y, 4)), vqtbl1q_u8(vld1q_u8(lows), vandq_u8(y, vdupq_n_u8(15))));
    return vceqq_u8(vandq_u8(lead, next), vdupq_n_u8(PAIR));
}

static void letters(const uint8_t *s, size_t blocks, uint64_t *masks) {
    uint64_t carry = 0;
    for (size_t b = 0; b < blocks; b++, s += 64) {
        uint8x16_t x0 = vld1q_u8(s), x1 = vld1q_u8(s + 16), x2 = vld1q_u8(s + 32), x3 = vld1q_u8(s + 48);
        uint64_t found = bits_of(ascii_letters(x0), ascii_letters(x1), ascii_letters(x2), ascii_letters(x3)), first = 0;
        if (vmaxvq_u8(vmaxq_u8(vmaxq_u8(x0, x1), vmaxq_u8(x2, x3))) >= 0x80) {
            first = bits_of(pair_letters(x0, vld1q_u8(s + 1)), pair_letters(x1, vld1q_u8(s + 17)),
                            pair_letters(x2, vld1q_u8(s + 33)), pair_letters(x3, vld1q_u8(s + 49)));
        }
        masks[b] = found | first | first << 1 | carry;
        carry = first >> 63;
    }
}

#define ALL(WHAT) bits_of(WHAT(x0), WHAT(x1), WHAT(x2), WHAT(x3))
#define DIGITS(x) vcleq_u8(vsubq_u8(x, vdupq_n_u8('0')), vdupq_n_u8(9))
#define BLANK(x) vceqq_u8(x, vdupq_n_u8(' '))
#define CONTROLS(x) vcleq_u8(vsubq_u8(x, vdupq_n_u8(9)), vdupq_n_u8(4))
#define QUOTE(x) vceqq_u8(x, vdupq_n_u8('\''))
#define BEYOND(x) vcgeq_u8(x, vdupq_n_u8(0x80))

static void classes(const uint8_t *s, size_t blocks, edic_tok_classes *c) {
    letters(s, blocks, c->letters);
    for (size_t b = 0; b < blocks; b++, s += 64) {
        uint8x16_t x0 = vld1q_u8(s), x1 = vld1q_u8(s + 16), x2 = vld1q_u8(s + 32), x3 = vld1q_u8(s + 48);
        c->digits[b] = ALL(DIGITS);
        c->blank[b] = ALL(BLANK);
        c->white[b] = c->blank[b] | ALL(CONTROLS);
        c->quote[b] = ALL(QUOTE);
        c->unsure[b] = ALL(BEYOND) & ~c->letters[b];
    }
}

static void members(const uint8_t *s, size_t blocks, const edic_tok_byte_set *set, uint64_t *masks) {
    const uint8x16_t first = vld1q_u8(set->rows), second = vld1q_u8(set->rows + 16);
    const uint8x16_t bits = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    for (size_t b = 0; b < blocks; b++, s += 64) {
        uint8x16_t is[4];
        for (unsigned k = 0; k < 4; k++) {
            uint8x16_t x = vld1q_u8(s + 16 * k), low = vandq_u8(x, vdupq_n_u8(15));
            uint8x16_t row = vbslq_u8(vcgeq_u8(x, vdupq_n_u8(0x80)), vqtbl1q_u8(second, low), vqtbl1q_u8(first, low));
            is[k] = vtstq_u8(row, vqtbl1q_u8(bits, vshrq_n_u8(x, 4)));
        }
        masks[b] = bits_of(is[0], is[1], is[2], is[3]);
    }
}

#else

static void letters(const uint8_t *s, size_t blocks, uint64_t *masks) {
    static const uint8_t leads[32] = {LEADS_C, LEADS_D}, high[16] = {HIGH}, low[16] = {LOW};
    uint64_t carry = 0;
    for (size_t b = 0; b < blocks; b++, s += 64) {
        uint64_t found = 0, first = 0;
        for (unsigned i = 0; i < 64; i++) {
            uint8_t x = s[i], y = s[i + 1], lead = x >= 0xC0 && x < 0xE0 ? leads[x - 0xC0] : 0;
            found |= (uint64_t)((uint8_t)((x | 0x20) - 'a') <= 25) << i;
            first |= (uint64_t)((lead & high[y >> 4] & low[y & 15]) == PAIR) << i;
        }
        masks[b] = found | first | first << 1 | carry;
        carry = first >> 63;
    }
}

static void classes(const uint8_t *s, size_t blocks, edic_tok_classes *c) {
    letters(s, blocks, c->letters);
    for (size_t b = 0; b < blocks; b++, s += 64) {
        uint64_t digits = 0, white = 0, blank = 0, quote = 0, beyond = 0;
        for (unsigned i = 0; i < 64; i++) {
            digits |= (uint64_t)((uint8_t)(s[i] - '0') <= 9) << i;
            white |= (uint64_t)((uint8_t)(s[i] - 9) <= 4) << i;
            blank |= (uint64_t)(s[i] == ' ') << i;
            quote |= (uint64_t)(s[i] == '\'') << i;
            beyond |= (uint64_t)(s[i] >> 7) << i;
        }
        c->digits[b] = digits;
        c->blank[b] = blank;
        c->white[b] = white | blank;
        c->quote[b] = quote;
        c->unsure[b] = beyond & ~c->letters[b];
    }
}

static void members(const uint8_t *s, size_t blocks, const edic_tok_byte_set *set, uint64_t *masks) {
    for (size_t b = 0; b < blocks; b++, s += 64) {
        masks[b] = 0;
        for (unsigned i = 0; i < 64; i++) {
            uint8_t row = set->rows[(s[i] & 15) + (s[i] >> 7) * 16];
            masks[b] |= (uint64_t)(row >> (s[i] >> 4 & 7) & 1) << i;
        }
    }
}

#endif
