// Questions to the operating system that Swift's view of the C library cannot ask.
#define _GNU_SOURCE
#include "CEDICKernels.h"

#if defined(__linux__)
#include <sched.h>
#endif

int32_t ek_allowed_processors(void) {
#if defined(__linux__)
    cpu_set_t mask;
    if (sched_getaffinity(0, sizeof mask, &mask) == 0) return CPU_COUNT(&mask);
#endif
    return 0;
}
