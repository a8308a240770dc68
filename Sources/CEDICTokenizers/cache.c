// Looking for words in the tables and adding to them.
#include "cache.h"

// Whether the entry, whose last word is given, is the word of more than 15 bytes at p: its ends are compared, which
// overlap, and the middle.
static inline int is_long_word(const long_entry *e, uint64_t last, const uint8_t *p, size_t length) {
    if (length_of(last) != length) return 0;
    const uint8_t *word = (const uint8_t *)e->word;
    uint64_t differs = (load64(word) ^ load64(p)) | (load64(word + 8) ^ load64(p + 8))
        | (load64(word + length - 16) ^ load64(p + length - 16)) | (load64(word + length - 8) ^ load64(p + length - 8));
    if (length > 32) differs |= (load64(word + 16) ^ load64(p + 16)) | (load64(word + 24) ^ load64(p + 24));
    return differs == 0;
}

// Words that find their line full stand in one of the next.
static const uint64_t *find_short(const table *t, uint64_t low, uint64_t high, size_t hash) {
    for (size_t k = 0; k < PROBES; k++) {
        const line *l = line_of(t, hash + k);
        for (unsigned w = 0; w < 2; w++) {
            const entry *e = &l->ways[w];
            uint64_t is = peek_first(&e->high);
            if (is == 0) return NULL;
            if (is == high && e->low == low) return e->value;
        }
    }
    return NULL;
}

static const uint64_t *find_long(const table *t, const uint8_t *p, size_t length, size_t hash) {
    for (size_t k = 0; k < PROBES; k++) {
        const long_entry *e = long_of(t, hash + k);
        uint64_t last = peek_first(&e->value[1]);
        if (last == 0) return NULL;
        if (is_long_word(e, last, p, length)) return e->value;
    }
    return NULL;
}

int edic_tok_find(const edic_tok_cache *c, batch *b, size_t i, const uint8_t *word) {
    const uint64_t *found = b->length[i] <= SHORT_WORD ? find_short(&c->words, b->low[i], b->high[i], b->hash[i])
                                                       : find_long(&c->long_words, word, b->length[i], b->hash[i]);
    if (!found) return 0;
    uint64_t stored[2] = {peek(&found[0]), peek(&found[1])};
    memcpy(&b->values[i], stored, sizeof stored);
    return 1;
}

void edic_tok_note_use(edic_tok_cache *c, batch *b, size_t i, const uint8_t *word) {
    if (b->length[i] > LONG_WORD) return;
    const uint64_t *found = b->length[i] <= SHORT_WORD ? find_short(&c->words, b->low[i], b->high[i], b->hash[i])
                                                       : find_long(&c->long_words, word, b->length[i], b->hash[i]);
    if (found && !(peek(&found[1]) & USED)) __atomic_fetch_or((uint64_t *)&found[1], USED, __ATOMIC_RELAXED);
}

// Whether the caller may write the entry that this word publishes.
static inline int claim(uint64_t *last) {
    uint64_t none = 0;
    return __atomic_compare_exchange_n(last, &none, CLAIMED, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static inline void put(uint64_t *at, uint64_t word) { __atomic_store_n(at, word, __ATOMIC_RELAXED); }
static inline void publish(uint64_t *last, uint64_t word) { __atomic_store_n(last, word, __ATOMIC_RELEASE); }

int edic_tok_put_short(const table *t, uint64_t low, uint64_t high, size_t hash, const uint64_t *stored) {
    for (size_t k = 0; k < PROBES; k++) {
        line *l = line_of(t, hash + k);
        for (unsigned w = 0; w < 2; w++) {
            entry *e = &l->ways[w];
            uint64_t is = peek_first(&e->high);
            if (is == high && e->low == low) return 0;
            if (is != 0 || !claim(&e->high)) continue;
            put(&e->low, low);
            put(&e->value[0], stored[0]);
            put(&e->value[1], stored[1]);
            publish(&e->high, high);
            return 1;
        }
    }
    return 0;
}

int edic_tok_put_long(const table *t, const uint8_t *p, size_t length, size_t hash, const uint64_t *stored) {
    for (size_t k = 0; k < PROBES; k++) {
        long_entry *e = long_of(t, hash + k);
        uint64_t last = peek_first(&e->value[1]);
        if (is_long_word(e, last, p, length)) return 0;
        if (last != 0 || !claim(&e->value[1])) continue;
        uint64_t word[LONG_WORD / 8] = {0};
        memcpy(word, p, length);
        for (size_t i = 0; i < LONG_WORD / 8; i++) put(&e->word[i], word[i]);
        put(&e->value[0], stored[0]);
        publish(&e->value[1], stored[1]);
        return 1;
    }
    return 0;
}

// Puts the ids into `v`; returns 0 where they cannot be kept. At least FAST_IDS may be read.
static int pack(edic_tok_cache *c, value *v, const uint32_t *ids, size_t count) {
    if (!c->wide && count <= NARROW_IDS) {
        // All that fit, whatever the count, which nobody can foresee.
        uint16_t narrow[NARROW_IDS];
        uint32_t all = 0;
        for (size_t i = 0; i < NARROW_IDS; i++) {
            uint32_t id = ids[i] & (0 - (uint32_t)(i < count));
            all |= id;
            narrow[i] = (uint16_t)id;
        }
        memcpy(v->ids, narrow, sizeof narrow);
        if (all <= 0xFFFF) return 1;
    }
    uint32_t all = 0;
    for (size_t i = 0; i < count; i++) all |= ids[i];
    if (c->wide && all <= 0xFFFFFF && count <= WIDE_IDS) {
        for (size_t i = 0; i < count; i++) {
            for (unsigned b = 0; b < 3; b++) v->ids[3 * i + b] = (uint8_t)(ids[i] >> 8 * b);
        }
        return 1;
    }
    edic_tok_region *arena = c->held[EDIC_TOK_ARENA];
    size_t at = __atomic_fetch_add(&arena->used, count, __ATOMIC_RELAXED);
    if (at + count > arena->size / sizeof *ids) {
        c->lacks_room = 1;
        return 0;
    }
    memcpy(c->arena + at, ids, count * sizeof *ids);
    memcpy(v->ids, &(uint32_t){(uint32_t)at}, sizeof(uint32_t));
    v->format = ARENA;
    return 1;
}

void edic_tok_remember(edic_tok_cache *c, batch *b, size_t i, const uint8_t *word, const uint32_t *ids, size_t count,
                       uint8_t doubt) {
    size_t length = b->length[i];
    if (length == 0 || length > LONG_WORD || count > 255) return;
    value v = {.count = (uint8_t)count, .doubt = doubt, .length = (uint8_t)length};
    if (!pack(c, &v, ids, count)) return;
    b->values[i] = v;
    uint64_t stored[2];
    memcpy(stored, &v, sizeof stored);
    if (length <= SHORT_WORD) {
        c->added[EDIC_TOK_WORDS] += (size_t)edic_tok_put_short(&c->words, b->low[i], b->high[i], b->hash[i], stored);
    } else {
        c->added[EDIC_TOK_LONG_WORDS] += (size_t)edic_tok_put_long(&c->long_words, word, length, b->hash[i], stored);
    }
}

void edic_tok_cache_insert(edic_tok_cache *c, const uint8_t *word, size_t length, const uint32_t *ids, size_t count,
                           uint8_t doubt) {
    if (length > LONG_WORD) return;
    batch one;
    read_word(&one, 0, word, length, length);
    uint32_t few[FAST_IDS] = {0};
    if (count < FAST_IDS) ids = memcpy(few, ids, count * sizeof *ids);
    edic_tok_remember(c, &one, 0, word, ids, count, doubt);
}
