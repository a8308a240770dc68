// A double-array trie, Unigram's best path over it, and WordPiece.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "CEDICTokenizers.h"
#include "tables.h"
#include "trie.h"

enum { MOST_NODES = 1 << 22 };

typedef struct {
    uint32_t node;
    uint32_t low, high;             // the keys below it
    uint32_t depth;
} task;

static void *resized(void *array, size_t old, size_t new, size_t size) {
    uint8_t *bigger = realloc(array, new * size);
    if (bigger) memset(bigger + old * size, 0, (new - old) * size);
    return bigger;
}

// What building takes: a bit for each place that is a node's, and for each base that is a node's.
typedef struct {
    edic_tok_trie *t;
    uint8_t *taken, *bases;
    size_t capacity, first_gap, first_room;
    task *queue;
    size_t done, tasks, task_capacity;
} building;

static int grow(building *b, size_t needed) {
    if (needed <= b->capacity) return 1;
    size_t bigger = b->capacity + b->capacity / 4 > needed ? b->capacity + b->capacity / 4 : needed;
    bigger = (bigger + 63) / 64 * 64;
    if (bigger > MOST_NODES) bigger = (needed + 63) / 64 * 64;
    if (bigger > MOST_NODES) return 0;
    edic_tok_trie *t = b->t;
    void *nodes = resized(t->nodes, b->capacity, bigger, sizeof *t->nodes);
    if (nodes) t->nodes = nodes;
    void *keys = resized(t->keys, b->capacity, bigger, sizeof *t->keys);
    if (keys) t->keys = keys;
    // Eight bytes more, since bits are read 64 at a time.
    const size_t old_bits = b->taken ? b->capacity / 8 + 8 : 0;
    void *taken = resized(b->taken, old_bits, bigger / 8 + 8, 1);
    if (taken) b->taken = taken;
    void *bases = resized(b->bases, old_bits, bigger / 8 + 8, 1);
    if (bases) b->bases = bases;
    void *exact = t->exact ? resized(t->exact, b->capacity, bigger, sizeof *t->exact) : NULL;
    if (exact) t->exact = exact;
    if (!nodes || !keys || !taken || !bases || (t->exact && !exact)) return 0;
    for (size_t i = b->capacity; i < bigger; i++) t->keys[i].score = -INFINITY;
    b->capacity = bigger;
    return 1;
}

static int push(building *b, task todo) {
    if (b->tasks == b->task_capacity) {
        size_t bigger = b->task_capacity * 2 + 1024;
        task *queue = realloc(b->queue, bigger * sizeof *queue);
        if (!queue) return 0;
        b->queue = queue;
        b->task_capacity = bigger;
    }
    b->queue[b->tasks++] = todo;
    return 1;
}

static void set_bit(uint8_t *bits, size_t at) { bits[at / 8] |= (uint8_t)(1 << at % 8); }

// 32 bits from `at` on.
static uint32_t bits_at(const uint8_t *bits, size_t at) {
    uint64_t found;
    memcpy(&found, bits + at / 8, sizeof found);
    return (uint32_t)(found >> at % 8);
}

// A base that is nobody's with a free place for each child, 32 candidates at a time; 0 without memory. Nodes that branch
// take the first that follows the last one's, which keeps the search short; those with one child fill the gaps. The
// places below 256 stay free, so that a node of base 0 has no children.
static size_t find_base(building *b, const uint8_t *bytes, unsigned children) {
    size_t *first = children == 1 ? &b->first_gap : &b->first_room;
    while (*first + 32 <= b->capacity && bits_at(b->taken, *first) == UINT32_MAX) *first += 32;
    size_t base = *first > (size_t)bytes[0] + 256 ? *first - bytes[0] : 256;
    for (size_t tried = 0;; base += 32, tried += 32) {
        if (!grow(b, base + 544)) return 0;
        uint32_t taken = bits_at(b->bases, base);
        for (unsigned c = 0; c < children && taken != UINT32_MAX; c++) taken |= bits_at(b->taken, base + bytes[c]);
        if (taken == UINT32_MAX) continue;
        if (base > *first && (children > 1 || tried > 1024)) *first = base;
        return base + (size_t)__builtin_ctz(~taken);
    }
}

// Gives the next node its key and its children. Level by level: what is near the root is near in memory.
static int expand(building *b, const uint8_t *keys, const uint64_t *offsets, const uint32_t *ids, const double *scores) {
    task todo = b->queue[b->done++];
    edic_tok_trie *t = b->t;
    uint32_t low = todo.low;
    // The shortest key is first; it ends at this node if it is as long as the path.
    if (offsets[low + 1] - offsets[low] == todo.depth) {
        t->nodes[todo.node] |= EDIC_TOK_KEY;
        t->keys[todo.node] = (edic_tok_key){scores ? (float)scores[low] : 0, ids[low]};
        t->is_odd |= isinf(t->keys[todo.node].score);
        if (t->exact) t->exact[todo.node] = scores[low];
        low++;
    }
    if (low == todo.high) return 1;
    uint8_t bytes[256];
    uint32_t begins[257];
    unsigned children = 0;
    for (uint32_t i = low; i < todo.high; i++) {
        uint8_t byte = keys[offsets[i] + todo.depth];
        if (children == 0 || bytes[children - 1] != byte) {
            bytes[children] = byte;
            begins[children++] = i;
        }
    }
    begins[children] = todo.high;
    size_t base = find_base(b, bytes, children);
    if (base == 0) return 0;
    set_bit(b->bases, base);
    t->nodes[todo.node] |= (uint32_t)base << EDIC_TOK_BASE;
    for (unsigned c = 0; c < children; c++) {
        t->nodes[base + bytes[c]] = (uint32_t)EDIC_TOK_NODE | bytes[c];
        set_bit(b->taken, base + bytes[c]);
        t->is_odd |= bytes[c] == 0xFF;
        if (!push(b, (task){(uint32_t)base + bytes[c], begins[c], begins[c + 1], todo.depth + 1})) return 0;
    }
    return 1;
}

// The nodes of a trie of sorted keys: for each key, what it does not share with the one before.
static size_t node_count(const uint8_t *keys, const uint64_t *offsets, size_t count) {
    size_t nodes = 1;
    for (size_t i = 0; i < count; i++) {
        const size_t length = offsets[i + 1] - offsets[i], before = i > 0 ? offsets[i] - offsets[i - 1] : 0;
        size_t shared = 0;
        while (shared < length && shared < before && keys[offsets[i] + shared] == keys[offsets[i - 1] + shared]) shared++;
        nodes += length - shared;
    }
    return nodes;
}

edic_tok_trie *edic_tok_trie_create(const uint8_t *keys, const uint64_t *offsets, const uint32_t *ids,
                                    const double *scores, size_t count) {
    building b = {.t = calloc(1, sizeof *b.t), .first_gap = 256, .first_room = 256};
    int is_exact = 1, done = b.t && count < UINT32_MAX;
    for (size_t i = 0; scores && i < count; i++) is_exact &= (double)(float)scores[i] == scores[i];
    if (done && !is_exact) done = (b.t->exact = malloc(sizeof(double))) != NULL;
    const size_t expected = node_count(keys, offsets, count) * 9 / 8 + 1024;
    done = done && grow(&b, expected < MOST_NODES ? expected : MOST_NODES);
    if (done && count > 0) done = push(&b, (task){0, 0, (uint32_t)count, 0});
    while (done && b.done < b.tasks) done = expand(&b, keys, offsets, ids, scores);
    free(b.queue);
    free(b.taken);
    free(b.bases);
    if (b.t) b.t->count = b.capacity;
    if (done) return b.t;
    edic_tok_trie_destroy(b.t);
    return NULL;
}

void edic_tok_trie_destroy(edic_tok_trie *t) {
    if (!t) return;
    free(t->nodes);
    free(t->keys);
    free(t->exact);
    free(t);
}

// The place of the child of `at` by `byte`, or 0.
static inline uint32_t child(const uint32_t *nodes, uint32_t at, uint8_t byte) {
    uint32_t to = (nodes[at] >> EDIC_TOK_BASE) + byte;
    return edic_tok_is_child(nodes[to], byte) ? to : 0;
}

uint32_t edic_tok_trie_find(const edic_tok_trie *t, const uint8_t *s, size_t n) {
    uint32_t at = 0;
    for (size_t i = 0; i < n; i++) {
        at = child(t->nodes, at, s[i]);
        if (at == 0) return UINT32_MAX;
    }
    return t->nodes[at] & EDIC_TOK_KEY ? t->keys[at].id : UINT32_MAX;
}

int edic_tok_trie_begins(const edic_tok_trie *t, uint8_t byte) { return child(t->nodes, 0, byte) != 0; }

uint32_t edic_tok_trie_longest(const edic_tok_trie *t, const uint8_t *s, size_t n, size_t *length) {
    uint32_t at = 0, found = UINT32_MAX;
    for (size_t i = 0; i < n && (at = child(t->nodes, at, s[i])) != 0; i++) {
        if (t->nodes[at] & EDIC_TOK_KEY) {
            found = t->keys[at].id;
            *length = i + 1;
        }
    }
    return found;
}

size_t edic_tok_trie_prefixes(const edic_tok_trie *t, const uint8_t *s, size_t n, uint32_t *ids, uint32_t *lengths,
                              size_t capacity) {
    uint32_t at = 0;
    size_t count = 0;
    for (size_t i = 0; i < n && count < capacity && (at = child(t->nodes, at, s[i])) != 0; i++) {
        if (t->nodes[at] & EDIC_TOK_KEY) {
            ids[count] = t->keys[at].id;
            lengths[count++] = (uint32_t)i + 1;
        }
    }
    return count;
}

// --- Unigram --------------------------------------------------------------------------------------------------------

typedef struct {
    double score, margin;           // the best score of a path that ends here; its lead over the runner-up
    uint32_t from, id;              // the last piece of that path; from == UINT32_MAX: no path yet
} station;

static inline double sum(double a, double b, int single) { return single ? (double)(float)((float)a + (float)b) : a + b; }

static inline void arrive(station *to, double score, uint32_t from, uint32_t id) {
    if (to->from == UINT32_MAX) {
        *to = (station){score, INFINITY, from, id};
    } else if (score > to->score) {
        *to = (station){score, score - to->score, from, id};
    } else if (to->score - score < to->margin) {
        to->margin = to->score - score;
    }
}

size_t edic_tok_unigram_best(const edic_tok_unigram *model, const uint8_t *s, size_t n, double start, uint32_t *ids,
                             uint32_t *ends, double *margin) {
    station local[256], *stations = local;
    if (n + 1 > 256) {
        stations = malloc((n + 1) * sizeof *stations);
        if (!stations) return SIZE_MAX;
    }
    for (size_t i = 0; i <= n; i++) stations[i].from = UINT32_MAX;
    stations[0] = (station){start, INFINITY, 0, 0};
    const uint32_t *nodes = model->trie->nodes;
    const edic_tok_key *keys = model->trie->keys;
    const double *exact = model->trie->exact;
    int single = model->single_precision;
    for (size_t i = 0; i < n;) {
        unsigned length;
        edic_tok_decode(s, i, n, &length);
        double here = stations[i].score;
        int has_single = 0;
        uint32_t at = 0;
        for (size_t k = i; k < n && (at = child(nodes, at, s[k])) != 0; k++) {
            if (!(nodes[at] & EDIC_TOK_KEY)) continue;
            double score = exact ? exact[at] : keys[at].score;
            if (score == -INFINITY) continue;
            // A score above zero marks a piece the user asked for: its true score grows with its length.
            if (score == INFINITY) score = (double)(k + 1 - i) * model->user_bonus - 0.1;
            arrive(&stations[k + 1], sum(here, score, single), (uint32_t)i, keys[at].id);
            if (k + 1 == i + length) has_single = 1;
        }
        if (!has_single) arrive(&stations[i + length], sum(here, model->unknown_score, single), (uint32_t)i, model->unknown_id);
        i += length;
    }
    size_t count = 0;
    double least = INFINITY;
    for (size_t at = n; at > 0; at = stations[at].from) {
        if (stations[at].margin < least) least = stations[at].margin;
        count++;
    }
    size_t k = count;
    for (size_t at = n; at > 0; at = stations[at].from) {
        ids[--k] = stations[at].id;
        if (ends) ends[k] = (uint32_t)at;
    }
    if (margin) *margin = least;
    if (stations != local) free(stations);
    return count;
}

size_t edic_tok_wordpiece(const edic_tok_trie *starting, const edic_tok_trie *continuing, const uint8_t *s, size_t n,
                          uint32_t *ids, uint32_t *ends) {
    size_t count = 0;
    for (size_t i = 0; i < n;) {
        size_t length = 0;
        const edic_tok_trie *trie = i == 0 ? starting : continuing;
        uint32_t id = trie ? edic_tok_trie_longest(trie, s + i, n - i, &length) : UINT32_MAX;
        if (id == UINT32_MAX) return 0;
        i += length;
        if (ends) ends[count] = (uint32_t)i;
        ids[count++] = id;
    }
    return count;
}
