#include "CEDICKernels.h"
