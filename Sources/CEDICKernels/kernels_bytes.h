// Products of quantised rows with panels of 16 outputs stored as bytes or blocks. Included once an instruction set.
//
// Stored numbers are unsigned (a fixed offset above the true ones) and activations signed, of 8 or of 16 bits ("wide").
// A sum starts at minus the offset times the sum of its activations, so that the offset costs nothing in the loop;
// integer sums are exact, hence the same in any order. Sums of integers become floats once a scale's run, and those are
// added in the order of inputs.
//
// Wide activations meet bytes 0 and 2 of a lane and then bytes 1 and 3, widened to 16 bits: every instruction set
// multiplies pairs of those exactly. Where one instruction sums four products of bytes (VNNI), their low and their high
// bytes meet the weights one after the other instead (`splits_wide`): nothing is widened, and the two sums do not wait for
// each other. Narrow activations meet bytes: with VNNI, whatever their size; where products are summed in pairs in 16 bits
// (AVX2), numbers must be small enough for that. Weights of 8 bits leave activations 7 bits there, and where a row has one
// scale, that is chosen so that the sum of four pairs fits as well (`narrow_sum`); the sums of 4-bit weights fit for all of
// a block.
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
    // Whether what comes next is asked for of several runs of memory, too.
    int asks_far;
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
enum { narrow_limit = 127, splits_wide = 1 };
EK_INLINE vi vi_with_high(vi low, vi high) { return _mm512_add_epi32(low, vi_shift_left(high, 8)); }
#else
enum { splits_wide = 0 };
EK_INLINE vi vi_with_high(vi low, vi high) { return (void)high, low; }
#if defined(EK_PAIRS)
enum { narrow_limit = 64 };
#else
enum { narrow_limit = 0 };
typedef int vx;
static inline vx vx_load(const int8_t *p) { return *p; }
static inline vi vi_dot4(vi sum, vi w, vx x) { return (void)w, (void)x, sum; }
#endif
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

/// Adds the products of four inputs of `mr` rows, at `x`, to `sum`, those of split numbers' high bytes to `high`.
#define EK_ADD_PRODUCTS(sum, high, even, odd, bytes)                                             \
    EK_UNROLL for (int r = 0; r < mr; r++) {                                                     \
        const int8_t *four = x + (size_t)r * x_stride;                                           \
        if (wide && splits_wide) {                                                               \
            const vx first = vx_load(four), second = vx_load(four + 4);                          \
            EK_UNROLL for (int c = 0; c < nr; c++) {                                             \
                sum[r][c] = vi_dot4(sum[r][c], bytes[c], first);                                 \
                high[r][c] = vi_dot4(high[r][c], bytes[c], second);                              \
            }                                                                                    \
        } else if (wide) {                                                                       \
            const vw first = vw_load(four), second = vw_load(four + 4);                          \
            EK_UNROLL for (int c = 0; c < nr; c++)                                               \
                sum[r][c] = vi_dot2(vi_dot2(sum[r][c], even[c], first), odd[c], second);         \
        } else {                                                                                 \
            const vx all = vx_load(four);                                                        \
            EK_UNROLL for (int c = 0; c < nr; c++) sum[r][c] = vi_dot4(sum[r][c], bytes[c], all); \
        }                                                                                        \
    }

/// How far ahead weights are asked for where one tile reads them all.
enum {
    int8_ahead = 768,
    int8_most = EK_MOST(lanes_mr_int8, lanes_mr_narrow),
    int8_columns = EK_MOST(far_panels, EK_MOST(lanes_nr_int8, lanes_nr_narrow)),
};

/// Adds the products of 16 inputs, four and those 16, 32 and 48 further on, to `sum`: in 16 bits until all are there.
EK_INLINE void int8_part(const int mr, const int nr, vi sum[int8_most][int8_columns], const int8_t *x, size_t x_stride,
                         const char *w, size_t panel_stride) {
    vi pairs[int8_most][int8_columns];
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
    vi sum[int8_most][int8_columns], high[int8_most][int8_columns];
    EK_UNROLL for (int r = 0; r < mr; r++) {
        const vi start = vi_set1(without_offset(128, p->x->sums[row + (size_t)r]));
        EK_UNROLL for (int c = 0; c < nr; c++) sum[r][c] = start;
        EK_UNROLL for (int c = 0; c < nr; c++) high[r][c] = vi_set1(0);
    }
    const int8_t *x = p->x->values + row * p->x->value_stride;
    const char *w = p->weights + panel * p->panel_stride;
    const size_t x_stride = p->x->value_stride, panel_stride = apart * p->panel_stride;
    size_t steps = (p->k + 3) / 4;
    // Far apart panels wait for memory, and their sums would not fit the registers.
    if (sums_pairs && !wide && nr <= lanes_nr_narrow) {
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
        EK_ADD_PRODUCTS(sum, high, even, odd, bytes)
        x += wide ? 8 : 4;
        w += 64;
        ahead += ahead_step;
    }
    float *y = p->y + row * p->y_stride;
    const float *scales = p->x->scales + row, *weight_scales = p->weight_scales;
    const size_t n = p->n, y_stride = p->y_stride;
    const ek_epilogue *epilogue = p->epilogue;
    EK_UNROLL for (int c = 0; c < nr; c++) {
        const size_t at = (panel + (size_t)c * apart) * 16;
        const vf scale = vf_load_some(weight_scales + at, n - at, 0);
        vf sums[int8_most];
        EK_UNROLL for (int r = 0; r < mr; r++) {
            const vi whole = wide ? vi_with_high(sum[r][c], high[r][c]) : sum[r][c];
            sums[r] = vf_mul(vf_from_vi(whole), vf_mul(scale, vf_set1(scales[r])));
        }
        finish_rows(mr, sums, y, y_stride, at, n - at, epilogue);
    }
}

EK_INLINE void int8_rows(const int wide, const int nr, const byte_product *p, size_t m, size_t panel) {
    const int mr = wide ? lanes_mr_int8 : lanes_mr_narrow;
    const size_t tiles = (m + (size_t)mr - 1) / (size_t)mr;
    const char *own = p->weights + panel * p->panel_stride, *next = own + (size_t)nr * p->panel_stride;
    // What one tile asks for a step; many tiles ask for the same more than once.
    const size_t step = tiles > 1 ? (64 + tiles - 1) / tiles : 64;
    for (size_t tile = 0, row = 0; tile < tiles; tile++) {
        const size_t height = ek_tile_height(m - row, tiles - tile);
        const char *ahead = tiles > 1 ? next + tile * step * ((p->k + 3) / 4) : own + int8_ahead;
#define EK_TILE(rows) int8_tile(wide, rows, nr, p, row, panel, 1, ahead, step)
        EK_OF_HEIGHT(height, mr, EK_TILE)
#undef EK_TILE
        row += height;
    }
}

EK_INLINE void int8_panels(const int wide, const byte_product *p, size_t m) {
    const size_t panels = (p->n + 15) / 16;
    const int nr = wide ? lanes_nr_int8 : lanes_nr_narrow;
    size_t panel = 0;
    if (m == 1 && panels >= far_panels) {
        const size_t apart = panels / far_panels;
        for (; panel < apart; panel++) int8_tile(wide, 1, far_panels, p, 0, panel, apart, 0, 0);
        panel *= far_panels;
    }
    for (; panel + (size_t)nr <= panels; panel += (size_t)nr) int8_rows(wide, nr, p, m, panel);
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
