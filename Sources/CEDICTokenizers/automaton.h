// All pieces that end at a place of a word, found in one walk (Aho and Corasick 1975).
#ifndef EDIC_TOKENIZERS_AUTOMATON_H
#define EDIC_TOKENIZERS_AUTOMATON_H

#include <stdint.h>
#include <stddef.h>

typedef struct {
    uint32_t piece;         // the longest piece that ends here, UINT32_MAX: none
    uint32_t next;          // the state with the next shorter one
} automaton_output;

typedef struct {
    uint64_t key;           // state << 32 | symbol
    uint64_t state;
} automaton_step;

typedef struct {
    size_t states;
    automaton_step *steps;
    unsigned bits;
    uint32_t *fallback;     // the state of the longest proper suffix that begins a piece
    automaton_output *outputs;
    uint32_t symbols;
    uint32_t *roots;        // the root's steps
} automaton;

/// Pieces are distinct and in the order of their symbols, each of 1 to 255. Returns 0 when memory is exhausted.
int automaton_create(automaton *a, const uint32_t *cells, const uint32_t *starts, const uint32_t *lengths, size_t pieces,
                     uint32_t symbols);
void automaton_destroy(automaton *a);

static inline uint32_t automaton_child(const automaton *a, uint32_t state, uint32_t symbol) {
    uint64_t key = (uint64_t)state << 32 | symbol, hash = (key ^ key >> 29) * 0x9E3779B97F4A7C15u;
    size_t mask = ((size_t)1 << a->bits) - 1, at = (size_t)(hash >> (64 - a->bits));
    for (;; at = (at + 1) & mask) {
        if (a->steps[at].key == key) return (uint32_t)a->steps[at].state;
        if (a->steps[at].key == UINT64_MAX) return UINT32_MAX;
    }
}

static inline uint32_t automaton_next(const automaton *a, uint32_t state, uint32_t symbol) {
    while (state != 0) {
        uint32_t child = automaton_child(a, state, symbol);
        if (child != UINT32_MAX) return child;
        state = a->fallback[state];
    }
    return a->roots[symbol];
}

#endif
