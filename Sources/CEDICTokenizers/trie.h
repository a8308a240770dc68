// The inside of edic_tok_trie, for the loops that walk many words at once.
#ifndef EDIC_TOK_TRIE_H
#define EDIC_TOK_TRIE_H

#include <stddef.h>
#include <stdint.h>

// A node is 4 bytes, so that a vocabulary's nodes stay near: the byte that leads to it, whether it is a node, whether a key
// ends there, and where its children are, at base + byte. No two nodes share a base, so the byte says whose child a node is.
enum { EDIC_TOK_NODE = 1 << 8, EDIC_TOK_KEY_BIT = 9, EDIC_TOK_KEY = 1 << EDIC_TOK_KEY_BIT, EDIC_TOK_BASE = 10 };

// What a node where a key ends stands for; the score is -INFINITY where none does. One look finds both.
typedef struct {
    float score;
    uint32_t id;
} edic_tok_key;

struct edic_tok_trie {
    uint32_t *nodes;                // the root first, which is nobody's child
    edic_tok_key *keys;             // by node
    double *exact;                  // the scores, where they are not all floats
    size_t count;                   // every base + 255 is below it
    int is_odd;                     // whether a key has a byte 0xFF or a score is infinite
};

// Whether `node` is what its place is looked at for: the child by `byte`.
static inline int edic_tok_is_child(uint32_t node, uint8_t byte) {
    return (node & (EDIC_TOK_NODE | 0xFF)) == ((uint32_t)EDIC_TOK_NODE | byte);
}

// Whether a key begins with the byte.
int edic_tok_trie_begins(const struct edic_tok_trie *trie, uint8_t byte);

#endif
