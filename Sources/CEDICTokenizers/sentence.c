// SentencePiece's encoding of a part of a sentence: byte pairs, or the best path of Unigram.
#include "sentence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "merges.h"
#include "paths.h"
#include "tables.h"
#include "words.h"

static const uint32_t no_symbol = UINT32_MAX;

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

static uint32_t symbol_of(const edic_tok_sentence *m, uint32_t scalar) {
    if (scalar < DIRECT) return m->direct[scalar];
    size_t low = 0, high = m->other_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (m->others[middle].scalar < scalar) low = middle + 1; else high = middle;
    }
    return low < m->other_count && m->others[low].scalar == scalar ? m->others[low].symbol : no_symbol;
}

// The inner symbol of a character, or no_symbol.
static uint32_t inner_of(const edic_tok_sentence *m, uint32_t scalar) {
    return edic_tok_inner_symbol(m->parts.merges->pairs, symbol_of(m, scalar));
}

static int find_quick_symbols(edic_tok_sentence *m) {
    if (!m->parts.merges || !m->parts.merges->pairs) return 1;
    m->quick_inner = malloc(TWO_BYTES * sizeof *m->quick_inner);
    for (uint32_t c = 0; m->quick_inner && c < TWO_BYTES; c++) m->quick_inner[c] = m->quick[c] ? inner_of(m, c) : no_symbol;
    // A symbol of the user's may begin with the mark, or with the space that it stands for.
    int begins = m->begins_symbol[0xE2] || m->begins_symbol[' '];
    m->mark_inner = begins ? no_symbol : inner_of(m, 0x2581);
    return m->quick_inner != NULL;
}

edic_tok_sentence *edic_tok_sentence_create(const edic_tok_sentence_parts *parts, const uint8_t *map, size_t trie_size,
                                            size_t map_size, const uint32_t *scalars, const uint32_t *symbols, size_t count) {
    edic_tok_sentence *m = calloc(1, sizeof *m);
    if (!m) return NULL;
    m->parts = *parts;
    if (!edic_tok_sentence_read_map(m, map, trie_size, map_size)) goto fail;
    m->symbol_free = parts->unigram;
    if (parts->others) m->symbol_free.trie = parts->others;
    if (!read_characters(m, scalars, symbols, count) || !find_quick_symbols(m)) goto fail;
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
    free(m->quick_inner);
    free(m);
}

// --- Byte-pair encoding ---------------------------------------------------------------------------------------------

// Writes what a symbol that does not merge further is: its piece, or its bytes, or unknown. Returns how many ids.
static size_t put_symbol(const edic_tok_sentence *m, uint32_t symbol, const uint8_t *s, size_t n, uint32_t *ids) {
    if (symbol < m->parts.piece_count || !m->parts.fallback) {
        ids[0] = symbol < m->parts.piece_count ? symbol : m->parts.unigram.unknown_id;
        return 1;
    }
    for (size_t i = 0; i < n; i++) ids[i] = m->parts.fallback[s[i]];
    return n;
}

// The same for a symbol of which only its character is known; SIZE_MAX where it is none.
static size_t put_unplaced(const edic_tok_sentence *m, uint32_t symbol, uint32_t *ids) {
    uint8_t bytes[4];
    size_t length = 0;
    if (symbol >= m->parts.piece_count) {
        uint32_t beyond = symbol - m->parts.piece_count;
        if (beyond >= m->scalar_count) return SIZE_MAX;
        length = edic_tok_utf8_of(m->scalars[beyond], bytes);
    }
    return put_symbol(m, symbol, bytes, length, ids);
}

static size_t put_all(const edic_tok_sentence *m, const uint32_t *symbols, size_t count, uint32_t *ids) {
    size_t written = 0;
    for (size_t i = 0; i < count; i++) {
        size_t put = put_unplaced(m, symbols[i], ids + written);
        if (put == SIZE_MAX) return SIZE_MAX;
        written += put;
    }
    return written;
}

static void make_outer(const edic_tok_pairs *pairs, uint32_t *symbols, size_t count) {
    for (size_t i = 0; i < count; i++) symbols[i] = pairs->outer[symbols[i]];
}

// Writes the ids of inner symbols that were merged; SIZE_MAX where one is none.
size_t edic_tok_sentence_put(const edic_tok_sentence *m, uint32_t *symbols, size_t count, uint32_t *ids) {
    make_outer(m->parts.merges->pairs, symbols, count);
    return put_all(m, symbols, count, ids);
}

static size_t merge_run(const edic_tok_sentence *m, uint32_t *symbols, size_t count, uint32_t *ids) {
    const edic_tok_pairs *pairs = m->parts.merges->pairs;
    if (edic_tok_may_tie(pairs, symbols, count)) {
        make_outer(pairs, symbols, count);
        count = edic_tok_merge(m->parts.merges, symbols, NULL, count);
        return count == SIZE_MAX ? SIZE_MAX : put_all(m, symbols, count, ids);
    }
    edic_tok_merging one = {.symbols = symbols, .count = count};
    edic_tok_kernels_now()->merge(pairs, &one, 1);
    return edic_tok_sentence_put(m, symbols, one.count, ids);
}

static size_t merge_sentence(const edic_tok_sentence *m, const uint8_t *s, size_t n, uint32_t *ids) {
    if (!m->parts.merges->pairs) return SIZE_MAX;
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
        uint32_t scalar = edic_tok_decode(s, i, n, &length), inner = inner_of(m, scalar);
        if (inner == no_symbol || count == EDIC_TOK_SHORT) {
            if (inner != no_symbol) return SIZE_MAX;
            // A character no merge has: what stands before it is settled.
            size_t put = merge_run(m, run, count, ids + written);
            if (put == SIZE_MAX) return SIZE_MAX;
            written += put;
            count = 0;
            written += put_symbol(m, symbol_of(m, scalar), s + i, length, ids + written);
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

// The same where all characters are quick; 0 where one is not.
static size_t quick_symbols(const edic_tok_sentence *m, const uint8_t *s, size_t n, uint32_t *symbols) {
    size_t count = 0;
    for (size_t i = 0; i < n; count++) {
        uint32_t scalar;
        unsigned length = two_bytes_at(s, i, n, &scalar);
        if (length == 0 || m->quick_inner[scalar] == no_symbol || (m->goes_on[s[i]] && i > 0)) return 0;
        symbols[count] = m->quick_inner[scalar];
        i += length;
    }
    return count;
}

int edic_tok_sentence_symbols(const edic_tok_sentence *m, const uint8_t *s, size_t n, int prefix, uint32_t *symbols, size_t *count) {
    uint8_t normal[NORMAL_ROOM + 4];
    if (m->quick_inner && n < EDIC_TOK_SHORT) {
        size_t head = prefix ? 1 : 0, quick = quick_symbols(m, s, n, symbols + head);
        if (prefix) symbols[0] = m->mark_inner;
        if (quick > 0 && (!prefix || symbols[0] != no_symbol)) {
            *count = head + quick;
            return 1;
        }
    }
    n = edic_tok_sentence_normalize(m, s, n, prefix, normal, NORMAL_ROOM);
    if (n == SIZE_MAX || n == 0 || edic_tok_sentence_has_symbol(m, normal, n)) return 0;
    *count = 0;
    for (size_t i = 0; i < n;) {
        unsigned length;
        uint32_t inner = inner_of(m, edic_tok_decode(normal, i, n, &length));
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
    n = edic_tok_sentence_normalize(m, s, n, prefix, normal, NORMAL_ROOM);
    if (n == SIZE_MAX || n == 0) return n;
    return m->parts.merges ? merge_sentence(m, normal, n, ids) : best_sentence(m, normal, n, before, ids, doubt);
}

int edic_tok_sentence_walks(const edic_tok_sentence *m) {
    return !m->parts.merges && edic_tok_paths_fit(&m->symbol_free, m->parts.piece_count);
}

int edic_tok_sentence_add(const edic_tok_sentence *m, const uint8_t *s, size_t n, int prefix, edic_tok_paths *paths) {
    uint8_t *room = edic_tok_paths_next(paths);
    if (!room) return -1;
    n = edic_tok_sentence_normalize(m, s, n, prefix, room, EDIC_TOK_PATHS_WORD - 4);
    if (n == SIZE_MAX || n == 0 || edic_tok_sentence_has_symbol(m, room, n)) return 0;
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
    const edic_tok_unigram *model = &m->symbol_free;
    if (!model->single_precision) {
        float most = fmaxf(m->most, fabsf((float)model->unknown_score));
        if (!(margin > edic_tok_paths_rounding(ends[count - 1], most))) return SIZE_MAX;
    }
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
        length = edic_tok_sentence_normalize(m, s, n, prefix, normal, room);
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
