// A double-array trie, Unigram's best path over it, and WordPiece.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "CEDICTokenizers.h"
#include "tables.h"

typedef struct {
    int32_t base;                   // children are at base + byte
    int32_t parent;                 // the node this is a child of; -1: free
    uint32_t id;                    // UINT32_MAX: no key ends here
    float score;
} node;

_Static_assert(sizeof(node) == 16, "no node crosses a cache line");

struct edic_tok_trie {
    node *nodes;
    double *exact;                  // the scores of nodes, where they are not all floats
    size_t count;                   // every base + 255 is below it
};

typedef struct {
    uint32_t node;
    uint32_t low, high;             // the keys below it
    uint32_t depth;
} task;

static int grow(edic_tok_trie *t, size_t *capacity, size_t needed) {
    if (needed <= *capacity) return 1;
    size_t bigger = *capacity * 2 > needed ? *capacity * 2 : needed;
    if (bigger > INT32_MAX) return 0;
    node *nodes = realloc(t->nodes, bigger * sizeof(node));
    if (!nodes) return 0;
    t->nodes = nodes;
    if (t->exact) {
        double *exact = realloc(t->exact, bigger * sizeof(double));
        if (!exact) return 0;
        t->exact = exact;
    }
    for (size_t i = *capacity; i < bigger; i++) nodes[i] = (node){0, -1, UINT32_MAX, 0};
    *capacity = bigger;
    return 1;
}

edic_tok_trie *edic_tok_trie_create(const uint8_t *keys, const uint64_t *offsets, const uint32_t *ids,
                                    const double *scores, size_t count) {
    edic_tok_trie *t = calloc(1, sizeof *t);
    size_t capacity = 0, tasks = 0, task_capacity = 1024, first_free = 1, used = 1;
    task *queue = malloc(task_capacity * sizeof *queue);
    int is_exact = 1;
    for (size_t i = 0; scores && i < count; i++) is_exact &= (double)(float)scores[i] == scores[i];
    if (t && !is_exact) t->exact = malloc(sizeof(double));
    if (!t || (!is_exact && !t->exact) || !queue || count > UINT32_MAX || !grow(t, &capacity, 1024)) goto fail;
    t->nodes[0].parent = 0;
    t->nodes[0].base = 1;
    if (count > 0) queue[tasks++] = (task){0, 0, (uint32_t)count, 0};
    while (tasks > 0) {
        task todo = queue[--tasks];
        uint32_t low = todo.low;
        // The shortest key is first; it ends at this node if it is as long as the path.
        if (offsets[low + 1] - offsets[low] == todo.depth) {
            t->nodes[todo.node].id = ids[low];
            t->nodes[todo.node].score = scores ? (float)scores[low] : 0;
            if (t->exact) t->exact[todo.node] = scores[low];
            low++;
        }
        if (low == todo.high) continue;
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
        // The first base where every child's place is free.
        while (first_free < capacity && t->nodes[first_free].parent != -1) first_free++;
        size_t place = first_free > bytes[0] ? first_free : (size_t)bytes[0] + 1, tried = 0, base;
        for (;; place++, tried++) {
            if (!grow(t, &capacity, place + 512)) goto fail;
            if (t->nodes[place].parent != -1) continue;
            base = place - bytes[0];
            unsigned c = 1;
            while (c < children && t->nodes[base + bytes[c]].parent == -1) c++;
            if (c == children) break;
        }
        // Where a dense stretch makes the search long, leave its gaps.
        if (tried > 2048) first_free = place - 1024 > first_free ? place - 1024 : first_free;
        t->nodes[todo.node].base = (int32_t)base;
        if (base + 256 > used) used = base + 256;
        if (tasks + children > task_capacity) {
            task_capacity = (tasks + children) * 2;
            task *bigger = realloc(queue, task_capacity * sizeof *queue);
            if (!bigger) goto fail;
            queue = bigger;
        }
        for (unsigned c = 0; c < children; c++) {
            uint32_t at = (uint32_t)(base + bytes[c]);
            t->nodes[at].parent = (int32_t)todo.node;
            queue[tasks++] = (task){at, begins[c], begins[c + 1], todo.depth + 1};
        }
    }
    if (!grow(t, &capacity, used + 256)) goto fail;
    t->count = capacity;
    free(queue);
    return t;
fail:
    free(queue);
    edic_tok_trie_destroy(t);
    return NULL;
}

void edic_tok_trie_destroy(edic_tok_trie *t) {
    if (!t) return;
    free(t->nodes);
    free(t->exact);
    free(t);
}

// The child of `at` by `byte`, or 0 (the root is nobody's child).
static inline uint32_t child(const node *nodes, uint32_t at, uint8_t byte) {
    uint32_t to = (uint32_t)nodes[at].base + byte;
    return nodes[to].parent == (int32_t)at ? to : 0;
}

uint32_t edic_tok_trie_find(const edic_tok_trie *t, const uint8_t *s, size_t n) {
    uint32_t at = 0;
    for (size_t i = 0; i < n; i++) {
        at = child(t->nodes, at, s[i]);
        if (at == 0) return UINT32_MAX;
    }
    return n == 0 ? UINT32_MAX : t->nodes[at].id;
}

uint32_t edic_tok_trie_longest(const edic_tok_trie *t, const uint8_t *s, size_t n, size_t *length) {
    uint32_t at = 0, found = UINT32_MAX;
    for (size_t i = 0; i < n && (at = child(t->nodes, at, s[i])) != 0; i++) {
        if (t->nodes[at].id != UINT32_MAX) {
            found = t->nodes[at].id;
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
        if (t->nodes[at].id != UINT32_MAX) {
            ids[count] = t->nodes[at].id;
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
    const node *nodes = model->trie->nodes;
    const double *exact = model->trie->exact;
    int single = model->single_precision;
    for (size_t i = 0; i < n;) {
        unsigned length;
        edic_tok_decode(s, i, n, &length);
        double here = stations[i].score;
        int has_single = 0;
        uint32_t at = 0;
        for (size_t k = i; k < n && (at = child(nodes, at, s[k])) != 0; k++) {
            if (nodes[at].id == UINT32_MAX) continue;
            double score = exact ? exact[at] : nodes[at].score;
            if (score == -INFINITY) continue;
            // A score above zero marks a piece the user asked for: its true score grows with its length.
            if (score == INFINITY) score = (double)(k + 1 - i) * model->user_bonus - 0.1;
            arrive(&stations[k + 1], sum(here, score, single), (uint32_t)i, nodes[at].id);
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
