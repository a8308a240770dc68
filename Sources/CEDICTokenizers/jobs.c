// The loop over the words of a job: each batch is looked up as a whole, what is missing is learnt, then all is written.
#include <stdlib.h>

#include "cache.h"
#include "kernels.h"
#include "merges.h"
#include "words.h"

static void open_batch(edic_tok_cache *c, batch *to, const edic_tok_job *job, size_t at) {
    size_t size = job->count - at < c->batch_size ? job->count - at : c->batch_size;
    for (size_t i = 0; i < size; i++) {
        size_t begin = job->begins[at + i], length = job->ends[at + i] - begin;
        read_word(to, i, job->s + begin, length, job->n - begin);
        if (length <= SHORT_WORD) {
            __builtin_prefetch(line_of(&c->words, to->hash[i]));
        } else if (length <= LONG_WORD) {
            __builtin_prefetch(long_of(&c->long_words, to->hash[i]));
        }
    }
    to->begin = at;
    to->end = at + size;
}

// Finds the batch's words. Notes which are not remembered but might be, and returns how many.
static size_t resolve(edic_tok_cache *c, batch *b, const edic_tok_job *job, uint8_t *missing) {
    size_t count = 0;
    for (size_t i = 0; i < b->end - b->begin; i++) {
        if (b->length[i] <= SHORT_WORD) {
            // Without branches but one, since which way it is would be as often wrong as right.
            const line *l = line_of(&c->words, b->hash[i]);
            uint64_t first = peek_first(&l->ways[0].high) ^ b->high[i], second = peek_first(&l->ways[1].high) ^ b->high[i];
            first |= peek(&l->ways[0].low) ^ b->low[i];
            second |= peek(&l->ways[1].low) ^ b->low[i];
            const entry *e = &l->ways[first != 0];
            uint64_t stored[2] = {peek(&e->value[0]), peek(&e->value[1])};
            memcpy(&b->values[i], stored, sizeof stored);
            if (__builtin_expect((first == 0) | (second == 0), 1)) continue;
            b->values[i].format = UNKNOWN;
            // Words fill a line before they go on to the next.
            if (peek(&l->ways[1].high) == 0) {
                missing[count++] = (uint8_t)i;
                continue;
            }
        }
        b->values[i].format = UNKNOWN;
        if (b->length[i] > LONG_WORD) continue;
        missing[count] = (uint8_t)i;
        count += !edic_tok_find(c, b, i, job->s + job->begins[b->begin + i]);
    }
    return count;
}

// Notes of a few words that they were met again; frequent ones are sure to be among them sooner or later.
static void note_uses(edic_tok_cache *c, const edic_tok_job *job) {
    batch *b = c->now;
    for (uint64_t some = b->hash[0] >> 32, k = 0; k < SAMPLES; k++, some >>= 8) {
        size_t i = (some & 0xFF) * (b->end - b->begin) >> 8;
        if (b->values[i].format != UNKNOWN) edic_tok_note_use(c, b, i, job->s + job->begins[b->begin + i]);
    }
}

// The pairs by which the words are merged, if that is all it takes.
static const edic_tok_pairs *pairs_of(const edic_tok_words *words) {
    if (words->kind == edic_tok_words_sentence) return edic_tok_sentence_pairs(words->sentence);
    if (words->kind != edic_tok_words_bytes || !words->merges->pairs) return NULL;
    return words->merges->pairs->has_bytes ? words->merges->pairs : NULL;
}

// The inner symbols of a word of which `room` bytes may be read; 0 where it must be encoded otherwise.
static int symbols_of(const edic_tok_words *words, const uint8_t *word, size_t length, size_t room, uint32_t *symbols,
                      size_t *count) {
    if (words->kind == edic_tok_words_sentence) {
        return edic_tok_sentence_symbols(words->sentence, word, length, words->prefixes, symbols, count);
    }
    if (words->merges->pairs->lacks_bytes && edic_tok_lacks_bytes(words, word, length)) return 0;
    // 16 at a time, so that none is read before it is stored whole.
    uint8_t copy[LONG_WORD] = {0};
    if (room < LONG_WORD) word = memcpy(copy, word, length);
    for (size_t at = 0; at < length; at += 16) {
        for (size_t b = 0; b < 16; b++) symbols[at + b] = word[at + b];
    }
    *count = length;
    return 1;
}

enum { PARCEL = 32 };

// Encodes some words that are missing side by side.
static void learn_some(edic_tok_cache *c, const edic_tok_words *words, const edic_tok_pairs *pairs, const edic_tok_job *job,
                       const uint8_t *missing, size_t lacks) {
    batch *now = c->now;
    uint32_t symbols[PARCEL * LONG_WORD + EDIC_TOK_SHORT], ids[EDIC_TOK_WORD_ROOM];
    edic_tok_merging merging[PARCEL];
    unsigned which[PARCEL];
    size_t count = 0, used = 0;
    for (size_t k = 0; k < lacks && used + EDIC_TOK_SHORT <= sizeof symbols / sizeof *symbols; k++) {
        unsigned i = missing[k];
        const uint8_t *word = job->s + job->begins[now->begin + i];
        size_t length = now->length[i], size;
        ids[0] = words->whole ? edic_tok_trie_find(words->whole, word, length) : UINT32_MAX;
        if (ids[0] != UINT32_MAX) {
            edic_tok_remember(c, now, i, word, ids, 1, 0);
            continue;
        }
        if (!symbols_of(words, word, length, job->n - job->begins[now->begin + i], symbols + used, &size)) continue;
        if (edic_tok_may_tie(pairs, symbols + used, size)) continue;
        merging[count] = (edic_tok_merging){symbols + used, size};
        which[count++] = i;
        used += (size + 15) / 16 * 16;
    }
    edic_tok_kernels_now()->merge(pairs, merging, count);
    for (size_t m = 0; m < count; m++) {
        const uint8_t *word = job->s + job->begins[now->begin + which[m]];
        uint32_t *merged = merging[m].symbols;
        size_t made = merging[m].count;
        if (words->kind == edic_tok_words_sentence) {
            made = edic_tok_sentence_put(words->sentence, merged, made, ids);
            if (made == SIZE_MAX) continue;
        } else {
            // Behind what is merged there are symbols too; most words take one step.
            for (size_t at = 0; at < made; at += 8) {
                for (size_t i = at; i < at + 8; i++) ids[i] = pairs->outer[merged[i]];
            }
        }
        edic_tok_remember(c, now, which[m], word, ids, made, 0);
    }
}

static void learn(edic_tok_cache *c, const edic_tok_words *words, const edic_tok_pairs *pairs, const edic_tok_job *job,
                  const uint8_t *missing, size_t lacks) {
    for (size_t at = 0; at < lacks; at += PARCEL) {
        learn_some(c, words, pairs, job, missing + at, lacks - at < PARCEL ? lacks - at : PARCEL);
    }
}

// The same for Unigram's best paths.
static void learn_paths(edic_tok_cache *c, const edic_tok_words *words, const edic_tok_job *job, const uint8_t *missing,
                        size_t lacks) {
    batch *now = c->now;
    if (!c->paths) c->paths = edic_tok_paths_create();
    if (!c->paths) return;
    for (size_t at = 0; at < lacks;) {
        unsigned which[BATCH];
        size_t count = 0;
        edic_tok_paths_clear(c->paths);
        for (; at < lacks; at++) {
            unsigned i = missing[at];
            const uint8_t *word = job->s + job->begins[now->begin + i];
            if (words->plain_only && !edic_tok_sentence_is_plain(words->sentence, word, now->length[i])) continue;
            int added = edic_tok_sentence_add(words->sentence, word, now->length[i], words->prefixes, c->paths);
            if (added < 0) break;
            if (added) which[count++] = i;
        }
        edic_tok_sentence_walk(words->sentence, c->paths);
        for (size_t k = 0; k < count; k++) {
            const uint8_t *word = job->s + job->begins[now->begin + which[k]];
            uint32_t ids[EDIC_TOK_PATHS_WORD];
            uint8_t doubt;
            size_t made = edic_tok_sentence_take(words->sentence, c->paths, k, ids, &doubt);
            if (made != SIZE_MAX && words->plain_only) {
                // Every sum begins at 0, so nothing that comes before can put the choice in doubt.
                doubt = 0;
                made = edic_tok_settle_unknown(words, ids, made);
            }
            if (made != SIZE_MAX) edic_tok_remember(c, now, which[k], word, ids, made, doubt);
        }
    }
}

static void next_batch(edic_tok_cache *c, const edic_tok_job *job, size_t at) {
    edic_tok_cache_renew(c);
    batch *now = c->ahead;
    c->ahead = c->now;
    c->now = now;
    if (now->begin != at || now->end == at) open_batch(c, now, job, at);
    open_batch(c, c->ahead, job, now->end);
}

// The score of a Unigram path and how much doubt its rounding leaves harmless.
typedef struct {
    const edic_tok_sentence *sentence;      // NULL: other models are never in doubt
    float score;                            // up to out[settled]
    size_t settled, until;                  // `most` holds until out[until]
    uint8_t most;
} path;

static float settle(path *p, const uint32_t *out, size_t filled) {
    p->score = edic_tok_sentence_advance(p->sentence, p->score, out + p->settled, filled - p->settled);
    p->settled = filled;
    return p->score;
}

static void renew(path *p, const uint32_t *out, size_t filled) {
    size_t lasts;
    p->most = edic_tok_sentence_most_doubt(p->sentence, settle(p, out, filled), &lasts);
    p->until = filled + lasts;
}

// The word that begins the next text; SIZE_MAX where no other begins.
static size_t next_start(const edic_tok_job *job) {
    return job->placed < job->start_count ? job->starts[job->placed] : SIZE_MAX;
}

// Begins the texts whose first word comes next, or would if they had one.
static size_t begin_texts(edic_tok_job *job, size_t at, path *p, size_t filled) {
    while (next_start(job) == at) job->places[job->placed++] = (uint32_t)filled;
    if (p->sentence) {
        p->score = 0;
        p->settled = filled;
        renew(p, job->out, filled);
    }
    return next_start(job);
}

// Encodes a word that is not remembered, or not surely enough; remembers it. Returns SIZE_MAX where the caller must.
static size_t encode(edic_tok_cache *c, const edic_tok_words *words, size_t i, const uint8_t *word, int known, path *p,
                     uint32_t *out, size_t filled) {
    uint8_t doubt = 255;
    size_t count = 0, length = c->now->length[i];
    if (length > EDIC_TOK_LONGEST_WORD) {
        if (words->kind != edic_tok_words_pieces || !edic_tok_is_overlong(words, word, length)) return SIZE_MAX;
        out[filled] = words->unknown_id;
        return 1;
    }
    if (!known) {
        count = edic_tok_encode_word_after(words, word, length, 0, out + filled, &doubt);
        if (count == SIZE_MAX) return SIZE_MAX;
        edic_tok_remember(c, c->now, i, word, out + filled, count, doubt);
    }
    if (doubt <= p->most) return count;
    return edic_tok_encode_word_after(words, word, length, settle(p, out, filled), out + filled, &doubt);
}

// The words of a batch from `at` on; returns where it stopped.
static inline size_t run_batch(edic_tok_cache *c, const edic_tok_words *words, edic_tok_job *job, size_t at, int wide,
                               path *p, size_t *into, edic_tok_progress *progress) {
    enum { MARGIN = EDIC_TOK_WORD_ROOM + BATCH * FAST_IDS };
    batch *now = c->now;
    uint32_t *out = job->out;
    size_t filled = *into, start = next_start(job);
    for (; at < now->end; at++) {
        size_t i = at - now->begin;
        const value *v = &now->values[i];
        if (__builtin_expect(at == start, 0)) start = begin_texts(job, at, p, filled);
        if (filled >= p->until) renew(p, out, filled);
        if (__builtin_expect(v->format == INLINE && v->doubt <= p->most, 1)) {
            unpack(v, wide, out + filled);
            filled += v->count;
            continue;
        }
        if (filled + MARGIN > job->capacity) {
            *progress = edic_tok_progress_full;
            break;
        }
        const uint8_t *word = job->s + job->begins[at];
        // Another word of the batch may have been the same.
        if (v->format == UNKNOWN && now->length[i] <= LONG_WORD) edic_tok_find(c, now, i, word);
        int known = v->format != UNKNOWN;
        if (known && v->doubt <= p->most) {
            if (v->format == INLINE) {
                unpack(v, wide, out + filled);
            } else {
                uint32_t from;
                memcpy(&from, v->ids, sizeof from);
                memcpy(out + filled, c->arena + from, v->count * sizeof *out);
            }
            filled += v->count;
            continue;
        }
        size_t count = encode(c, words, i, word, known, p, out, filled);
        if (count == SIZE_MAX) {
            *progress = edic_tok_progress_miss;
            break;
        }
        filled += count;
    }
    *into = filled;
    return at;
}

edic_tok_progress edic_tok_cache_run(edic_tok_cache *c, const edic_tok_words *words, edic_tok_job *job, int resumes) {
    size_t at = job->next, filled = job->written;
    edic_tok_progress progress = edic_tok_progress_done;
    int is_unigram = words->kind == edic_tok_words_sentence && words->is_unigram;
    path p = {is_unigram ? words->sentence : NULL, job->score, filled, SIZE_MAX, UINT8_MAX};
    if (is_unigram) renew(&p, job->out, filled);
    const edic_tok_pairs *pairs = pairs_of(words);
    int walks = (is_unigram || words->plain_only) && edic_tok_sentence_walks(words->sentence);
    if (!resumes) c->now->end = c->ahead->end = c->ahead->begin = at;
    while (at < job->count && progress == edic_tok_progress_done) {
        if (filled + EDIC_TOK_WORD_ROOM + BATCH * FAST_IDS > job->capacity) {
            progress = edic_tok_progress_full;
            break;
        }
        if (at >= c->now->end) {
            next_batch(c, job, at);
            uint8_t missing[BATCH];
            size_t lacks = resolve(c, c->now, job, missing);
            note_uses(c, job);
            c->batch_size = lacks ? BATCH : WARM_BATCH;
            if (lacks && pairs) learn(c, words, pairs, job, missing, lacks);
            if (lacks && walks) learn_paths(c, words, job, missing, lacks);
        }
        at = c->wide ? run_batch(c, words, job, at, 1, &p, &filled, &progress)
                     : run_batch(c, words, job, at, 0, &p, &filled, &progress);
    }
    if (is_unigram) job->score = settle(&p, job->out, filled);
    job->next = at;
    job->written = filled;
    return progress;
}
