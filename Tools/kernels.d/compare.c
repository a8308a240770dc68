// Compares the kernels of every instruction set this processor runs with the same sums in double precision.
// Tools/kernels builds and runs it, also for 64-bit Arm.
#include <math.h>
#include "checks.h"

static void *room(size_t bytes) { void *p = aligned_alloc(64, (bytes + 127) / 64 * 64); memset(p, 0, (bytes + 127) / 64 * 64); return p; }
static int failures = 0;
static void check(const char *what, size_t m, size_t k, size_t n, double got, double wanted, double room_for) {
    if (fabs(got - wanted) <= room_for) return;
    if (failures++ < 20) printf("%s %zux%zux%zu: %.9g, not %.9g (within %g)\n", what, m, k, n, got, wanted, room_for);
}

static void product(const ek_kernels *K, ek_format f, size_t m, size_t k, size_t n, int wide) {
    const size_t unit = ek_block_length(f), size = ek_block_bytes(f), row = f == ek_format_int8 ? k : k / unit * size;
    uint8_t *file = room(row * n);
    for (size_t i = 0; i < row * n; i++) file[i] = (uint8_t)draw();
    // Scales that are ordinary numbers: halves of exponent 2^-7.
    for (size_t j = 0; j < n; j++)
        for (size_t b = 0; b < (f == ek_format_int8 ? 0 : k / unit); b++) {
            uint8_t *p = file + j * row + b * size;
            if (f == ek_format_f32) { float v = number(); memcpy(p, &v, 4); continue; }
            if (f == ek_format_f16) { p[1] = (uint8_t)(0x20 | (p[1] & 0x83)); continue; }
            if (f == ek_format_bf16) { p[1] = (uint8_t)(0x3c | (p[1] & 0x80)); continue; }
            if (f == ek_format_q6_k) { p[209] = 0x20; continue; }
            p[1] = 0x20;
            if (f == ek_format_q4_1 || f == ek_format_q5_1 || f == ek_format_q4_k || f == ek_format_q5_k) p[3] = 0xa0;
        }
    if (f == ek_format_int8 && k >= 64 && n > 3) memset(file + 3 * k, 0x80, k);  // all -128
    if (f == ek_format_int8 && k >= 64 && n > 4) memset(file + 4 * k, 0x7f, k);
    const size_t panel = ek_panel_bytes(f, k);
    char *packed = room((n + 15) / 16 * panel + 4096);
    for (size_t j = 0; j < n; j += 16) {
        const size_t c = n - j < 16 ? n - j : 16;
        if (f == ek_format_int8) ek_pack_panel_int8((int8_t *)file + j * k, c, k, packed + j / 16 * panel);
        else ek_pack_panel(f, file + j * row, c, k, packed + j / 16 * panel);
    }
    float *weights = room(4 * n * k), *scales = room(4 * n), *x = room(4 * m * k), *y = room(4 * m * n), *bias = room(4 * n);
    for (size_t j = 0; j < n; j++) {
        scales[j] = 0.01f + fabsf(number());
        bias[j] = number();
        if (f != ek_format_int8) ek_dequantize(f, file + j * row, k, weights + j * k);
        else for (size_t i = 0; i < k; i++) weights[j * k + i] = (float)((int8_t *)file)[j * k + i] * scales[j];
    }
    for (size_t i = 0; i < m * k; i++) x[i] = number();
    for (size_t i = 0; i < k && m > 1; i++) x[k + i] = 1;  // as large as all others can be
    for (size_t i = 0; i < k && m > 2; i++) x[2 * k + i] = -1;
    for (size_t i = 0; i < m * n; i++) y[i] = 5;
    const int is_float = f <= ek_format_bf16, is_bytes = f == ek_format_int8;
    const size_t blocks = is_float || is_bytes ? 0 : ek_padded_blocks(f, k), padded = is_bytes ? (k + 63) / 64 * 64 : 32 * blocks;
    const size_t stride = padded * (wide ? 2 : 1);
    int8_t *values = room(m * stride + 256);
    float *xs = room(4 * m * (blocks + 1));
    int32_t *sums = room(8 * m * (blocks + 1));
    const float limit = f == ek_format_q8_0 || is_bytes ? (float)K->narrow_limit : 127;
    for (size_t r = 0; r < m && !is_float; r++) {
        if (is_bytes && wide) K->quantize_row_wide(x + r * k, k, values + r * stride, padded, xs + r, sums + r);
        else if (is_bytes) K->quantize_row(x + r * k, k, limit, (float)K->narrow_sum, values + r * stride, padded, xs + r, sums + r);
        else if (wide) K->quantize_blocks_wide(x + r * k, k, values + r * stride, blocks, xs + r * blocks, sums + 2 * r * blocks);
        else if (f >= ek_format_q4_k) K->quantize_superblocks(x + r * k, k, limit, values + r * stride, blocks, xs + r * blocks, sums + 2 * r * blocks);
        else K->quantize_blocks(x + r * k, k, limit, values + r * stride, blocks, xs + r * blocks, sums + 2 * r * blocks);
    }
    const ek_epilogue end = {bias, (int32_t)(m % 2), (int32_t)(n % 2)};
    const ek_quantized_rows rows = {values, stride, xs, is_bytes ? 1 : blocks, sums, is_bytes ? 1 : 2 * blocks, wide};
    if (is_float) K->multiply_float(f, x, k, m, packed, 16, 16 * k, k, y, n, n, &end);
    else if (is_bytes) K->multiply_int8(&rows, m, packed, scales, k, y, n, n, &end);
    else K->multiply_blocks(f, &rows, m, packed, k, y, n, n, &end);
    char name[40];
    snprintf(name, sizeof name, "format %d %s", f, wide ? "wide" : "narrow");
    for (size_t r = 0; r < m; r++) {
        for (size_t j = 0; j < n; j++) {
            double sum = 0, weight = 0;
            for (size_t i = 0; i < k; i++) {
                double v = x[r * k + i];
                if (!is_float) {
                    const double scale = is_bytes ? xs[r] : xs[r * blocks + i / 32];
                    const size_t at = r * stride + i;
                    v = (wide ? wide_number(K, values + r * stride, i) : values[at]) * scale;
                }
                sum += v * weights[j * k + i];
                weight += fabs(v * weights[j * k + i]);
            }
            sum += bias[j];
            if (end.relu && sum < 0) sum = 0;
            if (end.accumulate) sum += 5;
            check(name, m, k, n, y[r * n + j], sum, 3e-6 * (weight + 6));
        }
    }
    free(file); free(packed); free(weights); free(scales); free(x); free(y); free(bias); free(values); free(xs); free(sums);
}

static void rows(const ek_kernels *K, size_t n) {
    float *x = room(4 * n), *y = room(4 * n), *g = room(4 * n), *o = room(4 * n);
    for (size_t i = 0; i < n; i++) { x[i] = 6 * number(); y[i] = number(); g[i] = number(); }
    double dot = 0, mean = 0, square = 0, most = -1e9, total = 0;
    for (size_t i = 0; i < n; i++) { dot += (double)x[i] * y[i]; mean += x[i] / (double)n; square += (double)x[i] * x[i] / (double)n; if (x[i] > most) most = x[i]; }
    double variance = 0;
    for (size_t i = 0; i < n; i++) { variance += (x[i] - mean) * (x[i] - mean) / (double)n; total += exp(x[i] - most); }
    check("dot", n, 0, 0, K->dot(x, y, n), dot, 1e-5 * (double)n);
    check("maximum", n, 0, 0, K->maximum(x, n), most, 0);
    check("argmax", n, 0, 0, x[K->argmax(x, n)], most, 0);
    check("sum_of_exp", n, 0, 0, K->sum_of_exp(x, (float)most, n), total, 1e-6 * total);
    K->layer_norm(x, g, y, 1e-5f, o, n);
    for (size_t i = 0; i < n; i++) check("layer_norm", n, i, 0, o[i], (x[i] - mean) / sqrt(variance + 1e-5) * g[i] + y[i], 2e-5);
    K->rms_norm(x, g, 1e-5f, o, n);
    for (size_t i = 0; i < n; i++) check("rms_norm", n, i, 0, o[i], x[i] / sqrt(square + 1e-5) * g[i], 2e-5);
#define EACH(name, wanted, near) memcpy(o, x, 4 * n); K->name(o, n); for (size_t i = 0; i < n; i++) { const double a = x[i]; check(#name, n, i, 0, o[i], wanted, near); }
    EACH(softmax, exp(a - most) / total, 1e-6)
    EACH(relu, a > 0 ? a : 0, 0)
    EACH(silu, a / (1 + exp(-a)), 3e-6)
    EACH(sigmoid, 1 / (1 + exp(-a)), 1e-6)
    EACH(tanh, tanh(a), 1e-6)
    EACH(gelu_erf, 0.5 * a * (1 + erf(a / sqrt(2))), 3e-6)
    EACH(gelu_tanh, 0.5 * a * (1 + tanh(0.79788456080286536 * (a + 0.044715 * a * a * a))), 4e-6)
    memcpy(o, x, 4 * n); K->silu_gate(o, y, n);
    for (size_t i = 0; i < n; i++) check("silu_gate", n, i, 0, o[i], x[i] / (1 + exp(-x[i])) * y[i], 4e-6);
    memcpy(o, x, 4 * n); K->add(o, y, n);
    for (size_t i = 0; i < n; i++) check("add", n, i, 0, o[i], x[i] + y[i], 0);
    memcpy(o, x, 4 * n); K->multiply(o, y, n);
    for (size_t i = 0; i < n; i++) check("multiply", n, i, 0, o[i], x[i] * y[i], 0);
    free(x); free(y); free(g); free(o);
}

static void attention(const ek_kernels *K, size_t queries, size_t keys, size_t size, int listed) {
    float *q = room(4 * queries * size), *k = room(4 * keys * size), *v = room(4 * keys * size), *s = room(4 * queries * (keys + 16)), *o = room(4 * queries * size);
    int32_t *list = room(4 * keys), *first = room(4 * queries), *last = room(4 * queries);
    for (size_t i = 0; i < queries * size; i++) q[i] = number();
    for (size_t i = 0; i < keys * size; i++) { k[i] = number(); v[i] = number(); }
    for (size_t i = 0; i < keys; i++) list[i] = (int32_t)((i * 7 + 3) % keys);
    for (size_t r = 0; r < queries; r++) { first[r] = (int32_t)(r % 2 && keys > 2); last[r] = (int32_t)(keys - (r % 3 < keys - 2 ? r % 3 : 0)); if (keys < 4) { first[r] = 0; last[r] = (int32_t)keys; } }
    const ek_attention a = {q, size, queries, size, k, size, v, size, size, 0, listed ? list : 0, first, last, 0, 0, 0, 0.3f, s, keys + 16, o, size};
    K->attend(&a);
    for (size_t r = 0; r < queries; r++) {
        double w[4096], most = -1e9, total = 0;
        for (int32_t j = first[r]; j < last[r]; j++) {
            const size_t at = listed ? (size_t)list[j] : (size_t)j; double d = 0;
            for (size_t i = 0; i < size; i++) d += (double)q[r * size + i] * k[at * size + i];
            w[j] = 0.3f * d; if (w[j] > most) most = w[j];
        }
        for (int32_t j = first[r]; j < last[r]; j++) total += w[j] = exp(w[j] - most);
        for (size_t i = 0; i < size; i++) {
            double d = 0;
            for (int32_t j = first[r]; j < last[r]; j++) d += w[j] / total * v[(listed ? (size_t)list[j] : (size_t)j) * size + i];
            check("attend", queries, keys, size, o[r * size + i], d, 1e-5);
        }
    }
    free(q); free(k); free(v); free(s); free(o); free(list); free(first); free(last);
}

/// Attention over words. What rounding explains: of a key 2^-14 of its largest number, of a query at most 2^-11, of a value
/// 2^-13, and of a weight 2^-14 of the largest of a block; all numbers are below 1.
static void words(const ek_kernels *K, size_t queries, size_t keys, size_t size) {
    const size_t held = (keys + 63) / 64 * 64, key_size = (size + 31) / 32 * 32;
    float *q = room(4 * queries * size), *k = room(4 * keys * size), *v = room(4 * keys * size), *s = room(4 * queries * held), *o = room(4 * queries * size);
    int16_t *kw = room(2 * held * key_size), *vw = room(2 * held * size);
    float *ks = room(4 * held), *vs = room(4 * held);
    int32_t *first = room(4 * queries), *last = room(4 * queries);
    for (size_t i = 0; i < queries * size; i++) q[i] = number();
    for (size_t i = 0; i < keys * size; i++) { k[i] = number(); v[i] = number(); }
    for (size_t r = 0; r < queries; r++) { first[r] = (int32_t)(r % 2 ? (r * 31) % keys : 0); last[r] = (int32_t)(keys - (r * 7) % (keys - (size_t)first[r])); }
    const ek_word_kept kept = {k, v, size, keys, size, kw, vw, ks, vs, 0};
    K->keep_words(&kept);
    const ek_word_attention a = {q, size, queries, size, kw, vw, ks, vs, first, last, 0.3f, s, held, o, size};
    K->attend_words(&a);
    for (size_t r = 0; r < queries; r++) {
        double w[4096], most = -1e9, total = 0, sizes = 0;
        for (int32_t j = first[r]; j < last[r]; j++) {
            double d = 0, d1 = 0;
            for (size_t i = 0; i < size; i++) d += (double)q[r * size + i] * k[(size_t)j * size + i], d1 += fabs(q[r * size + i]) / 16384 + fabs(k[(size_t)j * size + i]) / (size <= 64 ? 8190 : size <= 128 ? 4094 : 2046);
            w[j] = 0.3f * d; if (w[j] > most) most = w[j];
            if (0.3 * d1 > sizes) sizes = 0.3 * d1;
        }
        for (int32_t j = first[r]; j < last[r]; j++) total += w[j] = exp(w[j] - most);
        for (size_t i = 0; i < size; i++) {
            double d = 0;
            for (int32_t j = first[r]; j < last[r]; j++) d += w[j] / total * v[(size_t)j * size + i];
            check("words", queries, keys, size, o[r * size + i], d, 2 * sizes + 1.0 / 8190 + (last[r] - first[r]) / (16382 * total) + 1e-5);
        }
    }
    free(q); free(k); free(v); free(s); free(o); free(kw); free(vw); free(ks); free(vs); free(first); free(last);
}

int main(int count, char **arguments) {
    const unsigned rounds = count > 1 ? (unsigned)atoi(arguments[1]) : 500;
    ek_isa vectors = ek_isa_generic;  // the first instruction set with vectors, which the others must equal
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        if (!ek_isa_available(sets[s].isa)) continue;
        const ek_kernels *K = ek_kernels_for(sets[s].isa);
        const int before = failures;
        for (int f = ek_format_f32; f <= ek_format_q6_k; f++)
            for (size_t m = 1; m <= 13; m += m < 5 ? 1 : 4)
                for (size_t n = 1; n <= 70; n += n < 3 ? 15 : 37)
                    for (int wide = 0; wide < 2; wide++) {
                        if (!wide && (f <= ek_format_bf16 || K->narrow_limit == 0)) continue;
                        const size_t unit = ek_block_length((ek_format)f);
                        product(K, (ek_format)f, m, unit == 1 ? 77 : unit == 32 ? 96 : 512, n, wide);
                        if (unit == 1) product(K, (ek_format)f, m, 1024, n, wide);
                    }
        for (size_t n = 1; n < 70; n += 5) rows(K, n);
        for (size_t keys = 1; keys < 40; keys += 6)
            for (size_t q = 1; q < 7; q++) { attention(K, q, keys, 64, 0); attention(K, q, keys, 24, 1); }
        for (size_t keys = 1; keys < 300; keys += 37)
            for (size_t size = 16; size <= 256; size += size < 96 ? 16 : 80) { words(K, 1, keys, size); words(K, 13, keys, size); }
        printf("%s: %d numbers are not those of double precision\n", sets[s].name, failures - before);
        fflush(stdout);
        int differing = 0;
        if (sets[s].isa != ek_isa_generic) {
            const ek_kernels *generic = ek_kernels_for(ek_isa_generic);
            differing += compare_bits(sets[s].name, K, generic, 0, rounds);
            if (vectors == ek_isa_generic) vectors = sets[s].isa;
            differing += compare_bits(sets[s].name, K, ek_kernels_for(vectors), 1, rounds);
        }
        differing += check_limits(sets[s].name, sets[s].isa);
        printf("%s: %d calls differ from those of another instruction set\n", sets[s].name, differing);
        fflush(stdout);
        failures += differing;
    }
    return failures > 0;
}
