// The lattices of many words at once: words in a tree by their common beginnings, each node with the pieces that end at
// it. Trees are cut into chunks that threads share out; no result depends on who works on which.
#ifndef EDIC_TOKENIZERS_LATTICE_H
#define EDIC_TOKENIZERS_LATTICE_H

#include "automaton.h"

/// A piece that ends at a node: id << 8 | length.
typedef uint32_t lattice_edge;
enum { edge_length_bits = 8, shallow = 20 };

typedef struct {
    size_t nodes, edge_count, end_count;
    uint16_t *depths;       // in the order of the tree, a node after its parent
    uint16_t *edges_at;     // how many edges each node has
    lattice_edge *edges;
    uint32_t *end_nodes;    // where words end, ascending
    uint64_t *end_values;   // how often the word occurs; or which piece it is
    uint16_t deepest;
} lattice_chunk;

/// Builds a chunk from words cells[starts[i]..<][..lengths[i]], best in sorted order. Returns 0 when memory is exhausted.
int lattice_build(lattice_chunk *chunk, const automaton *a, const uint32_t *ids, const uint32_t *cells,
                  const uint32_t *starts, const uint16_t *lengths, const uint64_t *values, size_t words);
void lattice_destroy(lattice_chunk *chunk);
/// Renames the pieces of all edges and ends; UINT32_MAX takes them out. `ends_too`: ends are pieces, and nodes that lead
/// to none go as well.
void lattice_rename(lattice_chunk *chunk, const uint32_t *new_ids, int ends_too);

/// Scratch memory for one thread.
typedef struct {
    double *alpha, *flow, *best;
    int32_t *exponents;
    uint64_t *counts;
    lattice_edge *best_edges;
    float *shares;
    uint16_t *choices;
    size_t depth_capacity, edge_capacity, node_capacity;
} lattice_scratch;

int lattice_reserve(lattice_scratch *s, const lattice_chunk *chunk);
void lattice_scratch_destroy(lattice_scratch *s);

/// Adds how often each piece is expected, times `scale`; returns the sum of log-probabilities.
double lattice_expect(const lattice_chunk *chunk, lattice_scratch *s, const double *probabilities, double scale,
                      int64_t *expected);
/// Adds how often each piece is on the best path.
void lattice_count_best(const lattice_chunk *chunk, lattice_scratch *s, const double *scores, uint64_t *counts);
/// For each end, a piece: what is lost without it, as `losses[piece]`; -1 where its best path is not itself.
void lattice_losses(const lattice_chunk *chunk, lattice_scratch *s, const double *scores, const uint64_t *counts,
                    uint64_t total, double *losses);

#endif
