#pragma once
#include <lzma.h>

// LZMA_STREAM_INIT is an initialiser macro, which Swift cannot import.
static inline lzma_stream edic_lzma_stream(void) {
  lzma_stream stream = LZMA_STREAM_INIT;
  return stream;
}

// A cast macro, which Swift cannot import.
static const uint32_t edic_lzma_concatenated = LZMA_CONCATENATED;
