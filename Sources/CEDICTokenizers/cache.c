// The memory of words: short words two to a cache line, longer ones a cache line each. The words' bytes are in the
// entries, so that a hit reads one line and compares exactly.
#define _GNU_SOURCE 1  // madvise
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "CEDICTokenizers.h"
#include "kernels.h"
#include "merges.h"
#include "words.h"

// Ids are kept in 16 bits each, in 24 where the vocabulary needs it; where there are too many, in the arena.
enum { INLINE = 0, ARENA = 1, NARROW_IDS = 6, WIDE_IDS = 4 };

typedef struct {
    uint8_t ids[12];
    uint8_t count, doubt, format, length;       // length 0: no entry
} value;

typedef struct {
    uint64_t low, high;             // see read_word
    value value;
} entry;

typedef struct {
    entry ways[2];
} line;

enum { SHORT_WORD = 15, LONG_WORD = 48, BATCH = 64, FIRST_LINES = 1 << 13, PROBES = 8, FAST_IDS = 8 };

typedef struct {
    uint8_t word[LONG_WORD];        // zeros behind
    value value;
} long_entry;

_Static_assert(sizeof(line) == 64 && sizeof(long_entry) == 64, "a set is one cache line");

// Some words of a job; while one batch is worked on, the lines of the next are on their way.
typedef struct {
    uint64_t low[BATCH], high[BATCH];           // of short words
    size_t hash[BATCH];
    const value *found[BATCH];
    uint32_t length[BATCH];
    size_t begin, end;
} batch;

typedef struct {
    void *lines;
    size_t mask, inserted, most;
} table;

struct edic_tok_cache {
    table words, long_words;
    uint32_t *arena;                // the ids of words that have many
    size_t arena_count, arena_capacity, arena_limit;
    uint32_t turn;
    uint32_t version;               // rises when entries move or go
    int wide;
    batch batches[2];
    batch *now, *ahead;
};

static void *lines_create(size_t count) {
    void *p = mmap(NULL, count * sizeof(line), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return NULL;
    // Before the first touch: large pages spare the walks that random look-ups would cost.
    madvise(p, count * sizeof(line), MADV_HUGEPAGE);
    return p;
}

static int table_create(table *t, size_t limit) {
    t->most = FIRST_LINES;
    while (t->most * 2 * sizeof(line) <= limit) t->most *= 2;
    t->lines = lines_create(FIRST_LINES);
    t->mask = FIRST_LINES - 1;
    return t->lines != NULL;
}

static void table_destroy(table *t) {
    if (t->lines) munmap(t->lines, (t->mask + 1) * sizeof(line));
}

edic_tok_cache *edic_tok_cache_create(size_t limit, int wide) {
    edic_tok_cache *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->wide = wide;
    c->now = &c->batches[0];
    c->ahead = &c->batches[1];
    c->arena_limit = limit / 8 / sizeof(uint32_t);
    if (table_create(&c->words, limit / 2) && table_create(&c->long_words, limit / 4)) return c;
    edic_tok_cache_destroy(c);
    return NULL;
}

void edic_tok_cache_destroy(edic_tok_cache *c) {
    if (!c) return;
    table_destroy(&c->words);
    table_destroy(&c->long_words);
    free(c->arena);
    free(c);
}

static inline uint64_t mix(uint64_t a, uint64_t b) {
    unsigned __int128 product = (unsigned __int128)(a ^ 0xA0761D6478BD642Fu) * (b ^ 0xE7037ED1A0B428DBu);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t load64(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

#define ONES(BYTES) ((BYTES) >= 8 ? UINT64_MAX : ((uint64_t)1 << ((BYTES) & 7) * 8) - 1)
#define MASK(LENGTH) {ONES(LENGTH), (LENGTH) > 8 ? ONES((LENGTH) - 8) : 0}
static const uint64_t masks[SHORT_WORD + 1][2] = {
    MASK(0), MASK(1), MASK(2), MASK(3), MASK(4), MASK(5), MASK(6), MASK(7),
    MASK(8), MASK(9), MASK(10), MASK(11), MASK(12), MASK(13), MASK(14), MASK(15),
};

// A word of up to 15 bytes is its own key: the bytes and, at the top, the length. `room` bytes may be read at p.
static inline void read_word(batch *b, size_t i, const uint8_t *p, size_t length, size_t room) {
    b->length[i] = (uint32_t)length;
    if (length <= SHORT_WORD) {
        uint8_t copy[16];
        if (room < 16) {
            memset(copy, 0, sizeof copy);
            memcpy(copy, p, length);
            p = copy;
        }
        b->low[i] = load64(p) & masks[length][0];
        b->high[i] = (load64(p + 8) & masks[length][1]) | (uint64_t)length << 56;
        b->hash[i] = (size_t)mix(b->low[i], b->high[i]);
    } else if (length <= LONG_WORD) {
        uint64_t h = mix(load64(p), load64(p + 8) ^ length);
        h = mix(h ^ load64(p + length - 16), load64(p + length - 8));
        if (length > 32) h = mix(h ^ load64(p + 16), load64(p + 24));
        b->hash[i] = (size_t)h;
    }
}

static inline line *line_of(const table *t, size_t hash) { return (line *)t->lines + (hash & t->mask); }
static inline long_entry *long_of(const table *t, size_t hash) { return (long_entry *)t->lines + (hash & t->mask); }

// Whether the entry is the word of more than 15 bytes at p: its ends are compared, which overlap, and the middle.
static inline int is_long_word(const long_entry *e, const uint8_t *p, size_t length) {
    if (e->value.length != length) return 0;
    uint64_t differs = (load64(e->word) ^ load64(p)) | (load64(e->word + 8) ^ load64(p + 8))
        | (load64(e->word + length - 16) ^ load64(p + length - 16)) | (load64(e->word + length - 8) ^ load64(p + length - 8));
    if (length > 32) differs |= (load64(e->word + 16) ^ load64(p + 16)) | (load64(e->word + 24) ^ load64(p + 24));
    return differs == 0;
}

// The place of a word: where it is, with `*known` set, or else where it may go. Words that find their line full stand
// in one of the next.
static value *find_short(edic_tok_cache *c, uint64_t low, uint64_t high, size_t hash, int *known) {
    *known = 0;
    for (size_t k = 0; k < PROBES; k++) {
        line *l = line_of(&c->words, hash + k);
        for (unsigned w = 0; w < 2; w++) {
            entry *e = &l->ways[w];
            *known = e->low == low && e->high == high;
            if (*known || e->value.length == 0) return &e->value;
        }
    }
    return &line_of(&c->words, hash)->ways[c->turn++ & 1].value;
}

static value *find_long(edic_tok_cache *c, const uint8_t *p, size_t length, size_t hash, int *known) {
    *known = 0;
    for (size_t k = 0; k < PROBES; k++) {
        long_entry *e = long_of(&c->long_words, hash + k);
        *known = is_long_word(e, p, length);
        if (*known || e->value.length == 0) return &e->value;
    }
    return &long_of(&c->long_words, hash)->value;
}

static inline value *find(edic_tok_cache *c, const batch *b, size_t i, const uint8_t *word, int *known) {
    return b->length[i] <= SHORT_WORD ? find_short(c, b->low[i], b->high[i], b->hash[i], known)
                                      : find_long(c, word, b->length[i], b->hash[i], known);
}

static void grow(edic_tok_cache *c, table *t, int is_long) {
    table old = *t;
    t->mask = t->mask * 2 + 1;
    t->lines = lines_create(t->mask + 1);
    if (!t->lines) {
        *t = old;
        t->most = t->mask + 1;
        return;
    }
    c->version++;
    batch one;
    int known;
    for (size_t i = 0; i <= old.mask; i++) {
        if (is_long) {
            const long_entry *e = (const long_entry *)old.lines + i;
            if (e->value.length == 0) continue;
            read_word(&one, 0, e->word, e->value.length, LONG_WORD);
            value *to = find_long(c, e->word, e->value.length, one.hash[0], &known);
            memcpy((uint8_t *)to - offsetof(long_entry, value), e, sizeof *e);
            continue;
        }
        for (int w = 0; w < 2; w++) {
            const entry *e = &((const line *)old.lines)[i].ways[w];
            if (e->value.length == 0) continue;
            value *to = find_short(c, e->low, e->high, (size_t)mix(e->low, e->high), &known);
            memcpy((uint8_t *)to - offsetof(entry, value), e, sizeof *e);
        }
    }
    munmap(old.lines, (old.mask + 1) * sizeof(line));
}

static void forget(edic_tok_cache *c) {
    memset(c->words.lines, 0, (c->words.mask + 1) * sizeof(line));
    memset(c->long_words.lines, 0, (c->long_words.mask + 1) * sizeof(line));
    c->arena_count = c->words.inserted = c->long_words.inserted = 0;
    c->version++;
}

static int reserve(edic_tok_cache *c, size_t more) {
    if (c->arena_count + more <= c->arena_capacity) return 1;
    size_t capacity = c->arena_capacity * 2 + more + 4096;
    uint32_t *bigger = realloc(c->arena, capacity * sizeof *bigger);
    if (!bigger) return 0;
    c->arena = bigger;
    c->arena_capacity = capacity;
    return 1;
}

// Puts the ids into `v`; returns 0 where they cannot be kept.
static int pack(edic_tok_cache *c, value *v, const uint32_t *ids, size_t count) {
    uint32_t all = 0;
    for (size_t i = 0; i < count; i++) all |= ids[i];
    if (!c->wide && all <= 0xFFFF && count <= NARROW_IDS) {
        for (size_t i = 0; i < count; i++) memcpy(v->ids + 2 * i, &(uint16_t){(uint16_t)ids[i]}, 2);
        return 1;
    }
    if (c->wide && all <= 0xFFFFFF && count <= WIDE_IDS) {
        for (size_t i = 0; i < count; i++) {
            for (unsigned b = 0; b < 3; b++) v->ids[3 * i + b] = (uint8_t)(ids[i] >> 8 * b);
        }
        return 1;
    }
    if (!reserve(c, count)) return 0;
    memcpy(c->arena + c->arena_count, ids, count * sizeof *ids);
    uint32_t at = (uint32_t)c->arena_count;
    memcpy(v->ids, &at, sizeof at);
    v->format = ARENA;
    c->arena_count += count;
    return 1;
}

// Writes up to FAST_IDS ids, whatever the count.
static inline void unpack(const value *v, int wide, uint32_t *out) {
    if (wide) {
        for (size_t i = 0; i < WIDE_IDS; i++) {
            uint32_t id;
            memcpy(&id, v->ids + 3 * i, sizeof id);
            out[i] = id & 0xFFFFFF;
        }
    } else {
        uint16_t narrow[FAST_IDS];
        memcpy(narrow, v, sizeof narrow);
        for (size_t i = 0; i < FAST_IDS; i++) out[i] = narrow[i];
    }
}

_Static_assert(sizeof(value) == FAST_IDS * 2 && WIDE_IDS * 3 + 1 <= sizeof(value), "unpack reads within an entry");

static void insert(edic_tok_cache *c, const batch *b, size_t i, const uint8_t *word, const uint32_t *ids, size_t count,
                   uint8_t doubt) {
    size_t length = b->length[i];
    if (length == 0 || length > LONG_WORD || count > 255) return;
    if (c->arena_count + count > c->arena_limit) forget(c);
    int is_long = length > SHORT_WORD, known;
    table *t = is_long ? &c->long_words : &c->words;
    size_t room = is_long ? t->mask + 1 : (t->mask + 1) * 2;
    if (t->inserted * 5 > room * 2 && t->mask + 1 < t->most) grow(c, t, is_long);
    value v = {.count = (uint8_t)count, .doubt = doubt, .length = (uint8_t)length};
    if (!pack(c, &v, ids, count)) return;
    value *to = find(c, b, i, word, &known);
    if (to->length > 0) c->version++; else t->inserted++;
    if (is_long) {
        long_entry e = {.value = v};
        memcpy(e.word, word, length);
        memcpy((uint8_t *)to - offsetof(long_entry, value), &e, sizeof e);
    } else {
        entry e = {b->low[i], b->high[i], v};
        memcpy((uint8_t *)to - offsetof(entry, value), &e, sizeof e);
    }
}

void edic_tok_cache_insert(edic_tok_cache *c, const uint8_t *word, size_t length, const uint32_t *ids, size_t count,
                           uint8_t doubt) {
    if (length > LONG_WORD) return;
    batch one;
    read_word(&one, 0, word, length, length);
    insert(c, &one, 0, word, ids, count, doubt);
}

static void open_batch(edic_tok_cache *c, batch *to, const edic_tok_job *job, size_t at) {
    size_t size = job->count - at < BATCH ? job->count - at : BATCH;
    for (size_t i = 0; i < size; i++) {
        size_t begin = job->begins[at + i], length = job->ends[at + i] - begin;
        read_word(to, i, job->s + begin, length, job->n - begin);
        if (length <= SHORT_WORD) {
            __builtin_prefetch(line_of(&c->words, to->hash[i]));
        } else if (length <= LONG_WORD) {
            __builtin_prefetch(long_of(&c->long_words, to->hash[i]));
        }
    }
    to->begin = at;
    to->end = at + size;
}

// Finds the batch's words from one on. Returns a bit for each word that is not remembered but might be.
static uint64_t resolve(edic_tok_cache *c, batch *b, const edic_tok_job *job, size_t from) {
    uint64_t missing = 0;
    for (size_t i = from; i < b->end - b->begin; i++) {
        int known;
        if (b->length[i] <= SHORT_WORD) {
            // Without branches but one, since which way it is would be as often wrong as right.
            const line *l = line_of(&c->words, b->hash[i]);
            uint64_t low = b->low[i], high = b->high[i];
            uint64_t first = (l->ways[0].low ^ low) | (l->ways[0].high ^ high);
            uint64_t second = (l->ways[1].low ^ low) | (l->ways[1].high ^ high);
            b->found[i] = &l->ways[first != 0].value;
            if (__builtin_expect((first == 0) | (second == 0), 1)) continue;
            const value *v = find_short(c, low, high, b->hash[i], &known);
            b->found[i] = known ? v : NULL;
        } else if (b->length[i] <= LONG_WORD) {
            const value *v = find_long(c, job->s + job->begins[b->begin + i], b->length[i], b->hash[i], &known);
            b->found[i] = known ? v : NULL;
        } else {
            b->found[i] = NULL;
            continue;
        }
        missing |= (uint64_t)(b->found[i] == NULL) << i;
    }
    return missing;
}

// The pairs by which the words are merged, if that is all it takes.
static const edic_tok_pairs *pairs_of(const edic_tok_words *words) {
    if (words->kind == edic_tok_words_sentence) return edic_tok_sentence_pairs(words->sentence);
    if (words->kind != edic_tok_words_bytes || !words->merges->pairs) return NULL;
    return words->merges->pairs->bytes ? words->merges->pairs : NULL;
}

// The inner symbols of a word; 0 where it must be encoded otherwise.
static int symbols_of(const edic_tok_words *words, const uint8_t *word, size_t length, uint32_t *symbols, size_t *count) {
    if (words->kind == edic_tok_words_sentence) {
        return edic_tok_sentence_symbols(words->sentence, word, length, words->prefixes, symbols, count);
    }
    for (size_t b = 0; b < length; b++) symbols[b] = word[b];
    *count = length;
    return 1;
}

// Encodes the words of the batch that are missing, side by side.
static void learn(edic_tok_cache *c, const edic_tok_words *words, const edic_tok_pairs *pairs, const edic_tok_job *job,
                  uint64_t missing) {
    batch *now = c->now;
    uint32_t symbols[BATCH * LONG_WORD], ids[EDIC_TOK_WORD_ROOM];
    edic_tok_merging merging[BATCH];
    unsigned which[BATCH];
    size_t count = 0, used = 0;
    uint32_t version = c->version;
    for (uint64_t left = missing; left; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctzll(left);
        const uint8_t *word = job->s + job->begins[now->begin + i];
        size_t length = now->length[i], size;
        uint32_t id = words->whole ? edic_tok_trie_find(words->whole, word, length) : UINT32_MAX;
        if (id != UINT32_MAX) {
            insert(c, now, i, word, &id, 1, 0);
            continue;
        }
        if (used + EDIC_TOK_SHORT > sizeof symbols / sizeof *symbols) break;
        if (!symbols_of(words, word, length, symbols + used, &size)) continue;
        merging[count] = (edic_tok_merging){symbols + used, size};
        which[count++] = i;
        used += size;
    }
    edic_tok_kernels_now()->merge(pairs, merging, count);
    for (size_t m = 0; m < count; m++) {
        const uint8_t *word = job->s + job->begins[now->begin + which[m]];
        const uint32_t *merged = merging[m].symbols;
        size_t made = merging[m].count;
        int known;
        find(c, now, which[m], word, &known);       // it may be twice in the batch
        if (known) continue;
        if (words->kind == edic_tok_words_sentence) {
            made = edic_tok_sentence_put(words->sentence, merged, made, ids);
            if (made == SIZE_MAX) continue;
        } else {
            for (size_t i = 0; i < made; i++) ids[i] = pairs->outer[merged[i]];
        }
        insert(c, now, which[m], word, ids, made, 0);
    }
    if (c->version != version) {
        resolve(c, now, job, 0);
        return;
    }
    for (uint64_t left = missing; left; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctzll(left);
        int known;
        const value *v = find(c, now, i, job->s + job->begins[now->begin + i], &known);
        now->found[i] = known ? v : NULL;
    }
}

static void next_batch(edic_tok_cache *c, const edic_tok_job *job, size_t at) {
    batch *now = c->ahead;
    c->ahead = c->now;
    c->now = now;
    if (now->begin != at || now->end == at) open_batch(c, now, job, at);
    open_batch(c, c->ahead, job, now->end);
}

// The score of a Unigram path and how much doubt its rounding leaves harmless.
typedef struct {
    const edic_tok_sentence *sentence;      // NULL: other models are never in doubt
    float score;                            // up to out[settled]
    size_t settled, until;                  // `most` holds until out[until]
    uint8_t most;
} path;

static float settle(path *p, const uint32_t *out, size_t filled) {
    p->score = edic_tok_sentence_advance(p->sentence, p->score, out + p->settled, filled - p->settled);
    p->settled = filled;
    return p->score;
}

static void renew(path *p, const uint32_t *out, size_t filled) {
    size_t lasts;
    p->most = edic_tok_sentence_most_doubt(p->sentence, settle(p, out, filled), &lasts);
    p->until = filled + lasts;
}

// Encodes a word that is not remembered, or not surely enough; remembers it. Returns SIZE_MAX where the caller must.
static size_t encode(edic_tok_cache *c, const edic_tok_words *words, size_t i, const uint8_t *word, int known, path *p,
                     uint32_t *out, size_t filled) {
    uint8_t doubt = 255;
    size_t count = 0, length = c->now->length[i];
    if (length > EDIC_TOK_LONGEST_WORD) return SIZE_MAX;
    if (!known) {
        count = edic_tok_encode_word_after(words, word, length, 0, out + filled, &doubt);
        if (count == SIZE_MAX) return SIZE_MAX;
        insert(c, c->now, i, word, out + filled, count, doubt);
    }
    if (doubt <= p->most) return count;
    return edic_tok_encode_word_after(words, word, length, settle(p, out, filled), out + filled, &doubt);
}

// The words of a batch from `at` on; returns where it stopped.
static inline size_t run_batch(edic_tok_cache *c, const edic_tok_words *words, const edic_tok_job *job, size_t at, int wide,
                               path *p, size_t *into, edic_tok_progress *progress) {
    enum { MARGIN = EDIC_TOK_WORD_ROOM + BATCH * FAST_IDS };
    batch *now = c->now;
    uint32_t *out = job->out;
    size_t filled = *into;
    for (; at < now->end; at++) {
        size_t i = at - now->begin;
        const value *v = now->found[i];
        if (filled >= p->until) renew(p, out, filled);
        if (__builtin_expect(v != NULL && v->format == INLINE && v->doubt <= p->most, 1)) {
            unpack(v, wide, out + filled);
            filled += v->count;
            continue;
        }
        if (filled + MARGIN > job->capacity) {
            *progress = edic_tok_progress_full;
            break;
        }
        const uint8_t *word = job->s + job->begins[at];
        int known = v != NULL;
        if (!known && now->length[i] <= LONG_WORD) v = find(c, now, i, word, &known);   // it may have come in since
        if (known && v->doubt <= p->most) {
            if (v->format == INLINE) {
                unpack(v, wide, out + filled);
            } else {
                uint32_t from;
                memcpy(&from, v->ids, sizeof from);
                memcpy(out + filled, c->arena + from, v->count * sizeof *out);
            }
            filled += v->count;
            continue;
        }
        uint32_t version = c->version;
        size_t count = encode(c, words, i, word, known, p, out, filled);
        if (count == SIZE_MAX) {
            *progress = edic_tok_progress_miss;
            break;
        }
        filled += count;
        if (c->version != version) resolve(c, now, job, i + 1);
    }
    *into = filled;
    return at;
}

edic_tok_progress edic_tok_cache_run(edic_tok_cache *c, const edic_tok_words *words, edic_tok_job *job, int resumes) {
    size_t at = job->next, filled = job->written;
    edic_tok_progress progress = edic_tok_progress_done;
    int is_unigram = words->kind == edic_tok_words_sentence && words->is_unigram;
    path p = {is_unigram ? words->sentence : NULL, job->score, filled, SIZE_MAX, UINT8_MAX};
    if (is_unigram) renew(&p, job->out, filled);
    const edic_tok_pairs *pairs = pairs_of(words);
    if (!resumes) c->now->end = c->ahead->end = c->ahead->begin = at;
    else if (at < c->now->end) resolve(c, c->now, job, at - c->now->begin);     // the caller may have added words
    while (at < job->count && progress == edic_tok_progress_done) {
        if (filled + EDIC_TOK_WORD_ROOM + BATCH * FAST_IDS > job->capacity) {
            progress = edic_tok_progress_full;
            break;
        }
        if (at >= c->now->end) {
            next_batch(c, job, at);
            uint64_t missing = resolve(c, c->now, job, 0);
            if (missing && pairs) learn(c, words, pairs, job, missing);
        }
        at = c->wide ? run_batch(c, words, job, at, 1, &p, &filled, &progress)
                     : run_batch(c, words, job, at, 0, &p, &filled, &progress);
    }
    if (is_unigram) job->score = settle(&p, job->out, filled);
    job->next = at;
    job->written = filled;
    return progress;
}
