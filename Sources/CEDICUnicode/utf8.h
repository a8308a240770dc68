#pragma once
// Reading UTF-8 one scalar at a time. Private to this target.

#include <stddef.h>
#include <stdint.h>

/// Reads the scalar at `*at` and moves on; a byte that begins no well-formed sequence reads as U+FFFD.
static inline uint32_t edic_next_scalar(const uint8_t *bytes, size_t *at, size_t count) {
    size_t i = *at;
    uint32_t lead = bytes[i];
    if (lead < 0x80) {
        *at = i + 1;
        return lead;
    }
    size_t left = count - i;
#define EDIC_TAIL(k) (((uint32_t)bytes[i + (k)] ^ 0x80u) < 0x40u)
#define EDIC_BITS(k) ((uint32_t)bytes[i + (k)] & 0x3Fu)
    if (lead >= 0xC2 && lead < 0xE0) {
        if (left >= 2 && EDIC_TAIL(1)) {
            *at = i + 2;
            return (lead & 0x1F) << 6 | EDIC_BITS(1);
        }
    } else if (lead >= 0xE0 && lead < 0xF0) {
        if (left >= 3 && EDIC_TAIL(1) && EDIC_TAIL(2)) {
            uint32_t scalar = (lead & 0x0F) << 12 | EDIC_BITS(1) << 6 | EDIC_BITS(2);
            if (scalar >= 0x800 && (scalar < 0xD800 || scalar > 0xDFFF)) {
                *at = i + 3;
                return scalar;
            }
        }
    } else if (lead >= 0xF0 && lead < 0xF5) {
        if (left >= 4 && EDIC_TAIL(1) && EDIC_TAIL(2) && EDIC_TAIL(3)) {
            uint32_t scalar = (lead & 0x07) << 18 | EDIC_BITS(1) << 12 | EDIC_BITS(2) << 6 | EDIC_BITS(3);
            if (scalar >= 0x10000 && scalar <= 0x10FFFF) {
                *at = i + 4;
                return scalar;
            }
        }
    }
#undef EDIC_TAIL
#undef EDIC_BITS
    *at = i + 1;
    return 0xFFFD;
}

/// Sixteen bytes at once, wherever the compiler has vectors.
typedef uint8_t edic_block __attribute__((vector_size(16)));
typedef int8_t edic_mask __attribute__((vector_size(16)));

static inline edic_block edic_load(const uint8_t *bytes) {
    edic_block block;
    __builtin_memcpy(&block, bytes, 16);
    return block;
}

static inline edic_block edic_splat(uint8_t byte) {
    return (edic_block){byte, byte, byte, byte, byte, byte, byte, byte,
                        byte, byte, byte, byte, byte, byte, byte, byte};
}

static inline int edic_any(edic_mask mask) {
    uint64_t halves[2];
    __builtin_memcpy(halves, &mask, 16);
    return (halves[0] | halves[1]) != 0;
}
