#define _GNU_SOURCE
// A trie's keys in any order: sorted, and each once.
#include <stdlib.h>
#include <string.h>

#include "CEDICTokenizers.h"

typedef struct {
    uint64_t prefix;                // the first eight bytes as one number, zeros behind a shorter key
    uint32_t index;
} entry;

typedef struct {
    const uint8_t *keys;
    const uint64_t *offsets;
} key_list;

/// Bytes first, then the shorter first.
static int compare_keys(const key_list *list, uint32_t a, uint32_t b) {
    const size_t length_a = list->offsets[a + 1] - list->offsets[a], length_b = list->offsets[b + 1] - list->offsets[b];
    const int order = memcmp(list->keys + list->offsets[a], list->keys + list->offsets[b],
                             length_a < length_b ? length_a : length_b);
    return order != 0 ? order : (length_a > length_b) - (length_a < length_b);
}

/// The same, and of equal keys the earlier first.
static int compare_entries(const void *a, const void *b, void *list) {
    const uint32_t left = ((const entry *)a)->index, right = ((const entry *)b)->index;
    const int order = compare_keys(list, left, right);
    return order != 0 ? order : (left > right) - (left < right);
}

/// By prefixes, entries of one prefix in their order; returns whichever of the two arrays holds the result.
static entry *sort_prefixes(entry *entries, entry *other, size_t count) {
    for (int shift = 0; shift < 64; shift += 8) {
        size_t places[256] = {0};
        for (size_t i = 0; i < count; i++) places[entries[i].prefix >> shift & 255]++;
        if (count > 0 && places[entries[0].prefix >> shift & 255] == count) continue;
        size_t sum = 0;
        for (int byte = 0; byte < 256; byte++) {
            const size_t own = places[byte];
            places[byte] = sum;
            sum += own;
        }
        for (size_t i = 0; i < count; i++) other[places[entries[i].prefix >> shift & 255]++] = entries[i];
        entry *sorted = other;
        other = entries;
        entries = sorted;
    }
    return entries;
}

edic_tok_trie *edic_tok_trie_create_unsorted(const uint8_t *keys, const uint64_t *offsets, const uint32_t *ids,
                                             const double *scores, size_t count, size_t *distinct) {
    edic_tok_trie *trie = NULL;
    *distinct = 0;
    if (count >= UINT32_MAX) return NULL;
    entry *entries = malloc((2 * count + 1) * sizeof *entries);
    uint8_t *sorted_keys = malloc(offsets[count] + 1);
    uint64_t *sorted_offsets = malloc((count + 1) * sizeof *sorted_offsets);
    uint32_t *sorted_ids = malloc((count + 1) * sizeof *sorted_ids);
    double *sorted_scores = malloc((count + 1) * sizeof *sorted_scores);
    if (!entries || !sorted_keys || !sorted_offsets || !sorted_ids || !sorted_scores) goto end;
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t length = offsets[i + 1] - offsets[i];
        if (length == 0) continue;
        uint64_t prefix = 0;
        for (size_t b = 0; b < 8; b++) prefix = prefix << 8 | (b < length ? keys[offsets[i] + b] : 0);
        entries[used++] = (entry){prefix, (uint32_t)i};
    }
    const entry *sorted = sort_prefixes(entries, entries + count, used);
    key_list list = {keys, offsets};
    for (size_t start = 0, end; start < used; start = end) {
        for (end = start + 1; end < used && sorted[end].prefix == sorted[start].prefix; end++) {}
        if (end - start > 1) qsort_r((void *)(sorted + start), end - start, sizeof *sorted, compare_entries, &list);
    }
    size_t place = 0, bytes = 0;
    for (size_t i = 0; i < used; i++) {
        const uint32_t index = sorted[i].index;
        if (i > 0 && compare_keys(&list, sorted[i - 1].index, index) == 0) continue;
        const size_t length = offsets[index + 1] - offsets[index];
        memcpy(sorted_keys + bytes, keys + offsets[index], length);
        sorted_offsets[place] = bytes;
        sorted_ids[place] = ids[index];
        sorted_scores[place++] = scores[index];
        bytes += length;
    }
    sorted_offsets[place] = bytes;
    sorted_keys[bytes] = 0;
    *distinct = place;
    trie = edic_tok_trie_create(sorted_keys, sorted_offsets, sorted_ids, sorted_scores, place);
end:
    free(entries);
    free(sorted_keys);
    free(sorted_offsets);
    free(sorted_ids);
    free(sorted_scores);
    return trie;
}
