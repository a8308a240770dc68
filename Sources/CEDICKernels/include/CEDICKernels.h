// What EDICNumerics calls: loops over memory the caller owns. Nothing here allocates, and nothing keeps a pointer.
#pragma once

#include <stddef.h>
#include <stdint.h>

// ---- The machine ----

/// Processors in this thread's affinity mask, or 0 where the system does not say.
int32_t ek_allowed_processors(void);

/// Tells the processor that this thread is in a waiting loop.
static inline void ek_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}
