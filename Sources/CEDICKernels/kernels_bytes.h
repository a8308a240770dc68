// Products of quantised rows with panels of 16 outputs stored as bytes or blocks. Included once an instruction set.
//
// Stored numbers are unsigned (a fixed offset above the true ones) and activations signed, of 8 or of 16 bits ("wide").
// A sum starts at minus the offset times the sum of its activations, so that the offset costs nothing in the loop;
// integer sums are exact, hence the same in any order. Sums of integers become floats once a scale's run, and those are
// added in the order of inputs.
//
// Wide activations meet bytes 0 and 2 of a lane and then bytes 1 and 3, widened to 16 bits: every instruction set
// multiplies pairs of those exactly. Narrow ones meet bytes: where one instruction sums four products (VNNI), whatever
// their size; where it sums pairs of them in 16 bits (AVX2), numbers must be small enough for that. Weights of 8 bits
// leave activations 7 bits there, and where a row has one scale, that is chosen so that the sum of four pairs fits as well
// (`narrow_sum`); the sums of 4-bit weights fit for all of a block.
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
enum { narrow_limit = 127 };
#elif defined(EK_PAIRS)
enum { narrow_limit = 64 };
#else
enum { narrow_limit = 0 };
typedef int vx;
static inline vx vx_load(const int8_t *p) { return *p; }
static inline vi vi_dot4(vi sum, vi w, vx x) { return (void)w, (void)x, sum; }
#endif

#if defined(EK_PAIRS)
// 255 * 128 is less than 2^15.
enum { sums_pairs = 1, narrow_sum = 128 };
#else
enum { sums_pairs = 0, narrow_sum = 0 };
static inline vi vi_pairs(vi w, vx x) { return (void)x, w; }
static inline vi vi_add16(vi a, vi b) { return (void)b, a; }
static inline vi vi_add_pairs(vi sum, vi pairs) { return (void)pairs, sum; }
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

/// How far ahead weights are asked for where one tile reads them all.
enum { int8_ahead = 768, int8_columns = lanes_nr_int8 > far_panels ? lanes_nr_int8 : far_panels };

/// Adds the products of 16 inputs, four and those 16, 32 and 48 further on, to `sum`: in 16 bits until all are there.
EK_INLINE void int8_part(const int mr, const int nr, vi sum[lanes_mr_narrow][int8_columns], const int8_t *x, size_t x_stride,
                         const char *w, size_t panel_stride) {
    vi pairs[lanes_mr_narrow][int8_columns];
    EK_UNROLL for (int g = 0; g < 4; g++) {
        vi bytes[int8_columns];
        EK_UNROLL for (int c = 0; c < nr; c++) bytes[c] = vi_load(w + 256 * g + (size_t)c * panel_stride);
        EK_UNROLL for (int r = 0; r < mr; r++) {
            const vx four = vx_load(x + 16 * g + (size_t)r * x_stride);
            EK_UNROLL for (int c = 0; c < nr; c++) {
                const vi own = vi_pairs(bytes[c], four);
                pairs[r][c] = g == 0 ? own : vi_add16(pairs[r][c], own);
                vi_fence(&pairs[r][c]);
            }
        }
    }
    EK_UNROLL for (int r = 0; r < mr; r++)
        EK_UNROLL for (int c = 0; c < nr; c++) sum[r][c] = vi_add_pairs(sum[r][c], pairs[r][c]);
}

/// Rows `row`..., panels `panel`, `panel + apart`...
///
/// `ahead` is asked for little by little, `ahead_step` bytes a step: a share of the panels that come next, so that many
/// tiles over the same panels wait for memory no more than the arithmetic takes. Nothing is asked for where it is null.
EK_INLINE void int8_tile(const int wide, const int mr, const int nr, const byte_product *p, size_t row, size_t panel,
                         size_t apart, const char *ahead, size_t ahead_step) {
    vi sum[lanes_mr_narrow][int8_columns];
    EK_UNROLL for (int r = 0; r < mr; r++) {
        const vi start = vi_set1(without_offset(128, p->x->sums[row + (size_t)r]));
        EK_UNROLL for (int c = 0; c < nr; c++) sum[r][c] = start;
    }
    const int8_t *x = p->x->values + row * p->x->value_stride;
    const char *w = p->weights + panel * p->panel_stride;
    const size_t x_stride = p->x->value_stride, panel_stride = apart * p->panel_stride;
    size_t steps = (p->k + 3) / 4;
    // Far apart panels wait for memory, and their sums would not fit the registers.
    if (sums_pairs && !wide && nr <= lanes_nr_int8) {
        for (; steps >= 16; steps -= 16) {
            _Pragma("clang loop unroll(disable)") for (int i = 0; i < 4; i++)
                int8_part(mr, nr, sum, x + 4 * i, x_stride, w + 64 * i, panel_stride);
            if (ahead) {
                for (size_t at = 0; at < 16 * ahead_step; at += 64)
                    EK_UNROLL for (int c = 0; c < nr; c++) ek_prefetch(ahead + at + (size_t)c * panel_stride);
                ahead += 16 * ahead_step;
            }
            x += 64;
            w += 1024;
        }
    }
    for (; steps > 0; steps--) {
        vi bytes[int8_columns], even[int8_columns], odd[int8_columns];
        EK_UNROLL for (int c = 0; c < nr; c++) {
            bytes[c] = vi_load(w + (size_t)c * panel_stride);
            even[c] = even_words(bytes[c]);
            odd[c] = odd_words(bytes[c]);
            if (ahead) ek_prefetch(ahead + (size_t)c * panel_stride);
        }
        EK_ADD_PRODUCTS(sum, even, odd, bytes)
        x += wide ? 8 : 4;
        w += 64;
        ahead += ahead_step;
    }
    EK_UNROLL for (int c = 0; c < nr; c++) {
        const size_t at = (panel + (size_t)c * apart) * 16;
        const vf scale = vf_load_some(p->weight_scales + at, p->n - at, 0);
        EK_UNROLL for (int r = 0; r < mr; r++) {
            const vf both = vf_mul(scale, vf_set1(p->x->scales[row + (size_t)r]));
            finish(vf_mul(vf_from_vi(sum[r][c]), both), p->y + (row + (size_t)r) * p->y_stride, at, p->n - at,
                   p->epilogue);
        }
    }
}

EK_INLINE void int8_rows(const int wide, const int nr, const byte_product *p, size_t m, size_t panel) {
    const int mr = wide ? lanes_mr_int8 : lanes_mr_narrow;
    // Four rows are two twice, not three and one.
    const size_t tiles = mr == 3 && m > 3 && m % 3 == 1 ? m / 3 - 1 : m / (size_t)mr;
    const char *own = p->weights + panel * p->panel_stride, *next = own + (size_t)nr * p->panel_stride;
    // What one tile asks for a step; many tiles ask for the same more than once.
    const size_t step = tiles > 1 ? (64 + tiles - 1) / tiles : 64;
    size_t row = 0;
    for (size_t tile = 0; tile < tiles; tile++, row += (size_t)mr)
        int8_tile(wide, mr, nr, p, row, panel, 1,
                  tiles > 1 ? next + tile * step * ((p->k + 3) / 4) : own + int8_ahead, step);
    if (mr > 4 && row + 4 <= m) {
        int8_tile(wide, mr > 4 ? 4 : 1, nr, p, row, panel, 1, own + int8_ahead, 64);
        row += 4;
    }
    if (mr > 2)
        for (; row + 2 <= m; row += 2) int8_tile(wide, mr > 2 ? 2 : 1, nr, p, row, panel, 1, own + int8_ahead, 64);
    for (; row < m; row++) int8_tile(wide, 1, nr, p, row, panel, 1, own + int8_ahead, 64);
}

EK_INLINE void int8_panels(const int wide, const byte_product *p, size_t m) {
    const size_t panels = (p->n + 15) / 16;
    size_t panel = 0;
    if (m == 1 && panels >= far_panels) {
        const size_t apart = panels / far_panels;
        for (; panel < apart; panel++) int8_tile(wide, 1, far_panels, p, 0, panel, apart, 0, 0);
        panel *= far_panels;
    }
    for (; panel + lanes_nr_int8 <= panels; panel += lanes_nr_int8) int8_rows(wide, lanes_nr_int8, p, m, panel);
    for (; panel < panels; panel++) int8_rows(wide, 1, p, m, panel);
}
static EK_APART void int8_wide(const byte_product *p, size_t m) { int8_panels(1, p, m); }
static EK_APART void int8_narrow(const byte_product *p, size_t m) {
    if (narrow_limit == 0) return int8_wide(p, m);
    int8_panels(0, p, m);
}

static void multiply_int8(const ek_quantized_rows *x, size_t m, const void *weights, const float *weight_scales,
                          size_t k, float *y, size_t y_stride, size_t n, const ek_epilogue *epilogue) {
    const size_t most = ek_row_block(x->value_stride);
    const int wide = narrow_limit == 0 || x->is_wide;
    for (size_t row = 0; row < m; row += most) {
        const ek_quantized_rows rows = rows_from(x, row);
        const byte_product p = {&rows, weights, (k + 3) / 4 * 64, weight_scales, k, y + row * y_stride, y_stride, n,
                                epilogue};
        const size_t count = ek_min_size(most, m - row);
        wide ? int8_wide(&p, count) : int8_narrow(&p, count);
    }
}

/// The low or the high nibbles as bytes, and the even and the odd ones of them as words.
EK_INLINE vi nibbles(const vi both, const int high) {
    return vi_and(high ? vi_shift_right(both, 4) : both, vi_bytes(0x0F));
}
EK_INLINE vi even_nibbles(const vi both, const int high) {
    return vi_and(high ? vi_shift_right16(both, 4) : both, vi_set1(0x000F000F));
}
EK_INLINE vi odd_nibbles(const vi both, const int high) {
    return high ? vi_shift_right16(both, 12) : vi_and(vi_shift_right16(both, 8), vi_set1(0x000F000F));
}

/// Inputs 4 * group ... 4 * group + 3 of a block's 16 outputs, as unsigned bytes.
EK_INLINE vi block_group(const ek_layout l, const char *block, const int group) {
    if (l.bits == 8) return vi_load(block + 64 * group);
    vi numbers = nibbles(vi_load(block + 64 * (group % 4)), group >= 4);
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
    return l.bits == 4 ? even_nibbles(vi_load(block + 64 * (group % 4)), group >= 4) : even_words(bytes);
}
EK_INLINE vi block_odd(const ek_layout l, const char *block, const int group, const vi bytes) {
    return l.bits == 4 ? odd_nibbles(vi_load(block + 64 * (group % 4)), group >= 4) : odd_words(bytes);
}

enum {
    block_ahead = 2048,
    block_most = 8,
    block_columns = lanes_nr_block > far_panels ? lanes_nr_block : far_panels,
};

/// Keeps the compiler from unpacking the next groups before these sums: their numbers would leave the registers.
#define EK_FENCES(sums) \
    EK_UNROLL for (int r = 0; r < mr; r++) EK_UNROLL for (int c = 0; c < nr; c++) vi_fence(&sums[r][c]);

/// Where a tile is on its way through the inputs.
typedef struct block_place {
    // A chunk's scales and its blocks; those of panel c of a tile are c * panel_stride bytes further on.
    const char *scales, *weights;
    size_t panel_stride;
    const int8_t *x;
    size_t x_stride;
    const float *x_scales;
    size_t scale_stride;
    // What a run's sum starts with (the offset, taken back), and what a block's minimum is multiplied by.
    int32_t starts[lanes_mr_narrow_block][2 * block_most];
    float inputs[lanes_mr_narrow_block][block_most];
    // The scales of 256 inputs.
    vf super[block_columns], super_minimum[block_columns];
} block_place;

/// What changes with a chunk, before its blocks.
EK_INLINE void enter_chunk(const ek_layout l, const int mr, const int nr, const int32_t *x_sums, size_t sum_stride,
                           block_place *at) {
    const int runs = 32 / l.scale_run;
    EK_UNROLL for (int r = 0; r < mr; r++) {
        const int32_t *sums = x_sums + (size_t)r * sum_stride;
        EK_UNROLL for (int b = 0; b < l.chunk_blocks; b++) {
            const int32_t both = sums[2 * b] + sums[2 * b + 1];
            if (l.offset)
                EK_UNROLL for (int run = 0; run < runs; run++)
                    at->starts[r][runs * b + run] = without_offset(l.offset, runs == 2 ? sums[2 * b + run] : both);
            if (l.has_minimum) at->inputs[r][b] = (float)both * at->x_scales[(size_t)r * at->scale_stride + (size_t)b];
        }
    }
    if (!l.superblock) return;
    EK_UNROLL for (int c = 0; c < nr; c++) {
        const char *own = at->scales + (size_t)c * at->panel_stride;
        at->super[c] = vf_load_f16((const uint16_t *)own);
        if (l.has_minimum) at->super_minimum[c] = vf_sub(vf_set1(0), vf_load_f16((const uint16_t *)(own + 32)));
    }
}

/// Adds the products of block `b` of a chunk to the sums of columns `first` ... `first + nr - 1`.
EK_INLINE void block_step(const ek_layout l, const int wide, const int mr, const int nr, const int first, int b,
                          const block_place *at, vf sum[lanes_mr_narrow_block][block_columns]) {
    const int runs = 32 / l.scale_run, groups = 8 / runs;
    // Groups whose products' sums, in pairs, fit 16 bits: 2 * 15 * 127 eight times, 2 * 31 * 127 four times, 2 * 63 * 127
    // twice.
    const int fitting = l.bits == 4 ? 8 : l.bits == 5 ? 4 : 2;
    const int sums_many = sums_pairs && !wide && l.bits < 8;
    const char *block = at->weights + (size_t)b * l.block_bytes + (size_t)first * at->panel_stride;
    EK_UNROLL for (int run = 0; run < runs; run++) {
        vi whole[lanes_mr_narrow_block][lanes_nr_block], pairs[lanes_mr_narrow_block][lanes_nr_block];
        EK_UNROLL for (int r = 0; r < mr; r++) {
            EK_UNROLL for (int c = 0; c < nr; c++) {
                // Where pairs are summed, these come later, so that they keep no registers until then.
                if (!sums_many) whole[r][c] = vi_set1(l.offset ? at->starts[r][runs * b + run] : 0);
                pairs[r][c] = vi_set1(0);
            }
        }
        EK_UNROLL for (int g = 0; g < groups; g++) {
            const int group = run * groups + g;
            vi bytes[lanes_nr_block], even[lanes_nr_block], odd[lanes_nr_block];
            EK_UNROLL for (int c = 0; c < nr; c++) {
                bytes[c] = block_group(l, block + (size_t)c * at->panel_stride, group);
                even[c] = block_even(l, block + (size_t)c * at->panel_stride, group, bytes[c]);
                odd[c] = block_odd(l, block + (size_t)c * at->panel_stride, group, bytes[c]);
            }
            const size_t x_stride = at->x_stride;
            const int8_t *x = at->x + (32 * b + 4 * group) * (wide ? 2 : 1);
            if (!sums_many) {
                EK_ADD_PRODUCTS(whole, even, odd, bytes)
                EK_FENCES(whole)
                continue;
            }
            EK_UNROLL for (int r = 0; r < mr; r++) {
                const vx four = vx_load(x + (size_t)r * x_stride);
                EK_UNROLL for (int c = 0; c < nr; c++) pairs[r][c] = vi_add16(pairs[r][c], vi_pairs(bytes[c], four));
            }
            EK_FENCES(pairs)
            if ((g + 1) % fitting != 0 && g + 1 != groups) continue;
            EK_UNROLL for (int r = 0; r < mr; r++) {
                EK_UNROLL for (int c = 0; c < nr; c++) {
                    if (g < fitting) whole[r][c] = vi_set1(l.offset ? at->starts[r][runs * b + run] : 0);
                    whole[r][c] = vi_add_pairs(whole[r][c], pairs[r][c]);
                    pairs[r][c] = vi_set1(0);
                }
            }
        }
        vf scale[lanes_nr_block], minimum[lanes_nr_block];
        EK_UNROLL for (int c = 0; c < nr; c++) {
            const char *own = at->scales + (size_t)(first + c) * at->panel_stride;
            if (!l.superblock) {
                own += (l.has_minimum ? 64 : 32) * b;
                scale[c] = vf_load_f16((const uint16_t *)own);
                if (l.has_minimum) minimum[c] = vf_load_f16((const uint16_t *)(own + 32));
            } else if (l.has_minimum) {
                scale[c] = vf_mul(at->super[first + c], vf_load_u8((const uint8_t *)(own + 64 + 32 * b)));
                minimum[c] = vf_mul(at->super_minimum[first + c], vf_load_u8((const uint8_t *)(own + 80 + 32 * b)));
            } else {
                scale[c] = vf_mul(at->super[first + c], vf_load_i8((const int8_t *)(own + 32 + 16 * (2 * b + run))));
            }
        }
        EK_UNROLL for (int r = 0; r < mr; r++) {
            const vf own = vf_set1(at->x_scales[(size_t)r * at->scale_stride + (size_t)b]);
            EK_UNROLL for (int c = 0; c < nr; c++) {
                vf *total = &sum[r][first + c];
                *total = vf_fma(vf_from_vi(whole[r][c]), vf_mul(scale[c], own), *total);
                if (l.has_minimum) *total = vf_fma(minimum[c], vf_set1(at->inputs[r][b]), *total);
            }
        }
    }
}

/// Rows `row`..., panels `panel`, `panel + apart`...
EK_INLINE void block_tile(const ek_format format, const int wide, const int mr, const int nr, const byte_product *p,
                          size_t row, size_t panel, size_t apart) {
    const ek_layout l = ek_layout_of(format);
    const size_t chunk_bytes = ek_chunk_bytes(l), chunks = ek_chunks(l, p->k), sum_stride = p->x->sum_stride;
    // Far apart panels come one after the other, so that a block's numbers stay in registers.
    const int step = nr > lanes_nr_block ? lanes_nr_block : nr;
    vf sum[lanes_mr_narrow_block][block_columns];
    EK_UNROLL for (int r = 0; r < mr; r++) {
        EK_UNROLL for (int c = 0; c < nr; c++) sum[r][c] = vf_set1(0);
    }
    const int32_t *x_sums = p->x->sums + row * sum_stride;
    block_place at;
    at.scales = p->weights + panel * p->panel_stride;
    at.weights = at.scales + l.scale_bytes;
    at.panel_stride = apart * p->panel_stride;
    at.x = p->x->values + row * p->x->value_stride;
    at.x_stride = p->x->value_stride;
    at.x_scales = p->x->scales + row * p->x->scale_stride;
    at.scale_stride = p->x->scale_stride;
    for (size_t chunk = 0; chunk < chunks; chunk++) {
        enter_chunk(l, mr, nr, x_sums, sum_stride, &at);
        // Of a single run, what comes next is asked for; processors see by themselves that several are read.
        const int asks = row == 0 && apart == 1;
        if (asks) {
            EK_UNROLL for (int c = 0; c < nr; c++)
                for (size_t i = 0; i < l.scale_bytes; i += 64)
                    ek_prefetch(at.scales + (size_t)c * at.panel_stride + block_ahead + i);
        }
        _Pragma("clang loop unroll(disable)") for (int b = 0; b < l.chunk_blocks; b++) {
            if (asks) {
                EK_UNROLL for (int c = 0; c < nr; c++)
                    EK_UNROLL for (size_t i = 0; i < l.block_bytes; i += 64)
                        ek_prefetch(at.weights + (size_t)b * l.block_bytes + (size_t)c * at.panel_stride + block_ahead + i);
            }
            EK_UNROLL for (int first = 0; first < nr; first += step) block_step(l, wide, mr, step, first, b, &at, sum);
        }
        at.scales += chunk_bytes;
        at.weights += chunk_bytes;
        at.x += 32 * l.chunk_blocks * (wide ? 2 : 1);
        at.x_scales += l.chunk_blocks;
        x_sums += 2 * l.chunk_blocks;
    }
    EK_UNROLL for (int r = 0; r < mr; r++) {
        EK_UNROLL for (int c = 0; c < nr; c++) {
            const size_t output = (panel + (size_t)c * apart) * 16;
            finish(sum[r][c], p->y + (row + (size_t)r) * p->y_stride, output, p->n - output, p->epilogue);
        }
    }
}

EK_INLINE void block_rows(const ek_format format, const int wide, const int nr, const byte_product *p, size_t m,
                          size_t panel) {
    const int mr = wide ? lanes_mr_block : lanes_mr_narrow_block;
    size_t row = 0;
    for (; row + (size_t)mr <= m; row += (size_t)mr) block_tile(format, wide, mr, nr, p, row, panel, 1);
    if (mr > 2)
        for (; row + 2 <= m; row += 2) block_tile(format, wide, mr > 2 ? 2 : 1, nr, p, row, panel, 1);
    for (; row < m; row++) block_tile(format, wide, 1, nr, p, row, panel, 1);
}

EK_INLINE void block_panels(const ek_format format, const int wide, const byte_product *p, size_t m) {
    const size_t panels = (p->n + 15) / 16;
    size_t panel = 0;
    if (m == 1 && panels >= far_panels) {
        const size_t apart = panels / far_panels;
        for (; panel < apart; panel++) block_tile(format, wide, 1, far_panels, p, 0, panel, apart);
        panel *= far_panels;
    }
    for (; panel + lanes_nr_block <= panels; panel += lanes_nr_block)
        block_rows(format, wide, lanes_nr_block, p, m, panel);
    for (; panel < panels; panel++) block_rows(format, wide, 1, p, m, panel);
}

// One function for each format and width: in one for all, the compiler's passes over loops took minutes.
#define EK_BLOCK_PRODUCT(format)                                                                                 \
    static EK_APART void format##_wide(const byte_product *p, size_t m) { block_panels(ek_format_##format, 1, p, m); } \
    static EK_APART void format##_narrow(const byte_product *p, size_t m) {                                      \
        if (narrow_limit == 0) return format##_wide(p, m);                                                       \
        block_panels(ek_format_##format, 0, p, m);                                                               \
    }
EK_BLOCK_PRODUCT(q8_0)
EK_BLOCK_PRODUCT(q4_0)
EK_BLOCK_PRODUCT(q4_1)
EK_BLOCK_PRODUCT(q5_0)
EK_BLOCK_PRODUCT(q5_1)
EK_BLOCK_PRODUCT(q4_k)
EK_BLOCK_PRODUCT(q5_k)
EK_BLOCK_PRODUCT(q6_k)

static void multiply_blocks(ek_format format, const ek_quantized_rows *x, size_t m, const void *weights, size_t k,
                            float *y, size_t y_stride, size_t n, const ek_epilogue *epilogue) {
    const size_t most = ek_row_block(x->value_stride);
    const int wide = narrow_limit == 0 || x->is_wide;
    for (size_t row = 0; row < m; row += most) {
        const ek_quantized_rows own = rows_from(x, row);
        const byte_product p = {&own, weights, ek_panel_bytes(format, k), 0, k, y + row * y_stride, y_stride, n,
                                epilogue};
        const size_t rows = ek_min_size(most, m - row);
        switch (format) {
#define EK_CASE(format) \
    case ek_format_##format: wide ? format##_wide(&p, rows) : format##_narrow(&p, rows); break;
            EK_CASE(q8_0)
            EK_CASE(q4_0)
            EK_CASE(q4_1)
            EK_CASE(q5_0)
            EK_CASE(q5_1)
            EK_CASE(q4_k)
            EK_CASE(q5_k)
            EK_CASE(q6_k)
        default: return;
        }
    }
}

/// What the positive numbers of a part of a row (`narrow_sum`), or the negated negative ones, add up to at most.
static float largest_part(const float *x, size_t n) {
    vf most = vf_set1(0);
    for (size_t at = 0; at < n; at += 64) {
        vf above = vf_set1(0), below = vf_set1(0);
        EK_UNROLL for (size_t i = 0; i < 64; i += 16) {
            const vf own = at + i < n ? vf_load_some(x + at + i, n - at - i, 0) : vf_set1(0);
            above = vf_add(above, vf_max(own, vf_set1(0)));
            below = vf_add(below, vf_min(own, vf_set1(0)));
        }
        most = vf_max(vf_max(vf_add_neighbours(above), vf_abs(vf_add_neighbours(below))), most);
    }
    return vf_reduce_max(most);
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
    float most = largest_magnitude(x, k);
    if (sum_limit > 0) {
        // Each of eight may be rounded up by a half.
        const float room = sum_limit - 4, part = largest_part(x, k);
        if (part * limit > most * room) {
            most = part;
            limit = room;
        }
    }
    const vf factor = vf_set1(most > 0 ? limit / most : 0);
    *scale = most / limit;
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

static void quantize_blocks(const float *x, size_t k, float limit, int8_t *values, size_t blocks, float *scales,
                            int32_t *sums) {
    for (size_t b = 0; b < blocks; b++) {
        const size_t at = 32 * b, count = at < k ? ek_min_size(32, k - at) : 0;
        const vf low = count > 0 ? vf_load_some(x + at, count, 0) : vf_set1(0);
        const vf high = count > 16 ? vf_load_some(x + at + 16, count - 16, 0) : vf_set1(0);
        const float most = vf_reduce_max(vf_max(vf_abs(low), vf_abs(high)));
        const vf multiplier = vf_set1(most > 0 ? limit / most : 0);
        scales[b] = most / limit;
        sums[2 * b] = vf_store_i8(values + at, vf_mul(low, multiplier));
        sums[2 * b + 1] = vf_store_i8(values + at + 16, vf_mul(high, multiplier));
    }
}

// ---- The same with 16 bits ----

static void quantize_row_wide(const float *x, size_t k, int8_t *values, size_t padded, float *scale, int32_t *sum) {
    // The largest magnitude for which no sum of products with weights of -128 leaves 32 bits.
    const size_t room = (((size_t)1 << 24) - 1) / (k > 0 ? k : 1);
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
