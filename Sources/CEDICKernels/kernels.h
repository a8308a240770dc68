// What the kernels and the dispatch share; nothing here is seen outside this target.
#pragma once
#include "CEDICKernels.h"

#define EK_INLINE static inline __attribute__((always_inline))
/// For functions that are large enough as they are.
#define EK_APART __attribute__((noinline))
/// Loops whose bounds are constants once a tile is specialised; left rolled, their accumulators would live in memory.
#ifndef EK_UNROLL
#define EK_UNROLL _Pragma("clang loop unroll(full)")
#endif

extern const ek_kernels ek_kernels_generic;
#if defined(__x86_64__)
extern const ek_kernels ek_kernels_avx2;
extern const ek_kernels ek_kernels_avx512;
extern const ek_kernels ek_kernels_avx512vnni;
#elif defined(__aarch64__)
extern const ek_kernels ek_kernels_neon;
#endif

/// How a block format is packed. A chunk is a run of 32-input blocks of one panel: their scales, then their numbers, so that
/// all is read in the order of memory, which is what processors foresee.
typedef struct ek_layout {
    int bits;            // 4, 5, 6 or 8 a number
    int offset;          // what a stored number is above the true one
    int has_minimum;     // weight = scale * number + minimum
    int scale_run;       // inputs that share a scale: 32 or 16
    int superblock;      // scales are small integers times one half-precision number for 256 inputs
    int chunk_blocks;    // blocks of 32 in a chunk
    size_t block_bytes;  // numbers of one block
    size_t scale_bytes;  // all scales of a chunk, padded so that chunks start on cache lines
} ek_layout;

EK_INLINE ek_layout ek_layout_of(ek_format format) {
    switch (format) {
    case ek_format_q8_0: return (ek_layout){8, 128, 0, 32, 0, 2, 512, 64};
    case ek_format_q4_0: return (ek_layout){4, 8, 0, 32, 0, 2, 256, 64};
    case ek_format_q4_1: return (ek_layout){4, 0, 1, 32, 0, 2, 256, 128};
    case ek_format_q5_0: return (ek_layout){5, 16, 0, 32, 0, 2, 320, 64};
    case ek_format_q5_1: return (ek_layout){5, 0, 1, 32, 0, 2, 320, 128};
    case ek_format_q4_k: return (ek_layout){4, 0, 1, 32, 1, 8, 256, 256};
    case ek_format_q5_k: return (ek_layout){5, 0, 1, 32, 1, 8, 320, 256};
    case ek_format_q6_k: return (ek_layout){6, 32, 0, 16, 1, 8, 384, 320};
    default: return (ek_layout){0, 0, 0, 0, 0, 1, 0, 0};
    }
}

EK_INLINE size_t ek_chunk_bytes(ek_layout l) { return (size_t)l.chunk_blocks * l.block_bytes + l.scale_bytes; }
EK_INLINE size_t ek_chunks(ek_layout l, size_t k) {
    const size_t inputs = 32 * (size_t)l.chunk_blocks;
    return (k + inputs - 1) / inputs;
}
/// Rows to go through all panels with at a time: as many as a second-level cache keeps beside the panels in use. A
/// multiple of the height of every full tile.
EK_INLINE size_t ek_row_block(size_t row_bytes) {
    const size_t rows = ((size_t)256 << 10) / row_bytes / 24 * 24;
    return rows < 24 ? 24 : rows;
}
/// Rows of the next one of `tiles` tiles that share `rows` out evenly: one of a row or two would wait for its own few sums.
EK_INLINE size_t ek_tile_height(size_t rows, size_t tiles) { return rows / tiles; }
/// `tile` of a constant number of rows, which is `height`. That is at most `most`, a constant up to 8.
#define EK_OF_HEIGHT(height, most, tile)          \
    switch (height) {                             \
    case 1: tile(1); break;                       \
    case 2: if ((most) >= 2) { tile(2); } break;  \
    case 3: if ((most) >= 3) { tile(3); } break;  \
    case 4: if ((most) >= 4) { tile(4); } break;  \
    case 5: if ((most) >= 5) { tile(5); } break;  \
    case 6: if ((most) >= 6) { tile(6); } break;  \
    case 7: if ((most) >= 7) { tile(7); } break;  \
    case 8: if ((most) >= 8) { tile(8); } break;  \
    default: break;                               \
    }
/// The largest wide number: its upper byte, when its lower one is signed, is 127 at most.
#define ek_wide_limit 32639
/// The larger of two constants.
#define EK_MOST(a, b) ((a) > (b) ? (a) : (b))
EK_INLINE size_t ek_min_size(size_t a, size_t b) { return a < b ? a : b; }
