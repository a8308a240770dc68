#include <string.h>

#include "CEDICNgram.h"

#define MIX 0xD6E8FEB86659FD93u

static inline uint64_t ones(uint32_t bits) { return bits >= 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1; }

static inline uint64_t scramble(uint64_t key, const edic_ngram_class *c) {
    key = (key * c->multiplier) & c->mask;
    key ^= key >> c->fold;
    key = (key * MIX) & c->mask;
    return key ^ (key >> c->fold);
}

/// The inverse of an odd number modulo 2 to the 64, by Newton's method.
static uint64_t inverse(uint64_t value) {
    uint64_t result = value;
    for (int i = 0; i < 5; i++) result *= 2 - value * result;
    return result;
}

static inline uint32_t float_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return bits;
}

uint32_t edic_ngram_bin(float value) {
    // Zero has one bin, whatever its sign.
    uint32_t bits = value == 0 ? 0 : float_bits(value);
    uint32_t ordered = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
    return ordered >> (32 - EDIC_NGRAM_BIN_BITS);
}

static inline uint32_t weight_code(float value, edic_ngram_histogram histogram) {
    uint32_t bin = edic_ngram_bin(value);
    histogram.counts[bin]++;
    histogram.rests[bin] += float_bits(value) & (uint32_t)ones(32 - EDIC_NGRAM_BIN_BITS);
    return bin;
}

static inline void put_record(uint8_t *at, uint64_t key, uint64_t weights, edic_ngram_record layout) {
    unsigned __int128 record = key | ((unsigned __int128)weights << (8 * layout.key_bytes));
    uint64_t low = (uint64_t)record, high = (uint64_t)(record >> (8 * (layout.size - 8)));
    memcpy(at, &low, 8);
    memcpy(at + layout.size - 8, &high, 8);
}

static inline uint64_t record_key(const uint8_t *at, edic_ngram_record layout) {
    uint64_t key;
    memcpy(&key, at, 8);
    return key & ones(8 * layout.key_bytes);
}

static inline uint64_t record_weights(const uint8_t *at, edic_ngram_record layout) {
    uint64_t weights;
    memcpy(&weights, at + layout.size - 8, 8);
    return weights >> (8 * (8 - (layout.size - layout.key_bytes)));
}

void edic_ngram_records(const uint32_t *words, const uint32_t *parents, const float *probabilities, const float *backoffs,
                        size_t n, const edic_ngram_class *classes, edic_ngram_record layout,
                        const edic_ngram_histogram *histograms, uint8_t *records, uint16_t *parts, uint32_t *counts) {
    uint32_t bits = histograms ? EDIC_NGRAM_BIN_BITS : 32;
    for (size_t i = 0; i < n; i++) {
        const edic_ngram_class *c = &classes[EDIC_NGRAM_CLASS(words[i])];
        uint64_t key = scramble(((uint64_t)parents[i] << c->word_bits) | (words[i] - c->first_word), c);
        uint64_t weights = histograms ? weight_code(probabilities[i], histograms[0]) : float_bits(probabilities[i]);
        if (backoffs) {
            uint64_t backoff = histograms ? weight_code(backoffs[i], histograms[1]) : float_bits(backoffs[i]);
            weights |= backoff << bits;
        }
        uint32_t part = c->first_part + (uint32_t)(key >> c->part_shift);
        parts[i] = (uint16_t)part;
        counts[part]++;
        put_record(records + i * layout.size, key, weights, layout);
    }
}

void edic_ngram_rekey(uint8_t *records, size_t n, edic_ngram_record layout, const edic_ngram_class *from,
                      const edic_ngram_class *to, uint16_t *parts, uint32_t *counts) {
    uint64_t undo = inverse(from->multiplier), unmix = inverse(MIX);
    for (size_t i = 0; i < n; i++) {
        uint8_t *at = records + i * layout.size;
        uint64_t weights = record_weights(at, layout), key = record_key(at, layout);
        key ^= key >> from->fold;
        key = (key * unmix) & from->mask;
        key ^= key >> from->fold;
        key = scramble((key * undo) & from->mask, to);
        uint32_t part = to->first_part + (uint32_t)(key >> to->part_shift);
        parts[i] = (uint16_t)part;
        counts[part]++;
        put_record(at, key, weights, layout);
    }
}

void edic_ngram_share_out(const uint8_t *records, size_t n, size_t size, const uint16_t *parts, uint32_t *places,
                          uint8_t *out) {
    for (size_t i = 0; i < n; i++) {
        const uint8_t *from = records + i * size;
        uint8_t *to = out + (size_t)places[parts[i]]++ * size;
        uint64_t low, high;
        memcpy(&low, from, 8);
        memcpy(&high, from + size - 8, 8);
        memcpy(to, &low, 8);
        memcpy(to + size - 8, &high, 8);
    }
}

void edic_ngram_returned(const uint16_t *parts, size_t n, const uint32_t *answers, uint32_t *places, uint32_t *numbers) {
    for (size_t i = 0; i < n; i++) numbers[i] = answers[places[parts[i]]++];
}

int edic_ngram_homes(const uint8_t *records, size_t n, edic_ngram_record layout, edic_ngram_homes_shape shape,
                     uint8_t *counts, uint32_t *places, edic_ngram_entry *entries) {
    memset(counts, 0, shape.count);
    for (size_t i = 0; i < n; i++) {
        uint64_t home = (record_key(records + i * layout.size, layout) >> shape.remainder_bits) - shape.first;
        if (home >= shape.count || ++counts[home] > 15) return 0;
    }
    uint32_t sum = 0;
    for (size_t home = 0; home < shape.count; home++) {
        places[home] = sum;
        sum += counts[home];
    }
    uint64_t mask = ones(shape.remainder_bits);
    for (size_t i = 0; i < n; i++) {
        uint64_t key = record_key(records + i * layout.size, layout);
        uint64_t home = (key >> shape.remainder_bits) - shape.first;
        // Into its place among those of the home that came before.
        size_t hole = places[home] + (counts[home] >> 4);
        while (hole > places[home] && entries[hole - 1].remainder > (key & mask)) {
            entries[hole] = entries[hole - 1];
            hole--;
        }
        entries[hole] = (edic_ngram_entry){key & mask, (uint32_t)i};
        counts[home] += 16;
    }
    for (size_t home = 0; home < shape.count; home++) counts[home] &= 15;
    return 1;
}

void edic_ngram_lines_of_homes(const uint8_t *counts, edic_ngram_homes_shape shape, uint64_t first_place, uint8_t *lines) {
    uint64_t place = first_place, first_line = shape.first / EDIC_NGRAM_HOMES;
    for (size_t i = 0; i < shape.count; i++) {
        uint64_t home = shape.first + i, within = home % EDIC_NGRAM_HOMES;
        uint8_t *line = lines + (home / EDIC_NGRAM_HOMES - first_line) * 32;
        if (within == 0) {
            uint32_t before = (uint32_t)place;
            memcpy(line, &before, 4);
        }
        line[4 + within / 2] |= (uint8_t)(counts[i] << (within % 2 * 4));
        place += counts[i];
    }
}

typedef struct { uint8_t *at; uint64_t waiting; uint32_t count; } bit_writer;

static inline void put_bits(bit_writer *bits, uint64_t value, uint32_t width) {
    bits->waiting |= value << bits->count;
    uint32_t filled = bits->count + width;
    if (filled >= 64) {
        memcpy(bits->at, &bits->waiting, 8);
        bits->at += 8;
        bits->waiting = bits->count ? value >> (64 - bits->count) : 0;
        filled -= 64;
    }
    bits->count = filled;
}

void edic_ngram_pack_entries(const edic_ngram_entry *entries, const uint8_t *records, size_t n, edic_ngram_record layout,
                             edic_ngram_packing packing, uint32_t first_bit, uint32_t first_number, uint8_t *out,
                             uint32_t *numbers) {
    bit_writer bits = {out, 0, first_bit};
    uint32_t bin_bits = packing.probability_codes ? EDIC_NGRAM_BIN_BITS : 32;
    for (size_t i = 0; i < n; i++) {
        uint32_t from = entries[i].record;
        if (numbers) numbers[from] = first_number + (uint32_t)i;
        uint64_t weights = record_weights(records + (size_t)from * layout.size, layout);
        put_bits(&bits, entries[i].remainder, packing.remainder_bits);
        uint64_t probability = weights & ones(bin_bits);
        put_bits(&bits, packing.probability_codes ? packing.probability_codes[probability] : probability,
                 packing.probability_bits);
        if (!packing.backoff_bits) continue;
        uint64_t backoff = (weights >> bin_bits) & ones(bin_bits);
        put_bits(&bits, packing.backoff_codes ? packing.backoff_codes[backoff] : backoff, packing.backoff_bits);
    }
    for (; bits.count > 0; bits.count = bits.count > 8 ? bits.count - 8 : 0) {
        *bits.at++ = (uint8_t)bits.waiting;
        bits.waiting >>= 8;
    }
}
