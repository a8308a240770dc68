#include <string.h>

#include "buckets.h"
#include "varint.h"

/// Where the context of one n-gram is looked for: its bucket, and there the n-gram one shorter that it extends.
typedef struct { uint32_t bucket, parent; } context_place;

static inline context_place place_of(const edic_ngram_source *source, const edic_ngram_plan *plan, size_t parent,
                                     uint32_t label) {
    if (source->k == 2) return (context_place){source->home_of[label], 0};
    if (source->k == 3) {
        uint32_t word = source->parents.labels[parent] & ~EDIC_NGRAM_PRUNED;
        uint32_t bucket = bucket_of(plan, word, label);
        return (context_place){bucket, word - plan->code_base[bucket]};
    }
    return (context_place){source->context_bucket[parent], source->context_place[parent]};
}

/// How many of the next level's n-grams extend `parent` to the left.
static inline uint32_t children_of(const edic_ngram_source *source, size_t parent) {
    if (source->k > 2 && is_begin(source->parents.labels[parent])) return 0;
    return source->parents.counts[parent];
}

size_t edic_ngram_send(const edic_ngram_source *source, const edic_ngram_plan *plan, uint32_t *scratch, uint32_t *starts,
                       uint64_t *bytes, uint8_t *out) {
    uint32_t buckets = plan->buckets;
    memset(starts, 0, sizeof(uint32_t) * (buckets + 1));
    size_t node = 0;
    for (size_t parent = 0; parent < source->parents.n; parent++) {
        uint32_t children = children_of(source, parent);
        for (uint32_t child = 0; child < children; child++, node++) {
            uint32_t label = source->level.labels[node] & ~EDIC_NGRAM_PRUNED;
            starts[place_of(source, plan, parent, label).bucket + 1]++;
        }
    }
    for (uint32_t b = 0; b < buckets; b++) starts[b + 1] += starts[b];
    uint32_t next[buckets];
    memcpy(next, starts, sizeof next);
    node = 0;
    for (size_t parent = 0; parent < source->parents.n; parent++) {
        uint32_t children = children_of(source, parent);
        for (uint32_t child = 0; child < children; child++, node++) {
            uint32_t marked = source->level.labels[node], label = marked & ~EDIC_NGRAM_PRUNED;
            context_place place = place_of(source, plan, parent, label);
            uint32_t *record = scratch + 3 * (size_t)next[place.bucket]++;
            record[0] = place.parent;
            record[1] = marked;
            record[2] = source->level.counts[node];
        }
    }
    uint8_t *at = out;
    for (uint32_t b = 0; b < buckets; b++) {
        bytes[b] = (uint64_t)(at - out);
        uint32_t parent = 0, last = 0;
        for (size_t i = starts[b]; i < starts[b + 1]; i++) {
            const uint32_t *record = scratch + 3 * i;
            uint32_t label = record[1] & ~EDIC_NGRAM_PRUNED;
            if (source->k > 2) {
                at = edic_put(at, edic_zigzag((int64_t)record[0] - parent));
                at = edic_put(at, label);
            } else {
                at = edic_put(at, edic_zigzag((int64_t)label - last));
            }
            parent = record[0];
            last = label;
            at = edic_put(at, ((uint64_t)record[2] << 1) | (record[1] >> 31));
        }
    }
    bytes[buckets] = (uint64_t)(at - out);
    return (size_t)(at - out);
}

/// The place of `label` among the labels from `from` to before `to`, which rise; `to` when it is not there.
static inline size_t find_label(const uint32_t *labels, size_t from, size_t to, uint32_t label) {
    size_t low = from, n = to - from;
    while (n > 8) {
        size_t half = n / 2;
        low = (labels[low + half] & ~EDIC_NGRAM_PRUNED) <= label ? low + half : low;
        n -= half;
    }
    for (size_t i = low; i < low + n; i++) {
        if ((labels[i] & ~EDIC_NGRAM_PRUNED) == label) return i;
    }
    return to;
}

int edic_ngram_collect(uint32_t k, const uint8_t *bytes, size_t size, size_t n, edic_ngram_level contexts,
                       const uint32_t *offsets, size_t offset_count, uint32_t code_base, edic_ngram_sum *sums,
                       uint32_t *places) {
    const uint8_t *in = bytes, *end = bytes + size;
    int64_t parent = 0, label = 0;
    // Contexts rise while the last word stays the same, so the search goes on from the last find.
    size_t from = 0, to = 0;
    int64_t open = -1;
    for (size_t i = 0; i < n; i++) {
        uint64_t value;
        size_t place;
        in = edic_get(in, end, &value);
        if (k == 2) {
            label += edic_unzigzag(value);
            place = (size_t)(label - code_base);
        } else {
            parent += edic_unzigzag(value);
            if (parent < 0 || (size_t)parent + 1 >= offset_count) return 0;
            in = edic_get(in, end, &value);
            if (parent != open || (int64_t)value <= label) {
                open = parent;
                from = offsets[parent];
                to = offsets[parent + 1];
                if (to > contexts.n) return 0;
            }
            label = (int64_t)value;
            place = find_label(contexts.labels, from, to, (uint32_t)label);
            if (place == to) return 0;
            from = place;
        }
        if (place >= contexts.n) return 0;
        places[i] = (uint32_t)place;
        in = edic_get(in, end, &value);
        edic_ngram_sum *sum = &sums[place];
        uint64_t count = value >> 1;
        sum->total += count;
        if (value & 1) {
            sum->pruned += count;
        } else {
            sum->ones += count == 1;
            sum->twos += count == 2;
            sum->more += count > 2;
        }
    }
    return 1;
}

static inline float weight_of(const edic_ngram_sum *sum, const double *discounts) {
    if (sum->total == 0) return 1;
    double mass = sum->ones * discounts[0] + sum->twos * discounts[1] + sum->more * discounts[2] + (double)sum->pruned;
    return (float)(mass / (double)sum->total);
}

void edic_ngram_weights(const edic_ngram_sum *sums, size_t n, const double *discounts, float *weights) {
    for (size_t i = 0; i < n; i++) weights[i] = weight_of(&sums[i], discounts);
}

size_t edic_ngram_reply(const uint32_t *places, size_t n, const edic_ngram_sum *sums, const float *weights,
                        int gives_places, uint8_t *out) {
    uint8_t *at = out;
    uint32_t last = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t place = places[i];
        const edic_ngram_sum *sum = &sums[place];
        if (gives_places) at = edic_put(at, edic_zigzag((int64_t)place - last));
        last = place;
        // The weight of a context seen once follows from the discounts.
        int is_single = sum->total == 1 && sum->ones == 1;
        at = edic_put(at, sum->total << 1 | (uint64_t)is_single);
        if (!is_single) {
            memcpy(at, &weights[place], 4);
            at += 4;
        }
    }
    return (size_t)(at - out);
}

int edic_ngram_interpolate(const edic_ngram_source *source, const edic_ngram_plan *plan, const uint8_t **answers,
                           const uint8_t *const *ends, const double *discounts, const float *shorter,
                           float *probabilities, uint16_t *context_bucket, uint32_t *context_place_out) {
    uint32_t last[plan->buckets];
    memset(last, 0, sizeof last);
    edic_ngram_sum single = {.total = 1, .ones = 1};
    float single_weight = weight_of(&single, discounts);
    size_t node = 0;
    for (size_t parent = 0; parent < source->parents.n; parent++) {
        uint32_t children = children_of(source, parent);
        for (uint32_t child = 0; child < children; child++, node++) {
            uint32_t marked = source->level.labels[node];
            uint32_t bucket = place_of(source, plan, parent, marked & ~EDIC_NGRAM_PRUNED).bucket;
            const uint8_t *in = answers[bucket], *end = ends[bucket];
            uint64_t value;
            if (context_bucket) {
                in = edic_get(in, end, &value);
                last[bucket] = (uint32_t)(last[bucket] + edic_unzigzag(value));
                context_bucket[node] = (uint16_t)bucket;
                context_place_out[node] = last[bucket];
            }
            if (in >= end) return 0;
            in = edic_get(in, end, &value);
            float weight = single_weight;
            if (!(value & 1)) {
                if (end - in < 4) return 0;
                memcpy(&weight, in, 4);
                in += 4;
            }
            answers[bucket] = in;
            uint32_t count = source->level.counts[node];
            float share = 0;
            if (!(marked & EDIC_NGRAM_PRUNED)) {
                double discount = count == 0 ? 0 : discounts[count > 2 ? 2 : count - 1];
                share = (float)((count - discount) / (double)(value >> 1));
            }
            probabilities[node] = share + weight * shorter[parent];
        }
    }
    return 1;
}

void edic_ngram_offsets(edic_ngram_level level, int is_first, uint32_t *offsets) {
    uint32_t sum = 0;
    for (size_t i = 0; i < level.n; i++) {
        offsets[i] = sum;
        if (is_first || !is_begin(level.labels[i])) sum += level.counts[i];
    }
    offsets[level.n] = sum;
}

size_t edic_ngram_kept(uint32_t k, edic_ngram_level level, edic_ngram_level parents, uint32_t code_base, uint32_t *words,
                       uint32_t *parent_places, uint32_t *places) {
    size_t node = 0, kept = 0, kept_parents = 0;
    for (size_t parent = 0; parent < parents.n; parent++) {
        uint32_t place = k == 2 ? code_base + (uint32_t)parent - 1 : (uint32_t)kept_parents;
        uint32_t children = parents.counts[parent];
        if (k > 2) {
            if (!(parents.labels[parent] & EDIC_NGRAM_PRUNED)) kept_parents++;
            if (is_begin(parents.labels[parent])) continue;
        }
        for (uint32_t child = 0; child < children; child++, node++) {
            uint32_t label = level.labels[node];
            if (label & EDIC_NGRAM_PRUNED) continue;
            words[kept] = label - 1;
            parent_places[kept] = place;
            places[kept] = (uint32_t)node;
            kept++;
        }
    }
    return kept;
}
