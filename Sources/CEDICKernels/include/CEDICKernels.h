// What EDICNumerics calls: loops over memory the caller owns. Nothing here allocates, and nothing keeps a pointer.
//
// Matrices of weights are stored in panels of 16 outputs ("columns" below): whatever the number format, the 16 values
// that one step along the inputs multiplies lie side by side. One vector lane is one output, so an output is summed in
// the order of its inputs whatever the instruction set's width, the number of rows in a call or their neighbours.
#pragma once

#include <stddef.h>
#include <stdint.h>

// ---- The machine ----

/// Processors in this thread's affinity mask, or 0 where the system does not say.
int32_t ek_allowed_processors(void);

/// Tells the processor that this thread is in a waiting loop.
static inline void ek_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/// Asks for memory that is read soon.
static inline void ek_ask_for(const void *_Nonnull memory, size_t bytes) {
    for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch((const char *)memory + at);
}

typedef enum __attribute__((enum_extensibility(closed))) ek_isa : int32_t {
    ek_isa_generic = 0,
    ek_isa_avx2 = 1,
    ek_isa_avx512 = 2,
    ek_isa_avx512vnni = 3,
    ek_isa_neon = 4,
} ek_isa;

/// Whether this build has the kernels and this processor runs them.
int32_t ek_isa_available(ek_isa isa);

// ---- Weights ----

/// Outputs in a panel.
enum { ek_panel_width = 16 };

typedef enum __attribute__((enum_extensibility(closed))) ek_format : int32_t {
    ek_format_f32 = 0,
    ek_format_f16 = 1,
    ek_format_bf16 = 2,
    ek_format_int8 = 3,  // one scale an output
    ek_format_q8_0 = 4,  // from here on: blocks as in GGUF files
    ek_format_q4_0 = 5,
    ek_format_q4_1 = 6,
    ek_format_q5_0 = 7,
    ek_format_q5_1 = 8,
    ek_format_q4_k = 9,
    ek_format_q5_k = 10,
    ek_format_q6_k = 11,
} ek_format;

/// Inputs in the smallest unit of the format, which the number of inputs must be a multiple of.
size_t ek_block_length(ek_format format);
/// Bytes of that unit in a file. 0 for int8, which is not a file format.
size_t ek_block_bytes(ek_format format);
/// Bytes of a packed panel of 16 outputs with `k` inputs; a multiple of 32.
size_t ek_panel_bytes(ek_format format, size_t k);

/// Inputs, in blocks of 32, that a packed panel has room for; at least what `k` needs.
size_t ek_padded_blocks(ek_format format, size_t k);

/// Writes the values of `k` inputs of one output, stored as in a file, as floats.
void ek_dequantize(ek_format format, const void *_Nonnull source, size_t k, float *_Nonnull out);
/// Packs `columns` (1...16) consecutive outputs stored as in a file; absent columns become zero weights.
void ek_pack_panel(ek_format format, const void *_Nonnull source, size_t columns, size_t k, void *_Nonnull panel);
/// Packs the inputs from `first` to `last` of all `n` outputs into panels that lie one after the other; in `source`, whose
/// format has one number to a block, `n` outputs stand side by side for each of `k` inputs.
void ek_pack_turned(ek_format format, const void *_Nonnull source, size_t n, size_t k, size_t first, size_t last, void *_Nonnull panels);
/// Packs signed bytes, output after output; absent columns become zero weights.
void ek_pack_panel_int8(const int8_t *_Nonnull source, size_t columns, size_t k, void *_Nonnull panel);
/// Writes output `column` of a packed panel as floats. For int8 the values are not yet scaled.
void ek_unpack_column(ek_format format, const void *_Nonnull panel, size_t column, size_t k, float *_Nonnull out);
/// Copies one output of a packed panel into a column of another panel, which was all zero bytes there.
void ek_copy_column(ek_format format, const void *_Nonnull from, size_t from_column, size_t k, void *_Nonnull to, size_t to_column);

// ---- Inputs of a product ----

/// Rows of activations, quantised to at most -127...127 (`narrow_limit`), or wide: 16 bits, -32639...32639, each four inputs as words
/// 0, 2, 1, 3 or, where the kernels split them (`splits_wide`), as their four low bytes and their four high ones, both signed.
typedef struct ek_quantized_rows {
    const int8_t *_Nonnull values;  // row r at r * value_stride bytes
    size_t value_stride;
    const float *_Nonnull scales;  // int8: one a row; blocks: one for 32 inputs, row r at r * scale_stride
    size_t scale_stride;
    const int32_t *_Nonnull sums;  // int8: one a row; blocks: one for 16 inputs, row r at r * sum_stride
    size_t sum_stride;
    int32_t is_wide;
} ek_quantized_rows;

/// What happens to a finished sum: y = relu(sum + bias), or y += that.
typedef struct ek_epilogue {
    const float *_Nullable bias;
    int32_t relu;
    int32_t accumulate;
} ek_epilogue;

// ---- The kernels of one instruction set ----

typedef struct ek_attention {
    const float *_Nonnull queries;  // row r at r * query_stride, `head_size` floats
    size_t query_stride, rows, head_size;
    // Row i at i * key_stride. With a stride of 0, turned: number d of keys 16 g ... 16 g + 15 at (g * head_size + d) * 16.
    const void *_Nonnull keys;
    size_t key_stride;
    const void *_Nonnull values;  // row i at i * value_stride, `value_size` numbers
    size_t value_stride, value_size;
    // With one query or rows, what lies so many numbers further on is asked for, since it is read next; 0 where all is near.
    size_t ahead;
    const int32_t *_Nullable list;  // position j is row list[j]; row j where null
    const int32_t *_Nonnull first;  // query r sees positions first[r] ..< last[r]
    const int32_t *_Nonnull last;
    // Where queries see different rows of a list of `listed`: position p of query r is place own[r * own_stride + p] of the
    // list, in rising order. first[r] is 0 then, and there is a row of scores more than there are queries.
    const int32_t *_Nullable own;
    size_t own_stride, listed;
    float scale;
    // Left holding the weights of query r at r * score_stride + position; a row has room for 16 more than its positions.
    float *_Nonnull scores;
    size_t score_stride;
    float *_Nonnull out;  // row r at r * out_stride
    size_t out_stride;
    // Keys and values are halves instead of floats: turned keys only, no list, and sizes that are multiples of 16.
    int halves;
} ek_attention;

/// New keys and values of one head, and where what is turned of it lies, as `ek_attention` reads it.
typedef struct ek_kept {
    const float *_Nonnull keys;  // row i at i * stride, `head_size` floats
    const float *_Nonnull values;
    size_t stride, count, head_size;
    void *_Nonnull turned;  // groups of 16 keys
    void *_Nonnull rows;    // values, head_size apart
    size_t position;        // of the first new row
    int halves;             // rounded to halves, those beyond them to the largest; head_size is a multiple of 16
} ek_kept;

/// The most queries and the largest heads of `attend_dense`.
enum { ek_dense_rows = 48, ek_dense_size = 64 };

/// Queries of one head that all see the same keys, at least one.
typedef struct ek_dense_attention {
    const float *_Nonnull queries;  // row r at r * query_stride
    size_t query_stride, rows, head_size;  // heads of a multiple of 16
    const float *_Nonnull keys;  // row i at i * key_stride
    size_t key_stride;
    const float *_Nonnull values;  // row i at i * value_stride
    size_t value_stride, count;
    float scale;
    float *_Nonnull scores;  // room for `count` times the rows, rounded up to a multiple of 16
    float *_Nonnull out;  // row r at r * out_stride
    size_t out_stride;
} ek_dense_attention;

/// The largest heads that are kept as words, and the most queries of a call.
enum { ek_word_size = 256, ek_word_rows = 48 };

/// Queries of one head over keys and values that are words (kernels_words.h), from a position on that is a multiple of 64.
typedef struct ek_word_attention {
    const float *_Nonnull queries;  // row r at r * query_stride
    size_t query_stride, rows, head_size;  // heads of a multiple of 16
    // Numbers 32 i + l and 32 i + 16 + l of keys 16 g ... 16 g + 15 side by side, at ((g * n + i) * 16 + l) * 32 where a head
    // is rounded up to 32 n numbers.
    const int16_t *_Nonnull keys;
    // Number d of positions 32 i + l and 32 i + 16 + l side by side, at ((i * 16 + l) * head_size + d) * 2.
    const int16_t *_Nonnull values;
    const float *_Nonnull key_scales;  // one a position, up to a multiple of 64, and so `value_scales`
    const float *_Nonnull value_scales;
    const int32_t *_Nonnull first;  // query r sees positions first[r] ..< last[r]
    const int32_t *_Nonnull last;
    float scale;
    float *_Nonnull scores;  // row r at r * score_stride, room for positions up to a multiple of 64
    size_t score_stride;
    float *_Nonnull out;  // row r at r * out_stride
    size_t out_stride;
} ek_word_attention;

/// New keys and values of one head, and where its words lie.
typedef struct ek_word_kept {
    const float *_Nonnull keys;  // row i at i * stride
    const float *_Nonnull values;
    size_t stride, count, head_size;
    int16_t *_Nonnull turned;
    int16_t *_Nonnull rows;
    float *_Nonnull key_scales;
    float *_Nonnull value_scales;
    size_t position;  // of the first new row
} ek_word_kept;

typedef struct ek_kernels {
    // The largest magnitude of narrow rows that meet weights of 8 bits; those of fewer bits meet 127. 0 where quantised
    // rows must be wide.
    int32_t narrow_limit;
    // What neither the positive numbers of a part of such a row nor, negated, the negative ones may add up to, where all
    // products of a part are summed in 16 bits; 0 where they are not. Of 64 inputs, 2 i, 2 i + 1 and those 16, 32 and 48
    // further on are a part.
    int32_t narrow_sum;
    // Whether wide rows lie as low and high bytes.
    int32_t splits_wide;
    // y[r][n] for `m` rows and the `n` outputs of consecutive panels. Elements of `weights` are f32, f16 or bf16.
    void (*_Nonnull multiply_float)(ek_format format, const float *_Nonnull x, size_t x_stride, size_t m,
                                    const void *_Nonnull weights, size_t k_stride, size_t panel_stride, size_t k,
                                    float *_Nonnull y, size_t y_stride, size_t n, const ek_epilogue *_Nonnull epilogue);
    void (*_Nonnull multiply_int8)(const ek_quantized_rows *_Nonnull x, size_t m, const void *_Nonnull weights,
                                   const float *_Nonnull weight_scales, size_t k, float *_Nonnull y, size_t y_stride,
                                   size_t n, const ek_epilogue *_Nonnull epilogue);
    void (*_Nonnull multiply_blocks)(ek_format format, const ek_quantized_rows *_Nonnull x, size_t m,
                                     const void *_Nonnull weights, size_t k, float *_Nonnull y, size_t y_stride,
                                     size_t n, const ek_epilogue *_Nonnull epilogue);
    // Null where there is no `multiply_sparse`: whether so many numbers of narrow rows are 0 that it is faster.
    int32_t (*_Nullable is_sparse)(const ek_quantized_rows *_Nonnull x, size_t m, size_t k);
    // Makes the weights of 256 outputs, in panels, lie as `multiply_sparse` reads them, in as many bytes.
    void (*_Nullable turn_panels)(const void *_Nonnull panels, size_t k, void *_Nonnull turned);
    // What `multiply_int8` makes of narrow rows, to the last bit: `n` is a multiple of 256, `k` of 4.
    void (*_Nullable multiply_sparse)(const ek_quantized_rows *_Nonnull x, size_t m, const void *_Nonnull turned,
                                      const float *_Nonnull weight_scales, size_t k, float *_Nonnull y, size_t y_stride,
                                      size_t n, const ek_epilogue *_Nonnull epilogue);

    // To -limit...limit, at most 127, with one scale a row, which `sum_limit` makes greater where a part adds up to more
    // (`narrow_sum`; 0 for none). `padded` values are written, the last ones zero.
    void (*_Nonnull quantize_row)(const float *_Nonnull x, size_t k, float limit, float sum_limit, int8_t *_Nonnull values,
                                  size_t padded, float *_Nonnull scale, int32_t *_Nonnull sum);
    // One scale for 32 inputs; the last block is filled up with zeros, and `blocks` may exceed what k needs.
    void (*_Nonnull quantize_blocks)(const float *_Nonnull x, size_t k, float limit, int8_t *_Nonnull values, size_t blocks,
                                     float *_Nonnull scales, int32_t *_Nonnull sums);
    // One scale for 256 inputs, which weights in superblocks want of narrow rows, given to each of their blocks.
    void (*_Nonnull quantize_superblocks)(const float *_Nonnull x, size_t k, float limit, int8_t *_Nonnull values,
                                          size_t blocks, float *_Nonnull scales, int32_t *_Nonnull sums);
    // The same to words, with room for 2 * padded bytes, a multiple of 32, or 64 * blocks. The more inputs a row has,
    // the fewer of a word's bits are used, so that sums of products with bytes fit 32 bits.
    void (*_Nonnull quantize_row_wide)(const float *_Nonnull x, size_t k, int8_t *_Nonnull values, size_t padded,
                                       float *_Nonnull scale, int32_t *_Nonnull sum);
    void (*_Nonnull quantize_blocks_wide)(const float *_Nonnull x, size_t k, int8_t *_Nonnull values, size_t blocks,
                                          float *_Nonnull scales, int32_t *_Nonnull sums);

    float (*_Nonnull dot)(const float *_Nonnull x, const float *_Nonnull y, size_t n);
    void (*_Nonnull add)(float *_Nonnull x, const float *_Nonnull y, size_t n);
    void (*_Nonnull multiply)(float *_Nonnull x, const float *_Nonnull y, size_t n);
    void (*_Nonnull scale)(float *_Nonnull x, float factor, size_t n);
    float (*_Nonnull maximum)(const float *_Nonnull x, size_t n);
    size_t (*_Nonnull argmax)(const float *_Nonnull x, size_t n);
    void (*_Nonnull softmax)(float *_Nonnull x, size_t n);
    // The sum of exp(x - maximum).
    float (*_Nonnull sum_of_exp)(const float *_Nonnull x, float maximum, size_t n);
    void (*_Nonnull layer_norm)(const float *_Nonnull x, const float *_Nonnull gain, const float *_Nullable bias,
                                float epsilon, float *_Nonnull out, size_t n);
    void (*_Nonnull rms_norm)(const float *_Nonnull x, const float *_Nonnull gain, float epsilon, float *_Nonnull out,
                              size_t n);
    // Rotates `heads` heads of `stride` floats: pairs (i, i + half), or (2 i, 2 i + 1) where interleaved.
    void (*_Nonnull rotate)(float *_Nonnull x, size_t heads, size_t stride, size_t half, const float *_Nonnull cosines,
                            const float *_Nonnull sines, int32_t interleaved);
    void (*_Nonnull relu)(float *_Nonnull x, size_t n);
    void (*_Nonnull silu)(float *_Nonnull x, size_t n);
    // gate = silu(gate) * up
    void (*_Nonnull silu_gate)(float *_Nonnull gate, const float *_Nonnull up, size_t n);
    void (*_Nonnull gelu_tanh)(float *_Nonnull x, size_t n);
    void (*_Nonnull gelu_erf)(float *_Nonnull x, size_t n);
    void (*_Nonnull tanh)(float *_Nonnull x, size_t n);
    void (*_Nonnull sigmoid)(float *_Nonnull x, size_t n);
    void (*_Nonnull xielu)(float *_Nonnull x, size_t n, float alpha_positive, float alpha_negative, float beta,
                           float epsilon);
    void (*_Nonnull attend)(const ek_attention *_Nonnull a);
    void (*_Nonnull keep)(const ek_kept *_Nonnull a);
    // The same numbers, to the last bit.
    void (*_Nonnull attend_dense)(const ek_dense_attention *_Nonnull a);
    // Whether histories are better kept as words than as halves, which takes fast products of 16 bits.
    int32_t prefers_words;
    void (*_Nonnull attend_words)(const ek_word_attention *_Nonnull a);
    void (*_Nonnull keep_words)(const ek_word_kept *_Nonnull a);
} ek_kernels;

/// The kernels of an instruction set that is available.
const ek_kernels *_Nonnull ek_kernels_for(ek_isa isa);

// ---- This machine's limits ----

/// Reads `bytes` bytes, a multiple of 512, and returns something that depends on them all.
int64_t ek_read_memory(ek_isa isa, const void *_Nonnull memory, size_t bytes);
/// Runs `rounds` rounds of independent multiply-adds and returns the number of operations (a multiply-add is two), or 0
/// where there is no such loop for the instruction set.
int64_t ek_spin_float(ek_isa isa, size_t rounds, float *_Nonnull sink);
int64_t ek_spin_int8(ek_isa isa, size_t rounds, int32_t *_Nonnull sink);
