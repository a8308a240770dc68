internal import EDICJSON

/// Qwen 2 and 2.5 (Yang et al. 2024): Llama's network with biases on queries, keys and values. Where a window is used at
/// all, the first layers see everything.
extension Llama {
    /// From a Hugging Face folder.
    init(
        qwen2 configuration: ModelConfiguration, _ tensors: TensorCollection, _ precision: Precision
    ) throws(ModelError) {
        var shape = try DecoderShape(qwen: configuration)
        shape.hasInputBiases = true
        try self.init(configuration, shape, tensors, precision)
    }

    /// From a GGUF file.
    init(qwen2 file: GGUF, _ precision: Precision) throws(ModelError) {
        try self.init(file, DecoderShape(file, pairing: .halves), precision)
    }
}

extension DecoderShape {
    /// The windows of all Qwens.
    init(qwen configuration: ModelConfiguration) throws(ModelError) {
        try self.init(configuration)
        let usesWindow = configuration.bool("use_sliding_window", default: false)
        window = usesWindow ? try Self.window(configuration, default: 4096) : nil
        let first = configuration["max_window_layers"]?.int ?? 28
        try setWindows(configuration, default: (0..<layers).drop { $0 < first })
    }
}
