/// Causal self-attention with rotary positions, fewer key-value heads than query heads, and optional normalised
/// queries and keys (Qwen 3, Apertus).
struct RotaryAttention: Sendable {
    let query: Linear
    let key: Linear
    let value: Linear
    let output: Linear
    let queryNorm: RMSNorm?
    let keyNorm: RMSNorm?
    let attention: Attention
    let rotary: RotaryEmbedding
    /// How many tokens back a token sees, itself included; nil for all.
    let window: Int?

    /// x: tokens × width, normalised.
    func callAsFunction(_ x: Matrix, _ batch: TokenBatch, cache: inout KeyValueCache, layer: Int) -> Matrix {
        var queries = query(x)
        var keys = key(x)
        queryNorm?.apply(to: &queries)
        keyNorm?.apply(to: &keys)
        rotary.rotate(&queries, heads: attention.heads, positions: batch.positions, lengths: batch.lengths)
        rotary.rotate(&keys, heads: attention.keyValueHeads, positions: batch.positions, lengths: batch.lengths)
        cache.store(keys: keys, values: value(x), in: batch.newRows, layer: layer)
        let mixed = attention(
            queries, keys: cache.layers[layer].keys, values: cache.layers[layer].values,
            visible: { batch.visible($0, window: window) })
        return output(mixed)
    }
}
