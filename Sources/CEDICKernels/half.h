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
