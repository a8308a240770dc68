// Fewer than 16 floats, for instruction sets without masked loads and stores. Kept out of line: tails are rare, and
// inlined into every tile they would multiply the code.
#pragma once

static __attribute__((noinline)) void ek_gather_lanes(float *lanes, const float *p, size_t n, float fill) {
    for (size_t i = 0; i < 16; i++) lanes[i] = fill;
    memcpy(lanes, p, n * sizeof(float));
}

/// Loads min(n, 16) floats, the missing ones as `fill`.
static inline vf vf_load_some(const float *p, size_t n, float fill) {
    if (n >= 16) return vf_load(p);
    float lanes[16];
    ek_gather_lanes(lanes, p, n, fill);
    return vf_load(lanes);
}

static inline void vf_store_some(float *p, size_t n, vf value) {
    if (n >= 16) return vf_store(p, value);
    float lanes[16];
    vf_store(lanes, value);
    memcpy(p, lanes, n * sizeof(float));
}
