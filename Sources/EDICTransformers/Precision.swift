/// In which numbers a model computes.
public enum Precision: String, Sendable, Hashable, CaseIterable {
    /// In those its file has: 8- and 4-bit weights stay so, and activations meet them as 16-bit numbers; float weights
    /// are computed in floats.
    case asPublished
    /// Weights become single-precision floats first: the reference to compare with, at four times the memory of int8.
    case float32
    /// Float weights are rounded to 8 bits with a scale for each output, and activations to 8 bits with a scale for each
    /// row, or for 32 inputs where the weights are in blocks (256 for K formats): the fastest where the processor
    /// multiplies bytes. On AVX2, activations that meet weights of 8 bits have 7. Keys and values that a decoder looks at
    /// token after token have 16 bits (`AttentionStorage.compact`), but for those of a translation's own words.
    case int8
}
