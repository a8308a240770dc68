// Kernels for 64-bit Arm.
#if defined(__aarch64__)
#include <stdint.h>
#include <string.h>

#include "kernels.h"
#include "lanes_neon.h"
#define EK_TABLE ek_kernels_neon
#include "kernels_table.h"
#endif
