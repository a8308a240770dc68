// 16 lanes in plain C, for processors without kernels of their own. Slow in debug builds, plain SSE2 in release ones.
#pragma once
#include <stdint.h>
#include <string.h>

#include "half.h"

enum {
    lanes_mr_float = 2, lanes_nr_float = 1,
    lanes_mr_int8 = 2, lanes_nr_int8 = 1, lanes_mr_narrow = 2, lanes_nr_narrow = 1,
    lanes_mr_block = 1, lanes_nr_block = 1, lanes_mr_super = 1, lanes_nr_super = 1,
    lanes_mr_narrow_block = 1, lanes_nr_narrow_block = 1,
    lanes_mr_narrow_super = 1, lanes_nr_narrow_super = 1, lanes_nr_far = 1, lanes_in_place = 0, lanes_words = 0,
};

typedef struct { float v[16]; } vf;
typedef struct { uint32_t v[16]; } vi;

#define EK_LANES for (int i = 0; i < 16; i++)

static inline vf vf_set1(float a) { vf r; EK_LANES r.v[i] = a; return r; }
static inline vf vf_load(const float *p) { vf r; memcpy(r.v, p, sizeof r.v); return r; }
static inline void vf_store(float *p, vf a) { memcpy(p, a.v, sizeof a.v); }
static inline vf vf_load_f16(const uint16_t *p) { vf r; EK_LANES r.v[i] = ek_half_to_float(p[i]); return r; }
/// Rounds to halves, to even where two are as near; what is beyond the largest becomes the largest.
static inline void vf_store_f16(uint16_t *p, vf x) { EK_LANES p[i] = ek_half_of_float(x.v[i]); }
static inline vf vf_load_bf16(const uint16_t *p) { vf r; EK_LANES r.v[i] = ek_bfloat_to_float(p[i]); return r; }
static inline vf vf_load_i8(const int8_t *p) { vf r; EK_LANES r.v[i] = (float)p[i]; return r; }
static inline vf vf_load_u8(const uint8_t *p) { vf r; EK_LANES r.v[i] = (float)p[i]; return r; }
static inline vf vf_add(vf a, vf b) { EK_LANES a.v[i] += b.v[i]; return a; }
static inline vf vf_sub(vf a, vf b) { EK_LANES a.v[i] -= b.v[i]; return a; }
static inline vf vf_mul(vf a, vf b) { EK_LANES a.v[i] *= b.v[i]; return a; }
static inline vf vf_div(vf a, vf b) { EK_LANES a.v[i] /= b.v[i]; return a; }
static inline vf vf_fma(vf a, vf b, vf c) { EK_LANES c.v[i] += a.v[i] * b.v[i]; return c; }
static inline vf vf_max(vf a, vf b) { EK_LANES a.v[i] = a.v[i] > b.v[i] ? a.v[i] : b.v[i]; return a; }
static inline vf vf_min(vf a, vf b) { EK_LANES a.v[i] = a.v[i] < b.v[i] ? a.v[i] : b.v[i]; return a; }
static inline vf vf_abs(vf a) { EK_LANES a.v[i] = __builtin_fabsf(a.v[i]); return a; }
static inline vf vf_if_greater(vf a, vf b, vf x, vf y) { EK_LANES y.v[i] = a.v[i] > b.v[i] ? x.v[i] : y.v[i]; return y; }
/// Each lane and its neighbour: 0 and 1, 2 and 3 …
static inline vf vf_add_neighbours(vf a) { vf r; EK_LANES r.v[i] = a.v[i] + a.v[i ^ 1]; return r; }
static inline float vf_reduce_add(vf a) {
    for (int half = 8; half > 0; half /= 2)
        for (int i = 0; i < half; i++) a.v[i] += a.v[i + half];
    return a.v[0];
}
static inline float vf_reduce_max(vf a) {
    float most = a.v[0];
    for (int i = 1; i < 16; i++) most = a.v[i] > most ? a.v[i] : most;
    return most;
}
/// Adding and taking away 1.5 * 2^23 rounds to the nearest whole number, ties to even; |a| must stay below 2^22.
static inline vf vf_round(vf a) {
    EK_LANES a.v[i] = (a.v[i] + 12582912.0f) - 12582912.0f;
    return a;
}
/// a * 2^n for whole n in -126...127.
static inline vf vf_scale2(vf a, vf n) {
    EK_LANES {
        uint32_t bits = (uint32_t)((int32_t)n.v[i] + 127) << 23;
        float power;
        memcpy(&power, &bits, 4);
        a.v[i] *= power;
    }
    return a;
}
/// The number whose exponent is in the last eight bits of `a`.
static inline vf vf_exponent(vf a) {
    EK_LANES {
        uint32_t bits;
        memcpy(&bits, &a.v[i], 4);
        bits <<= 23;
        memcpy(&a.v[i], &bits, 4);
    }
    return a;
}
static inline vf vf_from_vi(vi a) { vf r; EK_LANES r.v[i] = (float)(int32_t)a.v[i]; return r; }
/// Whole numbers nearest to `a`, ties to even; |a| must stay below 2^22.
static inline vi vi_near(vf a) { vi r; a = vf_round(a); EK_LANES r.v[i] = (uint32_t)(int32_t)a.v[i]; return r; }
/// Rounds to whole numbers, ties to even, holds them in -127...127 and stores them as bytes; returns their sum.
static inline int32_t vf_store_i8(int8_t *p, vf a) {
    int32_t sum = 0;
    a = vf_round(a);
    EK_LANES {
        const float held = a.v[i] > 127.0f ? 127.0f : a.v[i] > -127.0f ? a.v[i] : -127.0f;
        p[i] = (int8_t)held;
        sum += p[i];
    }
    return sum;
}
/// Rounds to whole numbers and stores them as words, each four as 0, 2, 1, 3; returns their sum.
static inline int32_t vf_store_wide(int8_t *p, vf a) {
    int32_t sum = 0;
    int16_t words[16];
    a = vf_round(a);
    EK_LANES {
        const float held = a.v[i] > ek_wide_limit ? ek_wide_limit : a.v[i] > -ek_wide_limit ? a.v[i] : -ek_wide_limit;
        words[i / 4 * 4 + (i % 4 == 1 ? 2 : i % 4 == 2 ? 1 : i % 4)] = (int16_t)held;
        sum += (int16_t)held;
    }
    memcpy(p, words, sizeof words);
    return sum;
}

static inline vi vi_set1(int32_t a) { vi r; EK_LANES r.v[i] = (uint32_t)a; return r; }
static inline vi vi_load(const void *p) { vi r; memcpy(r.v, p, 64); return r; }
static inline void vi_store(void *p, vi a) { memcpy(p, a.v, 64); }
static inline vi vi_and(vi a, vi b) { EK_LANES a.v[i] &= b.v[i]; return a; }
static inline vi vi_or(vi a, vi b) { EK_LANES a.v[i] |= b.v[i]; return a; }
static inline vi vi_shift_right(vi a, int n) { EK_LANES a.v[i] >>= n; return a; }
static inline vi vi_shift_left(vi a, int n) { EK_LANES a.v[i] <<= n; return a; }
static inline vi vi_shift_right16(vi a, int n) {
    EK_LANES a.v[i] = (a.v[i] & 0xFFFF) >> n | a.v[i] >> 16 >> n << 16;
    return a;
}
static inline vi vi_bytes(uint8_t a) { return vi_set1((int32_t)(a * 0x01010101u)); }

// Two words of an activation row, for all lanes.
typedef uint32_t vw;
static inline vw vw_load(const int8_t *p) { vw r; memcpy(&r, p, 4); return r; }
/// Each lane adds the products of its two words and those of `x`.
static inline vi vi_dot2(vi sum, vi w, vw x) {
    EK_LANES for (int b = 0; b < 32; b += 16)
        sum.v[i] += (uint32_t)((int16_t)(w.v[i] >> b & 0xFFFF) * (int16_t)(x >> b & 0xFFFF));
    return sum;
}
static inline void vi_fence(vi *sum) { (void)sum; }
static inline int lanes_ask_far(void) { return 0; }
static inline void ek_prefetch(const void *p) { __builtin_prefetch(p); }
static inline void ek_prefetch_far(const void *p) { __builtin_prefetch(p, 0, 2); }

#include "lanes_partial.h"
#include "turn_rows.h"
