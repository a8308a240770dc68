// Kernels for AVX-512 F, BW, DQ and VL.
#if defined(__x86_64__)
#include <stdint.h>
#include <string.h>
#include <immintrin.h>

#include "kernels.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma,f16c"))), apply_to = function)
#include "lanes_avx512.h"
#define EK_TABLE ek_kernels_avx512
#include "kernels_table.h"
#pragma clang attribute pop
#endif
