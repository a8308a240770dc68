// Kernels for AVX-512 with byte products (VNNI).
#if defined(__x86_64__)
#include <stdint.h>
#include <string.h>
#include <immintrin.h>

#include "kernels.h"
#define EK_VNNI 1
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma,f16c"))), apply_to = function)
#include "lanes_avx512.h"
#define EK_TABLE ek_kernels_avx512vnni
#include "kernels_table.h"
#pragma clang attribute pop
#endif
