// Rows of floats as the whole numbers that kernels_bytes.h multiplies. Included once an instruction set.
#pragma once

/// The largest magnitude of a row and the most that the positive or, negated, the negative numbers of a part of it
/// (`narrow_sum`) add up to: half of the sum of their magnitudes and the magnitude of their sum.
static void measure_parts(const float *x, size_t n, float *magnitude, float *part) {
    vf most = vf_set1(0), parts = vf_set1(0);
    for (size_t at = 0; at < n; at += 64) {
        vf magnitudes = vf_set1(0), sums = vf_set1(0);
        EK_UNROLL for (size_t i = 0; i < 64; i += 16) {
            const vf own = at + i < n ? vf_load_some(x + at + i, n - at - i, 0) : vf_set1(0), size = vf_abs(own);
            magnitudes = vf_add(magnitudes, size);
            sums = vf_add(sums, own);
            most = vf_max(size, most);
        }
        parts = vf_max(vf_add(vf_add_neighbours(magnitudes), vf_abs(vf_add_neighbours(sums))), parts);
    }
    *magnitude = vf_reduce_max(most);
    *part = 0.5f * vf_reduce_max(parts);
}

EK_INLINE float largest_magnitude(const float *x, size_t n) {
    vf most[4];
    EK_UNROLL for (int i = 0; i < 4; i++) most[i] = vf_set1(0);
    size_t at = 0;
    for (; at + 64 <= n; at += 64) {
        EK_UNROLL for (int i = 0; i < 4; i++) most[i] = vf_max(vf_abs(vf_load(x + at + 16 * i)), most[i]);
    }
    for (; at < n; at += 16) most[0] = vf_max(vf_abs(vf_load_some(x + at, n - at, 0)), most[0]);
    return vf_reduce_max(vf_max(vf_max(most[0], most[1]), vf_max(most[2], most[3])));
}

static void quantize_row(const float *x, size_t k, float limit, float sum_limit, int8_t *values, size_t padded,
                         float *scale, int32_t *sum) {
    float most;
    if (sum_limit > 0) {
        // Each of the eight numbers of a part may be rounded up by a half.
        const float room = sum_limit - 4;
        float part;
        measure_parts(x, k, &most, &part);
        // The largest number stays a whole one, so that a row of equal numbers stays exact.
        if (part * limit > most * room) limit = (float)(int32_t)(most * room / part);
    } else {
        most = largest_magnitude(x, k);
    }
    const vf factor = vf_set1(most > 0 ? limit / most : 0);
    *scale = most / limit;
    int32_t total = 0;
    size_t i = 0;
#if defined(EK_STORES_64)
    total = ek_store_products(values, x, factor, k / 64 * 64);
    i = k / 64 * 64;
#endif
    for (; i + 16 <= k; i += 16) total += vf_store_i8(values + i, vf_mul(vf_load(x + i), factor));
    if (i < k) {
        int8_t lanes[16];
        total += vf_store_i8(lanes, vf_mul(vf_load_some(x + i, k - i, 0), factor));
        memcpy(values + i, lanes, ek_min_size(16, padded - i));
        i += 16;
    }
    if (i < padded) memset(values + i, 0, padded - i);
    *sum = total;
}

/// The two halves of block `b` of a row, zeros behind its end; returns the largest magnitude.
EK_INLINE float load_block(const float *x, size_t k, size_t b, vf *low, vf *high) {
    const size_t at = 32 * b, count = at < k ? ek_min_size(32, k - at) : 0;
    *low = count > 0 ? vf_load_some(x + at, count, 0) : vf_set1(0);
    *high = count > 16 ? vf_load_some(x + at + 16, count - 16, 0) : vf_set1(0);
    return vf_reduce_max(vf_max(vf_abs(*low), vf_abs(*high)));
}

static void quantize_blocks(const float *x, size_t k, float limit, int8_t *values, size_t blocks, float *scales,
                            int32_t *sums) {
    for (size_t b = 0; b < blocks; b++) {
        vf low, high;
        const float most = load_block(x, k, b, &low, &high);
        const vf multiplier = vf_set1(most > 0 ? limit / most : 0);
        scales[b] = most / limit;
        sums[2 * b] = vf_store_i8(values + 32 * b, vf_mul(low, multiplier));
        sums[2 * b + 1] = vf_store_i8(values + 32 * b + 16, vf_mul(high, multiplier));
    }
}

/// The same with one scale for 256 inputs; the number of blocks is a multiple of 8.
static void quantize_superblocks(const float *x, size_t k, float limit, int8_t *values, size_t blocks, float *scales,
                                 int32_t *sums) {
    for (size_t first = 0; first < blocks; first += 8) {
        const float most = 32 * first < k ? largest_magnitude(x + 32 * first, ek_min_size(256, k - 32 * first)) : 0;
        const vf multiplier = vf_set1(most > 0 ? limit / most : 0);
        for (size_t b = first; b < first + 8; b++) {
            vf low, high;
            load_block(x, k, b, &low, &high);
            scales[b] = most / limit;
            sums[2 * b] = vf_store_i8(values + 32 * b, vf_mul(low, multiplier));
            sums[2 * b + 1] = vf_store_i8(values + 32 * b + 16, vf_mul(high, multiplier));
        }
    }
}

// ---- The same with 16 bits ----

static void quantize_row_wide(const float *x, size_t k, int8_t *values, size_t padded, float *scale, int32_t *sum) {
    // The largest magnitude for which no sum of products with weights of -128 leaves 32 bits.
    const size_t room = (((size_t)1 << 24) - 1) / (k > 0 ? k : 1);
    const float limit = (float)(room < ek_wide_limit ? room : ek_wide_limit);
    const float most = largest_magnitude(x, k);
    const vf factor = vf_set1(most > 0 ? limit / most : 0);
    *scale = most / limit;
    int32_t total = 0;
    for (size_t i = 0; i < padded; i += 16) {
        const vf inputs = i < k ? vf_load_some(x + i, k - i, 0) : vf_set1(0);
        total += vf_store_wide(values + 2 * i, vf_mul(inputs, factor));
    }
    *sum = total;
}

static void quantize_blocks_wide(const float *x, size_t k, int8_t *values, size_t blocks, float *scales,
                                 int32_t *sums) {
    for (size_t b = 0; b < blocks; b++) {
        vf low, high;
        const float most = load_block(x, k, b, &low, &high);
        const vf multiplier = vf_set1(most > 0 ? (float)ek_wide_limit / most : 0);
        scales[b] = most / (float)ek_wide_limit;
        sums[2 * b] = vf_store_wide(values + 64 * b, vf_mul(low, multiplier));
        sums[2 * b + 1] = vf_store_wide(values + 64 * b + 32, vf_mul(high, multiplier));
    }
}
