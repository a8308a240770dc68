// Functions of one row of floats. Included once an instruction set. Sums go through 16 lanes in a fixed order.
#pragma once

/// e^x; relative error below 2e-7 for x in -87...88, and 0 below that range.
EK_INLINE vf exponential(vf x) {
    const vf lowest = vf_set1(-87.0f);
    const vf held = vf_min(vf_max(x, lowest), vf_set1(88.0f));
    const vf n = vf_round(vf_mul(held, vf_set1(1.44269504088896341f)));
    // ln 2 in two parts, the first with few enough bits that n times it is exact.
    vf r = vf_fma(n, vf_set1(-0.693359375f), held);
    r = vf_fma(n, vf_set1(2.12194440e-4f), r);
    vf power = vf_set1(1.0f / 5040);
    power = vf_fma(power, r, vf_set1(1.0f / 720));
    power = vf_fma(power, r, vf_set1(1.0f / 120));
    power = vf_fma(power, r, vf_set1(1.0f / 24));
    power = vf_fma(power, r, vf_set1(1.0f / 6));
    power = vf_fma(power, r, vf_set1(0.5f));
    power = vf_fma(power, r, vf_set1(1.0f));
    power = vf_fma(power, r, vf_set1(1.0f));
    return vf_if_greater(x, lowest, vf_scale2(power, n), vf_set1(0));
}

EK_INLINE vf sigmoid_lanes(vf x) {
    return vf_div(vf_set1(1), vf_add(vf_set1(1), exponential(vf_sub(vf_set1(0), x))));
}
EK_INLINE vf tanh_lanes(vf x) {
    const vf e = exponential(vf_add(x, x));
    return vf_sub(vf_set1(1), vf_div(vf_set1(2), vf_add(e, vf_set1(1))));
}
/// Abramowitz and Stegun 7.1.26: absolute error below 2e-7.
EK_INLINE vf erf_lanes(vf x) {
    const vf magnitude = vf_abs(x);
    const vf t = vf_div(vf_set1(1), vf_fma(vf_set1(0.3275911f), magnitude, vf_set1(1)));
    vf sum = vf_set1(1.061405429f);
    sum = vf_fma(sum, t, vf_set1(-1.453152027f));
    sum = vf_fma(sum, t, vf_set1(1.421413741f));
    sum = vf_fma(sum, t, vf_set1(-0.284496736f));
    sum = vf_fma(sum, t, vf_set1(0.254829592f));
    const vf tail = vf_mul(vf_mul(sum, t), exponential(vf_sub(vf_set1(0), vf_mul(magnitude, magnitude))));
    const vf positive = vf_sub(vf_set1(1), tail);
    return vf_if_greater(vf_set1(0), x, vf_sub(vf_set1(0), positive), positive);
}

#define EK_ELEMENTWISE(name, value)                                       \
    static void name(float *x, size_t n) {                                \
        for (size_t i = 0; i < n; i += 16) {                              \
            const vf a = vf_load_some(x + i, n - i, 0);                      \
            vf_store_some(x + i, n - i, value);                              \
        }                                                                 \
    }

EK_ELEMENTWISE(relu, vf_max(a, vf_set1(0)))
EK_ELEMENTWISE(silu, vf_mul(a, sigmoid_lanes(a)))
EK_ELEMENTWISE(sigmoid, sigmoid_lanes(a))
EK_ELEMENTWISE(tanh_row, tanh_lanes(a))
EK_ELEMENTWISE(gelu_erf, vf_mul(vf_mul(vf_set1(0.5f), a),
                                vf_add(vf_set1(1), erf_lanes(vf_mul(a, vf_set1(0.70710678118654752f))))))
// 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
EK_ELEMENTWISE(gelu_tanh,
               vf_mul(vf_mul(vf_set1(0.5f), a),
                      vf_add(vf_set1(1), tanh_lanes(vf_mul(vf_mul(a, vf_set1(0.79788456080286536f)),
                                                           vf_fma(vf_mul(a, a), vf_set1(0.044715f), vf_set1(1)))))))

static void silu_gate(float *gate, const float *up, size_t n) {
    for (size_t i = 0; i < n; i += 16) {
        const vf a = vf_load_some(gate + i, n - i, 0);
        vf_store_some(gate + i, n - i, vf_mul(vf_mul(a, sigmoid_lanes(a)), vf_load_some(up + i, n - i, 0)));
    }
}

static void xielu(float *x, size_t n, float alpha_positive, float alpha_negative, float beta, float epsilon) {
    for (size_t i = 0; i < n; i += 16) {
        const vf a = vf_load_some(x + i, n - i, 0);
        const vf above = vf_mul(vf_mul(vf_set1(alpha_positive), a), a);
        const vf grown = vf_sub(exponential(vf_min(a, vf_set1(epsilon))), vf_set1(1));
        const vf below = vf_mul(vf_sub(grown, a), vf_set1(alpha_negative));
        const vf curve = vf_if_greater(a, vf_set1(0), above, below);
        vf_store_some(x + i, n - i, vf_fma(vf_set1(beta), a, curve));
    }
}

static void add(float *x, const float *y, size_t n) {
    for (size_t i = 0; i < n; i += 16)
        vf_store_some(x + i, n - i, vf_add(vf_load_some(x + i, n - i, 0), vf_load_some(y + i, n - i, 0)));
}

static void multiply(float *x, const float *y, size_t n) {
    for (size_t i = 0; i < n; i += 16)
        vf_store_some(x + i, n - i, vf_mul(vf_load_some(x + i, n - i, 0), vf_load_some(y + i, n - i, 0)));
}

static void scale(float *x, float factor, size_t n) {
    for (size_t i = 0; i < n; i += 16) vf_store_some(x + i, n - i, vf_mul(vf_load_some(x + i, n - i, 0), vf_set1(factor)));
}

static float dot(const float *x, const float *y, size_t n) {
    vf even = vf_set1(0), odd = vf_set1(0);
    for (size_t i = 0; i < n; i += 32) {
        even = vf_fma(vf_load_some(x + i, n - i, 0), vf_load_some(y + i, n - i, 0), even);
        if (i + 16 < n) odd = vf_fma(vf_load_some(x + i + 16, n - i - 16, 0), vf_load_some(y + i + 16, n - i - 16, 0), odd);
    }
    return vf_reduce_add(vf_add(even, odd));
}

static float maximum(const float *x, size_t n) {
    vf most = vf_set1(-__builtin_inff());
    for (size_t i = 0; i < n; i += 16) most = vf_max(vf_load_some(x + i, n - i, -__builtin_inff()), most);
    return vf_reduce_max(most);
}

static size_t argmax(const float *x, size_t n) {
    const float most = maximum(x, n);
    size_t i = 0;
    while (n - i > 256 && maximum(x + i, 256) != most) i += 256;
    for (; i < n; i++)
        if (x[i] == most) return i;
    return 0;
}

static float sum_of_exp(const float *x, float most, size_t n) {
    vf sum = vf_set1(0);
    for (size_t i = 0; i < n; i += 16)
        sum = vf_add(sum, exponential(vf_sub(vf_load_some(x + i, n - i, -__builtin_inff()), vf_set1(most))));
    return vf_reduce_add(sum);
}

static void softmax(float *x, size_t n) {
    if (n == 0) return;
    const vf most = vf_set1(maximum(x, n));
    vf sum = vf_set1(0);
    for (size_t i = 0; i < n; i += 16) {
        const vf e = exponential(vf_sub(vf_load_some(x + i, n - i, -__builtin_inff()), most));
        sum = vf_add(sum, e);
        vf_store_some(x + i, n - i, e);
    }
    scale(x, 1.0f / vf_reduce_add(sum), n);
}

static void layer_norm(const float *x, const float *gain, const float *bias, float epsilon, float *out, size_t n) {
    vf sum = vf_set1(0);
    for (size_t i = 0; i < n; i += 16) sum = vf_add(sum, vf_load_some(x + i, n - i, 0));
    const float mean = vf_reduce_add(sum) / (float)n;
    vf squares = vf_set1(0);
    for (size_t i = 0; i < n; i += 16) {
        const vf away = vf_sub(vf_load_some(x + i, n - i, mean), vf_set1(mean));
        squares = vf_fma(away, away, squares);
    }
    const vf factor = vf_set1(1.0f / __builtin_sqrtf(vf_reduce_add(squares) / (float)n + epsilon));
    for (size_t i = 0; i < n; i += 16) {
        const vf away = vf_sub(vf_load_some(x + i, n - i, 0), vf_set1(mean));
        const vf scaled = vf_mul(vf_mul(away, factor), vf_load_some(gain + i, n - i, 0));
        vf_store_some(out + i, n - i, bias ? vf_add(scaled, vf_load_some(bias + i, n - i, 0)) : scaled);
    }
}

static void rms_norm(const float *x, const float *gain, float epsilon, float *out, size_t n) {
    vf squares = vf_set1(0);
    for (size_t i = 0; i < n; i += 16) {
        const vf a = vf_load_some(x + i, n - i, 0);
        squares = vf_fma(a, a, squares);
    }
    const vf factor = vf_set1(1.0f / __builtin_sqrtf(vf_reduce_add(squares) / (float)n + epsilon));
    for (size_t i = 0; i < n; i += 16)
        vf_store_some(out + i, n - i, vf_mul(vf_mul(vf_load_some(x + i, n - i, 0), factor), vf_load_some(gain + i, n - i, 0)));
}

static void rotate(float *x, size_t heads, size_t stride, size_t half, const float *cosines, const float *sines,
                   int32_t interleaved) {
    for (size_t h = 0; h < heads; h++, x += stride) {
        if (interleaved) {
            for (size_t i = 0; i < half; i++) {
                const float a = x[2 * i], b = x[2 * i + 1];
                x[2 * i] = a * cosines[i] - b * sines[i];
                x[2 * i + 1] = a * sines[i] + b * cosines[i];
            }
            continue;
        }
        for (size_t i = 0; i < half; i += 16) {
            const size_t n = half - i;
            const vf c = vf_load_some(cosines + i, n, 0), s = vf_load_some(sines + i, n, 0);
            const vf a = vf_load_some(x + i, n, 0), b = vf_load_some(x + half + i, n, 0);
            vf_store_some(x + i, n, vf_sub(vf_mul(a, c), vf_mul(b, s)));
            vf_store_some(x + half + i, n, vf_add(vf_mul(a, s), vf_mul(b, c)));
        }
    }
}
