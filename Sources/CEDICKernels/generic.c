// Kernels in plain C, for any processor.
#include <stdint.h>
#include <string.h>

#include "kernels.h"
#include "lanes_generic.h"
#define EK_TABLE ek_kernels_generic
#include "kernels_table.h"
