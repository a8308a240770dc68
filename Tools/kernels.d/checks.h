// What the checks of the kernels share.
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "CEDICKernels.h"

static uint64_t state = 88172645463325252ull;
static inline uint32_t draw(void) { state ^= state << 13; state ^= state >> 7; state ^= state << 17; return (uint32_t)(state >> 32); }
/// -1 ..< 1
static inline float number(void) { return ((float)(int32_t)draw()) / 2147483648.0f; }

static const struct { ek_isa isa; const char *name; } sets[] = {
    {ek_isa_generic, "generic"}, {ek_isa_avx2, "avx2"}, {ek_isa_avx512, "avx512"}, {ek_isa_avx512vnni, "avx512vnni"},
    {ek_isa_neon, "neon"},
};

/// Compares `K` with `reference` bit by bit on `rounds` random calls of each kernel; returns the number of calls that differ.
/// `fused`: whether sums of floats agree too, since both round a product and a sum once.
int compare_bits(const char *name, const ek_kernels *K, const ek_kernels *reference, int fused, unsigned rounds);
/// Checks what measures the machine.
int check_limits(const char *name, ek_isa isa);

// ---- Wide rows ----

static const size_t ek_word_places[4] = {0, 2, 1, 3};

/// Number `i` of a wide row, as these kernels have it.
static inline int32_t wide_number(const ek_kernels *K, const int8_t *row, size_t i) {
    const int8_t *four = row + i / 4 * 8;
    if (K->splits_wide) return four[i % 4] + 256 * four[4 + i % 4];
    int16_t word;
    memcpy(&word, four + 2 * ek_word_places[i % 4], 2);
    return word;
}

static inline void set_wide_number(const ek_kernels *K, int8_t *row, size_t i, int32_t number) {
    int8_t *four = row + i / 4 * 8;
    if (K->splits_wide) {
        four[i % 4] = (int8_t)number;
        four[4 + i % 4] = (int8_t)((number + 128) >> 8);
    } else {
        memcpy(four + 2 * ek_word_places[i % 4], &(int16_t){(int16_t)number}, 2);
    }
}

/// Whether two sets of kernels have the same numbers in a row.
static inline int same_wide(const ek_kernels *K, const int8_t *a, const ek_kernels *R, const int8_t *b, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (wide_number(K, a, i) != wide_number(R, b, i)) return 0;
    return 1;
}
