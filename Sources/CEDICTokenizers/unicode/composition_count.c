// Written by Tools/unicode-tables from the Unicode Character Database 16.0.0 and tokenizers; do not edit.
#include "../tables.h"

const uint32_t edic_tok_composition_count = 940;
