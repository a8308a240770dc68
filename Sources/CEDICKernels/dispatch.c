// Which kernels this processor runs.
#include "kernels.h"

int32_t ek_isa_available(ek_isa isa) {
    switch (isa) {
    case ek_isa_generic: return 1;
#if defined(__x86_64__)
    case ek_isa_avx2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
    case ek_isa_avx512:
        return ek_isa_available(ek_isa_avx2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    case ek_isa_avx512vnni: return ek_isa_available(ek_isa_avx512) && __builtin_cpu_supports("avx512vnni");
#elif defined(__aarch64__)
    case ek_isa_neon: return 1;
#endif
    default: return 0;
    }
}

const ek_kernels *ek_kernels_for(ek_isa isa) {
    switch (isa) {
#if defined(__x86_64__)
    case ek_isa_avx2: return &ek_kernels_avx2;
    case ek_isa_avx512: return &ek_kernels_avx512;
    case ek_isa_avx512vnni: return &ek_kernels_avx512vnni;
#elif defined(__aarch64__)
    case ek_isa_neon: return &ek_kernels_neon;
#endif
    default: return &ek_kernels_generic;
    }
}
