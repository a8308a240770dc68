// 16 lanes in one 512-bit register. With EK_VNNI defined, byte products take one instruction.
#pragma once
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#if defined(EK_VNNI)
// Split numbers have two sums.
enum { lanes_nr_int8 = 1, lanes_mr_block = 4, lanes_nr_block = 2 };
#else
enum { lanes_nr_int8 = 3, lanes_mr_block = 6, lanes_nr_block = 1 };
#endif
enum {
    lanes_mr_float = 8, lanes_nr_float = 3,
    lanes_mr_int8 = 8, lanes_mr_narrow = 8, lanes_nr_narrow = 3,
    lanes_mr_super = 6, lanes_nr_super = 1, lanes_mr_narrow_block = 6, lanes_nr_narrow_block = 2,
    lanes_mr_narrow_super = 8, lanes_nr_narrow_super = 1, lanes_nr_far = 2,
    // Values of a few queries are weighed where they lie: sixteen sums leave room.
    lanes_in_place = 1,
    lanes_words = 1,
};

typedef __m512 vf;
typedef __m512i vi;

static inline vf vf_set1(float a) { return _mm512_set1_ps(a); }
static inline vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void vf_store(float *p, vf a) { _mm512_storeu_ps(p, a); }
static inline __mmask16 ek_first_lanes(size_t n) { return n >= 16 ? 0xFFFF : (__mmask16)((1u << n) - 1); }
/// Loads min(n, 16) floats, the missing ones as `fill`.
static inline vf vf_load_some(const float *p, size_t n, float fill) {
    return _mm512_mask_loadu_ps(_mm512_set1_ps(fill), ek_first_lanes(n), p);
}
static inline void vf_store_some(float *p, size_t n, vf value) { _mm512_mask_storeu_ps(p, ek_first_lanes(n), value); }
static inline vf vf_load_f16(const uint16_t *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }
/// Rounds to halves, to even where two are as near; what is beyond the largest becomes the largest.
static inline void vf_store_f16(uint16_t *p, vf x) {
    const vf near = _mm512_max_ps(_mm512_min_ps(x, _mm512_set1_ps(65504)), _mm512_set1_ps(-65504));
    _mm256_storeu_si256((__m256i *)p, _mm512_cvtps_ph(near, 0));
}
static inline vf vf_load_bf16(const uint16_t *p) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)), 16));
}
static inline vf vf_load_i8(const int8_t *p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)));
}
static inline vf vf_load_u8(const uint8_t *p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p)));
}
static inline vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
static inline vf vf_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
static inline vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
static inline vf vf_div(vf a, vf b) { return _mm512_div_ps(a, b); }
static inline vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
static inline vf vf_max(vf a, vf b) { return _mm512_max_ps(a, b); }
static inline vf vf_min(vf a, vf b) { return _mm512_min_ps(a, b); }
static inline vf vf_abs(vf a) { return _mm512_abs_ps(a); }
static inline vf vf_if_greater(vf a, vf b, vf x, vf y) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ), y, x);
}
/// Each lane and its neighbour: 0 and 1, 2 and 3 …
static inline vf vf_add_neighbours(vf a) { return _mm512_add_ps(a, _mm512_permute_ps(a, 0xB1)); }
static inline float vf_reduce_add(vf a) { return _mm512_reduce_add_ps(a); }
static inline float vf_reduce_max(vf a) { return _mm512_reduce_max_ps(a); }
static inline vf vf_round(vf a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline vf vf_scale2(vf a, vf n) { return _mm512_scalef_ps(a, n); }
/// The number whose exponent is in the last eight bits of `a`.
static inline vf vf_exponent(vf a) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(a), 23)); }
static inline vf vf_from_vi(vi a) { return _mm512_cvtepi32_ps(a); }
/// Whole numbers nearest to `a`, ties to even.
static inline vi vi_near(vf a) { return _mm512_cvtps_epi32(a); }
/// The sum of 16 signed bytes.
static inline int32_t ek_sum_bytes(__m128i bytes) {
    const __m128i eights = _mm_sad_epu8(_mm_xor_si128(bytes, _mm_set1_epi8((char)0x80)), _mm_setzero_si128());
    return _mm_cvtsi128_si32(_mm_add_epi32(eights, _mm_unpackhi_epi64(eights, eights))) - 16 * 128;
}
/// Rounds to whole numbers, ties to even, holds them in -127...127 and stores them as bytes; returns their sum.
static inline int32_t vf_store_i8(int8_t *p, vf a) {
    const vf held = _mm512_max_ps(_mm512_min_ps(a, _mm512_set1_ps(127.0f)), _mm512_set1_ps(-127.0f));
    const __m128i bytes = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(held));
    _mm_storeu_si128((__m128i *)p, bytes);
    return ek_sum_bytes(bytes);
}
#define EK_STORES_64 1
/// The same for the products of `n` numbers, a multiple of 64, and a factor, none of which rounds to more than 127.
static inline int32_t ek_store_products(int8_t *p, const float *x, vf factor, size_t n) {
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i sums = _mm512_setzero_si512();
    for (size_t i = 0; i < n; i += 64) {
        __m512i whole[4];
        for (size_t l = 0; l < 4; l++) whole[l] = _mm512_cvtps_epi32(vf_mul(vf_load(x + i + 16 * l), factor));
        const __m512i words1 = _mm512_packs_epi32(whole[0], whole[1]), words2 = _mm512_packs_epi32(whole[2], whole[3]);
        const __m512i bytes = _mm512_permutexvar_epi32(order, _mm512_packs_epi16(words1, words2));
        _mm512_storeu_si512(p + i, bytes);
        const __m512i above = _mm512_xor_si512(bytes, _mm512_set1_epi8((char)0x80));
        sums = _mm512_add_epi64(sums, _mm512_sad_epu8(above, _mm512_setzero_si512()));
    }
    return (int32_t)_mm512_reduce_add_epi64(sums) - 128 * (int32_t)n;
}
/// Rounds to whole numbers and stores them as words, each four as 0, 2, 1, 3, or, split, as four low bytes and four high ones,
/// both signed; returns their sum.
static inline int32_t vf_store_wide(int8_t *p, vf a) {
    const vf held = _mm512_max_ps(_mm512_min_ps(a, _mm512_set1_ps(ek_wide_limit)), _mm512_set1_ps(-ek_wide_limit));
    const __m512i whole = _mm512_cvtps_epi32(held);
#if defined(EK_VNNI)
    const __m128i low = _mm512_cvtepi32_epi8(whole);
    const __m128i high = _mm512_cvtepi32_epi8(_mm512_srai_epi32(_mm512_add_epi32(whole, _mm512_set1_epi32(128)), 8));
    _mm_storeu_si128((__m128i *)p, _mm_unpacklo_epi32(low, high));
    _mm_storeu_si128((__m128i *)(p + 16), _mm_unpackhi_epi32(low, high));
#else
    const __m256i words = _mm512_cvtepi32_epi16(whole);
    _mm256_storeu_si256((__m256i *)p, _mm256_shufflehi_epi16(_mm256_shufflelo_epi16(words, 0xD8), 0xD8));
#endif
    return _mm512_reduce_add_epi32(whole);
}

static inline vi vi_set1(int32_t a) { return _mm512_set1_epi32(a); }
static inline vi vi_load(const void *p) { return _mm512_loadu_si512(p); }
static inline void vi_store(void *p, vi a) { _mm512_storeu_si512(p, a); }
static inline vi vi_and(vi a, vi b) { return _mm512_and_si512(a, b); }
static inline vi vi_or(vi a, vi b) { return _mm512_or_si512(a, b); }
static inline vi vi_shift_right(vi a, int n) { return _mm512_srli_epi32(a, (unsigned)n); }
static inline vi vi_shift_left(vi a, int n) { return _mm512_slli_epi32(a, (unsigned)n); }
static inline vi vi_shift_right16(vi a, int n) { return _mm512_srli_epi16(a, (unsigned)n); }
static inline vi vi_bytes(uint8_t a) { return _mm512_set1_epi8((char)a); }

// Two words of an activation row, for all lanes.
typedef __m512i vw;
static inline vw vw_load(const int8_t *p) {
    int32_t two;
    memcpy(&two, p, 4);
    return _mm512_set1_epi32(two);
}

#if defined(EK_VNNI)
/// Each lane adds the products of its two words and those of `x`.
static inline vi vi_dot2(vi sum, vi w, vw x) { return _mm512_dpwssd_epi32(sum, w, x); }

typedef __m512i vx;
static inline vx vx_load(const int8_t *p) {
    int32_t four;
    memcpy(&four, p, 4);
    return _mm512_set1_epi32(four);
}
static inline vi vi_dot4(vi sum, vi w, vx x) { return _mm512_dpbusd_epi32(sum, w, x); }
#else
static inline vi vi_dot2(vi sum, vi w, vw x) { return _mm512_add_epi32(sum, _mm512_madd_epi16(w, x)); }
#endif
static inline void vi_fence(vi *sum) { (void)sum; }
/// Whether blocks in several runs of memory are read faster when they are asked for: by Intel's processors, where there is more
/// to compute than they look ahead past. AMD's are slower for it.
static inline int lanes_ask_far(void) { return !__builtin_cpu_is("amd"); }
static inline void ek_prefetch(const void *p) { _mm_prefetch((const char *)p, _MM_HINT_T0); }
/// The same into the second-level cache, which takes more requests at once.
static inline void ek_prefetch_far(const void *p) { _mm_prefetch((const char *)p, _MM_HINT_T1); }

#include "turn_x86.h"
