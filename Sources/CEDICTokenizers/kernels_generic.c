// The kernels in plain C, for machines without the others' instructions.
#include "kernels_body.h"
#include "merging_body.h"

const edic_tok_kernels edic_tok_kernels_generic = {"generic", letters, classes, members, merge};
