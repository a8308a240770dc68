// How a panel keeps the scales and minima of Q4_K and Q5_K, six bits each, for the 8 blocks of a chunk and 16 columns.
//
// Behind 64 bytes of scales in half precision come the low four bits of both in a byte for each block and column, then their
// high two in a byte for two blocks, one of the first four and one of the last. So 64 at a time are spread by whole registers.
#pragma once
#include <string.h>

#include "kernels.h"

enum { ek_low_halves = 64, ek_high_halves = 64 + 128 };

typedef struct ek_small_scales {
    uint8_t scale, minimum;
} ek_small_scales;

EK_INLINE void ek_set_small_scales(uint8_t *chunk, size_t block, size_t column, ek_small_scales own) {
    chunk[ek_low_halves + 16 * block + column] = (uint8_t)((own.scale & 15) | (own.minimum & 15) << 4);
    uint8_t *high = chunk + ek_high_halves + 16 * (block % 4) + column;
    const unsigned shift = block < 4 ? 0 : 4, both = own.scale >> 4 | own.minimum >> 4 << 2;
    *high = (uint8_t)((*high & 0xF0u >> shift) | both << shift);
}

EK_INLINE ek_small_scales ek_get_small_scales(const uint8_t *chunk, size_t block, size_t column) {
    const unsigned low = chunk[ek_low_halves + 16 * block + column];
    const unsigned high = chunk[ek_high_halves + 16 * (block % 4) + column] >> (block < 4 ? 0 : 4);
    return (ek_small_scales){(uint8_t)((low & 15) | (high & 3) << 4), (uint8_t)(low >> 4 | (high >> 2 & 3) << 4)};
}

/// Those of a chunk, a byte each: block by block, 16 columns side by side.
typedef struct ek_spread_scales {
    uint8_t scales[128], minima[128];
} ek_spread_scales __attribute__((aligned(64)));

typedef uint8_t ek_many_bytes __attribute__((vector_size(64)));

EK_INLINE void ek_spread_small_scales(const uint8_t *chunk, ek_spread_scales *spread) {
    ek_many_bytes high;
    memcpy(&high, chunk + ek_high_halves, 64);
    EK_UNROLL for (int half = 0; half < 2; half++) {
        ek_many_bytes low;
        memcpy(&low, chunk + ek_low_halves + 64 * half, 64);
        const ek_many_bytes scales = (low & 15) | (high & 3) << 4, minima = low >> 4 | (high & 12) << 2;
        memcpy(spread->scales + 64 * half, &scales, 64);
        memcpy(spread->minima + 64 * half, &minima, 64);
        high >>= 4;
    }
}
