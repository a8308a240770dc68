#ifndef EDIC_NGRAM_VARINT_H
#define EDIC_NGRAM_VARINT_H

#include <stddef.h>
#include <stdint.h>

/// Writes seven bits a byte, the lowest first.
static inline uint8_t *edic_put(uint8_t *out, uint64_t value) {
    while (value >= 0x80) {
        *out++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *out++ = (uint8_t)value;
    return out;
}

/// Reads what edic_put wrote, but never from `end` on: then the number ends there.
static inline const uint8_t *edic_get(const uint8_t *in, const uint8_t *end, uint64_t *value) {
    uint64_t result = 0;
    unsigned shift = 0;
    while (in < end) {
        uint8_t byte = *in++;
        if (shift < 64) result |= (uint64_t)(byte & 0x7F) << shift;
        shift += 7;
        if (byte < 0x80) break;
    }
    *value = result;
    return in;
}

static inline uint64_t edic_zigzag(int64_t value) { return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63); }
static inline int64_t edic_unzigzag(uint64_t value) { return (int64_t)(value >> 1) ^ -(int64_t)(value & 1); }

#endif
