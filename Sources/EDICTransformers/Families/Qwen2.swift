internal import EDICJSON

/// Qwen 2 and 2.5 (Yang et al. 2024): Llama's network with biases on queries, keys and values. Where a window is used at
/// all, the first layers see everything.
extension Llama {
    /// From a Hugging Face folder.
    init(
        qwen2 configuration: ModelConfiguration, _ tensors: TensorCollection, _ precision: Precision
    ) throws(ModelError) {
        var shape = try DecoderShape(configuration)
        if !configuration.bool("use_sliding_window", default: false) {
            shape.window = nil
        } else if configuration.json["sliding_window"] == nil {
            shape.window = 4096
        }
        let first = configuration["max_window_layers"]?.int ?? 28
        try shape.setWindows(configuration, default: (0..<shape.layers).drop { $0 < first })
        try self.init(configuration, shape, tensors, precision)
    }
}
