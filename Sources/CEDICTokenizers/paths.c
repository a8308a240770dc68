// Unigram's best paths of many words at once.
//
// The walks down the trie, one from each character of each word, go a level at a time: none waits for another, so that
// their waits for memory overlap, and the loop is long, so that few branches are guessed wrong. The pieces on the way are
// kept by the character they begin with; the best path of a word is then found without a look at the trie.
#include "paths.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tables.h"
#include "trie.h"

enum {
    CELLS = 16,                     // the pieces of a character; a word with more is not found here
    ALWAYS = 3,                     // that many are taken without asking whether there are as many
    BETWEEN = 0xFF,                 // what stands behind each word, and in no key
};

typedef struct {
    uint32_t base;                  // of the node reached
    uint16_t at, start;             // in the text
} walk;

struct edic_tok_paths {
    uint32_t begins[EDIC_TOK_PATHS_MOST], ends[EDIC_TOK_PATHS_MOST], count;
    uint8_t text[EDIC_TOK_PATHS_ROOM];
    // For each character that begins at a byte, the pieces that begin there: node << 8 | length; 0: none.
    uint8_t widths[EDIC_TOK_PATHS_ROOM], counts[EDIC_TOK_PATHS_ROOM];
    walk walks[EDIC_TOK_PATHS_ROOM];
    uint32_t cells[EDIC_TOK_PATHS_ROOM][CELLS];
};

edic_tok_paths *edic_tok_paths_create(void) { return calloc(1, sizeof(edic_tok_paths)); }
void edic_tok_paths_destroy(edic_tok_paths *p) { free(p); }

int edic_tok_paths_fit(const edic_tok_unigram *model, uint32_t piece_count) {
    return model->trie && !model->trie->is_odd && piece_count < 1u << 24;
}

void edic_tok_paths_clear(edic_tok_paths *p) { p->count = 0; }

static uint32_t used(const edic_tok_paths *p) { return p->count == 0 ? 0 : p->ends[p->count - 1] + 1; }

uint8_t *edic_tok_paths_next(edic_tok_paths *p) {
    if (p->count == EDIC_TOK_PATHS_MOST || used(p) + EDIC_TOK_PATHS_WORD >= EDIC_TOK_PATHS_ROOM) return NULL;
    return p->text + used(p);
}

void edic_tok_paths_add(edic_tok_paths *p, size_t length) {
    uint32_t begin = used(p);
    p->begins[p->count] = begin;
    p->ends[p->count++] = begin + (uint32_t)length;
    p->text[begin + length] = BETWEEN;
}

// The walks at their beginnings; returns how many.
static size_t set_out(edic_tok_paths *p, uint32_t root) {
    size_t walks = 0;
    for (uint32_t w = 0; w < p->count; w++) {
        uint32_t end = p->ends[w];
        for (uint32_t i = p->begins[w]; i < end;) {
            unsigned width = 1;
            if (p->text[i] >= 0x80) edic_tok_decode(p->text, i, end, &width);
            p->widths[i] = (uint8_t)width;
            p->counts[i] = 0;
            for (unsigned k = 0; k < ALWAYS; k++) p->cells[i][k] = 0;
            p->walks[walks++] = (walk){root, (uint16_t)i, (uint16_t)i};
            i += width;
        }
    }
    return walks;
}

void edic_tok_paths_walk(edic_tok_paths *p, const edic_tok_unigram *model) {
    const uint32_t *nodes = model->trie->nodes;
    const edic_tok_key *keys = model->trie->keys;
    walk *walks = p->walks;
    size_t count = set_out(p, nodes[0] >> EDIC_TOK_BASE);
    for (uint32_t length = 1; count > 0; length++) {
        size_t kept = 0;
        for (size_t i = 0; i < count; i++) {
            walk here = walks[i];
            uint8_t byte = p->text[here.at];
            uint32_t to = here.base + byte, node = nodes[to];
            uint32_t is = (uint32_t)edic_tok_is_child(node, byte), ends = is & (node >> EDIC_TOK_KEY_BIT);
            walks[kept] = (walk){node >> EDIC_TOK_BASE, (uint16_t)(here.at + 1), here.start};
            kept += is;
            __builtin_prefetch(&nodes[((node >> EDIC_TOK_BASE) & (0 - is)) + p->text[here.at + 1]]);
            __builtin_prefetch(&keys[to]);
            uint8_t *filled = &p->counts[here.start];
            p->cells[here.start][*filled % CELLS] = (to << 8 | length) & (0 - ends);
            *filled = (uint8_t)(*filled + ends);
        }
        count = kept;
    }
}

typedef struct {
    float score;                    // as in edic_tok_unigram_best
    uint32_t margin;                // the bits of a float that is not negative, whose order is theirs
    uint32_t last;                  // the last piece of the path: node << 8 | length
} station;

static const uint32_t infinite = 0x7F800000;

// Without branches: which way they go is as often wrong as right.
static inline void arrive(station *to, float score, uint32_t piece) {
    station old = *to;
    uint32_t lead;
    float difference = score - old.score;
    memcpy(&lead, &difference, sizeof lead);
    lead &= INT32_MAX;
    // Not a number where nothing comes to where nothing has been: its bits are greater than any margin's.
    uint32_t least = __builtin_unpredictable(lead < old.margin) ? lead : old.margin;
    int better = score > old.score;
    to->score = better ? score : old.score;
    to->margin = __builtin_unpredictable(better) ? lead : least;
    to->last = __builtin_unpredictable(better) ? piece : old.last;
}

size_t edic_tok_paths_best(const edic_tok_paths *p, const edic_tok_unigram *model, size_t word, uint32_t *ids,
                           uint32_t *ends, float *margin, const uint8_t **bytes) {
    station stations[EDIC_TOK_PATHS_WORD + 1];
    const edic_tok_key *keys = model->trie->keys;
    uint32_t begin = p->begins[word], n = p->ends[word] - begin;
    for (uint32_t i = 0; i <= n; i++) stations[i] = (station){-INFINITY, infinite, 0};
    stations[0].score = 0;
    for (uint32_t i = 0; i < n;) {
        float here = stations[i].score;
        const uint32_t *cells = p->cells[begin + i];
        uint32_t count = p->counts[begin + i], width = p->widths[begin + i], known = 0;
        if (count > CELLS) return SIZE_MAX;
        for (uint32_t k = 0; k < ALWAYS || k < count; k++) {
            uint32_t length = cells[k] & 0xFF;
            known |= length == width;
            arrive(&stations[i + length], here + keys[cells[k] >> 8].score, cells[k]);
        }
        if (!known) arrive(&stations[i + width], here + (float)model->unknown_score, width);
        i += width;
    }
    size_t count = 0;
    uint32_t least = infinite;
    for (uint32_t at = n; at > 0; at -= stations[at].last & 0xFF) {
        // Without a path to the end, scores are no numbers.
        if (stations[at].last == 0) return SIZE_MAX;
        if (stations[at].margin < least) least = stations[at].margin;
        count++;
    }
    size_t k = count;
    for (uint32_t at = n; at > 0; at -= stations[at].last & 0xFF) {
        uint32_t node = stations[at].last >> 8;
        ids[--k] = node == 0 ? model->unknown_id : keys[node].id;
        ends[k] = at;
    }
    memcpy(margin, &least, sizeof least);
    *bytes = p->text + begin;
    return count;
}

// Each score is off by at most 2^-24 of itself, each sum of two by as much of itself, and no sum exceeds length · most: a path
// is off by less than (length + 1) · length · most · 2^-24, the lead of one over another by twice that. The last factor of
// two is for what doubles round.
float edic_tok_paths_rounding(size_t length, float most) {
    return (float)((length + 1) * length) * most * 0x1p-22f;
}
