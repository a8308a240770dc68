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
