#pragma once
#include <zlib.h>

// inflateInit2 is a macro, which Swift cannot import.
static inline int edic_inflate_init2(z_streamp stream, int window_bits) {
  return inflateInit2(stream, window_bits);
}

/// deflateInit2 as a function, for gzip members of the largest window.
static inline int edic_deflate_init2(z_streamp stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
}
