// 16 lanes in two 256-bit registers.
#pragma once
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

enum {
    lanes_mr_float = 6, lanes_nr_float = 1,
    lanes_mr_int8 = 3, lanes_nr_int8 = 1, lanes_mr_narrow = 3, lanes_nr_narrow = 1,
    lanes_mr_block = 3, lanes_nr_block = 1, lanes_mr_super = 3, lanes_nr_super = 1,
    lanes_mr_narrow_block = 4, lanes_nr_narrow_block = 1,
    lanes_mr_narrow_super = 4, lanes_nr_narrow_super = 1, lanes_nr_far = 1, lanes_in_place = 0, lanes_words = 1,
};

typedef struct { __m256 a, b; } vf;
typedef struct { __m256i a, b; } vi;

static inline vf vf_set1(float a) { const __m256 v = _mm256_set1_ps(a); return (vf){v, v}; }
static inline vf vf_load(const float *p) { return (vf){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
static inline void vf_store(float *p, vf v) { _mm256_storeu_ps(p, v.a); _mm256_storeu_ps(p + 8, v.b); }
static inline vf vf_load_f16(const uint16_t *p) {
    return (vf){_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)), _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(p + 8)))};
}
/// Rounds to halves, to even where two are as near; what is beyond the largest becomes the largest.
static inline void vf_store_f16(uint16_t *p, vf x) {
    const __m256 most = _mm256_set1_ps(65504), least = _mm256_set1_ps(-65504);
    _mm_storeu_si128((__m128i *)p, _mm256_cvtps_ph(_mm256_max_ps(_mm256_min_ps(x.a, most), least), 0));
    _mm_storeu_si128((__m128i *)(p + 8), _mm256_cvtps_ph(_mm256_max_ps(_mm256_min_ps(x.b, most), least), 0));
}
static inline vf vf_load_bf16(const uint16_t *p) {
    const __m256i a = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
    const __m256i b = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(p + 8)));
    return (vf){_mm256_castsi256_ps(_mm256_slli_epi32(a, 16)), _mm256_castsi256_ps(_mm256_slli_epi32(b, 16))};
}
static inline vf vf_load_i8(const int8_t *p) {
    const __m128i bytes = _mm_loadu_si128((const __m128i *)p);
    return (vf){_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)), _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8)))};
}
static inline vf vf_load_u8(const uint8_t *p) {
    const __m128i bytes = _mm_loadu_si128((const __m128i *)p);
    return (vf){_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)), _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8)))};
}
static inline vf vf_add(vf x, vf y) { return (vf){_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
static inline vf vf_sub(vf x, vf y) { return (vf){_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
static inline vf vf_mul(vf x, vf y) { return (vf){_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
static inline vf vf_div(vf x, vf y) { return (vf){_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
static inline vf vf_fma(vf x, vf y, vf z) { return (vf){_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)}; }
static inline vf vf_max(vf x, vf y) { return (vf){_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
static inline vf vf_min(vf x, vf y) { return (vf){_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)}; }
static inline vf vf_abs(vf x) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return (vf){_mm256_andnot_ps(sign, x.a), _mm256_andnot_ps(sign, x.b)};
}
static inline vf vf_if_greater(vf p, vf q, vf x, vf y) {
    return (vf){_mm256_blendv_ps(y.a, x.a, _mm256_cmp_ps(p.a, q.a, _CMP_GT_OQ)),
                _mm256_blendv_ps(y.b, x.b, _mm256_cmp_ps(p.b, q.b, _CMP_GT_OQ))};
}
/// Each lane and its neighbour: 0 and 1, 2 and 3 …
static inline vf vf_add_neighbours(vf x) {
    return (vf){_mm256_add_ps(x.a, _mm256_permute_ps(x.a, 0xB1)), _mm256_add_ps(x.b, _mm256_permute_ps(x.b, 0xB1))};
}
static inline float vf_reduce_add(vf x) {
    const __m256 eight = _mm256_add_ps(x.a, x.b);
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
static inline float vf_reduce_max(vf x) {
    const __m256 eight = _mm256_max_ps(x.a, x.b);
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
static inline vf vf_round(vf x) {
    return (vf){_mm256_round_ps(x.a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC),
                _mm256_round_ps(x.b, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
static inline __m256 ek_power2(__m256 n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23));
}
static inline vf vf_scale2(vf x, vf n) { return (vf){_mm256_mul_ps(x.a, ek_power2(n.a)), _mm256_mul_ps(x.b, ek_power2(n.b))}; }
/// The number whose exponent is in the last eight bits of `x`.
static inline vf vf_exponent(vf x) {
    return (vf){_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(x.a), 23)),
                _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(x.b), 23))};
}
static inline vf vf_from_vi(vi x) { return (vf){_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)}; }
/// Whole numbers nearest to `x`, ties to even.
static inline vi vi_near(vf x) { return (vi){_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b)}; }
/// The sum of 16 signed bytes.
static inline int32_t ek_sum_bytes(__m128i bytes) {
    const __m128i eights = _mm_sad_epu8(_mm_xor_si128(bytes, _mm_set1_epi8((char)0x80)), _mm_setzero_si128());
    return _mm_cvtsi128_si32(_mm_add_epi32(eights, _mm_unpackhi_epi64(eights, eights))) - 16 * 128;
}
/// Rounds to whole numbers, ties to even, holds them in -127...127 and stores them as bytes; returns their sum.
static inline int32_t vf_store_i8(int8_t *p, vf x) {
    const vf held = vf_max(vf_min(x, vf_set1(127.0f)), vf_set1(-127.0f));
    const __m256i words = _mm256_permute4x64_epi64(
        _mm256_packs_epi32(_mm256_cvtps_epi32(held.a), _mm256_cvtps_epi32(held.b)), 0xD8);
    const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128((__m128i *)p, bytes);
    return ek_sum_bytes(bytes);
}
/// Rounds to whole numbers and stores them as words, each four as 0, 2, 1, 3; returns their sum.
static inline int32_t vf_store_wide(int8_t *p, vf x) {
    const vf held = vf_max(vf_min(x, vf_set1(ek_wide_limit)), vf_set1(-ek_wide_limit));
    const __m256i words = _mm256_permute4x64_epi64(
        _mm256_packs_epi32(_mm256_cvtps_epi32(held.a), _mm256_cvtps_epi32(held.b)), 0xD8);
    _mm256_storeu_si256((__m256i *)p, _mm256_shufflehi_epi16(_mm256_shufflelo_epi16(words, 0xD8), 0xD8));
    const __m256i eight = _mm256_madd_epi16(words, _mm256_set1_epi16(1));
    const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
    const __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
    return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 1)));
}

static inline vi vi_set1(int32_t a) { const __m256i v = _mm256_set1_epi32(a); return (vi){v, v}; }
static inline vi vi_load(const void *p) {
    return (vi){_mm256_loadu_si256((const __m256i *)p), _mm256_loadu_si256((const __m256i *)p + 1)};
}
static inline void vi_store(void *p, vi x) {
    _mm256_storeu_si256((__m256i *)p, x.a);
    _mm256_storeu_si256((__m256i *)p + 1, x.b);
}
static inline vi vi_and(vi x, vi y) { return (vi){_mm256_and_si256(x.a, y.a), _mm256_and_si256(x.b, y.b)}; }
static inline vi vi_or(vi x, vi y) { return (vi){_mm256_or_si256(x.a, y.a), _mm256_or_si256(x.b, y.b)}; }
static inline vi vi_shift_right(vi x, int n) { return (vi){_mm256_srli_epi32(x.a, n), _mm256_srli_epi32(x.b, n)}; }
static inline vi vi_shift_left(vi x, int n) { return (vi){_mm256_slli_epi32(x.a, n), _mm256_slli_epi32(x.b, n)}; }
static inline vi vi_shift_right16(vi x, int n) { return (vi){_mm256_srli_epi16(x.a, n), _mm256_srli_epi16(x.b, n)}; }
static inline vi vi_bytes(uint8_t a) { const __m256i v = _mm256_set1_epi8((char)a); return (vi){v, v}; }

// Two words of an activation row, for all lanes.
typedef __m256i vw;
static inline vw vw_load(const int8_t *p) {
    int32_t two;
    memcpy(&two, p, 4);
    return _mm256_set1_epi32(two);
}
/// Each lane adds the products of its two words and those of `x`.
static inline vi vi_dot2(vi sum, vi w, vw x) {
    return (vi){_mm256_add_epi32(sum.a, _mm256_madd_epi16(w.a, x)), _mm256_add_epi32(sum.b, _mm256_madd_epi16(w.b, x))};
}

// Four bytes of an activation row, for all lanes.
typedef __m256i vx;
static inline vx vx_load(const int8_t *p) {
    int32_t four;
    memcpy(&four, p, 4);
    return _mm256_set1_epi32(four);
}
/// Sums of two neighbours' products in 16 bits: |sum| must be below 32768.
static inline vi vi_pairs(vi w, vx x) { return (vi){_mm256_maddubs_epi16(w.a, x), _mm256_maddubs_epi16(w.b, x)}; }
static inline vi vi_add16(vi x, vi y) { return (vi){_mm256_add_epi16(x.a, y.a), _mm256_add_epi16(x.b, y.b)}; }
/// Each lane adds its two 16-bit sums.
static inline vi vi_add_pairs(vi sum, vi pairs) {
    const __m256i one = _mm256_set1_epi16(1);
    return (vi){_mm256_add_epi32(sum.a, _mm256_madd_epi16(pairs.a, one)),
                _mm256_add_epi32(sum.b, _mm256_madd_epi16(pairs.b, one))};
}
static inline vi vi_dot4(vi sum, vi w, vx x) { return vi_add_pairs(sum, vi_pairs(w, x)); }
/// Neither this sum nor anything read from memory moves across.
static inline void vi_fence(vi *sum) { __asm__ volatile("" : "+x"(sum->a), "+x"(sum->b) : : "memory"); }
static inline int lanes_ask_far(void) { return 0; }
static inline void ek_prefetch(const void *p) { _mm_prefetch((const char *)p, _MM_HINT_T0); }
/// The same into the second-level cache, which takes more requests at once.
static inline void ek_prefetch_far(const void *p) { _mm_prefetch((const char *)p, _MM_HINT_T1); }

#include "lanes_partial.h"
#include "turn_x86.h"
