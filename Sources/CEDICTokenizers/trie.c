// A double-array trie, Unigram's best path over it, and WordPiece.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "CEDICTokenizers.h"
#include "tables.h"
#include "trie.h"

enum { MOST_NODES = 1 << 22 };

typedef struct {
    uint32_t start, length, index;
} key;

typedef struct {
    uint32_t node;
    uint32_t low, high;             // the keys below it, as places in the order
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
    const uint8_t *bytes;
    const uint32_t *ids;
    const double *scores;
    key *order, *other;             // the keys, those below a node side by side; as much room for sorting
    size_t distinct;
    uint8_t *taken, *bases;
    size_t capacity, first_gap, first_room, end;
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

// Gives back what no base reaches.
static void trim(building *b) {
    edic_tok_trie *t = b->t;
    const size_t end = b->end > 256 ? b->end : 256;
    uint32_t *nodes = realloc(t->nodes, end * sizeof *nodes);
    if (nodes) t->nodes = nodes;
    edic_tok_key *keys = realloc(t->keys, end * sizeof *keys);
    if (keys) t->keys = keys;
    double *exact = t->exact ? realloc(t->exact, end * sizeof *exact) : NULL;
    if (exact) t->exact = exact;
    b->capacity = end;
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

// Sorts the keys from `low` on, which share their first `depth` bytes, by the next one; equals stay in their order.
static void sort_keys(building *b, uint32_t low, uint32_t high, uint32_t depth) {
    enum { FEW = 24 };
    key *order = b->order;
    const uint8_t *bytes = b->bytes + depth;
    if (high - low <= FEW) {
        for (uint32_t i = low + 1; i < high; i++) {
            const key moved = order[i];
            const uint8_t byte = bytes[moved.start];
            uint32_t at = i;
            for (; at > low && bytes[order[at - 1].start] > byte; at--) order[at] = order[at - 1];
            order[at] = moved;
        }
        return;
    }
    uint32_t places[257] = {0};
    for (uint32_t i = low; i < high; i++) places[bytes[order[i].start] + 1]++;
    for (unsigned byte = 0; byte < 256; byte++) places[byte + 1] += places[byte];
    for (uint32_t i = low; i < high; i++) b->other[places[bytes[order[i].start]]++] = order[i];
    memcpy(order + low, b->other, (high - low) * sizeof *order);
}

static void end_key(building *b, uint32_t node, uint32_t index) {
    edic_tok_trie *t = b->t;
    t->nodes[node] |= EDIC_TOK_KEY;
    t->keys[node] = (edic_tok_key){b->scores ? (float)b->scores[index] : 0, b->ids ? b->ids[index] : index};
    t->is_odd |= isinf(t->keys[node].score);
    if (t->exact) t->exact[node] = b->scores[index];
    b->distinct++;
}

// Gives a node the first of the keys that end there and drops those; returns where the others begin.
static uint32_t end_keys(building *b, task todo) {
    uint32_t low = todo.high, ending = UINT32_MAX;
    for (uint32_t i = todo.high; i-- > todo.low;) {
        const key found = b->order[i];
        if (found.length == todo.depth) ending = found.index;
        else b->order[--low] = found;
    }
    if (ending != UINT32_MAX) end_key(b, todo.node, ending);
    return low;
}

// Says where the children of a node are.
static void set_base(building *b, uint32_t node, size_t base) {
    set_bit(b->bases, base);
    if (base + 256 > b->end) b->end = base + 256;
    b->t->nodes[node] |= (uint32_t)base << EDIC_TOK_BASE;
}

static uint32_t add_child(building *b, size_t base, uint8_t byte) {
    b->t->nodes[base + byte] = (uint32_t)EDIC_TOK_NODE | byte;
    set_bit(b->taken, base + byte);
    b->t->is_odd |= byte == 0xFF;
    return (uint32_t)base + byte;
}

// Lays out the rest of a key that shares it with no other: more than half of all nodes.
static int lay_tail(building *b, uint32_t node, key k, uint32_t depth) {
    for (; depth < k.length; depth++) {
        const uint8_t byte = b->bytes[k.start + depth];
        const size_t base = find_base(b, &byte, 1);
        if (base == 0) return 0;
        set_base(b, node, base);
        node = add_child(b, base, byte);
    }
    end_key(b, node, k.index);
    return 1;
}

// Gives the next node its key and its children. Level by level: what is near the root is near in memory.
static int expand(building *b) {
    const task todo = b->queue[b->done++];
    const uint32_t low = end_keys(b, todo);
    if (low == todo.high) return 1;
    sort_keys(b, low, todo.high, todo.depth);
    uint8_t bytes[256];
    uint32_t begins[257];
    unsigned children = 0;
    for (uint32_t i = low; i < todo.high; i++) {
        uint8_t byte = b->bytes[b->order[i].start + todo.depth];
        if (children == 0 || bytes[children - 1] != byte) {
            bytes[children] = byte;
            begins[children++] = i;
        }
    }
    begins[children] = todo.high;
    const size_t base = find_base(b, bytes, children);
    if (base == 0) return 0;
    set_base(b, todo.node, base);
    for (unsigned c = 0; c < children; c++) add_child(b, base, bytes[c]);
    for (unsigned c = 0; c < children; c++) {
        const task child = {(uint32_t)base + bytes[c], begins[c], begins[c + 1], todo.depth + 1};
        const int done = child.high - child.low == 1 ? lay_tail(b, child.node, b->order[child.low], child.depth)
                                                     : push(b, child);
        if (!done) return 0;
    }
    return 1;
}

edic_tok_trie *edic_tok_trie_create(const edic_tok_strings *keys, const uint32_t *ids, const double *scores,
                                    size_t *distinct) {
    building b = {.t = calloc(1, sizeof *b.t), .bytes = keys->bytes, .ids = ids, .scores = scores};
    b.first_gap = b.first_room = 256;
    *distinct = 0;
    int is_exact = 1, done = b.t && keys->count < UINT32_MAX;
    b.order = malloc((keys->count + 1) * sizeof *b.order);
    b.other = malloc((keys->count + 1) * sizeof *b.other);
    done = done && b.order && b.other;
    uint32_t used = 0;
    size_t bytes = 0;
    for (size_t i = 0; done && i < keys->count; i++) {
        if (keys->lengths[i] == 0 || keys->lengths[i] == EDIC_TOK_NO_STRING) continue;
        b.order[used++] = (key){keys->starts[i], keys->lengths[i], (uint32_t)i};
        bytes += keys->lengths[i];
        if (scores) is_exact &= (double)(float)scores[i] == scores[i];
    }
    if (done && !is_exact) done = (b.t->exact = malloc(sizeof(double))) != NULL;
    // Three bytes of ten lead to a node that no other key has.
    const size_t expected = bytes / 3 + 1024;
    done = done && grow(&b, expected < MOST_NODES ? expected : MOST_NODES);
    if (done && used > 0) done = push(&b, (task){0, 0, used, 0});
    while (done && b.done < b.tasks) done = expand(&b);
    if (done) trim(&b);
    free(b.order);
    free(b.other);
    free(b.queue);
    free(b.taken);
    free(b.bases);
    if (b.t) b.t->count = b.capacity;
    *distinct = b.distinct;
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
