// Counting words, for training: an open-addressing table whose slots hold words of up to 23 bytes themselves.
//
// A word's place follows from the upper bits of its hash, so that the words of equal upper bits lie together: that part
// of several tables can be added up apart from the others, by another thread.
#include "counts.h"

enum { inline_most = 23, ahead = 32 };
static const uint8_t long_tag = 0xFF;

static uint64_t mix(uint64_t h) {
    h *= 0xD6E8FEB86659FD93u;
    return h ^ h >> 32;
}

static uint64_t hash_bytes(const uint8_t *s, size_t n) {
    uint64_t h = n * 0x9E3779B97F4A7C15u;
    for (; n >= 8; s += 8, n -= 8) {
        uint64_t v;
        memcpy(&v, s, 8);
        h = mix(h ^ v);
    }
    uint64_t v = 0;
    memcpy(&v, s, n);
    return mix(mix(h ^ v)) * 0x9E3779B97F4A7C15u;
}

static uint64_t hash_key(const uint64_t *key) {
    return mix(mix(mix(key[0] + 0x9E3779B97F4A7C15u) ^ key[1]) ^ key[2]) * 0x9E3779B97F4A7C15u;
}

static int is_long(const word_slot *s) { return s->key[2] >> 56 == long_tag; }

uint64_t edic_tok_slot_hash(const word_slot *s) { return is_long(s) ? s->key[0] : hash_key(s->key); }

const uint8_t *edic_tok_slot_word(const edic_tok_counts *c, const word_slot *s, uint32_t *length) {
    if (is_long(s)) {
        *length = (uint32_t)s->key[2];
        return c->bytes + s->key[1];
    }
    *length = (uint32_t)(s->key[2] >> 56);
    return (const uint8_t *)s->key;
}

/// The slot where the search for a hash begins.
static size_t home(const edic_tok_counts *c, uint64_t hash) { return (size_t)(hash << c->skipped >> (64 - c->bits)); }

static edic_tok_counts *create(size_t expected, unsigned skipped) {
    edic_tok_counts *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->skipped = skipped;
    c->bits = 12;
    while (expected * 8 > (size_t)5 << c->bits) c->bits++;
    c->slots = calloc((size_t)1 << c->bits, sizeof *c->slots);
    if (c->slots) return c;
    free(c);
    return NULL;
}

edic_tok_counts *edic_tok_counts_create(void) { return create(0, 0); }

void edic_tok_counts_destroy(edic_tok_counts *c) {
    if (!c) return;
    free(c->slots);
    free(c->bytes);
    free(c);
}

void edic_tok_counts_clear(edic_tok_counts *c) {
    free(c->bytes);
    c->bytes = NULL;
    c->byte_count = c->byte_capacity = c->used = 0;
    memset(c->slots, 0, sizeof *c->slots << c->bits);
}

size_t edic_tok_counts_size(const edic_tok_counts *c) { return c->used; }

size_t edic_tok_counts_memory(const edic_tok_counts *c) { return (sizeof *c->slots << c->bits) + c->byte_capacity; }

static int widen(edic_tok_counts *c) {
    size_t old_count = (size_t)1 << c->bits, mask = old_count * 2 - 1;
    word_slot *old = c->slots, *slots = calloc(mask + 1, sizeof *slots);
    if (!slots) return 0;
    c->slots = slots;
    c->bits++;
    for (size_t i = 0; i < old_count; i++) {
        if (old[i].key[2] == 0) continue;
        size_t at = home(c, edic_tok_slot_hash(&old[i]));
        while (slots[at].key[2] != 0) at = (at + 1) & mask;
        slots[at] = old[i];
    }
    free(old);
    return 1;
}

static int used_one_more(edic_tok_counts *c) {
    c->used++;
    return c->used * 8 > (size_t)5 << c->bits ? widen(c) : 1;
}

static int add_short(edic_tok_counts *c, const uint64_t *key, uint64_t hash, uint64_t count) {
    size_t mask = ((size_t)1 << c->bits) - 1, at = home(c, hash);
    for (;; at = (at + 1) & mask) {
        word_slot *s = &c->slots[at];
        if (s->key[0] == key[0] && s->key[1] == key[1] && s->key[2] == key[2]) {
            s->count += count;
            return 1;
        }
        if (s->key[2] == 0) break;
    }
    c->slots[at] = (word_slot){{key[0], key[1], key[2]}, count};
    return used_one_more(c);
}

static int add_long(edic_tok_counts *c, const uint8_t *word, size_t length, uint64_t hash, uint64_t count) {
    size_t mask = ((size_t)1 << c->bits) - 1, at = home(c, hash);
    for (; c->slots[at].key[2] != 0; at = (at + 1) & mask) {
        word_slot *s = &c->slots[at];
        if (s->key[0] != hash || !is_long(s) || (uint32_t)s->key[2] != length) continue;
        if (memcmp(c->bytes + s->key[1], word, length) == 0) {
            s->count += count;
            return 1;
        }
    }
    if (c->byte_count + length > c->byte_capacity) {
        size_t capacity = c->byte_capacity * 2 + length + 4096;
        uint8_t *bytes = realloc(c->bytes, capacity);
        if (!bytes) return 0;
        c->bytes = bytes;
        c->byte_capacity = capacity;
    }
    memcpy(c->bytes + c->byte_count, word, length);
    c->slots[at] = (word_slot){{hash, c->byte_count, (uint64_t)long_tag << 56 | length}, count};
    c->byte_count += length;
    return used_one_more(c);
}

int edic_tok_counts_add(edic_tok_counts *c, const uint8_t *word, size_t length, uint64_t count) {
    if (length == 0 || length > UINT32_MAX) return 1;
    if (length > inline_most) return add_long(c, word, length, hash_bytes(word, length), count);
    uint64_t key[3] = {0, 0, (uint64_t)length << 56};
    memcpy(key, word, length);
    return add_short(c, key, hash_key(key), count);
}

/// Loads s[0..<length] of a text that goes on to `end`; `spaced` puts a space before it.
static void load_key(uint64_t *key, const uint8_t *s, size_t length, const uint8_t *end, int spaced) {
    if ((size_t)(end - s) >= 24) {
        memcpy(key, s, 24);
    } else {
        key[0] = key[1] = key[2] = 0;
        memcpy(key, s, length);
    }
    if (spaced) {
        key[2] = key[2] << 8 | key[1] >> 56;
        key[1] = key[1] << 8 | key[0] >> 56;
        key[0] = key[0] << 8 | ' ';
        length++;
    }
    // Clear what is beyond the word.
    if (length < 8) {
        key[0] &= ((uint64_t)1 << 8 * length) - 1;
        key[1] = key[2] = 0;
    } else if (length < 16) {
        key[1] &= ((uint64_t)1 << 8 * (length - 8)) - 1;
        key[2] = 0;
    } else {
        key[2] &= ((uint64_t)1 << 8 * (length - 16)) - 1;
    }
    key[2] |= (uint64_t)length << 56;
}

int edic_tok_counts_add_words(edic_tok_counts *c, const uint8_t *s, size_t n, const word_range *words, size_t count) {
    uint64_t keys[ahead][3], hashes[ahead];
    for (size_t from = 0; from < count; from += ahead) {
        size_t block = count - from < ahead ? count - from : ahead;
        for (size_t i = 0; i < block; i++) {
            word_range w = words[from + i];
            if (w.length + w.spaced > inline_most) continue;
            load_key(keys[i], s + w.begin, w.length, s + n, w.spaced);
            hashes[i] = hash_key(keys[i]);
            __builtin_prefetch(&c->slots[home(c, hashes[i])], 1);
        }
        for (size_t i = 0; i < block; i++) {
            word_range w = words[from + i];
            if (w.length + w.spaced <= inline_most) {
                if (!add_short(c, keys[i], hashes[i], 1)) return 0;
            } else if (!w.spaced) {
                if (!edic_tok_counts_add(c, s + w.begin, w.length, 1)) return 0;
            } else {
                uint8_t stack[512], *copy = w.length < sizeof stack ? stack : malloc((size_t)w.length + 1);
                if (!copy) return 0;
                copy[0] = ' ';
                memcpy(copy + 1, s + w.begin, w.length);
                int added = edic_tok_counts_add(c, copy, (size_t)w.length + 1, 1);
                if (copy != stack) free(copy);
                if (!added) return 0;
            }
        }
    }
    return 1;
}

int edic_tok_counts_add_lines(edic_tok_counts *c, const edic_tok_pattern *pattern, const uint8_t *s, size_t n) {
    enum { capacity = 1024 };
    uint32_t begins[capacity], ends[capacity];
    word_range words[capacity];
    size_t waiting = 0;
    for (size_t line = 0; line < n;) {
        const uint8_t *end = memchr(s + line, '\n', n - line);
        size_t length = (end ? (size_t)(end - s) + 1 : n) - line;
        for (size_t at = 0; at < length;) {
            size_t found = edic_tok_split(pattern, s + line, length, at, begins, ends, capacity - waiting, &at);
            for (size_t i = 0; i < found; i++) {
                words[waiting++] = (word_range){(uint32_t)line + begins[i], ends[i] - begins[i], 0};
            }
            if (found == 0 || waiting > capacity * 3 / 4) {
                if (!edic_tok_counts_add_words(c, s, n, words, waiting)) return 0;
                waiting = 0;
                if (found == 0) break;
            }
        }
        line += length;
    }
    return edic_tok_counts_add_words(c, s, n, words, waiting);
}

/// Adds a slot's word to a table, `count` times.
static int add_slot(edic_tok_counts *c, const edic_tok_counts *from, const word_slot *s, uint64_t count) {
    if (!is_long(s)) return add_short(c, s->key, hash_key(s->key), count);
    return add_long(c, from->bytes + s->key[1], (uint32_t)s->key[2], s->key[0], count);
}

/// Adds the words of a table whose hashes begin with `part`.
static int add_part(edic_tok_counts *c, const edic_tok_counts *from, size_t part, unsigned part_bits) {
    size_t mask = ((size_t)1 << from->bits) - 1, size = ((size_t)1 << from->bits) >> part_bits;
    // Words pushed out of the part before come first and are passed over; the part's own end at an empty slot.
    for (size_t i = part * size, end = i + size; i < end + mask; i++) {
        const word_slot *s = &from->slots[i & mask];
        if (s->key[2] == 0) {
            if (i >= end) break;
            continue;
        }
        if (edic_tok_slot_hash(s) >> (64 - part_bits) == part && !add_slot(c, from, s, s->count)) return 0;
    }
    return 1;
}

edic_tok_counts *edic_tok_counts_collect(edic_tok_counts *const *tables, const size_t *sizes, const uint64_t *weights,
                                         size_t groups, size_t part, unsigned part_bits) {
    static const uint64_t unit = (uint64_t)1 << 20;
    // Room for all: words come in the order of their hashes, which a growing table takes badly.
    size_t expected = 0, t = 0;
    for (size_t g = 0; g < groups; g++) {
        for (size_t i = 0; i < sizes[g]; i++) expected += (tables[t++]->used >> part_bits) * 9 / 8 + 16;
    }
    edic_tok_counts *all = create(expected, part_bits), *sum = NULL;
    int done = all != NULL;
    t = 0;
    for (size_t g = 0; g < groups && done; g++) {
        if (weights[g] == unit) {
            for (size_t i = 0; i < sizes[g] && done; i++) done = add_part(all, tables[t++], part, part_bits);
            continue;
        }
        // Weighting rounds, so a word is added up before it is weighted.
        size_t room = 0;
        for (size_t i = 0; i < sizes[g]; i++) room += (tables[t + i]->used >> part_bits) * 9 / 8 + 16;
        sum = create(room, part_bits);
        done = sum != NULL;
        for (size_t i = 0; i < sizes[g] && done; i++) done = add_part(sum, tables[t++], part, part_bits);
        for (size_t i = 0; done && i < (size_t)1 << sum->bits; i++) {
            const word_slot *s = &sum->slots[i];
            if (s->key[2] == 0) continue;
            uint64_t count = (uint64_t)((unsigned __int128)s->count * weights[g] >> 20);
            if (count > 0) done = add_slot(all, sum, s, count);
        }
        edic_tok_counts_destroy(sum);
    }
    if (done) return all;
    edic_tok_counts_destroy(all);
    return NULL;
}
