// The inside of edic_tok_memory: tables that threads share while they are replaced by greater ones.
//
// A thread holds the regions it works with, so that one that was replaced stays as it is until the last thread has gone on
// to its successor. What threads add to a region after that is lost, which costs no more than learning it again.
#ifndef EDIC_TOK_MEMORY_H
#define EDIC_TOK_MEMORY_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

enum { EDIC_TOK_WORDS = 0, EDIC_TOK_LONG_WORDS = 1, EDIC_TOK_ARENA = 2, EDIC_TOK_REGIONS = 3 };

typedef struct {
    size_t holders, size;           // size in bytes
    size_t used;                    // entries, of the arena ids
    void *bytes;                    // zeros at first
} edic_tok_region;

struct edic_tok_memory {
    pthread_mutex_t lock;           // of version and regions
    pthread_mutex_t growing;        // held by who makes a successor
    uint64_t version;
    edic_tok_region *regions[EDIC_TOK_REGIONS];
    size_t most[EDIC_TOK_REGIONS];  // bytes
    int wide;
};

#endif
