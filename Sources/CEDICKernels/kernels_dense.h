// Attention where all queries of a call see the same keys, which is how an encoder attends. Included once an instruction set.
//
// Queries are turned instead of keys: a lane is a query, so the softmax goes down the columns without a sum across lanes, keys
// are read where they lie, each once for all queries, and the weights of a key for its queries lie side by side. Each number is
// computed by the same operations in the same order as in kernels_attention.h, so which of both computes a query does not
// show.
#pragma once

enum {
    dense_groups = (ek_dense_rows + 15) / 16,
    // Groups of 16 queries that a tile of scores takes, and 16 numbers of a value that a tile of results does.
    dense_wide = lanes_nr_float > 1 ? lanes_nr_float : 1,
    dense_blocks = lanes_nr_float > 1 ? 2 : 1,
    dense_positions = 64,  // whose values are copied side by side, since rows a power of two apart share few sets of a cache
};

/// Scores of 16 * groups queries, turned to `turned`, with `count` keys from `j` on.
EK_INLINE void dense_scores(const ek_dense_attention *a, const int count, const int groups, const float *turned, float *scores,
                            size_t width, size_t j) {
    const float *keys = a->keys + j * a->key_stride;
    const size_t stride = a->key_stride, size = a->head_size;
    vf sums[lanes_mr_float][dense_wide];
    EK_UNROLL for (int r = 0; r < count; r++) {
        EK_UNROLL for (int g = 0; g < groups; g++) sums[r][g] = vf_set1(0);
    }
    for (size_t d = 0; d < size; d++) {
        vf query[dense_wide];
        EK_UNROLL for (int g = 0; g < groups; g++) query[g] = vf_load(turned + 16 * (size * (size_t)g + d));
        EK_UNROLL for (int r = 0; r < count; r++) {
            const vf number = vf_set1(keys[(size_t)r * stride + d]);
            EK_UNROLL for (int g = 0; g < groups; g++) sums[r][g] = vf_fma(number, query[g], sums[r][g]);
        }
    }
    const vf factor = vf_set1(a->scale);
    EK_UNROLL for (int r = 0; r < count; r++) {
        EK_UNROLL for (int g = 0; g < groups; g++)
            vf_store(scores + (j + (size_t)r) * width + 16 * g, vf_mul(sums[r][g], factor));
    }
}

/// The same with all keys.
EK_INLINE void dense_all_scores(const ek_dense_attention *a, const int groups, const float *turned, float *scores, size_t width) {
    size_t j = 0;
    for (; j + lanes_mr_float <= a->count; j += lanes_mr_float) dense_scores(a, lanes_mr_float, groups, turned, scores, width, j);
    if (lanes_mr_float > 4 && j + 4 <= a->count) {
        dense_scores(a, lanes_mr_float > 4 ? 4 : 1, groups, turned, scores, width, j);
        j += 4;
    }
    if (lanes_mr_float > 2 && j + 2 <= a->count) {
        dense_scores(a, lanes_mr_float > 2 ? 2 : 1, groups, turned, scores, width, j);
        j += 2;
    }
    for (; j < a->count; j++) dense_scores(a, 1, groups, turned, scores, width, j);
}

/// The softmax of 16 queries' scores, those of a key `width` behind those of the key before it. What `softmax` adds up lane
/// by lane is added up key by key here, sixteen sums of every sixteenth key each and then those.
static void dense_softmax(float *scores, size_t width, size_t count) {
    vf most = vf_load(scores);
    for (size_t j = 1; j < count; j++) most = vf_max(vf_load(scores + j * width), most);
    vf sums[16];
    for (size_t i = 0; i < 16; i++) {
        vf sum = vf_set1(0);
        for (size_t j = i; j < count; j += 16) {
            const vf e = exponential_below(vf_sub(vf_load(scores + j * width), most));
            sum = vf_add(sum, e);
            vf_store(scores + j * width, e);
        }
        sums[i] = sum;
    }
    for (size_t half = 8; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++) sums[i] = vf_add(sums[i], sums[i + half]);
    const vf factor = vf_div(vf_set1(1), sums[0]);
    for (size_t j = 0; j < count; j++) vf_store(scores + j * width, vf_mul(vf_load(scores + j * width), factor));
}

/// Adds `count` values, `size` apart and weighed, to 16 * blocks numbers of the results of `rows` queries from `row` on.
EK_INLINE void dense_values(const ek_dense_attention *a, const int rows, const int blocks, size_t row, const float *weights,
                            size_t width, const float *values, size_t size, size_t d, size_t count, int is_first) {
    float *out = a->out + row * a->out_stride + d;
    const size_t stride = a->out_stride;
    vf sums[lanes_mr_float][dense_blocks];
    EK_UNROLL for (int r = 0; r < rows; r++) {
        EK_UNROLL for (int b = 0; b < blocks; b++)
            sums[r][b] = is_first ? vf_set1(0) : vf_load(out + (size_t)r * stride + 16 * b);
    }
    const float *weight = weights + row;
    const float *value = values + d;
    for (size_t i = 0; i < count; i++, weight += width, value += size) {
        vf own[dense_blocks];
        EK_UNROLL for (int b = 0; b < blocks; b++) own[b] = vf_load(value + 16 * b);
        EK_UNROLL for (int r = 0; r < rows; r++) {
            const vf factor = vf_set1(weight[r]);
            EK_UNROLL for (int b = 0; b < blocks; b++) sums[r][b] = vf_fma(factor, own[b], sums[r][b]);
        }
    }
    EK_UNROLL for (int r = 0; r < rows; r++) {
        EK_UNROLL for (int b = 0; b < blocks; b++) vf_store(out + (size_t)r * stride + 16 * b, sums[r][b]);
    }
}

EK_INLINE void dense_row_values(const ek_dense_attention *a, const int rows, size_t row, const float *weights, size_t width,
                                const float *values, size_t count, int is_first) {
    const size_t size = a->head_size;
    size_t d = 0;
    for (; d + 16 * dense_blocks <= size; d += 16 * dense_blocks)
        dense_values(a, rows, dense_blocks, row, weights, width, values, size, d, count, is_first);
    for (; d < size; d += 16) dense_values(a, rows, 1, row, weights, width, values, size, d, count, is_first);
}

static void attend_dense(const ek_dense_attention *a) {
    const size_t size = a->head_size, groups = (a->rows + 15) / 16, width = 16 * groups;
    float turned[dense_groups * 16 * ek_dense_size];
    for (size_t g = 0; g < groups; g++) {
        const float *rows[16];
        for (size_t i = 0; i < 16; i++) rows[i] = a->queries + ek_min_size(16 * g + i, a->rows - 1) * a->query_stride;
        ek_turn_rows(rows, size, turned + 16 * size * g);
    }
    size_t g = 0;
    for (; g + dense_wide <= groups; g += dense_wide)
        dense_all_scores(a, dense_wide, turned + 16 * size * g, a->scores + 16 * g, width);
    if (dense_wide > 2 && g + 2 <= groups) {
        dense_all_scores(a, dense_wide > 2 ? 2 : 1, turned + 16 * size * g, a->scores + 16 * g, width);
        g += 2;
    }
    for (; g < groups; g++) dense_all_scores(a, 1, turned + 16 * size * g, a->scores + 16 * g, width);
    for (g = 0; g < groups; g++) dense_softmax(a->scores + 16 * g, width, a->count);

    float values[dense_positions * ek_dense_size];
    for (size_t j = 0; j < a->count; j += dense_positions) {
        const size_t count = ek_min_size(dense_positions, a->count - j);
        // Not row by row, which would become a call for each.
        for (size_t d = 0; d < size; d += 16)
            for (size_t i = 0; i < count; i++)
                vf_store(values + i * size + d, vf_load(a->values + (j + i) * a->value_stride + d));
        const float *weights = a->scores + j * width;
        size_t row = 0;
        for (; row + lanes_mr_float <= a->rows; row += lanes_mr_float)
            dense_row_values(a, lanes_mr_float, row, weights, width, values, count, j == 0);
        if (lanes_mr_float > 4 && row + 4 <= a->rows) {
            dense_row_values(a, lanes_mr_float > 4 ? 4 : 1, row, weights, width, values, count, j == 0);
            row += 4;
        }
        if (lanes_mr_float > 2 && row + 2 <= a->rows) {
            dense_row_values(a, lanes_mr_float > 2 ? 2 : 1, row, weights, width, values, count, j == 0);
            row += 2;
        }
        for (; row < a->rows; row++) dense_row_values(a, 1, row, weights, width, values, count, j == 0);
    }
}
