// Everything one instruction set offers. Included last, with EK_TABLE naming the table.
#pragma once
#include "kernels_float.h"
#include "kernels_bytes.h"
#include "kernels_blocks.h"
#include "kernels_quantize.h"
#include "kernels_rows.h"
#include "kernels_attention.h"
#include "kernels_dense.h"
#include "kernels_words.h"
#if defined(EK_VNNI)
#include "kernels_sparse.h"
#endif

const ek_kernels EK_TABLE = {
    .narrow_limit = narrow_limit,
    .narrow_sum = narrow_sum,
    .splits_wide = splits_wide,
    .multiply_float = multiply_float,
    .multiply_int8 = multiply_int8,
    .multiply_blocks = multiply_blocks,
#if defined(EK_VNNI)
    .is_sparse = is_sparse,
    .turn_panels = turn_panels,
    .multiply_sparse = multiply_sparse,
#endif
    .quantize_row = quantize_row,
    .quantize_blocks = quantize_blocks,
    .quantize_superblocks = quantize_superblocks,
    .quantize_row_wide = quantize_row_wide,
    .quantize_blocks_wide = quantize_blocks_wide,
    .dot = dot,
    .add = add,
    .multiply = multiply,
    .scale = scale,
    .maximum = maximum,
    .argmax = argmax,
    .softmax = softmax,
    .sum_of_exp = sum_of_exp,
    .layer_norm = layer_norm,
    .rms_norm = rms_norm,
    .rotate = rotate,
    .relu = relu,
    .silu = silu,
    .silu_gate = silu_gate,
    .gelu_tanh = gelu_tanh,
    .gelu_erf = gelu_erf,
    .tanh = tanh_row,
    .sigmoid = sigmoid,
    .xielu = xielu,
    .attend = attend,
    .keep = keep,
    .attend_dense = attend_dense,
    .prefers_words = lanes_words,
    .attend_words = attend_words,
    .keep_words = keep_words,
};
