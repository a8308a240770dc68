// Splitting by the patterns of the byte-level families, one character at a time.
//
// Each function is its regular expression worked out by hand: alternatives are tried in the pattern's order, and what
// backtracking would find is computed directly. `word` returns the end of the word that begins at i.
#include <string.h>

#include "CEDICTokenizers.h"
#include "chunks.h"
#include "kernels.h"
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

static inline int is_punctuation(const uint8_t *s, size_t i, size_t n) {
    if (s[i] < 0x80) return edic_tok_is_punctuation(s[i]);
    unsigned length;
    uint32_t scalar = edic_tok_decode(s, i, n, &length);
    return scalar != UINT32_MAX && edic_tok_is_punctuation(scalar);
}

// Vertical tab, form feed and U+0085 are white space, but BERT's cleaning drops them like other controls.
static inline int is_bert_space(text t, size_t i, int keeps_controls, unsigned *length) {
    if (!(class_at(t, i, length) & CLASS_SPACE)) return 0;
    if (!keeps_controls) return 1;
    return t.s[i] != 0x0B && t.s[i] != 0x0C && !(t.s[i] == 0xC2 && t.s[i + 1] == 0x85);
}

// What is a word of its own.
static inline int is_bert_word(const edic_tok_pattern *p, text t, size_t i) {
    if (is_punctuation(t.s, i, t.n)) return 1;
    if (!p->cuts_ideographs || t.s[i] < 0xE3) return 0;
    unsigned length;
    uint32_t scalar = edic_tok_decode(t.s, i, t.n, &length);
    return scalar != UINT32_MAX && edic_tok_is_ideograph(scalar);
}

static size_t word_bert(const edic_tok_pattern *p, text t, size_t i) {
    unsigned length;
    class_at(t, i, &length);
    if (is_bert_word(p, t, i)) return i + length;
    while (i < t.n && !is_bert_space(t, i, p->keeps_controls, &length) && !is_bert_word(p, t, i)) i += length;
    return i;
}

static size_t skip_bert(text t, size_t i, int keeps_controls) {
    unsigned length;
    while (i < t.n && is_bert_space(t, i, keeps_controls, &length)) i += length;
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

// --- Words of letters, from masks -----------------------------------------------------------------------------------
//
// Most words are letters with at most one character before them. Where masks say so for sure, the word needs no look
// at its characters; every other word is left to the functions above.

enum { BLOCKS = EDIC_TOK_BLOCKS, REACH = 128 };          // 1024 bytes a window; a word may begin up to REACH before its end

typedef struct {
    size_t base, covered;                   // the window is s[base..<base + covered]
    uint64_t letters[BLOCKS + 1];           // the last one is 0
    uint64_t lower[BLOCKS + 1];             // of the letters those that are surely Ll; the rest is surely Lu
} window;

// Whether a character before the letters may belong to a word: ' ' for GPT-2; whatever is neither letter, number, line
// end nor (for cl100k) an apostrophe.
static inline size_t leads(edic_tok_family family, uint8_t byte) {
    if (family == edic_tok_family_gpt2) return byte == ' ';
    if (byte == '\'' && family == edic_tok_family_cl100k) return 0;
    return byte < 0x80 && !(edic_tok_ascii_class[byte & 127] & (CLASS_LETTER | CLASS_NUMBER | CLASS_NEWLINE));
}

// The cases of the letters; letters with no case are taken out.
static void find_cases(window *w, const uint8_t *s) {
    for (size_t b = 0; b * 64 < w->covered; b++) {
        uint64_t lower = 0;
        for (uint64_t left = w->letters[b]; left;) {
            unsigned i = (unsigned)__builtin_ctzll(left);
            size_t at = b * 64 + i;
            uint64_t bit = left & -left;
            left ^= bit;
            if (s[at] < 0x80) {
                if (s[at] & 0x20) lower |= bit;
                continue;
            }
            if (s[at] < 0xC0) continue;     // settled with the byte before
            unsigned class = edic_tok_class_of((uint32_t)(s[at] & 0x1F) << 6 | (s[at + 1] & 0x3F)) & (CLASS_UPPER | CLASS_LOWER);
            uint64_t second = i < 63 ? bit << 1 : 0;
            if (class == CLASS_LOWER) {
                lower |= bit | second;
                if (i == 63) w->lower[b + 1] |= 1;
            } else if (class != CLASS_UPPER) {
                w->letters[b] &= ~(bit | second);
                if (i == 63) w->letters[b + 1] &= ~(uint64_t)1;
            }
            left &= ~second;
        }
        w->lower[b] |= lower;
    }
}

static void open_window(window *w, text t, size_t base, int cases) {
    size_t rest = t.n - base, blocks = rest / 64 + 1;
    const uint8_t *s = t.s + base;
    uint8_t copy[BLOCKS * 64 + 1];
    if (blocks > BLOCKS) blocks = BLOCKS;
    if (rest < blocks * 64 + 1) {
        memcpy(copy, s, rest);
        memset(copy + rest, 0, blocks * 64 + 1 - rest);
        s = copy;
    }
    w->base = base;
    w->covered = blocks * 64;
    edic_tok_kernels_now()->letters(s, blocks, w->letters);
    w->letters[blocks] = 0;
    if (!cases) return;
    memset(w->lower, 0, sizeof w->lower);
    find_cases(w, s);
    w->letters[blocks] = 0;
}

// Where the run of ones that begins at bit `from` ends.
static inline size_t ones(const uint64_t *mask, size_t from) {
    size_t q = from >> 6;
    uint64_t zeros = ~mask[q] >> (from & 63);
    if (zeros) return from + (size_t)__builtin_ctzll(zeros);
    while (!(zeros = ~mask[++q])) {}
    return q * 64 + (size_t)__builtin_ctzll(zeros);
}

static inline int is_set(const uint64_t *mask, size_t at) { return (int)(mask[at >> 6] >> (at & 63) & 1); }

#define WINDOWED(CASES)                                                                         \
    if (w.covered == 0 || (i + REACH > w.base + w.covered && w.base + w.covered < n)) open_window(&w, t, i, CASES)

static inline size_t split_letters(edic_tok_family family, const edic_tok_pattern *pattern, text t, size_t i, uint32_t *begins, uint32_t *ends,
                                   size_t capacity, size_t *resume, size_t (*word)(const edic_tok_pattern *, text, size_t)) {
    window w;
    size_t n = t.n, count = 0;
    w.covered = 0;
    for (; i < n && count < capacity; count++) {
        WINDOWED(0);
        begins[count] = (uint32_t)i;
        size_t k = i - w.base + leads(family, t.s[i]);
        if (is_set(w.letters, k)) {
            size_t end = ones(w.letters, k);
            i = w.base + end;
            if (i < n && (t.s[i] >= 0x80 || end + 1 >= w.covered)) i = run(t, w.base + k, CLASS_LETTER);
        } else {
            i = word(pattern, t, i);
        }
        ends[count] = (uint32_t)i;
    }
    *resume = i;
    return count;
}

static size_t split_cases(const edic_tok_pattern *pattern, text t, size_t i, uint32_t *begins, uint32_t *ends,
                          size_t capacity, size_t *resume) {
    window w;
    size_t n = t.n, count = 0;
    w.covered = 0;
    for (; i < n && count < capacity; count++) {
        WINDOWED(1);
        begins[count] = (uint32_t)i;
        size_t k = i - w.base + leads(edic_tok_family_o200k, t.s[i]), end = k, at = 0;
        if (is_set(w.letters, k)) {
            // Capitals, then small letters; a capital after those begins another word.
            while (is_set(w.letters, end) && !is_set(w.lower, end)) end++;
            size_t small = ones(w.lower, end);
            at = w.base + small;
            int ends_here = small + 1 < w.covered
                && (at == n || (t.s[at] < 0x80 && t.s[at] != '\'' && !(edic_tok_ascii_class[t.s[at]] & CLASS_LETTER))
                    || (small > end && is_set(w.letters, small)));
            end = ends_here ? small : k;
        }
        i = end > k ? at : word_o200k(pattern, t, i);
        ends[count] = (uint32_t)i;
    }
    *resume = i;
    return count;
}

// --- GPT-2's words, 64 bytes at a time ------------------------------------------------------------------------------
//
// A word begins where the class changes, with these exceptions: the last white space before something else begins a
// word; if it is a space, what follows belongs to it. Contractions are put right afterwards.

static inline void set_bit(uint64_t *mask, size_t at) { mask[at >> 6] |= (uint64_t)1 << (at & 63); }
static inline void clear_bit(uint64_t *mask, size_t at) { mask[at >> 6] &= ~((uint64_t)1 << (at & 63)); }

// Looks the characters up that the kernel is not sure of. `tails` gets the bytes of white space after the first.
static void settle(edic_tok_classes *c, text t, size_t base, size_t blocks, uint64_t *tails) {
    for (size_t at = 0; at < blocks * 64;) {
        uint64_t left = c->unsure[at >> 6] >> (at & 63);
        if (!left) {
            at = (at | 63) + 1;
            continue;
        }
        at += (size_t)__builtin_ctzll(left);
        unsigned length, class = class_at(t, base + at, &length);
        uint64_t *mask = class & CLASS_LETTER ? c->letters : class & CLASS_NUMBER ? c->digits : c->white;
        if (class & (CLASS_LETTER | CLASS_NUMBER | CLASS_SPACE)) {
            for (unsigned k = 0; k < length; k++) set_bit(mask, at + k);
        }
        if (class & CLASS_SPACE) {
            for (unsigned k = 1; k < length; k++) set_bit(tails, at + k);
        }
        at += length;
    }
}

// Sets a bit where each word of s[base…] begins, the first at bit 0. Returns how many bits hold; with the text's end
// in the window a last bit is set there.
static size_t find_begins(text t, size_t base, uint64_t *begins) {
    edic_tok_classes c;
    uint64_t tails[BLOCKS + 1] = {0};
    size_t rest = t.n - base, blocks = rest / 64 + 1;
    const uint8_t *s = t.s + base;
    uint8_t copy[BLOCKS * 64 + 1];
    if (blocks > BLOCKS) blocks = BLOCKS;
    if (rest < blocks * 64 + 1) {
        memcpy(copy, s, rest);
        memset(copy + rest, 0, blocks * 64 + 1 - rest);
        s = copy;
    }
    edic_tok_kernels_now()->classes(s, blocks, &c);
    c.letters[blocks] = c.digits[blocks] = c.white[blocks] = 0;
    uint64_t unsure = 0;
    for (size_t b = 0; b < blocks; b++) unsure |= c.unsure[b];
    if (unsure) settle(&c, t, base, blocks, tails);
    uint64_t letter = 0, digit = 0, white = 0, joined = 0;
    for (size_t b = 0; b < blocks; b++) {
        uint64_t l = c.letters[b], d = c.digits[b], w = c.white[b];
        uint64_t changes = (l ^ (l << 1 | letter)) | (d ^ (d << 1 | digit)) | (w ^ (w << 1 | white));
        uint64_t last = w & ~(w >> 1 | (b + 1 < blocks ? c.white[b + 1] << 63 : (uint64_t)1 << 63));
        if (rest < b * 64 + 64 && rest > b * 64) last &= ~((uint64_t)1 << (rest - 1 - b * 64));
        if (rest == b * 64 + 64) last &= ~((uint64_t)1 << 63);
        uint64_t with = last & c.blank[b];
        begins[b] = (changes & ~(with << 1 | joined)) | (last & ~tails[b]);
        joined = with >> 63;
        letter = l >> 63;
        digit = d >> 63;
        white = w >> 63;
        for (uint64_t wide = last & tails[b]; wide; wide &= wide - 1) {
            size_t at = b * 64 + (size_t)__builtin_ctzll(wide);
            while (at > 0 && is_set(tails, at)) at--;
            set_bit(begins, at);
        }
    }
    begins[0] |= 1;
    begins[blocks] = 0;
    for (size_t b = 0; b < blocks; b++) {
        for (uint64_t quotes = begins[b] & c.quote[b]; quotes; quotes &= quotes - 1) {
            size_t at = b * 64 + (size_t)__builtin_ctzll(quotes), taken = contraction(t, base + at, 0);
            if (taken == 0 || !is_set(begins, at) || at + taken > blocks * 64) continue;
            clear_bit(begins, at + 1);
            set_bit(begins, at + taken);
        }
    }
    // What the end of the window may change is left to the next one.
    size_t hold = rest < blocks * 64 ? rest + 1 : blocks * 64 - 8;
    begins[hold >> 6] &= ((uint64_t)1 << (hold & 63)) - 1;
    if (rest < blocks * 64) set_bit(begins, rest);
    return hold;
}

static size_t split_gpt2(const edic_tok_pattern *pattern, text t, size_t i, uint32_t *begins, uint32_t *ends,
                         size_t capacity, size_t *resume) {
    size_t count = 0;
    uint64_t found[BLOCKS + 1];
    while (i < t.n && count + 64 <= capacity) {
        size_t hold = find_begins(t, i, found), first = count;
        for (size_t b = 0; b * 64 < hold && count + 64 <= capacity; b++) {
            for (uint64_t bits = found[b]; bits; bits &= bits - 1) {
                begins[count++] = (uint32_t)(i + b * 64 + (size_t)__builtin_ctzll(bits));
            }
        }
        // The last one is where the next word begins, or the end.
        count--;
        for (size_t k = first; k < count; k++) ends[k] = begins[k + 1];
        if (count == first) {
            ends[count] = (uint32_t)word_gpt2(pattern, t, i);
            count++;
            i = ends[count - 1];
        } else {
            i = ends[count - 1];
        }
    }
    *resume = i;
    return count;
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
    case edic_tok_family_gpt2:
        if (capacity >= 64 && !pattern->isolates_digits) return split_gpt2(pattern, t, from, begins, ends, capacity, resume);
        return split_letters(edic_tok_family_gpt2, pattern, t, from, begins, ends, capacity, resume, word_gpt2);
    case edic_tok_family_cl100k: return split_letters(edic_tok_family_cl100k, pattern, t, from, begins, ends, capacity, resume, word_cl100k);
    case edic_tok_family_o200k: return split_cases(pattern, t, from, begins, ends, capacity, resume);
    case edic_tok_family_nonspace:
        LOOP_SKIPPING(skip_spaces(t, i), run(t, i, CLASS_LETTER | CLASS_NUMBER | CLASS_OTHER)) break;
    case edic_tok_family_bert: {
        int keeps = pattern->keeps_controls;
        LOOP_SKIPPING(skip_bert(t, i, keeps), word_bert(pattern, t, i))
        break;
    }
    case edic_tok_family_chunks:
        if (!pattern->separators) break;
        return edic_tok_split_chunks(pattern, s, n, from, begins, ends, capacity, resume);
    case edic_tok_family_word: LOOP_SKIPPING(skip_spaces(t, i), word_word(t, i)) break;
    }
    *resume = i;
    return count;
}
