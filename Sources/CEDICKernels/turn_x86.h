// Turning rows into lanes with 256-bit registers.
#pragma once
#include <immintrin.h>

/// Writes number d of rows 0 ... 7 side by side at out + 16 * d, for d in 0 ..< 4.
static inline void ek_turn4(const float *const *rows, size_t d, float *out) {
    __m256 four[4];
    for (int i = 0; i < 4; i++)
        four[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(rows[i] + d)), _mm_loadu_ps(rows[i + 4] + d), 1);
    const __m256 low0 = _mm256_unpacklo_ps(four[0], four[1]), high0 = _mm256_unpackhi_ps(four[0], four[1]);
    const __m256 low1 = _mm256_unpacklo_ps(four[2], four[3]), high1 = _mm256_unpackhi_ps(four[2], four[3]);
    _mm256_storeu_ps(out, _mm256_shuffle_ps(low0, low1, 0x44));
    _mm256_storeu_ps(out + 16, _mm256_shuffle_ps(low0, low1, 0xEE));
    _mm256_storeu_ps(out + 32, _mm256_shuffle_ps(high0, high1, 0x44));
    _mm256_storeu_ps(out + 48, _mm256_shuffle_ps(high0, high1, 0xEE));
}

/// Writes number d of 16 rows side by side at out + 16 * d, for d in 0 ..< n.
static inline void ek_turn_rows(const float *const rows[16], size_t n, float *out) {
    size_t d = 0;
    for (; d + 4 <= n; d += 4) {
        ek_turn4(rows, d, out + 16 * d);
        ek_turn4(rows + 8, d, out + 16 * d + 8);
    }
    for (; d < n; d++)
        for (int i = 0; i < 16; i++) out[16 * d + (size_t)i] = rows[i][d];
}
