// The kernels in AVX-512 (F, BW, DQ, VL).
#if defined(__x86_64__)
#define EDIC_AVX512 1
#include <immintrin.h>
#include "kernels.h"
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,lzcnt,avx512f,avx512bw,avx512vl,avx512dq"))), apply_to = function)
#include "kernels_body.h"
#include "merging_body.h"
#pragma clang attribute pop

const edic_tok_kernels edic_tok_kernels_avx512 = {"avx512", letters, classes, members, merge};
#endif
