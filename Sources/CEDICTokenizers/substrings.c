// Finding the substrings worth a piece: those that occur twice or more and go on in more than one way, which are the
// inner nodes of a suffix tree. Suffixes are sorted by a bounded number of characters, in buckets by their first two, so
// that threads can share out the buckets.
#include <stdlib.h>
#include <string.h>

#include "CEDICTokenizers.h"

enum { second_kinds = 256, beyond = 255 };

struct edic_tok_substrings {
    const uint32_t *cells;
    size_t buckets;
    uint32_t longest;
    unsigned bits, packed;          // bits of a symbol; symbols in a key
    uint32_t *starts;               // of buckets in `suffixes`
    uint32_t *suffixes;
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

edic_tok_substrings *edic_tok_substrings_create(const uint32_t *cells, size_t count, uint32_t symbols, uint32_t longest) {
    edic_tok_substrings *t = calloc(1, sizeof *t);
    if (!t || count >= UINT32_MAX || longest >= beyond) {
        free(t);
        return NULL;
    }
    t->cells = cells;
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
            for (size_t i = 0; i + 1 < count; i++) {
                if (cells[i] != wall && cells[i + 1] != wall) t->suffixes[at[bucket_of(cells + i)]++] = (uint32_t)i;
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
    uint32_t at;
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
/// i - 1, `beyond` where that reaches a word's end or further than pieces do.
static void sort(const edic_tok_substrings *t, suffix *s, uint8_t *shared, size_t n, uint32_t depth) {
    for (size_t i = 0; i < n; i++) {
        const uint32_t *c = t->cells + s[i].at + depth;
        uint64_t key = 0;
        unsigned k = 0;
        // Symbols count from 1 in keys; 0 is a word's end and what comes after it.
        for (; k < t->packed && c[k] != wall; k++) key = key << t->bits | (c[k] + 1);
        s[i].key = k < t->packed ? key << t->bits * (t->packed - k) : key;
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
        if (end - i > 1) {
            int reaches_end = (key & (((uint64_t)1 << t->bits) - 1)) == 0;
            if (reaches_end || depth + t->packed > t->longest) {
                memset(shared + i + 1, beyond, end - i - 1);
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
} interval;

static int by_text(const void *x, const void *y) {
    const edic_tok_substring *a = x, *b = y;
    if (a->order != b->order) return a->order < b->order ? -1 : 1;
    return (a->length > b->length) - (a->length < b->length);
}

size_t edic_tok_substrings_find(const edic_tok_substrings *t, size_t first_bucket, size_t end_bucket,
                                edic_tok_substring **result) {
    size_t found = 0, capacity = 0, largest = 0;
    *result = NULL;
    for (size_t b = first_bucket; b < end_bucket; b++) {
        size_t n = t->starts[b + 1] - t->starts[b];
        if (n > largest) largest = n;
    }
    if (largest < 2) return 0;
    suffix *s = malloc(largest * sizeof *s);
    uint8_t *shared = malloc(largest + 1);
    interval *open = malloc(((size_t)t->longest + 3) * sizeof *open);
    int done = s && shared && open;
    for (size_t b = first_bucket; b < end_bucket && done; b++) {
        size_t start = t->starts[b], n = t->starts[b + 1] - start, begin = found;
        if (n < 2) continue;
        for (size_t i = 0; i < n; i++) s[i].at = t->suffixes[start + i];
        sort(t, s, shared, n, 0);
        shared[n] = 0;
        // Each level that is open has a greater length than the one below it.
        size_t depth = 0;
        for (size_t i = 1; i <= n && done; i++) {
            uint32_t level = shared[i], first = (uint32_t)i - 1;
            while (depth > 0 && open[depth - 1].shared > level) {
                interval closed = open[--depth];
                first = closed.first;
                if (closed.shared < 2 || closed.shared > t->longest) continue;
                if (found == capacity) {
                    capacity = capacity * 2 + 256;
                    edic_tok_substring *more = realloc(*result, capacity * sizeof *more);
                    if (!more) {
                        done = 0;
                        break;
                    }
                    *result = more;
                }
                (*result)[found++] = (edic_tok_substring){
                    s[closed.first].at, closed.shared, (uint32_t)(i - closed.first), (uint32_t)(start + closed.first)};
            }
            if (level > 0 && (depth == 0 || open[depth - 1].shared < level)) open[depth++] = (interval){first, level};
        }
        if (found > begin) qsort(*result + begin, found - begin, sizeof **result, by_text);
    }
    free(s);
    free(shared);
    free(open);
    if (done) return found;
    free(*result);
    *result = NULL;
    return SIZE_MAX;
}
