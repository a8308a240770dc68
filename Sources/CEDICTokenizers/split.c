// Splitting by the patterns of the byte-level families, one character at a time.
//
// Each function is its regular expression worked out by hand: alternatives are tried in the pattern's order, and what
// backtracking would find is computed directly. `word` returns the end of the word that begins at i.
#include "CEDICTokenizers.h"
#include "tables.h"

typedef struct {
    const uint8_t *s;
    size_t n;
} text;

static inline unsigned class_at(text t, size_t i, unsigned *length) { return edic_tok_class_at(t.s, i, t.n, length); }

// The end of the run of characters with one of `classes` that begins at i.
static inline size_t run(text t, size_t i, unsigned classes) {
    unsigned length;
    while (i < t.n && (class_at(t, i, &length) & classes)) i += length;
    return i;
}

// How long the contraction after the apostrophe at i is, apostrophe included; 0 where there is none.
// With `fold`, as (?i:…) folds: the long s is an s.
static inline size_t contraction(text t, size_t i, int fold) {
    if (i + 1 >= t.n) return 0;
    unsigned a = t.s[i + 1], b = i + 2 < t.n ? t.s[i + 2] : 0;
    if (fold) {
        if (a == 0xC5 && b == 0xBF) return 3;
        if (a < 0x80) a |= 0x20;
        if (b < 0x80) b |= 0x20;
    }
    switch (a) {
    case 's': case 'd': case 'm': case 't': return 2;
    case 'l': return b == 'l' ? 3 : 0;
    case 'v': case 'r': return b == 'e' ? 3 : 0;
    default: return 0;
    }
}

// White space from i on that nothing else takes: \s+(?!\S)|\s+, before it \s*[\r\n] where `lines` is set.
static inline size_t spaces(text t, size_t i, int lines, int joins_final, int whole_before_number) {
    size_t at = i, last = i, after_line = 0, count = 0;
    unsigned length, c = 0;
    while (at < t.n && ((c = class_at(t, at, &length)) & CLASS_SPACE)) {
        last = at;
        at += length;
        if (c & CLASS_NEWLINE) after_line = at;
        count++;
    }
    if (at == t.n && (joins_final || !lines)) return at;
    if (lines && after_line) return after_line;
    if (at == t.n || count == 1 || (whole_before_number && (c & CLASS_NUMBER))) return at;
    return last;
}

static size_t number(text t, size_t i, unsigned most) {
    if (most == 0) return run(t, i, CLASS_NUMBER);
    unsigned length;
    for (unsigned k = 0; k < most && i < t.n && (class_at(t, i, &length) & CLASS_NUMBER); k++) i += length;
    return i;
}

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
static size_t word_gpt2(const edic_tok_pattern *p, text t, size_t i) {
    unsigned length, c = class_at(t, i, &length);
    size_t k = i;
    if (t.s[i] == '\'') {
        size_t taken = contraction(t, i, 0);
        if (taken) return i + taken;
    } else if (t.s[i] == ' ' && i + 1 < t.n) {
        unsigned next = class_at(t, i + 1, &length);
        if (!(next & CLASS_SPACE) && !(p->isolates_digits && (next & CLASS_NUMBER))) {
            k = i + 1;
            c = next;
        }
    }
    if (c & CLASS_SPACE) return spaces(t, i, 0, 0, p->isolates_digits);
    if (c & CLASS_NUMBER) return number(t, k, p->isolates_digits ? p->digits : 0);
    return run(t, k, c & (CLASS_LETTER | CLASS_OTHER));
}

// '(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
static size_t word_cl100k(const edic_tok_pattern *p, text t, size_t i) {
    unsigned length, c = class_at(t, i, &length), next = 0, next_length;
    if (t.s[i] == '\'') {
        size_t taken = contraction(t, i, 1);
        if (taken) return i + taken;
    }
    if (c & CLASS_LETTER) return run(t, i + length, CLASS_LETTER);
    if (c & CLASS_NUMBER) return number(t, i, p->digits);
    if (i + length < t.n) next = class_at(t, i + length, &next_length);
    if (!(c & CLASS_NEWLINE) && (next & CLASS_LETTER)) return run(t, i + length, CLASS_LETTER);
    if ((c & CLASS_OTHER) || (t.s[i] == ' ' && (next & CLASS_OTHER))) {
        return run(t, run(t, i + length, CLASS_OTHER), CLASS_NEWLINE);
    }
    return spaces(t, i, 1, p->joins_final_space, 0);
}

// [upper]*[lower]+ at i, or i where it does not match.
static size_t cased(text t, size_t i) {
    size_t at = i, after_lower = i;
    unsigned length, c = 0;
    while (at < t.n && ((c = class_at(t, at, &length)) & CLASS_UPPER)) {
        at += length;
        if (c & CLASS_LOWER) after_lower = at;
    }
    if (at < t.n && (c & CLASS_LOWER) && !(c & CLASS_UPPER)) return run(t, at, CLASS_LOWER);
    return after_lower;
}

// [^\r\n\p{L}\p{N}]?[upper]*[lower]+(?i:'s|…)?|[^\r\n\p{L}\p{N}]?[upper]+[lower]*(?i:'s|…)?|\p{N}{1,3}
// | ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
static size_t word_o200k(const edic_tok_pattern *p, text t, size_t i) {
    unsigned length, c = class_at(t, i, &length);
    if (c & CLASS_NUMBER) return number(t, i, p->digits);
    int leads = !(c & (CLASS_LETTER | CLASS_NUMBER | CLASS_NEWLINE));
    size_t first = leads ? i + length : i;
    size_t end = first < t.n ? cased(t, first) : first;
    int found = end > first;
    if (!found && leads && (c & CLASS_MARK)) {
        end = cased(t, i);
        found = end > i;
    }
    if (!found) {
        end = run(t, first, CLASS_UPPER);
        found = end > first;
    }
    if (found) {
        if (p->contractions && end < t.n && t.s[end] == '\'') end += contraction(t, end, 1);
        return end;
    }
    unsigned next = 0, next_length;
    if (i + length < t.n) next = class_at(t, i + length, &next_length);
    if ((c & CLASS_OTHER) || (t.s[i] == ' ' && (next & CLASS_OTHER))) {
        end = run(t, i + length, CLASS_OTHER);
        while (end < t.n && (t.s[end] == '\r' || t.s[end] == '\n' || t.s[end] == '/')) end++;
        return end;
    }
    return spaces(t, i, 1, 0, 0);
}

static int is_punctuation(const uint8_t *s, size_t i, size_t n) {
    uint8_t a = s[i];
    if (a < 0x80) return (a >= 33 && a <= 47) || (a >= 58 && a <= 64) || (a >= 91 && a <= 96) || (a >= 123 && a <= 126);
    unsigned length;
    uint32_t scalar = edic_tok_decode(s, i, n, &length);
    if (scalar == UINT32_MAX) return 0;
    unsigned category = edic_tok_category(scalar) & 31;
    return category >= 19 && category <= 25;
}

// Vertical tab, form feed and U+0085 are white space, but BERT's cleaning drops them like other controls.
static inline int is_bert_space(text t, size_t i, int keeps_controls, unsigned *length) {
    if (!(class_at(t, i, length) & CLASS_SPACE)) return 0;
    if (!keeps_controls) return 1;
    return t.s[i] != 0x0B && t.s[i] != 0x0C && !(t.s[i] == 0xC2 && t.s[i + 1] == 0x85);
}

static size_t word_bert(text t, size_t i, int keeps_controls) {
    unsigned length;
    class_at(t, i, &length);
    if (is_punctuation(t.s, i, t.n)) return i + length;
    while (i < t.n && !is_bert_space(t, i, keeps_controls, &length) && !is_punctuation(t.s, i, t.n)) i += length;
    return i;
}

static size_t skip_bert(text t, size_t i, int keeps_controls) {
    unsigned length;
    while (i < t.n && is_bert_space(t, i, keeps_controls, &length)) i += length;
    return i;
}

static size_t run_of(text t, size_t i, const uint8_t *flags, uint8_t wanted) {
    while (i < t.n && flags[t.s[i]] == wanted) i++;
    return i;
}

// \w is a letter, a mark, a decimal or letter number, or connecting punctuation.
static int is_word(const uint8_t *s, size_t i, size_t n, unsigned *length) {
    uint32_t scalar = edic_tok_decode(s, i, n, length);
    if (scalar == UINT32_MAX) return 0;
    if (scalar == 0x200C || scalar == 0x200D) return 1;
    unsigned category = edic_tok_category(scalar) & 31;
    if (category <= 9 || category == 19) return 1;
    // Other_Alphabetic beyond marks: circled and squared Latin letters.
    return (scalar >= 0x24B6 && scalar <= 0x24E9) || (scalar >= 0x1F130 && scalar <= 0x1F149)
        || (scalar >= 0x1F150 && scalar <= 0x1F169) || (scalar >= 0x1F170 && scalar <= 0x1F189);
}

static size_t word_word(text t, size_t i) {
    unsigned length;
    int wanted = is_word(t.s, i, t.n, &length);
    for (i += length; i < t.n; i += length) {
        int is = is_word(t.s, i, t.n, &length);
        if (is != wanted || (!is && (class_at(t, i, &length) & CLASS_SPACE))) break;
    }
    return i;
}

static inline size_t skip_spaces(text t, size_t i) { return run(t, i, CLASS_SPACE); }

size_t edic_tok_split(const edic_tok_pattern *pattern, const uint8_t *s, size_t n, size_t from, uint32_t *begins,
                      uint32_t *ends, size_t capacity, size_t *resume) {
    text t = {s, n};
    size_t i = from, count = 0;
#define LOOP(WORD)                          \
    while (i < n && count < capacity) {     \
        begins[count] = (uint32_t)i;        \
        i = WORD;                           \
        ends[count++] = (uint32_t)i;        \
    }
#define LOOP_SKIPPING(SKIP, WORD)                               \
    while (count < capacity && (i = SKIP) < n) {                \
        begins[count] = (uint32_t)i;                            \
        i = WORD;                                               \
        ends[count++] = (uint32_t)i;                            \
    }
    switch (pattern->family) {
    case edic_tok_family_gpt2: LOOP(word_gpt2(pattern, t, i)) break;
    case edic_tok_family_cl100k: LOOP(word_cl100k(pattern, t, i)) break;
    case edic_tok_family_o200k: LOOP(word_o200k(pattern, t, i)) break;
    case edic_tok_family_nonspace:
        LOOP_SKIPPING(skip_spaces(t, i), run(t, i, CLASS_LETTER | CLASS_NUMBER | CLASS_OTHER)) break;
    case edic_tok_family_bert: {
        int keeps = pattern->keeps_controls;
        LOOP_SKIPPING(skip_bert(t, i, keeps), word_bert(t, i, keeps))
        break;
    }
    case edic_tok_family_chunks: {
        const uint8_t *flags = pattern->separators;
        if (!flags) break;
        if (pattern->keeps_separators) {
            LOOP(run_of(t, run_of(t, i, flags, 1), flags, 0))
        } else {
            LOOP_SKIPPING(run_of(t, i, flags, 1), run_of(t, i, flags, 0))
        }
        break;
    }
    case edic_tok_family_word: LOOP_SKIPPING(skip_spaces(t, i), word_word(t, i)) break;
    }
    *resume = i;
    return count;
}
