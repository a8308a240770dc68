// The words to learn from, in a list: in any order or sorted by their bytes.
#include "counts.h"

struct edic_tok_word_list {
    word_reference *words;
    size_t count;
    uint32_t *starts;           // when bucketed: where the words that begin with two bytes start; 65537
};

size_t edic_tok_word_list_count(const edic_tok_word_list *l) { return l->count; }

const uint8_t *edic_tok_word_list_get(const edic_tok_word_list *l, size_t index, uint32_t *length, uint64_t *count) {
    *length = l->words[index].length;
    *count = l->words[index].count;
    return l->words[index].word;
}

void edic_tok_word_list_destroy(edic_tok_word_list *l) {
    if (!l) return;
    free(l->words);
    free(l->starts);
    free(l);
}

static word_reference reference(const uint8_t *word, uint32_t length, uint64_t count) {
    uint64_t head = 0;
    memcpy(&head, word, length < 8 ? length : 8);
    return (word_reference){__builtin_bswap64(head), word, count, length};
}

edic_tok_word_list *edic_tok_word_list_create(edic_tok_counts *const *tables, size_t count) {
    edic_tok_word_list *l = calloc(1, sizeof *l);
    if (!l) return NULL;
    size_t total = 0;
    for (size_t t = 0; t < count; t++) total += tables[t]->used;
    l->words = malloc((total + 1) * sizeof *l->words);
    if (!l->words) {
        free(l);
        return NULL;
    }
    for (size_t t = 0; t < count; t++) {
        for (size_t i = 0; i < (size_t)1 << tables[t]->bits; i++) {
            const word_slot *s = &tables[t]->slots[i];
            uint32_t length;
            if (s->key[2] == 0) continue;
            const uint8_t *word = edic_tok_slot_word(tables[t], s, &length);
            l->words[l->count++] = reference(word, length, s->count);
        }
    }
    return l;
}

edic_tok_word_list *edic_tok_word_list_flat(const uint8_t *bytes, const uint64_t *ends, const uint64_t *counts, size_t count) {
    edic_tok_word_list *l = calloc(1, sizeof *l);
    if (!l) return NULL;
    l->words = malloc((count + 1) * sizeof *l->words);
    if (!l->words) {
        free(l);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t start = i == 0 ? 0 : ends[i - 1];
        l->words[i] = reference(bytes + start, (uint32_t)(ends[i] - start), counts[i]);
    }
    l->count = count;
    return l;
}

int edic_tok_word_list_bucket(edic_tok_word_list *l) {
    word_reference *sorted = malloc((l->count + 1) * sizeof *sorted);
    uint32_t *starts = calloc(65537, sizeof *starts), *at = malloc(65536 * sizeof *at);
    int done = sorted && starts && at && l->count < UINT32_MAX;
    if (done) {
        for (size_t i = 0; i < l->count; i++) starts[(l->words[i].prefix >> 48) + 1]++;
        for (size_t b = 0; b < 65536; b++) starts[b + 1] += starts[b];
        memcpy(at, starts, 65536 * sizeof *at);
        for (size_t i = 0; i < l->count; i++) sorted[at[l->words[i].prefix >> 48]++] = l->words[i];
        word_reference *old = l->words;
        l->words = sorted;
        l->starts = starts;
        sorted = old;
        starts = NULL;
    }
    free(sorted);
    free(starts);
    free(at);
    return done;
}

static int compare(const void *x, const void *y) {
    const word_reference *a = x, *b = y;
    if (a->prefix != b->prefix) return a->prefix < b->prefix ? -1 : 1;
    size_t n = a->length < b->length ? a->length : b->length;
    int order = n > 8 ? memcmp(a->word + 8, b->word + 8, n - 8) : 0;
    if (order != 0) return order;
    return (a->length > b->length) - (a->length < b->length);
}

void edic_tok_word_list_sort(edic_tok_word_list *l, size_t first_bucket, size_t end_bucket) {
    for (size_t b = first_bucket; b < end_bucket; b++) {
        qsort(l->words + l->starts[b], l->starts[b + 1] - l->starts[b], sizeof *l->words, compare);
    }
}

static size_t pack_number(uint8_t *out, uint64_t value) {
    size_t n = 0;
    for (; value >= 0x80; value >>= 7) out[n++] = (uint8_t)value | 0x80;
    out[n++] = (uint8_t)value;
    return n;
}

size_t edic_tok_word_list_pack(const edic_tok_word_list *l, size_t from, uint8_t *out, size_t capacity, size_t *written) {
    size_t at = 0;
    *written = 0;
    for (; from < l->count; from++) {
        word_reference w = l->words[from];
        if (capacity - at < (size_t)w.length + 20) break;
        at += pack_number(out + at, w.length);
        memcpy(out + at, w.word, w.length);
        at += w.length;
        at += pack_number(out + at, w.count);
    }
    *written = at;
    return from;
}

/// The scalar at s[*at], which moves on; counted words are UTF-8 where this is used.
static uint32_t next_scalar(const uint8_t *s, uint32_t length, uint32_t *at) {
    uint8_t b = s[*at];
    uint32_t n = b < 0x80 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4, scalar = n == 1 ? b : b & (0x7F >> n);
    if (*at + n > length) n = length - *at;
    for (uint32_t i = 1; i < n; i++) scalar = scalar << 6 | (s[*at + i] & 0x3F);
    *at += n;
    return scalar < 0x110000 ? scalar : 0xFFFD;
}

void edic_tok_word_list_characters(const edic_tok_word_list *l, uint64_t *counts) {
    for (size_t w = 0; w < l->count; w++) {
        for (uint32_t at = 0; at < l->words[w].length;) {
            counts[next_scalar(l->words[w].word, l->words[w].length, &at)] += l->words[w].count;
        }
    }
}

size_t edic_tok_word_list_byte_cells(const edic_tok_word_list *l, const uint32_t *ids, uint32_t *cells) {
    size_t k = 0;
    cells[k++] = UINT32_MAX;
    for (size_t w = 0; w < l->count; w++) {
        for (uint32_t i = 0; i < l->words[w].length; i++) cells[k++] = ids[l->words[w].word[i]];
        cells[k++] = UINT32_MAX;
    }
    return k;
}

size_t edic_tok_word_list_bytes(const edic_tok_word_list *l) {
    size_t total = 0;
    for (size_t w = 0; w < l->count; w++) total += l->words[w].length;
    return total;
}

size_t edic_tok_word_list_character_cells(const edic_tok_word_list *l, const uint32_t *ids, uint32_t *cells,
                                          uint64_t *counts, size_t *words) {
    size_t k = 0, made = 0;
    cells[k++] = UINT32_MAX;
    for (size_t w = 0; w < l->count; w++) {
        for (uint32_t at = 0; at < l->words[w].length;) {
            uint32_t id = ids[next_scalar(l->words[w].word, l->words[w].length, &at)];
            // A character that is no piece ends the word.
            if (id != UINT32_MAX) {
                cells[k++] = id;
                if (at < l->words[w].length) continue;
            }
            if (cells[k - 1] == UINT32_MAX) continue;
            cells[k++] = UINT32_MAX;
            counts[made++] = l->words[w].count;
        }
    }
    *words = made;
    return k;
}
