// Products of narrow rows in which many numbers are 0, as behind a ReLU. Included for an instruction set with VNNI.
//
// Weights lie input by input, 256 outputs side by side, so that those of an input that is 0 are not read. Four inputs at a
// time, whichever they are, are put side by side in twos, each lane with two outputs, and since sums of whole numbers are
// exact, results are those of `multiply_int8`, to the last bit. Of 64 bytes, number 16 l + 8 (j / 2) + 2 i + j % 2 is of
// output 16 j + 4 l + i: what putting side by side leaves in order.
#pragma once

/// Makes the weights of 256 outputs, in panels, lie input by input. `k` is a multiple of 4.
static void turn_panels(const void *panels, size_t k, void *turned) {
    // The bytes of four outputs, input by input.
    const __m512i by_input = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    for (size_t part = 0; part < 4; part++) {
        const char *from = (const char *)panels + part * 4 * 16 * k;
        char *to = (char *)turned + part * 64;
        for (size_t i = 0; i < k; i += 4, from += 64, to += 4 * 256) {
            __m512i own[4];
            EK_UNROLL for (size_t j = 0; j < 4; j++)
                own[j] = _mm512_shuffle_epi8(_mm512_loadu_si512(from + j * 16 * k), by_input);
            const __m512i a = _mm512_unpacklo_epi8(own[0], own[1]), b = _mm512_unpacklo_epi8(own[2], own[3]);
            const __m512i c = _mm512_unpackhi_epi8(own[0], own[1]), d = _mm512_unpackhi_epi8(own[2], own[3]);
            _mm512_storeu_si512(to, _mm512_unpacklo_epi64(a, b));
            _mm512_storeu_si512(to + 256, _mm512_unpackhi_epi64(a, b));
            _mm512_storeu_si512(to + 512, _mm512_unpacklo_epi64(c, d));
            _mm512_storeu_si512(to + 768, _mm512_unpackhi_epi64(c, d));
        }
    }
}

/// Of single rows, what is not read counts (1536 inputs, 256 outputs: 0.35 µs and 3.7 times the share of numbers that are not 0,
/// beside 4.2). Of many, whether the processor makes one byte product of 512 bits a cycle (Zen 4: the same beside 1.8 in a
/// tile of eight rows) or two, as unknown ones are taken to (0.6 and 3.5 times the share, beside 1.1).
static int32_t is_sparse(const ek_quantized_rows *x, size_t m, size_t k) {
    size_t count = 0;
    for (size_t r = 0; r < m; r++)
        for (size_t i = 0; i < k; i += 64) {
            const __mmask64 inside = k - i >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << (k - i)) - 1;
            const __m512i own = _mm512_maskz_loadu_epi8(inside, x->values + r * x->value_stride + i);
            count += (size_t)__builtin_popcountll(_mm512_test_epi8_mask(own, own));
        }
    return m <= 2 ? 5 * count <= 3 * m * k : (__builtin_cpu_is("znver4") ? 3 : 7) * count <= m * k;
}

enum {
    sparse_part = 256,        // inputs that several rows go through one after the other, 64 KiB of weights
    sparse_long_part = 2048,  // that one row does
    sparse_rows = 32,
};

/// Numbers of a row that are not 0, and where their weights begin; zeros fill them up to a multiple of four.
typedef struct sparse_list {
    size_t count;
    int32_t places[sparse_long_part + 16];
    int8_t values[sparse_long_part + 16];
} sparse_list;

EK_INLINE void list_numbers(const int8_t *x, size_t k, sparse_list *list) {
    // A place is a multiple of 256, so that a number fits below it.
    const __m512i step = _mm512_set1_epi32(16 * 256);
    __m512i place = _mm512_slli_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), 8);
    size_t count = 0;
    for (size_t i = 0; i < k; i += 16, place = _mm512_add_epi32(place, step)) {
        const __m128i own = _mm_maskz_loadu_epi8(ek_first_lanes(k - i), x + i);
        const __mmask16 some = _mm_test_epi8_mask(own, own);
        const __m512i both = _mm512_or_si512(_mm512_cvtepu8_epi32(own), place);
        _mm512_storeu_si512(list->places + count, _mm512_maskz_compress_epi32(some, both));
        count += (size_t)__builtin_popcount(some);
    }
    _mm512_storeu_si512(list->places + count, _mm512_setzero_si512());
    for (size_t i = 0; i < count; i += 16) {
        const __m512i both = _mm512_loadu_si512(list->places + i);
        _mm_storeu_si128((__m128i *)(list->values + i), _mm512_cvtepi32_epi8(both));
        _mm512_storeu_si512(list->places + i, _mm512_andnot_si512(_mm512_set1_epi32(255), both));
    }
    list->count = count;
}

/// Adds the products of a list with the weights of 256 outputs to `sums`.
EK_INLINE void add_listed(const sparse_list *list, const uint8_t *w, int32_t *sums) {
    vi sum[16];
    EK_UNROLL for (int i = 0; i < 16; i++) sum[i] = vi_load(sums + 16 * i);
    for (size_t i = 0; i < list->count; i += 4) {
        const uint8_t *own[4];
        EK_UNROLL for (int j = 0; j < 4; j++) own[j] = w + list->places[i + (size_t)j];
        const vx four = vx_load(list->values + i), low = vi_set1(0x0000FFFF);
        // Two numbers for the first output of a lane, and for its second.
        const vx first[2] = {vi_and(four, low), _mm512_srli_epi32(four, 16)};
        const vx second[2] = {_mm512_slli_epi32(four, 16), _mm512_andnot_si512(low, four)};
        EK_UNROLL for (int part = 0; part < 4; part++) {
            vi *to = sum + 4 * part;
            EK_UNROLL for (int j = 0; j < 2; j++) {
                const vi a = vi_load(own[2 * j] + 64 * part), b = vi_load(own[2 * j + 1] + 64 * part);
                const vi start = _mm512_unpacklo_epi8(a, b), end = _mm512_unpackhi_epi8(a, b);
                to[0] = vi_dot4(to[0], start, first[j]);
                to[1] = vi_dot4(to[1], start, second[j]);
                to[2] = vi_dot4(to[2], end, first[j]);
                to[3] = vi_dot4(to[3], end, second[j]);
            }
        }
    }
    EK_UNROLL for (int i = 0; i < 16; i++) vi_store(sums + 16 * i, sum[i]);
}

/// At most `sparse_rows` rows and 256 outputs, whose weights are at `w`.
static EK_APART void sparse_tile(const ek_quantized_rows *x, size_t m, const uint8_t *w, const float *weight_scales, size_t k,
                                 float *y, size_t y_stride, size_t at, const ek_epilogue *epilogue) {
    int32_t sums[sparse_rows][256];
    sparse_list list;
    for (size_t r = 0; r < m; r++)
        for (size_t i = 0; i < 256; i += 16) vi_store(sums[r] + i, vi_set1(without_offset(128, x->sums[r])));
    const size_t part = m == 1 ? sparse_long_part : sparse_part;
    for (size_t first = 0; first < k; first += part) {
        const size_t own = ek_min_size(part, k - first), rest = ek_min_size(part, k - first - own);
        // What comes next may have left all caches, and what is read of it is in no order: each row asks for its share.
        const size_t share = m == 1 ? 0 : (256 * rest + m - 1) / m;
        for (size_t r = 0; r < m; r++) {
            const uint8_t *next = w + 256 * (first + own);
            for (size_t i = r * share; i < ek_min_size((r + 1) * share, 256 * rest); i += 64) ek_prefetch_far(next + i);
            list_numbers(x->values + r * x->value_stride + first, own, &list);
            add_listed(&list, w + 256 * first, sums[r]);
        }
    }
    for (size_t r = 0; r < m; r++)
        for (size_t i = 0; i < 256; i += 16) {
            const vf scale = vf_mul(vf_load(weight_scales + at + i), vf_set1(x->scales[r]));
            finish(vf_mul(vf_from_vi(vi_load(sums[r] + i)), scale), y + r * y_stride, at + i, 16, epilogue);
        }
}

static void multiply_sparse(const ek_quantized_rows *x, size_t m, const void *turned, const float *weight_scales, size_t k,
                            float *y, size_t y_stride, size_t n, const ek_epilogue *epilogue) {
    for (size_t row = 0; row < m; row += sparse_rows) {
        const ek_quantized_rows rows = rows_from(x, row);
        for (size_t at = 0; at < n; at += 256)
            sparse_tile(&rows, ek_min_size(sparse_rows, m - row), (const uint8_t *)turned + at * k, weight_scales, k,
                        y + row * y_stride, y_stride, at, epilogue);
    }
}
