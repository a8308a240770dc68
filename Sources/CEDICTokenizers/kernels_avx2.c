// The kernels in AVX2.
#if defined(__x86_64__)
#define EDIC_AVX2 1
#include <immintrin.h>
#include "kernels.h"
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,lzcnt"))), apply_to = function)
#include "kernels_body.h"
#include "merging_body.h"
#pragma clang attribute pop

const edic_tok_kernels edic_tok_kernels_avx2 = {"avx2", letters, classes, members, merge};
#endif
