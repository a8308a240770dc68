// Turning rows into lanes in plain C.
#pragma once

/// Writes number d of 16 rows side by side at out + 16 * d, for d in 0 ..< n.
static inline void ek_turn_rows(const float *const rows[16], size_t n, float *out) {
    for (size_t d = 0; d < n; d++)
        for (int i = 0; i < 16; i++) out[16 * d + (size_t)i] = rows[i][d];
}
