// Kernels in plain C, for any processor.
#include <stdint.h>
#include <string.h>

// Lanes are arrays here, in memory anyway: unrolled tiles would only multiply the code.
#define EK_UNROLL
#include "kernels.h"
#include "lanes_generic.h"
#define EK_TABLE ek_kernels_generic
#include "kernels_table.h"
