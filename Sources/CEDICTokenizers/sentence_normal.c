// SentencePiece's normalization of a part of a sentence, by its precompiled map of characters.
#include <stdlib.h>
#include <string.h>

#include "sentence.h"
#include "tables.h"
#include "words.h"

size_t edic_tok_utf8_of(uint32_t c, uint8_t *to) {
    if (c < 0x80) {
        to[0] = (uint8_t)c;
        return 1;
    }
    size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, c >>= 6) to[i] = (uint8_t)(0x80 | (c & 0x3F));
    to[0] = (uint8_t)((0xF00u >> length & 0xF0) | c);
    return length;
}

// --- The map --------------------------------------------------------------------------------------------------------

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

static void find_plain(edic_tok_sentence *m) {
    memset(m->plain, 1, sizeof m->plain);
    m->plain[0] = m->plain[' '] = 0;
    if (m->unit_count == 0) return;
    for (uint32_t c = 1; c < TWO_BYTES; c++) {
        size_t node = unit_offset(m->units[0]);
        uint32_t value;
        int ends, is = 1;
        uint8_t bytes[4];
        size_t length = edic_tok_utf8_of(c, bytes);
        for (size_t i = 0; i < length && is; i++) is = map_step(m, &node, bytes[i], &value, &ends);
        if (!is) continue;
        if (ends) m->plain[c] = 0;
        for (unsigned b = 1; b < 256; b++) {
            size_t next = node;
            if (map_step(m, &next, (uint8_t)b, &value, &ends)) m->goes_on[b] = 1;
        }
    }
}

int edic_tok_sentence_read_map(edic_tok_sentence *m, const uint8_t *map, size_t trie_size, size_t map_size) {
    if (map_size > 0) {
        m->units = malloc(trie_size);
        m->values = malloc(map_size - trie_size + 1);
        if (!m->units || !m->values) return 0;
        memcpy(m->units, map, trie_size);
        memcpy(m->values, map + trie_size, map_size - trie_size);
        m->unit_count = trie_size / sizeof(uint32_t);
        m->value_size = map_size - trie_size;
    }
    for (unsigned b = 0; m->parts.symbols && b < 256; b++) m->begins_symbol[b] = edic_tok_trie_begins(m->parts.symbols, (uint8_t)b);
    find_plain(m);
    for (uint32_t c = 0; c < TWO_BYTES; c++) {
        uint8_t bytes[4];
        edic_tok_utf8_of(c, bytes);
        m->quick[c] = m->plain[c] && !m->begins_symbol[bytes[0]];
    }
    return 1;
}

// --- Normalization --------------------------------------------------------------------------------------------------

static const uint8_t replacement[3] = {0xEF, 0xBF, 0xBD};

int edic_tok_sentence_has_symbol(const edic_tok_sentence *m, const uint8_t *s, size_t n) {
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

// Copies the characters that a text begins with and that are left alone whatever comes next; returns how many bytes.
// One more may be written to.
static size_t copy_quick(const edic_tok_sentence *m, const uint8_t *s, size_t n, uint8_t *out) {
    size_t i = 0, last = 0;
    while (i < n) {
        uint32_t scalar;
        unsigned length = two_bytes_at(s, i, n, &scalar);
        if (m->goes_on[s[i]] && i > 0) return last;
        if (length == 0 || !m->quick[scalar]) return i;
        out[i] = s[i];
        out[i + 1] = s[i + (i + 1 < n)];
        last = i;
        i += length;
    }
    return n;
}

size_t edic_tok_sentence_normalize(const edic_tok_sentence *m, const uint8_t *s, size_t n, int prefix, uint8_t *out, size_t room) {
    size_t i = 0, head = prefix ? 3 : 0, spaces = 0, size;      // `spaces` written last
    const uint8_t *to;
    int removes = m->parts.removes_extra_spaces, after_space = removes;
    if (head + n < room) {
        i = copy_quick(m, s, n, out + head);
        if (i > 0) after_space = 0;
    }
    size_t written = head + i;
    if (removes && i == 0) {
        while (i < n) {
            size_t length = step(m, s, i, n, &to, &size);
            if (size != 1 || *to != ' ') break;
            i += length;
        }
    }
    if (written == head && i == n) return 0;
    if (prefix) memcpy(out, mark, 3);
    if (written == head + n) return written;
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

// In the order of edic_tok_category.
enum { FIRST_PUNCTUATION = 19, LAST_SYMBOL = 29 };

// Letters, numbers, punctuation and symbols that are characters of their own beside any others (Grapheme_Cluster_Break=Other):
// all of two bytes, and of three those of Latin and Greek, and of general punctuation up to the currencies. None is a space.
static int stands_apart(uint32_t scalar) {
    if (scalar < 0x7F) return scalar > ' ';
    if (scalar >= TWO_BYTES && (scalar < 0x1E00 || scalar >= 0x20D0)) return 0;
    unsigned category = edic_tok_category(scalar);
    return (category >= FIRST_PUNCTUATION && category <= LAST_SYMBOL) || edic_tok_class_of(scalar) & (CLASS_LETTER | CLASS_NUMBER);
}

// Whether a character of more than two bytes is left alone, whatever comes next, and no symbol begins with its bytes.
static int is_left_alone(const edic_tok_sentence *m, const uint8_t *s, size_t i, size_t n) {
    const uint8_t *value;
    size_t size;
    return !m->begins_symbol[s[i]] && (m->unit_count == 0 || map_match(m, s, i, n, &value, &size) == 0);
}

int edic_tok_sentence_is_plain(const edic_tok_sentence *m, const uint8_t *s, size_t n) {
    for (size_t i = 0; i < n;) {
        uint32_t scalar;
        unsigned length = two_bytes_at(s, i, n, &scalar);
        if (m->goes_on[s[i]] && i > 0) return 0;
        if (length > 0 ? !m->quick[scalar] : !is_left_alone(m, s, i, n)) return 0;
        if (length == 0) scalar = edic_tok_decode(s, i, n, &length);
        if (!stands_apart(scalar)) return 0;
        i += length;
    }
    return n > 0;
}
