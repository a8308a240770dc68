#include <stdlib.h>

#include "varint.h"
#include "words.h"

#define CACHED 4096
#define PENDING 32

/// A word of up to 16 bytes that came lately, with the occurrences that its record does not count yet.
typedef struct {
    uint64_t a, b;
    word_record *record;
    uint32_t number;
    uint16_t length, unused;
} cached_word;

typedef struct {
    uint64_t hash;
    const uint8_t *word;
    size_t length;
    size_t place;
} pending_word;

struct edic_ngram_splitter {
    edic_ngram_words *words;
    cached_word cache[CACHED];
    uint32_t counts[CACHED];
    pending_word pending[PENDING];
    size_t pending_count;
};

edic_ngram_splitter *edic_ngram_splitter_create(edic_ngram_words *words) {
    edic_ngram_splitter *splitter = calloc(1, sizeof *splitter);
    if (splitter) splitter->words = words;
    return splitter;
}

void edic_ngram_splitter_destroy(edic_ngram_splitter *splitter) { free(splitter); }

static inline size_t cache_place(uint64_t hash) { return (hash >> 20) & (CACHED - 1); }

/// Gives the words put aside their numbers; their slots and records were asked for before they are needed.
static int resolve(edic_ngram_splitter *splitter, uint32_t *codes) {
    edic_ngram_words *words = splitter->words;
    for (size_t i = 0; i < splitter->pending_count; i++) {
        uint64_t hash = splitter->pending[i].hash;
        word_table *table = atomic_load_explicit(&word_shard_of(words, hash)->table, memory_order_acquire);
        uint64_t slot = atomic_load_explicit(&table->slots[hash & table->mask], memory_order_acquire);
        if (slot) __builtin_prefetch(slot_record(slot));
    }
    for (size_t i = 0; i < splitter->pending_count; i++) {
        pending_word *pending = &splitter->pending[i];
        word_record *record = edic_word_intern(words, pending->word, pending->length, pending->hash);
        if (!record) return 0;
        codes[pending->place] = record->number + EDIC_NGRAM_FIRST;
        if (pending->length > 16) {
            atomic_fetch_add_explicit(&record->count, 1, memory_order_relaxed);
            continue;
        }
        size_t place = cache_place(pending->hash);
        cached_word *cached = &splitter->cache[place];
        if (cached->record == record) {
            splitter->counts[place]++;
            continue;
        }
        if (splitter->counts[place]) {
            atomic_fetch_add_explicit(&cached->record->count, splitter->counts[place], memory_order_relaxed);
        }
        cached->a = word_part(pending->word, pending->length);
        cached->b = pending->length > 8 ? word_part(pending->word + 8, pending->length - 8) : 0;
        cached->record = record;
        cached->number = record->number;
        cached->length = (uint16_t)pending->length;
        splitter->counts[place] = 1;
    }
    splitter->pending_count = 0;
    return 1;
}

static inline int is_separator(uint8_t byte) { return byte <= 0x20 && (0x100002601u >> byte) & 1; }

/// The first separator at or after `at`, or n.
static inline size_t word_end(const uint8_t *text, size_t at, size_t n) {
    while (at < n) {
        uint64_t eight;
        memcpy(&eight, text + at, 8);
        // The top bit of the lowest byte below 0x21 is the lowest one set.
        uint64_t low = (eight - 0x2121212121212121u) & ~eight & 0x8080808080808080u;
        if (!low) {
            at += 8;
            continue;
        }
        at += (size_t)__builtin_ctzll(low) >> 3;
        if (at >= n) return n;
        if (is_separator(text[at])) return at;
        at++;
    }
    return n;
}

size_t edic_ngram_split(edic_ngram_splitter *splitter, const uint8_t *text, size_t n, uint32_t *codes) {
    edic_ngram_words *words = splitter->words;
    size_t at = 0, out = 0;
    int is_open = 0;
    while (at < n) {
        uint8_t byte = text[at];
        if (is_separator(byte)) {
            is_open = byte != 0x0A;
            if (!is_open) codes[out++] = EDIC_NGRAM_END;
            at++;
            continue;
        }
        is_open = 1;
        const uint8_t *word = text + at;
        at = word_end(text, at + 1, n);
        size_t length = (size_t)(text + at - word);
        uint64_t hash = word_hash(word, length, words->seed);
        if (length <= 16) {
            size_t place = cache_place(hash);
            const cached_word *cached = &splitter->cache[place];
            uint64_t a = word_part(word, length), b = length > 8 ? word_part(word + 8, length - 8) : 0;
            if (cached->a == a && cached->b == b && cached->length == length) {
                codes[out++] = cached->number + EDIC_NGRAM_FIRST;
                splitter->counts[place]++;
                continue;
            }
        }
        word_table *table = atomic_load_explicit(&word_shard_of(words, hash)->table, memory_order_acquire);
        __builtin_prefetch((const void *)&table->slots[hash & table->mask]);
        splitter->pending[splitter->pending_count++] = (pending_word){hash, word, length, out++};
        if (splitter->pending_count == PENDING && !resolve(splitter, codes)) return SIZE_MAX;
    }
    if (is_open) codes[out++] = EDIC_NGRAM_END;
    if (!resolve(splitter, codes)) return SIZE_MAX;
    for (size_t place = 0; place < CACHED; place++) {
        if (!splitter->counts[place]) continue;
        atomic_fetch_add_explicit(
            &splitter->cache[place].record->count, splitter->counts[place], memory_order_relaxed);
        splitter->counts[place] = 0;
    }
    return out;
}

size_t edic_ngram_pack(const uint32_t *numbers, size_t n, uint8_t *out) {
    uint8_t *start = out;
    for (size_t i = 0; i < n; i++) out = edic_put(out, numbers[i]);
    return (size_t)(out - start);
}

size_t edic_ngram_unpack(const uint8_t *bytes, size_t size, uint32_t *numbers, size_t n) {
    const uint8_t *in = bytes, *end = bytes + size;
    for (size_t i = 0; i < n; i++) {
        if (in >= end) return SIZE_MAX;
        uint64_t value;
        in = edic_get(in, end, &value);
        numbers[i] = (uint32_t)value;
    }
    return (size_t)(in - bytes);
}
