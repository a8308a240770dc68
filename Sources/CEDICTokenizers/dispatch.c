// Which kernels run: chosen once, by what the machine has.
#include <stdatomic.h>
#include <string.h>

#include "CEDICTokenizers.h"
#include "kernels.h"

static const edic_tok_kernels *_Atomic chosen;

static int is_supported(const edic_tok_kernels *k) {
#if defined(__x86_64__)
    if (k == &edic_tok_kernels_avx512) {
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
            && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("bmi2");
    }
    if (k == &edic_tok_kernels_avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
#endif
    return k != NULL;
}

// The first that the machine supports is chosen. Those for AVX-512 stand behind, and are used only where they are asked for
// by name: on Zen 4 they are no faster (OPTIMIZATIONS.md), since merging, which takes the time, has 256 bits in both.
static const edic_tok_kernels *const all[] = {
#if defined(__x86_64__)
    &edic_tok_kernels_avx2, &edic_tok_kernels_avx512,
#elif defined(__aarch64__)
    &edic_tok_kernels_neon,
#endif
    &edic_tok_kernels_generic,
};

const edic_tok_kernels *edic_tok_kernels_now(void) {
    const edic_tok_kernels *k = atomic_load_explicit(&chosen, memory_order_acquire);
    if (k) return k;
    size_t i = 0;
    while (!is_supported(all[i])) i++;
    atomic_store_explicit(&chosen, all[i], memory_order_release);
    return all[i];
}

int edic_tok_use_kernels(const char *name) {
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (strcmp(all[i]->name, name) != 0 || !is_supported(all[i])) continue;
        atomic_store_explicit(&chosen, all[i], memory_order_release);
        return 1;
    }
    return 0;
}
