// Block formats of GGUF files: reading them, packing them into panels and reading panels back. Portable C: packing runs
// once when a model is loaded, and the rest looks up single rows.
#include <string.h>

#include "half.h"
#include "kernels.h"
#include "small_scales.h"

// What a file says a weight is must come out to the last bit, so no product may be fused with a sum.
#pragma STDC FP_CONTRACT OFF

size_t ek_block_length(ek_format format) {
    switch (format) {
    case ek_format_f32:
    case ek_format_f16:
    case ek_format_bf16:
    case ek_format_int8: return 1;
    case ek_format_q4_k:
    case ek_format_q5_k:
    case ek_format_q6_k: return 256;
    default: return 32;
    }
}

size_t ek_block_bytes(ek_format format) {
    switch (format) {
    case ek_format_f32: return 4;
    case ek_format_f16:
    case ek_format_bf16: return 2;
    case ek_format_q8_0: return 34;
    case ek_format_q4_0: return 18;
    case ek_format_q4_1: return 20;
    case ek_format_q5_0: return 22;
    case ek_format_q5_1: return 24;
    case ek_format_q4_k: return 144;
    case ek_format_q5_k: return 176;
    case ek_format_q6_k: return 210;
    default: return 0;
    }
}

size_t ek_panel_bytes(ek_format format, size_t k) {
    switch (format) {
    case ek_format_f32: return k * 64;
    case ek_format_f16:
    case ek_format_bf16: return k * 32;
    case ek_format_int8: return (k + 3) / 4 * 64;
    default: {
        const ek_layout l = ek_layout_of(format);
        return ek_chunks(l, k) * ek_chunk_bytes(l);
    }
    }
}

size_t ek_padded_blocks(ek_format format, size_t k) {
    const ek_layout l = ek_layout_of(format);
    return ek_chunks(l, k) * (size_t)l.chunk_blocks;
}

// ---- One 32-input block, whatever its format ----

/// Four inputs' numbers as the bytes of a word; loops over the eight words of a block become vector code.
/// Numbers are above the true ones by the layout's offset.
typedef struct block {
    uint32_t words[8];
    uint16_t super, super_minimum;  // half precision; the whole scale where the format has no superblocks
    int16_t scale[2], minimum;      // small integers, in superblocks; two scales where 16 inputs share one
} block;

#define EK_EACH_BYTE(value) ((uint32_t)(value) * 0x01010101u)

static uint16_t read16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }

/// Sixteen bytes: inputs 0...15 in the low nibbles, 16...31 in the high ones.
static void read_nibbles(const uint8_t *bytes, block *out) {
    uint32_t packed[4];
    memcpy(packed, bytes, 16);
    for (int j = 0; j < 4; j++) {
        out->words[j] = packed[j] & EK_EACH_BYTE(15);
        out->words[j + 4] = packed[j] >> 4 & EK_EACH_BYTE(15);
    }
}

/// 32 bits, input 0 lowest, each worth 16.
static void read_fifth_bits(const uint8_t *bytes, block *out) {
    uint32_t bits;
    memcpy(&bits, bytes, 4);
    for (int g = 0; g < 8; g++) {
        // Four bits spread to the lowest of four bytes: bit i moves up by 7 i.
        const uint32_t four = bits >> 4 * g & 15;
        out->words[g] |= ((four | four << 7 | four << 14 | four << 21) & EK_EACH_BYTE(1)) << 4;
    }
}

/// The 6-bit scale and minimum of block `b` among the 12 bytes of a Q4_K or Q5_K superblock.
static void read_scales(const uint8_t *bytes, int b, block *out) {
    if (b < 4) {
        out->scale[0] = bytes[b] & 63;
        out->minimum = bytes[b + 4] & 63;
    } else {
        out->scale[0] = (int16_t)((bytes[b + 4] & 15) | (bytes[b - 4] >> 6) << 4);
        out->minimum = (int16_t)(bytes[b + 4] >> 4 | (bytes[b] >> 6) << 4);
    }
    out->scale[1] = out->scale[0];
}

EK_INLINE void read_superblock4(const uint8_t *p, int b, int fifth, block *out) {
    out->super = read16(p);
    out->super_minimum = read16(p + 2);
    read_scales(p + 4, b, out);
    uint32_t low[8], high[8];
    memcpy(low, p + (fifth ? 48 : 16) + 32 * (b / 2), 32);
    const int shift = b % 2 ? 4 : 0;
    for (int g = 0; g < 8; g++) out->words[g] = low[g] >> shift & EK_EACH_BYTE(15);
    if (!fifth) return;
    memcpy(high, p + 16, 32);
    for (int g = 0; g < 8; g++) out->words[g] |= (high[g] >> b & EK_EACH_BYTE(1)) << 4;
}

EK_INLINE void read_superblock6(const uint8_t *p, int b, block *out) {
    const int half = b / 4, quarter = b % 4, shift = quarter < 2 ? 0 : 4;
    uint32_t low[8], high[8];
    memcpy(low, p + 64 * half + 32 * (quarter % 2), 32);
    memcpy(high, p + 128 + 32 * half, 32);
    for (int g = 0; g < 8; g++)
        out->words[g] = (low[g] >> shift & EK_EACH_BYTE(15)) | (high[g] >> 2 * quarter & EK_EACH_BYTE(3)) << 4;
    out->scale[0] = (int8_t)p[192 + 2 * b];
    out->scale[1] = (int8_t)p[193 + 2 * b];
    out->super = read16(p + 208);
}

/// Block `b` of one output's inputs.
EK_INLINE void read_block(ek_format format, const uint8_t *row, size_t b, block *out) {
    const size_t bytes = ek_block_bytes(format);
    const uint8_t *p = row + (ek_block_length(format) == 256 ? b / 8 : b) * bytes;
    out->super_minimum = 0;
    out->minimum = 0;
    out->scale[0] = out->scale[1] = 1;
    switch (format) {
    case ek_format_q8_0:
        out->super = read16(p);
        memcpy(out->words, p + 2, 32);
        for (int g = 0; g < 8; g++) out->words[g] ^= EK_EACH_BYTE(0x80);
        return;
    case ek_format_q4_0:
        out->super = read16(p);
        return read_nibbles(p + 2, out);
    case ek_format_q4_1:
        out->super = read16(p);
        out->super_minimum = read16(p + 2);
        return read_nibbles(p + 4, out);
    case ek_format_q5_0:
        out->super = read16(p);
        read_nibbles(p + 6, out);
        return read_fifth_bits(p + 2, out);
    case ek_format_q5_1:
        out->super = read16(p);
        out->super_minimum = read16(p + 2);
        read_nibbles(p + 8, out);
        return read_fifth_bits(p + 4, out);
    case ek_format_q4_k: return read_superblock4(p, (int)(b % 8), 0, out);
    case ek_format_q5_k: return read_superblock4(p, (int)(b % 8), 1, out);
    case ek_format_q6_k: return read_superblock6(p, (int)(b % 8), out);
    default: return;
    }
}

static void dequantize_block(ek_layout l, const block *b, float *out) {
    const float super = ek_half_to_float(b->super);
    const float minimum = l.superblock ? ek_half_to_float(b->super_minimum) * -(float)b->minimum
                                       : ek_half_to_float(b->super_minimum);
    for (int i = 0; i < 32; i++) {
        const float scale = l.superblock ? super * (float)b->scale[i / 16] : super;
        const float product = scale * (float)((int)(b->words[i / 4] >> 8 * (i % 4) & 255) - l.offset);
        out[i] = l.has_minimum ? product + minimum : product;
    }
}

void ek_dequantize(ek_format format, const void *source, size_t k, float *out) {
    const uint8_t *bytes = source;
    switch (format) {
    case ek_format_f32: memcpy(out, source, k * 4); return;
    case ek_format_f16:
        for (size_t i = 0; i < k; i++) out[i] = ek_half_to_float(read16(bytes + 2 * i));
        return;
    case ek_format_bf16:
        for (size_t i = 0; i < k; i++) out[i] = ek_bfloat_to_float(read16(bytes + 2 * i));
        return;
    case ek_format_int8:
        for (size_t i = 0; i < k; i++) out[i] = (float)(int8_t)bytes[i];
        return;
    default: break;
    }
    const ek_layout l = ek_layout_of(format);
    for (size_t b = 0; b < k / 32; b++) {
        block one;
        read_block(format, bytes, b, &one);
        dequantize_block(l, &one, out + 32 * b);
    }
}

// ---- Panels ----

/// Where block `b` of a panel keeps its numbers, its scales, and which block of its chunk it is.
typedef struct place {
    uint8_t *numbers, *scales;
    size_t index;
} place;

static place place_of(ek_layout l, const void *panel, size_t b) {
    uint8_t *chunk = (uint8_t *)(uintptr_t)panel + b / (size_t)l.chunk_blocks * ek_chunk_bytes(l);
    const size_t index = b % (size_t)l.chunk_blocks;
    return (place){chunk + l.scale_bytes + index * l.block_bytes, chunk, index};
}

static uint32_t read32(const uint8_t *p) {
    uint32_t word;
    memcpy(&word, p, 4);
    return word;
}

/// What a panel keeps of a block's numbers: word i goes to 64 * i bytes behind the column's first. Returns how many.
EK_INLINE int stored_words(ek_layout l, const block *b, uint32_t words[8]) {
    if (l.bits == 8) {
        memcpy(words, b->words, 32);
        return 8;
    }
    for (int j = 0; j < 4; j++)
        words[j] = (b->words[j] & EK_EACH_BYTE(15)) | (b->words[j + 4] & EK_EACH_BYTE(15)) << 4;
    if (l.bits == 4) return 4;
    words[4] = words[5] = 0;
    if (l.bits == 5) {
        for (int g = 0; g < 8; g++) words[4] |= (b->words[g] >> 4 & EK_EACH_BYTE(1)) << g;
        return 5;
    }
    for (int g = 0; g < 8; g++) words[4 + g / 4] |= (b->words[g] >> 4 & EK_EACH_BYTE(3)) << 2 * (g % 4);
    return 6;
}

EK_INLINE void write_scales(ek_layout l, const block *b, place at, size_t column) {
    if (!l.superblock) {
        uint8_t *own = at.scales + (l.has_minimum ? 64 : 32) * at.index;
        memcpy(own + 2 * column, &b->super, 2);
        if (l.has_minimum) memcpy(own + 32 + 2 * column, &b->super_minimum, 2);
        return;
    }
    memcpy(at.scales + 2 * column, &b->super, 2);
    if (l.has_minimum) {
        memcpy(at.scales + 32 + 2 * column, &b->super_minimum, 2);
        ek_set_small_scales(at.scales, at.index, column, (ek_small_scales){(uint8_t)b->scale[0], (uint8_t)b->minimum});
    } else {
        at.scales[32 + 32 * at.index + column] = (uint8_t)b->scale[0];
        at.scales[48 + 32 * at.index + column] = (uint8_t)b->scale[1];
    }
}

EK_INLINE void write_block(ek_layout l, const block *b, place at, size_t column) {
    uint32_t words[8];
    const int count = stored_words(l, b, words);
    for (int i = 0; i < count; i++) memcpy(at.numbers + 64 * i + 4 * column, words + i, 4);
    write_scales(l, b, at, column);
}

typedef uint32_t quad __attribute__((vector_size(16)));

/// Word i of four columns side by side at out + 64 * i: a fourth of the stores that single words need.
EK_INLINE void store_turned(const quad columns[4], uint8_t *out) {
    const quad low0 = __builtin_shufflevector(columns[0], columns[1], 0, 4, 1, 5);
    const quad high0 = __builtin_shufflevector(columns[0], columns[1], 2, 6, 3, 7);
    const quad low1 = __builtin_shufflevector(columns[2], columns[3], 0, 4, 1, 5);
    const quad high1 = __builtin_shufflevector(columns[2], columns[3], 2, 6, 3, 7);
    const quad turned[4] = {
        __builtin_shufflevector(low0, low1, 0, 1, 4, 5), __builtin_shufflevector(low0, low1, 2, 3, 6, 7),
        __builtin_shufflevector(high0, high1, 0, 1, 4, 5), __builtin_shufflevector(high0, high1, 2, 3, 6, 7)};
    for (int i = 0; i < 4; i++) memcpy(out + 64 * i, turned + i, 16);
}

/// Blocks of four columns, the first of which is `column`.
EK_INLINE void write_four_blocks(ek_layout l, const block *four, place at, size_t column) {
    uint32_t words[4][8];
    int count = 0;
    for (int c = 0; c < 4; c++) {
        count = stored_words(l, four + c, words[c]);
        write_scales(l, four + c, at, column + (size_t)c);
    }
    uint8_t *numbers = at.numbers + 4 * column;
    for (int i = 0; i + 4 <= count; i += 4) {
        quad columns[4];
        for (int c = 0; c < 4; c++) memcpy(columns + c, words[c] + i, 16);
        store_turned(columns, numbers + 64 * i);
    }
    for (int i = count / 4 * 4; i < count; i++)
        for (int c = 0; c < 4; c++) memcpy(numbers + 64 * i + 4 * c, words[c] + i, 4);
}

static void read_packed_block(ek_layout l, place at, size_t column, block *out) {
    const uint8_t *numbers = at.numbers + 4 * column;
    for (int g = 0; g < 8; g++) {
        if (l.bits == 8) {
            out->words[g] = read32(numbers + 64 * g);
            continue;
        }
        out->words[g] = read32(numbers + 64 * (g % 4)) >> (g < 4 ? 0 : 4) & EK_EACH_BYTE(15);
        if (l.bits == 5) out->words[g] |= (read32(numbers + 256) >> g & EK_EACH_BYTE(1)) << 4;
        if (l.bits == 6)
            out->words[g] |= (read32(numbers + 256 + 64 * (g / 4)) >> 2 * (g % 4) & EK_EACH_BYTE(3)) << 4;
    }
    out->super_minimum = 0;
    if (!l.superblock) {
        const uint8_t *own = at.scales + (l.has_minimum ? 64 : 32) * at.index;
        out->super = read16(own + 2 * column);
        if (l.has_minimum) out->super_minimum = read16(own + 32 + 2 * column);
        return;
    }
    out->super = read16(at.scales + 2 * column);
    if (l.has_minimum) {
        out->super_minimum = read16(at.scales + 32 + 2 * column);
        const ek_small_scales own = ek_get_small_scales(at.scales, at.index, column);
        out->scale[0] = out->scale[1] = own.scale;
        out->minimum = own.minimum;
    } else {
        out->scale[0] = (int8_t)at.scales[32 + 32 * at.index + column];
        out->scale[1] = (int8_t)at.scales[48 + 32 * at.index + column];
    }
}

/// Copies `size`-byte elements of `columns` rows of `k` side by side, 16 to a step.
EK_INLINE void interleave(const uint8_t *source, const size_t size, size_t columns, size_t k, uint8_t *panel) {
    if (columns < 16) memset(panel, 0, 16 * size * k);
    for (size_t i = 0; i < k; i += 16)  // 16 steps at a time, so that both sides stay in the nearest cache
        for (size_t c = 0; c < columns; c++)
            for (size_t j = i; j < ek_min_size(k, i + 16); j++)
                memcpy(panel + (16 * j + c) * size, source + (c * k + j) * size, size);
}

/// Blocks of 4 bits whose numbers a panel keeps as the file does: whole panels of them are moved, which takes little more
/// than half as long as taking each block apart. (For blocks of 8 bits it takes as long.)
EK_INLINE void move_blocks(const ek_format format, const uint8_t *source, size_t k, void *panel) {
    const ek_layout l = ek_layout_of(format);
    const size_t bytes = ek_block_bytes(format), row = k / 32 * bytes, head = l.has_minimum ? 4 : 2;
    for (size_t b = 0; b < k / 32; b++, source += bytes) {
        const place at = place_of(l, panel, b);
        for (size_t c = 0; c < 16; c += 4) {
            quad four[4];
            for (size_t r = 0; r < 4; r++) memcpy(four + r, source + (c + r) * row + head, 16);
            store_turned(four, at.numbers + 4 * c);
        }
        uint16_t scales[16], minima[16];
        for (size_t c = 0; c < 16; c++) {
            memcpy(scales + c, source + c * row, 2);
            memcpy(minima + c, source + c * row + 2, 2);
        }
        uint8_t *own = at.scales + (l.has_minimum ? 64 : 32) * at.index;
        memcpy(own, scales, 32);
        if (l.has_minimum) memcpy(own + 32, minima, 32);
    }
}

EK_INLINE void pack_blocks(const ek_format format, const uint8_t *source, size_t columns, size_t k, void *panel) {
    const ek_layout l = ek_layout_of(format);
    const size_t row = k / ek_block_length(format) * ek_block_bytes(format);
    const size_t blocks = k / 32;
    // What the blocks do not write: absent columns, and blocks that only fill up the last chunk.
    if (columns < 16 || blocks % (size_t)l.chunk_blocks != 0)
        memset(panel, 0, ek_panel_bytes(format, k));
    if (columns == 16 && (format == ek_format_q4_0 || format == ek_format_q4_1)) return move_blocks(format, source, k, panel);
    for (size_t b = 0; b < blocks; b++) {
        const place at = place_of(l, panel, b);
        for (size_t c = 0; c + 4 <= columns; c += 4) {
            block four[4];
            for (size_t i = 0; i < 4; i++) read_block(format, source + (c + i) * row, b, four + i);
            write_four_blocks(l, four, at, c);
        }
        for (size_t c = columns / 4 * 4; c < columns; c++) {
            block one;
            read_block(format, source + c * row, b, &one);
            write_block(l, &one, at, c);
        }
    }
}

/// Words of `columns` rows of `row` bytes side by side, 16 to a step, with some bits turned over.
EK_INLINE void interleave_words(const uint8_t *source, size_t row, size_t columns, size_t words, uint32_t turned_over,
                                uint8_t *out) {
    const quad mask = {turned_over, turned_over, turned_over, turned_over};
    for (size_t i = 0; i < words; i += 16) {  // 16 steps at a time, so that both sides stay in the nearest cache
        const size_t end = ek_min_size(words, i + 16);
        for (size_t c = 0; c < columns; c += 4) {
            size_t j = i;
            for (; c + 4 <= columns && j + 4 <= end; j += 4) {
                quad four[4];
                for (size_t r = 0; r < 4; r++) {
                    memcpy(four + r, source + (c + r) * row + 4 * j, 16);
                    four[r] ^= mask;
                }
                store_turned(four, out + 64 * j + 4 * c);
            }
            for (size_t r = c; r < ek_min_size(columns, c + 4); r++)
                for (size_t at = j; at < end; at++) {
                    const uint32_t word = read32(source + r * row + 4 * at) ^ turned_over;
                    memcpy(out + 64 * at + 4 * r, &word, 4);
                }
        }
    }
}

void ek_pack_panel(ek_format format, const void *source, size_t columns, size_t k, void *panel) {
    switch (format) {
    case ek_format_f32:
        if (columns < 16) memset(panel, 0, 64 * k);
        return interleave_words(source, 4 * k, columns, k, 0, panel);
    case ek_format_f16:
    case ek_format_bf16: return interleave(source, 2, columns, k, panel);
    case ek_format_int8: return ek_pack_panel_int8(source, columns, k, panel);
    case ek_format_q8_0: return pack_blocks(ek_format_q8_0, source, columns, k, panel);
    case ek_format_q4_0: return pack_blocks(ek_format_q4_0, source, columns, k, panel);
    case ek_format_q4_1: return pack_blocks(ek_format_q4_1, source, columns, k, panel);
    case ek_format_q5_0: return pack_blocks(ek_format_q5_0, source, columns, k, panel);
    case ek_format_q5_1: return pack_blocks(ek_format_q5_1, source, columns, k, panel);
    case ek_format_q4_k: return pack_blocks(ek_format_q4_k, source, columns, k, panel);
    case ek_format_q5_k: return pack_blocks(ek_format_q5_k, source, columns, k, panel);
    case ek_format_q6_k: return pack_blocks(ek_format_q6_k, source, columns, k, panel);
    }
}

/// Elements of `size` bytes, `n` in each of the rows from `first` on, which a panel has side by side as well.
EK_INLINE void move_segments(const uint8_t *source, const size_t size, size_t n, size_t k, size_t first, size_t last,
                             uint8_t *panels) {
    for (size_t c = 0; c < n; c += 16) {
        uint8_t *out = panels + (c * k + 16 * first) * size;
        const uint8_t *in = source + (first * n + c) * size;
        if (n - c < 16) memset(out, 0, 16 * size * (last - first));
        for (size_t j = first; j < last; j++, in += n * size, out += 16 * size) {
            if (n - c >= 16)
                memcpy(out, in, 16 * size);
            else
                memcpy(out, in, (n - c) * size);
        }
    }
}

void ek_pack_turned(ek_format format, const void *source, size_t n, size_t k, size_t first, size_t last, void *panels) {
    if (format == ek_format_f32) return move_segments(source, 4, n, k, first, last, panels);
    move_segments(source, 2, n, k, first, last, panels);
}

void ek_pack_panel_int8(const int8_t *source, size_t columns, size_t k, void *panel) {
    uint8_t *out = panel;
    const size_t whole = k / 4;
    if (columns < 16 || k % 4 != 0) memset(out, 0x80, ek_panel_bytes(ek_format_int8, k));
    interleave_words((const uint8_t *)source, k, columns, whole, EK_EACH_BYTE(0x80), out);
    for (size_t c = 0; c < columns; c++)
        for (size_t i = 4 * whole; i < k; i++) out[i / 4 * 64 + 4 * c + i % 4] = (uint8_t)source[c * k + i] ^ 0x80;
}

void ek_unpack_column(ek_format format, const void *panel, size_t column, size_t k, float *out) {
    const uint8_t *bytes = panel;
    switch (format) {
    case ek_format_f32:
        for (size_t i = 0; i < k; i++) memcpy(out + i, bytes + 4 * (16 * i + column), 4);
        return;
    case ek_format_f16:
        for (size_t i = 0; i < k; i++) out[i] = ek_half_to_float(read16(bytes + 2 * (16 * i + column)));
        return;
    case ek_format_bf16:
        for (size_t i = 0; i < k; i++) out[i] = ek_bfloat_to_float(read16(bytes + 2 * (16 * i + column)));
        return;
    case ek_format_int8:
        for (size_t i = 0; i < k; i++) out[i] = (float)bytes[i / 4 * 64 + 4 * column + i % 4] - 128.0f;
        return;
    default: break;
    }
    const ek_layout l = ek_layout_of(format);
    for (size_t b = 0; b < k / 32; b++) {
        block one;
        read_packed_block(l, place_of(l, panel, b), column, &one);
        dequantize_block(l, &one, out + 32 * b);
    }
}

void ek_copy_column(ek_format format, const void *from, size_t from_column, size_t k, void *to, size_t to_column) {
    if (ek_block_length(format) > 1) {
        const ek_layout l = ek_layout_of(format);
        for (size_t b = 0; b < k / 32; b++) {
            block one;
            read_packed_block(l, place_of(l, from, b), from_column, &one);
            write_block(l, &one, place_of(l, to, b), to_column);
        }
        return;
    }
    // Elements that stay together: four bytes of int8, one number otherwise. Constant sizes make a move of each.
    if (format == ek_format_f32 || format == ek_format_int8) {
        const size_t steps = format == ek_format_int8 ? (k + 3) / 4 : k;
        for (size_t i = 0; i < steps; i++)
            memcpy((char *)to + 64 * i + 4 * to_column, (const char *)from + 64 * i + 4 * from_column, 4);
    } else {
        for (size_t i = 0; i < k; i++)
            memcpy((char *)to + 32 * i + 2 * to_column, (const char *)from + 32 * i + 2 * from_column, 2);
    }
}
