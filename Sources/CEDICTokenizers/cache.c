// The memory of words: two-way sets of one cache line each, short words held in the key itself.
#define _GNU_SOURCE 1  // madvise
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "CEDICTokenizers.h"

typedef struct {
    uint64_t low, high;             // see key_of; both zero: free
    uint32_t ids[3];                // up to three ids, or an offset into the arena
    uint32_t count : 24, doubt : 8;
} entry;

typedef struct {
    entry ways[2];
} line;

_Static_assert(sizeof(line) == 64, "a set is one cache line");

enum { SHORT_WORD = 15, LONGEST_WORD = 255, BATCH = 64, FIRST_LINES = 1 << 13 };

typedef struct {
    uint64_t low, high;
    size_t hash;
} key;

struct edic_tok_cache {
    line *lines;
    size_t mask, inserted, most_lines;
    uint32_t *arena;                // ids of words with more than three, and the bytes of long words
    size_t arena_count, arena_capacity, arena_limit;
    uint32_t turn;
    key keys[BATCH];                // of the words from batch_begin on
    size_t batch_begin, batch_end;
};

static line *lines_create(size_t count) {
    void *p = mmap(NULL, count * sizeof(line), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return NULL;
    // Before the first touch: large pages spare the walks that random look-ups would cost.
    madvise(p, count * sizeof(line), MADV_HUGEPAGE);
    return p;
}

edic_tok_cache *edic_tok_cache_create(size_t limit) {
    edic_tok_cache *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->most_lines = FIRST_LINES;
    while (c->most_lines * 2 * sizeof(line) <= limit) c->most_lines *= 2;
    c->lines = lines_create(FIRST_LINES);
    c->mask = FIRST_LINES - 1;
    c->arena_limit = limit / sizeof(uint32_t);
    if (c->lines) return c;
    free(c);
    return NULL;
}

void edic_tok_cache_destroy(edic_tok_cache *c) {
    if (!c) return;
    munmap(c->lines, (c->mask + 1) * sizeof(line));
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

// The first `length` bytes, at most 8, zeros behind.
static inline uint64_t load_some(const uint8_t *p, size_t length) {
    uint64_t v = 0;
    memcpy(&v, p, length);
    return v;
}

// A word of up to 15 bytes is its key: the bytes and, at the top, the length. A longer word's key is a hash of its
// bytes with the top byte all ones; its bytes are compared in the arena.
// `room` is how many bytes may be read at p.
static inline key key_of(const uint8_t *p, size_t length, size_t room) {
    key k;
    if (length <= SHORT_WORD) {
        if (room >= 16) {
            uint64_t low = load64(p), high = load64(p + 8);
            unsigned bits = (unsigned)length * 8;
            uint64_t low_mask = length >= 8 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
            uint64_t high_mask = length <= 8 ? 0 : ((uint64_t)1 << (bits - 64)) - 1;
            k.low = low & low_mask;
            k.high = high & high_mask;
        } else {
            k.low = load_some(p, length < 8 ? length : 8);
            k.high = length > 8 ? load_some(p + 8, length - 8) : 0;
        }
        k.high |= (uint64_t)length << 56;
        k.hash = (size_t)mix(k.low, k.high);
    } else {
        uint64_t a = mix(load64(p), load64(p + 8)), b = length;
        size_t i = 16;
        for (; i + 16 <= length; i += 16) {
            b = mix(a ^ load64(p + i), b ^ load64(p + i + 8));
            a = mix(a, b);
        }
        b = mix(b ^ load64(p + length - 16), a ^ load64(p + length - 8));
        k.hash = (size_t)b;
        k.low = mix(a, b);
        k.high = (uint64_t)0xFF << 56 | (b & 0x00FFFFFFFFFFFFFFu);
    }
    return k;
}

// An arena record: the count of bytes, the bytes padded to 4, then the ids.
static inline int same_bytes(const edic_tok_cache *c, const entry *e, const uint8_t *word, size_t length) {
    const uint32_t *record = c->arena + e->ids[0];
    return record[0] == length && memcmp(record + 1, word, length) == 0;
}

static void grow(edic_tok_cache *c) {
    size_t count = (c->mask + 1) * 4, old = c->mask + 1;
    if (count > c->most_lines) count = c->most_lines;
    line *bigger = lines_create(count);
    if (!bigger) {
        c->most_lines = old;
        return;
    }
    for (size_t i = 0; i < old; i++) {
        for (int w = 0; w < 2; w++) {
            entry e = c->lines[i].ways[w];
            if (e.count == 0) continue;
            // Long words' hashes are in their keys: the low 56 bits, which is more than a table has.
            size_t hash = e.high >> 56 == 0xFF ? (size_t)e.high : (size_t)mix(e.low, e.high);
            line *to = &bigger[hash & (count - 1)];
            to->ways[to->ways[0].count == 0 ? 0 : 1] = e;
        }
    }
    munmap(c->lines, old * sizeof(line));
    c->lines = bigger;
    c->mask = count - 1;
}

static void forget(edic_tok_cache *c) {
    memset(c->lines, 0, (c->mask + 1) * sizeof(line));
    c->arena_count = 0;
    c->inserted = 0;
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

static void insert(edic_tok_cache *c, key k, const uint8_t *word, size_t length, const uint32_t *ids, size_t count,
                   uint8_t doubt) {
    if (length == 0 || length > LONGEST_WORD || count == 0) return;
    entry e = {.count = (uint32_t)count, .doubt = doubt};
    if (length > SHORT_WORD) {
        size_t words = (length + 3) / 4;
        if (!reserve(c, 1 + words + count)) return;
        uint32_t *record = c->arena + c->arena_count;
        record[0] = (uint32_t)length;
        record[words] = 0;
        memcpy(record + 1, word, length);
        memcpy(record + 1 + words, ids, count * sizeof *ids);
        e.ids[0] = (uint32_t)c->arena_count;
        e.ids[1] = (uint32_t)(1 + words);
        c->arena_count += 1 + words + count;
    } else if (count > 3) {
        if (!reserve(c, count)) return;
        memcpy(c->arena + c->arena_count, ids, count * sizeof *ids);
        e.ids[0] = (uint32_t)c->arena_count;
        c->arena_count += count;
    } else {
        memcpy(e.ids, ids, count * sizeof *ids);
    }
    if (++c->inserted > c->mask + 1 && c->mask + 1 < c->most_lines) grow(c);
    e.low = k.low;
    e.high = k.high;
    line *to = &c->lines[k.hash & c->mask];
    int way = to->ways[0].count == 0 ? 0 : to->ways[1].count == 0 ? 1 : (int)(c->turn++ & 1);
    to->ways[way] = e;
}

void edic_tok_cache_insert(edic_tok_cache *c, const uint8_t *word, size_t length, const uint32_t *ids, size_t count,
                           uint8_t doubt) {
    insert(c, key_of(word, length, length), word, length, ids, count, doubt);
}

size_t edic_tok_encode_word(const edic_tok_words *words, const uint8_t *word, size_t length, uint32_t *ids) {
    switch (words->kind) {
    case edic_tok_words_bytes: {
        if (words->whole) {
            uint32_t id = edic_tok_trie_find(words->whole, word, length);
            if (id != UINT32_MAX) {
                ids[0] = id;
                return 1;
            }
        }
        size_t count = 0;
        for (size_t i = 0; i < length; i++) {
            ids[count] = words->byte_ids[word[i]];
            count += ids[count] != UINT32_MAX;
        }
        return edic_tok_merge(words->merges, ids, NULL, count);
    }
    case edic_tok_words_pieces: {
        size_t count = edic_tok_wordpiece(words->starting, words->continuing, word, length, ids, NULL);
        if (count > 0) return count;
        ids[0] = words->unknown_id;
        return 1;
    }
    case edic_tok_words_elsewhere: break;
    }
    return SIZE_MAX;
}

static inline int matches(const entry *e, key k) { return e->low == k.low && e->high == k.high && e->count > 0; }

edic_tok_progress edic_tok_cache_run(edic_tok_cache *c, const edic_tok_words *words, edic_tok_job *job, int resumes) {
    size_t at = job->next, filled = job->written;
    const uint32_t *begins = job->begins, *ends = job->ends;
    uint32_t *out = job->out;
    edic_tok_progress progress = edic_tok_progress_done;
    if (!resumes) c->batch_end = at;
    while (at < job->count) {
        if (at >= c->batch_end) {
            size_t batch = job->count - at < BATCH ? job->count - at : BATCH;
            for (size_t i = 0; i < batch; i++) {
                size_t begin = begins[at + i];
                c->keys[i] = key_of(job->s + begin, ends[at + i] - begin, job->n - begin);
                __builtin_prefetch(&c->lines[c->keys[i].hash & c->mask]);
            }
            c->batch_begin = at;
            c->batch_end = at + batch;
        }
        for (; at < c->batch_end; at++) {
            key k = c->keys[at - c->batch_begin];
            const line *set = &c->lines[k.hash & c->mask];
            const entry *e = &set->ways[0];
            size_t length = ends[at] - begins[at];
            if (!matches(e, k)) e = &set->ways[1];
            if (filled + 3 > job->capacity) {
                progress = edic_tok_progress_full;
                goto out;
            }
            if (matches(e, k)) {
                if (e->doubt > job->most_doubt) {
                    progress = edic_tok_progress_miss;
                    goto out;
                }
                if (length <= SHORT_WORD && e->count <= 3) {
                    memcpy(out + filled, e->ids, 3 * sizeof *out);
                    filled += e->count;
                    continue;
                }
                if (length <= SHORT_WORD || same_bytes(c, e, job->s + begins[at], length)) {
                    if (filled + e->count > job->capacity) {
                        progress = edic_tok_progress_full;
                        goto out;
                    }
                    const uint32_t *ids = c->arena + e->ids[0] + (length > SHORT_WORD ? e->ids[1] : 0);
                    memcpy(out + filled, ids, e->count * sizeof *out);
                    filled += e->count;
                    continue;
                }
            }
            uint32_t ids[LONGEST_WORD + 1];
            size_t count = SIZE_MAX;
            if (length <= LONGEST_WORD) count = edic_tok_encode_word(words, job->s + begins[at], length, ids);
            if (count == SIZE_MAX) {
                progress = edic_tok_progress_miss;
                goto out;
            }
            if (filled + count > job->capacity) {
                progress = edic_tok_progress_full;
                goto out;
            }
            memcpy(out + filled, ids, count * sizeof *out);
            filled += count;
            insert(c, k, job->s + begins[at], length, ids, count, 0);
        }
    }
out:
    job->next = at;
    job->written = filled;
    return progress;
}
