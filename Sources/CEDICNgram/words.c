#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>

#include "words.h"

/// Zeroed memory that goes back to the system when it is freed, without holes in the heap.
static void *words_map(edic_ngram_words *words, size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return NULL;
    atomic_fetch_add_explicit(&words->memory, size, memory_order_relaxed);
    return memory;
}

static size_t table_size(size_t slots) { return sizeof(word_table) + slots * sizeof(uint64_t); }

static word_table *table_create(edic_ngram_words *words, size_t slots) {
    word_table *table = words_map(words, table_size(slots));
    if (table) table->mask = slots - 1;
    return table;
}

edic_ngram_words *edic_ngram_words_create(uint64_t seed) {
    edic_ngram_words *words = aligned_alloc(64, (sizeof(edic_ngram_words) + 63) / 64 * 64);
    if (!words) return NULL;
    memset((void *)words, 0, sizeof *words);
    words->seed = seed;
    for (int i = 0; i < SHARDS; i++) {
        word_shard *shard = &words->shards[i];
        atomic_flag_clear(&shard->lock);
        word_table *table = table_create(words, 256);
        if (!table) {
            edic_ngram_words_destroy(words);
            return NULL;
        }
        atomic_init(&shard->table, table);
    }
    return words;
}

void edic_ngram_words_destroy(edic_ngram_words *words) {
    if (!words) return;
    for (int i = 0; i < SHARDS; i++) {
        word_table *table = atomic_load(&words->shards[i].table);
        while (table) {
            word_table *previous = table->previous;
            munmap(table, table_size(table->mask + 1));
            table = previous;
        }
        word_block *block = words->shards[i].blocks;
        while (block) {
            word_block *next = block->next;
            munmap(block, block->size);
            block = next;
        }
    }
    free(words);
}

uint32_t edic_ngram_words_count(const edic_ngram_words *words) { return atomic_load(&words->count); }
size_t edic_ngram_words_memory(const edic_ngram_words *words) { return atomic_load(&words->memory); }

/// Finds a word, reading without a lock: tables that were outgrown stay readable.
static inline word_record *table_find(const word_table *table, const uint8_t *word, size_t n, uint64_t hash) {
    uint64_t tag = slot_tag(hash);
    for (size_t i = hash & table->mask;; i = (i + 1) & table->mask) {
        uint64_t slot = atomic_load_explicit(&table->slots[i], memory_order_acquire);
        if (slot == 0) return NULL;
        if ((slot ^ tag) >> 48 == 0) {
            word_record *record = slot_record(slot);
            if (record->length == n && memcmp(record_bytes(record), word, n) == 0) return record;
        }
    }
}

static void table_put(word_table *table, uint64_t hash, word_record *record) {
    size_t i = hash & table->mask;
    while (atomic_load_explicit(&table->slots[i], memory_order_relaxed)) i = (i + 1) & table->mask;
    atomic_store_explicit(&table->slots[i], slot_tag(hash) | (uint64_t)(uintptr_t)record, memory_order_release);
}

static int shard_grow(edic_ngram_words *words, word_shard *shard, word_table *table) {
    word_table *larger = table_create(words, (table->mask + 1) * 2);
    if (!larger) return 0;
    for (size_t i = 0; i <= table->mask; i++) {
        uint64_t slot = atomic_load_explicit(&table->slots[i], memory_order_relaxed);
        if (!slot) continue;
        word_record *record = slot_record(slot);
        table_put(larger, word_hash(record_bytes(record), record->length, words->seed), record);
    }
    larger->previous = table;
    atomic_store_explicit(&shard->table, larger, memory_order_release);
    return 1;
}

static word_record *shard_record(edic_ngram_words *words, word_shard *shard, const uint8_t *word, size_t n) {
    // Hashing reads up to 16 bytes behind a word.
    size_t size = (sizeof(word_record) + n + 7) / 8 * 8;
    if (size + 16 > shard->left) {
        // Small at first: there are many shards.
        size_t wanted = shard->used < 1024 ? 1 << 14 : 1 << 18;
        if (wanted < size + 64) wanted = (size + 64 + 4095) / 4096 * 4096;
        word_block *block = words_map(words, wanted);
        if (!block) return NULL;
        block->next = shard->blocks;
        block->size = wanted;
        shard->blocks = block;
        shard->arena = (uint8_t *)(block + 1);
        shard->left = wanted - sizeof(word_block);
    }
    word_record *record = (word_record *)shard->arena;
    shard->arena += size;
    shard->left -= size;
    atomic_init(&record->count, 0);
    record->number = atomic_fetch_add_explicit(&words->count, 1, memory_order_relaxed);
    record->length = (uint32_t)n;
    memcpy(record + 1, word, n);
    return record;
}

word_record *edic_word_intern(edic_ngram_words *words, const uint8_t *word, size_t n, uint64_t hash) {
    word_shard *shard = word_shard_of(words, hash);
    word_record *record = table_find(atomic_load_explicit(&shard->table, memory_order_acquire), word, n, hash);
    if (record) return record;
    while (atomic_flag_test_and_set_explicit(&shard->lock, memory_order_acquire)) {}
    word_table *table = atomic_load_explicit(&shard->table, memory_order_relaxed);
    record = table_find(table, word, n, hash);
    if (!record && (shard->used + 1) * 3 > (table->mask + 1) * 2) {
        if (shard_grow(words, shard, table)) {
            table = atomic_load_explicit(&shard->table, memory_order_relaxed);
        } else {
            table = NULL;
        }
    }
    if (!record && table && n <= UINT32_MAX - 64) {
        record = shard_record(words, shard, word, n);
        if (record) {
            table_put(table, hash, record);
            shard->used++;
        }
    }
    atomic_flag_clear_explicit(&shard->lock, memory_order_release);
    return record;
}

uint32_t edic_ngram_words_add(edic_ngram_words *words, const uint8_t *word, size_t length, uint64_t occurrences) {
    word_record *record = edic_word_intern(words, word, length, word_hash(word, length, words->seed));
    if (!record) return UINT32_MAX;
    atomic_fetch_add_explicit(&record->count, occurrences, memory_order_relaxed);
    return record->number;
}

uint32_t edic_ngram_words_find(const edic_ngram_words *words, const uint8_t *word, size_t length) {
    uint64_t hash = word_hash(word, length, words->seed);
    const word_shard *shard = &words->shards[hash >> 58];
    word_record *record =
        table_find(atomic_load_explicit(&shard->table, memory_order_acquire), word, length, hash);
    return record ? record->number : UINT32_MAX;
}

void edic_ngram_words_list(const edic_ngram_words *words, const edic_ngram_word **records) {
    for (int i = 0; i < SHARDS; i++) {
        word_table *table = atomic_load(&words->shards[i].table);
        for (size_t at = 0; at <= table->mask; at++) {
            uint64_t slot = atomic_load_explicit(&table->slots[at], memory_order_relaxed);
            if (!slot) continue;
            const word_record *record = slot_record(slot);
            records[record->number] = (const edic_ngram_word *)record;
        }
    }
}

void edic_ngram_word_add(const edic_ngram_word *word, uint64_t occurrences) {
    word_record *record = (word_record *)word;
    atomic_fetch_add_explicit(&record->count, occurrences, memory_order_relaxed);
}

const uint8_t *edic_ngram_word_bytes(const edic_ngram_word *word) { return (const uint8_t *)(word + 1); }

/// -1, 0, 1 as the words compare byte by byte.
static int word_compare(const edic_ngram_word *a, const edic_ngram_word *b) {
    size_t n = a->length < b->length ? a->length : b->length;
    int order = memcmp(edic_ngram_word_bytes(a), edic_ngram_word_bytes(b), n);
    if (order) return order;
    return a->length < b->length ? -1 : a->length > b->length;
}

void edic_ngram_words_sort(const edic_ngram_word *const *records, uint32_t *order, size_t n, uint64_t *scratch) {
    uint64_t *keys = scratch;
    for (size_t i = 0; i < n; i++) {
        const edic_ngram_word *word = records[order[i]];
        keys[2 * i] = ~word->count;
        // The hash has no seed here, so that the order is the same in every process.
        uint64_t hash = word_hash(edic_ngram_word_bytes(word), word->length, 0);
        keys[2 * i + 1] = (hash & 0xFFFFFFFF00000000u) | order[i];
    }
    edic_ngram_sort(keys, scratch + 2 * n, n, 2);
    for (size_t i = 0; i < n; i++) order[i] = (uint32_t)keys[2 * i + 1];
    // Words of one frequency and one hash are few: insertion puts them in order.
    for (size_t i = 1; i < n; i++) {
        if (keys[2 * i] != keys[2 * i - 2] || (keys[2 * i + 1] ^ keys[2 * i - 1]) >> 32) continue;
        size_t start = i - 1;
        while (i < n && keys[2 * i] == keys[2 * start] && (keys[2 * i + 1] ^ keys[2 * start + 1]) >> 32 == 0) {
            uint32_t number = order[i];
            size_t hole = i++;
            while (hole > start && word_compare(records[order[hole - 1]], records[number]) > 0) {
                order[hole] = order[hole - 1];
                hole--;
            }
            order[hole] = number;
        }
    }
}
