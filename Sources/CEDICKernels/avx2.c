// Kernels for AVX2, FMA and F16C.
#if defined(__x86_64__)
#include <stdint.h>
#include <string.h>
#include <immintrin.h>

#include "kernels.h"
#define EK_PAIRS 1

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "lanes_avx2.h"
#define EK_TABLE ek_kernels_avx2
#include "kernels_table.h"
#pragma clang attribute pop
#endif
