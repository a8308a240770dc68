// Splits text and merges words with the kernels of each instruction set that runs here, and compares: random text, and parts
// of the files that are named.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "CEDICTokenizers.h"
#include "kernels.h"

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

static const char *const names[] = {"generic", "avx2", "avx512", "neon"};
enum { NAMES = 4, FAMILIES = 7, MOST = 6000 };
static int differing;

static void differs(const char *what, size_t where, const char *name) {
    if (differing++ < 10) printf("%s %zu: %s differs from generic\n", what, where, name);
}

// --- Masks ---------------------------------------------------------------------------------------------------------

// Compares both kernels on `blocks` blocks, where nothing but one byte behind them may be read.
static void compare_masks(const uint8_t *text, size_t blocks) {
    static uint8_t *page;
    const size_t room = 64 * EDIC_TOK_BLOCKS + 1, page_size = 4096;
    if (!page) {
        page = mmap(NULL, 2 * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED || room > page_size) abort();
        mprotect(page + page_size, page_size, PROT_NONE);
    }
    uint8_t *s = page + page_size - (64 * blocks + 1);
    memcpy(s, text, 64 * blocks + 1);
    static edic_tok_classes expected, found;
    uint64_t letters[EDIC_TOK_BLOCKS + 1] = {0};
    for (unsigned k = 0; k < NAMES; k++) {
        if (!edic_tok_use_kernels(names[k])) continue;
        edic_tok_classes *c = k == 0 ? &expected : &found;
        memset(c, 0, sizeof *c);
        edic_tok_kernels_now()->classes(s, blocks, c);
        edic_tok_kernels_now()->letters(s, blocks, letters);
        if (memcmp(c, &expected, sizeof *c) || memcmp(letters, expected.letters, 8 * blocks)) differs("masks of", blocks, names[k]);
    }
}

// Every two bytes, at every place in a block and across blocks.
static void compare_pairs(void) {
    static uint8_t text[65536 * 3 + 2048];
    for (unsigned shift = 0; shift < 2; shift++) {
        size_t n = shift;
        for (unsigned a = 0; a < 256; a++) for (unsigned b = 0; b < 256; b++, n += 2 + (a ^ b) % 2) text[n] = (uint8_t)a, text[n + 1] = (uint8_t)b;
        for (size_t at = 0; at < n; at += 64 * EDIC_TOK_BLOCKS) compare_masks(text + at, EDIC_TOK_BLOCKS);
    }
}

// --- Words -----------------------------------------------------------------------------------------------------------

typedef struct {
    uint32_t begins[FAMILIES][MOST], ends[FAMILIES][MOST], ids[3 * MOST];
    size_t words[FAMILIES], count;
} result;

// Appends the ids of the words, which are learnt many at a time.
static void encode_batch(const uint8_t *s, size_t n, const edic_tok_words *words, int wide, result *r) {
    static uint32_t out[MOST + 2048];
    edic_tok_memory *memory = edic_tok_memory_create(1 << 20, wide);
    edic_tok_cache *cache = edic_tok_cache_create(memory);
    edic_tok_job job = {.s = s, .n = n, .begins = r->begins[0], .ends = r->ends[0], .count = r->words[0], .out = out, .capacity = sizeof out / sizeof *out};
    for (int resumes = 0;; resumes = 1) {
        edic_tok_progress progress = edic_tok_cache_run(cache, words, &job, resumes);
        memcpy(r->ids + r->count, out, job.written * sizeof *out);
        r->count += job.written;
        job.written = 0;
        if (progress == edic_tok_progress_done) break;
        if (progress == edic_tok_progress_full) continue;
        size_t begin = job.begins[job.next], length = job.ends[job.next++] - begin;
        for (size_t i = 0; i < length; i++) r->ids[r->count + i] = words->byte_ids[s[begin + i]];
        r->count += edic_tok_merge(words->merges, r->ids + r->count, NULL, length);
    }
    edic_tok_cache_destroy(cache);
    edic_tok_memory_destroy(memory);
}

static void work(const uint8_t *s, size_t n, const edic_tok_words *words, int wide, result *r) {
    static uint8_t separators[256] = {[' '] = 1};
    for (unsigned f = 0; f < FAMILIES; f++) {
        edic_tok_pattern p = {.family = (edic_tok_family)f, .digits = 3, .contractions = 1, .separators = separators};
        size_t from = 0, k;
        r->words[f] = 0;
        while (from < n && (k = edic_tok_split(&p, s, n, from, r->begins[f] + r->words[f], r->ends[f] + r->words[f], MOST - r->words[f], &from)) > 0) {
            r->words[f] += k;
        }
    }
    for (size_t i = 0; i < n; i++) r->ids[i] = words->byte_ids[s[i]];
    r->count = edic_tok_merge(words->merges, r->ids, NULL, n);
    // Words of any length, alone.
    static uint32_t room[1024];
    for (size_t at = 0, length; at < n; at += length) {
        length = 1 + s[at] % (s[at] % 8 ? 40 : 130);
        if (length > n - at) length = n - at;
        size_t count = edic_tok_encode_word(words, s + at, length, room);
        if (count == SIZE_MAX) continue;
        memcpy(r->ids + r->count, room, count * sizeof *room);
        r->count += count;
    }
    encode_batch(s, n, words, wide, r);
}

// Merges of bytes and of what came before; many of neighbours in the text.
static edic_tok_merges *some_merges(uint32_t count, const uint8_t *text, size_t n, const uint32_t *bytes) {
    edic_tok_merges *merges = edic_tok_merges_create(count);
    for (uint32_t m = 0; m < count; m++) {
        uint32_t left, right;
        do {
            size_t at = below(n);
            left = below(3) ? text[at] : (uint32_t)below(256 + m);
            right = below(3) ? text[at + 1 < n ? at + 1 : 0] : (uint32_t)below(256 + m);
        } while (edic_tok_merges_rank(merges, left, right, &(uint32_t){0}) != UINT32_MAX && (left = (uint32_t)below(256 + m), right = (uint32_t)below(256 + m),
                 edic_tok_merges_rank(merges, left, right, &(uint32_t){0}) != UINT32_MAX));
        edic_tok_merges_add(merges, left, right, m, 256 + m);
    }
    edic_tok_merges_finish(merges, bytes);
    return merges;
}

int main(int files, char **arguments) {
    static uint8_t text[MOST + 2048];
    static result expected, found;
    printf("kernels:");
    for (unsigned k = 0; k < NAMES; k++) if (edic_tok_use_kernels(names[k])) printf(" %s", names[k]);
    printf("\n");
    fflush(stdout);
    compare_pairs();
    uint32_t bytes[256];
    for (unsigned b = 0; b < 256; b++) bytes[b] = b;
    for (unsigned round = 0; round < 300; round++) {
        size_t n = random_text(text, 1 + below(MOST - 200));
        FILE *file = files > 1 && round % 2 ? fopen(arguments[1 + below((uint64_t)files - 1)], "rb") : NULL;
        if (file) {
            fseek(file, 0, SEEK_END);
            long size = ftell(file);
            fseek(file, size > MOST ? (long)below((uint64_t)size - MOST) : 0, SEEK_SET);
            n = fread(text, 1, 1 + below(MOST - 200), file);
            fclose(file);
            if (n == 0) return printf("an empty file\n"), 1;
        }
        compare_masks(text, 1 + below(EDIC_TOK_BLOCKS));
        // Of few merges, of as many as fit 16 bits with the bytes, and of more.
        const uint32_t count = round % 100 == 99 ? 70000 : round % 3 ? 3000 : 40;
        edic_tok_merges *merges = some_merges(count, text, n, bytes);
        const edic_tok_words words = {.kind = edic_tok_words_bytes, .merges = merges, .byte_ids = bytes};
        for (unsigned k = 0; k < NAMES; k++) {
            if (!edic_tok_use_kernels(names[k])) continue;
            result *r = k == 0 ? &expected : &found;
            work(text, n, &words, count > 65000, r);
            int equal = r->count == expected.count && memcmp(r->ids, expected.ids, r->count * sizeof *r->ids) == 0;
            for (unsigned f = 0; f < FAMILIES; f++) {
                size_t size = r->words[f] * sizeof(uint32_t);
                equal &= r->words[f] == expected.words[f] && memcmp(r->begins[f], expected.begins[f], size) == 0
                    && memcmp(r->ends[f], expected.ends[f], size) == 0;
            }
            if (!equal) differs("round", round, names[k]);
        }
        edic_tok_merges_destroy(merges);
    }
    printf("%s\n", differing ? "kernels differ" : "all equal");
    return differing != 0;
}
