// Scaled dot-product attention of a few query rows over one head's keys and values. Included once an instruction set.
//
// Keys and values lie row by row, anywhere: a list says which rows a sequence consists of, so hypotheses that share a
// past share its rows. Sixteen scores are summed side by side and folded at once. A query's result depends neither on
// the other queries nor on rows it does not see: their weights are exact zeros.
#pragma once

enum { attention_tile = 4 };

EK_INLINE size_t attention_row(const ek_attention *a, size_t j) { return a->list ? (size_t)a->list[j] : j; }

/// Scores of query `r` with the keys j ... j + count - 1, count <= 16.
EK_INLINE void score_keys(const ek_attention *a, const float *query, size_t j, size_t count, float *scores) {
    vf sums[16];
    const float *keys[16];
    EK_UNROLL for (size_t i = 0; i < 16; i++) {
        sums[i] = vf_set1(0);
        keys[i] = a->keys + attention_row(a, j + (i < count ? i : 0)) * a->key_stride;
    }
    size_t d = 0;
    for (; d + 16 <= a->head_size; d += 16) {
        const vf q = vf_load(query + d);
        EK_UNROLL for (int i = 0; i < 16; i++) sums[i] = vf_fma(q, vf_load(keys[i] + d), sums[i]);
    }
    if (d < a->head_size) {
        const vf q = vf_load_some(query + d, a->head_size - d, 0);
        for (int i = 0; i < 16; i++) sums[i] = vf_fma(q, vf_load_some(keys[i] + d, a->head_size - d, 0), sums[i]);
    }
    vf_store_some(scores, count, vf_mul(vf_reduce16(sums), vf_set1(a->scale)));
}

/// Sums of values, weighed by the scores of `rows` queries, for `blocks` times 16 numbers from d on.
EK_INLINE void weigh_values(const ek_attention *a, const int rows, const int blocks, const float *scores, size_t start,
                            size_t end, size_t d, float *out) {
    vf sums[attention_tile][4];
    EK_UNROLL for (int r = 0; r < rows; r++) {
        EK_UNROLL for (int b = 0; b < blocks; b++) sums[r][b] = vf_set1(0);
    }
    const size_t last = a->value_size - d;
    for (size_t j = start; j < end; j++) {
        const float *value = a->values + attention_row(a, j) * a->value_stride + d;
        vf lanes[4];
        EK_UNROLL for (int b = 0; b < blocks; b++)
            lanes[b] = blocks == 4 ? vf_load(value + 16 * b) : vf_load_some(value + 16 * b, last - 16 * (size_t)b, 0);
        EK_UNROLL for (int r = 0; r < rows; r++) {
            const vf weight = vf_set1(scores[(size_t)r * a->score_stride + j]);
            EK_UNROLL for (int b = 0; b < blocks; b++) sums[r][b] = vf_fma(weight, lanes[b], sums[r][b]);
        }
    }
    EK_UNROLL for (int r = 0; r < rows; r++) {
        EK_UNROLL for (int b = 0; b < blocks; b++)
            vf_store_some(out + (size_t)r * a->out_stride + d + 16 * (size_t)b, last - 16 * (size_t)b, sums[r][b]);
    }
}

EK_INLINE void weigh_all_values(const ek_attention *a, const int rows, const float *scores, size_t start, size_t end,
                                float *out) {
    size_t d = 0;
    for (; d + 64 <= a->value_size; d += 64) weigh_values(a, rows, 4, scores, start, end, d, out);
    for (; d < a->value_size; d += 16) weigh_values(a, rows, 1, scores, start, end, d, out);
}

static void attend(const ek_attention *a) {
    for (size_t row = 0; row < a->rows; row += attention_tile) {
        const size_t rows = ek_min_size(attention_tile, a->rows - row);
        size_t start = SIZE_MAX, end = 0;
        for (size_t r = row; r < row + rows; r++) {
            if ((size_t)a->first[r] < start) start = (size_t)a->first[r];
            if ((size_t)a->last[r] > end) end = (size_t)a->last[r];
        }
        float *scores = a->scores + row * a->score_stride;
        for (size_t j = start; j < end; j += 16)
            for (size_t r = 0; r < rows; r++)
                score_keys(a, a->queries + (row + r) * a->query_stride, j, ek_min_size(16, end - j),
                           scores + r * a->score_stride + j);
        for (size_t r = 0; r < rows; r++) {
            float *own = scores + r * a->score_stride;
            const size_t first = (size_t)a->first[row + r], last = (size_t)a->last[row + r];
            for (size_t j = start; j < first && j < end; j++) own[j] = 0;
            if (last > first) softmax(own + first, last - first);
            for (size_t j = last; j < end; j++) own[j] = 0;
        }
        float *out = a->out + row * a->out_stride;
        if (rows == attention_tile) {
            weigh_all_values(a, attention_tile, scores, start, end, out);
        } else {
            for (size_t r = 0; r < rows; r++)
                weigh_all_values(a, 1, scores + r * a->score_stride, start, end, out + r * a->out_stride);
        }
    }
}
