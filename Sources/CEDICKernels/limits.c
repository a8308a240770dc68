// What this machine can do at most: how fast it reads memory and multiplies. The kernels are judged by these.
#include "kernels.h"
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vnni"))), apply_to = function)
// Four runs at once: processors read several faster than one.
static int64_t read_avx512(const char *p, size_t bytes) {
    __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
    const size_t run = bytes / 4;
    for (size_t i = 0; i + 64 <= run; i += 64, p += 64) {
        a = _mm512_add_epi64(a, _mm512_loadu_si512(p));
        b = _mm512_add_epi64(b, _mm512_loadu_si512(p + run));
        c = _mm512_add_epi64(c, _mm512_loadu_si512(p + 2 * run));
        d = _mm512_add_epi64(d, _mm512_loadu_si512(p + 3 * run));
    }
    return _mm512_reduce_add_epi64(_mm512_add_epi64(_mm512_add_epi64(a, b), _mm512_add_epi64(c, d)));
}

// Sixteen named sums: an array of them may end up in memory, which would measure the stack.
#define EK_SIXTEEN(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11) M(12) M(13) M(14) M(15)
#define EK_KEEP __asm__ volatile("" : "+v"(s0), "+v"(s1), "+v"(s2), "+v"(s3), "+v"(s4), "+v"(s5), "+v"(s6), "+v"(s7)); \
                __asm__ volatile("" : "+v"(s8), "+v"(s9), "+v"(s10), "+v"(s11), "+v"(s12), "+v"(s13), "+v"(s14), "+v"(s15));
static float float_avx512(size_t rounds) {
    const __m512 x = _mm512_set1_ps(1.0000001f), y = _mm512_set1_ps(1e-9f);
#define EK_START(i) __m512 s##i = _mm512_set1_ps(1.0f + i);
#define EK_STEP(i) s##i = _mm512_fmadd_ps(x, y, s##i);
#define EK_SUM(i) total += _mm512_reduce_add_ps(s##i);
    EK_SIXTEEN(EK_START)
    for (size_t r = 0; r < rounds; r++) { EK_SIXTEEN(EK_STEP) EK_KEEP }
    float total = 0;
    EK_SIXTEEN(EK_SUM)
    return total;
#undef EK_START
#undef EK_STEP
#undef EK_SUM
}
static int32_t int8_avx512(size_t rounds) {
    const __m512i x = _mm512_set1_epi8(3), y = _mm512_set1_epi8(1);
#define EK_START(i) __m512i s##i = _mm512_set1_epi32(i);
#define EK_STEP(i) s##i = _mm512_dpbusd_epi32(s##i, x, y);
#define EK_SUM(i) total += _mm512_reduce_add_epi32(s##i);
    EK_SIXTEEN(EK_START)
    for (size_t r = 0; r < rounds; r++) { EK_SIXTEEN(EK_STEP) EK_KEEP }
    int32_t total = 0;
    EK_SIXTEEN(EK_SUM)
    return total;
}
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
static int64_t read_avx2(const char *p, size_t bytes) {
    __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
    const size_t run = bytes / 4;
    for (size_t i = 0; i + 32 <= run; i += 32, p += 32) {
        a = _mm256_add_epi64(a, _mm256_loadu_si256((const __m256i *)p));
        b = _mm256_add_epi64(b, _mm256_loadu_si256((const __m256i *)(p + run)));
        c = _mm256_add_epi64(c, _mm256_loadu_si256((const __m256i *)(p + 2 * run)));
        d = _mm256_add_epi64(d, _mm256_loadu_si256((const __m256i *)(p + 3 * run)));
    }
    int64_t sums[4];
    _mm256_storeu_si256((__m256i *)sums, _mm256_add_epi64(_mm256_add_epi64(a, b), _mm256_add_epi64(c, d)));
    return sums[0] + sums[1] + sums[2] + sums[3];
}

#define EK_TWELVE(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11)
#define EK_KEEP12 __asm__ volatile("" : "+x"(s0), "+x"(s1), "+x"(s2), "+x"(s3), "+x"(s4), "+x"(s5)); \
                  __asm__ volatile("" : "+x"(s6), "+x"(s7), "+x"(s8), "+x"(s9), "+x"(s10), "+x"(s11));
static float float_avx2(size_t rounds) {
    const __m256 x = _mm256_set1_ps(1.0000001f), y = _mm256_set1_ps(1e-9f);
#define EK_START12(i) __m256 s##i = _mm256_set1_ps(1.0f + i);
#define EK_STEP12(i) s##i = _mm256_fmadd_ps(x, y, s##i);
#define EK_SUM12(i) total += _mm256_cvtss_f32(s##i);
    EK_TWELVE(EK_START12)
    for (size_t r = 0; r < rounds; r++) { EK_TWELVE(EK_STEP12) EK_KEEP12 }
    float total = 0;
    EK_TWELVE(EK_SUM12)
    return total;
#undef EK_START12
#undef EK_STEP12
#undef EK_SUM12
}
// Without products of bytes: pairs of 16-bit words, as the kernels multiply them.
static int32_t int8_avx2(size_t rounds) {
    __m256i x = _mm256_set1_epi16(3), y = _mm256_set1_epi16(1);
#define EK_START12(i) __m256i s##i = _mm256_set1_epi32(i);
#define EK_STEP12(i) s##i = _mm256_add_epi32(s##i, _mm256_madd_epi16(x, y)); __asm__ volatile("" : "+x"(x));
#define EK_SUM12(i) total += _mm256_cvtsi256_si32(s##i);
    EK_TWELVE(EK_START12)
    for (size_t r = 0; r < rounds; r++) { EK_TWELVE(EK_STEP12) EK_KEEP12 }
    int32_t total = 0;
    EK_TWELVE(EK_SUM12)
    return total;
}
#pragma clang attribute pop
#endif

int64_t ek_read_memory(ek_isa isa, const void *memory, size_t bytes) {
#if defined(__x86_64__)
    if (isa == ek_isa_avx512vnni) return read_avx512(memory, bytes);
    if (isa == ek_isa_avx2) return read_avx2(memory, bytes);
#endif
    (void)isa;
    const char *p = memory;
    uint64_t sums[8] = {0};
    for (size_t i = 0; i + 64 <= bytes; i += 64)
        for (int lane = 0; lane < 8; lane++) {
            uint64_t word;
            memcpy(&word, p + i + 8 * lane, 8);
            sums[lane] += word;
        }
    return (int64_t)(sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7]);
}

int64_t ek_spin_float(ek_isa isa, size_t rounds, float *sink) {
#if defined(__x86_64__)
    if (isa == ek_isa_avx512vnni) {
        *sink = float_avx512(rounds);
        return (int64_t)rounds * 16 * 16 * 2;
    }
    if (isa == ek_isa_avx2) {
        *sink = float_avx2(rounds);
        return (int64_t)rounds * 12 * 8 * 2;
    }
#endif
    (void)isa, (void)rounds, (void)sink;
    return 0;
}

int64_t ek_spin_int8(ek_isa isa, size_t rounds, int32_t *sink) {
#if defined(__x86_64__)
    if (isa == ek_isa_avx512vnni) {
        *sink = int8_avx512(rounds);
        return (int64_t)rounds * 16 * 64 * 2;
    }
    if (isa == ek_isa_avx2) {
        *sink = int8_avx2(rounds);
        return (int64_t)rounds * 12 * 16 * 2;
    }
#endif
    (void)isa, (void)rounds, (void)sink;
    return 0;
}
