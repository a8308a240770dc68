internal import CEDICKernels

/// How the numbers of a weight matrix are stored in a file.
///
/// The block formats are those of GGUF: a block shares one or two half-precision scales, and in the `k` formats a
/// superblock of 256 numbers has small integer scales for its parts.
public enum NumberFormat: String, Sendable, CaseIterable {
    case f32, f16, bf16
    /// Signed bytes with one scale for each row.
    case int8
    // These are the formats' own names.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case q8_0, q4_0, q4_1, q5_0, q5_1, q4_k, q5_k, q6_k

    /// Numbers in the smallest unit; the length of a row must be a multiple of it.
    public var blockLength: Int { ek_block_length(c) }

    /// Bytes of the smallest unit in a file.
    public var blockBytes: Int { self == .int8 ? 1 : ek_block_bytes(c) }

    /// Bytes of `count` numbers in a file; nil where that is no whole number of blocks or too many to count.
    public func byteCount(of count: Int) -> Int? {
        guard count >= 0, count % blockLength == 0 else { return nil }
        let (bytes, overflow) = (count / blockLength).multipliedReportingOverflow(by: blockBytes)
        return overflow ? nil : bytes
    }

    var c: ek_format {
        switch self {
        case .f32: .f32
        case .f16: .f16
        case .bf16: .bf16
        case .int8: .int8
        case .q8_0: .q8_0
        case .q4_0: .q4_0
        case .q4_1: .q4_1
        case .q5_0: .q5_0
        case .q5_1: .q5_1
        case .q4_k: .q4_k
        case .q5_k: .q5_k
        case .q6_k: .q6_k
        }
    }
}
