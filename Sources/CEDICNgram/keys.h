// Included once for each number of limbs L, from 1 to 5: what works on keys of that many limbs.

#define JOIN2(a, b) a##b
#define JOIN(a, b) JOIN2(a, b)
#define NAME(name) JOIN(name, L)

typedef struct { uint64_t limb[L]; } NAME(key);

static inline int NAME(key_less)(const NAME(key) *a, const NAME(key) *b) {
    for (int i = 0; i < L - 1; i++) {
        if (a->limb[i] != b->limb[i]) return a->limb[i] < b->limb[i];
    }
    return a->limb[L - 1] < b->limb[L - 1];
}

static inline int NAME(key_equal)(const NAME(key) *a, const NAME(key) *b) {
    uint64_t difference = 0;
    for (int i = 0; i < L; i++) difference |= a->limb[i] ^ b->limb[i];
    return difference == 0;
}

/// Makes `code` the last word; the others move one back, and the one beyond the order falls off.
static inline void NAME(key_push)(NAME(key) *key, uint64_t code, const key_shape *shape) {
    uint64_t carried = code;
    for (int i = 0; i < L; i++) {
        uint64_t old = key->limb[i];
        key->limb[i] = ((old >> shape->bits) | (carried << shape->top)) & shape->full[i];
        carried = old & shape->word;
    }
}

static inline uint32_t NAME(key_code)(const NAME(key) *key, const key_shape *shape, uint32_t word) {
    return (uint32_t)((key->limb[shape->limb[word]] >> shape->shift[word]) & shape->word);
}

static void NAME(insertion_sort)(NAME(key) *keys, size_t n) {
    for (size_t i = 1; i < n; i++) {
        NAME(key) key = keys[i];
        size_t hole = i;
        while (hole > 0 && NAME(key_less)(&key, &keys[hole - 1])) {
            keys[hole] = keys[hole - 1];
            hole--;
        }
        keys[hole] = key;
    }
}

/// Sorts `from` by radix, from the first bit in which keys differ, into `from` itself or `to`.
static void NAME(radix_sort)(NAME(key) *from, NAME(key) *to, size_t n, int limb, int into_other) {
    if (n <= 32) {
        NAME(insertion_sort)(from, n);
        if (into_other) memcpy(to, from, n * sizeof *from);
        return;
    }
    uint64_t difference = 0;
    while (limb < L) {
        uint64_t sample = from[0].limb[limb];
        for (size_t i = 1; i < n; i++) difference |= from[i].limb[limb] ^ sample;
        if (difference) break;
        limb++;
    }
    if (limb == L) {
        if (into_other) memcpy(to, from, n * sizeof *from);
        return;
    }
    int top = 64 - __builtin_clzll(difference);
    // Few keys are not worth a wide histogram.
    int digit_bits = n < 2048 ? 6 : n < 32768 ? 8 : 10;
    if (digit_bits > top) digit_bits = top;
    int shift = top - digit_bits;
    uint64_t mask = ((uint64_t)1 << digit_bits) - 1;
    uint32_t digits = 1u << digit_bits;
    size_t places[1025];
    memset(places, 0, sizeof(size_t) * (digits + 1));
    for (size_t i = 0; i < n; i++) places[((from[i].limb[limb] >> shift) & mask) + 1]++;
    for (uint32_t d = 0; d < digits; d++) places[d + 1] += places[d];
    for (size_t i = 0; i < n; i++) to[places[(from[i].limb[limb] >> shift) & mask]++] = from[i];
    size_t start = 0;
    for (uint32_t d = 0; d < digits; d++) {
        size_t end = places[d];
        if (end > start) NAME(radix_sort)(to + start, from + start, end - start, limb, !into_other);
        start = end;
    }
}

static void NAME(scatter)(const uint8_t *in, size_t size, const uint32_t *map, const key_shape *shape,
                          const edic_ngram_plan *plan, uint32_t first, uint32_t last, NAME(key) *keys,
                          uint64_t *cursors, NAME(key) *stage, uint8_t *filled) {
    const uint8_t *end = in + size;
    NAME(key) start = {{0}};
    NAME(key_push)(&start, EDIC_NGRAM_BEGIN, shape);
    NAME(key) key = start;
    uint32_t before = EDIC_NGRAM_BEGIN;
    while (in < end) {
        uint64_t number;
        in = edic_get(in, end, &number);
        uint32_t code = map[number];
        if (code == EDIC_NGRAM_NONE) continue;
        NAME(key_push)(&key, code, shape);
        uint32_t bucket = bucket_of(plan, code, before);
        if (bucket - first < last - first) {
            uint32_t b = bucket - first;
            stage[b * STAGED + filled[b]] = key;
            if (++filled[b] == STAGED) {
                uint64_t at = __atomic_fetch_add(&cursors[b], STAGED, __ATOMIC_RELAXED);
                memcpy(keys + at, stage + b * STAGED, STAGED * sizeof *keys);
                filled[b] = 0;
            }
        }
        before = code;
        if (code == EDIC_NGRAM_END) {
            key = start;
            before = EDIC_NGRAM_BEGIN;
        }
    }
    for (uint32_t b = 0; b < last - first; b++) {
        if (!filled[b]) continue;
        uint64_t at = __atomic_fetch_add(&cursors[b], filled[b], __ATOMIC_RELAXED);
        memcpy(keys + at, stage + b * STAGED, filled[b] * sizeof *keys);
        filled[b] = 0;
    }
}

/// How many words, from the last, two different keys share.
static inline uint32_t NAME(shared_words)(const NAME(key) *a, const NAME(key) *b, const key_shape *shape) {
    for (int i = 0; i < L; i++) {
        uint64_t difference = a->limb[i] ^ b->limb[i];
        if (!difference) continue;
        uint32_t bits = (uint32_t)__builtin_clzll(difference) - shape->unused;
        return (uint32_t)i * shape->words_per_limb + bits / shape->bits;
    }
    return shape->order;
}

static size_t NAME(merge)(NAME(key) *keys, uint64_t *scratch, size_t n, const key_shape *shape, uint64_t *nodes) {
    if (n == 0) return 0;
    uint32_t *runs = (uint32_t *)scratch;
    uint8_t *shared = (uint8_t *)(runs + n), *depths = shared + n;
    size_t out = 0;
    uint64_t begun[12] = {0};
    for (size_t i = 0; i < n;) {
        size_t next = i + 1;
        while (next < n && NAME(key_equal)(&keys[next], &keys[i])) next++;
        NAME(key) key = keys[i];
        uint32_t common = out ? NAME(shared_words)(&key, &keys[out - 1], shape) : 0;
        uint32_t depth = shape->order;
        while (NAME(key_code)(&key, shape, depth - 1) == EDIC_NGRAM_NONE) depth--;
        keys[out] = key;
        runs[out] = next - i > UINT32_MAX ? UINT32_MAX : (uint32_t)(next - i);
        shared[out] = (uint8_t)common;
        depths[out] = (uint8_t)depth;
        // Orders common + 1 to depth begin here.
        begun[common]++;
        begun[depth]--;
        out++;
        i = next;
    }
    uint64_t sum = 0;
    for (uint32_t k = 1; k <= shape->order; k++) {
        sum += begun[k - 1];
        nodes[k - 1] += sum;
    }
    return out;
}

static void NAME(build)(const NAME(key) *keys, const uint64_t *scratch, size_t n, size_t merged, const key_shape *shape,
                        uint32_t code_base, edic_ngram_level *levels, uint32_t *const *occurrences) {
    const uint32_t *runs = (const uint32_t *)scratch;
    const uint8_t *shared = (const uint8_t *)(runs + n), *depths = shared + n;
    size_t current[12];
    for (int k = 0; k < 12; k++) current[k] = SIZE_MAX;
    uint32_t order = shape->order;
    for (size_t i = 0; i < merged; i++) {
        const NAME(key) *key = &keys[i];
        uint32_t run = runs[i], depth = depths[i];
        for (uint32_t k = shared[i] + 1u; k <= depth; k++) {
            uint32_t code = NAME(key_code)(key, shape, k - 1);
            if (k == 1) {
                current[1] = code - code_base;
                continue;
            }
            size_t node = ++current[k];
            levels[k - 1].labels[node] = code;
            levels[k - 1].counts[node] = k == order || code == EDIC_NGRAM_BEGIN ? run : 0;
            levels[k - 2].counts[current[k - 1]]++;
        }
        if (!occurrences) continue;
        for (uint32_t k = 2; k <= depth; k++) {
            uint32_t *sums = occurrences[k - 1];
            if (!sums) continue;
            uint32_t sum = sums[current[k]] + run;
            sums[current[k]] = sum < run ? UINT32_MAX : sum;
        }
    }
}

#undef NAME
#undef JOIN
#undef JOIN2
