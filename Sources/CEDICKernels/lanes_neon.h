// 16 lanes in four 128-bit registers. Only instructions every 64-bit Arm processor has.
#pragma once
#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

enum {
    lanes_mr_float = 4, lanes_nr_float = 1,
    lanes_mr_int8 = 2, lanes_nr_int8 = 1, lanes_mr_narrow = 2, lanes_nr_narrow = 1,
    lanes_mr_block = 2, lanes_nr_block = 1, lanes_mr_super = 2, lanes_nr_super = 1,
    lanes_mr_narrow_block = 2, lanes_nr_narrow_block = 1,
    lanes_mr_narrow_super = 2, lanes_nr_narrow_super = 1, lanes_nr_far = 1, lanes_in_place = 0, lanes_words = 0,
};

typedef struct { float32x4_t v[4]; } vf;
typedef struct { uint32x4_t v[4]; } vi;

#define EK_QUADS for (int i = 0; i < 4; i++)

static inline vf vf_set1(float a) { vf r; EK_QUADS r.v[i] = vdupq_n_f32(a); return r; }
static inline vf vf_load(const float *p) { vf r; EK_QUADS r.v[i] = vld1q_f32(p + 4 * i); return r; }
static inline void vf_store(float *p, vf a) { EK_QUADS vst1q_f32(p + 4 * i, a.v[i]); }
static inline vf vf_load_f16(const uint16_t *p) {
    vf r;
    EK_QUADS r.v[i] = vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p + 4 * i)));
    return r;
}
/// Rounds to halves, to even where two are as near; what is beyond the largest becomes the largest.
static inline void vf_store_f16(uint16_t *p, vf x) {
    const float32x4_t most = vdupq_n_f32(65504), least = vdupq_n_f32(-65504);
    EK_QUADS vst1_u16(p + 4 * i, vreinterpret_u16_f16(vcvt_f16_f32(vmaxnmq_f32(vminnmq_f32(x.v[i], most), least))));
}
static inline vf vf_load_bf16(const uint16_t *p) {
    vf r;
    EK_QUADS r.v[i] = vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p + 4 * i), 16));
    return r;
}
static inline vf vf_load_i8(const int8_t *p) {
    const int8x16_t bytes = vld1q_s8(p);
    const int16x8_t low = vmovl_s8(vget_low_s8(bytes)), high = vmovl_s8(vget_high_s8(bytes));
    return (vf){{vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))), vcvtq_f32_s32(vmovl_s16(vget_high_s16(low))),
                 vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))), vcvtq_f32_s32(vmovl_s16(vget_high_s16(high)))}};
}
static inline vf vf_load_u8(const uint8_t *p) {
    const uint8x16_t bytes = vld1q_u8(p);
    const uint16x8_t low = vmovl_u8(vget_low_u8(bytes)), high = vmovl_u8(vget_high_u8(bytes));
    return (vf){{vcvtq_f32_u32(vmovl_u16(vget_low_u16(low))), vcvtq_f32_u32(vmovl_u16(vget_high_u16(low))),
                 vcvtq_f32_u32(vmovl_u16(vget_low_u16(high))), vcvtq_f32_u32(vmovl_u16(vget_high_u16(high)))}};
}
static inline vf vf_add(vf a, vf b) { EK_QUADS a.v[i] = vaddq_f32(a.v[i], b.v[i]); return a; }
static inline vf vf_sub(vf a, vf b) { EK_QUADS a.v[i] = vsubq_f32(a.v[i], b.v[i]); return a; }
static inline vf vf_mul(vf a, vf b) { EK_QUADS a.v[i] = vmulq_f32(a.v[i], b.v[i]); return a; }
static inline vf vf_div(vf a, vf b) { EK_QUADS a.v[i] = vdivq_f32(a.v[i], b.v[i]); return a; }
static inline vf vf_fma(vf a, vf b, vf c) { EK_QUADS c.v[i] = vfmaq_f32(c.v[i], a.v[i], b.v[i]); return c; }
static inline vf vf_max(vf a, vf b) { EK_QUADS a.v[i] = vmaxnmq_f32(a.v[i], b.v[i]); return a; }
static inline vf vf_min(vf a, vf b) { EK_QUADS a.v[i] = vminnmq_f32(a.v[i], b.v[i]); return a; }
static inline vf vf_abs(vf a) { EK_QUADS a.v[i] = vabsq_f32(a.v[i]); return a; }
static inline vf vf_if_greater(vf a, vf b, vf x, vf y) {
    EK_QUADS y.v[i] = vbslq_f32(vcgtq_f32(a.v[i], b.v[i]), x.v[i], y.v[i]);
    return y;
}
/// Each lane and its neighbour: 0 and 1, 2 and 3 …
static inline vf vf_add_neighbours(vf a) { EK_QUADS a.v[i] = vaddq_f32(a.v[i], vrev64q_f32(a.v[i])); return a; }
static inline float vf_reduce_add(vf a) {
    // In the order of the other instruction sets, which `vaddvq_f32` does not have.
    const float32x4_t four = vaddq_f32(vaddq_f32(a.v[0], a.v[2]), vaddq_f32(a.v[1], a.v[3]));
    const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}
static inline float vf_reduce_max(vf a) {
    return vmaxvq_f32(vmaxq_f32(vmaxq_f32(a.v[0], a.v[2]), vmaxq_f32(a.v[1], a.v[3])));
}
static inline vf vf_round(vf a) { EK_QUADS a.v[i] = vrndnq_f32(a.v[i]); return a; }
static inline vf vf_scale2(vf a, vf n) {
    EK_QUADS {
        const int32x4_t power = vshlq_n_s32(vaddq_s32(vcvtnq_s32_f32(n.v[i]), vdupq_n_s32(127)), 23);
        a.v[i] = vmulq_f32(a.v[i], vreinterpretq_f32_s32(power));
    }
    return a;
}
/// The number whose exponent is in the last eight bits of `a`.
static inline vf vf_exponent(vf a) {
    EK_QUADS a.v[i] = vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(a.v[i]), 23));
    return a;
}
static inline vf vf_from_vi(vi a) {
    vf r;
    EK_QUADS r.v[i] = vcvtq_f32_s32(vreinterpretq_s32_u32(a.v[i]));
    return r;
}
/// Whole numbers nearest to `a`, ties to even.
static inline vi vi_near(vf a) { vi r; EK_QUADS r.v[i] = vreinterpretq_u32_s32(vcvtnq_s32_f32(a.v[i])); return r; }
/// Rounds to whole numbers, ties to even, holds them in -127...127 and stores them as bytes; returns their sum.
static inline int32_t vf_store_i8(int8_t *p, vf a) {
    int32x4_t whole[4];
    EK_QUADS whole[i] = vcvtnq_s32_f32(vmaxq_f32(vminq_f32(a.v[i], vdupq_n_f32(127.0f)), vdupq_n_f32(-127.0f)));
    const int16x8_t low = vcombine_s16(vmovn_s32(whole[0]), vmovn_s32(whole[1]));
    const int16x8_t high = vcombine_s16(vmovn_s32(whole[2]), vmovn_s32(whole[3]));
    vst1q_s8(p, vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
    return vaddvq_s32(vaddq_s32(vaddq_s32(whole[0], whole[1]), vaddq_s32(whole[2], whole[3])));
}
/// Rounds to whole numbers and stores them as words, each four as 0, 2, 1, 3; returns their sum.
static inline int32_t vf_store_wide(int8_t *p, vf a) {
    int32x4_t whole[4];
    EK_QUADS {
        whole[i] = vcvtnq_s32_f32(vmaxq_f32(vminq_f32(a.v[i], vdupq_n_f32(ek_wide_limit)), vdupq_n_f32(-ek_wide_limit)));
        const int16x4_t words = vmovn_s32(whole[i]), odd = vrev32_s16(words);
        // 0 1 2 3 and 1 0 3 2: the even lanes of both are 0 2 and 1 3.
        vst1_s16((int16_t *)(p + 8 * i), vuzp1_s16(words, odd));
    }
    return vaddvq_s32(vaddq_s32(vaddq_s32(whole[0], whole[1]), vaddq_s32(whole[2], whole[3])));
}

static inline vi vi_set1(int32_t a) { vi r; EK_QUADS r.v[i] = vdupq_n_u32((uint32_t)a); return r; }
static inline vi vi_load(const void *p) {
    vi r;
    EK_QUADS r.v[i] = vreinterpretq_u32_u8(vld1q_u8((const uint8_t *)p + 16 * i));
    return r;
}
static inline void vi_store(void *p, vi a) { EK_QUADS vst1q_u8((uint8_t *)p + 16 * i, vreinterpretq_u8_u32(a.v[i])); }
static inline vi vi_and(vi a, vi b) { EK_QUADS a.v[i] = vandq_u32(a.v[i], b.v[i]); return a; }
static inline vi vi_or(vi a, vi b) { EK_QUADS a.v[i] = vorrq_u32(a.v[i], b.v[i]); return a; }
static inline vi vi_shift_right(vi a, int n) { EK_QUADS a.v[i] = vshlq_u32(a.v[i], vdupq_n_s32(-n)); return a; }
static inline vi vi_shift_left(vi a, int n) { EK_QUADS a.v[i] = vshlq_u32(a.v[i], vdupq_n_s32(n)); return a; }
static inline vi vi_shift_right16(vi a, int n) {
    EK_QUADS a.v[i] = vreinterpretq_u32_u16(vshlq_u16(vreinterpretq_u16_u32(a.v[i]), vdupq_n_s16((int16_t)-n)));
    return a;
}
static inline vi vi_bytes(uint8_t a) { return vi_set1((int32_t)(a * 0x01010101u)); }

// Two words of an activation row, for all lanes.
typedef int16x8_t vw;
static inline vw vw_load(const int8_t *p) {
    int32_t two;
    memcpy(&two, p, 4);
    return vreinterpretq_s16_s32(vdupq_n_s32(two));
}
/// Each lane adds the products of its two words and those of `x`.
static inline vi vi_dot2(vi sum, vi w, vw x) {
    EK_QUADS {
        const int16x8_t words = vreinterpretq_s16_u32(w.v[i]);
        const int32x4_t both = vpaddq_s32(vmull_s16(vget_low_s16(words), vget_low_s16(x)), vmull_high_s16(words, x));
        sum.v[i] = vaddq_u32(sum.v[i], vreinterpretq_u32_s32(both));
    }
    return sum;
}
static inline void vi_fence(vi *sum) { (void)sum; }
static inline int lanes_ask_far(void) { return 0; }
static inline void ek_prefetch(const void *p) { __builtin_prefetch(p); }
static inline void ek_prefetch_far(const void *p) { __builtin_prefetch(p, 0, 2); }

#include "lanes_partial.h"
#include "turn_rows.h"
