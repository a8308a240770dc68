// Counting SentencePiece's units: what lies between white space, cut where the script changes.
//
// No piece has characters of two scripts, so a word's best path and its probability are those of its runs put together,
// and there are far fewer different runs than words. A run that begins a word is counted with a space before it.
#include "counts.h"

/// The scalar at s and its length; 0 where the bytes are not UTF-8.
static uint32_t scalar_at(const uint8_t *s, const uint8_t *end, uint32_t *scalar) {
    size_t left = (size_t)(end - s);
    uint8_t b = s[0];
    if (b < 0x80) {
        *scalar = b;
        return 1;
    }
    if (b >= 0xC2 && b < 0xE0 && left >= 2 && (s[1] & 0xC0) == 0x80) {
        *scalar = (uint32_t)(b & 0x1F) << 6 | (s[1] & 0x3F);
        return 2;
    }
    if (b >= 0xE0 && b < 0xF0 && left >= 3 && (s[1] & 0xC0) == 0x80 && (s[2] & 0xC0) == 0x80) {
        *scalar = (uint32_t)(b & 0x0F) << 12 | (uint32_t)(s[1] & 0x3F) << 6 | (s[2] & 0x3F);
        return *scalar >= 0x800 && (*scalar & 0xFFFFF800) != 0xD800 ? 3 : 0;
    }
    if (b >= 0xF0 && b < 0xF5 && left >= 4 && (s[1] & 0xC0) == 0x80 && (s[2] & 0xC0) == 0x80 && (s[3] & 0xC0) == 0x80) {
        *scalar = (uint32_t)(b & 0x07) << 18 | (uint32_t)(s[1] & 0x3F) << 12 | (uint32_t)(s[2] & 0x3F) << 6 | (s[3] & 0x3F);
        return *scalar >= 0x10000 && *scalar < 0x110000 ? 4 : 0;
    }
    return 0;
}

enum { batch = 512 };

int edic_tok_counts_add_runs(edic_tok_counts *c, const uint8_t *scripts, const uint8_t *s, size_t n) {
    word_range words[batch];
    size_t found = 0;
    uint32_t begin = 0, begins_word = 1, spaced = 0;
    uint8_t script = edic_tok_script_space;
    for (uint32_t at = 0; at < n;) {
        uint32_t scalar = 0, length = s[at] < 0x80 ? 1 : scalar_at(s + at, s + n, &scalar);
        uint8_t next = length == 1 ? scripts[s[at]] : length == 0 ? edic_tok_script_none : scripts[scalar];
        if (length == 0) length = 1;
        if (next == script || (next == edic_tok_script_inherited && script > edic_tok_script_inherited)) {
            at += length;
            continue;
        }
        if (script > edic_tok_script_none) {
            words[found++] = (word_range){begin, at - begin, spaced};
            if (found == batch) {
                if (!edic_tok_counts_add_words(c, s, n, words, found)) return 0;
                found = 0;
            }
        }
        // What is no character ends a run and is in none.
        spaced = begins_word && next > edic_tok_script_none;
        begins_word = next == edic_tok_script_space || (begins_word && next == edic_tok_script_none);
        script = next;
        begin = at;
        at += length;
    }
    if (script > edic_tok_script_none) words[found++] = (word_range){begin, (uint32_t)n - begin, spaced};
    return edic_tok_counts_add_words(c, s, n, words, found);
}
