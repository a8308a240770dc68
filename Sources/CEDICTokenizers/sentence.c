// SentencePiece's normalization and encoding of a part of a sentence.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "CEDICTokenizers.h"
#include "kernels.h"
#include "merges.h"
#include "paths.h"
#include "tables.h"
#include "trie.h"
#include "words.h"

enum { DIRECT = 0x3000, NORMAL_ROOM = 1024 };
static const uint32_t no_symbol = UINT32_MAX;

typedef struct {
    uint32_t scalar, symbol;
} character;

struct edic_tok_sentence {
    edic_tok_sentence_parts parts;
    uint32_t *units;                // the map's trie
    size_t unit_count;
    uint8_t *values;
    size_t value_size;
    uint8_t plain[0x800];           // a character of one or two bytes that stands for itself unless …
    uint8_t goes_on[256];           // … a byte follows that goes on in a key of such a character
    uint32_t *direct;               // the symbols of the first characters
    character *others;              // and of the others, in their order
    size_t other_count;
    uint32_t *scalars;              // the character of each symbol beyond the pieces
    size_t scalar_count;
    float most;                     // no id changes the score by more
    uint8_t begins_symbol[256];     // whether a symbol of parts.symbols begins with the byte
    edic_tok_unigram symbol_free;   // the model without these symbols
};

static inline uint32_t unit_offset(uint32_t unit) { return (unit >> 10) << ((unit & 1u << 9) >> 6); }

// One step down the map's trie from the place `node`, which is moved; returns 0 where there is none. `*value` is set
// where a key ends.
static inline int map_step(const edic_tok_sentence *m, size_t *node, uint8_t byte, uint32_t *value, int *ends) {
    *ends = 0;
    if (byte == 0) return 0;
    *node ^= byte;
    if (*node >= m->unit_count) return 0;
    uint32_t unit = m->units[*node];
    if ((unit & (1u << 31 | 0xFF)) != byte) return 0;
    *node ^= unit_offset(unit);
    if (*node >= m->unit_count) return 0;
    if (unit >> 8 & 1) {
        *value = m->units[*node] & ~(1u << 31);
        *ends = 1;
    }
    return 1;
}

// The length of the longest key at s[i], 0 where none matches; its value.
static size_t map_match(const edic_tok_sentence *m, const uint8_t *s, size_t i, size_t n, const uint8_t **value, size_t *size) {
    size_t node = unit_offset(m->units[0]), length = 0;
    uint32_t found = 0, here = 0;
    int ends;
    for (size_t k = i; k < n && map_step(m, &node, s[k], &here, &ends); k++) {
        if (!ends) continue;
        found = here;
        length = k + 1 - i;
    }
    if (length == 0 || found >= m->value_size) return 0;
    *value = m->values + found;
    const uint8_t *end = memchr(*value, 0, m->value_size - found);
    *size = end ? (size_t)(end - *value) : m->value_size - found;
    return length;
}

static size_t utf8_of(uint32_t c, uint8_t *to) {
    if (c < 0x80) {
        to[0] = (uint8_t)c;
        return 1;
    }
    size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, c >>= 6) to[i] = (uint8_t)(0x80 | (c & 0x3F));
    to[0] = (uint8_t)((0xF00u >> length & 0xF0) | c);
    return length;
}

static void find_plain(edic_tok_sentence *m) {
    memset(m->plain, 1, sizeof m->plain);
    m->plain[0] = m->plain[' '] = 0;
    if (m->unit_count == 0) return;
    for (uint32_t c = 1; c < 0x800; c++) {
        size_t node = unit_offset(m->units[0]);
        uint32_t value;
        int ends, is = 1;
        uint8_t bytes[4];
        size_t length = utf8_of(c, bytes);
        for (size_t i = 0; i < length && is; i++) is = map_step(m, &node, bytes[i], &value, &ends);
        if (!is) continue;
        if (ends) m->plain[c] = 0;
        for (unsigned b = 1; b < 256; b++) {
            size_t next = node;
            if (map_step(m, &next, (uint8_t)b, &value, &ends)) m->goes_on[b] = 1;
        }
    }
}

static int by_scalar(const void *a, const void *b) {
    uint32_t x = ((const character *)a)->scalar, y = ((const character *)b)->scalar;
    return x < y ? -1 : x > y;
}

static int read_characters(edic_tok_sentence *m, const uint32_t *scalars, const uint32_t *symbols, size_t count) {
    uint32_t pieces = m->parts.piece_count;
    m->direct = malloc(DIRECT * sizeof *m->direct);
    m->others = malloc((count + 1) * sizeof *m->others);
    m->scalars = calloc(count + 1, sizeof *m->scalars);
    if (!m->direct || !m->others || !m->scalars) return 0;
    memset(m->direct, 0xFF, DIRECT * sizeof *m->direct);
    for (size_t i = 0; i < count; i++) {
        if (scalars[i] < DIRECT) m->direct[scalars[i]] = symbols[i];
        else m->others[m->other_count++] = (character){scalars[i], symbols[i]};
        if (symbols[i] < pieces) continue;
        if (symbols[i] - pieces >= count) return 0;
        m->scalars[symbols[i] - pieces] = scalars[i];
    }
    m->scalar_count = count;
    qsort(m->others, m->other_count, sizeof *m->others, by_scalar);
    return 1;
}

edic_tok_sentence *edic_tok_sentence_create(const edic_tok_sentence_parts *parts, const uint8_t *map, size_t trie_size,
                                            size_t map_size, const uint32_t *scalars, const uint32_t *symbols, size_t count) {
    edic_tok_sentence *m = calloc(1, sizeof *m);
    if (!m) return NULL;
    m->parts = *parts;
    if (map_size > 0) {
        m->units = malloc(trie_size);
        m->values = malloc(map_size - trie_size + 1);
        if (!m->units || !m->values) goto fail;
        memcpy(m->units, map, trie_size);
        memcpy(m->values, map + trie_size, map_size - trie_size);
        m->unit_count = trie_size / sizeof(uint32_t);
        m->value_size = map_size - trie_size;
    }
    find_plain(m);
    m->symbol_free = parts->unigram;
    if (parts->others) m->symbol_free.trie = parts->others;
    for (unsigned b = 0; parts->symbols && b < 256; b++) m->begins_symbol[b] = edic_tok_trie_begins(parts->symbols, (uint8_t)b);
    if (!read_characters(m, scalars, symbols, count)) goto fail;
    for (uint32_t i = 0; parts->scores && i < parts->piece_count; i++) {
        if (fabsf(parts->scores[i]) > m->most) m->most = fabsf(parts->scores[i]);
    }
    return m;
fail:
    edic_tok_sentence_destroy(m);
    return NULL;
}

void edic_tok_sentence_destroy(edic_tok_sentence *m) {
    if (!m) return;
    free(m->units);
    free(m->values);
    free(m->direct);
    free(m->others);
    free(m->scalars);
    free(m);
}

// --- Normalization --------------------------------------------------------------------------------------------------

static const uint8_t mark[3] = {0xE2, 0x96, 0x81};      // ▁
static const uint8_t replacement[3] = {0xEF, 0xBF, 0xBD};

// The length of the longest symbol at s[i], 0 where there is none.
static inline size_t symbol_at(const edic_tok_sentence *m, const uint8_t *s, size_t i, size_t n, uint32_t *id) {
    size_t length;
    if (!m->begins_symbol[s[i]]) return 0;
    *id = edic_tok_trie_longest(m->parts.symbols, s + i, n - i, &length);
    return *id == UINT32_MAX ? 0 : length;
}

static int has_symbol(const edic_tok_sentence *m, const uint8_t *s, size_t n) {
    uint32_t id;
    for (size_t i = 0; m->parts.symbols && i < n; i++) {
        if (symbol_at(m, s, i, n, &id)) return 1;
    }
    return 0;
}

// What stands at s[i], normalized; returns how many bytes it takes.
static inline size_t step(const edic_tok_sentence *m, const uint8_t *s, size_t i, size_t n, const uint8_t **to, size_t *size) {
    uint32_t symbol;
    *size = symbol_at(m, s, i, n, &symbol);
    if (*size > 0) {
        *to = s + i;
        return *size;
    }
    size_t width = s[i] < 0x80 ? 1 : 2;
    if (width == 1 || (s[i] >= 0xC2 && s[i] < 0xE0 && i + 1 < n && (s[i + 1] & 0xC0) == 0x80)) {
        uint32_t c = width == 1 ? s[i] : (uint32_t)(s[i] & 0x1F) << 6 | (s[i + 1] & 0x3F);
        if (m->plain[c] && (i + width == n || !m->goes_on[s[i + width]])) {
            *to = s + i;
            *size = width;
            return width;
        }
    }
    if (m->unit_count > 0) {
        size_t length = map_match(m, s, i, n, to, size);
        if (length > 0) return length;
    }
    unsigned length;
    if (edic_tok_decode(s, i, n, &length) == UINT32_MAX) {
        *to = replacement;
        *size = 3;
        return 1;
    }
    *to = s + i;
    *size = length;
    return length;
}

// The normalized text, in `room` and 4 bytes; SIZE_MAX where it has no room, has bytes that are refused, or where it ends
// in a ▁ that may stay or go, or go into one piece with the next, as what follows in the sentence decides.
static size_t normalize(const edic_tok_sentence *m, const uint8_t *s, size_t n, int prefix, uint8_t *out, size_t room) {
    size_t i = 0, head = prefix ? 3 : 0, spaces = 0, size;      // `spaces` written last
    const uint8_t *to;
    int removes = m->parts.removes_extra_spaces, after_space = removes;
    if (removes) {
        while (i < n) {
            size_t length = step(m, s, i, n, &to, &size);
            if (size != 1 || *to != ' ') break;
            i += length;
        }
    }
    if (i == n) return 0;
    if (prefix) memcpy(out, mark, 3);
    size_t written = head;
    while (i < n) {
        i += step(m, s, i, n, &to, &size);
        if (written + 3 * size > room || (to == replacement && m->parts.refuses_invalid)) return SIZE_MAX;
        while (after_space && size > 0 && *to == ' ') {
            to++;
            size--;
        }
        if (size > 0) after_space = removes && to[size - 1] == ' ';
        for (size_t k = 0; k < size; k++) {
            if (to[k] == ' ') {
                memcpy(out + written, mark, 3);
                written += 3;
                spaces++;
            } else {
                out[written++] = to[k];
                spaces = 0;
            }
        }
    }
    if (removes) {
        written -= 3 * spaces;
        if (written == head) return 0;
    } else if (s[n - 1] == ' ') {
        return written;     // the end of the sentence
    }
    return written >= 3 && memcmp(out + written - 3, mark, 3) == 0 ? SIZE_MAX : written;
}

// --- Byte-pair encoding ---------------------------------------------------------------------------------------------

static uint32_t symbol_of(const edic_tok_sentence *m, uint32_t scalar) {
    if (scalar < DIRECT) return m->direct[scalar];
    size_t low = 0, high = m->other_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (m->others[middle].scalar < scalar) low = middle + 1; else high = middle;
    }
    return low < m->other_count && m->others[low].scalar == scalar ? m->others[low].symbol : no_symbol;
}

// Writes what a symbol that does not merge further is: its piece, or its bytes, or unknown. Returns how many ids.
static size_t put_symbol(const edic_tok_sentence *m, uint32_t symbol, const uint8_t *s, size_t n, uint32_t *ids) {
    if (symbol < m->parts.piece_count || !m->parts.fallback) {
        ids[0] = symbol < m->parts.piece_count ? symbol : m->parts.unigram.unknown_id;
        return 1;
    }
    for (size_t i = 0; i < n; i++) ids[i] = m->parts.fallback[s[i]];
    return n;
}

// Writes the ids of inner symbols that were merged; SIZE_MAX where one is none.
size_t edic_tok_sentence_put(const edic_tok_sentence *m, const uint32_t *symbols, size_t count, uint32_t *ids) {
    const edic_tok_pairs *pairs = m->parts.merges->pairs;
    size_t written = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t symbol = pairs->outer[symbols[i]];
        uint8_t bytes[4];
        size_t length = 0;
        if (symbol >= m->parts.piece_count) {
            uint32_t beyond = symbol - m->parts.piece_count;
            if (beyond >= m->scalar_count) return SIZE_MAX;
            length = utf8_of(m->scalars[beyond], bytes);
        }
        written += put_symbol(m, symbol, bytes, length, ids + written);
    }
    return written;
}

static size_t merge_run(const edic_tok_sentence *m, uint32_t *symbols, size_t count, uint32_t *ids) {
    edic_tok_merging one = {.symbols = symbols, .count = count};
    edic_tok_kernels_now()->merge(m->parts.merges->pairs, &one, 1);
    return edic_tok_sentence_put(m, symbols, one.count, ids);
}

static size_t merge_sentence(const edic_tok_sentence *m, const uint8_t *s, size_t n, uint32_t *ids) {
    const edic_tok_pairs *pairs = m->parts.merges->pairs;
    if (!pairs) return SIZE_MAX;
    uint32_t run[EDIC_TOK_SHORT];
    size_t count = 0, written = 0;
    for (size_t i = 0; i < n;) {
        unsigned length;
        uint32_t id;
        size_t whole = symbol_at(m, s, i, n, &id);
        if (whole > 0) {
            size_t put = merge_run(m, run, count, ids + written);
            if (put == SIZE_MAX) return SIZE_MAX;
            written += put;
            count = 0;
            ids[written++] = id;
            i += whole;
            continue;
        }
        uint32_t symbol = symbol_of(m, edic_tok_decode(s, i, n, &length));
        uint32_t inner = symbol < pairs->inner_count ? pairs->inner[symbol] : no_symbol;
        if (inner == no_symbol || count == EDIC_TOK_SHORT) {
            if (inner != no_symbol) return SIZE_MAX;
            // A character no merge has: what stands before it is settled.
            size_t put = merge_run(m, run, count, ids + written);
            if (put == SIZE_MAX) return SIZE_MAX;
            written += put;
            count = 0;
            written += put_symbol(m, symbol, s + i, length, ids + written);
        } else {
            run[count++] = inner;
        }
        i += length;
    }
    size_t put = merge_run(m, run, count, ids + written);
    return put == SIZE_MAX ? SIZE_MAX : written + put;
}

const edic_tok_pairs *edic_tok_sentence_pairs(const edic_tok_sentence *m) {
    return m->parts.merges ? m->parts.merges->pairs : NULL;
}

int edic_tok_sentence_symbols(const edic_tok_sentence *m, const uint8_t *s, size_t n, int prefix, uint32_t *symbols, size_t *count) {
    const edic_tok_pairs *pairs = m->parts.merges->pairs;
    uint8_t normal[NORMAL_ROOM + 4];
    n = normalize(m, s, n, prefix, normal, NORMAL_ROOM);
    if (n == SIZE_MAX || n == 0 || has_symbol(m, normal, n)) return 0;
    *count = 0;
    for (size_t i = 0; i < n;) {
        unsigned length;
        uint32_t symbol = symbol_of(m, edic_tok_decode(normal, i, n, &length));
        uint32_t inner = symbol < pairs->inner_count ? pairs->inner[symbol] : no_symbol;
        if (inner == no_symbol || *count == EDIC_TOK_SHORT) return 0;
        symbols[(*count)++] = inner;
        i += length;
    }
    return 1;
}

// --- Unigram --------------------------------------------------------------------------------------------------------

// How close the closest choice was, as a share of what rounding could add on the way: 128 minus its exponent.
static uint8_t doubt_of(double margin, size_t length) {
    double share = margin / (double)(length + 2);
    if (!(share > 0)) return 254;
    int exponent = isinf(share) ? 120 : ilogb(share);
    exponent = exponent > 120 ? 120 : exponent < -120 ? -120 : exponent;
    return (uint8_t)(128 - exponent);
}

uint8_t edic_tok_sentence_most_doubt(const edic_tok_sentence *m, float score, size_t *lasts) {
    float size = fabsf(score) > 64 ? fabsf(score) : 64;
    *lasts = m->most > 0 ? (size_t)(size / m->most) : SIZE_MAX / 2;
    // A sum is off by at most half a unit in its last place.
    int most = 150 - ilogb((double)size * 2);
    return (uint8_t)(most < 0 ? 0 : most > 253 ? 253 : most);
}

float edic_tok_sentence_advance(const edic_tok_sentence *m, float score, const uint32_t *ids, size_t count) {
    for (size_t i = 0; i < count; i++) score += m->parts.scores[ids[i]];
    return score;
}

// Writes the ids of pieces, and of unknown characters or their bytes; returns how many.
static size_t put_pieces(const edic_tok_sentence *m, const uint8_t *s, const uint32_t *found, const uint32_t *ends, size_t count,
                         uint32_t *ids) {
    size_t written = 0;
    for (size_t k = 0; k < count; k++) {
        if (found[k] != m->parts.unigram.unknown_id || !m->parts.fallback) {
            ids[written++] = found[k];
            continue;
        }
        for (size_t i = k == 0 ? 0 : ends[k - 1]; i < ends[k]; i++) ids[written++] = m->parts.fallback[s[i]];
    }
    return written;
}

static size_t best_sentence(const edic_tok_sentence *m, const uint8_t *s, size_t n, double before, uint32_t *ids, uint8_t *doubt) {
    uint32_t found[NORMAL_ROOM], ends[NORMAL_ROOM];
    double margin;
    size_t count = edic_tok_unigram_best(&m->parts.unigram, s, n, before, found, ends, &margin);
    if (count == SIZE_MAX) return SIZE_MAX;
    *doubt = doubt_of(margin, n);
    return put_pieces(m, s, found, ends, count, ids);
}

size_t edic_tok_sentence_encode(const edic_tok_sentence *m, const uint8_t *s, size_t n, int prefix, double before,
                                uint32_t *ids, size_t capacity, uint8_t *doubt) {
    uint8_t normal[NORMAL_ROOM + 4];
    *doubt = 0;
    if (capacity < NORMAL_ROOM) return SIZE_MAX;
    n = normalize(m, s, n, prefix, normal, NORMAL_ROOM);
    if (n == SIZE_MAX || n == 0) return n;
    return m->parts.merges ? merge_sentence(m, normal, n, ids) : best_sentence(m, normal, n, before, ids, doubt);
}

int edic_tok_sentence_walks(const edic_tok_sentence *m) {
    return !m->parts.merges && edic_tok_paths_fit(&m->symbol_free, m->parts.piece_count);
}

int edic_tok_sentence_add(const edic_tok_sentence *m, const uint8_t *s, size_t n, int prefix, edic_tok_paths *paths) {
    uint8_t *room = edic_tok_paths_next(paths);
    if (!room) return -1;
    n = normalize(m, s, n, prefix, room, EDIC_TOK_PATHS_WORD - 4);
    if (n == SIZE_MAX || n == 0 || has_symbol(m, room, n)) return 0;
    edic_tok_paths_add(paths, n);
    return 1;
}

void edic_tok_sentence_walk(const edic_tok_sentence *m, edic_tok_paths *paths) {
    edic_tok_paths_walk(paths, &m->symbol_free);
}

size_t edic_tok_sentence_take(const edic_tok_sentence *m, const edic_tok_paths *paths, size_t word, uint32_t *ids,
                              uint8_t *doubt) {
    uint32_t found[EDIC_TOK_PATHS_WORD], ends[EDIC_TOK_PATHS_WORD];
    float margin;
    const uint8_t *bytes;
    size_t count = edic_tok_paths_best(paths, &m->symbol_free, word, found, ends, &margin, &bytes);
    if (count == SIZE_MAX) return SIZE_MAX;
    // The margin is itself rounded.
    *doubt = doubt_of((double)margin * 0.999999, ends[count - 1]);
    return put_pieces(m, bytes, found, ends, count, ids);
}

// As merge_sentence, for any length up to a symbol of parts.symbols: `ids` and `sizes` have room for a symbol each byte.
// `*end` is where it ends.
static size_t merge_stretch(const edic_tok_sentence *m, const uint8_t *s, size_t n, uint32_t *symbols, uint32_t *sizes,
                            uint32_t *ids, size_t *end) {
    size_t count = 0, at = 0, written = 0, i = 0;
    uint32_t id;
    for (; i < n && !symbol_at(m, s, i, n, &id); count++) {
        unsigned length;
        uint32_t symbol = symbol_of(m, edic_tok_decode(s, i, n, &length));
        // A character no piece has merges with nothing.
        symbols[count] = symbol == no_symbol ? UINT32_MAX - 1 : symbol;
        sizes[count] = length;
        i += length;
    }
    *end = i;
    count = edic_tok_merge(m->parts.merges, symbols, sizes, count);
    if (count == SIZE_MAX) return SIZE_MAX;
    for (size_t k = 0; k < count; at += sizes[k++]) {
        written += put_symbol(m, symbols[k], s + at, sizes[k], ids + written);
    }
    return written;
}

static size_t merge_long(const edic_tok_sentence *m, const uint8_t *s, size_t n, uint32_t *symbols, uint32_t *sizes, uint32_t *ids) {
    size_t written = 0, end;
    for (size_t i = 0; i < n;) {
        uint32_t id;
        size_t whole = symbol_at(m, s, i, n, &id);
        if (whole > 0) {
            ids[written++] = id;
            i += whole;
            continue;
        }
        size_t put = merge_stretch(m, s + i, n - i, symbols, sizes, ids + written, &end);
        if (put == SIZE_MAX) return SIZE_MAX;
        written += put;
        i += end;
    }
    return written;
}

size_t edic_tok_sentence_encode_long(const edic_tok_sentence *m, const uint8_t *s, size_t n, int prefix, double before,
                                     uint32_t **result) {
    size_t count = SIZE_MAX, length = SIZE_MAX;
    uint8_t *normal = NULL;
    // Most texts hardly grow.
    for (size_t room = n + n / 2 + 64; length == SIZE_MAX && room <= 100 * n + 6400; room *= 3) {
        free(normal);
        normal = malloc(room + 4);
        if (!normal) return SIZE_MAX;
        length = normalize(m, s, n, prefix, normal, room);
    }
    uint32_t *first = NULL, *second = NULL, *ids = NULL;
    *result = NULL;
    if (length != SIZE_MAX && length <= UINT32_MAX - 1) {
        first = malloc((length + 1) * sizeof *first);
        second = malloc((length + 1) * sizeof *second);
        ids = malloc((length + 1) * sizeof *ids);
    }
    if (first && second && ids) {
        if (m->parts.merges) {
            count = merge_long(m, normal, length, first, second, ids);
        } else {
            count = edic_tok_unigram_best(&m->parts.unigram, normal, length, before, first, second, NULL);
            if (count != SIZE_MAX) count = put_pieces(m, normal, first, second, count, ids);
        }
    }
    free(normal);
    free(first);
    free(second);
    if (count == SIZE_MAX) free(ids);
    else *result = ids;
    return count;
}

size_t edic_tok_fuse(uint32_t *ids, size_t count, uint32_t unknown) {
    size_t kept = 0;
    int after_unknown = 0;
    for (size_t i = 0; i < count; i++) {
        int is_unknown = ids[i] == unknown;
        ids[kept] = ids[i];
        kept += !(is_unknown & after_unknown);
        after_unknown = is_unknown;
    }
    return kept;
}
