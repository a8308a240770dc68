// The memory of words: short words in two-way sets of one cache line, longer ones a cache line each. The words' bytes
// are in the entries, so that a hit reads one line and compares exactly.
#define _GNU_SOURCE 1  // madvise
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "CEDICTokenizers.h"
#include "kernels.h"
#include "merges.h"
#include "words.h"

// Ids are kept in 16 bits each where they fit, else in 24; where there are too many, in the arena.
typedef struct {
    uint8_t count, doubt, format, length;
} tag;

enum { NARROW = 0, PACKED = 1, ARENA = 2 };

typedef struct {
    uint64_t low, high;             // see key_of; both zero: free
    uint8_t ids[12];
    tag tag;
} entry;

typedef struct {
    entry ways[2];
} line;

typedef struct {
    uint8_t word[40];               // zeros behind
    uint8_t ids[20];
    tag tag;                        // length 0: free
} long_entry;

_Static_assert(sizeof(line) == 64 && sizeof(long_entry) == 64, "a set is one cache line");

enum { SHORT_WORD = 15, LONG_WORD = 40, BATCH = 64, FIRST = 1 << 13, FIRST_LINES = 1 << 13 };

typedef struct {
    uint64_t low, high;             // of a short word, its key
    size_t hash;
    const void *entry;              // where the word is, if it is anywhere
    uint32_t length;
} key;

// Some words of a job; while one batch is worked on, the lines of the next are on their way.
typedef struct {
    key keys[BATCH];
    size_t begin, end;
} batch;

typedef struct {
    void *lines;
    size_t mask, inserted, most;
} table;

struct edic_tok_cache {
    table words, long_words;
    entry first[FIRST];             // the short words met first, which are the most frequent; they stay
    uint32_t *arena;                // the ids of words that have many
    size_t arena_count, arena_capacity, arena_limit;
    uint32_t turn;
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

edic_tok_cache *edic_tok_cache_create(size_t limit) {
    edic_tok_cache *c = calloc(1, sizeof *c);
    if (!c) return NULL;
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

static inline uint64_t low_bytes(size_t count) { return count >= 8 ? UINT64_MAX : ((uint64_t)1 << count * 8) - 1; }

// A word of up to 15 bytes is its key: the bytes and, at the top, the length. `room` is how many bytes may be read at p.
static inline key key_of(const uint8_t *p, size_t length, size_t room) {
    key k = {0, 0, 0, NULL, (uint32_t)length};
    if (length <= SHORT_WORD) {
        uint8_t copy[16];
        if (room < 16) {
            memset(copy, 0, sizeof copy);
            memcpy(copy, p, length);
            p = copy;
        }
        k.low = load64(p) & low_bytes(length);
        k.high = (length > 8 ? load64(p + 8) & low_bytes(length - 8) : 0) | (uint64_t)length << 56;
        k.hash = (size_t)mix(k.low, k.high);
    } else {
        uint64_t h = mix(load64(p), load64(p + 8) ^ length);
        h = mix(h ^ load64(p + length - 16), load64(p + length - 8));
        if (length > 32) h = mix(h ^ load64(p + 16), load64(p + 24));
        k.hash = (size_t)h;
    }
    return k;
}

static inline line *line_of(const edic_tok_cache *c, size_t hash) { return (line *)c->words.lines + (hash & c->words.mask); }

static inline entry *first_of(edic_tok_cache *c, size_t hash) { return &c->first[hash >> 40 & (FIRST - 1)]; }

static inline long_entry *long_of(const edic_tok_cache *c, size_t hash) {
    return (long_entry *)c->long_words.lines + (hash & c->long_words.mask);
}

// 0 where the entry is the key's word; without branches, which would be as often wrong as right.
static inline uint64_t differs(const entry *e, const key *k) { return (e->low ^ k->low) | (e->high ^ k->high); }

static void table_grow(table *t, int is_long) {
    size_t old = t->mask + 1, count = old * 4 < t->most ? old * 4 : t->most;
    void *bigger = lines_create(count);
    if (!bigger) {
        t->most = old;
        return;
    }
    for (size_t i = 0; i < old; i++) {
        if (is_long) {
            const long_entry *e = (const long_entry *)t->lines + i;
            if (e->tag.length > 0) ((long_entry *)bigger)[key_of(e->word, e->tag.length, LONG_WORD).hash & (count - 1)] = *e;
            continue;
        }
        for (int w = 0; w < 2; w++) {
            const entry *e = &((const line *)t->lines)[i].ways[w];
            if (e->high == 0) continue;
            line *to = (line *)bigger + ((size_t)mix(e->low, e->high) & (count - 1));
            to->ways[to->ways[0].high == 0 ? 0 : 1] = *e;
        }
    }
    munmap(t->lines, old * sizeof(line));
    t->lines = bigger;
    t->mask = count - 1;
}

static void forget(edic_tok_cache *c) {
    memset(c->words.lines, 0, (c->words.mask + 1) * sizeof(line));
    memset(c->long_words.lines, 0, (c->long_words.mask + 1) * sizeof(line));
    memset(c->first, 0, sizeof c->first);
    c->arena_count = c->words.inserted = c->long_words.inserted = 0;
}

static int reserve(edic_tok_cache *c, size_t more) {
    if (c->arena_count + more > c->arena_limit) forget(c);
    if (c->arena_count + more <= c->arena_capacity) return 1;
    size_t capacity = c->arena_capacity * 2 + more + 4096;
    uint32_t *bigger = realloc(c->arena, capacity * sizeof *bigger);
    if (!bigger) return 0;
    c->arena = bigger;
    c->arena_capacity = capacity;
    return 1;
}

// Writes the ids into `room` bytes; returns the format, -1 where they cannot be kept.
static int pack(edic_tok_cache *c, uint8_t *to, size_t room, const uint32_t *ids, size_t count) {
    uint32_t all = 0;
    for (size_t i = 0; i < count; i++) all |= ids[i];
    if (all <= 0xFFFF && count * 2 <= room) {
        for (size_t i = 0; i < count; i++) memcpy(to + 2 * i, &(uint16_t){(uint16_t)ids[i]}, 2);
        return NARROW;
    }
    if (all <= 0xFFFFFF && count * 3 <= room) {
        for (size_t i = 0; i < count; i++) {
            for (unsigned b = 0; b < 3; b++) to[3 * i + b] = (uint8_t)(ids[i] >> 8 * b);
        }
        return PACKED;
    }
    if (!reserve(c, count)) return -1;
    memcpy(c->arena + c->arena_count, ids, count * sizeof *ids);
    uint32_t at = (uint32_t)c->arena_count;
    memcpy(to, &at, sizeof at);
    c->arena_count += count;
    return ARENA;
}

// Writes the ids to `out`, which has room for WORD_ROOM of them.
static inline void unpack(const edic_tok_cache *c, const uint8_t *ids, size_t room, tag t, uint32_t *out) {
    if (t.format == NARROW) {
        uint16_t narrow[12];
        memcpy(narrow, ids, room);
        for (size_t i = 0; i < room / 2; i++) out[i] = narrow[i];
    } else if (t.format == PACKED) {
        for (size_t i = 0; i < room / 3; i++) {
            out[i] = (uint32_t)ids[3 * i] | (uint32_t)ids[3 * i + 1] << 8 | (uint32_t)ids[3 * i + 2] << 16;
        }
    } else {
        uint32_t at;
        memcpy(&at, ids, sizeof at);
        memcpy(out, c->arena + at, t.count * sizeof *out);
    }
}

static void insert(edic_tok_cache *c, key k, const uint8_t *word, const uint32_t *ids, size_t count, uint8_t doubt) {
    if (k.length == 0 || k.length > LONG_WORD || count > 255) return;
    table *t = k.length <= SHORT_WORD ? &c->words : &c->long_words;
    if (++t->inserted > t->mask + 1 && t->mask + 1 < t->most) table_grow(t, k.length > SHORT_WORD);
    tag about = {(uint8_t)count, doubt, 0, (uint8_t)k.length};
    if (k.length > SHORT_WORD) {
        long_entry e = {.tag = about};
        memcpy(e.word, word, k.length);
        int format = pack(c, e.ids, sizeof e.ids, ids, count);
        if (format < 0) return;
        e.tag.format = (uint8_t)format;
        *long_of(c, k.hash) = e;
        return;
    }
    entry e = {.low = k.low, .high = k.high, .tag = about};
    int format = pack(c, e.ids, sizeof e.ids, ids, count);
    if (format < 0) return;
    e.tag.format = (uint8_t)format;
    entry *first = first_of(c, k.hash);
    if (first->high == 0) {
        *first = e;
        return;
    }
    line *to = line_of(c, k.hash);
    int way = to->ways[0].high == 0 ? 0 : to->ways[1].high == 0 ? 1 : (int)(c->turn++ & 1);
    to->ways[way] = e;
}

void edic_tok_cache_insert(edic_tok_cache *c, const uint8_t *word, size_t length, const uint32_t *ids, size_t count,
                           uint8_t doubt) {
    if (length > 0 && length <= LONG_WORD) insert(c, key_of(word, length, length), word, ids, count, doubt);
}

// Whether the entry is the word of more than 15 bytes at p: its ends are compared, which overlap, and the middle.
static inline int is_long_word(const long_entry *e, const uint8_t *p, size_t length) {
    if (e->tag.length != length) return 0;
    uint64_t differs = (load64(e->word) ^ load64(p)) | (load64(e->word + 8) ^ load64(p + 8))
        | (load64(e->word + length - 16) ^ load64(p + length - 16)) | (load64(e->word + length - 8) ^ load64(p + length - 8));
    if (length > 32) differs |= (load64(e->word + 16) ^ load64(p + 16)) | (load64(e->word + 24) ^ load64(p + 24));
    return differs == 0;
}

static void place(edic_tok_cache *c, key *k) {
    if (k->length > SHORT_WORD) {
        k->entry = long_of(c, k->hash);
        return;
    }
    const entry *first = first_of(c, k->hash);
    uintptr_t other = (uintptr_t)line_of(c, k->hash), is_first = (uintptr_t)(differs(first, k) == 0);
    k->entry = (const void *)(other ^ ((other ^ (uintptr_t)first) & (0 - is_first)));
}

static inline int is_known(const key *k, const uint8_t *word) {
    if (k->length > SHORT_WORD) return is_long_word(k->entry, word, k->length);
    const entry *e = k->entry;
    return differs(e, k) == 0 || differs(e + 1, k) == 0;
}

// A table that grew has moved, and the words with it.
static void place_again(edic_tok_cache *c, const void *lines, const void *long_lines) {
    if (lines == c->words.lines && long_lines == c->long_words.lines) return;
    for (unsigned b = 0; b < 2; b++) {
        batch *batch = &c->batches[b];
        for (size_t i = 0; i < batch->end - batch->begin; i++) {
            if (batch->keys[i].length <= LONG_WORD) place(c, &batch->keys[i]);
        }
    }
}

// Encodes the words of the batch that are not remembered, side by side, where all it takes is merging bytes.
static void learn(edic_tok_cache *c, const edic_tok_words *words, const edic_tok_job *job) {
    const edic_tok_pairs *pairs = words->merges->pairs;
    uint32_t symbols[BATCH * LONG_WORD];
    edic_tok_merging merging[BATCH];
    unsigned which[BATCH];
    size_t count = 0, used = 0;
    batch *now = c->now;
    for (size_t i = 0; i < now->end - now->begin; i++) {
        key *k = &now->keys[i];
        const uint8_t *word = job->s + job->begins[now->begin + i];
        if (k->length > LONG_WORD || is_known(k, word)) continue;
        place(c, k);                // it may have come in since
        if (is_known(k, word)) continue;
        uint32_t id = words->whole ? edic_tok_trie_find(words->whole, word, k->length) : UINT32_MAX;
        if (id != UINT32_MAX) {
            const void *lines = c->words.lines, *long_lines = c->long_words.lines;
            insert(c, *k, word, &id, 1, 0);
            place(c, k);
            place_again(c, lines, long_lines);
            continue;
        }
        for (size_t b = 0; b < k->length; b++) symbols[used + b] = word[b];
        merging[count] = (edic_tok_merging){symbols + used, k->length};
        which[count++] = (unsigned)i;
        used += k->length;
    }
    if (count == 0) return;
    edic_tok_kernels_now()->merge(pairs, merging, count);
    for (size_t m = 0; m < count; m++) {
        key *k = &now->keys[which[m]];
        const uint8_t *word = job->s + job->begins[now->begin + which[m]];
        uint32_t *ids = merging[m].symbols;
        place(c, k);
        if (is_known(k, word)) continue;
        for (size_t i = 0; i < merging[m].count; i++) ids[i] = pairs->outer[ids[i]];
        const void *lines = c->words.lines, *long_lines = c->long_words.lines;
        insert(c, *k, word, ids, merging[m].count, 0);
        place(c, k);
        place_again(c, lines, long_lines);
    }
}

static void open_batch(edic_tok_cache *c, batch *to, const edic_tok_job *job, size_t at) {
    size_t size = job->count - at < BATCH ? job->count - at : BATCH;
    for (size_t i = 0; i < size; i++) {
        size_t begin = job->begins[at + i], length = job->ends[at + i] - begin;
        key *k = &to->keys[i];
        k->length = (uint32_t)length;
        if (length > LONG_WORD) continue;
        *k = key_of(job->s + begin, length, job->n - begin);
        place(c, k);
        __builtin_prefetch(k->entry);
    }
    to->begin = at;
    to->end = at + size;
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
static size_t encode(edic_tok_cache *c, const edic_tok_words *words, key k, const uint8_t *word, int known, path *p,
                     uint32_t *out, size_t filled) {
    uint8_t doubt = 255;
    size_t count = 0;
    if (k.length > EDIC_TOK_LONGEST_WORD) return SIZE_MAX;
    if (!known) {
        count = edic_tok_encode_word_after(words, word, k.length, 0, out + filled, &doubt);
        if (count == SIZE_MAX) return SIZE_MAX;
        insert(c, k, word, out + filled, count, doubt);
    }
    if (doubt <= p->most) return count;
    return edic_tok_encode_word_after(words, word, k.length, settle(p, out, filled), out + filled, &doubt);
}

edic_tok_progress edic_tok_cache_run(edic_tok_cache *c, const edic_tok_words *words, edic_tok_job *job, int resumes) {
    size_t at = job->next, filled = job->written;
    uint32_t *out = job->out;
    edic_tok_progress progress = edic_tok_progress_done;
    int is_unigram = words->kind == edic_tok_words_sentence && words->is_unigram;
    path p = {is_unigram ? words->sentence : NULL, job->score, filled, SIZE_MAX, UINT8_MAX};
    if (is_unigram) renew(&p, out, filled);
    int learns = words->kind == edic_tok_words_bytes && words->merges->pairs && words->merges->pairs->bytes;
    if (!resumes) c->now->end = c->ahead->end = c->ahead->begin = at;
    for (; at < job->count; at++) {
        if (at >= c->now->end) {
            next_batch(c, job, at);
            if (learns) learn(c, words, job);
        }
        if (filled + EDIC_TOK_WORD_ROOM > job->capacity) {
            progress = edic_tok_progress_full;
            break;
        }
        if (filled >= p.until) renew(&p, out, filled);
        const key *k = &c->now->keys[at - c->now->begin];
        const uint8_t *word = job->s + job->begins[at];
        int known = 0;
        if (k->length <= SHORT_WORD) {
            const entry *e = k->entry;
            e += differs(e, k) != 0;
            known = differs(e, k) == 0;
            if (known && e->tag.doubt <= p.most) {
                unpack(c, e->ids, sizeof e->ids, e->tag, out + filled);
                filled += e->tag.count;
                continue;
            }
        } else if (k->length <= LONG_WORD) {
            const long_entry *e = k->entry;
            known = is_long_word(e, word, k->length);
            if (known && e->tag.doubt <= p.most) {
                unpack(c, e->ids, sizeof e->ids, e->tag, out + filled);
                filled += e->tag.count;
                continue;
            }
        }
        if (k->length <= SHORT_WORD && !known) {
            // It may have come in since the batch was opened.
            const entry *e = first_of(c, k->hash);
            known = differs(e, k) == 0;
            if (known && e->tag.doubt <= p.most) {
                unpack(c, e->ids, sizeof e->ids, e->tag, out + filled);
                filled += e->tag.count;
                continue;
            }
        }
        const void *lines = c->words.lines, *long_lines = c->long_words.lines;
        size_t count = encode(c, words, *k, word, known, &p, out, filled);
        place_again(c, lines, long_lines);
        if (count == SIZE_MAX) {
            progress = edic_tok_progress_miss;
            break;
        }
        filled += count;
    }
    if (is_unigram) job->score = settle(&p, out, filled);
    job->next = at;
    job->written = filled;
    return progress;
}
