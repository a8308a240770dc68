internal import EDICJSON

/// Qwen 3 (Yang et al. 2025), its dense models: Qwen 2's network without biases, whose queries and keys are normalised,
/// head by head, before they are rotated.
extension Llama {
    /// From a Hugging Face folder.
    init(
        qwen3 configuration: ModelConfiguration, _ tensors: TensorCollection, _ precision: Precision
    ) throws(ModelError) {
        let configuration = configuration.supposing(["head_dim": 128, "num_key_value_heads": 32])
        var shape = try DecoderShape(qwen: configuration)
        shape.normalizesHeads = true
        try self.init(configuration, shape, tensors, precision)
    }

    /// From a GGUF file.
    init(qwen3 file: GGUF, _ precision: Precision) throws(ModelError) {
        var shape = try DecoderShape(file, pairing: .halves)
        shape.normalizesHeads = true
        try self.init(file, shape, precision)
    }
}
