internal import EDICJSON

/// SmolLM3 (Bakouch et al. 2025): Llama's network with some layers, every fourth as published, that know no positions.
/// Where a window is used at all, these have it.
extension Llama {
    /// From a Hugging Face folder.
    init(
        smolLM3 configuration: ModelConfiguration, _ tensors: TensorCollection, _ precision: Precision
    ) throws(ModelError) {
        let configuration = configuration.supposing([
            "num_key_value_heads": 4, "rope_theta": 2e6, "tie_word_embeddings": true, "no_rope_layer_interval": 4,
        ])
        var shape = try DecoderShape(configuration)
        if configuration.has("no_rope_layers") {
            let rotated = configuration["no_rope_layers"]?.array?.map(\.int) ?? []
            // The name is misleading: 1 is for rotary positions, 0 for none.
            guard rotated.count >= shape.layers, rotated.allSatisfy({ $0 == 0 || $0 == 1 }) else {
                throw ModelError(
                    .malformed,
                    "\(configuration.source): no_rope_layers should be 0 or 1 for each of \(shape.layers) layers")
            }
            shape.unrotatedLayers = Set((0..<shape.layers).filter { rotated[$0] == 0 })
        } else {
            shape.leaveUnrotated(every: try configuration.count("no_rope_layer_interval"))
        }
        // Layers whose types are given have the window whether it is said to be used or not.
        shape.window = configuration.has("sliding_window") ? try configuration.count("sliding_window") : nil
        let usesWindow = configuration.bool("use_sliding_window", default: false)
        try shape.setWindows(configuration, default: usesWindow ? shape.unrotatedLayers : [])
        try self.init(configuration, shape, tensors, precision)
    }

    /// From a GGUF file, which does not say which layers are rotated.
    init(smolLM3 file: GGUF, _ precision: Precision) throws(ModelError) {
        var shape = try DecoderShape(file, pairing: .neighbours)
        shape.leaveUnrotated(every: 4)
        try self.init(file, shape, precision)
    }
}

extension DecoderShape {
    fileprivate mutating func leaveUnrotated(every interval: Int) {
        unrotatedLayers = Set((0..<layers).filter { ($0 + 1) % interval == 0 })
    }
}
