// Merging words of up to 32 narrow symbols in registers of AVX2, for merging_body.h.
//
// A group of words goes through each step together, so that none waits for memory: the sure merges of firsts.h, sending
// for the pairs that are left, taking their ranks, and then merge after merge. Next to no loop depends on a word's
// length, which nobody can foresee: steps are for 8 or 16 places at once, whatever is in them.

enum { PART = 16, PARTS = 2, NARROW_WORD = PART * PARTS, NO_PLACE = 48, GROUP = 16 };

// The ranks of a word's pairs are in one or two registers, its symbols in as many, and both close up over what a merge
// takes away.
typedef struct {
    // The word begins at [PART]; what is before and behind it is read and not used.
    uint16_t symbols[PART + NARROW_WORD + PART] __attribute__((aligned(32)));
    uint16_t ranks[NARROW_WORD] __attribute__((aligned(32)));
    // The pairs that it begins with, and where they are looked for.
    uint32_t keys[NARROW_WORD] __attribute__((aligned(32))), buckets[NARROW_WORD] __attribute__((aligned(32)));
    // What the last merge asked for: the pair that begins at `place`, and the one before it.
    request here, before;
    size_t place, count;
    unsigned parts;                 // how many registers it takes
    edic_tok_merging *word;
} narrow_lane;

// Read from NO_PLACE - place on, one place; and all places behind it.
#define SIXTEEN(x) x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x
static const uint16_t one_place[96] __attribute__((aligned(64))) = {[NO_PLACE] = UINT16_MAX};
static const uint16_t behind_place[96] __attribute__((aligned(64))) = {
    SIXTEEN(0), SIXTEEN(0), SIXTEEN(0), 0, SIXTEEN(UINT16_MAX), SIXTEEN(UINT16_MAX), [81 ... 95] = UINT16_MAX,
};
#undef SIXTEEN

static inline __m256i part_of(const uint16_t *of, unsigned part) {
    return _mm256_loadu_si256((const __m256i *)(of + PART * part));
}

static inline __m256i with(__m256i x, __m256i other, __m256i where) { return _mm256_blendv_epi8(x, other, where); }

// The last half of one register and the first of the next.
static inline __m256i between(__m256i one, __m256i next) { return _mm256_permute2x128_si256(one, next, 0x21); }

// What stands one place to the right in the word.
static inline __m256i next_to(__m256i part, __m256i next_part) { return _mm256_alignr_epi8(between(part, next_part), part, 2); }

// rank << 16 | place of the lowest rank's leftmost pair.
static inline uint32_t least_of(__m256i ranks, uint32_t from) {
    uint32_t low = (uint32_t)_mm_cvtsi128_si32(_mm_minpos_epu16(_mm256_castsi256_si128(ranks)));
    uint32_t high = (uint32_t)_mm_cvtsi128_si32(_mm_minpos_epu16(_mm256_extracti128_si256(ranks, 1)));
    low = (low << 16 | low >> 16) + from;
    high = (high << 16 | high >> 16) + from + 8;
    return low < high ? low : high;
}

// --- Sure merges ----------------------------------------------------------------------------------------------------

// The places of a register that have a bit in `bits`.
static inline __m256i places_of(uint32_t bits) {
    const __m256i each = _mm256_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, -32768);
    return _mm256_cmpeq_epi16(_mm256_and_si256(_mm256_set1_epi16((short)bits), each), each);
}

// The first 16 bits of 16 units of 64, in order.
static inline __m256i lowest_of(const __m256i *v) {
    const __m256i low = _mm256_set1_epi64x(0xFFFF);
    __m256i a = _mm256_packus_epi32(_mm256_and_si256(v[0], low), _mm256_and_si256(v[1], low));
    __m256i b = _mm256_packus_epi32(_mm256_and_si256(v[2], low), _mm256_and_si256(v[3], low));
    return _mm256_permutevar8x32_epi32(_mm256_packus_epi32(a, b), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

// Stores those of 8 symbols that have a bit in `kept` one after the other.
static inline void store_kept(uint16_t *to, __m128i symbols, uint32_t kept) {
    uint64_t bytes = _pdep_u64(kept, 0x0101010101010101) * 0xFF;
    __m128i from = _mm_cvtsi64_si128((long long)_pext_u64(0x0E0C0A0806040200, bytes));
    from = _mm_add_epi8(_mm_unpacklo_epi8(from, from), _mm_set1_epi16(0x0100));
    _mm_storeu_si128((__m128i *)to, _mm_shuffle_epi8(symbols, from));
}

// What is known of the pairs at 8 indexes, of which `count` are some; nothing of the others. One by one,
// since many processors gather slowly.
static inline void known_of(const edic_tok_firsts *f, __m256i index, int count, __m256i *known) {
    uint32_t at[8] __attribute__((aligned(32)));
    __m256i is = _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    _mm256_store_si256((__m256i *)at, _mm256_and_si256(index, is));
    for (unsigned k = 0; k < 8; k += 4) {
        __m128d low = _mm_loadh_pd(_mm_load_sd((const double *)&f->known[at[k]]), (const double *)&f->known[at[k + 1]]);
        __m128d high = _mm_loadh_pd(_mm_load_sd((const double *)&f->known[at[k + 2]]), (const double *)&f->known[at[k + 3]]);
        __m128i wanted = k == 0 ? _mm256_castsi256_si128(is) : _mm256_extracti128_si256(is, 1);
        __m256i four = _mm256_castpd_si256(_mm256_insertf128_pd(_mm256_castpd128_pd256(low), high, 1));
        known[k / 4] = _mm256_and_si256(four, _mm256_cvtepi32_epi64(wanted));
    }
}

// Puts a word into a lane with all its sure merges done: those of firsts.c, which says why.
static inline __attribute__((always_inline)) void begin_parts(narrow_lane *l, const edic_tok_pairs *p, edic_tok_merging *word,
                                                               const unsigned parts) {
    const __m256i nothing = _mm256_setzero_si256();
    const size_t count = word->count;
    __m256i symbols[PARTS + 1], most = nothing;
    for (unsigned i = 0; i < parts; i++) {
        const __m256i *from = (const __m256i *)(word->symbols + PART * i);
        __m256i packed = _mm256_packus_epi32(_mm256_loadu_si256(from), _mm256_loadu_si256(from + 1));
        packed = _mm256_permute4x64_epi64(packed, 0xD8);
        symbols[i] = _mm256_andnot_si256(part_of(behind_place + NO_PLACE + 1 - count, i), packed);
        most = _mm256_max_epu16(most, symbols[i]);
    }
    symbols[parts] = nothing;
    l->word = word;
    l->count = count;
    const edic_tok_firsts *f = p->firsts;
    const __m256i last = _mm256_set1_epi16((short)(f ? f->limit - 1 : 0));
    if (!f || !_mm256_testz_si256(_mm256_subs_epu16(most, last), _mm256_set1_epi16(-1)) || count < 2) {
        for (unsigned i = 0; i < parts; i++) _mm256_store_si256((__m256i *)(l->symbols + PART + PART * i), symbols[i]);
        return;
    }
    // What is known of each pair, and nothing of those beyond the word's ends.
    __m256i known[4 * PARTS + 2];
    known[0] = known[4 * parts + 1] = nothing;
    for (unsigned i = 0; i < parts; i++) {
        __m256i right = next_to(symbols[i], symbols[i + 1]);
        for (unsigned half = 0; half < 2; half++) {
            __m128i lefts = half ? _mm256_extracti128_si256(symbols[i], 1) : _mm256_castsi256_si128(symbols[i]);
            __m128i rights = half ? _mm256_extracti128_si256(right, 1) : _mm256_castsi256_si128(right);
            __m256i index = _mm256_mullo_epi32(_mm256_cvtepu16_epi32(lefts), _mm256_set1_epi32((int)f->limit));
            index = _mm256_add_epi32(index, _mm256_cvtepu16_epi32(rights));
            known_of(f, index, (int)count - 1 - (int)(PART * i + 8 * half), &known[4 * i + 2 * half + 1]);
        }
    }
    uint32_t sure = 0;
    for (unsigned g = 1; g <= 4 * parts; g++) {
        __m256i before = _mm256_alignr_epi8(known[g], between(known[g - 1], known[g]), 8);
        __m256i behind = _mm256_alignr_epi8(between(known[g], known[g + 1]), known[g], 8);
        __m256i rival = _mm256_max_epu16(_mm256_srli_epi64(before, 16), _mm256_srli_epi64(behind, 32));
        __m256i lead = _mm256_slli_epi64(_mm256_subs_epu16(known[g], rival), 48);
        __m256i is_not = _mm256_cmpeq_epi64(lead, nothing);
        sure |= (~(uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(is_not)) & 0xF) << 4 * (g - 1);
    }
    const uint32_t keeps = ~(sure << 1) & (uint32_t)(((uint64_t)1 << count) - 1);
    uint16_t *to = l->symbols + PART;
    for (unsigned i = 0; i < parts; i++) {
        __m256i made = _mm256_sub_epi16(_mm256_set1_epi16((short)(p->bases - 1)), lowest_of(known + 1 + 4 * i));
        made = with(symbols[i], made, places_of(sure >> PART * i));
        uint32_t low = keeps >> PART * i & 0xFF, high = keeps >> (PART * i + 8) & 0xFF;
        store_kept(to, _mm256_castsi256_si128(made), low);
        to += __builtin_popcount(low);
        store_kept(to, _mm256_extracti128_si256(made, 1), high);
        to += __builtin_popcount(high);
    }
    l->count = (size_t)(to - (l->symbols + PART));
}

static inline void begin_narrow(narrow_lane *l, const edic_tok_pairs *p, edic_tok_merging *word) {
    if (word->count <= PART) begin_parts(l, p, word, 1);
    else begin_parts(l, p, word, 2);
}

// --- Ranks of what is left ------------------------------------------------------------------------------------------

enum { AT_ONCE = 8 };

// Sends for 8 pairs.
static inline void ask_for_pairs(narrow_lane *l, const edic_tok_pairs *p, size_t from) {
    const __m256i place = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const uint16_t *at = l->symbols + PART + from;
    __m256i left = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)at));
    __m256i right = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(at + 1)));
    __m256i keys = _mm256_or_si256(_mm256_slli_epi32(left, 16), right);
    __m256i buckets = _mm256_mullo_epi32(keys, _mm256_set1_epi32((int)EDIC_TOK_SCATTER));
    buckets = _mm256_srl_epi32(buckets, _mm_cvtsi32_si128(32 - (int)p->bits));
    __m256i is = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)l->count - 1 - (int)from), place);
    buckets = with(_mm256_set1_epi32((int)edic_tok_pairs_bucket_count(p)), buckets, is);
    _mm256_store_si256((__m256i *)(l->keys + from), keys);
    _mm256_store_si256((__m256i *)(l->buckets + from), buckets);
    for (unsigned k = 0; k < AT_ONCE; k++) __builtin_prefetch(&p->buckets[l->buckets[from + k]]);
}

static inline void ask_narrow(narrow_lane *l, const edic_tok_pairs *p) {
    ask_for_pairs(l, p, 0);
    for (size_t from = AT_ONCE; from + 1 < l->count; from += AT_ONCE) ask_for_pairs(l, p, from);
}

static inline void rank_pairs(narrow_lane *l, const edic_tok_pairs *p, size_t from) {
    for (unsigned k = 0; k < AT_ONCE; k++) {
        l->ranks[from + k] = (uint16_t)narrow_rank(p, &p->buckets[l->buckets[from + k]], l->keys[from + k]);
    }
}

static inline void rank_narrow(narrow_lane *l, const edic_tok_pairs *p) {
    const __m256i none = _mm256_set1_epi16(-1);
    for (unsigned i = 0; i < PARTS; i++) _mm256_store_si256((__m256i *)(l->ranks + PART * i), none);
    rank_pairs(l, p, 0);
    for (size_t from = AT_ONCE; from + 1 < l->count; from += AT_ONCE) rank_pairs(l, p, from);
    l->here = l->before = (request){&p->buckets[edic_tok_pairs_bucket_count(p)], 0, 0};
    l->place = NO_PLACE;
    l->parts = l->count <= PART ? 1 : 2;
}

// --- Merge after merge ----------------------------------------------------------------------------------------------

// Takes what was asked for and merges once; returns 0 when there is nothing left to merge.
static inline __attribute__((always_inline)) int advance_narrow(narrow_lane *l, const edic_tok_pairs *p, const unsigned parts) {
    const __m256i nothing = _mm256_set1_epi16(-1);
    const __m256i here = _mm256_set1_epi16((short)narrow_rank(p, l->here.bucket, l->here.left << 16 | l->here.right));
    const __m256i before = _mm256_set1_epi16((short)narrow_rank(p, l->before.bucket, l->before.left << 16 | l->before.right));
    const uint16_t *at = one_place + NO_PLACE - l->place;
    __m256i ranks[PARTS + 1];
    uint32_t least = UINT32_MAX;
    for (unsigned i = 0; i < parts; i++) {
        ranks[i] = with(with(part_of(l->ranks, i), here, part_of(at, i)), before, part_of(at + 1, i));
        uint32_t found = least_of(ranks[i], PART * i);
        least = found < least ? found : least;
    }
    if (least >> 16 == EDIC_TOK_NO_NARROW_RANK) return 0;
    const size_t place = least & (NARROW_WORD - 1), count = l->count - 1;
    const uint32_t made = p->bases + (least >> 16), left = l->symbols[PART + place - 1], right = l->symbols[PART + place + 2];
    const uint16_t *behind = behind_place + NO_PLACE - place;
    at = one_place + NO_PLACE - place;
    __m256i symbols[PARTS + 1];
    for (unsigned i = 0; i < parts; i++) symbols[i] = part_of(l->symbols + PART, i);
    symbols[parts] = ranks[parts] = nothing;
    for (unsigned i = 0; i < parts; i++) {
        __m256i closed = with(symbols[i], next_to(symbols[i], symbols[i + 1]), part_of(behind, i));
        closed = with(closed, _mm256_set1_epi16((short)made), part_of(at, i));
        _mm256_store_si256((__m256i *)(l->symbols + PART + PART * i), closed);
        closed = with(ranks[i], next_to(ranks[i], ranks[i + 1]), part_of(behind, i));
        _mm256_store_si256((__m256i *)(l->ranks + PART * i), closed);
    }
    l->here = ask(p, place + 1 < count, made, right);
    l->before = ask(p, place > 0, left, made);
    l->place = place;
    l->count = count;
    return 1;
}

// Hands back the symbols, and zeros behind them.
static void finish_narrow(const narrow_lane *l) {
    size_t parts = l->word->count <= PART ? 1 : 2;
    for (unsigned i = 0; i < parts; i++) {
        __m256i symbols = _mm256_andnot_si256(part_of(behind_place + NO_PLACE + 1 - l->count, i), part_of(l->symbols + PART, i));
        __m256i *to = (__m256i *)(l->word->symbols + PART * i);
        _mm256_storeu_si256(to, _mm256_cvtepu16_epi32(_mm256_castsi256_si128(symbols)));
        _mm256_storeu_si256(to + 1, _mm256_cvtepu16_epi32(_mm256_extracti128_si256(symbols, 1)));
    }
    l->word->count = l->count;
}

static void merge_narrow(const edic_tok_pairs *pairs, edic_tok_merging *const *words, size_t count) {
    narrow_lane lanes[GROUP], *active[GROUP];
    for (size_t from = 0; from < count; from += GROUP) {
        size_t running = count - from < GROUP ? count - from : GROUP;
        for (size_t l = 0; l < running; l++) begin_narrow(&lanes[l], pairs, words[from + l]);
        for (size_t l = 0; l < running; l++) ask_narrow(&lanes[l], pairs);
        for (size_t l = 0; l < running; l++) {
            rank_narrow(&lanes[l], pairs);
            active[l] = &lanes[l];
        }
        while (running > 0) {
            for (size_t l = 0; l < running;) {
                narrow_lane *now = active[l];
                if (now->parts == 1 ? advance_narrow(now, pairs, 1) : advance_narrow(now, pairs, 2)) {
                    l++;
                } else {
                    finish_narrow(now);
                    active[l] = active[--running];
                }
            }
        }
    }
}
