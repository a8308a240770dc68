// Scaled dot-product attention of a few query rows over one head's keys and values. Included once an instruction set.
//
// Keys lie in panels of 16 positions and values row by row, so both products are those of kernels_float.h: a row's
// result depends neither on the other rows nor on positions it does not see (their weights are exact zeros).
#pragma once

/// out[r][d] for the outputs that do not fill a panel of 16.
static void weigh_values(const ek_attention *a, size_t row, size_t rows, size_t start, size_t end, size_t from) {
    for (size_t r = row; r < row + rows; r++)
        for (size_t d = from; d < a->value_size; d++) {
            float sum = 0;
            for (size_t j = start; j < end; j++) sum += a->scores[r * a->score_stride + j] * a->values[j * a->value_stride + d];
            a->out[r * a->out_stride + d] = sum;
        }
}

static void attend(const ek_attention *a) {
    const ek_epilogue plain = {0, 0, 0};
    for (size_t row = 0; row < a->rows; row += lanes_mr_float) {
        const size_t rows = ek_min_size(lanes_mr_float, a->rows - row);
        size_t start = SIZE_MAX, end = 0;
        for (size_t r = row; r < row + rows; r++) {
            const size_t first = a->first ? (size_t)a->first[r] : 0, last = (size_t)a->last[r];
            if (first < start) start = first;
            if (last > end) end = last;
        }
        start -= start % 16;
        if (end <= start) {
            for (size_t r = row; r < row + rows; r++) memset(a->out + r * a->out_stride, 0, a->value_size * sizeof(float));
            continue;
        }
        float *scores = a->scores + row * a->score_stride;
        multiply_float(ek_format_f32, a->queries + row * a->query_stride, a->query_stride, rows,
                       a->keys + start / 16 * a->key_panel_stride, 16, a->key_panel_stride, a->head_size,
                       scores + start, a->score_stride, end - start, &plain);
        for (size_t r = 0; r < rows; r++) {
            float *own = scores + r * a->score_stride;
            const size_t first = a->first ? (size_t)a->first[row + r] : 0, last = (size_t)a->last[row + r];
            if (first > start) memset(own + start, 0, (ek_min_size(first, end) - start) * sizeof(float));
            if (last > first) {
                scale(own + first, a->scale, last - first);
                softmax(own + first, last - first);
            }
            if (last < end) memset(own + last, 0, (end - last) * sizeof(float));
        }
        const size_t whole = a->value_size / 16 * 16;
        if (whole > 0)
            multiply_float(ek_format_f32, scores + start, a->score_stride, rows, a->values + start * a->value_stride,
                           a->value_stride, 16, end - start, a->out + row * a->out_stride, a->out_stride, whole, &plain);
        if (whole < a->value_size) weigh_values(a, row, rows, start, end, whole);
    }
}
