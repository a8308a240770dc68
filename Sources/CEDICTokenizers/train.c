// Learning merges (Sennrich et al. 2016): the most frequent pair first, the pair of lowest ids among equals.
//
// Words lie in a row of cells, one for each character at first. A merged symbol keeps its first and its last cell, so
// that a symbol's neighbours are found without links. Each pair knows the cells where it begins; entries that no longer
// hold are passed over. What a merge does to the pairs around it is added up by neighbour, so that the table of pairs is
// touched once a neighbour and not once an occurrence.
#include <stdlib.h>
#include <string.h>

#include "CEDICTokenizers.h"

static const uint32_t wall = UINT32_MAX, inside = UINT32_MAX - 1, nobody = UINT32_MAX;
static const uint64_t no_pair = UINT64_MAX;

typedef struct {
    uint64_t pair;
    int64_t count;
    uint32_t places;        // in the arena, 0: none
    uint32_t queued;        // waits to be queued
} pair_entry;

typedef struct {
    int64_t count;
    uint64_t pair;
} queued;

/// A place where a pair occurs, and how often its word does; UINT32_MAX: see `wide`.
typedef struct {
    uint32_t cell, weight;
} place;

typedef struct {
    uint64_t first_cell, count;
} wide_word;

typedef struct {
    uint32_t cell, weight, left, right;
} merged;

/// What the merge at hand does beside one neighbour.
typedef struct {
    int64_t count;
    uint32_t places, fill;
} change;

typedef struct {
    uint32_t *cells;
    uint32_t *lengths;      // of symbols, in cells
    pair_entry *slots;
    size_t mask, used;
    place *arena;           // lists of places: {next list, how many} and the places
    size_t arena_count, arena_capacity;
    queued *queue;
    size_t queue_count, queue_capacity;
    uint64_t *fresh;
    size_t fresh_count, fresh_capacity;
    wide_word *wide;
    size_t wide_count, wide_capacity;
    merged *done;
    size_t done_count, done_capacity;
    change *left, *right;
    uint32_t *left_touched, *right_touched;
    size_t left_count, right_count;
} trainer;

static int reserve(void **p, size_t *capacity, size_t needed, size_t size) {
    if (needed <= *capacity) return 1;
    size_t bigger = *capacity + *capacity / 2 > needed ? *capacity + *capacity / 2 : needed + 1024;
    void *q = realloc(*p, bigger * size);
    if (!q) return 0;
    *p = q;
    *capacity = bigger;
    return 1;
}

// --- The table of pairs ---------------------------------------------------------------------------------------------

static size_t hash_pair(uint64_t pair) {
    pair *= 0x9E3779B97F4A7C15u;
    pair ^= pair >> 32;
    return (size_t)(pair * 0xD6E8FEB86659FD93u >> 20);
}

static pair_entry *find(const trainer *t, uint64_t pair) {
    size_t at = hash_pair(pair) & t->mask;
    while (t->slots[at].pair != pair && t->slots[at].pair != no_pair) at = (at + 1) & t->mask;
    return &t->slots[at];
}

static int widen(trainer *t) {
    size_t old_count = t->slots ? t->mask + 1 : 0, capacity = t->slots ? old_count * 2 : 1 << 16;
    pair_entry *old = t->slots, *slots = malloc(capacity * sizeof *slots);
    if (!slots) return 0;
    for (size_t i = 0; i < capacity; i++) slots[i].pair = no_pair;
    t->slots = slots;
    t->mask = capacity - 1;
    for (size_t i = 0; i < old_count; i++) {
        if (old[i].pair != no_pair) *find(t, old[i].pair) = old[i];
    }
    free(old);
    return 1;
}

static pair_entry *find_or_add(trainer *t, uint64_t pair) {
    pair_entry *e = find(t, pair);
    if (e->pair != no_pair) return e;
    if (t->used * 8 > t->mask * 5) {
        if (!widen(t)) return NULL;
        e = find(t, pair);
    }
    *e = (pair_entry){pair, 0, 0, 0};
    t->used++;
    return e;
}

// --- The queue ------------------------------------------------------------------------------------------------------

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

static int freshen(trainer *t, pair_entry *e) {
    if (e->queued) return 1;
    if (!reserve((void **)&t->fresh, &t->fresh_capacity, t->fresh_count + 1, sizeof *t->fresh)) return 0;
    e->queued = 1;
    t->fresh[t->fresh_count++] = e->pair;
    return 1;
}

/// Queues the pairs that gained; those too rare to be merged wait until they gain again.
static int enqueue_fresh(trainer *t, int64_t least) {
    for (size_t i = 0; i < t->fresh_count; i++) {
        pair_entry *e = find(t, t->fresh[i]);
        e->queued = 0;
        if (e->count >= least && !push(t, (queued){e->count, e->pair})) return 0;
    }
    t->fresh_count = 0;
    return 1;
}

// --- Places ---------------------------------------------------------------------------------------------------------

/// Puts an empty list of `count` places before those of a pair; returns where they go, 0 when memory is exhausted.
static uint32_t new_places(trainer *t, pair_entry *e, uint32_t count) {
    if (t->arena_count + 1 + count > UINT32_MAX) return 0;
    if (!reserve((void **)&t->arena, &t->arena_capacity, t->arena_count + 1 + count, sizeof *t->arena)) return 0;
    uint32_t at = (uint32_t)t->arena_count;
    t->arena[at] = (place){e->places, count};
    e->places = at;
    t->arena_count += 1 + (size_t)count;
    return at + 1;
}

static int64_t wide_count(const trainer *t, uint32_t cell) {
    size_t low = 0, high = t->wide_count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (t->wide[middle].first_cell <= cell) low = middle; else high = middle;
    }
    return (int64_t)t->wide[low].count;
}

static int64_t weight_at(const trainer *t, place p) {
    return p.weight == UINT32_MAX ? wide_count(t, p.cell) : (int64_t)p.weight;
}

/// Counts the pairs of all words, then notes where they are.
static int index_words(trainer *t, const uint64_t *counts, size_t cell_count) {
    size_t word = 0;
    for (size_t i = 1; i + 1 < cell_count; i++) {
        if (t->cells[i] == wall) {
            word++;
            continue;
        }
        if (t->cells[i - 1] == wall && counts[word] >= UINT32_MAX) {
            if (!reserve((void **)&t->wide, &t->wide_capacity, t->wide_count + 1, sizeof *t->wide)) return 0;
            t->wide[t->wide_count++] = (wide_word){i, counts[word]};
        }
        if (t->cells[i + 1] == wall) continue;
        pair_entry *e = find_or_add(t, (uint64_t)t->cells[i] << 32 | t->cells[i + 1]);
        if (!e || !freshen(t, e)) return 0;
        e->count += (int64_t)counts[word];
        e->places++;
    }
    size_t total = 1;
    for (size_t i = 0; i < t->fresh_count; i++) total += 1 + (size_t)find(t, t->fresh[i])->places;
    if (!reserve((void **)&t->arena, &t->arena_capacity, total, sizeof *t->arena)) return 0;
    t->arena_count = 1;
    for (size_t i = 0; i < t->fresh_count; i++) {
        pair_entry *e = find(t, t->fresh[i]);
        uint32_t count = e->places;
        e->places = 0;
        uint32_t at = new_places(t, e, count);
        if (at == 0) return 0;
        t->arena[at - 1].weight = 0;
    }
    word = 0;
    for (size_t i = 1; i + 1 < cell_count; i++) {
        if (t->cells[i] == wall) {
            word++;
            continue;
        }
        if (t->cells[i + 1] == wall) continue;
        place *list = t->arena + find(t, (uint64_t)t->cells[i] << 32 | t->cells[i + 1])->places;
        list[++list->weight] = (place){(uint32_t)i, counts[word] < UINT32_MAX ? (uint32_t)counts[word] : UINT32_MAX};
    }
    return 1;
}

// --- Merging --------------------------------------------------------------------------------------------------------

static void note(change *changes, uint32_t *touched, size_t *count, uint32_t symbol, int64_t weight) {
    change *c = &changes[symbol];
    if (c->places++ == 0) touched[(*count)++] = symbol;
    c->count += weight;
}

/// Merges a pair wherever it still is, and notes by neighbour what changes.
static int merge(trainer *t, uint32_t list, uint32_t left, uint32_t right, uint32_t result) {
    uint32_t *cells = t->cells, left_length = t->lengths[left], right_length = t->lengths[right];
    t->done_count = t->left_count = t->right_count = 0;
    for (; list != 0; list = t->arena[list].cell) {
        uint32_t count = t->arena[list].weight;
        const place *places = t->arena + list + 1;
        if (!reserve((void **)&t->done, &t->done_capacity, t->done_count + count, sizeof *t->done)) return 0;
        for (uint32_t i = 0; i < count; i++) {
            if (i + 12 < count) __builtin_prefetch(&cells[places[i + 12].cell], 1);
            uint32_t cell = places[i].cell, middle = cell + left_length, end = middle + right_length;
            if (cells[cell] != left || cells[middle] != right) continue;
            uint32_t before = cells[cell - 1], after = cells[end];
            int64_t weight = weight_at(t, places[i]);
            if (before != wall) note(t->left, t->left_touched, &t->left_count, before, weight);
            if (after != wall) note(t->right, t->right_touched, &t->right_count, after, weight);
            t->done[t->done_count++] = (merged){cell, places[i].weight, before, after};
            cells[middle - 1] = cells[middle] = inside;
            cells[cell] = cells[end - 1] = result;
        }
    }
    return 1;
}

/// Moves what was noted beside one side's neighbours from the old pairs to the new.
static int move_counts(trainer *t, change *changes, const uint32_t *touched, size_t count, int is_left, uint32_t old,
                       uint32_t result) {
    for (size_t i = 0; i < count; i++) {
        uint32_t symbol = touched[i];
        if (i + 4 < count) {
            uint64_t next = touched[i + 4];
            __builtin_prefetch(&t->slots[hash_pair(is_left ? next << 32 | old : (uint64_t)old << 32 | next) & t->mask], 1);
            __builtin_prefetch(&t->slots[hash_pair(is_left ? next << 32 | result : (uint64_t)result << 32 | next) & t->mask], 1);
        }
        change *c = &changes[symbol];
        uint64_t from = is_left ? (uint64_t)symbol << 32 | old : (uint64_t)old << 32 | symbol;
        uint64_t to = is_left ? (uint64_t)symbol << 32 | result : (uint64_t)result << 32 | symbol;
        pair_entry *e = find_or_add(t, from);
        if (!e) return 0;
        e->count -= c->count;
        e = find_or_add(t, to);
        if (!e || !freshen(t, e)) return 0;
        e->count += c->count;
        c->fill = new_places(t, e, c->places);
        if (c->fill == 0) return 0;
    }
    return 1;
}

static int spread(trainer *t, uint32_t left, uint32_t right, uint32_t result) {
    if (!move_counts(t, t->left, t->left_touched, t->left_count, 1, left, result)) return 0;
    if (!move_counts(t, t->right, t->right_touched, t->right_count, 0, right, result)) return 0;
    for (size_t i = 0; i < t->done_count; i++) {
        merged m = t->done[i];
        if (m.left != wall) t->arena[t->left[m.left].fill++] = (place){m.cell - t->lengths[m.left], m.weight};
        if (m.right != wall) t->arena[t->right[m.right].fill++] = (place){m.cell, m.weight};
    }
    for (size_t i = 0; i < t->left_count; i++) t->left[t->left_touched[i]] = (change){0, 0, 0};
    for (size_t i = 0; i < t->right_count; i++) t->right[t->right_touched[i]] = (change){0, 0, 0};
    return 1;
}

size_t edic_tok_train(uint32_t *cells, size_t cell_count, const uint64_t *counts, size_t symbols, uint64_t least_count,
                      size_t most, edic_tok_name_pair name, void *context, uint32_t *lefts, uint32_t *rights,
                      uint32_t *results) {
    trainer t = {.cells = cells};
    size_t learned = 0, room = symbols + most;
    int64_t least = least_count > 0 ? (int64_t)least_count : 1;
    t.lengths = malloc(room * sizeof *t.lengths);
    t.left = calloc(room, sizeof *t.left);
    t.right = calloc(room, sizeof *t.right);
    t.left_touched = malloc(room * sizeof *t.left_touched);
    t.right_touched = malloc(room * sizeof *t.right_touched);
    if (!t.lengths || !t.left || !t.right || !t.left_touched || !t.right_touched || !widen(&t)) goto fail;
    if (cell_count >= inside) goto fail;
    for (size_t i = 0; i < symbols; i++) t.lengths[i] = 1;
    if (!index_words(&t, counts, cell_count) || !enqueue_fresh(&t, least)) goto fail;
    while (learned < most && t.queue_count > 0) {
        queued top = pop(&t);
        pair_entry *e = find(&t, top.pair);
        if (e->pair == no_pair || e->count < least) continue;
        if (e->count != top.count) {
            if (e->count < top.count && !push(&t, (queued){e->count, top.pair})) goto fail;
            continue;
        }
        uint32_t left = (uint32_t)(top.pair >> 32), right = (uint32_t)top.pair, result = name(context, left, right);
        uint32_t list = e->places;
        e->count = 0;
        e->places = 0;
        if (result == nobody) continue;     // not to be merged
        lefts[learned] = left;
        rights[learned] = right;
        results[learned++] = result;
        t.lengths[result] = t.lengths[left] + t.lengths[right];
        if (!merge(&t, list, left, right, result) || !spread(&t, left, right, result)) goto fail;
        // What overlapped, as in aaa, is left of the pair itself and counts for nothing.
        find(&t, top.pair)->count = 0;
        if (!enqueue_fresh(&t, least)) goto fail;
    }
    goto out;
fail:
    learned = SIZE_MAX;
out:
    free(t.lengths);
    free(t.slots);
    free(t.arena);
    free(t.queue);
    free(t.fresh);
    free(t.wide);
    free(t.done);
    free(t.left);
    free(t.right);
    free(t.left_touched);
    free(t.right_touched);
    return learned;
}
