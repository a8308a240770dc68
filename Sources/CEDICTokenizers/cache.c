// The memory of words.
#define _GNU_SOURCE 1  // madvise
#include "cache.h"

#include <stdlib.h>
#include <sys/mman.h>

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
    edic_tok_paths_destroy(c->paths);
    free(c);
}

// The place of a word: where it is, with `*known` set, or else where it may go. Words that find their line full stand
// in one of the next.
value *edic_tok_find_short(edic_tok_cache *c, uint64_t low, uint64_t high, size_t hash, int *known) {
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

value *edic_tok_find_long(edic_tok_cache *c, const uint8_t *p, size_t length, size_t hash, int *known) {
    *known = 0;
    for (size_t k = 0; k < PROBES; k++) {
        long_entry *e = long_of(&c->long_words, hash + k);
        *known = is_long_word(e, p, length);
        if (*known || e->value.length == 0) return &e->value;
    }
    return &long_of(&c->long_words, hash)->value;
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
    batch one;
    int known;
    for (size_t i = 0; i <= old.mask; i++) {
        if (is_long) {
            const long_entry *e = (const long_entry *)old.lines + i;
            if (e->value.length == 0) continue;
            read_word(&one, 0, e->word, e->value.length, LONG_WORD);
            value *to = edic_tok_find_long(c, e->word, e->value.length, one.hash[0], &known);
            memcpy((uint8_t *)to - offsetof(long_entry, value), e, sizeof *e);
            continue;
        }
        for (int w = 0; w < 2; w++) {
            const entry *e = &((const line *)old.lines)[i].ways[w];
            if (e->value.length == 0) continue;
            value *to = edic_tok_find_short(c, e->low, e->high, (size_t)mix(e->low, e->high), &known);
            memcpy((uint8_t *)to - offsetof(entry, value), e, sizeof *e);
        }
    }
    munmap(old.lines, (old.mask + 1) * sizeof(line));
}

static void forget(edic_tok_cache *c) {
    memset(c->words.lines, 0, (c->words.mask + 1) * sizeof(line));
    memset(c->long_words.lines, 0, (c->long_words.mask + 1) * sizeof(line));
    c->arena_count = c->words.inserted = c->long_words.inserted = 0;
    for (size_t i = 0; i < 2 * BATCH; i++) {
        value *v = &c->batches[i / BATCH].values[i % BATCH];
        if (v->format == ARENA) v->format = UNKNOWN;
    }
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

void edic_tok_remember(edic_tok_cache *c, batch *b, size_t i, const uint8_t *word, const uint32_t *ids, size_t count,
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
    t->inserted += to->length == 0;
    b->values[i] = v;
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
    edic_tok_remember(c, &one, 0, word, ids, count, doubt);
}
