// Splits random text and merges random words with the kernels of each instruction set that runs here, and compares.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CEDICTokenizers.h"

static uint64_t state = 0x9E3779B97F4A7C15u;
static uint64_t below(uint64_t bound) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % bound;
}

static size_t put(uint8_t *to, uint32_t c) {
    if (c < 0x80) return to[0] = (uint8_t)c, 1;
    if (c < 0x800) return to[0] = (uint8_t)(0xC0 | c >> 6), to[1] = (uint8_t)(0x80 | (c & 63)), 2;
    if (c < 0x10000) {
        return to[0] = (uint8_t)(0xE0 | c >> 12), to[1] = (uint8_t)(0x80 | (c >> 6 & 63)), to[2] = (uint8_t)(0x80 | (c & 63)), 3;
    }
    to[0] = (uint8_t)(0xF0 | c >> 18), to[1] = (uint8_t)(0x80 | (c >> 12 & 63));
    return to[2] = (uint8_t)(0x80 | (c >> 6 & 63)), to[3] = (uint8_t)(0x80 | (c & 63)), 4;
}

static size_t random_text(uint8_t *to, size_t least) {
    static const char *const some[] = {" ", "  ", "\n", "\r\n", "'s", "'ll", "'", "\xC2\xA0", "\xE3\x80\x80", "\xE2\x80\xAF", "42", ".", "/", "\0"};
    size_t n = 0;
    while (n < least) {
        size_t run = 1 + below(9);
        switch (below(7)) {
        case 0: for (size_t i = 0; i < run; i++) to[n++] = (uint8_t)('a' + below(26)); break;
        case 1: for (size_t i = 0; i < run; i++) n += put(to + n, (uint32_t)(0x80 + below(0x780))); break;
        case 2: for (size_t i = 0; i < run; i++) n += put(to + n, (uint32_t)(below(2) ? 0x3B1 + below(24) : 0x430 + below(32))); break;
        case 3: n += put(to + n, (uint32_t)(below(2) ? below(0xD800) : 0x10000 + below(0x100000))); break;
        case 4: to[n++] = (uint8_t)below(256); break;
        default: {
            const char *s = some[below(sizeof some / sizeof *some)];
            size_t length = strlen(s);
            memcpy(to + n, s, length ? length : 1);
            n += length ? length : 1;
        }
        }
    }
    return n;
}

enum { MOST = 6000, MERGES = 3000 };
typedef struct {
    uint32_t begins[7][MOST], ends[7][MOST], ids[MOST];
    size_t words[7], count;
} result;

static void work(const uint8_t *s, size_t n, const edic_tok_merges *merges, const uint32_t *bytes, result *r) {
    static uint8_t separators[256] = {[' '] = 1};
    for (unsigned f = 0; f < 7; f++) {
        edic_tok_pattern p = {.family = (edic_tok_family)f, .digits = 3, .contractions = 1, .separators = separators};
        size_t from = 0, k;
        r->words[f] = 0;
        while (from < n && (k = edic_tok_split(&p, s, n, from, r->begins[f] + r->words[f], r->ends[f] + r->words[f], MOST - r->words[f], &from)) > 0) {
            r->words[f] += k;
        }
    }
    for (size_t i = 0; i < n; i++) r->ids[i] = bytes[s[i]];
    r->count = edic_tok_merge(merges, r->ids, NULL, n);
    // Short words go through the kernel directly.
    edic_tok_words words = {.kind = edic_tok_words_bytes, .merges = merges, .byte_ids = bytes};
    static uint32_t room[1024];
    for (size_t at = 0; at + 40 < n && r->count + 40 < MOST; at += 40) {
        size_t count = edic_tok_encode_word(&words, s + at, 1 + s[at] % 40, room);
        memcpy(r->ids + r->count, room, count * sizeof *room);
        r->count += count;
    }
}

int main(void) {
    static const char *const names[] = {"generic", "avx2", "avx512", "neon"};
    static uint8_t text[MOST];
    static result expected, found;
    int differing = 0;
    printf("kernels:");
    for (unsigned k = 0; k < 4; k++) if (edic_tok_use_kernels(names[k])) printf(" %s", names[k]);
    printf("\n");
    for (unsigned round = 0; round < 300; round++) {
        uint32_t bytes[256];
        for (unsigned b = 0; b < 256; b++) bytes[b] = b;
        edic_tok_merges *merges = edic_tok_merges_create(MERGES);
        for (uint32_t m = 0; m < MERGES; m++) {
            uint32_t left = (uint32_t)(below(2) ? below(256 + m) : 'a' + below(26)), right = (uint32_t)(below(2) ? below(256 + m) : 'a' + below(26));
            if (edic_tok_merges_rank(merges, left, right, &(uint32_t){0}) == UINT32_MAX) {
                edic_tok_merges_add(merges, left, right, m, 256 + m);
            }
        }
        edic_tok_merges_finish(merges, bytes);
        size_t n = random_text(text, 1 + below(MOST - 200));
        for (unsigned k = 0; k < 4; k++) {
            if (!edic_tok_use_kernels(names[k])) continue;
            result *r = k == 0 ? &expected : &found;
            work(text, n, merges, bytes, r);
            int equal = r->count == expected.count && memcmp(r->ids, expected.ids, r->count * sizeof *r->ids) == 0;
            for (unsigned f = 0; f < 7; f++) {
                size_t size = r->words[f] * sizeof(uint32_t);
                equal &= r->words[f] == expected.words[f] && memcmp(r->begins[f], expected.begins[f], size) == 0
                    && memcmp(r->ends[f], expected.ends[f], size) == 0;
            }
            if (!equal && differing++ < 5) printf("round %u: %s differs from generic\n", round, names[k]);
        }
        edic_tok_merges_destroy(merges);
    }
    printf("%s\n", differing ? "kernels differ" : "all equal");
    return differing != 0;
}
