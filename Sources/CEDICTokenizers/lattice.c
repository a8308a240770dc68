#include "lattice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void lattice_destroy(lattice_chunk *c) {
    free(c->depths);
    free(c->edges_at);
    free(c->edges);
    free(c->end_nodes);
    free(c->end_values);
    *c = (lattice_chunk){0};
}

int lattice_build(lattice_chunk *c, const automaton *a, const uint32_t *ids, const uint32_t *cells,
                  const uint32_t *starts, const uint16_t *lengths, const uint64_t *values, size_t words) {
    size_t most = 0, edge_capacity = 0;
    *c = (lattice_chunk){0};
    for (size_t w = 0; w < words; w++) {
        most += lengths[w];
        if (lengths[w] > c->deepest) c->deepest = lengths[w];
    }
    uint32_t *path = calloc((size_t)c->deepest + 1, sizeof *path);
    c->depths = malloc((most + 1) * sizeof *c->depths);
    c->edges_at = malloc((most + 1) * sizeof *c->edges_at);
    c->end_nodes = malloc((words + 1) * sizeof *c->end_nodes);
    c->end_values = malloc((words + 1) * sizeof *c->end_values);
    int done = path && c->depths && c->edges_at && c->end_nodes && c->end_values;
    for (size_t w = 0; w < words && done; w++) {
        const uint32_t *s = cells + starts[w];
        uint32_t shared = 0;
        if (w > 0) {
            // A word's end is always a node of its own.
            const uint32_t *before = cells + starts[w - 1];
            uint32_t limit = lengths[w - 1] < lengths[w] - 1u ? lengths[w - 1] : lengths[w] - 1u;
            while (shared < limit && s[shared] == before[shared]) shared++;
        }
        for (uint32_t d = shared; d < lengths[w] && done; d++) {
            uint32_t state = path[d + 1] = automaton_next(a, path[d], s[d]);
            size_t before = c->edge_count;
            for (automaton_output o = a->outputs[state]; o.piece != UINT32_MAX; o = a->outputs[o.next]) {
                // From the state itself on, so lengths get shorter.
                if (c->edge_count == edge_capacity) {
                    edge_capacity = edge_capacity * 2 + 1024;
                    lattice_edge *more = realloc(c->edges, edge_capacity * sizeof *more);
                    if (!more) {
                        done = 0;
                        break;
                    }
                    c->edges = more;
                }
                c->edges[c->edge_count++] = ids[o.piece];
            }
            c->depths[c->nodes] = (uint16_t)(d + 1);
            c->edges_at[c->nodes++] = (uint16_t)(c->edge_count - before);
        }
        c->end_nodes[c->end_count] = (uint32_t)c->nodes - 1;
        c->end_values[c->end_count++] = values[w];
    }
    free(path);
    if (!done) lattice_destroy(c);
    return done;
}

void lattice_rename(lattice_chunk *c, const uint32_t *new_ids, int ends_too) {
    size_t kept_edges = 0, kept_nodes = 0, kept_ends = 0, end = 0, edge = 0;
    // A node is needed when an end is at or below it. In the order of the tree that is known only later, so nodes are
    // kept at first and taken back when the tree goes up past them with no end since.
    uint32_t needed = 0;            // nodes before this index are needed
    for (size_t i = 0; i < c->nodes; i++) {
        uint16_t depth = c->depths[i], count = c->edges_at[i];
        if (ends_too) {
            while (kept_nodes > needed && c->depths[kept_nodes - 1] >= depth) kept_edges -= c->edges_at[--kept_nodes];
        }
        size_t before = kept_edges;
        for (uint16_t e = 0; e < count; e++, edge++) {
            uint32_t id = new_ids[c->edges[edge] >> edge_length_bits];
            if (id != UINT32_MAX) c->edges[kept_edges++] = id << edge_length_bits | (c->edges[edge] & 255);
        }
        c->depths[kept_nodes] = depth;
        c->edges_at[kept_nodes++] = (uint16_t)(kept_edges - before);
        for (; end < c->end_count && c->end_nodes[end] == i; end++) {
            uint64_t value = c->end_values[end];
            if (ends_too) value = new_ids[value];
            if (value == UINT32_MAX && ends_too) continue;
            c->end_nodes[kept_ends] = (uint32_t)kept_nodes - 1;
            c->end_values[kept_ends++] = value;
            needed = (uint32_t)kept_nodes;
        }
    }
    if (ends_too) {
        while (kept_nodes > needed) kept_edges -= c->edges_at[--kept_nodes];
    }
    c->nodes = kept_nodes;
    c->end_count = kept_ends;
    if (kept_edges < c->edge_count) {
        c->edge_count = kept_edges;
        lattice_edge *fewer = realloc(c->edges, (kept_edges + 1) * sizeof *fewer);
        if (fewer) c->edges = fewer;
    }
}

void lattice_scratch_destroy(lattice_scratch *s) {
    free(s->alpha);
    free(s->flow);
    free(s->best);
    free(s->exponents);
    free(s->counts);
    free(s->best_edges);
    free(s->shares);
    free(s->choices);
    *s = (lattice_scratch){0};
}

int lattice_reserve(lattice_scratch *s, const lattice_chunk *c) {
    if (c->deepest + 1u > s->depth_capacity) {
        s->depth_capacity = c->deepest + 1u;
        free(s->alpha);
        free(s->flow);
        free(s->best);
        free(s->exponents);
        free(s->counts);
        free(s->best_edges);
        s->alpha = malloc(s->depth_capacity * sizeof *s->alpha);
        s->flow = calloc(s->depth_capacity, sizeof *s->flow);
        s->best = malloc(s->depth_capacity * sizeof *s->best);
        s->exponents = malloc(s->depth_capacity * sizeof *s->exponents);
        s->counts = calloc(s->depth_capacity, sizeof *s->counts);
        s->best_edges = malloc(s->depth_capacity * sizeof *s->best_edges);
        if (!s->alpha || !s->flow || !s->best || !s->exponents || !s->counts || !s->best_edges) return 0;
    }
    if (c->edge_count > s->edge_capacity) {
        s->edge_capacity = c->edge_count;
        free(s->shares);
        if (!(s->shares = malloc(s->edge_capacity * sizeof *s->shares))) return 0;
    }
    if (c->nodes > s->node_capacity) {
        s->node_capacity = c->nodes;
        free(s->choices);
        if (!(s->choices = malloc(s->node_capacity * sizeof *s->choices))) return 0;
    }
    return 1;
}

// A node's probability is the sum over the pieces that end at it of theirs times that of the node where they begin. How
// often a node is passed then flows back along the same edges in proportion, from ends to the root: words with a common
// beginning share the work, and nothing has to be divided by a word's probability.
double lattice_expect(const lattice_chunk *c, lattice_scratch *s, const double *probabilities, double scale,
                      int64_t *expected) {
    double *alpha = s->alpha, *flow = s->flow, total = 0;
    int32_t *exponents = s->exponents;
    size_t edge = 0, end = 0;
    alpha[0] = 1;
    exponents[0] = 0;
    for (size_t i = 0; i < c->nodes; i++) {
        uint32_t d = c->depths[i];
        size_t last = edge + c->edges_at[i];
        double sum = 0;
        if (d <= shallow) {
            for (size_t e = edge; e < last; e++) {
                lattice_edge x = c->edges[e];
                double term = alpha[d - (x & 255)] * probabilities[x >> edge_length_bits];
                sum += term;
            }
            double inverse = 1 / sum;
            for (size_t e = edge; e < last; e++) {
                lattice_edge x = c->edges[e];
                s->shares[e] = (float)(alpha[d - (x & 255)] * probabilities[x >> edge_length_bits] * inverse);
            }
            alpha[d] = sum;
            exponents[d] = 0;
        } else {
            // Far from the root probabilities get too small for a number and have exponents of their own.
            int32_t base = exponents[d - 1];
            for (size_t e = edge; e < last; e++) {
                lattice_edge x = c->edges[e];
                uint32_t from = d - (x & 255);
                double term = ldexp(alpha[from] * probabilities[x >> edge_length_bits], exponents[from] - base);
                sum += term;
                s->shares[e] = (float)term;
            }
            int exponent;
            alpha[d] = frexp(sum, &exponent);
            exponents[d] = base + exponent;
            for (size_t e = edge; e < last; e++) {
                lattice_edge x = c->edges[e];
                uint32_t from = d - (x & 255);
                double term = ldexp(alpha[from] * probabilities[x >> edge_length_bits], exponents[from] - base);
                s->shares[e] = (float)(term / sum);
            }
        }
        edge = last;
        for (; end < c->end_count && c->end_nodes[end] == i; end++) {
            total += (double)c->end_values[end] * (log(alpha[d]) + exponents[d] * 0.6931471805599453);
        }
    }
    for (size_t i = c->nodes; i-- > 0;) {
        uint32_t d = c->depths[i];
        size_t first = edge - c->edges_at[i];
        double passing = flow[d];
        flow[d] = 0;
        for (; end > 0 && c->end_nodes[end - 1] == i; end--) passing += (double)c->end_values[end - 1];
        double scaled = passing * scale;
        for (size_t e = first; e < edge; e++) {
            lattice_edge x = c->edges[e];
            flow[d - (x & 255)] += passing * (double)s->shares[e];
            expected[x >> edge_length_bits] += (int64_t)(scaled * (double)s->shares[e]);
        }
        edge = first;
    }
    flow[0] = 0;
    return total;
}

void lattice_count_best(const lattice_chunk *c, lattice_scratch *s, const double *scores, uint64_t *counts) {
    double *best = s->best;
    uint64_t *passing = s->counts;
    size_t edge = 0, end = c->end_count;
    best[0] = 0;
    for (size_t i = 0; i < c->nodes; i++) {
        uint32_t d = c->depths[i], n = c->edges_at[i], choice = 0;
        double most = -INFINITY;
        for (uint32_t e = 0; e < n; e++) {
            lattice_edge x = c->edges[edge + e];
            double score = best[d - (x & 255)] + scores[x >> edge_length_bits];
            if (score > most) {
                most = score;
                choice = e;
            }
        }
        best[d] = most;
        s->choices[i] = (uint16_t)choice;
        edge += n;
    }
    for (size_t i = c->nodes; i-- > 0;) {
        uint32_t d = c->depths[i];
        uint64_t n = passing[d];
        passing[d] = 0;
        edge -= c->edges_at[i];
        for (; end > 0 && c->end_nodes[end - 1] == i; end--) n += c->end_values[end - 1];
        if (n == 0) continue;
        lattice_edge x = c->edges[edge + s->choices[i]];
        passing[d - (x & 255)] += n;
        counts[x >> edge_length_bits] += n;
    }
    passing[0] = 0;
}

void lattice_losses(const lattice_chunk *c, lattice_scratch *s, const double *scores, const uint64_t *counts,
                    uint64_t total, double *losses) {
    double *best = s->best, log_total = log((double)total);
    size_t edge = 0, end = 0;
    best[0] = 0;
    for (size_t i = 0; i < c->nodes; i++) {
        uint32_t d = c->depths[i], n = c->edges_at[i];
        lattice_edge whole = 0, parts = 0;
        double with_whole = -INFINITY, with_parts = -INFINITY;
        for (uint32_t e = 0; e < n; e++) {
            lattice_edge x = c->edges[edge + e];
            double score = best[d - (x & 255)] + scores[x >> edge_length_bits];
            if ((x & 255) == d) {
                with_whole = score;
                whole = x;
            } else if (score > with_parts) {
                with_parts = score;
                parts = x;
            }
        }
        edge += n;
        int is_whole = with_whole >= with_parts;
        best[d] = is_whole ? with_whole : with_parts;
        s->best_edges[d] = is_whole ? whole : parts;
        for (; end < c->end_count && c->end_nodes[end] == i; end++) {
            uint32_t piece = (uint32_t)c->end_values[end];
            double count = (double)counts[piece];
            if (d == 1) {
                losses[piece] = INFINITY;       // a character has no parts
            } else if (!is_whole || counts[piece] == 0) {
                losses[piece] = -1;
            } else if (with_parts == -INFINITY) {
                losses[piece] = INFINITY;
            } else {
                // Each occurrence is spelt with the parts instead, which then are that much more frequent.
                double sum = 0, others = 0;
                lattice_edge x = parts;
                for (uint32_t at = d;; x = s->best_edges[at]) {
                    sum += log((double)counts[x >> edge_length_bits] + count);
                    others += 1;
                    at -= x & 255;
                    if (at == 0) break;
                }
                double with = log(count) - log_total;
                double without = sum - others * log((double)total + count * (others - 1));
                losses[piece] = count / (double)total * (with - without);
                if (losses[piece] < 0) losses[piece] = 0;
            }
        }
    }
}
