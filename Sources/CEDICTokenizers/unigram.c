// Learning Unigram pieces (Kudo 2018): many pieces at first, their probabilities by expectation and maximisation, and
// round by round without those whose loss costs least.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "CEDICTokenizers.h"
#include "lattice.h"

struct edic_tok_unigram_trainer {
    const uint32_t *cells;
    uint32_t characters;            // the first pieces, which stay
    size_t pieces;
    uint32_t *starts;
    uint8_t *lengths;
    double *scores, *probabilities, *losses;
    uint64_t *counts;               // on best paths
    lattice_chunk *words, *spelled; // the words; the pieces themselves
    size_t word_chunks, spelled_chunks;
    double *objectives;
    uint64_t tokens;                // on best paths
    double occurrences, scale;      // of all words; of expected counts, which are whole numbers
    uint32_t *word_starts;
    uint16_t *word_lengths;
    const uint64_t *word_counts;
    size_t *chunk_words;            // where each chunk's words begin
    size_t words_total;
    uint32_t *lex_starts, *lex_lengths, *lex_ids;
    uint16_t *lex_short;
    uint64_t *lex_values;
    size_t *chunk_pieces;
    automaton a;
    size_t workers;
    lattice_scratch *scratch;
    int64_t **expected;
    uint64_t **best;
    uint32_t *new_ids;
};

enum { chunk_cells = 16384, word_most = 4096 };
static const uint32_t wall = UINT32_MAX;
static const double dropped = 0.5;      // pieces expected less often go

void edic_tok_unigram_trainer_destroy(edic_tok_unigram_trainer *t) {
    if (!t) return;
    for (size_t i = 0; t->words && i < t->word_chunks; i++) lattice_destroy(&t->words[i]);
    for (size_t i = 0; t->spelled && i < t->spelled_chunks; i++) lattice_destroy(&t->spelled[i]);
    for (size_t w = 0; w < t->workers; w++) {
        if (t->scratch) lattice_scratch_destroy(&t->scratch[w]);
        if (t->expected) free(t->expected[w]);
        if (t->best) free(t->best[w]);
    }
    void *all[] = {t->starts, t->lengths, t->scores, t->probabilities, t->losses, t->counts, t->words, t->spelled,
                   t->objectives, t->word_starts, t->word_lengths, t->chunk_words, t->lex_starts, t->lex_lengths,
                   t->lex_ids, t->lex_short, t->lex_values, t->chunk_pieces, t->scratch, t->expected, t->best, t->new_ids};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    automaton_destroy(&t->a);
    free(t);
}

// --- The pieces to begin with -----------------------------------------------------------------------------------------

/// The score that `most` of the candidates reach at least, and how many of exactly that score are among them.
static uint64_t threshold(const edic_tok_substring *found, size_t count, size_t most, size_t *of_equals) {
    uint64_t low = 0, high = UINT64_MAX;    // more than `most` reach low; not more reach high
    size_t above = 0;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        size_t reached = 0;
        for (size_t i = 0; i < count; i++) reached += found[i].count * found[i].length >= middle;
        if (reached > most) {
            low = middle;
        } else {
            high = middle;
            above = reached;
        }
    }
    *of_equals = most - above;
    return low;
}

typedef struct {
    double score;
    uint32_t index;
} ranked;

static int by_score(const void *x, const void *y) {
    const ranked *a = x, *b = y;
    if (a->score != b->score) return a->score > b->score ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

/// Chooses the pieces: every character, and of the substrings those of the greatest length times count.
static int choose(edic_tok_unigram_trainer *t, const edic_tok_substring *found, size_t count,
                  const uint64_t *character_counts, const uint32_t *character_cells, size_t most) {
    size_t equals = count, kept = 0;
    uint64_t least = 0;
    if (count > most) least = threshold(found, count, most, &equals);
    size_t total = t->characters + (count < most ? count : most);
    t->lex_starts = malloc((total + 1) * sizeof *t->lex_starts);
    t->lex_lengths = malloc((total + 1) * sizeof *t->lex_lengths);
    t->lex_ids = malloc((total + 1) * sizeof *t->lex_ids);
    t->starts = malloc((total + 1) * sizeof *t->starts);
    t->lengths = malloc(total + 1);
    t->scores = malloc((total + 1) * sizeof *t->scores);
    ranked *order = malloc((total + 1) * sizeof *order);
    if (!t->lex_starts || !t->lex_lengths || !t->lex_ids || !t->starts || !t->lengths || !t->scores || !order) {
        free(order);
        return 0;
    }
    // Substrings come in the order of their symbols; each character goes before those that begin with it.
    size_t at = 0, long_ones = 0;
    double sum = 0;
    for (uint32_t c = 0; c < t->characters; c++) {
        t->lex_starts[kept] = character_cells[c];
        t->lex_lengths[kept] = 1;
        t->lex_ids[kept++] = c;
        t->starts[c] = character_cells[c];
        t->lengths[c] = 1;
        t->scores[c] = character_counts[c] > 0 ? (double)character_counts[c] : 1;
        sum += t->scores[c];
        for (; at < count && t->cells[found[at].start] == c; at++) {
            uint64_t score = found[at].count * found[at].length;
            if (count > most) {
                if (score < least || (score == least && equals == 0)) continue;
                if (score == least) equals--;
            }
            order[long_ones++] = (ranked){(double)score, (uint32_t)kept};
            t->lex_starts[kept] = found[at].start;
            t->lex_lengths[kept++] = found[at].length;
            sum += (double)score;
        }
    }
    // The frequent pieces get low ids, so that what is often needed lies together.
    qsort(order, long_ones, sizeof *order, by_score);
    for (size_t i = 0; i < long_ones; i++) {
        uint32_t id = t->characters + (uint32_t)i, lex = order[i].index;
        t->lex_ids[lex] = id;
        t->starts[id] = t->lex_starts[lex];
        t->lengths[id] = (uint8_t)t->lex_lengths[lex];
        t->scores[id] = order[i].score;
    }
    for (size_t i = 0; i < kept; i++) t->scores[i] = log(t->scores[i] / sum);
    t->pieces = kept;
    free(order);
    return 1;
}

/// Cuts a list of texts into chunks of about the same number of cells; returns where each begins, and the end.
static size_t *cut(size_t count, const uint16_t *lengths, size_t *chunks) {
    size_t made = 0, filled = 0, capacity = 16, *begins = malloc((capacity + 1) * sizeof *begins);
    for (size_t i = 0; i < count && begins; i++) {
        if (i == 0 || filled >= chunk_cells) {
            if (made == capacity) {
                size_t *more = realloc(begins, (capacity * 2 + 1) * sizeof *more);
                if (!more) {
                    free(begins);
                    return NULL;
                }
                begins = more;
                capacity *= 2;
            }
            begins[made++] = i;
            filled = 0;
        }
        filled += lengths[i];
    }
    if (begins) begins[made] = count;
    *chunks = made;
    return begins;
}

edic_tok_unigram_trainer *edic_tok_unigram_trainer_create(
    const uint32_t *cells, size_t cell_count, const uint64_t *counts, const uint64_t *character_counts,
    const uint32_t *character_cells, uint32_t characters, const edic_tok_substring *found, size_t found_count, size_t most,
    size_t workers) {
    edic_tok_unigram_trainer *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->cells = cells;
    t->characters = characters;
    t->workers = workers;
    t->word_counts = NULL;
    size_t words = 0, pieces;
    for (size_t i = 1; i < cell_count; i++) words += cells[i] == wall;
    t->word_starts = malloc((words + 1) * sizeof *t->word_starts);
    t->word_lengths = malloc((words + 1) * sizeof *t->word_lengths);
    if (!t->word_starts || !t->word_lengths || found_count >= UINT32_MAX || cell_count >= UINT32_MAX) goto fail;
    if (!choose(t, found, found_count, character_counts, character_cells, most)) goto fail;
    t->word_counts = counts;
    for (size_t i = 1, start = 1, w = 0; i < cell_count; i++) {
        if (cells[i] != wall) continue;
        // What is longer than any word counts by its beginning.
        t->word_starts[w] = (uint32_t)start;
        t->word_lengths[w++] = (uint16_t)(i - start < word_most ? i - start : word_most);
        t->occurrences += (double)counts[w - 1];
        start = i + 1;
    }
    t->words_total = words;
    pieces = t->pieces;
    // Every count stays below 2^62: no piece is expected more often than there are characters.
    double characters_total = 1;
    for (size_t w = 0; w < words; w++) characters_total += (double)counts[w] * t->word_lengths[w];
    t->scale = exp2(floor(fmin(24, 61 - log2(characters_total))));
    t->probabilities = malloc((pieces + 1) * sizeof *t->probabilities);
    t->losses = malloc((pieces + 1) * sizeof *t->losses);
    t->counts = calloc(pieces + 1, sizeof *t->counts);
    t->new_ids = malloc((pieces + 1) * sizeof *t->new_ids);
    t->lex_short = malloc((pieces + 1) * sizeof *t->lex_short);
    t->lex_values = malloc((pieces + 1) * sizeof *t->lex_values);
    t->scratch = calloc(workers, sizeof *t->scratch);
    t->expected = calloc(workers, sizeof *t->expected);
    t->best = calloc(workers, sizeof *t->best);
    if (!t->probabilities || !t->losses || !t->counts || !t->new_ids || !t->lex_short || !t->lex_values || !t->scratch
        || !t->expected || !t->best) goto fail;
    for (size_t w = 0; w < workers; w++) {
        t->expected[w] = calloc(pieces + 1, sizeof **t->expected);
        t->best[w] = calloc(pieces + 1, sizeof **t->best);
        if (!t->expected[w] || !t->best[w]) goto fail;
    }
    for (size_t p = 0; p < pieces; p++) {
        t->lex_short[p] = (uint16_t)t->lex_lengths[p];
        t->lex_values[p] = t->lex_ids[p];
        t->probabilities[p] = exp(t->scores[p]);
    }
    t->chunk_words = cut(words, t->word_lengths, &t->word_chunks);
    t->chunk_pieces = cut(pieces, t->lex_short, &t->spelled_chunks);
    if (!t->chunk_words || !t->chunk_pieces) goto fail;
    t->words = calloc(t->word_chunks + 1, sizeof *t->words);
    t->spelled = calloc(t->spelled_chunks + 1, sizeof *t->spelled);
    t->objectives = calloc(t->word_chunks + 1, sizeof *t->objectives);
    if (!t->words || !t->spelled || !t->objectives) goto fail;
    if (!automaton_create(&t->a, cells, t->lex_starts, t->lex_lengths, pieces, characters)) goto fail;
    // Edges hold a piece's length beside its id.
    for (size_t p = 0; p < pieces; p++) t->lex_ids[p] = t->lex_ids[p] << edge_length_bits | t->lex_lengths[p];
    return t;
fail:
    edic_tok_unigram_trainer_destroy(t);
    return NULL;
}

size_t edic_tok_unigram_trainer_chunks(const edic_tok_unigram_trainer *t, int of_pieces) {
    return of_pieces ? t->spelled_chunks : t->word_chunks;
}

int edic_tok_unigram_trainer_build(edic_tok_unigram_trainer *t, int of_pieces, size_t chunk) {
    if (of_pieces) {
        size_t from = t->chunk_pieces[chunk], to = t->chunk_pieces[chunk + 1];
        return lattice_build(&t->spelled[chunk], &t->a, t->lex_ids, t->cells, t->lex_starts + from, t->lex_short + from,
                             t->lex_values + from, to - from);
    }
    size_t from = t->chunk_words[chunk], to = t->chunk_words[chunk + 1];
    return lattice_build(&t->words[chunk], &t->a, t->lex_ids, t->cells, t->word_starts + from, t->word_lengths + from,
                         t->word_counts + from, to - from);
}

void edic_tok_unigram_trainer_built(edic_tok_unigram_trainer *t) {
    automaton_destroy(&t->a);
    uint32_t **unused[] = {&t->lex_starts, &t->lex_lengths, &t->lex_ids, &t->word_starts};
    for (size_t i = 0; i < sizeof unused / sizeof *unused; i++) {
        free(*unused[i]);
        *unused[i] = NULL;
    }
    free(t->lex_values);
    t->lex_values = NULL;
}

size_t edic_tok_unigram_trainer_pieces(const edic_tok_unigram_trainer *t) { return t->pieces; }

size_t edic_tok_unigram_trainer_living(const edic_tok_unigram_trainer *t) {
    size_t living = 0;
    for (size_t p = 0; p < t->pieces; p++) living += t->scores[p] != -INFINITY;
    return living;
}

// --- Rounds -----------------------------------------------------------------------------------------------------------

/// The logarithmic derivative of the gamma function, by its asymptotic series.
static double digamma(double x) {
    double result = 0;
    for (; x < 7; x++) result -= 1 / x;
    double y = 1 / (x * x);
    return result + log(x) - 0.5 / x - y * (1.0 / 12 - y * (1.0 / 120 - y * (1.0 / 252 - y * (1.0 / 240 - y / 132))));
}

int edic_tok_unigram_trainer_expect(edic_tok_unigram_trainer *t, size_t chunk, size_t worker) {
    if (!lattice_reserve(&t->scratch[worker], &t->words[chunk])) return 0;
    t->objectives[chunk] =
        lattice_expect(&t->words[chunk], &t->scratch[worker], t->probabilities, t->scale, t->expected[worker]);
    return 1;
}

double edic_tok_unigram_trainer_maximize(edic_tok_unigram_trainer *t) {
    double sum = 0, objective = 0;
    for (size_t p = 0; p < t->pieces; p++) {
        int64_t whole = 0;
        for (size_t w = 0; w < t->workers; w++) {
            whole += t->expected[w][p];
            t->expected[w][p] = 0;
        }
        double expected = (double)whole / t->scale;
        // Characters stay, however rare.
        if (p < t->characters && expected < dropped) expected = dropped;
        t->scores[p] = expected;
        if (expected >= dropped) sum += expected;
    }
    double log_sum = digamma(sum);
    for (size_t p = 0; p < t->pieces; p++) {
        int stays = t->scores[p] >= dropped;
        t->scores[p] = stays ? digamma(t->scores[p]) - log_sum : -INFINITY;
        t->probabilities[p] = stays ? exp(t->scores[p]) : 0;
    }
    for (size_t i = 0; i < t->word_chunks; i++) objective += t->objectives[i];
    return objective / fmax(t->occurrences, 1);
}

int edic_tok_unigram_trainer_count_best(edic_tok_unigram_trainer *t, size_t chunk, size_t worker) {
    if (!lattice_reserve(&t->scratch[worker], &t->words[chunk])) return 0;
    lattice_count_best(&t->words[chunk], &t->scratch[worker], t->scores, t->best[worker]);
    return 1;
}

void edic_tok_unigram_trainer_counted(edic_tok_unigram_trainer *t) {
    t->tokens = 0;
    for (size_t p = 0; p < t->pieces; p++) {
        t->counts[p] = 0;
        for (size_t w = 0; w < t->workers; w++) {
            t->counts[p] += t->best[w][p];
            t->best[w][p] = 0;
        }
        t->tokens += t->counts[p];
    }
}

int edic_tok_unigram_trainer_lose(edic_tok_unigram_trainer *t, size_t chunk, size_t worker) {
    if (!lattice_reserve(&t->scratch[worker], &t->spelled[chunk])) return 0;
    lattice_losses(&t->spelled[chunk], &t->scratch[worker], t->scores, t->counts, t->tokens, t->losses);
    return 1;
}

/// The value at place `rank`, counted from 1, of values in falling order; moves them about.
static double greatest(double *x, size_t n, size_t rank) {
    ptrdiff_t low = 0, high = (ptrdiff_t)n - 1, place = (ptrdiff_t)rank - 1;
    while (low < high) {
        double pivot = x[place];
        ptrdiff_t i = low, j = high;
        do {
            while (x[i] > pivot) i++;
            while (x[j] < pivot) j--;
            if (i <= j) {
                double other = x[i];
                x[i++] = x[j];
                x[j--] = other;
            }
        } while (i <= j);
        if (j < place) low = i;
        if (place < i) high = j;
    }
    return x[place];
}

int edic_tok_unigram_trainer_prune(edic_tok_unigram_trainer *t, size_t most) {
    double *losses = malloc((t->pieces + 1) * sizeof *losses), least = -1;
    if (!losses) return 0;
    size_t candidates = 0, kept = 0, room = most > t->characters ? most - t->characters : 0, equals = SIZE_MAX;
    for (size_t p = t->characters; p < t->pieces; p++) {
        if (t->scores[p] == -INFINITY) t->losses[p] = -1;
        if (t->losses[p] >= 0) losses[candidates++] = t->losses[p];
    }
    if (candidates > room) {
        least = room == 0 ? INFINITY : greatest(losses, candidates, room);
        equals = room;
        for (size_t i = 0; i < candidates; i++) equals -= losses[i] > least;
    }
    free(losses);
    for (size_t p = 0; p < t->pieces; p++) {
        int stays = p < t->characters || (t->losses[p] >= 0 && t->losses[p] >= least);
        // Of the least loss only the first pieces stay.
        if (stays && p >= t->characters && t->losses[p] == least && equals-- == 0) {
            equals = 0;
            stays = 0;
        }
        t->new_ids[p] = stays ? 0 : UINT32_MAX;
    }
    for (size_t p = 0; p < t->pieces; p++) {
        if (t->new_ids[p] == UINT32_MAX) continue;
        t->new_ids[p] = (uint32_t)kept;
        t->starts[kept] = t->starts[p];
        t->lengths[kept] = t->lengths[p];
        t->scores[kept] = t->scores[p];
        t->probabilities[kept++] = t->probabilities[p];
    }
    t->pieces = kept;
    return 1;
}

void edic_tok_unigram_trainer_rename(edic_tok_unigram_trainer *t, int of_pieces, size_t chunk) {
    lattice_rename(of_pieces ? &t->spelled[chunk] : &t->words[chunk], t->new_ids, of_pieces);
}

void edic_tok_unigram_trainer_result(const edic_tok_unigram_trainer *t, uint32_t *starts, uint8_t *lengths, double *scores) {
    memcpy(starts, t->starts, t->pieces * sizeof *starts);
    memcpy(lengths, t->lengths, t->pieces);
    memcpy(scores, t->scores, t->pieces * sizeof *scores);
}
