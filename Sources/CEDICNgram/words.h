#ifndef EDIC_NGRAM_WORDS_H
#define EDIC_NGRAM_WORDS_H

#include <stdatomic.h>
#include <string.h>

#include "CEDICNgram.h"

#define SHARDS 64

/// A word as it lies in memory; its bytes follow. It never moves.
typedef struct {
    _Atomic uint64_t count;
    uint32_t number, length;
} word_record;

/// Open addressing: a slot holds a record's address in the low 48 bits and 16 bits of the hash above.
typedef struct word_table {
    struct word_table *previous;
    size_t mask;
    _Atomic uint64_t slots[];
} word_table;

/// A piece of memory that records lie in, behind this.
typedef struct word_block {
    struct word_block *next;
    size_t size;
} word_block;

typedef struct {
    _Alignas(64) _Atomic(word_table *) table;
    atomic_flag lock;
    size_t used;
    uint8_t *arena;
    size_t left;
    word_block *blocks;
} word_shard;

struct edic_ngram_words {
    word_shard shards[SHARDS];
    uint64_t seed;
    _Atomic uint32_t count;
    _Atomic size_t memory;
};

/// The bytes from `word` on, those from `n` on (at most 8) replaced by zero.
static inline uint64_t word_part(const uint8_t *word, size_t n) {
    uint64_t value;
    memcpy(&value, word, 8);
    return n >= 8 ? value : value & (((uint64_t)1 << (n * 8)) - 1);
}

static inline uint64_t word_mix(uint64_t a, uint64_t b) {
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t word_hash(const uint8_t *word, size_t n, uint64_t seed) {
    uint64_t hash = seed ^ (n * 0x9E3779B97F4A7C15u);
    while (n > 16) {
        hash = word_mix(word_part(word, 8) ^ hash, 0xD6E8FEB86659FD93u);
        word += 8;
        n -= 8;
    }
    uint64_t a = word_part(word, n), b = n > 8 ? word_part(word + 8, n - 8) : 0;
    return word_mix(a ^ hash ^ 0x2545F4914F6CDD1Du, 0xD6E8FEB86659FD93u ^ word_mix(b ^ seed, 0x9E3779B97F4A7C15u));
}

static inline const uint8_t *record_bytes(const word_record *record) { return (const uint8_t *)(record + 1); }
static inline word_record *slot_record(uint64_t slot) { return (word_record *)(uintptr_t)(slot & 0xFFFFFFFFFFFF); }
static inline uint64_t slot_tag(uint64_t hash) { return (hash << 16) & 0xFFFF000000000000u; }
static inline word_shard *word_shard_of(edic_ngram_words *words, uint64_t hash) { return &words->shards[hash >> 58]; }

/// The record of a word with this hash; null when memory is exhausted.
word_record *edic_word_intern(edic_ngram_words *words, const uint8_t *word, size_t n, uint64_t hash);

#endif
