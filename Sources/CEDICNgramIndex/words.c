// From words to ids.

#include "find.h"

uint64_t edic_index_slot(uint64_t hash, uint64_t slot_count) { return ((hash >> 32) * slot_count) >> 32; }

static inline uint64_t mix(uint64_t hash, uint64_t value) {
    unsigned __int128 product = (unsigned __int128)(hash ^ value) * UINT64_C(0xD6E8FEB86659FD93);
    return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

/// As edic_index_hash; seven readable bytes must follow the word.
static inline uint64_t hash_padded(const uint8_t *word, size_t length) {
    uint64_t hash = UINT64_C(0x517CC1B727220A95);
    size_t offset = 0;
    for (; offset + 8 <= length; offset += 8) hash = mix(hash, load64(word + offset));
    uint64_t rest = length > offset ? load64(word + offset) & ones(8 * (uint32_t)(length - offset)) : 0;
    return mix(mix(hash, rest), length);
}

uint64_t edic_index_hash(const uint8_t *word, size_t length) {
    uint64_t hash = UINT64_C(0x517CC1B727220A95), rest = 0;
    size_t offset = 0;
    for (; offset + 8 <= length; offset += 8) hash = mix(hash, load64(word + offset));
    memcpy(&rest, word + offset, length - offset);
    return mix(mix(hash, rest), length);
}

int64_t edic_index_word_place(const edic_index_index *index, uint32_t id, int64_t *length) {
    *length = -1;
    if (id >= index->words) return 0;
    uint64_t place = load32(index->starts + (uint64_t)(id / 8) * 4);
    for (uint32_t left = id % 8;; left--) {
        if (place >= index->text_size) return 0;
        uint64_t size = index->text[place++];
        if (size == 255) {
            if (index->text_size - place < 4) return 0;
            size = load32(index->text + place);
            place += 4;
        }
        if (size > index->text_size - place) return 0;
        if (left == 0) {
            *length = (int64_t)size;
            return (int64_t)place;
        }
        place += size;
    }
}

static inline int is_word(const edic_index_index *index, uint32_t id, const uint8_t *word, size_t length) {
    int64_t size;
    int64_t place = edic_index_word_place(index, id, &size);
    return size == (int64_t)length && memcmp(index->text + place, word, length) == 0;
}

/// Looks for a word from a slot on.
static uint32_t find_from(
    const edic_index_index *index, uint64_t slot, uint64_t hash, const uint8_t *word, size_t length
) {
    uint32_t mask = (uint32_t)ones(index->id_bits);
    uint32_t tag = (uint32_t)hash & ~mask;
    // A damaged table may have no empty slot.
    for (uint64_t left = index->slot_count; left > 0; left--) {
        uint32_t held = load32(index->slots + slot * 4);
        if (held == 0) return UINT32_MAX;
        if ((held & ~mask) == tag && (held & mask) != 0 && is_word(index, (held & mask) - 1, word, length)) {
            return (held & mask) - 1;
        }
        if (++slot == index->slot_count) slot = 0;
    }
    return UINT32_MAX;
}

uint32_t edic_index_find_word(const edic_index_index *index, const uint8_t *word, size_t length) {
    uint64_t hash = edic_index_hash(word, length);
    return find_from(index, edic_index_slot(hash, index->slot_count), hash, word, length);
}

/// Tabs, line feeds, vertical tabs, form feeds, carriage returns and spaces, as in KenLM's `query`.
static inline int is_separator(uint8_t byte) { return byte <= 0x20 && (UINT64_C(0x100003E00) >> byte & 1); }

/// The first separator at or after `at`, or `size`.
static inline size_t word_end(const uint8_t *text, size_t at, size_t size) {
    while (at < size) {
        uint64_t eight = load64(text + at);
        // The top bit of the lowest byte below 0x21 is the lowest one set.
        uint64_t low = (eight - UINT64_C(0x2121212121212121)) & ~eight & UINT64_C(0x8080808080808080);
        if (low == 0) {
            at += 8;
            continue;
        }
        at += (size_t)__builtin_ctzll(low) >> 3;
        if (at >= size) return size;
        if (is_separator(text[at])) return at;
        at++;
    }
    return size;
}

typedef struct {
    uint64_t hash;
    uint64_t slot;
    uint32_t place;
    uint32_t id;
} lookup;

size_t edic_index_read_words(
    const edic_index_index *index, const uint8_t *text, size_t size, size_t *position, int *open, uint32_t end,
    uint32_t begin, uint32_t *ids, edic_index_word *words
) {
    lookup lookups[EDIC_INDEX_BATCH];
    size_t count = 0, found = 0, at = *position;
    int is_open = *open;
    while (count < EDIC_INDEX_BATCH - 1) {
        uint8_t byte = at < size ? text[at] : '\n';
        if (at == size && !is_open) break;
        if (byte == '\n') {
            words[count] = words[count + 1] = (edic_index_word){at, 0};
            ids[count++] = end;
            ids[count++] = begin;
            is_open = 0;
            at += at < size;
            continue;
        }
        is_open = 1;
        if (is_separator(byte)) {
            at++;
            continue;
        }
        size_t stop = word_end(text, at + 1, size);
        uint64_t hash = hash_padded(text + at, stop - at);
        uint64_t slot = edic_index_slot(hash, index->slot_count);
        __builtin_prefetch(index->slots + slot * 4);
        lookups[found++] = (lookup){hash, slot, (uint32_t)count, 0};
        words[count] = (edic_index_word){at, stop - at};
        ids[count++] = 0;
        at = stop;
    }
    *position = at;
    *open = is_open;
    // The slots are near now. Go to the first whose tag fits, and ask for where its word is.
    uint32_t mask = (uint32_t)ones(index->id_bits);
    size_t kept = 0;
    for (size_t i = 0; i < found; i++) {
        lookup l = lookups[i];
        uint32_t held, tag = (uint32_t)l.hash & ~mask;
        uint64_t left = index->slot_count;
        while ((held = load32(index->slots + l.slot * 4)) != 0 && (held & ~mask) != tag && --left > 0) {
            if (++l.slot == index->slot_count) l.slot = 0;
        }
        l.id = (held & mask) - 1;
        __builtin_prefetch(index->starts + (uint64_t)((l.id < index->words ? l.id : 0) / 8) * 4);
        lookups[kept] = l;
        kept += held != 0;
    }
    for (size_t i = 0; i < kept; i++) {
        uint32_t id = lookups[i].id;
        const uint8_t *start = index->text + load32(index->starts + (uint64_t)((id < index->words ? id : 0) / 8) * 4);
        __builtin_prefetch(start);
        __builtin_prefetch(start + 63);
    }
    for (size_t i = 0; i < kept; i++) {
        lookup l = lookups[i];
        edic_index_word word = words[l.place];
        uint32_t id = find_from(index, l.slot, l.hash, text + word.start, word.length);
        ids[l.place] = id == UINT32_MAX ? 0 : id;
    }
    return count;
}
