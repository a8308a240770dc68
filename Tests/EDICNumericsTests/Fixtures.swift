import EDICNumerics
import SystemPackage
import _EDICTestSupport

/// Numbers with the spread of trained weights: bell-shaped, with a few large ones.
func randomFloats(_ count: Int, seed: UInt64, scale: Float = 1) -> [Float] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
        let bell = (0..<4).reduce(Float(-2)) { sum, _ in sum + Float.random(in: 0..<1, using: &generator) }
        return bell * scale * (generator.next() % 64 == 0 ? 8 : 1)
    }
}

/// Random blocks of a file format whose half-precision scales are ordinary numbers.
func randomBlocks(_ format: NumberFormat, rows: Int, columns: Int, seed: UInt64) -> [UInt8] {
    var generator = SeededGenerator(seed: seed)
    let row = format.byteCount(of: columns) ?? 0
    var bytes = (0..<rows * row).map { _ in UInt8.random(in: 0 ... .max, using: &generator) }
    if format == .f32 {
        return randomFloats(rows * columns, seed: seed).flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32($0))) }
        }
    }
    // Where half-precision (or bfloat16) numbers lie in a block: keep their exponents small.
    let halves: [Int] =
        switch format {
        case .f16, .bf16: [0]
        case .q8_0, .q4_0, .q5_0: [0]
        case .q4_1, .q5_1, .q4_k, .q5_k: [0, 2]
        case .q6_k: [208]
        default: []
        }
    for block in stride(from: 0, to: bytes.count, by: format.blockBytes) {
        for half in halves {
            let high = block + half + 1
            bytes[high] =
                format == .bf16 ? bytes[high] & 0x80 | 0x3E | bytes[high] & 1 : bytes[high] & 0x83 | 0x24
        }
    }
    return bytes
}

/// A matrix of each format over random weights.
func randomMatrix(_ format: NumberFormat, rows: Int, columns: Int, seed: UInt64) throws -> WeightMatrix {
    if format == .int8 {
        return try WeightMatrix(
            rows: rows, columns: columns, quantizing: randomFloats(rows * columns, seed: seed).span)
    }
    return try WeightMatrix(
        rows: rows, columns: columns, format: format,
        bytes: randomBlocks(format, rows: rows, columns: columns, seed: seed).span)
}

/// All bytes of a file.
func contents(_ path: String) throws -> [UInt8] {
    try MappedFile(FilePath(path)).withBytes { span in span.indices.map { span[$0] } }
}

/// The float32 numbers of a NumPy file.
func numpyFloats(_ path: String) throws -> [Float] {
    let bytes = try contents(path)
    let header = 10 + Int(bytes[8]) + Int(bytes[9]) << 8
    return stride(from: header, to: bytes.count, by: 4).map { at in
        Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[at + $1]) << (8 * UInt32($1)) })
    }
}

extension WeightMatrix {
    /// x · Wᵀ with the given instructions.
    func product(_ x: [Float], rows: Int, _ kernels: Kernels, pool: WorkerPool? = nil) -> [Float] {
        var y = AlignedBuffer<Float>(count: rows * self.rows)
        var out = y.mutableSpan
        multiply(x.span, rows: rows, into: &out, kernels: kernels, pool: pool)
        return y.span.indices.map { y[$0] }
    }
}
