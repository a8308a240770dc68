#include <math.h>
#include <string.h>

#include "buckets.h"

#pragma clang fp contract(off)

/// log10, from the exponent and a series for the fraction between sqrt(1/2) and sqrt(2).
static inline float log10_of(float value) {
    double x = value;
    uint64_t bits;
    memcpy(&bits, &x, 8);
    // Adding the distance from sqrt(1/2) to 1 carries into the exponent where the fraction is above it.
    uint64_t raised = bits + (0x3FF0000000000000u - 0x3FE6A09E667F3BCDu);
    double exponent = (double)((int32_t)(raised >> 52) - 1023);
    bits = (raised & 0x000FFFFFFFFFFFFFu) + 0x3FE6A09E667F3BCDu;
    double fraction;
    memcpy(&fraction, &bits, 8);
    double f = (fraction - 1) / (fraction + 1), s = f * f;
    double series = 1 + s * (1.0 / 3 + s * (1.0 / 5 + s * (1.0 / 7 + s * (1.0 / 9 + s * (1.0 / 11 + s * (1.0 / 13
        + s * (1.0 / 15)))))));
    double result = exponent * 0.30102999566398119521 + 2 * f * series * 0.43429448190325182765;
    return value > 0 ? (float)result : -INFINITY;
}

void edic_ngram_logs(const float *values, size_t n, float *logs) {
    for (size_t i = 0; i < n; i++) logs[i] = log10_of(values[i]);
}

static const char pairs[201] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354"
    "555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

static inline uint8_t *put_pair(uint8_t *out, uint32_t value) {
    memcpy(out, pairs + 2 * value, 2);
    return out + 2;
}

/// Eight digits of a number below 10^8.
static inline uint8_t *put_eight(uint8_t *out, uint32_t value) {
    uint32_t high = value / 10000, low = value % 10000;
    put_pair(out, high / 100);
    put_pair(out + 2, high % 100);
    put_pair(out + 4, low / 100);
    put_pair(out + 6, low % 100);
    return out + 8;
}

/// Numbers that log-probabilities hardly ever are: one digit, a point, eight digits and an exponent.
static uint8_t *put_rare(uint8_t *out, double magnitude) {
    if (isnan(magnitude)) return memcpy(out, "nan", 3), out + 3;
    if (isinf(magnitude)) return memcpy(out, "inf", 3), out + 3;
    int exponent = 0;
    while (magnitude >= 10) magnitude /= 10, exponent++;
    while (magnitude < 1) magnitude *= 10, exponent--;
    uint64_t scaled = (uint64_t)(magnitude * 1e8 + 0.5);
    if (scaled >= 1000000000) scaled /= 10, exponent++;
    *out++ = (uint8_t)('0' + scaled / 100000000);
    *out++ = '.';
    out = put_eight(out, (uint32_t)(scaled % 100000000));
    *out++ = 'e';
    *out++ = exponent < 0 ? '-' : '+';
    return put_pair(out, (uint32_t)(exponent < 0 ? -exponent : exponent));
}

static inline uint8_t *put_number(uint8_t *out, float value) {
    double magnitude = value < 0 ? -(double)value : (double)value;
    if (magnitude == 0) {
        *out = '0';
        return out + 1;
    }
    if (value < 0) *out++ = '-';
    if (!(magnitude < 1000 && magnitude >= 0x1p-10)) return put_rare(out, magnitude);
    // Ten to the minus `decimals` is below the distance between neighbouring floats.
    uint32_t whole, fraction, tail = 0, has_tail = 0;
    if (magnitude >= 1) {
        uint64_t scaled = (uint64_t)(magnitude * 1e7 + 0.5);
        whole = (uint32_t)(scaled / 10000000);
        fraction = (uint32_t)(scaled % 10000000) * 10;
    } else if (magnitude >= 0.125) {
        uint64_t scaled = (uint64_t)(magnitude * 1e8 + 0.5);
        whole = (uint32_t)(scaled / 100000000);
        fraction = (uint32_t)(scaled % 100000000);
    } else {
        uint64_t scaled = (uint64_t)(magnitude * 1e10 + 0.5);
        whole = 0;
        fraction = (uint32_t)(scaled / 100);
        tail = (uint32_t)(scaled % 100);
        has_tail = 1;
    }
    if (whole >= 100) {
        *out++ = (uint8_t)('0' + whole / 100);
        out = put_pair(out, whole % 100);
    } else if (whole >= 10) {
        out = put_pair(out, whole);
    } else {
        *out++ = (uint8_t)('0' + whole);
    }
    if (!fraction && !tail) return out;
    *out++ = '.';
    out = put_eight(out, fraction);
    if (has_tail) out = put_pair(out, tail);
    while (out[-1] == '0') out--;
    return out;
}

size_t edic_ngram_number(float value, uint8_t *out) { return (size_t)(put_number(out, value) - out); }

/// Moves to the next n-gram of order k, and with it to its suffixes.
static void advance(edic_ngram_walk *walk, const edic_ngram_level *levels, uint32_t k) {
    if (k > 1) {
        while (walk->left[k - 1] == 0) advance(walk, levels, k - 1);
        walk->left[k - 1]--;
    }
    size_t place = walk->places[k]++;
    const edic_ngram_level *level = &levels[k - 1];
    walk->left[k] = k > 1 && is_begin(level->labels[place]) ? 0 : level->counts[place];
}

size_t edic_ngram_lines(uint32_t k, const edic_ngram_level *levels, uint32_t code_base, const float *logs,
                        const float *backoffs, const uint8_t *bytes, const intptr_t *starts, uint8_t *out,
                        size_t capacity, edic_ngram_walk *walk) {
    uint8_t *at = out, *end = out + capacity;
    const edic_ngram_level level = levels[k - 1];
    size_t room = 2 * EDIC_NGRAM_NUMBER + 3 + 16;
    // What follows the first word, where it stands in the line before with the same suffix.
    const uint8_t *suffix = NULL;
    size_t suffix_size = 0;
    while (walk->node < level.n) {
        size_t node = walk->node;
        uint32_t label = k == 1 ? code_base + (uint32_t)node : level.labels[node];
        if (k > 1 && walk->left[k - 1] == 0) {
            while (walk->left[k - 1] == 0) advance(walk, levels, k - 1);
            suffix = NULL;
        }
        if (k > 1) {
            size_t ahead = node + 24;
            if (ahead < level.n) {
                __builtin_prefetch(&starts[(level.labels[ahead] & ~EDIC_NGRAM_PRUNED) - 1]);
                __builtin_prefetch(bytes + starts[(level.labels[ahead - 12] & ~EDIC_NGRAM_PRUNED) - 1]);
            }
        }
        if (k > 1 && label & EDIC_NGRAM_PRUNED) {
            walk->left[k - 1]--;
            walk->node++;
            continue;
        }
        const uint8_t *word = bytes + starts[label - 1];
        size_t length = (size_t)(starts[label] - starts[label - 1]);
        if ((size_t)(end - at) < room + length) break;
        uint8_t *line = at;
        at = put_number(at, logs[node]);
        *at++ = '\t';
        if (length <= 16) {
            memcpy(at, word, 16);
        } else {
            memcpy(at, word, length);
        }
        at += length;
        if (k > 1 && suffix) {
            if ((size_t)(end - at) < room + suffix_size) {
                at = line;
                break;
            }
            memcpy(at, suffix, suffix_size);
            suffix = at;
            at += suffix_size;
        } else if (k > 1) {
            const uint8_t *begin = at;
            int is_full = 0;
            for (uint32_t j = k - 1; j >= 1; j--) {
                size_t place = walk->places[j] - 1;
                uint32_t code = j == 1 ? code_base + (uint32_t)place : levels[j - 1].labels[place] & ~EDIC_NGRAM_PRUNED;
                word = bytes + starts[code - 1];
                length = (size_t)(starts[code] - starts[code - 1]);
                if ((size_t)(end - at) < room + length) {
                    is_full = 1;
                    break;
                }
                *at++ = ' ';
                if (length <= 16) {
                    memcpy(at, word, 16);
                } else {
                    memcpy(at, word, length);
                }
                at += length;
            }
            if (is_full) {
                at = line;
                break;
            }
            suffix = begin;
            suffix_size = (size_t)(at - begin);
        }
        if (backoffs) {
            *at++ = '\t';
            at = put_number(at, backoffs[node]);
        }
        *at++ = '\n';
        if (k > 1) walk->left[k - 1]--;
        walk->node++;
    }
    return (size_t)(at - out);
}
