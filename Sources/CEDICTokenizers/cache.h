// The inside of edic_tok_cache, for the loop over the words of a job: short words two to a cache line, longer ones a cache
// line each. The words' bytes are in the entries, so that a hit reads one line and compares exactly.
//
// Any number of threads read and add to the same tables. An entry is claimed, written and then published by its last
// word, after which nothing in it changes but USED; so what a reader finds is whole, and it never waits. See memory.h.
#ifndef EDIC_TOK_CACHE_H
#define EDIC_TOK_CACHE_H

#include <string.h>

#include "CEDICTokenizers.h"
#include "memory.h"
#include "paths.h"

// Ids are kept in 16 bits each, in 24 where the vocabulary needs it; where there are too many, in the arena.
enum { INLINE = 0, ARENA = 1, UNKNOWN = 2, NARROW_IDS = 6, WIDE_IDS = 4 };

typedef struct {
    uint8_t ids[12];
    uint8_t count, doubt, format, length;       // the length with USED or not
} value;

enum { SHORT_WORD = 15, LONG_WORD = 48, BATCH = 256, WARM_BATCH = 64, SAMPLES = 4, FIRST_LINES = 1 << 13, GROWTH = 4, PROBES = 8, FAST_IDS = 8 };

// Both are published by their last 8 bytes but for the value's place: a short word by `high`, a long one by `value[1]`.
typedef struct {
    uint64_t low, high;             // see read_word; high 0: no entry
    uint64_t value[2];
} entry;

typedef struct {
    entry ways[2];
} line;

typedef struct {
    uint64_t word[LONG_WORD / 8];   // zeros behind
    uint64_t value[2];              // value[1] 0: no entry
} long_entry;

_Static_assert(sizeof(line) == 64 && sizeof(long_entry) == 64, "a set is one cache line");

// The top byte of an entry's last word is the length; CLAIMED is none.
#define CLAIMED ((uint64_t)0xFF << 56)
// Set in the last word of a value when the word is met again, now and then: what stays when the memory is full.
#define USED ((uint64_t)0x80 << 56)

// The length in an entry's last word; 0: none, or not yet.
static inline size_t length_of(uint64_t last) { return last == CLAIMED ? 0 : last >> 56 & 0x7F; }

static inline uint64_t peek(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }
// What is read after it is at least as new.
static inline uint64_t peek_first(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }

// Some words of a job; while one batch is worked on, the lines of the next are on their way. What is found is copied, so that
// nothing else that happens to the tables matters to it.
typedef struct {
    uint64_t low[BATCH], high[BATCH];           // of short words
    size_t hash[BATCH];
    value values[BATCH];
    uint32_t length[BATCH];
    size_t begin, end;
} batch;

typedef struct {
    void *lines;
    size_t mask;
} table;

struct edic_tok_cache {
    edic_tok_memory *memory;
    uint64_t version;               // of the memory, as which it is held
    edic_tok_region *held[EDIC_TOK_REGIONS];
    table words, long_words;        // as in `held`
    uint32_t *arena;                // the ids of words that have many
    size_t added[2];                // words that `held` does not know of
    int lacks_room, wide;           // whether ids found no place
    edic_tok_paths *paths;          // where Unigram words are learnt; made when first needed
    batch batches[2];
    batch *now, *ahead;
    size_t batch_size;              // of the next: few words where all are remembered, since their lines stay close
};

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

// Looks for a word of a batch; returns whether it is remembered, with its value in the batch then.
int edic_tok_find(const edic_tok_cache *c, batch *b, size_t i, const uint8_t *word);
// Notes that word `i` of a batch is met again.
void edic_tok_note_use(edic_tok_cache *c, batch *b, size_t i, const uint8_t *word);
// Adds a word to a table; returns 0 where it is there already or has no place.
int edic_tok_put_short(const table *t, uint64_t low, uint64_t high, size_t hash, const uint64_t *stored);
int edic_tok_put_long(const table *t, const uint8_t *word, size_t length, size_t hash, const uint64_t *stored);
// Goes on with what other threads have made of the memory, or makes more room in it. To be called between batches: what was
// found before is forgotten.
void edic_tok_cache_renew(edic_tok_cache *c);
// Remembers the ids of word `i` of a batch, there too. At least FAST_IDS may be read at `ids`.
void edic_tok_remember(edic_tok_cache *c, batch *b, size_t i, const uint8_t *word, const uint32_t *ids, size_t count,
                       uint8_t doubt);

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

#endif
