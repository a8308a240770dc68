#pragma once
// Private to this target: the classes of the scalars below U+10000, filled on first use from ICU's properties.

#include <stdint.h>

const uint8_t *edic_bmp_classes(void);
