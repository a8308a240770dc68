/// In which numbers a model computes.
public enum Precision: String, Sendable, Hashable, CaseIterable {
    /// In those its file has: 8- and 4-bit weights stay so, and activations meet them as 8-bit numbers, one scale for
    /// 32; float weights are computed in floats.
    case asPublished
    /// Weights become single-precision floats first: the reference to compare with, at four times the memory of int8.
    case float32
    /// Float weights are rounded to 8 bits with a scale for each output, activations with a scale for each row: the
    /// fastest.
    case int8
}
