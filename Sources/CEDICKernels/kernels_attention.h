// Scaled dot-product attention of a few query rows over one head's keys and values. Included once an instruction set.
//
// Keys and values lie row by row, anywhere: a list says which rows a sequence consists of, so hypotheses that share a
// past share its rows. Sixteen keys are turned so that a lane is a key, and values are copied side by side, once for all
// query rows of a call. A score is one chain of multiply-adds from a head's first number to its last, and a result one
// from the first position to the last, so neither depends on the other queries nor on rows a query does not see: their
// weights are exact zeros, and what is multiplied by them is finite unless the model's own numbers are not. So the
// hypotheses of a beam, whose pasts are for the most part the same rows, read the rows that any of them sees once, in the
// order of positions.
//
// Turned keys and their values may be halves. One query reads them as they are; for several, each block becomes floats once.
#pragma once

enum {
    attention_tile = lanes_mr_float,
    attention_depth = 64,      // numbers of a head turned or copied at a time
    attention_groups = 4,      // times 16 keys turned at a time
    attention_blocks = 4,      // times 16 numbers of a value that one query takes at a time
    attention_positions = 32,  // positions whose values are copied at a time
};

/// Sixteen of the keys or values, which are halves or floats.
EK_INLINE vf load_kept(const int halves, const void *kept, size_t at) {
    return halves ? vf_load_f16((const uint16_t *)kept + at) : vf_load((const float *)kept + at);
}
EK_INLINE const void *kept_at(const ek_attention *a, const void *kept, size_t at) {
    return (const char *)kept + (a->halves ? 2 : 4) * at;
}

EK_INLINE size_t attention_row(const ek_attention *a, size_t j) { return a->list ? (size_t)a->list[j] : j; }

/// Whether none of the `rows` queries from `row` on sees a position in start ..< end.
EK_INLINE int sees_none(const ek_attention *a, size_t row, int rows, size_t start, size_t end) {
    if (a->own) return 0;
    for (size_t r = row; r < row + (size_t)rows; r++)
        if ((size_t)a->first[r] < end && (size_t)a->last[r] > start) return 0;
    return 1;
}

/// Calls `tile(rows, row)` for all query rows, each with one of a few numbers of rows that the compiler knows.
#define EK_QUERY_TILES(tile)                                                                            \
    do {                                                                                                \
        size_t row = 0;                                                                                 \
        for (; row + attention_tile <= a->rows; row += attention_tile) tile(attention_tile, row);       \
        if (attention_tile > 4 && row + 4 <= a->rows) { tile((attention_tile > 4 ? 4 : 1), row); row += 4; } \
        if (attention_tile > 2 && row + 2 <= a->rows) { tile((attention_tile > 2 ? 2 : 1), row); row += 2; } \
        for (; row < a->rows; row++) tile(1, row);                                                      \
    } while (0)

/// Copies `n` floats of each of `rows` rows to where the rows lie `attention_depth` apart, so that a loop over all rows
/// finds them at places the compiler knows.
EK_INLINE void copy_near(const float *from, size_t stride, const int rows, size_t n, float *near) {
    EK_UNROLL for (int r = 0; r < rows; r++) {
        const float *own = from + (size_t)r * stride;
        size_t i = 0;
        for (; i + 16 <= n; i += 16) vf_store(near + r * attention_depth + i, vf_load(own + i));
        for (; i < n; i++) near[(size_t)r * attention_depth + i] = own[i];
    }
}

/// Adds the products of `depth` numbers of the queries and of 16 * groups keys to the keys' scores. Groups of 16 turned keys
/// lie `key_group` apart, and what is read next `ahead` behind them where the tile `asks` for it; rows of scores have room for
/// whole lanes.
EK_INLINE void score_tile(const ek_attention *a, const int rows, const int groups, const int asks, const int halves, size_t row,
                          const float *near, const void *keys, size_t key_group, size_t d, size_t depth, size_t j) {
    float *scores = a->scores + row * a->score_stride + j;
    vf sums[attention_tile][attention_groups];
    EK_UNROLL for (int r = 0; r < rows; r++) {
        EK_UNROLL for (int g = 0; g < groups; g++)
            sums[r][g] = d == 0 ? vf_set1(0) : vf_load(scores + (size_t)r * a->score_stride + 16 * g);
    }
    for (size_t i = 0; i < depth; i++) {
        vf key[attention_groups];
        EK_UNROLL for (int g = 0; g < groups; g++) {
            const size_t at = key_group * (size_t)g + 16 * i;
            key[g] = load_kept(halves, keys, at);
            if (asks) ek_prefetch_far(kept_at(a, keys, at + a->ahead));
        }
        EK_UNROLL for (int r = 0; r < rows; r++) {
            const vf number = vf_set1(near[r * attention_depth + (int)i]);
            EK_UNROLL for (int g = 0; g < groups; g++) sums[r][g] = vf_fma(number, key[g], sums[r][g]);
        }
    }
    const vf factor = vf_set1(d + depth == a->head_size ? a->scale : 1);
    EK_UNROLL for (int r = 0; r < rows; r++) {
        EK_UNROLL for (int g = 0; g < groups; g++)
            vf_store(scores + (size_t)r * a->score_stride + 16 * g, vf_mul(sums[r][g], factor));
    }
}

/// The same for all of `count` keys, at most 16 * attention_groups. One query takes several groups at once, since the sums
/// of one wait for each other.
EK_INLINE void score_groups(const ek_attention *a, const int rows, const int asks, const int halves, size_t row,
                            const void *keys, size_t key_group, size_t d, size_t depth, size_t j, size_t count) {
    if (sees_none(a, row, rows, j, j + count)) return;
    float near[attention_tile * attention_depth];
    const float *query = a->queries + row * a->query_stride + d;
    if (rows > 1) copy_near(query, a->query_stride, rows, depth, near);
    const float *numbers = rows > 1 ? near : query;
    size_t g = 0;
#define EK_SCORE(groups)                                                                                              \
    score_tile(a, rows, groups, asks, halves, row, numbers, (const char *)keys + (halves ? 2 : 4) * key_group * g, key_group, d, \
               depth, j + 16 * g)
    if (rows == 1) {
        for (; count > 16 * (g + 3); g += 4) EK_SCORE(rows == 1 ? 4 : 1);
        for (; count > 16 * (g + 1); g += 2) EK_SCORE(rows == 1 ? 2 : 1);
    }
    for (; count > 16 * g; g++) {
        if (sees_none(a, row, rows, j + 16 * g, j + 16 * (g + 1))) continue;
        EK_SCORE(1);
    }
#undef EK_SCORE
}

/// Scores of all queries with the keys j ... j + count - 1.
EK_INLINE void score_keys(const ek_attention *a, size_t j, size_t count) {
    float turned[attention_groups * 16 * attention_depth];
    for (size_t d = 0; d < a->head_size; d += attention_depth) {
        const size_t depth = ek_min_size(attention_depth, a->head_size - d);
        const void *keys = turned;
        size_t key_group = 16 * attention_depth;
        if (a->key_stride == 0) {
            const size_t own_group = 16 * a->head_size;
            const void *own = kept_at(a, a->keys, j * a->head_size + 16 * d);
            if (a->rows == 1) {
#define EK_ONE(asks, halves) score_groups(a, 1, asks, halves, 0, own, own_group, d, depth, j, count)
                if (a->halves && a->ahead > 0) EK_ONE(1, 1);
                else if (a->halves) EK_ONE(0, 1);
                else if (a->ahead > 0) EK_ONE(1, 0);
                else EK_ONE(0, 0);
#undef EK_ONE
                continue;
            }
            if (!a->halves) keys = own, key_group = own_group;
            for (size_t g = 0; a->halves && g < count; g += 16) {
                const uint16_t *from = (const uint16_t *)own + own_group * (g / 16);
                for (size_t i = 0; i < depth; i++) {
                    vf_store(turned + key_group * (g / 16) + 16 * i, vf_load_f16(from + 16 * i));
                    if (a->ahead > 0) ek_prefetch_far(from + 16 * i + a->ahead);
                }
            }
        } else {
            for (size_t g = 0; g < count; g += 16) {
                const float *rows[16];
                for (size_t i = 0; i < 16; i++)
                    rows[i] = (const float *)a->keys + attention_row(a, j + (g + i < count ? g + i : 0)) * a->key_stride + d;
                for (size_t i = 0; a->ahead > 0 && i < 16; i++)
                    for (size_t at = 0; at < depth; at += 16) ek_prefetch_far(rows[i] + a->ahead + at);
                ek_turn_rows(rows, depth, turned + attention_depth * g);
            }
        }
        const int asks = a->key_stride == 0 && a->ahead > 0 && !a->halves;
#define EK_TILE(rows, row) score_groups(a, rows, asks && row == 0, 0, row, keys, key_group, d, depth, j, count)
        EK_QUERY_TILES(EK_TILE);
#undef EK_TILE
    }
}

/// Adds `count` values, weighed by the scores of `rows` queries, which lie `score_stride` apart, to numbers d ... of their
/// results: 16 * blocks, or as many as a value has left. What `values` holds behind those is loaded and left alone where
/// blocks is 1.
EK_INLINE void weigh_tile(const ek_attention *a, const int rows, const int blocks, const int asks, const int halves, size_t row,
                          const float *scores, const void *values, size_t value_stride, const int32_t *list, size_t d, size_t count) {
    float *out = a->out + row * a->out_stride + d;
    const size_t width = a->value_size - d;
    vf sums[attention_tile][attention_blocks];
    EK_UNROLL for (int r = 0; r < rows; r++) {
        EK_UNROLL for (int b = 0; b < blocks; b++)
            sums[r][b] = vf_load_some(out + (size_t)r * a->out_stride + 16 * b, width - 16 * (size_t)b, 0);
    }
    for (size_t i = 0; i < count; i++) {
        const size_t own = (list ? (size_t)list[i] : i) * value_stride;
        vf value[attention_blocks];
        EK_UNROLL for (int b = 0; b < blocks; b++) {
            value[b] = load_kept(halves, values, own + 16 * (size_t)b);
            if (asks) ek_prefetch_far(kept_at(a, values, own + 16 * (size_t)b + a->ahead));
        }
        EK_UNROLL for (int r = 0; r < rows; r++) {
            const vf weight = vf_set1(scores[r * attention_depth + (int)i]);
            EK_UNROLL for (int b = 0; b < blocks; b++) sums[r][b] = vf_fma(weight, value[b], sums[r][b]);
        }
    }
    EK_UNROLL for (int r = 0; r < rows; r++) {
        EK_UNROLL for (int b = 0; b < blocks; b++)
            vf_store_some(out + (size_t)r * a->out_stride + 16 * b, width - 16 * (size_t)b, sums[r][b]);
    }
}

/// The same for all numbers of some values, which lie `attention_depth` apart.
EK_INLINE void weigh_rows(const ek_attention *a, const int rows, size_t row, const float *values, size_t d, size_t depth,
                          size_t j, size_t count) {
    if (sees_none(a, row, rows, j, j + count)) return;
    float near[attention_tile * attention_depth];
    copy_near(a->scores + row * a->score_stride + j, a->score_stride, rows, count, near);
    for (size_t at = 0; at < depth; at += 16) weigh_tile(a, rows, 1, 0, 0, row, near, values + at, attention_depth, 0, d + at, count);
}

/// Adds the values at j ... j + count - 1, weighed, to all queries' results; count <= attention_positions.
EK_INLINE void weigh_values(const ek_attention *a, size_t j, size_t count) {
    float near[attention_positions * attention_depth];
    for (size_t d = 0; d < a->value_size; d += attention_depth) {
        const size_t depth = ek_min_size(attention_depth, a->value_size - d);
        for (size_t i = 0; i < count; i++) {
            const void *own = kept_at(a, a->values, attention_row(a, j + i) * a->value_stride + d);
            if (!a->halves) copy_near(own, 0, 1, depth, near + i * attention_depth);
            for (size_t at = 0; a->halves && at < depth; at += 16)
                vf_store(near + i * attention_depth + at, vf_load_f16((const uint16_t *)own + at));
        }
#define EK_TILE(rows, row) weigh_rows(a, rows, row, near, d, depth, j, count)
        EK_QUERY_TILES(EK_TILE);
#undef EK_TILE
    }
}

/// The same for one query and all positions, without copying whole blocks.
EK_INLINE void weigh_for_one(const ek_attention *a, const int asks, const int halves, size_t start, size_t end) {
    const void *values = a->list ? a->values : kept_at(a, a->values, start * a->value_stride);
    const int32_t *list = a->list ? a->list + start : 0;
    size_t d = 0;
#define EK_WEIGH(blocks)                                                                                                 \
    weigh_tile(a, 1, blocks, asks, halves, 0, a->scores + start, kept_at(a, values, d), a->value_stride, list, d, end - start)
    for (; d + 16 * attention_blocks <= a->value_size; d += 16 * attention_blocks) EK_WEIGH(attention_blocks);
    for (; d + 16 <= a->value_size; d += 16) EK_WEIGH(1);
#undef EK_WEIGH
}

/// The same for a few queries, from where the values lie: with enough registers for four queries' sums of 64 numbers, nothing
/// is copied.
EK_INLINE void weigh_in_place(const ek_attention *a, const int halves, size_t start, size_t end) {
    float near[4 * attention_depth];
    for (size_t j = start; j < end; j += attention_depth) {
        const size_t count = ek_min_size(attention_depth, end - j);
        const int32_t *list = a->list ? a->list + j : 0;
        const void *values = a->list ? a->values : kept_at(a, a->values, j * a->value_stride);
#define EK_TILE(rows, row)                                                                                                \
    copy_near(a->scores + (row) * a->score_stride + j, a->score_stride, rows, count, near);                                \
    for (size_t d = 0; d < a->value_size; d += 16 * attention_blocks)                                                     \
        weigh_tile(a, rows, attention_blocks, a->ahead > 0 && (row) == 0, halves, row, near, kept_at(a, values, d), a->value_stride, list, d, count)
        size_t row = 0;
        for (; row + 4 <= a->rows; row += 4) { EK_TILE(4, row); }
        if (row + 2 <= a->rows) { EK_TILE(2, row); row += 2; }
        if (row < a->rows) { EK_TILE(1, row); }
#undef EK_TILE
    }
}

/// The softmax of n numbers that have room for 16 more behind them, which become zeros up to a whole number of lanes.
EK_INLINE void softmax_whole(float *x, size_t n) {
    vf_store(x + n, vf_set1(-__builtin_inff()));
    softmax(x, (n + 15) / 16 * 16);
}

/// The softmax of the scores at a query's own places; the others become zeros.
EK_INLINE void softmax_own(const ek_attention *a, size_t row) {
    const int32_t *own = a->own + row * a->own_stride;
    const size_t n = (size_t)a->last[row];
    float *scores = a->scores + row * a->score_stride, *side = a->scores + a->rows * a->score_stride;
    for (size_t p = 0; p < n; p++) side[p] = scores[own[p]];
    if (n > 0) softmax_whole(side, n);
    memset(scores, 0, (a->listed + 15) / 16 * 16 * sizeof(float));
    for (size_t p = 0; p < n; p++) scores[own[p]] = side[p];
}

static void attend(const ek_attention *a) {
    size_t start = SIZE_MAX, end = 0;
    for (size_t r = 0; r < a->rows; r++) {
        if ((size_t)a->first[r] < start) start = (size_t)a->first[r];
        if ((size_t)a->last[r] > end) end = (size_t)a->last[r];
    }
    if (a->key_stride == 0 && start < end) start = start / 16 * 16;  // turned keys come sixteen at a time
    if (a->own) start = 0, end = a->listed;
    for (size_t j = start; j < end; j += 16 * attention_groups)
        score_keys(a, j, ek_min_size(16 * attention_groups, end - j));
    for (size_t r = 0; r < a->rows; r++) {
        float *own = a->scores + r * a->score_stride;
        const size_t first = (size_t)a->first[r], last = (size_t)a->last[r];
        if (a->own) {
            softmax_own(a, r);
        } else {
            for (size_t j = start; j < first && j < end; j++) own[j] = 0;
            if (last > first) softmax_whole(own + first, last - first);
            for (size_t j = last; j < end; j++) own[j] = 0;
        }
        memset(a->out + r * a->out_stride, 0, a->value_size * sizeof(float));
    }
    if (a->rows == 1 && !a->own && a->value_size % 16 == 0 && end > start) {
        if (a->halves) return a->ahead > 0 ? weigh_for_one(a, 1, 1, start, end) : weigh_for_one(a, 0, 1, start, end);
        return a->ahead > 0 ? weigh_for_one(a, 1, 0, start, end) : weigh_for_one(a, 0, 0, start, end);
    }
    if (lanes_in_place && a->rows <= 8 && a->value_size % (16 * attention_blocks) == 0)
        return a->halves ? weigh_in_place(a, 1, start, end) : weigh_in_place(a, 0, start, end);
    for (size_t j = start; j < end; j += attention_positions)
        weigh_values(a, j, ek_min_size(attention_positions, end - j));
}

/// Keys and values of one head, for positions a->position and on: keys into their lanes, values row by row.
static void keep(const ek_kept *a) {
    const size_t group = 16 * a->head_size;
    for (size_t i = 0; i < a->count;) {
        const size_t at = a->position + i, lane = at % 16;
        if (lane == 0 && a->count - i >= 16) {
            const float *rows[16];
            for (size_t r = 0; r < 16; r++) rows[r] = a->keys + (i + r) * a->stride;
            if (a->halves) {
                float turned[16 * attention_depth];
                for (size_t d = 0; d < a->head_size; d += attention_depth) {
                    const size_t depth = ek_min_size(attention_depth, a->head_size - d);
                    ek_turn_rows(rows, depth, turned);
                    uint16_t *to = (uint16_t *)a->turned + at / 16 * group + 16 * d;
                    for (size_t n = 0; n < depth; n++) vf_store_f16(to + 16 * n, vf_load(turned + 16 * n));
                    for (size_t r = 0; r < 16; r++) rows[r] += depth;
                }
            } else {
                ek_turn_rows(rows, a->head_size, (float *)a->turned + at / 16 * group);
            }
            i += 16;
            continue;
        }
        const float *row = a->keys + i * a->stride;
        if (a->halves) {
            uint16_t *to = (uint16_t *)a->turned + at / 16 * group + lane, near[16];
            for (size_t d = 0; d < a->head_size; d += 16) {
                vf_store_f16(near, vf_load(row + d));
                for (size_t n = 0; n < 16; n++) to[16 * (d + n)] = near[n];
            }
        } else {
            float *to = (float *)a->turned + at / 16 * group + lane;
            for (size_t d = 0; d < a->head_size; d++) to[16 * d] = row[d];
        }
        i++;
    }
    for (size_t i = 0; i < a->count; i++) {
        const float *row = a->values + i * a->stride;
        const size_t to = (a->position + i) * a->head_size;
        if (a->halves) {
            for (size_t d = 0; d < a->head_size; d += 16) vf_store_f16((uint16_t *)a->rows + to + d, vf_load(row + d));
        } else {
            memcpy((float *)a->rows + to, row, a->head_size * sizeof(float));
        }
    }
}
