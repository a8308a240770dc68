// The merging of short words, of kernels.h, compiled once for each instruction set.
//
// Each merge waits for the one before it: for memory, and for what it wrote. So several words are merged side by side, each
// in a lane of its own, and each lane goes in two rounds: one merges and sends for the buckets of the two new pairs, the
// next reads them.

enum { LANES = 8 };

// --- Ranks ----------------------------------------------------------------------------------------------------------

// A bucket where no pair is, of wide symbols; of narrow ones it is the table's last.
static const uint64_t nowhere_wide[8] __attribute__((aligned(64))) = {
    UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
};

// The place of a key in a bucket, or 8.
static inline unsigned place_in(const edic_tok_bucket *b, uint32_t key) {
#if defined(EDIC_AVX2) || defined(EDIC_AVX512)
    __m256i equal = _mm256_cmpeq_epi32(_mm256_load_si256((const __m256i *)b->keys), _mm256_set1_epi32((int)key));
    return (unsigned)__builtin_ctz((unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(equal)) | 0x100);
#elif defined(EDIC_NEON)
    uint32x4_t wanted = vdupq_n_u32(key);
    uint16x4_t low = vmovn_u32(vceqq_u32(vld1q_u32(b->keys), wanted)), high = vmovn_u32(vceqq_u32(vld1q_u32(b->keys + 4), wanted));
    uint64_t equal = vget_lane_u64(vreinterpret_u64_u8(vmovn_u16(vcombine_u16(low, high))), 0);
    return equal ? (unsigned)__builtin_ctzll(equal) / 8 : 8;
#else
    unsigned place = 8;
    for (unsigned i = 8; i-- > 0;) place = b->keys[i] == key ? i : place;
    return place;
#endif
}

// The rank of a pair, or EDIC_TOK_NO_NARROW_RANK, searched from a bucket on.
static inline uint32_t narrow_rank(const edic_tok_pairs *p, const edic_tok_bucket *b, uint32_t key) {
    for (;;) {
        unsigned place = place_in(b, key);
        // Without a branch on whether it was found, which nobody can foresee.
        if (__builtin_expect(!b->overflows | (place < 8), 1)) return b->ranks[place];
        b = b + 1 < p->buckets + edic_tok_pairs_bucket_count(p) ? b + 1 : p->buckets;
    }
}

// The same of wide symbols: the key is left << 20 | right, and there is no rank if it is EDIC_TOK_NO_RANK.
static inline uint32_t wide_rank(const edic_tok_pairs *p, const uint64_t *slots, uint64_t key) {
    for (;;) {
#if defined(EDIC_AVX2) || defined(EDIC_AVX512)
        __m256i a = _mm256_load_si256((const __m256i *)slots), b = _mm256_load_si256((const __m256i *)(slots + 4));
        __m256i wanted = _mm256_set1_epi64x((long long)key);
        __m256i in_a = _mm256_cmpeq_epi64(_mm256_srli_epi64(a, 24), wanted);
        __m256i in_b = _mm256_cmpeq_epi64(_mm256_srli_epi64(b, 24), wanted);
        __m256i hit = _mm256_or_si256(_mm256_and_si256(in_a, a), _mm256_and_si256(in_b, b));
        __m128i half = _mm_or_si128(_mm256_castsi256_si128(hit), _mm256_extracti128_si256(hit, 1));
        half = _mm_or_si128(half, _mm_unpackhi_epi64(half, half));
        uint32_t rank = (uint32_t)_mm_cvtsi128_si32(half) & EDIC_TOK_NO_RANK;
        int found = !_mm256_testz_si256(_mm256_or_si256(in_a, in_b), _mm256_or_si256(in_a, in_b));
#else
        uint32_t rank = 0, found = 0;
        for (unsigned i = 0; i < 8; i++) {
            uint32_t is = slots[i] >> 24 == key;
            rank |= (uint32_t)slots[i] & (0 - is);
            found |= is;
        }
        rank &= EDIC_TOK_NO_RANK;
#endif
        rank = found ? rank : EDIC_TOK_NO_RANK;
        if (__builtin_expect(slots[7] == UINT64_MAX || found, 1)) return rank;
        slots = slots + 8 < p->slots + edic_tok_pairs_bucket_count(p) * 8 ? slots + 8 : p->slots;
    }
}

// A pair whose bucket is on its way.
typedef struct {
    const void *bucket;
    uint32_t left, right;
} request;

static inline request ask(const edic_tok_pairs *p, int is, uint32_t left, uint32_t right) {
    const void *bucket;
    if (p->buckets) {
        size_t at = edic_tok_narrow_bucket(p, left << 16 | right), nowhere = edic_tok_pairs_bucket_count(p);
        bucket = &p->buckets[is ? at : nowhere];
    } else {
        const uint64_t *slots = p->slots + edic_tok_wide_bucket(p, left, right) * 8;
        bucket = is ? slots : nowhere_wide;
    }
    __builtin_prefetch(bucket);
    return (request){bucket, left, right};
}

// What was asked for, or EDIC_TOK_NO_RANK.
static inline uint32_t answer(const edic_tok_pairs *p, request r) {
    if (!p->buckets) return wide_rank(p, r.bucket, (uint64_t)r.left << 20 | r.right);
    uint32_t rank = narrow_rank(p, r.bucket, r.left << 16 | r.right);
    return rank == EDIC_TOK_NO_NARROW_RANK ? EDIC_TOK_NO_RANK : rank;
}

#if defined(EDIC_AVX2) || defined(EDIC_AVX512)
#define EDIC_MERGES_IN_REGISTERS 1
#include "merging_registers.h"
#endif

// --- Words of up to EDIC_TOK_SHORT symbols --------------------------------------------------------------------------

// The least of keys[0..<count], count a multiple of 8.
static inline uint32_t least(const uint32_t *keys, size_t count) {
#if defined(EDIC_AVX2) || defined(EDIC_AVX512)
    __m256i m = _mm256_loadu_si256((const __m256i *)keys);
    for (size_t i = 8; i < count; i += 8) m = _mm256_min_epu32(m, _mm256_loadu_si256((const __m256i *)(keys + i)));
    __m128i h = _mm_min_epu32(_mm256_castsi256_si128(m), _mm256_extracti128_si256(m, 1));
    h = _mm_min_epu32(h, _mm_shuffle_epi32(h, 0x4E));
    h = _mm_min_epu32(h, _mm_shuffle_epi32(h, 0xB1));
    return (uint32_t)_mm_cvtsi128_si32(h);
#elif defined(EDIC_NEON)
    uint32x4_t m = vminq_u32(vld1q_u32(keys), vld1q_u32(keys + 4));
    for (size_t i = 8; i < count; i += 4) m = vminq_u32(m, vld1q_u32(keys + i));
    return vminvq_u32(m);
#else
    uint32_t m = keys[0];
    for (size_t i = 1; i < count; i++) m = keys[i] < m ? keys[i] : m;
    return m;
#endif
}

// A word on its way. A key is rank << 8 | place of the left symbol, so that the least is the lowest rank's leftmost
// pair.
typedef struct {
    uint32_t keys[EDIC_TOK_SHORT + 8];
    uint32_t *symbols;
    size_t count, padded;
    // The two pairs that the last merge made.
    request pairs[2];
    size_t places[2];
    edic_tok_merging *word;
    uint8_t next[EDIC_TOK_SHORT + 1], previous[EDIC_TOK_SHORT + 1];
} lane;

static void begin(lane *l, const edic_tok_pairs *pairs, edic_tok_merging *word) {
    size_t count = word->count, padded = count > 0 ? (count + 7) & ~(size_t)7 : 8;
    const uint32_t *symbols = word->symbols;
    l->word = word;
    l->symbols = word->symbols;
    l->count = count;
    l->padded = padded;
    l->pairs[0] = l->pairs[1] = ask(pairs, 0, 0, 0);
    l->places[0] = l->places[1] = padded - 1;       // where no pair begins
    for (size_t i = count > 0 ? count - 1 : 0; i < padded; i++) l->keys[i] = UINT32_MAX;
    for (size_t i = 0; i + 1 < count; i++) {
        l->keys[i] = answer(pairs, ask(pairs, 1, symbols[i], symbols[i + 1])) << 8 | (uint32_t)i;
    }
    for (size_t i = 0; i <= count; i++) {
        l->next[i] = (uint8_t)(i + 1);
        l->previous[i] = (uint8_t)(i - 1);
    }
}

// Takes what was asked for.
static inline void settle(lane *l, const edic_tok_pairs *pairs) {
    for (unsigned w = 0; w < 2; w++) l->keys[l->places[w]] = answer(pairs, l->pairs[w]) << 8 | (uint32_t)l->places[w];
}

// One merge; returns 0 when there is none left.
static inline int advance(lane *l, const edic_tok_pairs *pairs) {
    uint32_t *symbols = l->symbols, *keys = l->keys;
    uint32_t key = least(keys, l->padded), rank = key >> 8;
    if (rank == EDIC_TOK_NO_RANK) return 0;
    uint32_t made = pairs->bases + rank;
    size_t i = key & 0xFF, j = l->next[i], k = l->next[j], h = i > 0 ? l->previous[i] : 0;
    symbols[i] = made;
    keys[j] = UINT32_MAX;
    l->next[i] = (uint8_t)k;
    l->previous[k] = (uint8_t)i;
    l->pairs[0] = ask(pairs, k < l->count, made, symbols[k < l->count ? k : 0]);
    l->places[0] = i;
    l->pairs[1] = ask(pairs, i > 0, symbols[h], made);
    l->places[1] = i > 0 ? h : j;
    return 1;
}

static void finish(const lane *l) {
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i = l->next[i]) l->symbols[kept++] = l->symbols[i];
    l->word->count = kept;
}

static void merge_wide(const edic_tok_pairs *pairs, edic_tok_merging *const *words, size_t count) {
    lane lanes[LANES], *active[LANES];
    size_t running = 0, next = 0;
    for (; running < LANES && next < count; running++) {
        active[running] = &lanes[running];
        begin(active[running], pairs, words[next++]);
    }
    while (running > 0) {
        // In two rounds: what one writes, the other reads in greater units, which only works well some time later.
        for (size_t l = 0; l < running; l++) settle(active[l], pairs);
        for (size_t l = 0; l < running;) {
            if (advance(active[l], pairs)) {
                l++;
                continue;
            }
            finish(active[l]);
            if (next < count) {
                begin(active[l++], pairs, words[next++]);
            } else {
                active[l] = active[--running];
            }
        }
    }
}

static void merge(const edic_tok_pairs *pairs, edic_tok_merging *words, size_t count) {
    enum { AT_ONCE = 64 };
    edic_tok_merging *narrow[AT_ONCE], *wide[AT_ONCE];
    for (size_t from = 0; from < count; from += AT_ONCE) {
        size_t narrows = 0, wides = 0, to = count - from < AT_ONCE ? count : from + AT_ONCE;
        for (size_t i = from; i < to; i++) {
#ifdef EDIC_MERGES_IN_REGISTERS
            if (pairs->buckets && words[i].count <= NARROW_WORD) {
                narrow[narrows++] = &words[i];
                continue;
            }
#endif
            // Merges what is sure, and sends for the pairs that are left.
            if (pairs->firsts) words[i].count = edic_tok_merge_firsts(pairs, words[i].symbols, words[i].count);
            for (size_t k = 0; k + 1 < words[i].count; k++) ask(pairs, 1, words[i].symbols[k], words[i].symbols[k + 1]);
            wide[wides++] = &words[i];
        }
#ifdef EDIC_MERGES_IN_REGISTERS
        merge_narrow(pairs, narrow, narrows);
#else
        (void)narrow;
        (void)narrows;
#endif
        merge_wide(pairs, wide, wides);
    }
}
