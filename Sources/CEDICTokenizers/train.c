// Learning merges (Sennrich et al. 2016): the most frequent pair first, the pair of lowest ids among equals.
#include <stdlib.h>
#include <string.h>

#include "CEDICTokenizers.h"

typedef struct {
    uint64_t pair;
    int64_t count;
    uint32_t words;                 // list of the words it is in: 1 + index of a node, 0 at the end
    uint32_t last;                  // the word put in last
    uint32_t fresh;                 // 1 while it waits to be queued
} pair_entry;

typedef struct {
    uint32_t word, next;
} node;

typedef struct {
    int64_t count;
    uint64_t pair;
} queued;

typedef struct {
    pair_entry *slots;
    size_t mask, used;
    node *nodes;
    size_t node_count, node_capacity;
    queued *queue;
    size_t queue_count, queue_capacity;
    uint64_t *changed;
    size_t changed_count, changed_capacity;
} trainer;

static const uint64_t no_pair = UINT64_MAX;

static size_t hash_pair(uint64_t pair) {
    pair *= 0x9E3779B97F4A7C15u;
    pair ^= pair >> 32;
    return (size_t)(pair * 0xD6E8FEB86659FD93u >> 16);
}

static int reserve(void **p, size_t *capacity, size_t needed, size_t size) {
    if (needed <= *capacity) return 1;
    size_t bigger = *capacity * 2 > needed ? *capacity * 2 : needed + 1024;
    void *q = realloc(*p, bigger * size);
    if (!q) return 0;
    *p = q;
    *capacity = bigger;
    return 1;
}

static pair_entry *find(trainer *t, uint64_t pair) {
    size_t at = hash_pair(pair) & t->mask;
    while (t->slots[at].pair != pair && t->slots[at].pair != no_pair) at = (at + 1) & t->mask;
    return &t->slots[at];
}

static int widen(trainer *t) {
    size_t capacity = t->slots ? (t->mask + 1) * 2 : 1 << 16;
    pair_entry *old = t->slots, *slots = malloc(capacity * sizeof *slots);
    if (!slots) return 0;
    for (size_t i = 0; i < capacity; i++) slots[i].pair = no_pair;
    size_t old_count = old ? t->mask + 1 : 0;
    t->slots = slots;
    t->mask = capacity - 1;
    for (size_t i = 0; i < old_count; i++) {
        if (old[i].pair != no_pair) *find(t, old[i].pair) = old[i];
    }
    free(old);
    return 1;
}

// Adds to a pair's count; a pair that gains is remembered as in `word`, and to be queued.
static int change(trainer *t, uint64_t pair, int64_t delta, uint32_t word) {
    pair_entry *e = find(t, pair);
    if (e->pair == no_pair) {
        if (t->used * 2 > t->mask) {
            if (!widen(t)) return 0;
            e = find(t, pair);
        }
        *e = (pair_entry){pair, 0, 0, UINT32_MAX, 0};
        t->used++;
    }
    e->count += delta;
    if (delta > 0) {
        if (e->last != word) {
            if (!reserve((void **)&t->nodes, &t->node_capacity, t->node_count + 1, sizeof *t->nodes)) return 0;
            t->nodes[t->node_count] = (node){word, e->words};
            e->words = (uint32_t)++t->node_count;
            e->last = word;
        }
        if (!e->fresh) {
            if (!reserve((void **)&t->changed, &t->changed_capacity, t->changed_count + 1, sizeof *t->changed)) return 0;
            e->fresh = 1;
            t->changed[t->changed_count++] = pair;
        }
    }
    return 1;
}

static int precedes(queued a, queued b) { return a.count > b.count || (a.count == b.count && a.pair < b.pair); }

static int push(trainer *t, queued item) {
    if (!reserve((void **)&t->queue, &t->queue_capacity, t->queue_count + 1, sizeof *t->queue)) return 0;
    size_t at = t->queue_count++;
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!precedes(item, t->queue[parent])) break;
        t->queue[at] = t->queue[parent];
        at = parent;
    }
    t->queue[at] = item;
    return 1;
}

static queued pop(trainer *t) {
    queued top = t->queue[0], last = t->queue[--t->queue_count];
    size_t at = 0;
    for (;;) {
        size_t child = at * 2 + 1;
        if (child >= t->queue_count) break;
        if (child + 1 < t->queue_count && precedes(t->queue[child + 1], t->queue[child])) child++;
        if (!precedes(t->queue[child], last)) break;
        t->queue[at] = t->queue[child];
        at = child;
    }
    if (t->queue_count > 0) t->queue[at] = last;
    return top;
}

static int enqueue_changed(trainer *t) {
    for (size_t i = 0; i < t->changed_count; i++) {
        pair_entry *e = find(t, t->changed[i]);
        e->fresh = 0;
        if (e->count > 0 && !push(t, (queued){e->count, e->pair})) return 0;
    }
    t->changed_count = 0;
    return 1;
}

size_t edic_tok_train(uint32_t *symbols, const uint64_t *offsets, const uint64_t *counts, size_t words,
                      uint64_t least_count, size_t most, edic_tok_name_pair name, void *context,
                      uint32_t *lefts, uint32_t *rights, uint32_t *results) {
    trainer t = {0};
    uint32_t *lengths = malloc((words + 1) * sizeof *lengths);
    size_t learned = 0;
    if (!lengths || !widen(&t)) goto fail;
    for (size_t w = 0; w < words; w++) {
        const uint32_t *s = symbols + offsets[w];
        lengths[w] = (uint32_t)(offsets[w + 1] - offsets[w]);
        for (size_t i = 0; i + 1 < lengths[w]; i++) {
            if (!change(&t, (uint64_t)s[i] << 32 | s[i + 1], (int64_t)counts[w], (uint32_t)w)) goto fail;
        }
    }
    if (!enqueue_changed(&t)) goto fail;
    while (learned < most && t.queue_count > 0) {
        queued top = pop(&t);
        pair_entry *e = find(&t, top.pair);
        if (e->pair == no_pair || e->count <= 0) continue;
        if (e->count != top.count) {
            if (e->count < top.count && !push(&t, (queued){e->count, top.pair})) goto fail;
            continue;
        }
        if ((uint64_t)top.count < least_count) break;
        uint32_t left = (uint32_t)(top.pair >> 32), right = (uint32_t)top.pair, result = name(context, left, right);
        if (result == UINT32_MAX) {
            e->count = 0;           // not to be merged
            continue;
        }
        lefts[learned] = left;
        rights[learned] = right;
        results[learned++] = result;
        uint32_t list = e->words;
        e->count = 0;
        e->words = 0;
        e->last = UINT32_MAX;
        for (; list != 0; list = t.nodes[list - 1].next) {
            uint32_t w = t.nodes[list - 1].word, n = lengths[w];
            uint32_t *s = symbols + offsets[w];
            int64_t count = (int64_t)counts[w];
            uint32_t to = 0;
            for (uint32_t i = 0; i < n; i++) {
                if (i + 1 >= n || s[i] != left || s[i + 1] != right) {
                    s[to++] = s[i];
                    continue;
                }
                if (to > 0) {
                    if (!change(&t, (uint64_t)s[to - 1] << 32 | left, -count, w)) goto fail;
                    if (!change(&t, (uint64_t)s[to - 1] << 32 | result, count, w)) goto fail;
                }
                if (i + 2 < n) {
                    if (!change(&t, (uint64_t)right << 32 | s[i + 2], -count, w)) goto fail;
                    if (!change(&t, (uint64_t)result << 32 | s[i + 2], count, w)) goto fail;
                }
                s[to++] = result;
                i++;
            }
            lengths[w] = to;
        }
        // Overlapping matches may have left a remainder of the pair itself.
        e = find(&t, top.pair);
        if (left != right) e->count = 0;
        if (!enqueue_changed(&t)) goto fail;
    }
    goto out;
fail:
    learned = SIZE_MAX;
out:
    free(lengths);
    free(t.slots);
    free(t.nodes);
    free(t.queue);
    free(t.changed);
    return learned;
}
