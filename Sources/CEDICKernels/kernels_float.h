// Products of float rows with panels of 16 outputs stored as f32, f16 or bf16. Included once an instruction set.
#pragma once

EK_INLINE vf load_lanes(ek_format format, const char *p) {
    switch (format) {
    case ek_format_f16: return vf_load_f16((const uint16_t *)p);
    case ek_format_bf16: return vf_load_bf16((const uint16_t *)p);
    default: return vf_load((const float *)p);
    }
}

/// Writes 16 finished sums, `n` of which exist, to outputs `at`... of a row.
EK_INLINE void finish(vf sum, float *y, size_t at, size_t n, const ek_epilogue *e) {
    if (e->bias) sum = vf_add(sum, vf_load_some(e->bias + at, n, 0));
    if (e->relu) sum = vf_max(sum, vf_set1(0));
    if (e->accumulate) sum = vf_add(vf_load_some(y + at, n, 0), sum);
    vf_store_some(y + at, n, sum);
}

/// The same for 16 outputs of `rows` rows, which lie `y_stride` apart: what decides is looked at once, since a compiler that
/// cannot rule out that `y` is where it stands would do so for each sum.
EK_INLINE void finish_rows(const int rows, vf *sums, float *y, size_t y_stride, size_t at, size_t n, const ek_epilogue *e) {
    if (rows == 1 || n < 16) {
        EK_UNROLL for (int r = 0; r < rows; r++) finish(sums[r], y + (size_t)r * y_stride, at, n, e);
        return;
    }
    const float *bias = e->bias;
    const int relu = e->relu != 0, accumulate = e->accumulate != 0;
    if (bias) {
        const vf own = vf_load(bias + at);
        EK_UNROLL for (int r = 0; r < rows; r++) sums[r] = vf_add(sums[r], own);
    }
    if (relu) {
        EK_UNROLL for (int r = 0; r < rows; r++) sums[r] = vf_max(sums[r], vf_set1(0));
    }
    if (accumulate) {
        EK_UNROLL for (int r = 0; r < rows; r++) sums[r] = vf_add(vf_load(y + at + (size_t)r * y_stride), sums[r]);
    }
    EK_UNROLL for (int r = 0; r < rows; r++) vf_store(y + at + (size_t)r * y_stride, sums[r]);
}

/// One row takes this many panels at once, which lie far apart: several runs of memory are read faster than one.
enum { far_panels = 4, float_columns = lanes_nr_float > far_panels ? lanes_nr_float : far_panels };

typedef struct float_product {
    const float *x;
    size_t x_stride;
    const char *weights;
    size_t k_stride, panel_stride;  // bytes
    size_t k;
    float *y;
    size_t y_stride, n;
    const ek_epilogue *epilogue;
} float_product;

/// Rows `row`..., panels `panel`, `panel + apart`...: each sum is one chain of multiply-adds from the first input to the
/// last.
EK_INLINE void float_tile(const ek_format format, const int mr, const int nr, const float_product *p, size_t row,
                          size_t panel, size_t apart) {
    vf sum[lanes_mr_float][float_columns];
    EK_UNROLL for (int r = 0; r < mr; r++) {
        EK_UNROLL for (int c = 0; c < nr; c++) sum[r][c] = vf_set1(0);
    }
    const float *x = p->x + row * p->x_stride;
    const char *w = p->weights + panel * p->panel_stride;
    const size_t x_stride = p->x_stride, panel_stride = apart * p->panel_stride, k_stride = p->k_stride;
    for (size_t i = p->k; i > 0; i--) {
        vf lanes[float_columns];
        EK_UNROLL for (int c = 0; c < nr; c++) lanes[c] = load_lanes(format, w + (size_t)c * panel_stride);
        EK_UNROLL for (int r = 0; r < mr; r++) {
            const vf value = vf_set1(x[(size_t)r * x_stride]);
            EK_UNROLL for (int c = 0; c < nr; c++) sum[r][c] = vf_fma(value, lanes[c], sum[r][c]);
        }
        x += 1;
        w += k_stride;
    }
    float *y = p->y + row * p->y_stride;
    const size_t n = p->n, y_stride = p->y_stride;
    const ek_epilogue *epilogue = p->epilogue;
    EK_UNROLL for (int c = 0; c < nr; c++) {
        const size_t at = (panel + (size_t)c * apart) * 16;
        vf own[lanes_mr_float];
        EK_UNROLL for (int r = 0; r < mr; r++) own[r] = sum[r][c];
        finish_rows(mr, own, y, y_stride, at, n - at, epilogue);
    }
}

EK_INLINE void float_rows(const ek_format format, const int nr, const float_product *p, size_t m, size_t panel) {
    const size_t tiles = (m + lanes_mr_float - 1) / lanes_mr_float;
    for (size_t tile = 0, row = 0; tile < tiles; tile++) {
        const size_t height = ek_tile_height(m - row, tiles - tile);
#define EK_TILE(rows) float_tile(format, rows, nr, p, row, panel, 1)
        EK_OF_HEIGHT(height, lanes_mr_float, EK_TILE)
#undef EK_TILE
        row += height;
    }
}

EK_INLINE void float_panels(const ek_format format, const float_product *p, size_t m) {
    const size_t panels = (p->n + 15) / 16;
    size_t panel = 0;
    if (m == 1 && panels >= far_panels) {
        const size_t apart = panels / far_panels;
        for (; panel < apart; panel++) float_tile(format, 1, far_panels, p, 0, panel, apart);
        panel *= far_panels;
    }
    for (; panel + lanes_nr_float <= panels; panel += lanes_nr_float) float_rows(format, lanes_nr_float, p, m, panel);
    for (; panel < panels; panel++) float_rows(format, 1, p, m, panel);
}

static EK_APART void f32_panels(const float_product *p, size_t m) { float_panels(ek_format_f32, p, m); }
static EK_APART void f16_panels(const float_product *p, size_t m) { float_panels(ek_format_f16, p, m); }
static EK_APART void bf16_panels(const float_product *p, size_t m) { float_panels(ek_format_bf16, p, m); }

static void multiply_float(ek_format format, const float *x, size_t x_stride, size_t m, const void *weights,
                           size_t k_stride, size_t panel_stride, size_t k, float *y, size_t y_stride, size_t n,
                           const ek_epilogue *epilogue) {
    const size_t size = format == ek_format_f32 ? 4 : 2, most = ek_row_block(4 * k + 1);
    for (size_t row = 0; row < m; row += most) {
        const float_product p = {x + row * x_stride, x_stride, weights, k_stride * size, panel_stride * size, k,
                                 y + row * y_stride, y_stride, n, epilogue};
        const size_t rows = ek_min_size(most, m - row);
        switch (format) {
        case ek_format_f16: f16_panels(&p, rows); break;
        case ek_format_bf16: bf16_panels(&p, rows); break;
        default: f32_panels(&p, rows); break;
        }
    }
}
