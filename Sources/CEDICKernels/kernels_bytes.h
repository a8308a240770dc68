// Products of quantised rows with panels of 16 outputs stored as bytes or blocks. Included once an instruction set.
//
// Stored numbers are unsigned (a fixed offset above the true ones) and activations signed, of 8 or of 16 bits ("wide").
// A sum starts at minus the offset times the sum of its activations, so that the offset costs nothing in the loop;
// integer sums are exact, hence the same in any order. Sums of integers become floats once a scale's run, and those are
// added in the order of inputs.
//
// Wide activations meet bytes 0 and 2 of a lane and then bytes 1 and 3, widened to 16 bits: every instruction set
// multiplies pairs of those exactly. Products of bytes exist only where one instruction makes four of them and never
// saturates (VNNI); elsewhere they would take as many instructions.
#pragma once

typedef struct byte_product {
    const ek_quantized_rows *x;
    const char *weights;
    size_t panel_stride;
    const float *weight_scales;
    size_t k;
    float *y;
    size_t y_stride, n;
    const ek_epilogue *epilogue;
} byte_product;

/// The rows from `row` on.
EK_INLINE ek_quantized_rows rows_from(const ek_quantized_rows *x, size_t row) {
    return (ek_quantized_rows){x->values + row * x->value_stride, x->value_stride, x->scales + row * x->scale_stride,
                               x->scale_stride, x->sums + row * x->sum_stride, x->sum_stride, x->is_wide};
}

/// -offset * sum, for sums of any size: integers wrap around, and what they add up to at the end fits.
EK_INLINE int32_t without_offset(int offset, int32_t sum) { return (int32_t)(0u - (uint32_t)offset * (uint32_t)sum); }

/// A lane's bytes 0 and 2, and 1 and 3, as words.
EK_INLINE vi even_words(vi bytes) { return vi_and(bytes, vi_set1(0x00FF00FF)); }
EK_INLINE vi odd_words(vi bytes) { return vi_shift_right16(bytes, 8); }

#if defined(EK_VNNI)
enum { multiplies_bytes = 1 };
#else
enum { multiplies_bytes = 0 };
typedef int vx;
static inline vx vx_load(const int8_t *p) { return *p; }
static inline vi vi_dot4(vi sum, vi w, vx x) { return (void)w, (void)x, sum; }
#endif

/// Adds the products of four inputs of `mr` rows, at `x`, to `sum`.
#define EK_ADD_PRODUCTS(sum, even, odd, bytes)                                                   \
    EK_UNROLL for (int r = 0; r < mr; r++) {                                                     \
        const int8_t *four = x + (size_t)r * x_stride;                                           \
        if (wide) {                                                                              \
            const vw first = vw_load(four), second = vw_load(four + 4);                          \
            EK_UNROLL for (int c = 0; c < nr; c++)                                               \
                sum[r][c] = vi_dot2(vi_dot2(sum[r][c], even[c], first), odd[c], second);         \
        } else {                                                                                 \
            const vx all = vx_load(four);                                                        \
            EK_UNROLL for (int c = 0; c < nr; c++) sum[r][c] = vi_dot4(sum[r][c], bytes[c], all); \
        }                                                                                        \
    }

/// How far ahead weights are asked for. Only the first tile over some panels asks: the others find them in a cache.
enum { int8_ahead = 768 };

EK_INLINE void int8_tile(const int wide, const int mr, const int nr, const int is_first, const byte_product *p,
                         size_t row, size_t panel) {
    vi sum[lanes_mr_int8][lanes_nr_int8];
    EK_UNROLL for (int r = 0; r < mr; r++) {
        const vi start = vi_set1(without_offset(128, p->x->sums[row + (size_t)r]));
        EK_UNROLL for (int c = 0; c < nr; c++) sum[r][c] = start;
    }
    const int8_t *x = p->x->values + row * p->x->value_stride;
    const char *w = p->weights + panel * p->panel_stride;
    const size_t x_stride = p->x->value_stride, panel_stride = p->panel_stride;
    for (size_t i = (p->k + 3) / 4; i > 0; i--) {
        vi bytes[lanes_nr_int8], even[lanes_nr_int8], odd[lanes_nr_int8];
        EK_UNROLL for (int c = 0; c < nr; c++) {
            bytes[c] = vi_load(w + (size_t)c * panel_stride);
            even[c] = even_words(bytes[c]);
            odd[c] = odd_words(bytes[c]);
            if (is_first) ek_prefetch(w + (size_t)c * panel_stride + int8_ahead);
        }
        EK_ADD_PRODUCTS(sum, even, odd, bytes)
        x += wide ? 8 : 4;
        w += 64;
    }
    EK_UNROLL for (int c = 0; c < nr; c++) {
        const size_t at = (panel + (size_t)c) * 16;
        const vf scale = vf_load_some(p->weight_scales + at, p->n - at, 0);
        EK_UNROLL for (int r = 0; r < mr; r++) {
            const vf both = vf_mul(scale, vf_set1(p->x->scales[row + (size_t)r]));
            finish(vf_mul(vf_from_vi(sum[r][c]), both), p->y + (row + (size_t)r) * p->y_stride, at, p->n - at,
                   p->epilogue);
        }
    }
}

EK_INLINE void int8_rows(const int wide, const int nr, const byte_product *p, size_t m, size_t panel) {
    size_t row = 0;
    if (m >= lanes_mr_int8) {
        int8_tile(wide, lanes_mr_int8, nr, 1, p, 0, panel);
        for (row = lanes_mr_int8; row + lanes_mr_int8 <= m; row += lanes_mr_int8)
            int8_tile(wide, lanes_mr_int8, nr, 0, p, row, panel);
    }
    if (lanes_mr_int8 > 4 && row + 4 <= m) {
        int8_tile(wide, lanes_mr_int8 > 4 ? 4 : 1, nr, 1, p, row, panel);
        row += 4;
    }
    if (lanes_mr_int8 > 2 && row + 2 <= m) {
        int8_tile(wide, lanes_mr_int8 > 2 ? 2 : 1, nr, 1, p, row, panel);
        row += 2;
    }
    for (; row < m; row++) int8_tile(wide, 1, nr, 1, p, row, panel);
}

EK_INLINE void int8_panels(const int wide, const byte_product *p, size_t m) {
    const size_t panels = (p->n + 15) / 16;
    size_t panel = 0;
    for (; panel + lanes_nr_int8 <= panels; panel += lanes_nr_int8) int8_rows(wide, lanes_nr_int8, p, m, panel);
    for (; panel < panels; panel++) int8_rows(wide, 1, p, m, panel);
}

static void multiply_int8(const ek_quantized_rows *x, size_t m, const void *weights, const float *weight_scales,
                          size_t k, float *y, size_t y_stride, size_t n, const ek_epilogue *epilogue) {
    const size_t most = ek_row_block(x->value_stride);
    for (size_t row = 0; row < m; row += most) {
        const ek_quantized_rows rows = rows_from(x, row);
        const byte_product p = {&rows, weights, (k + 3) / 4 * 64, weight_scales, k, y + row * y_stride, y_stride, n,
                                epilogue};
        if (x->is_wide || !multiplies_bytes) int8_panels(1, &p, ek_min_size(most, m - row));
        else int8_panels(0, &p, ek_min_size(most, m - row));
    }
}

/// Inputs 4 * group ... 4 * group + 3 of a block's 16 outputs, as unsigned bytes.
EK_INLINE vi block_group(const ek_layout l, const char *block, const int group) {
    if (l.bits == 8) return vi_load(block + 64 * group);
    vi numbers = vi_load(block + 64 * (group % 4));
    if (group >= 4) numbers = vi_shift_right(numbers, 4);
    numbers = vi_and(numbers, vi_bytes(0x0F));
    if (l.bits == 5) {  // bit `group` of one byte an input position
        const vi plane = vi_load(block + 256);
        const vi high = group < 4 ? vi_shift_left(plane, 4 - group) : vi_shift_right(plane, group - 4);
        numbers = vi_or(numbers, vi_and(high, vi_bytes(0x10)));
    }
    if (l.bits == 6) {  // two planes of four groups, two bits each
        const int bit = 2 * (group % 4);
        const vi plane = vi_load(block + 256 + 64 * (group / 4));
        const vi high = bit < 4 ? vi_shift_left(plane, 4 - bit) : vi_shift_right(plane, bit - 4);
        numbers = vi_or(numbers, vi_and(high, vi_bytes(0x30)));
    }
    return numbers;
}

/// The even inputs of a group as words, and the odd ones.
EK_INLINE vi block_even(const ek_layout l, const char *block, const int group, const vi bytes) {
    if (l.bits != 4) return even_words(bytes);
    const vi both = vi_load(block + 64 * (group % 4));
    return vi_and(group < 4 ? both : vi_shift_right16(both, 4), vi_set1(0x000F000F));
}
EK_INLINE vi block_odd(const ek_layout l, const char *block, const int group, const vi bytes) {
    if (l.bits != 4) return odd_words(bytes);
    const vi both = vi_load(block + 64 * (group % 4));
    return group < 4 ? vi_and(vi_shift_right16(both, 8), vi_set1(0x000F000F)) : vi_shift_right16(both, 12);
}

enum { block_ahead = 2048 };

EK_INLINE void block_tile(const ek_format format, const int wide, const int mr, const int nr, const byte_product *p,
                          size_t row, size_t panel) {
    const ek_layout l = ek_layout_of(format);
    const int runs = 32 / l.scale_run, groups = 8 / runs;
    const size_t chunk_bytes = ek_chunk_bytes(l), chunks = ek_chunks(l, p->k), scale_stride = p->x->scale_stride;
    const size_t x_stride = p->x->value_stride, sum_stride = p->x->sum_stride, panel_stride = p->panel_stride;
    vf sum[lanes_mr_block][lanes_nr_block];
    EK_UNROLL for (int r = 0; r < mr; r++) {
        EK_UNROLL for (int c = 0; c < nr; c++) sum[r][c] = vf_set1(0);
    }
    const int8_t *blocks = p->x->values + row * x_stride;
    const float *x_scales = p->x->scales + row * scale_stride;
    const int32_t *x_sums = p->x->sums + row * sum_stride;
    const char *w = p->weights + panel * panel_stride;
    for (size_t chunk = 0; chunk < chunks; chunk++) {
        const char *scales = w + (size_t)l.chunk_blocks * l.block_bytes;
        if (row == 0) {
            EK_UNROLL for (int c = 0; c < nr; c++)
                for (size_t i = 0; i < l.scale_bytes; i += 64)
                    ek_prefetch(scales + (size_t)c * panel_stride + block_ahead + i);
        }
        vf super[lanes_nr_block], super_minimum[lanes_nr_block];
        EK_UNROLL for (int c = 0; c < nr; c++) {
            if (!l.superblock) continue;
            super[c] = vf_load_f16((const uint16_t *)(scales + (size_t)c * panel_stride));
            if (l.has_minimum)
                super_minimum[c] = vf_sub(
                    vf_set1(0), vf_load_f16((const uint16_t *)(scales + (size_t)c * panel_stride + 32)));
        }
        _Pragma("clang loop unroll(disable)") for (int b = 0; b < l.chunk_blocks; b++) {
            const char *block = w + (size_t)b * l.block_bytes;
            if (row == 0) {
                EK_UNROLL for (int c = 0; c < nr; c++)
                    EK_UNROLL for (size_t i = 0; i < l.block_bytes; i += 64)
                        ek_prefetch(block + (size_t)c * panel_stride + block_ahead + i);
            }
            EK_UNROLL for (int run = 0; run < runs; run++) {
                vf scale[lanes_nr_block], minimum[lanes_nr_block];
                EK_UNROLL for (int c = 0; c < nr; c++) {
                    const char *own = scales + (size_t)c * panel_stride;
                    if (!l.superblock) {
                        own += (l.has_minimum ? 64 : 32) * b;
                        scale[c] = vf_load_f16((const uint16_t *)own);
                        if (l.has_minimum) minimum[c] = vf_load_f16((const uint16_t *)(own + 32));
                    } else if (l.has_minimum) {
                        scale[c] = vf_mul(super[c], vf_load_u8((const uint8_t *)(own + 64 + 32 * b)));
                        minimum[c] = vf_mul(super_minimum[c], vf_load_u8((const uint8_t *)(own + 80 + 32 * b)));
                    } else {
                        scale[c] = vf_mul(super[c], vf_load_i8((const int8_t *)(own + 32 + 16 * (2 * b + run))));
                    }
                }
                vi whole[lanes_mr_block][lanes_nr_block];
                EK_UNROLL for (int r = 0; r < mr; r++) {
                    const int32_t *sums = x_sums + (size_t)r * sum_stride + 2 * b;
                    const int32_t inputs = runs == 2 ? sums[run] : sums[0] + sums[1];
                    EK_UNROLL for (int c = 0; c < nr; c++) whole[r][c] = vi_set1(without_offset(l.offset, inputs));
                }
                EK_UNROLL for (int g = 0; g < groups; g++) {
                    const int group = run * groups + g;
                    vi bytes[lanes_nr_block], even[lanes_nr_block], odd[lanes_nr_block];
                    EK_UNROLL for (int c = 0; c < nr; c++) {
                        bytes[c] = block_group(l, block + (size_t)c * panel_stride, group);
                        even[c] = block_even(l, block + (size_t)c * panel_stride, group, bytes[c]);
                        odd[c] = block_odd(l, block + (size_t)c * panel_stride, group, bytes[c]);
                    }
                    const int8_t *x = blocks + (32 * b + 4 * group) * (wide ? 2 : 1);
                    EK_ADD_PRODUCTS(whole, even, odd, bytes)
                }
                EK_UNROLL for (int r = 0; r < mr; r++) {
                    const float own = x_scales[(size_t)r * scale_stride + (size_t)b];
                    EK_UNROLL for (int c = 0; c < nr; c++)
                        sum[r][c] = vf_fma(vf_from_vi(whole[r][c]), vf_mul(scale[c], vf_set1(own)), sum[r][c]);
                    if (l.has_minimum) {
                        const int32_t *sums = x_sums + (size_t)r * sum_stride + 2 * b;
                        const vf inputs = vf_set1((float)(sums[0] + sums[1]) * own);
                        EK_UNROLL for (int c = 0; c < nr; c++) sum[r][c] = vf_fma(minimum[c], inputs, sum[r][c]);
                    }
                }
            }
        }
        w += chunk_bytes;
        blocks += 32 * l.chunk_blocks * (wide ? 2 : 1);
        x_scales += l.chunk_blocks;
        x_sums += 2 * l.chunk_blocks;
    }
    EK_UNROLL for (int r = 0; r < mr; r++) {
        EK_UNROLL for (int c = 0; c < nr; c++) {
            const size_t at = (panel + (size_t)c) * 16;
            finish(sum[r][c], p->y + (row + (size_t)r) * p->y_stride, at, p->n - at, p->epilogue);
        }
    }
}

EK_INLINE void block_rows(const ek_format format, const int wide, const int nr, const byte_product *p, size_t m,
                          size_t panel) {
    size_t row = 0;
    for (; row + lanes_mr_block <= m; row += lanes_mr_block) block_tile(format, wide, lanes_mr_block, nr, p, row, panel);
    if (lanes_mr_block > 2)
        for (; row + 2 <= m; row += 2) block_tile(format, wide, lanes_mr_block > 2 ? 2 : 1, nr, p, row, panel);
    for (; row < m; row++) block_tile(format, wide, 1, nr, p, row, panel);
}

EK_INLINE void block_panels(const ek_format format, const int wide, const byte_product *p, size_t m) {
    const size_t panels = (p->n + 15) / 16;
    size_t panel = 0;
    for (; panel + lanes_nr_block <= panels; panel += lanes_nr_block)
        block_rows(format, wide, lanes_nr_block, p, m, panel);
    for (; panel < panels; panel++) block_rows(format, wide, 1, p, m, panel);
}

/// One function a format, each compiled by itself: all of them inlined into one would take the compiler minutes.
#define EK_BLOCKS_OF(format)                                                                \
    static __attribute__((noinline)) void format##_bytes(const byte_product *p, size_t m) { \
        block_panels(ek_format_##format, 0, p, m);                                          \
    }                                                                                       \
    static __attribute__((noinline)) void format##_words(const byte_product *p, size_t m) { \
        block_panels(ek_format_##format, 1, p, m);                                          \
    }                                                                                       \
    static void format##_blocks(const byte_product *p, size_t m) {                          \
        if (p->x->is_wide || !multiplies_bytes) format##_words(p, m);                       \
        else format##_bytes(p, m);                                                          \
    }

EK_BLOCKS_OF(q8_0)
EK_BLOCKS_OF(q4_0)
EK_BLOCKS_OF(q4_1)
EK_BLOCKS_OF(q5_0)
EK_BLOCKS_OF(q5_1)
EK_BLOCKS_OF(q4_k)
EK_BLOCKS_OF(q5_k)
EK_BLOCKS_OF(q6_k)

static void multiply_blocks(ek_format format, const ek_quantized_rows *x, size_t m, const void *weights, size_t k,
                            float *y, size_t y_stride, size_t n, const ek_epilogue *epilogue) {
    const size_t most = ek_row_block(x->value_stride);
    for (size_t row = 0; row < m; row += most) {
        const ek_quantized_rows own = rows_from(x, row);
        const byte_product p = {&own, weights, ek_panel_bytes(format, k), 0, k, y + row * y_stride, y_stride, n,
                                epilogue};
        const size_t rows = ek_min_size(most, m - row);
        switch (format) {
        case ek_format_q8_0: q8_0_blocks(&p, rows); break;
        case ek_format_q4_0: q4_0_blocks(&p, rows); break;
        case ek_format_q4_1: q4_1_blocks(&p, rows); break;
        case ek_format_q5_0: q5_0_blocks(&p, rows); break;
        case ek_format_q5_1: q5_1_blocks(&p, rows); break;
        case ek_format_q4_k: q4_k_blocks(&p, rows); break;
        case ek_format_q5_k: q5_k_blocks(&p, rows); break;
        case ek_format_q6_k: q6_k_blocks(&p, rows); break;
        default: return;
        }
    }
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

static void quantize_row(const float *x, size_t k, int8_t *values, size_t padded, float *scale, int32_t *sum) {
    const float most = largest_magnitude(x, k);
    const vf factor = vf_set1(most > 0 ? 127.0f / most : 0);
    *scale = most / 127.0f;
    int32_t total = 0;
    size_t i = 0;
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

static void quantize_blocks(const float *x, size_t k, int8_t *values, size_t blocks, float *scales, int32_t *sums) {
    for (size_t b = 0; b < blocks; b++) {
        const size_t at = 32 * b, count = at < k ? ek_min_size(32, k - at) : 0;
        const vf low = count > 0 ? vf_load_some(x + at, count, 0) : vf_set1(0);
        const vf high = count > 16 ? vf_load_some(x + at + 16, count - 16, 0) : vf_set1(0);
        const float most = vf_reduce_max(vf_max(vf_abs(low), vf_abs(high)));
        const vf multiplier = vf_set1(most > 0 ? 127.0f / most : 0);
        scales[b] = most / 127.0f;
        sums[2 * b] = vf_store_i8(values + at, vf_mul(low, multiplier));
        sums[2 * b + 1] = vf_store_i8(values + at + 16, vf_mul(high, multiplier));
    }
}

// ---- The same with 16 bits ----

static void quantize_row_wide(const float *x, size_t k, int8_t *values, size_t padded, float *scale, int32_t *sum) {
    // The largest magnitude for which no sum of products with weights of -128 leaves 32 bits.
    const size_t room = ((size_t)1 << 24) / (k > 0 ? k : 1);
    const float limit = (float)(room < 32767 ? room : 32767);
    const float most = largest_magnitude(x, k);
    const vf factor = vf_set1(most > 0 ? limit / most : 0);
    *scale = most / limit;
    int32_t total = 0;
    for (size_t i = 0; i < padded; i += 16) {
        const vf inputs = i < k ? vf_load_some(x + i, k - i, 0) : vf_set1(0);
        total += vf_store_i16(values + 2 * i, vf_mul(inputs, factor));
    }
    *sum = total;
}

static void quantize_blocks_wide(const float *x, size_t k, int8_t *values, size_t blocks, float *scales,
                                 int32_t *sums) {
    for (size_t b = 0; b < blocks; b++) {
        const size_t at = 32 * b, count = at < k ? ek_min_size(32, k - at) : 0;
        const vf low = count > 0 ? vf_load_some(x + at, count, 0) : vf_set1(0);
        const vf high = count > 16 ? vf_load_some(x + at + 16, count - 16, 0) : vf_set1(0);
        const float most = vf_reduce_max(vf_max(vf_abs(low), vf_abs(high)));
        const vf multiplier = vf_set1(most > 0 ? 32767.0f / most : 0);
        scales[b] = most / 32767.0f;
        sums[2 * b] = vf_store_i16(values + 2 * at, vf_mul(low, multiplier));
        sums[2 * b + 1] = vf_store_i16(values + 2 * at + 32, vf_mul(high, multiplier));
    }
}
