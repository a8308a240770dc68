// Half-precision numbers without hardware for them.
#pragma once
#include <stdint.h>
#include <string.h>

static inline float ek_float_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

static inline float ek_bfloat_to_float(uint16_t h) { return ek_float_of_bits((uint32_t)h << 16); }

/// IEEE binary16 to binary32, exact, subnormals and NaN payloads included.
static inline float ek_half_to_float(uint16_t h) {
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 0x3FF;
    if (exponent == 31) return ek_float_of_bits(sign | 0x7F800000 | fraction << 13);
    if (exponent > 0) return ek_float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
    // fraction * 2^-24 is exact in binary32.
    const float magnitude = (float)fraction * 0x1p-24f;
    return sign ? -magnitude : magnitude;
}

/// binary32 to the nearest binary16, to even where two are as near; what is beyond the largest, and NaN, becomes the largest.
static inline uint16_t ek_half_of_float(float x) {
    const uint16_t sign = x < 0 || (x == 0 && 1 / x < 0) ? 0x8000 : 0;
    float magnitude = sign ? -x : x;
    if (!(magnitude < 65504)) magnitude = 65504;
    uint32_t bits;
    memcpy(&bits, &magnitude, 4);
    const int exponent = (int)(bits >> 23) - 112;
    // Adding half of the last place carries into the exponent where it must; for subnormals the sum's own rounding does it.
    if (exponent > 0) return sign | (uint16_t)((bits - (112u << 23) + 0xFFF + (bits >> 13 & 1)) >> 13);
    const float places = magnitude + 0.5f;
    memcpy(&bits, &places, 4);
    return sign | (uint16_t)(bits - 0x3F000000);
}
