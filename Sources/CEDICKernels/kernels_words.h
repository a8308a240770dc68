// Attention over keys and values that are whole numbers of 16 bits, two products a lane and step. Included once an instruction
// set.
//
// A key, a value and a query have one scale each. A score is a whole number before it is scaled, and what a block of 64
// positions adds to a result is one, too: neither depends on an order. Weights are rounded against the largest of their block
// that the query sees, each times its value's scale, so a position that takes nearly all of a query's attention does not
// round away those of other blocks. Blocks begin at multiples of 64 positions, whichever a query sees.
#pragma once

enum {
    words_block = 64,
    words_keys = 8191,     // the largest numbers: of a key,
    words_weights = 8191,  // a weight,
    words_values = 4095,   // and a value, so that 64 products of a weight and a value fit 32 bits
    words_groups = 4,      // times 16 keys that one query takes at a time, or 16 numbers of a value
};

/// The largest magnitude of a query's numbers: `size` products of it and a key's fit 32 bits.
EK_INLINE float words_queries(size_t size) { return size <= 32 ? 8191.0f : size <= 64 ? 4095.0f : size <= 128 ? 2047.0f : 1023.0f; }

/// One number of each lane in the lower word, the other in the upper.
EK_INLINE vi vi_words(vi low, vi high) { return vi_or(vi_and(low, vi_set1(0xFFFF)), vi_shift_left(high, 16)); }

/// Words of a row of `size` numbers: of 32, those 16 apart share a lane.
EK_INLINE void words_of_row(const float *x, size_t size, float factor, int16_t *out) {
    const vf times = vf_set1(factor);
    for (size_t d = 0; d < size; d += 32) {
        const vi low = vi_near(vf_mul(vf_load(x + d), times));
        const vi high = d + 16 < size ? vi_near(vf_mul(vf_load(x + d + 16), times)) : vi_set1(0);
        vi_store(out + d, vi_words(low, high));
    }
}

/// Numbers of a key with what fills up its last lanes.
EK_INLINE size_t words_size(size_t size) { return (size + 31) / 32 * 32; }

/// Whether none of the `rows` queries from `row` on sees a position in start ..< end.
EK_INLINE int words_unseen(const ek_word_attention *a, size_t row, int rows, size_t start, size_t end) {
    for (size_t r = row; r < row + (size_t)rows; r++)
        if ((size_t)a->first[r] < end && (size_t)a->last[r] > start) return 0;
    return 1;
}

EK_INLINE void words_score_tile(const ek_word_attention *a, const int rows, const int groups, size_t row, const int16_t *queries,
                                const float *factors, size_t j) {
    const size_t size = words_size(a->head_size), half = size / 2;
    const int16_t *keys = a->keys + j * size;
    vi sums[attention_tile][words_groups];
    EK_UNROLL for (int r = 0; r < rows; r++) {
        EK_UNROLL for (int g = 0; g < groups; g++) sums[r][g] = vi_set1(0);
    }
    for (size_t i = 0; i < half; i++) {
        vi key[words_groups];
        EK_UNROLL for (int g = 0; g < groups; g++) key[g] = vi_load(keys + (size_t)g * 16 * size + 32 * i);
        EK_UNROLL for (int r = 0; r < rows; r++) {
            const vw number = vw_load((const int8_t *)(queries + r * ek_word_size + 2 * (int)i));
            EK_UNROLL for (int g = 0; g < groups; g++) sums[r][g] = vi_dot2(sums[r][g], key[g], number);
        }
    }
    float *scores = a->scores + row * a->score_stride + j;
    EK_UNROLL for (int g = 0; g < groups; g++) {
        const vf scale = vf_load(a->key_scales + j + 16 * g);
        EK_UNROLL for (int r = 0; r < rows; r++)
            vf_store(scores + (size_t)r * a->score_stride + 16 * g,
                     vf_mul(vf_mul(vf_from_vi(sums[r][g]), scale), vf_set1(factors[r])));
    }
}

/// Scores of a few queries with the keys start ..< end, at most a block.
EK_INLINE void words_score_rows(const ek_word_attention *a, const int rows, size_t row, const int16_t *queries, const float *factors,
                                size_t start, size_t end) {
    if (words_unseen(a, row, rows, start, end)) return;
    queries += row * ek_word_size, factors += row;
    size_t j = start;
    for (; rows == 1 && j + 48 < end; j += 64) words_score_tile(a, rows, rows == 1 ? 4 : 1, row, queries, factors, j);
    for (; rows == 1 && j + 16 < end; j += 32) words_score_tile(a, rows, rows == 1 ? 2 : 1, row, queries, factors, j);
    for (; j < end; j += 16)
        if (!words_unseen(a, row, rows, j, j + 16)) words_score_tile(a, rows, 1, row, queries, factors, j);
}

/// A query's scores become weights: of a block of 64 floats, the first half takes the words and the next number what they are
/// to be multiplied by.
EK_INLINE void words_weigh(const ek_word_attention *a, size_t row, size_t start, size_t end) {
    float *scores = a->scores + row * a->score_stride;
    const size_t first = (size_t)a->first[row], last = (size_t)a->last[row], own = first / words_block * words_block;
    const int sees = last > first;
    // Blocks it does not see: whatever their words are, they count nothing.
    for (size_t j = start; j < end; j += words_block)
        if (!sees || j < own || j >= last) scores[j + words_block / 2] = 0;
    if (!sees) return;
    for (size_t j = own; j < first; j++) scores[j] = -__builtin_inff();
    vf most = vf_set1(-__builtin_inff());
    size_t j = own;
    for (; j + 16 <= last; j += 16) most = vf_max(vf_load(scores + j), most);
    if (j < last) most = vf_max(vf_load_some(scores + j, last - j, -__builtin_inff()), most);
    most = vf_set1(vf_reduce_max(most));
    vf sum = vf_set1(0);
    for (j = own; j < last; j += words_block) {
        vf weights[4];
        EK_UNROLL for (size_t i = 0; i < 4; i++) {
            const size_t at = j + 16 * i;
            vf x;
            if (at + 16 <= last) x = vf_load(scores + at);
            else x = vf_load_some(scores + at, at < last ? last - at : 0, -__builtin_inff());
            const vf e = exponential_below(vf_sub(x, most));
            sum = vf_add(sum, e);
            weights[i] = vf_mul(e, vf_load(a->value_scales + at));
        }
        const float largest = vf_reduce_max(vf_max(vf_max(weights[0], weights[1]), vf_max(weights[2], weights[3])));
        const vf factor = vf_set1(largest > 0 ? words_weights / largest : 0);
        vi whole[4];
        EK_UNROLL for (int i = 0; i < 4; i++) whole[i] = vi_near(vf_mul(weights[i], factor));
        vi_store(scores + j, vi_words(whole[0], whole[1]));
        vi_store(scores + j + 16, vi_words(whole[2], whole[3]));
        scores[j + words_block / 2] = largest / words_weights;
    }
    const float factor = 1 / vf_reduce_add(sum);
    for (j = own; j < last; j += words_block) scores[j + words_block / 2] *= factor;
}

/// Adds what a block of positions has for 16 * groups numbers of the results of a few queries.
EK_INLINE void words_value_tile(const ek_word_attention *a, const int rows, const int groups, size_t row, size_t d, size_t j,
                                size_t pairs) {
    const size_t size = a->head_size;
    const int16_t *values = a->values + j * size + 2 * d;
    const float *weights = a->scores + row * a->score_stride + j;
    vi sums[attention_tile][words_groups];
    EK_UNROLL for (int r = 0; r < rows; r++) {
        EK_UNROLL for (int g = 0; g < groups; g++) sums[r][g] = vi_set1(0);
    }
    for (size_t i = 0; i < pairs; i++) {
        vi value[words_groups];
        EK_UNROLL for (int g = 0; g < groups; g++) value[g] = vi_load(values + 2 * i * size + 32 * (size_t)g);
        EK_UNROLL for (int r = 0; r < rows; r++) {
            const vw weight = vw_load((const int8_t *)(weights + (size_t)r * a->score_stride + i));
            EK_UNROLL for (int g = 0; g < groups; g++) sums[r][g] = vi_dot2(sums[r][g], value[g], weight);
        }
    }
    float *out = a->out + row * a->out_stride + d;
    EK_UNROLL for (int r = 0; r < rows; r++) {
        const vf factor = vf_set1(weights[(size_t)r * a->score_stride + words_block / 2]);
        EK_UNROLL for (int g = 0; g < groups; g++) {
            float *own = out + (size_t)r * a->out_stride + 16 * g;
            vf_store(own, vf_fma(vf_from_vi(sums[r][g]), factor, vf_load(own)));
        }
    }
}

/// The same for all numbers of their results.
EK_INLINE void words_value_rows(const ek_word_attention *a, const int rows, size_t row, size_t j) {
    if (words_unseen(a, row, rows, j, j + words_block)) return;
    size_t last = 0;
    for (size_t r = row; r < row + (size_t)rows; r++)
        if ((size_t)a->last[r] > last) last = (size_t)a->last[r];
    const size_t seen = last - j;
    // Positions 16 apart share lanes.
    const size_t pairs = seen <= 16 ? seen : seen <= 32 ? 16 : seen <= 48 ? seen - 16 : 32;
    size_t d = 0;
    for (; rows == 1 && d + 64 <= a->head_size; d += 64) words_value_tile(a, rows, rows == 1 ? 4 : 1, row, d, j, pairs);
    for (; d + 16 * dense_blocks <= a->head_size; d += 16 * dense_blocks) words_value_tile(a, rows, dense_blocks, row, d, j, pairs);
    for (; d < a->head_size; d += 16) words_value_tile(a, rows, 1, row, d, j, pairs);
}

static void attend_words(const ek_word_attention *a) {
    size_t start = SIZE_MAX, end = 0;
    for (size_t r = 0; r < a->rows; r++) {
        if ((size_t)a->first[r] < start) start = (size_t)a->first[r];
        if ((size_t)a->last[r] > end) end = (size_t)a->last[r];
    }
    start = start / words_block * words_block;
    int16_t queries[ek_word_rows * ek_word_size];
    float factors[ek_word_rows];
    for (size_t r = 0; r < a->rows; r++) {
        const float *query = a->queries + r * a->query_stride;
        const float most = largest_magnitude(query, a->head_size), limit = words_queries(a->head_size);
        words_of_row(query, a->head_size, most > 0 ? limit / most : 0, queries + r * ek_word_size);
        factors[r] = most / limit * a->scale;
    }
    for (size_t j = start; j < end; j += words_block) {
        const size_t to = ek_min_size(j + words_block, end);
#define EK_TILE(rows, row) words_score_rows(a, rows, row, queries, factors, j, to)
        EK_QUERY_TILES(EK_TILE);
#undef EK_TILE
    }
    for (size_t r = 0; r < a->rows; r++) {
        words_weigh(a, r, start, end);
        memset(a->out + r * a->out_stride, 0, a->head_size * sizeof(float));
    }
    for (size_t j = start; j < end; j += words_block) {
#define EK_TILE(rows, row) words_value_rows(a, rows, row, j)
        EK_QUERY_TILES(EK_TILE);
#undef EK_TILE
    }
}

/// Keys and values of one head, for positions a->position and on.
static void keep_words(const ek_word_kept *a) {
    const size_t size = a->head_size, key_size = words_size(size);
    for (size_t i = 0; i < a->count;) {
        const size_t at = a->position + i, lane = at % 16;
        int16_t *to = a->turned + at / 16 * 16 * key_size;
        if (lane == 0 && a->count - i >= 16) {
            float turned[16 * ek_word_size];
            const float *rows[16];
            for (size_t r = 0; r < 16; r++) rows[r] = a->keys + (i + r) * a->stride;
            ek_turn_rows(rows, size, turned);
            vf most = vf_set1(0);
            for (size_t d = 0; d < size; d++) most = vf_max(vf_abs(vf_load(turned + 16 * d)), most);
            const vf factor = vf_if_greater(most, vf_set1(0), vf_div(vf_set1(words_keys), most), vf_set1(0));
            vf_store(a->key_scales + at, vf_div(most, vf_set1(words_keys)));
            for (size_t d = 0; d < size; d += 32)
                for (size_t n = 0; n < 16; n++) {
                    const vi low = vi_near(vf_mul(vf_load(turned + 16 * (d + n)), factor));
                    const vi high = d + 16 < size ? vi_near(vf_mul(vf_load(turned + 16 * (d + 16 + n)), factor)) : vi_set1(0);
                    vi_store(to + 16 * d + 32 * n, vi_words(low, high));
                }
            i += 16;
            continue;
        }
        int16_t near[ek_word_size];
        const float *row = a->keys + i * a->stride, most = largest_magnitude(row, size);
        words_of_row(row, size, most > 0 ? words_keys / most : 0, near);
        a->key_scales[at] = most / words_keys;
        for (size_t d = 0; d < key_size; d += 2) memcpy(to + 16 * d + 2 * lane, near + d, 4);
        i++;
    }
    for (size_t i = 0; i < a->count; i++) {
        const size_t at = a->position + i;
        int16_t *to = a->rows + (at / 32 * 32 + at % 16 * 2) * size;
        const float *row = a->values + i * a->stride, most = largest_magnitude(row, size);
        a->value_scales[at] = most / words_values;
        const vf factor = vf_set1(most > 0 ? words_values / most : 0);
        for (size_t d = 0; d < size; d += 16) {
            const vi own = vi_near(vf_mul(vf_load(row + d), factor));
            // The lower words come first; the upper ones of positions to come are what they are, and counted for nothing.
            vi_store(to + 2 * d, at / 16 % 2 ? vi_words(vi_load(to + 2 * d), own) : own);
        }
    }
}
