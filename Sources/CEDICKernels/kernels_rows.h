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

/// 2^r for r in -0.5...0.5; relative error below 2e-7, and 1 for 0.
EK_INLINE vf power_of_fraction(vf r) {
    vf power = vf_set1(0.0013264727f);
    power = vf_fma(power, r, vf_set1(0.009671513f));
    power = vf_fma(power, r, vf_set1(0.055507336f));
    power = vf_fma(power, r, vf_set1(0.24022242f));
    power = vf_fma(power, r, vf_set1(0.693147f));
    power = vf_fma(power, r, vf_set1(1));
    return power;
}

/// 2^x for x in -127...126, and 0 for less than -126.5. The largest fraction is as exact as x is.
EK_INLINE vf power_of_two(vf x) {
    // Adding 1.5 * 2^23 rounds to a whole number, whose last bits are where an exponent's would be 23 places further up.
    const vf moved = vf_add(x, vf_set1(12582912.0f + 127));
    return vf_mul(power_of_fraction(vf_sub(x, vf_sub(moved, vf_set1(12582912.0f + 127)))), vf_exponent(moved));
}

/// e^x for x below 0 and 0 for all of less than -87.3: a sum of weights has an absolute error, so no more than that is asked
/// for, which is below 1e-7.
EK_INLINE vf exponential_below(vf x) {
    return power_of_two(vf_max(vf_mul(x, vf_set1(1.44269504088896341f)), vf_set1(-127)));
}

EK_INLINE vf sigmoid_lanes(vf x) {
    return vf_div(vf_set1(1), vf_add(vf_set1(1), exponential(vf_sub(vf_set1(0), x))));
}
EK_INLINE vf tanh_lanes(vf x) {
    const vf e = exponential(vf_add(x, x));
    return vf_sub(vf_set1(1), vf_div(vf_set1(2), vf_add(e, vf_set1(1))));
}
/// x times the normal distribution's share below x: max(x, 0) less |x| times the share below -|x|, whose logarithm to base 2
/// is near a polynomial, so that one power of two is all it takes. Absolute error below 2e-7 (and that of rounding x).
EK_INLINE vf gelu_erf_lanes(vf x) {
    const vf size = vf_min(vf_abs(x), vf_set1(6));
    vf share = vf_set1(2.992423e-05f);
    share = vf_fma(share, size, vf_set1(-0.00073987455f));
    share = vf_fma(share, size, vf_set1(0.007977463f));
    share = vf_fma(share, size, vf_set1(-0.053238187f));
    share = vf_fma(share, size, vf_set1(-0.45891568f));
    share = vf_fma(share, size, vf_set1(-1.1511471f));
    share = vf_fma(share, size, vf_set1(-1));
    // Of two numbers the second is taken where one is no number, so that NaN stays NaN.
    return vf_fma(power_of_two(share), vf_sub(vf_set1(0), size), vf_max(vf_set1(0), x));
}

#define EK_ELEMENTWISE(name, value)                                       \
    static void name(float *x, size_t n) {                                \
        size_t i = 0;                                                     \
        for (; i + 16 <= n; i += 16) {                                    \
            const vf a = vf_load(x + i);                                  \
            vf_store(x + i, value);                                       \
        }                                                                 \
        if (i < n) {                                                      \
            const vf a = vf_load_some(x + i, n - i, 0);                   \
            vf_store_some(x + i, n - i, value);                           \
        }                                                                 \
    }

EK_ELEMENTWISE(relu, vf_max(a, vf_set1(0)))
EK_ELEMENTWISE(silu, vf_mul(a, sigmoid_lanes(a)))
EK_ELEMENTWISE(sigmoid, sigmoid_lanes(a))
EK_ELEMENTWISE(tanh_row, tanh_lanes(a))
EK_ELEMENTWISE(gelu_erf, gelu_erf_lanes(a))
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
    vf even = vf_set1(-__builtin_inff()), odd = even;
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        even = vf_max(vf_load(x + i), even);
        odd = vf_max(vf_load(x + i + 16), odd);
    }
    for (; i < n; i += 16) even = vf_max(vf_load_some(x + i, n - i, -__builtin_inff()), even);
    return vf_reduce_max(vf_max(odd, even));
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
    size_t i = 0;
    for (; i + 16 <= n; i += 16) sum = vf_add(sum, exponential_below(vf_sub(vf_load(x + i), vf_set1(most))));
    if (i < n)
        sum = vf_add(sum, exponential_below(vf_sub(vf_load_some(x + i, n - i, -__builtin_inff()), vf_set1(most))));
    return vf_reduce_add(sum);
}

static void softmax(float *x, size_t n) {
    if (n == 0) return;
    const vf most = vf_set1(maximum(x, n));
    vf sum = vf_set1(0);
    for (size_t i = 0; i < n; i += 16) {
        const vf e = exponential_below(vf_sub(vf_load_some(x + i, n - i, -__builtin_inff()), most));
        sum = vf_add(sum, e);
        vf_store_some(x + i, n - i, e);
    }
    scale(x, 1.0f / vf_reduce_add(sum), n);
}

EK_INLINE vf squared_distance(vf x, float mean, vf sum) {
    const vf away = vf_sub(x, vf_set1(mean));
    return vf_fma(away, away, sum);
}

/// The sum of 16 lanes' sums, four of which are in progress at once.
#define EK_SUM_LANES(total, n, term)                                                                     \
    do {                                                                                                 \
        vf sums[4];                                                                                      \
        EK_UNROLL for (int l = 0; l < 4; l++) sums[l] = vf_set1(0);                                      \
        size_t i = 0;                                                                                    \
        for (; i + 64 <= n; i += 64) {                                                                   \
            EK_UNROLL for (int l = 0; l < 4; l++) sums[l] = term(vf_load(x + i + 16 * l), sums[l]);      \
        }                                                                                                \
        for (; i < n; i += 16) sums[0] = term(vf_load_some(x + i, n - i, missing), sums[0]);             \
        total = vf_reduce_add(vf_add(vf_add(sums[0], sums[1]), vf_add(sums[2], sums[3])));               \
    } while (0)

static void layer_norm(const float *x, const float *gain, const float *bias, float epsilon, float *out, size_t n) {
    float mean, squares, missing = 0;
#define EK_TERM(own, sum) vf_add(sum, own)
    EK_SUM_LANES(mean, n, EK_TERM);
#undef EK_TERM
    mean = missing = mean / (float)n;
#define EK_TERM(own, sum) squared_distance(own, mean, sum)
    EK_SUM_LANES(squares, n, EK_TERM);
#undef EK_TERM
    const vf factor = vf_set1(1.0f / __builtin_sqrtf(squares / (float)n + epsilon));
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const vf away = vf_sub(vf_load(x + i), vf_set1(mean));
        const vf scaled = vf_mul(vf_mul(away, factor), vf_load(gain + i));
        vf_store(out + i, bias ? vf_add(scaled, vf_load(bias + i)) : scaled);
    }
    if (i < n) {
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
