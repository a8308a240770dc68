// Products of quantised rows with panels of 16 outputs stored as blocks of 32 inputs. Included once an instruction set, after
// kernels_bytes.h, which says what the numbers are.
#pragma once
#include "small_scales.h"

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
    block_most = 8,  // blocks in a chunk
    block_rows_most = EK_MOST(EK_MOST(lanes_mr_block, lanes_mr_super), EK_MOST(lanes_mr_narrow_block, lanes_mr_narrow_super)),
    block_step_most = EK_MOST(lanes_nr_far, EK_MOST(EK_MOST(lanes_nr_block, lanes_nr_super),
                                                    EK_MOST(lanes_nr_narrow_block, lanes_nr_narrow_super))),
    block_columns = EK_MOST(far_panels, block_step_most),
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
    int32_t starts[block_rows_most][2 * block_most];
    float inputs[block_rows_most][block_most];
    // The scales of 256 inputs, and those of each block in their whole bytes, where they have minima.
    vf super[block_columns], super_minimum[block_columns];
    ek_spread_scales small[block_columns];
} block_place;

typedef uint32_t ek_eight __attribute__((vector_size(32)));
typedef uint32_t ek_sixteen __attribute__((vector_size(64)));
typedef int32_t ek_eight_signed __attribute__((vector_size(32)));
typedef float ek_eight_floats __attribute__((vector_size(32)));

/// Whether all inputs of a chunk have one scale, which its sum is multiplied with at its end.
EK_INLINE int scales_chunks(const ek_layout l, const int wide) { return l.superblock && !wide; }

/// The starts and inputs of a row for all blocks of a superblock: left to itself, the compiler takes one after the other.
EK_INLINE void enter_superblock(const ek_layout l, const int wide, const int32_t *sums, const float *scales, int32_t *starts,
                                float *inputs) {
    ek_sixteen all;
    memcpy(&all, sums, sizeof all);
    const ek_eight both = __builtin_shufflevector(all, all, 0, 2, 4, 6, 8, 10, 12, 14) +
                          __builtin_shufflevector(all, all, 1, 3, 5, 7, 9, 11, 13, 15);
    if (l.offset && l.scale_run == 16) {
        const ek_sixteen own = (0u - (uint32_t)l.offset) * all;
        memcpy(starts, &own, sizeof own);
    } else if (l.offset) {
        const ek_eight own = (0u - (uint32_t)l.offset) * both;
        memcpy(starts, &own, sizeof own);
    }
    if (!l.has_minimum) return;
    ek_eight_floats own = __builtin_convertvector((ek_eight_signed)both, ek_eight_floats);
    if (!scales_chunks(l, wide)) {
        ek_eight_floats each;
        memcpy(&each, scales, sizeof each);
        own *= each;
    }
    memcpy(inputs, &own, sizeof own);
}

/// What changes with a chunk, before its blocks.
EK_INLINE void enter_chunk(const ek_layout l, const int wide, const int mr, const int nr, const int32_t *x_sums,
                           size_t sum_stride, block_place *at) {
    const int runs = 32 / l.scale_run;
    EK_UNROLL for (int r = 0; r < mr; r++) {
        const int32_t *sums = x_sums + (size_t)r * sum_stride;
        if (l.chunk_blocks == 8) {
            enter_superblock(l, wide, sums, at->x_scales + (size_t)r * at->scale_stride, at->starts[r], at->inputs[r]);
            continue;
        }
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
        if (!l.has_minimum) continue;
        at->super_minimum[c] = vf_sub(vf_set1(0), vf_load_f16((const uint16_t *)(own + 32)));
        ek_spread_small_scales((const uint8_t *)own, at->small + c);
    }
}

/// Adds the products of block `b` of a chunk to the sums of columns `first` ... `first + nr - 1`.
EK_INLINE void block_step(const ek_layout l, const int wide, const int mr, const int nr, const int first, int b,
                          const block_place *at, vf sum[block_rows_most][block_columns]) {
    const int runs = 32 / l.scale_run, groups = 8 / runs;
    // Groups whose products' sums, in pairs, fit 16 bits: 2 * 15 * 127 eight times, 2 * 31 * 127 four times, 2 * 63 * 127
    // twice.
    const int fitting = l.bits == 4 ? 8 : l.bits == 5 ? 4 : 2;
    const int sums_many = sums_pairs && !wide && l.bits < 8;
    const char *block = at->weights + (size_t)b * l.block_bytes + (size_t)first * at->panel_stride;
    EK_UNROLL for (int run = 0; run < runs; run++) {
        vi whole[block_rows_most][block_step_most], pairs[block_rows_most][block_step_most];
        vi above[block_rows_most][block_step_most];
        EK_UNROLL for (int r = 0; r < mr; r++) {
            EK_UNROLL for (int c = 0; c < nr; c++) {
                // Where pairs are summed, these come later, so that they keep no registers until then.
                if (!sums_many) whole[r][c] = vi_set1(l.offset ? at->starts[r][runs * b + run] : 0);
                pairs[r][c] = above[r][c] = vi_set1(0);
            }
        }
        EK_UNROLL for (int g = 0; g < groups; g++) {
            const int group = run * groups + g;
            vi bytes[block_step_most], even[block_step_most], odd[block_step_most];
            EK_UNROLL for (int c = 0; c < nr; c++) {
                bytes[c] = block_group(l, block + (size_t)c * at->panel_stride, group);
                even[c] = block_even(l, block + (size_t)c * at->panel_stride, group, bytes[c]);
                odd[c] = block_odd(l, block + (size_t)c * at->panel_stride, group, bytes[c]);
            }
            const size_t x_stride = at->x_stride;
            const int8_t *x = at->x + (32 * b + 4 * group) * (wide ? 2 : 1);
            if (!sums_many) {
                EK_ADD_PRODUCTS(whole, above, even, odd, bytes)
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
        vf scale[block_step_most], minimum[block_step_most];
        EK_UNROLL for (int c = 0; c < nr; c++) {
            const char *own = at->scales + (size_t)(first + c) * at->panel_stride;
            if (!l.superblock) {
                own += (l.has_minimum ? 64 : 32) * b;
                scale[c] = vf_load_f16((const uint16_t *)own);
                if (l.has_minimum) minimum[c] = vf_load_f16((const uint16_t *)(own + 32));
            } else if (l.has_minimum) {
                scale[c] = vf_mul(at->super[first + c], vf_load_u8(at->small[first + c].scales + 16 * b));
                minimum[c] = vf_mul(at->super_minimum[first + c], vf_load_u8(at->small[first + c].minima + 16 * b));
            } else {
                scale[c] = vf_mul(at->super[first + c], vf_load_i8((const int8_t *)(own + 32 + 16 * (2 * b + run))));
            }
        }
        EK_UNROLL for (int r = 0; r < mr; r++) {
            const vf own = vf_set1(at->x_scales[(size_t)r * at->scale_stride + (size_t)b]);
            EK_UNROLL for (int c = 0; c < nr; c++) {
                vf *total = &sum[r][first + c];
                const vf both = scales_chunks(l, wide) ? scale[c] : vf_mul(scale[c], own);
                const vi own_sum = wide ? vi_with_high(whole[r][c], above[r][c]) : whole[r][c];
                *total = vf_fma(vf_from_vi(own_sum), both, *total);
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
    const int step = nr == far_panels ? lanes_nr_far : nr;
    vf sum[block_rows_most][block_columns];
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
        enter_chunk(l, wide, mr, nr, x_sums, sum_stride, &at);
        vf part[block_rows_most][block_columns];
        EK_UNROLL for (int r = 0; r < mr; r++)
            EK_UNROLL for (int c = 0; c < nr; c++) part[r][c] = vf_set1(0);
        // Of a single run, what comes next is asked for; that several are read, some processors see by themselves.
        const int asks = row == 0 && (apart == 1 || p->asks_far);
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
            EK_UNROLL for (int first = 0; first < nr; first += step)
                block_step(l, wide, mr, step, first, b, &at, scales_chunks(l, wide) ? part : sum);
        }
        EK_UNROLL for (int r = 0; scales_chunks(l, wide) && r < mr; r++) {
            const vf own = vf_set1(at.x_scales[(size_t)r * at.scale_stride]);
            EK_UNROLL for (int c = 0; c < nr; c++) sum[r][c] = vf_fma(part[r][c], own, sum[r][c]);
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
    const int superblock = ek_layout_of(format).superblock;
    const int mr = wide ? (superblock ? lanes_mr_super : lanes_mr_block)
                        : (superblock ? lanes_mr_narrow_super : lanes_mr_narrow_block);
    // Unpacking is most of what few rows take, so as many rows share it as fit a tile.
    for (size_t row = 0, height; row < m; row += height) {
        height = ek_min_size((size_t)mr, m - row);
#define EK_TILE(rows) block_tile(format, wide, rows, nr, p, row, panel, 1)
        EK_OF_HEIGHT(height, mr, EK_TILE)
#undef EK_TILE
    }
}

EK_INLINE void block_panels(const ek_format format, const int wide, const byte_product *p, size_t m) {
    const size_t panels = (p->n + 15) / 16;
    const int superblock = ek_layout_of(format).superblock;
    const int nr = wide ? (superblock ? lanes_nr_super : lanes_nr_block)
                        : (superblock ? lanes_nr_narrow_super : lanes_nr_narrow_block);
    size_t panel = 0;
    if (m == 1 && panels >= far_panels) {
        const size_t apart = panels / far_panels;
        for (; panel < apart; panel++) block_tile(format, wide, 1, far_panels, p, 0, panel, apart);
        panel *= far_panels;
    }
    for (; panel + (size_t)nr <= panels; panel += (size_t)nr) block_rows(format, wide, nr, p, m, panel);
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
                                epilogue, lanes_ask_far()};
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
