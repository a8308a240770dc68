internal import EDICNumerics

/// Causal self-attention with rotary positions, fewer key-value heads than query heads, and optional normalised
/// queries and keys (Qwen 3, Apertus).
struct RotaryAttention: Sendable {
    /// Queries, keys and values.
    let inputs: JointLinear
    let output: Linear
    let queryNorm: RMSNorm?
    let keyNorm: RMSNorm?
    let shape: AttentionShape
    /// Nil where no positions are known (SmolLM3).
    let rotary: RotaryEmbedding?
    /// How many tokens back a token sees, itself included; nil for all.
    let window: Int?

    /// h += attention(x); x: tokens × width, normalised; `angles` are the rotary ones of the batch.
    func add(
        _ x: Matrix, _ batch: TokenBatch, _ angles: RotaryEmbedding.Angles, to h: inout Matrix,
        cache: inout some DecoderCache, layer: Int, on compute: Compute
    ) {
        let projected = inputs(x, on: compute)
        var queries = projected[0]
        var keys = projected[1]
        queryNorm?.apply(to: &queries, on: compute)
        keyNorm?.apply(to: &keys, on: compute)
        rotary?.rotate(&queries, heads: shape.heads, by: angles, on: compute)
        rotary?.rotate(&keys, heads: shape.keyValueHeads, by: angles, on: compute)
        let mixed = cache.attend(
            queries: queries, keys: keys, values: projected[2], in: batch, window: window, layer: layer, on: compute)
        output.add(mixed, to: &h, on: compute)
    }
}
