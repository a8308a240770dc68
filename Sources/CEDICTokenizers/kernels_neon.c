// The kernels in NEON, which every 64-bit ARM has.
#if defined(__aarch64__)
#define EDIC_NEON 1
#include "kernels_body.h"
#include "merging_body.h"

const edic_tok_kernels edic_tok_kernels_neon = {"neon", letters, classes, members, merge};
#endif
