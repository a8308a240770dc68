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
        shape.firstWindowedLayer = configuration["max_window_layers"]?.int ?? 28
        if shape.window != nil, let types = configuration["layer_types"]?.array?.map(\.string) {
            let first = types.firstIndex { $0 != "full_attention" } ?? types.count
            guard types.count == shape.layers, types[first...].allSatisfy({ $0 == "sliding_attention" }) else {
                throw ModelError(
                    .unsupported,
                    "\(configuration.source): layer_types should be full_attention for the first layers, then "
                        + "sliding_attention, \(shape.layers) in all")
            }
            shape.firstWindowedLayer = first
        }
        try self.init(configuration, shape, tensors, precision)
    }
}
