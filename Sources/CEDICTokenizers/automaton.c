#include "automaton.h"

#include <stdlib.h>
#include <string.h>

static void add_step(automaton *a, uint32_t state, uint32_t symbol, uint32_t child) {
    uint64_t key = (uint64_t)state << 32 | symbol, hash = (key ^ key >> 29) * 0x9E3779B97F4A7C15u;
    size_t mask = ((size_t)1 << a->bits) - 1, at = (size_t)(hash >> (64 - a->bits));
    while (a->steps[at].key != UINT64_MAX) at = (at + 1) & mask;
    a->steps[at] = (automaton_step){key, child};
}

void automaton_destroy(automaton *a) {
    free(a->steps);
    free(a->fallback);
    free(a->outputs);
    free(a->roots);
    *a = (automaton){0};
}

int automaton_create(automaton *a, const uint32_t *cells, const uint32_t *starts, const uint32_t *lengths, size_t pieces,
                     uint32_t symbols) {
    *a = (automaton){.symbols = symbols};
    // How many states: what each piece does not share with the one before.
    size_t states = 1;
    for (size_t p = 0; p < pieces; p++) {
        uint32_t shared = 0;
        if (p > 0) {
            const uint32_t *x = cells + starts[p - 1], *y = cells + starts[p];
            while (shared < lengths[p - 1] && shared < lengths[p] && x[shared] == y[shared]) shared++;
        }
        states += lengths[p] - shared;
    }
    a->states = states;
    a->bits = 10;
    while ((size_t)1 << a->bits < states * 2) a->bits++;
    a->steps = malloc(sizeof *a->steps << a->bits);
    a->fallback = calloc(states, sizeof *a->fallback);
    a->outputs = malloc(states * sizeof *a->outputs);
    a->roots = calloc(symbols, sizeof *a->roots);
    uint32_t *parents = malloc(states * sizeof *parents), *letters = malloc(states * sizeof *letters);
    uint8_t *depths = malloc(states);
    uint32_t *order = malloc(states * sizeof *order);
    int done = a->steps && a->fallback && a->outputs && a->roots && parents && letters && depths && order && states < UINT32_MAX;
    if (done) {
        for (size_t i = 0; i < (size_t)1 << a->bits; i++) a->steps[i].key = UINT64_MAX;
        for (size_t i = 0; i < states; i++) a->outputs[i] = (automaton_output){UINT32_MAX, 0};
        uint32_t path[257] = {0}, made = 1;
        depths[0] = 0;
        for (size_t p = 0; p < pieces; p++) {
            uint32_t shared = 0;
            if (p > 0) {
                const uint32_t *x = cells + starts[p - 1], *y = cells + starts[p];
                while (shared < lengths[p - 1] && shared < lengths[p] && x[shared] == y[shared]) shared++;
            }
            for (uint32_t d = shared; d < lengths[p]; d++) {
                uint32_t symbol = cells[starts[p] + d], state = made++;
                if (d == 0) a->roots[symbol] = state; else add_step(a, path[d], symbol, state);
                parents[state] = path[d];
                letters[state] = symbol;
                depths[state] = (uint8_t)(d + 1);
                path[d + 1] = state;
            }
            a->outputs[path[lengths[p]]].piece = (uint32_t)p;
        }
        // The shallow first: a state falls back to a shallower one.
        size_t at[257] = {0};
        for (size_t i = 0; i < states; i++) at[depths[i] + 1]++;
        for (size_t d = 0; d < 256; d++) at[d + 1] += at[d];
        for (size_t i = 0; i < states; i++) order[at[depths[i]]++] = (uint32_t)i;
        for (size_t i = 1; i < states; i++) {
            uint32_t s = order[i];
            if (depths[s] > 1) a->fallback[s] = automaton_next(a, a->fallback[parents[s]], letters[s]);
            uint32_t f = a->fallback[s];
            // A state that is no piece stands for the next one that is.
            if (a->outputs[s].piece == UINT32_MAX) a->outputs[s] = a->outputs[f];
            else a->outputs[s].next = a->outputs[f].piece == UINT32_MAX ? 0 : f;
        }
    }
    free(parents);
    free(letters);
    free(depths);
    free(order);
    if (!done) automaton_destroy(a);
    return done;
}
