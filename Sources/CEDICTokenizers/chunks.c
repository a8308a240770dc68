// Splitting at separators, 64 bytes at a time: what is a separator is a bit, and words begin and end where bits change.
#include "chunks.h"

#include <string.h>

#include "kernels.h"

enum { BLOCKS = EDIC_TOK_BLOCKS, MOST_IN_BLOCK = 64 };

typedef struct {
    const uint8_t *s;
    size_t n;
    edic_tok_byte_set separators;
} chunked;

// A bit for each separator of s[base...], until blocks or the text end; returns how many blocks. What is behind the end are
// separators.
static size_t find_separators(const chunked *t, size_t base, uint64_t *masks) {
    size_t rest = t->n - base, blocks = (rest + 63) / 64;
    const uint8_t *s = t->s + base;
    uint8_t copy[BLOCKS * 64];
    if (blocks > BLOCKS) blocks = BLOCKS;
    if (rest < blocks * 64) s = memcpy(copy, s, rest);
    edic_tok_kernels_now()->members(s, blocks, &t->separators, masks);
    if (rest < blocks * 64) masks[blocks - 1] |= UINT64_MAX << (rest & 63);
    return blocks;
}

// The words between separators.
static size_t split_between(const chunked *t, size_t at, uint32_t *begins, uint32_t *ends, size_t capacity, size_t *resume) {
    size_t begun = 0, ended = 0;
    uint64_t masks[BLOCKS], in_word = 0;
    while (at < t->n && begun + MOST_IN_BLOCK <= capacity) {
        size_t blocks = find_separators(t, at, masks), b = 0;
        for (; b < blocks && begun + MOST_IN_BLOCK <= capacity; b++) {
            uint64_t word = ~masks[b], before = word << 1 | in_word;
            for (uint64_t bits = word & ~before; bits; bits &= bits - 1) {
                begins[begun++] = (uint32_t)(at + b * 64 + (size_t)__builtin_ctzll(bits));
            }
            for (uint64_t bits = before & ~word; bits; bits &= bits - 1) {
                ends[ended++] = (uint32_t)(at + b * 64 + (size_t)__builtin_ctzll(bits));
            }
            in_word = word >> 63;
        }
        at += b * 64;
    }
    if (at >= t->n && begun > ended) ends[ended++] = (uint32_t)t->n;
    *resume = at >= t->n ? t->n : begun > ended ? begins[ended] : at;
    return ended;
}

// The same with the separators before each word as its part; those at the end are one more.
static size_t split_with(const chunked *t, size_t at, uint32_t *begins, uint32_t *ends, size_t capacity, size_t *resume) {
    size_t count = 0;
    uint64_t masks[BLOCKS], after_separator = 1;
    begins[0] = (uint32_t)at;
    while (at < t->n && count + MOST_IN_BLOCK < capacity) {
        size_t blocks = find_separators(t, at, masks), b = 0;
        for (; b < blocks && count + MOST_IN_BLOCK < capacity; b++) {
            uint64_t first = masks[b] & ~(masks[b] << 1 | after_separator);
            if (t->n - at - b * 64 < 64) first &= ~(UINT64_MAX << ((t->n - at) & 63));
            for (; first; first &= first - 1) {
                ends[count] = (uint32_t)(at + b * 64 + (size_t)__builtin_ctzll(first));
                begins[count + 1] = ends[count];
                count++;
            }
            after_separator = masks[b] >> 63;
        }
        at += b * 64;
    }
    if (at >= t->n && begins[count] < t->n) ends[count++] = (uint32_t)t->n;
    *resume = at >= t->n ? t->n : begins[count];
    return count;
}

static size_t run_of(const uint8_t *s, size_t n, size_t i, const uint8_t *flags, uint8_t wanted) {
    while (i < n && flags[s[i]] == wanted) i++;
    return i;
}

// Both where there is room for few words.
static size_t split_few(const edic_tok_pattern *pattern, const uint8_t *s, size_t n, size_t i, uint32_t *begins,
                        uint32_t *ends, size_t capacity, size_t *resume) {
    size_t count = 0;
    const uint8_t *flags = pattern->separators;
    while (count < capacity) {
        size_t word = run_of(s, n, i, flags, 1);
        if (pattern->keeps_separators ? i == n : word == n) {
            i = n;
            break;
        }
        begins[count] = (uint32_t)(pattern->keeps_separators ? i : word);
        i = run_of(s, n, word, flags, 0);
        ends[count++] = (uint32_t)i;
    }
    *resume = i;
    return count;
}

size_t edic_tok_split_chunks(const edic_tok_pattern *pattern, const uint8_t *s, size_t n, size_t from, uint32_t *begins,
                             uint32_t *ends, size_t capacity, size_t *resume) {
    if (capacity <= MOST_IN_BLOCK) return split_few(pattern, s, n, from, begins, ends, capacity, resume);
    chunked t = {.s = s, .n = n};
    // Separators are few, and texts may be short.
    for (unsigned some = 0; some < 256; some += 8) {
        uint64_t flags;
        memcpy(&flags, pattern->separators + some, sizeof flags);
        for (unsigned b = some; flags && b < some + 8; b++) {
            if (pattern->separators[b]) t.separators.rows[(b & 15) + (b >= 128 ? 16 : 0)] |= (uint8_t)(1 << (b >> 4 & 7));
        }
    }
    return pattern->keeps_separators ? split_with(&t, from, begins, ends, capacity, resume)
                                     : split_between(&t, from, begins, ends, capacity, resume);
}
