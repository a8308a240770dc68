// Splitting at separators, for edic_tok_split.
#ifndef EDIC_TOK_CHUNKS_H
#define EDIC_TOK_CHUNKS_H

#include "CEDICTokenizers.h"

// As edic_tok_split, for edic_tok_family_chunks with separators.
size_t edic_tok_split_chunks(const edic_tok_pattern *pattern, const uint8_t *s, size_t n, size_t from, uint32_t *begins,
                             uint32_t *ends, size_t capacity, size_t *resume);

#endif
