// The memory of words that threads share: its regions, and what happens when they are full.
#define _GNU_SOURCE 1  // madvise
#include <stdlib.h>
#include <sys/mman.h>

#include "cache.h"

static edic_tok_region *region_create(size_t size) {
    edic_tok_region *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (r->bytes == MAP_FAILED) {
        free(r);
        return NULL;
    }
    // Before the first touch: large pages spare the walks that random look-ups would cost.
    madvise(r->bytes, size, MADV_HUGEPAGE);
    r->holders = 1;
    r->size = size;
    return r;
}

static edic_tok_region *hold(edic_tok_region *r) {
    __atomic_fetch_add(&r->holders, 1, __ATOMIC_RELAXED);
    return r;
}

static void let_go(edic_tok_region *r) {
    if (!r || __atomic_fetch_sub(&r->holders, 1, __ATOMIC_ACQ_REL) > 1) return;
    munmap(r->bytes, r->size);
    free(r);
}

edic_tok_memory *edic_tok_memory_create(size_t limit, int wide) {
    edic_tok_memory *m = calloc(1, sizeof *m);
    if (!m) return NULL;
    m->wide = wide;
    m->version = 1;
    pthread_mutex_init(&m->lock, NULL);
    pthread_mutex_init(&m->growing, NULL);
    const size_t shares[EDIC_TOK_REGIONS] = {2, 4, 8};
    int done = 1;
    for (unsigned k = 0; k < EDIC_TOK_REGIONS; k++) {
        m->most[k] = FIRST_LINES * sizeof(line);
        while (m->most[k] * 2 <= limit / shares[k]) m->most[k] *= 2;
        // Pages of the arena that nobody writes to take no memory.
        m->regions[k] = region_create(k == EDIC_TOK_ARENA ? m->most[k] : FIRST_LINES * sizeof(line));
        done &= m->regions[k] != NULL;
    }
    if (done) return m;
    edic_tok_memory_destroy(m);
    return NULL;
}

void edic_tok_memory_destroy(edic_tok_memory *m) {
    if (!m) return;
    for (unsigned k = 0; k < EDIC_TOK_REGIONS; k++) let_go(m->regions[k]);
    pthread_mutex_destroy(&m->lock);
    pthread_mutex_destroy(&m->growing);
    free(m);
}

static void use(edic_tok_cache *c) {
    c->words = (table){c->held[EDIC_TOK_WORDS]->bytes, c->held[EDIC_TOK_WORDS]->size / sizeof(line) - 1};
    c->long_words = (table){c->held[EDIC_TOK_LONG_WORDS]->bytes, c->held[EDIC_TOK_LONG_WORDS]->size / sizeof(line) - 1};
    c->arena = c->held[EDIC_TOK_ARENA]->bytes;
}

// Takes the regions that are now in use.
static void adopt(edic_tok_cache *c) {
    edic_tok_memory *m = c->memory;
    edic_tok_region *old[EDIC_TOK_REGIONS];
    pthread_mutex_lock(&m->lock);
    for (unsigned k = 0; k < EDIC_TOK_REGIONS; k++) {
        old[k] = c->held[k];
        c->held[k] = hold(m->regions[k]);
    }
    c->version = m->version;
    pthread_mutex_unlock(&m->lock);
    for (unsigned k = 0; k < EDIC_TOK_REGIONS; k++) let_go(old[k]);
    use(c);
}

edic_tok_cache *edic_tok_cache_create(edic_tok_memory *memory) {
    edic_tok_cache *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->memory = memory;
    c->wide = memory->wide;
    c->now = &c->batches[0];
    c->ahead = &c->batches[1];
    c->batch_size = WARM_BATCH;
    adopt(c);
    return c;
}

void edic_tok_cache_destroy(edic_tok_cache *c) {
    if (!c) return;
    for (unsigned k = 0; k < EDIC_TOK_REGIONS; k++) let_go(c->held[k]);
    edic_tok_paths_destroy(c->paths);
    free(c);
}

// --- Making room ----------------------------------------------------------------------------------------------------

static const size_t unit[EDIC_TOK_REGIONS] = {sizeof(entry), sizeof(long_entry), sizeof(uint32_t)};

static size_t room_of(unsigned k, const edic_tok_region *r) { return r->size / unit[k]; }

static size_t used_of(const edic_tok_region *r) { return __atomic_load_n(&r->used, __ATOMIC_RELAXED); }

// A table up to two fifths full loses next to no word.
static int wants_growth(const edic_tok_memory *m, unsigned k, const edic_tok_region *r) {
    return k != EDIC_TOK_ARENA && r->size < m->most[k] && used_of(r) * 5 > room_of(k, r) * 2;
}

static int is_full(const edic_tok_memory *m, unsigned k, const edic_tok_region *r) {
    size_t eighths = k == EDIC_TOK_WORDS ? 7 : k == EDIC_TOK_LONG_WORDS ? 6 : 8;
    return r->size == m->most[k] && used_of(r) * 8 >= room_of(k, r) * eighths;
}

// How many words were met again. (Both kinds of entry end in their value's last word.)
static size_t used_words(unsigned k, const edic_tok_region *r) {
    const uint64_t *words = r->bytes;
    size_t step = r->size / room_of(k, r) / sizeof *words, count = 0;
    for (size_t i = step - 1; i < r->size / sizeof *words; i += step) count += peek(&words[i]) >> 63;
    return count;
}

// What is left behind when a memory is emptied, and where the ids go of what is not.
typedef struct {
    const uint32_t *ids;
    edic_tok_region *arena;
} emptying;

// Whether a word stays; its mark is taken then, and its ids moved to the new arena, of which they get half.
static int stays(const emptying *e, uint64_t *stored) {
    if (!e) return 1;
    value v;
    memcpy(&v, stored, sizeof v);
    if (!(stored[1] & USED)) return 0;
    v.length &= (uint8_t)~(USED >> 56);
    if (v.format == ARENA) {
        uint32_t from, to = (uint32_t)e->arena->used;
        memcpy(&from, v.ids, sizeof from);
        if ((to + v.count) * 2 > room_of(EDIC_TOK_ARENA, e->arena)) return 0;
        memcpy((uint32_t *)e->arena->bytes + to, e->ids + from, v.count * sizeof to);
        memcpy(v.ids, &to, sizeof to);
        e->arena->used += v.count;
    }
    memcpy(stored, &v, sizeof v);
    return 1;
}

static void copy_short(const edic_tok_region *from, edic_tok_region *to, const emptying *emptying) {
    table t = {to->bytes, to->size / sizeof(line) - 1};
    const entry *entries = from->bytes;
    for (size_t i = 0; i < from->size / sizeof(entry); i++) {
        const entry *e = &entries[i];
        uint64_t high = peek_first(&e->high), stored[2] = {peek(&e->value[0]), peek(&e->value[1])};
        if (high == 0 || high == CLAIMED || !stays(emptying, stored)) continue;
        to->used += (size_t)edic_tok_put_short(&t, e->low, high, (size_t)mix(e->low, high), stored);
    }
}

static void copy_long(const edic_tok_region *from, edic_tok_region *to, const emptying *emptying) {
    table t = {to->bytes, to->size / sizeof(line) - 1};
    const long_entry *entries = from->bytes;
    batch one;
    for (size_t i = 0; i < from->size / sizeof(long_entry); i++) {
        const long_entry *e = &entries[i];
        uint64_t last = peek_first(&e->value[1]), stored[2] = {peek(&e->value[0]), last};
        size_t length = length_of(last);
        if (length == 0 || !stays(emptying, stored)) continue;
        const uint8_t *word = (const uint8_t *)e->word;
        read_word(&one, 0, word, length, LONG_WORD);
        to->used += (size_t)edic_tok_put_long(&t, word, length, one.hash[0], stored);
    }
}

static void copy(unsigned k, const edic_tok_region *from, edic_tok_region *to, const emptying *emptying) {
    if (k == EDIC_TOK_WORDS) copy_short(from, to, emptying);
    else copy_long(from, to, emptying);
}

// Fills the successors of all regions with what was met again; the tables are as small as that allows. Where nearly all
// was, none of it stays.
static int empty(edic_tok_memory *m, edic_tok_region **next) {
    next[EDIC_TOK_ARENA] = region_create(m->regions[EDIC_TOK_ARENA]->size);
    if (!next[EDIC_TOK_ARENA]) return 0;
    emptying emptying = {m->regions[EDIC_TOK_ARENA]->bytes, next[EDIC_TOK_ARENA]};
    for (unsigned k = 0; k < EDIC_TOK_ARENA; k++) {
        size_t size = FIRST_LINES * sizeof(line), words = used_words(k, m->regions[k]);
        if (words * 2 > m->most[k] / unit[k]) words = 0;
        while (size < m->most[k] && words * 5 > size / unit[k] * 2) size *= 2;
        next[k] = region_create(size);
        if (!next[k]) return 0;
        if (words > 0) copy(k, m->regions[k], next[k], &emptying);
    }
    return 1;
}

// Replaces what is full: a table by a greater one; where that is all the memory there may be, all by less.
static void make_room(edic_tok_memory *m) {
    edic_tok_region *next[EDIC_TOK_REGIONS] = {NULL};
    int is_emptied = 0, done = 1;
    for (unsigned k = 0; k < EDIC_TOK_REGIONS; k++) is_emptied |= is_full(m, k, m->regions[k]);
    if (is_emptied) done = empty(m, next);
    for (unsigned k = 0; k < EDIC_TOK_REGIONS && !is_emptied; k++) {
        if (!wants_growth(m, k, m->regions[k])) continue;
        // Where one more step would be a small one, it is made at once: what it costs is the clearing of new pages.
        size_t size = m->regions[k]->size * GROWTH;
        next[k] = region_create(size * 2 < m->most[k] ? size : m->most[k]);
        if (next[k]) copy(k, m->regions[k], next[k], NULL);
        else m->most[k] = m->regions[k]->size;
    }
    pthread_mutex_lock(&m->lock);
    for (unsigned k = 0; k < EDIC_TOK_REGIONS && done; k++) {
        if (!next[k]) continue;
        edic_tok_region *old = m->regions[k];
        m->regions[k] = next[k];
        next[k] = old;
    }
    __atomic_store_n(&m->version, m->version + 1, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&m->lock);
    for (unsigned k = 0; k < EDIC_TOK_REGIONS; k++) let_go(next[k]);
}

void edic_tok_cache_renew(edic_tok_cache *c) {
    edic_tok_memory *m = c->memory;
    int wants = c->lacks_room;
    c->lacks_room = 0;
    for (unsigned k = 0; k < EDIC_TOK_ARENA; k++) {
        if (c->added[k] == 0) continue;
        __atomic_fetch_add(&c->held[k]->used, c->added[k], __ATOMIC_RELAXED);
        c->added[k] = 0;
        wants |= wants_growth(m, k, c->held[k]) || is_full(m, k, c->held[k]);
    }
    // Who comes late goes on as before.
    if (__builtin_expect(wants, 0) && pthread_mutex_trylock(&m->growing) == 0) {
        if (__atomic_load_n(&m->version, __ATOMIC_RELAXED) == c->version) make_room(m);
        pthread_mutex_unlock(&m->growing);
    }
    if (__builtin_expect(__atomic_load_n(&m->version, __ATOMIC_RELAXED) != c->version, 0)) adopt(c);
}
