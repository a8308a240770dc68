// Compares the kernels of two instruction sets bit by bit, in memory where one byte too far is a fault.
//
// Lanes, and the order in which they are summed, are the same in all instruction sets. Where sums are of integers, or
// where both sets have fused multiply-adds, results must be equal to the last bit. Narrow products are compared with wide
// ones of the same whole numbers.
#include <math.h>
#include <sys/mman.h>
#include "checks.h"

static const char *set_name;
static int differing;

static size_t below(size_t bound) { return draw() % bound; }

// ---- Memory whose end is the end of what may be read and written ----

enum { slot_bytes = 1 << 20, slot_count = 24 };
static char *slots[slot_count];
static size_t slots_used;

/// `bytes` bytes before a page that must not be touched, filled with what is no number.
static void *guarded(size_t bytes) {
    if (slots_used == slot_count || bytes > slot_bytes - 4096) abort();
    char **slot = &slots[slots_used++];
    if (!*slot) {
        *slot = mmap(0, slot_bytes + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (*slot == MAP_FAILED) abort();
        mprotect(*slot + slot_bytes, 4096, PROT_NONE);
    }
    memset(*slot + slot_bytes - bytes - 64, 0xFF, bytes + 64);
    return *slot + slot_bytes - bytes;
}
/// Whether nothing was written before what `guarded` returned.
static int is_whole(const void *memory) {
    for (int i = 1; i <= 64; i++)
        if (((const uint8_t *)memory)[-i] != 0xFF) return 0;
    return 1;
}

static void report(const char *what, size_t a, size_t b, size_t c, const char *how) {
    if (differing++ < 20) printf("%s: %s %zu %zu %zu: %s\n", set_name, what, a, b, c, how);
}

/// Whether two floats are the same, all that are no number being one.
static int same_float(float a, float b) { return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0; }
static int same_floats(const float *a, const float *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!same_float(a[i], b[i])) return 0;
    return 1;
}
#define EXPECT(condition, what, a, b, c) ((condition) ? (void)0 : report(what, a, b, c, #condition))

static float *floats(size_t n) { return guarded(n * sizeof(float)); }
static float *copy(const float *x, size_t n) { return memcpy(floats(n), x, n * sizeof(float)); }

enum spread { plain, wide_apart, special };
static float drawn(enum spread spread) {
    static const float odd[] = {0, -0.0f, 1, -1, 0.5f, 2.5f, -3.5f, 87, -87, 88, -88, -87.5f, 100, -100, 1e4f, -1e4f, 1e-6f, -1e-6f,
                                1e30f, -1e30f, 1e-30f, 1e-40f, -1e-44f, 3e38f};
    switch (spread) {
    case plain: return 4 * number();
    case wide_apart: return ldexpf(number(), (int)below(40) - 20);
    default: return below(3) ? 90 * number() : odd[below(sizeof odd / sizeof *odd)];
    }
}
static float *drawn_floats(size_t n, enum spread spread) {
    float *x = floats(n);
    for (size_t i = 0; i < n; i++) x[i] = drawn(spread);
    return x;
}
static size_t length(size_t most) { return below(3) ? 1 + below(70) : 1 + below(most); }

// ---- Quantising ----

static void quantise(const ek_kernels *K, const ek_kernels *R) {
    const size_t k = length(600), padded = (k + 63) / 64 * 64, blocks = (k + 255) / 256 * 8;
    static const float limits[] = {64, 127};
    const float limit = limits[below(2)];
    float *x = drawn_floats(k, below(2) ? plain : wide_apart);
    if (below(8) == 0) memset(x, 0, k * sizeof(float));
    if (below(4) == 0)  // ties
        for (size_t i = 0; i < k; i++) x[i] = i == 0 ? limit : (float)below(128) / 2 - 32;
    int8_t *a = guarded(2 * padded), *b = guarded(2 * padded), *c = guarded(64 * blocks), *d = guarded(64 * blocks);
    float *p = floats(blocks), *q = floats(blocks);
    int32_t *s = guarded(8 * blocks), *t = guarded(8 * blocks);
    const float sum_limit = below(2) ? 128 : 0;
    K->quantize_row(x, k, limit, sum_limit, a + padded, padded, p, s);
    R->quantize_row(x, k, limit, sum_limit, b + padded, padded, q, t);
    EXPECT(memcmp(a, b, 2 * padded) == 0 && same_float(*p, *q) && *s == *t, "quantize_row", k, (size_t)limit, 0);
    int32_t sum = 0;
    for (size_t i = 0; i < padded; i++) sum += a[padded + i];
    EXPECT(sum == *s, "sum of quantize_row", k, 0, 0);
    for (size_t i = 0; i < k; i++)
        EXPECT(fabsf(a[padded + i] * *p - x[i]) <= 0.5001f * *p, "rounding of quantize_row", k, i, 0);
    for (size_t i = 0; i < padded && sum_limit > 0; i++) {
        if (i % 64 >= 16 || i % 2 > 0) continue;
        int32_t above = 0, under = 0;
        for (size_t j = 0; j < 8; j++) {
            const int32_t v = a[padded + i + j / 2 * 16 + j % 2];
            above += v > 0 ? v : 0;
            under -= v < 0 ? v : 0;
        }
        EXPECT(above <= sum_limit && under <= sum_limit, "a part's sum", k, i, 0);
    }
    K->quantize_row_wide(x, k, a, padded, p, s);
    R->quantize_row_wide(x, k, b, padded, q, t);
    EXPECT(same_wide(K, a, R, b, padded) && same_float(*p, *q) && *s == *t, "quantize_row_wide", k, 0, 0);
    K->quantize_blocks(x, k, limit, c + 32 * blocks, blocks, p, s);
    R->quantize_blocks(x, k, limit, d + 32 * blocks, blocks, q, t);
    EXPECT(memcmp(c, d, 64 * blocks) == 0 && same_floats(p, q, blocks) && memcmp(s, t, 8 * blocks) == 0, "quantize_blocks", k, (size_t)limit, 0);
    K->quantize_superblocks(x, k, limit, c, blocks, p, s);
    R->quantize_superblocks(x, k, limit, d, blocks, q, t);
    EXPECT(memcmp(c, d, 32 * blocks) == 0 && same_floats(p, q, blocks) && memcmp(s, t, 8 * blocks) == 0, "quantize_superblocks", k, (size_t)limit, 0);
    K->quantize_blocks_wide(x, k, c, blocks, p, s);
    R->quantize_blocks_wide(x, k, d, blocks, q, t);
    EXPECT(same_wide(K, c, R, d, 32 * blocks) && same_floats(p, q, blocks) && memcmp(s, t, 8 * blocks) == 0, "quantize_blocks_wide", k, 0, 0);
    EXPECT(is_whole(a) && is_whole(c) && is_whole(p) && is_whole(s), "quantising writes before", k, 0, 0);
}

// ---- Products ----

/// `count` outputs stored as in a file, of any bits that are numbers.
static void *drawn_file(ek_format f, size_t k, size_t count) {
    const size_t size = ek_block_bytes(f), units = k / ek_block_length(f) * count;
    uint8_t *file = guarded(units * size);
    for (size_t i = 0; i < units * size; i++) file[i] = (uint8_t)draw();
    for (size_t u = 0; u < units; u++) {
        uint8_t *p = file + u * size;
        // Halves that are no number have an exponent of all ones.
        if (f == ek_format_f32) memcpy(p, &(float){number()}, 4);
        else if (f == ek_format_bf16) p[1] = (uint8_t)(0x3c | (p[1] & 0x80));
        else if (f == ek_format_q6_k) p[209] &= 0xbf;
        else p[1] &= 0xbf;
        if (f == ek_format_q4_1 || f == ek_format_q5_1 || f == ek_format_q4_k || f == ek_format_q5_k) p[3] &= 0xbf;
    }
    return file;
}

static void multiply(const ek_kernels *K, const ek_kernels *R, ek_format f, int fused) {
    const size_t unit = ek_block_length(f), m = 1 + below(20), n = 1 + below(below(2) ? 20 : 120);
    const size_t k = unit == 1 ? length(200) : unit == 32 ? 32 * (1 + below(6)) : 256 * (1 + below(2));
    const size_t panels = (n + 15) / 16, panel = ek_panel_bytes(f, k), y_stride = n + below(3);
    char *packed = guarded(panels * panel);
    void *file;
    if (f == ek_format_int8) {
        int8_t *bytes = file = guarded(n * k);
        const size_t kind = below(4);
        for (size_t i = 0; i < n * k; i++) bytes[i] = (int8_t)(kind == 0 ? -128 : kind == 1 ? (below(2) ? 127 : -128) : (int)draw());
    } else file = drawn_file(f, k, n);
    for (size_t j = 0; j < panels; j++) {
        const size_t count = n - 16 * j < 16 ? n - 16 * j : 16;
        const char *from = (const char *)file + 16 * j * (f == ek_format_int8 ? k : k / unit * ek_block_bytes(f));
        if (f == ek_format_int8) ek_pack_panel_int8((const int8_t *)from, count, k, packed + j * panel);
        else ek_pack_panel(f, from, count, k, packed + j * panel);
    }
    const ek_epilogue end = {below(2) ? drawn_floats(n, plain) : 0, (int32_t)below(2), (int32_t)below(2)};
    float *y = drawn_floats((m - 1) * y_stride + n, plain), *z = copy(y, (m - 1) * y_stride + n);
    const size_t written = (m - 1) * y_stride + n;
    if (f <= ek_format_bf16) {
        const size_t x_stride = k + below(3);
        float *x = drawn_floats((m - 1) * x_stride + k, plain);
        if (!fused) return;
        K->multiply_float(f, x, x_stride, m, packed, 16, 16 * k, k, y, y_stride, n, &end);
        R->multiply_float(f, x, x_stride, m, packed, 16, 16 * k, k, z, y_stride, n, &end);
        EXPECT(same_floats(y, z, written), "multiply_float", (size_t)f, m, n);
        EXPECT(is_whole(y), "multiply_float writes before", (size_t)f, m, n);
        return;
    }
    // Whole numbers as rows, once in bytes if there are narrow products, and once wide.
    const int is_bytes = f == ek_format_int8, narrow = K->narrow_limit > 0 && below(3) > 0;
    const size_t blocks = is_bytes ? 0 : ek_padded_blocks(f, k), padded = is_bytes ? (k + 3) / 4 * 4 : 32 * blocks;
    const int32_t limit = !narrow ? 32639 : is_bytes || f == ek_format_q8_0 ? K->narrow_limit : 127;
    const size_t kind = below(4);
    int8_t *bytes = guarded(m * padded);
    // As either set of kernels has them.
    int8_t *own_wide = guarded(2 * m * padded), *reference_wide = guarded(2 * m * padded);
    const size_t runs = is_bytes ? 1 : 2 * blocks;
    int32_t *sums = guarded(4 * m * runs);
    memset(sums, 0, 4 * m * runs);
    for (size_t r = 0; r < m; r++)
        for (size_t i = 0; i < padded; i++) {
            int32_t v = kind == 0 ? limit : kind == 1 ? -limit : kind == 2 ? (below(2) ? limit : -limit) : (int32_t)(draw() % (unsigned)(2 * limit + 1)) - limit;
            if (i >= k) v = 0;
            if (narrow && is_bytes && K->narrow_sum > 0) {
                // What the part has left: numbers 16, 32 and 48 before, and a neighbour before.
                int32_t room = K->narrow_sum;
                for (size_t j = i / 64 * 64 + i % 16 / 2 * 2; j < i; j += j % 2 ? 15 : 1) {
                    const int32_t had = bytes[r * padded + j];
                    if ((had > 0) == (v > 0)) room -= had > 0 ? had : -had;
                }
                v = v > room ? room : v < -room ? -room : v;
            }
            bytes[r * padded + i] = (int8_t)v;
            set_wide_number(K, own_wide + 2 * r * padded, i, v);
            set_wide_number(R, reference_wide + 2 * r * padded, i, v);
            sums[r * runs + (is_bytes ? 0 : i / 16)] += v;
        }
    const size_t scale_count = is_bytes ? 1 : blocks;
    float *scales = floats(m * scale_count);
    const int is_super = f >= ek_format_q4_k && f <= ek_format_q6_k;
    for (size_t i = 0; i < m * scale_count; i++) scales[i] = is_super && narrow && i % 8 ? scales[i - 1] : 0.001f + fabsf(number());
    const ek_quantized_rows wide = {reference_wide, 2 * padded, scales, scale_count, sums, runs, 1};
    ek_quantized_rows own = wide;
    own.values = own_wide;
    if (narrow) own.values = bytes, own.value_stride = padded, own.is_wide = 0;
    if (is_bytes) {
        float *weight_scales = drawn_floats(n, plain);
        K->multiply_int8(&own, m, packed, weight_scales, k, y, y_stride, n, &end);
        R->multiply_int8(&wide, m, packed, weight_scales, k, z, y_stride, n, &end);
        EXPECT(same_floats(y, z, written), narrow ? "multiply_int8" : "multiply_int8 wide", m, k, n);
    } else if (fused) {
        K->multiply_blocks(f, &own, m, packed, k, y, y_stride, n, &end);
        // Narrow superblocks are scaled 256 inputs at a time, in another order than wide ones.
        if (is_super && narrow && R->narrow_limit == 0) return;
        R->multiply_blocks(f, is_super && narrow ? &own : &wide, m, packed, k, z, y_stride, n, &end);
        EXPECT(same_floats(y, z, written), narrow ? "multiply_blocks" : "multiply_blocks wide", (size_t)f, m, n);
    }
    EXPECT(is_whole(y), "a product writes before", (size_t)f, m, n);
}

/// Rows with many zeros: what `multiply_int8` gives.
static void multiply_sparse(const ek_kernels *K) {
    const size_t m = 1 + below(below(2) ? 2 : 40), n = 256 * (1 + below(2)), y_stride = n + below(3);
    const size_t k = 4 * (1 + below(below(4) ? 160 : n == 256 ? 900 : 450));
    int8_t *file = guarded(n * k), *x = guarded(m * k);
    for (size_t i = 0; i < n * k; i++) file[i] = (int8_t)draw();
    const size_t share = below(5);
    int32_t *sums = guarded(4 * m);
    for (size_t r = 0; r < m; r++) {
        sums[r] = 0;
        for (size_t i = 0; i < k; i++) sums[r] += x[r * k + i] = below(4) < share ? (int8_t)(draw() % 255 - 127) : 0;
    }
    char *panels = guarded(n * k), *turned = guarded(n * k);
    for (size_t j = 0; j < n / 16; j++) ek_pack_panel_int8(file + 16 * j * k, 16, k, panels + 16 * j * k);
    for (size_t at = 0; at < n; at += 256) K->turn_panels(panels + at * k, k, turned + at * k);
    const ek_quantized_rows rows = {x, k, drawn_floats(m, plain), 1, sums, 1, 0};
    const ek_epilogue end = {below(2) ? drawn_floats(n, plain) : 0, (int32_t)below(2), (int32_t)below(2)};
    const size_t written = (m - 1) * y_stride + n;
    float *scales = drawn_floats(n, plain), *y = drawn_floats(written, plain), *z = copy(y, written);
    K->multiply_sparse(&rows, m, turned, scales, k, y, y_stride, n, &end);
    K->multiply_int8(&rows, m, panels, scales, k, z, y_stride, n, &end);
    EXPECT(same_floats(y, z, written), "multiply_sparse", m, k, n);
    EXPECT(is_whole(y) && is_whole(turned), "multiply_sparse writes before", m, k, n);
    EXPECT(share > 0 || K->is_sparse(&rows, m, k), "is_sparse of zeros", m, k, n);
    EXPECT(share < 4 || k < 64 || !K->is_sparse(&rows, m, k), "is_sparse without zeros", m, k, n);
}

// ---- Rows of floats ----

static void rows(const ek_kernels *K, const ek_kernels *R, int fused) {
    const size_t n = length(300);
    const enum spread spread = (enum spread)below(3);
    float *x = drawn_floats(n, spread), *y = drawn_floats(n, plain), *g = drawn_floats(n, plain), *a = floats(n), *b = floats(n);
    if (below(4) == 0 && n > 2) x[below(n)] = -INFINITY;
#define BOTH(call)                                      \
    memcpy(a, x, n * sizeof *x);                        \
    memcpy(b, x, n * sizeof *x);                        \
    { const ek_kernels *T = K; float *o = a; call; }    \
    { const ek_kernels *T = R; float *o = b; call; }    \
    EXPECT(same_floats(a, b, n) && is_whole(a), #call, n, (size_t)spread, 0)
    BOTH(T->add(o, y, n));
    BOTH(T->multiply(o, y, n));
    BOTH(T->scale(o, 0.3f, n));
    BOTH(T->relu(o, n));
    EXPECT(same_float(K->maximum(x, n), R->maximum(x, n)), "maximum", n, 0, 0);
    EXPECT(K->argmax(x, n) == R->argmax(x, n), "argmax", n, 0, 0);
    if (!fused) return;
    BOTH(T->softmax(o, n));
    BOTH(T->silu(o, n));
    BOTH(T->silu_gate(o, y, n));
    BOTH(T->gelu_tanh(o, n));
    BOTH(T->gelu_erf(o, n));
    BOTH(T->tanh(o, n));
    BOTH(T->sigmoid(o, n));
    BOTH(T->xielu(o, n, 0.8f, 1.5f, 0.5f, -1e-6f));
    BOTH(T->layer_norm(x, g, y, 1e-5f, o, n));
    BOTH(T->layer_norm(x, g, 0, 1e-5f, o, n));
    BOTH(T->layer_norm(o, g, y, 1e-5f, o, n));
    BOTH(T->rms_norm(x, g, 1e-5f, o, n));
    BOTH(T->rms_norm(o, g, 1e-5f, o, n));
    EXPECT(same_float(K->dot(x, y, n), R->dot(x, y, n)), "dot", n, (size_t)spread, 0);
    EXPECT(same_float(K->sum_of_exp(x, R->maximum(x, n), n), R->sum_of_exp(x, R->maximum(x, n), n)), "sum_of_exp", n, (size_t)spread, 0);
}

static void rotate(const ek_kernels *K, const ek_kernels *R) {
    const size_t half = 1 + below(40), heads = 1 + below(3), stride = 2 * half + below(9), n = (heads - 1) * stride + 2 * half;
    float *c = drawn_floats(half, plain), *s = drawn_floats(half, plain), *x = drawn_floats(n, plain), *y = copy(x, n);
    const int32_t interleaved = (int32_t)below(2);
    K->rotate(x, heads, stride, half, c, s, interleaved);
    R->rotate(y, heads, stride, half, c, s, interleaved);
    EXPECT(same_floats(x, y, n) && is_whole(x), "rotate", half, heads, (size_t)interleaved);
}

// ---- Attention ----

static void attend(const ek_kernels *K, const ek_kernels *R) {
    static const size_t sizes[] = {1, 3, 16, 24, 32, 64, 65, 80, 100, 128};
    const size_t rows = 1 + below(below(2) ? 3 : 14), positions = 1 + below(below(2) ? 20 : 150);
    const size_t size = sizes[below(10)], value_size = below(2) ? size : sizes[below(10)], held = positions + below(9);
    const size_t qs = size + below(3), ks = size + below(3), vs = value_size + below(3), ss = positions + 16 + below(3), os = value_size + below(3);
    int32_t *list = 0, *first = guarded(4 * rows), *last = guarded(4 * rows);
    if (below(2)) {
        list = guarded(4 * positions);
        for (size_t i = 0; i < positions; i++) list[i] = (int32_t)below(held);
    }
    for (size_t r = 0; r < rows; r++) {
        first[r] = (int32_t)(below(2) ? 0 : below(positions));
        last[r] = (int32_t)(below(2) ? positions : (size_t)first[r] + below(positions - (size_t)first[r] + 1));
    }
    // Queries that see every other place or so of one list.
    int32_t *own = list && below(2) ? guarded(4 * rows * positions) : 0;
    for (size_t r = 0; own && r < rows; r++) {
        first[r] = last[r] = 0;
        for (size_t p = 0; p < positions; p++)
            if (below(4)) own[r * positions + (size_t)last[r]++] = (int32_t)p;
        for (size_t p = (size_t)last[r]; p < positions; p++) own[r * positions + p] = 0;
    }
    float *q = drawn_floats((rows - 1) * qs + size, plain), *k = drawn_floats((held - 1) * ks + size, plain);
    float *v = drawn_floats((held - 1) * vs + value_size, plain);
    const size_t held_scores = own ? rows * ss + positions + 16 : (rows - 1) * ss + positions + 16;
    float *s = floats(held_scores), *t = floats(held_scores);
    float *a = floats((rows - 1) * os + value_size), *b = floats((rows - 1) * os + value_size);
    ek_attention call = {q, qs, rows, size, k, ks, v, vs, value_size, 64 * below(2), list, first, last, own, positions, positions, 0.3f, s, ss, a, os};
    K->attend(&call);
    call.scores = t, call.out = b;
    R->attend(&call);
    EXPECT(same_floats(a, b, (rows - 1) * os + value_size), "attend", rows, positions, size);
    EXPECT(is_whole(a) && is_whole(s), "attend writes before", rows, positions, size);
    for (size_t r = 0; r < rows; r++) {
        const size_t start = own ? 0 : (size_t)first[r], count = own ? positions : (size_t)last[r] - start;
        EXPECT(same_floats(s + r * ss + start, t + r * ss + start, count), "weights", r, positions, size);
    }
    if (!own) return;
    // Each by itself, over a list of what it sees.
    for (size_t r = 0; r < rows; r++) {
        int32_t mine[256];
        for (size_t p = 0; p < (size_t)last[r]; p++) mine[p] = list[own[r * positions + p]];
        call.queries = q + r * qs, call.rows = 1, call.list = mine, call.own = 0, call.last = last + r;
        call.scores = t, call.out = b + r * os;
        K->attend(&call);
    }
    EXPECT(same_floats(a, b, (rows - 1) * os + value_size), "attend apart", rows, positions, size);
}

/// Keys and values put by in several goes, as floats or halves, and what a few queries make of them.
static void keep_and_attend(const ek_kernels *K, const ek_kernels *R) {
    static const size_t sizes[] = {1, 3, 20, 16, 32, 48, 64, 80, 128};
    const int halves = (int)below(2);
    const size_t size = sizes[halves ? 3 + below(6) : below(9)], stride = size + below(3), unit = halves ? 2 : 4;
    const size_t positions = 1 + below(below(2) ? 20 : 150), rows = 1 + below(below(2) ? 1 : 9), groups = (positions + 15) / 16;
    float *k = drawn_floats((positions - 1) * stride + size, plain), *v = drawn_floats((positions - 1) * stride + size, plain);
    if (below(2)) k[below(size)] = 1e6f, v[below(size)] = -3e-6f;
    void *kept[2][2];
    for (int i = 0; i < 2; i++) {
        kept[i][0] = guarded(unit * groups * 16 * size), kept[i][1] = guarded(unit * positions * size);
        memset(kept[i][0], 0, unit * groups * 16 * size);
    }
    for (size_t at = 0; at < positions;) {
        const size_t count = 1 + below(positions - at);
        for (int i = 0; i < 2; i++) {
            const ek_kept call = {k + at * stride, v + at * stride, stride, count, size, kept[i][0], kept[i][1], at, halves};
            (i ? R : K)->keep(&call);
        }
        at += count;
    }
    EXPECT(memcmp(kept[0][0], kept[1][0], unit * groups * 16 * size) == 0, "keep keys", positions, size, (size_t)halves);
    EXPECT(memcmp(kept[0][1], kept[1][1], unit * positions * size) == 0, "keep values", positions, size, (size_t)halves);
    int32_t *first = guarded(4 * rows), *last = guarded(4 * rows);
    for (size_t r = 0; r < rows; r++) first[r] = (int32_t)below(positions), last[r] = first[r] + (int32_t)below(positions - (size_t)first[r] + 1);
    const size_t ss = positions + 16;
    float *q = drawn_floats(rows * size, plain), *s = floats(rows * ss), *a = floats(rows * size), *b = floats(rows * size);
    ek_attention call = {q, size, rows, size, kept[0][0], 0, kept[0][1], size, size, 64 * below(2), 0, first, last, 0, 0, 0, 0.3f, s, ss, a, size, halves};
    K->attend(&call);
    call.out = b;
    R->attend(&call);
    EXPECT(same_floats(a, b, rows * size), "attend to kept", rows, positions, size);
}

/// The same as words: the same bits from each instruction set, from queries together and apart.
static void keep_and_attend_words(const ek_kernels *K, const ek_kernels *R) {
    const size_t size = 16 * (1 + below(16)), stride = size + below(3), key_size = (size + 31) / 32 * 32;
    const size_t positions = 1 + below(below(2) ? 20 : 250), rows = 1 + below(below(2) ? 1 : ek_word_rows), held = (positions + 63) / 64 * 64;
    float *k = drawn_floats((positions - 1) * stride + size, plain), *v = drawn_floats((positions - 1) * stride + size, plain);
    if (below(2)) k[below(size)] = 1e6f, v[below(size)] = -3e-6f;
    int16_t *kept[2][2];
    float *scales[2][2];
    for (int i = 0; i < 2; i++) {
        kept[i][0] = guarded(2 * held * key_size), kept[i][1] = guarded(2 * held * size);
        memset(kept[i][0], 0, 2 * held * key_size), memset(kept[i][1], 0, 2 * held * size);
        for (int part = 0; part < 2; part++) scales[i][part] = guarded(4 * held), memset(scales[i][part], 0, 4 * held);
    }
    for (size_t at = 0; at < positions;) {
        const size_t count = 1 + below(positions - at);
        for (int i = 0; i < 2; i++) {
            const ek_word_kept call = {k + at * stride, v + at * stride, stride, count, size, kept[i][0], kept[i][1], scales[i][0], scales[i][1], at};
            (i ? R : K)->keep_words(&call);
        }
        at += count;
    }
    EXPECT(memcmp(kept[0][0], kept[1][0], 2 * held * key_size) == 0, "keep key words", positions, size, 0);
    EXPECT(memcmp(kept[0][1], kept[1][1], 2 * held * size) == 0, "keep value words", positions, size, 0);
    for (int part = 0; part < 2; part++) EXPECT(memcmp(scales[0][part], scales[1][part], 4 * held) == 0, "keep scales", positions, size, (size_t)part);
    int32_t *first = guarded(4 * rows), *last = guarded(4 * rows);
    for (size_t r = 0; r < rows; r++) first[r] = (int32_t)below(positions), last[r] = first[r] + (int32_t)below(positions - (size_t)first[r] + 1);
    float *q = drawn_floats(rows * size, plain), *s = floats(rows * held), *a = floats(rows * size), *b = floats(rows * size);
    ek_word_attention call = {q, size, rows, size, kept[0][0], kept[0][1], scales[0][0], scales[0][1], first, last, 0.3f, s, held, a, size};
    K->attend_words(&call);
    call.out = b;
    R->attend_words(&call);
    EXPECT(same_floats(a, b, rows * size), "attend_words", rows, positions, size);
    EXPECT(is_whole(a) && is_whole(s), "attend_words writes before", rows, positions, size);
    for (size_t r = 0; r < rows; r++) {
        call.queries = q + r * size, call.rows = 1, call.first = first + r, call.last = last + r, call.out = b + r * size;
        K->attend_words(&call);
    }
    EXPECT(same_floats(a, b, rows * size), "attend_words apart", rows, positions, size);
}

/// Queries that see all keys: what `attend` gives, from either instruction set.
static void attend_dense(const ek_kernels *K, const ek_kernels *R) {
    const size_t rows = 1 + below(below(2) ? 20 : ek_dense_rows), positions = 1 + below(below(2) ? 20 : 150);
    const size_t size = 16 * (1 + below(ek_dense_size / 16)), padded = (rows + 15) / 16 * 16;
    const size_t qs = size + below(3), ks = size + below(3), vs = size + below(3), ss = positions + 16, os = size + below(3);
    int32_t *first = guarded(4 * rows), *last = guarded(4 * rows);
    for (size_t r = 0; r < rows; r++) first[r] = 0, last[r] = (int32_t)positions;
    float *q = drawn_floats((rows - 1) * qs + size, plain), *k = drawn_floats((positions - 1) * ks + size, plain);
    float *v = drawn_floats((positions - 1) * vs + size, plain), *s = floats(padded * positions), *t = floats(rows * ss);
    float *a = floats((rows - 1) * os + size), *b = floats((rows - 1) * os + size), *c = floats((rows - 1) * os + size);
    ek_dense_attention call = {q, qs, rows, size, k, ks, v, vs, positions, 0.3f, s, a, os};
    K->attend_dense(&call);
    call.out = b;
    R->attend_dense(&call);
    const ek_attention listed = {q, qs, rows, size, k, ks, v, vs, size, 0, 0, first, last, 0, 0, 0, 0.3f, t, ss, c, os};
    K->attend(&listed);
    EXPECT(same_floats(a, b, (rows - 1) * os + size), "attend_dense", rows, positions, size);
    EXPECT(same_floats(a, c, (rows - 1) * os + size), "attend_dense beside attend", rows, positions, size);
    EXPECT(is_whole(a) && is_whole(s), "attend_dense writes before", rows, positions, size);
}

int compare_bits(const char *name, const ek_kernels *K, const ek_kernels *reference, int fused, unsigned rounds) {
    set_name = name;
    differing = 0;
    for (unsigned round = 0; round < rounds; round++) {
#define FRESH(call) (slots_used = 0, call)
        FRESH(quantise(K, reference));
        for (int f = ek_format_f32; f <= ek_format_q6_k; f++)
            if (round % 4 == (unsigned)f % 4) FRESH(multiply(K, reference, (ek_format)f, fused));
        if (K->multiply_sparse) FRESH(multiply_sparse(K));
        FRESH(rows(K, reference, fused));
        if (!fused) continue;
        FRESH(rotate(K, reference));
        FRESH(attend(K, reference));
        FRESH(keep_and_attend(K, reference));
        FRESH(keep_and_attend_words(K, reference));
        FRESH(attend_dense(K, reference));
    }
    return differing;
}

int check_limits(const char *name, ek_isa isa) {
    set_name = name;
    differing = 0;
    slots_used = 0;
    for (size_t bytes = 512; bytes <= 64 * 512; bytes += 512) {
        slots_used = 0;
        uint8_t *memory = guarded(bytes);
        for (size_t i = 0; i < bytes; i++) memory[i] = (uint8_t)draw();
        EXPECT(ek_read_memory(isa, memory, bytes) == ek_read_memory(ek_isa_generic, memory, bytes), "ek_read_memory", bytes, 0, 0);
    }
    float one = 0, ten = 0;
    int32_t whole = 0, more = 0;
    const int64_t first = ek_spin_float(isa, 1, &one), tenth = ek_spin_float(isa, 10, &ten);
    EXPECT(tenth == 10 * first && (first == 0 || fabsf(ten - one) < 1e-3f * one), "ek_spin_float", 0, 0, 0);
    const int64_t step = ek_spin_int8(isa, 1, &whole), steps = ek_spin_int8(isa, 10, &more);
    EXPECT(steps == 10 * step && (step == 0 || more > whole), "ek_spin_int8", 0, 0, 0);
    return differing;
}
