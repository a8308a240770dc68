// Finding the substrings worth a piece: those that occur twice or more and go on in more than one way, which are the
// inner nodes of a suffix tree; a word's end goes on differently each time. Suffixes are sorted by a bounded number of characters, in buckets by their first two, so
// that threads can share out the buckets.
#include <stdlib.h>
#include <string.h>

#include "CEDICTokenizers.h"

enum { second_kinds = 256, beyond = 255 };

/// A place in the cells, and the word that it is in.
typedef struct {
    uint32_t at, word;
} origin;

struct edic_tok_substrings {
    const uint32_t *cells;
    const uint64_t *counts;
    size_t buckets;
    uint32_t longest;
    unsigned bits, packed;          // bits of a symbol; symbols in a key
    uint32_t *starts;               // of buckets in `suffixes`
    origin *suffixes;
};

static const uint32_t wall = UINT32_MAX;

static size_t bucket_of(const uint32_t *s) {
    return (size_t)s[0] * second_kinds + (s[1] < second_kinds - 1 ? s[1] : second_kinds - 1);
}

void edic_tok_substrings_destroy(edic_tok_substrings *t) {
    if (!t) return;
    free(t->starts);
    free(t->suffixes);
    free(t);
}

edic_tok_substrings *edic_tok_substrings_create(const uint32_t *cells, size_t count, const uint64_t *counts,
                                                uint32_t symbols, uint32_t longest) {
    edic_tok_substrings *t = calloc(1, sizeof *t);
    if (!t || count >= UINT32_MAX || longest >= beyond) {
        free(t);
        return NULL;
    }
    t->cells = cells;
    t->counts = counts;
    t->longest = longest;
    t->buckets = (size_t)symbols * second_kinds;
    while ((uint64_t)1 << t->bits <= symbols) t->bits++;
    t->packed = 64 / t->bits;
    t->starts = calloc(t->buckets + 1, sizeof *t->starts);
    uint32_t *at = malloc(t->buckets * sizeof *at);
    if (t->starts && at) {
        for (size_t i = 0; i + 1 < count; i++) {
            if (cells[i] != wall && cells[i + 1] != wall) t->starts[bucket_of(cells + i) + 1]++;
        }
        for (size_t b = 0; b < t->buckets; b++) t->starts[b + 1] += t->starts[b];
        memcpy(at, t->starts, t->buckets * sizeof *at);
        t->suffixes = malloc(((size_t)t->starts[t->buckets] + 1) * sizeof *t->suffixes);
        if (t->suffixes) {
            uint32_t word = UINT32_MAX;
            for (size_t i = 0; i + 1 < count; i++) {
                if (cells[i] == wall) word++;
                else if (cells[i + 1] != wall) t->suffixes[at[bucket_of(cells + i)]++] = (origin){(uint32_t)i, word};
            }
        }
    }
    free(at);
    if (t->suffixes) return t;
    edic_tok_substrings_destroy(t);
    return NULL;
}

size_t edic_tok_substrings_buckets(const edic_tok_substrings *t) { return t->buckets; }
size_t edic_tok_substrings_before(const edic_tok_substrings *t, size_t bucket) { return t->starts[bucket]; }

typedef struct {
    uint64_t key;
    uint32_t at, word;
    uint32_t length;        // to the word's end, 0 where that is further than pieces reach
} suffix;

static int by_key(const void *x, const void *y) {
    const suffix *a = x, *b = y;
    if (a->key != b->key) return a->key < b->key ? -1 : 1;
    return (a->at > b->at) - (a->at < b->at);
}

static void sort_keys(suffix *s, size_t n) {
    if (n > 24) {
        qsort(s, n, sizeof *s, by_key);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        suffix item = s[i];
        size_t j = i;
        for (; j > 0 && (s[j - 1].key > item.key || (s[j - 1].key == item.key && s[j - 1].at > item.at)); j--) s[j] = s[j - 1];
        s[j] = item;
    }
}

/// Sorts suffixes that are equal in their first `depth` symbols; shared[i] gets how many symbols i has in common with
/// i - 1, `beyond` where that is more than pieces have.
static void sort(const edic_tok_substrings *t, suffix *s, uint8_t *shared, size_t n, uint32_t depth) {
    for (size_t i = 0; i < n; i++) {
        const uint32_t *c = t->cells + s[i].at + depth;
        uint64_t key = 0;
        unsigned k = 0;
        // Symbols count from 1 in keys; 0 is a word's end and what comes after it.
        for (; k < t->packed && c[k] != wall; k++) key = key << t->bits | (c[k] + 1);
        s[i].key = k < t->packed ? key << t->bits * (t->packed - k) : key;
        if (k < t->packed && depth + k <= t->longest) s[i].length = depth + k;
    }
    sort_keys(s, n);
    unsigned unused = 64 - t->bits * t->packed;
    uint64_t before = 0;
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        uint64_t key = s[i].key;
        while (end < n && s[end].key == key) end++;
        if (i > 0) {
            uint32_t same = depth + (uint32_t)(__builtin_clzll(key ^ before) - (int)unused) / t->bits;
            shared[i] = same > t->longest ? beyond : (uint8_t)same;
        }
        if (end - i == 1 && s[i].length == 0) {
            // Alone from here on: where does its word end?
            for (uint32_t length = depth + t->packed; length <= t->longest; length++) {
                if (t->cells[s[i].at + length] == wall) {
                    s[i].length = length;
                    break;
                }
            }
        } else if (end - i > 1) {
            int reaches_end = (key & (((uint64_t)1 << t->bits) - 1)) == 0;
            if (reaches_end || depth + t->packed > t->longest) {
                memset(shared + i + 1, reaches_end && s[i].length > 0 ? (int)s[i].length : beyond, end - i - 1);
            } else {
                uint8_t first = shared[i];
                sort(t, s + i, shared + i, end - i, depth + t->packed);
                shared[i] = first;
            }
        }
        before = key;
        i = end;
    }
}

typedef struct {
    uint32_t first, shared;
    uint64_t before;        // how many occurrences come before it
} interval;

typedef struct {
    edic_tok_substring *items;
    size_t count, capacity;
} found_list;

static int add(found_list *l, edic_tok_substring item) {
    if (l->count == l->capacity) {
        size_t capacity = l->capacity * 2 + 256;
        edic_tok_substring *more = realloc(l->items, capacity * sizeof *more);
        if (!more) return 0;
        l->items = more;
        l->capacity = capacity;
    }
    l->items[l->count++] = item;
    return 1;
}

/// Finds the intervals of sorted suffixes that share a beginning which those around them do not.
static int enumerate(const edic_tok_substrings *t, const suffix *s, const uint8_t *shared, size_t n, size_t start,
                     interval *open, found_list *found) {
    size_t depth = 0;
    uint64_t before = 0;        // occurrences of the suffixes so far
    // After each suffix comes, if it occurs twice, its own copy, which shares all of it.
    for (size_t step = 0; step <= 2 * n; step++) {
        size_t i = step / 2;
        int is_copy = step % 2;
        uint32_t level = is_copy ? s[i].length : i == 0 || i == n ? 0 : shared[i];
        if (is_copy && (t->counts[s[i].word] < 2 || level == 0)) {
            before += t->counts[s[i].word];
            continue;
        }
        uint32_t first = is_copy ? (uint32_t)i : (uint32_t)i - 1;
        uint64_t first_before = is_copy || i == 0 ? before : before - t->counts[s[i - 1].word];
        while (depth > 0 && open[depth - 1].shared > level) {
            interval closed = open[--depth];
            first = closed.first;
            first_before = closed.before;
            if (closed.shared < 2 || closed.shared > t->longest) continue;
            edic_tok_substring item = {
                before - closed.before, s[closed.first].at, closed.shared, (uint32_t)(start + closed.first)};
            if (!add(found, item)) return 0;
        }
        // Each level that is open is greater than the one below it.
        if (level > 0 && (depth == 0 || open[depth - 1].shared < level)) open[depth++] = (interval){first, level, first_before};
        if (is_copy) before += t->counts[s[i].word];
    }
    return 1;
}

static int by_text(const void *x, const void *y) {
    const edic_tok_substring *a = x, *b = y;
    if (a->order != b->order) return a->order < b->order ? -1 : 1;
    return (a->length > b->length) - (a->length < b->length);
}

size_t edic_tok_substrings_find(const edic_tok_substrings *t, size_t first_bucket, size_t end_bucket,
                                edic_tok_substring **result) {
    size_t largest = 0;
    found_list found = {0};
    *result = NULL;
    for (size_t b = first_bucket; b < end_bucket; b++) {
        size_t n = t->starts[b + 1] - t->starts[b];
        if (n > largest) largest = n;
    }
    if (largest == 0) return 0;
    suffix *s = malloc(largest * sizeof *s);
    uint8_t *shared = malloc(largest + 1);
    interval *open = malloc(((size_t)t->longest + 3) * sizeof *open);
    int done = s && shared && open;
    for (size_t b = first_bucket; b < end_bucket && done; b++) {
        size_t start = t->starts[b], n = t->starts[b + 1] - start, begin = found.count;
        if (n == 0) continue;
        for (size_t i = 0; i < n; i++) s[i] = (suffix){0, t->suffixes[start + i].at, t->suffixes[start + i].word, 0};
        sort(t, s, shared, n, 0);
        done = enumerate(t, s, shared, n, start, open, &found);
        if (done && found.count > begin) qsort(found.items + begin, found.count - begin, sizeof *found.items, by_text);
    }
    free(s);
    free(shared);
    free(open);
    if (done) {
        *result = found.items;
        return found.count;
    }
    free(found.items);
    return SIZE_MAX;
}
