internal import CEDICKernels

/// How finely activations are rounded before they meet quantised weights.
public enum ActivationWidth: Sendable, Hashable {
    /// To -127 ... 127: the fastest where the processor multiplies bytes (VNNI, AVX2). To -64 ... 64 for weights of 8 bits
    /// where it sums products of bytes in 16 bits (AVX2), and there, where a row has one scale, to so many that of eight
    /// numbers neither the positive nor the negative ones add up to more than 128. Elsewhere 16 bits cost no more and are
    /// used.
    case bits8
    /// To -32639 ... 32639 (fewer where a row has more than 514 inputs and one scale): as good as floats to greedy
    /// search, at the speed of bytes where the processor has no byte products.
    case bits16

    var byteCount: Int { self == .bits8 ? 1 : 2 }
}

/// Rows of activations, made ready once for products with several weight matrices.
///
/// Quantised weights want quantised activations, of 16 or of 8 bits as ``WeightMatrix/activations`` says: one scale a row
/// for `int8`, one scale for 32 inputs for the block formats, or for 256 where superblocks meet 8 bits, each row by itself.
/// Keep one value for each place in a model and load it again for the next rows; its memory is reused.
///
/// ```swift
/// var input = ProductInput()
/// input.load(hidden.span, rows: tokens, for: [query, key, value])
/// query.multiply(input, into: &q)
/// key.multiply(input, into: &k)
/// ```
@safe public struct ProductInput: ~Copyable {
    /// What weight formats need.
    struct Preparation: OptionSet, Sendable {
        let rawValue: UInt8

        static let floats = Preparation(rawValue: 1)
        /// One scale a row.
        static func row(_ width: ActivationWidth) -> Preparation { Preparation(rawValue: width == .bits8 ? 2 : 4) }
        /// One scale for 32 inputs, for weights of fewer than 8 bits.
        static func blocks(_ width: ActivationWidth) -> Preparation { Preparation(rawValue: width == .bits8 ? 8 : 16) }
        /// The same for weights of 8 bits.
        static func byteBlocks(_ width: ActivationWidth) -> Preparation {
            Preparation(rawValue: width == .bits8 ? 32 : 64)
        }
        /// One scale for 256 inputs of 8 bits.
        static let superblocks = Preparation(rawValue: 128)

        /// Those of one width.
        func quantised(to width: ActivationWidth) -> Preparation {
            intersection([.row(width), .blocks(width), .byteBlocks(width), width == .bits8 ? .superblocks : []])
        }
    }

    /// Rows loaded.
    public private(set) var rows = 0

    /// Numbers in a row.
    public private(set) var columns = 0

    private(set) var isReady: Preparation = []
    private let kernels: Kernels
    private var floats = AlignedBuffer<Float>(count: 0)
    private var byRow = Quantized()
    private var byBlock = Quantized()

    /// Quantised rows: 8-bit or 16-bit values as bytes, their scales and sums, in one piece of memory: a word of a student
    /// makes some 15 products ready, and asking for memory is a good part of that.
    @safe private struct Quantized: ~Copyable {
        private var memory = AlignedBuffer<UInt8>(count: 0)
        private var scalesStart = 0
        private var sumsStart = 0
        var width = ActivationWidth.bits16

        mutating func makeRoom(values: Int, scales: Int, sums: Int) {
            // Each from a cache line on.
            func lines(_ bytes: Int) -> Int { (bytes + 63) / 64 * 64 }
            scalesStart = lines(values)
            sumsStart = scalesStart + lines(4 * scales)
            let all = sumsStart + lines(4 * sums)
            if memory.count < all { memory = AlignedBuffer(uninitialized: all) }
        }

        private var start: UnsafeMutableRawPointer { unsafe UnsafeMutableRawPointer(memory.unsafePointer) }
        var values: UnsafeMutablePointer<Int8> { unsafe start.assumingMemoryBound(to: Int8.self) }
        var scales: UnsafeMutablePointer<Float> { unsafe (start + scalesStart).assumingMemoryBound(to: Float.self) }
        var sums: UnsafeMutablePointer<Int32> { unsafe (start + sumsStart).assumingMemoryBound(to: Int32.self) }
    }

    public init(kernels: Kernels = .standard) { self.kernels = kernels }

    /// Takes `rows` rows of activations for products with any of `weights`, which all have as many columns as a row has
    /// numbers. Quantised matrices of one call must agree in the width of their activations.
    ///
    /// Complexity: O(rows · columns).
    public mutating func load(
        _ x: Span<Float>, rows: Int, for weights: [WeightMatrix], pool: WorkerPool? = nil
    ) {
        guard let first = weights.first else { return }
        precondition(weights.allSatisfy { $0.columns == first.columns }, "the matrices differ in their columns")
        load(x, rows: rows, columns: first.columns, weights.reduce(into: []) { $0.formUnion($1.preparation) }, pool)
    }

    /// The same for products with one matrix.
    public mutating func load(_ x: Span<Float>, rows: Int, for weights: WeightMatrix, pool: WorkerPool? = nil) {
        load(x, rows: rows, columns: weights.columns, weights.preparation, pool)
    }

    private mutating func load(
        _ x: Span<Float>, rows: Int, columns: Int, _ preparation: Preparation, _ pool: WorkerPool?
    ) {
        precondition(rows >= 0 && x.count == rows * columns, "\(x.count) numbers are not \(rows) rows of \(columns)")
        (self.rows, self.columns, isReady) = (rows, columns, preparation)
        if isReady.contains(.floats) { copy(x) }
        let (narrow, wide) = (isReady.quantised(to: .bits8), isReady.quantised(to: .bits16))
        precondition(narrow.isEmpty || wide.isEmpty, "the widths differ")
        let width = narrow.isEmpty ? ActivationWidth.bits16 : .bits8
        if isReady.contains(.row(width)) { quantizeRows(x, possible(width), pool) }
        if !isReady.isDisjoint(with: [.blocks(width), .byteBlocks(width), .superblocks]) {
            // What weights of 8 bits, or superblocks, are content with does for the others.
            quantizeBlocks(
                x, possible(width), limit: isReady.contains(.byteBlocks(width)) ? narrowLimit : 127,
                areSuper: isReady.contains(.superblocks), pool)
        }
    }

    /// The largest narrow activation that may meet weights of 8 bits; 0 where there are no narrow ones.
    private var narrowLimit: Float { unsafe Float(kernels.table.pointee.narrow_limit) }

    private mutating func copy(_ x: Span<Float>) {
        if floats.count < x.count { floats = AlignedBuffer(count: x.count) }
        unsafe x.withUnsafeBufferPointer { x in
            if let start = x.baseAddress { unsafe floats.unsafePointer.update(from: start, count: x.count) }
        }
    }

    /// Without products of bytes, 16 bits cost no more than 8.
    private func possible(_ width: ActivationWidth) -> ActivationWidth { narrowLimit > 0 ? width : .bits16 }

    private mutating func quantizeRows(_ x: Span<Float>, _ width: ActivationWidth, _ pool: WorkerPool?) {
        byRow.width = width
        let (kernels, columns, padded, stride) = (kernels, columns, paddedColumns, byteStride(width))
        let (limit, sumLimit) = (narrowLimit, unsafe Float(kernels.table.pointee.narrow_sum))
        byRow.makeRoom(values: rows * stride, scales: rows, sums: rows)
        let (values, scales, sums) = unsafe (Shared(byRow.values), Shared(byRow.scales), Shared(byRow.sums))
        unsafe forRows(of: x, pool) { row, x in
            let (target, scale, sum) = unsafe (
                values.pointer + row * stride, scales.pointer + row, sums.pointer + row
            )
            if width == .bits16 {
                unsafe kernels.table.pointee.quantize_row_wide(x, columns, target, padded, scale, sum)
            } else {
                unsafe kernels.table.pointee.quantize_row(
                    x, columns, limit, sumLimit, target, padded, scale, sum)
            }
        }
    }

    private mutating func quantizeBlocks(
        _ x: Span<Float>, _ width: ActivationWidth, limit: Float, areSuper: Bool, _ pool: WorkerPool?
    ) {
        byBlock.width = width
        let (kernels, columns, blocks) = (kernels, columns, blockStride)
        let stride = 32 * blocks * width.byteCount
        byBlock.makeRoom(values: rows * stride, scales: rows * blocks, sums: 2 * rows * blocks)
        let (values, scales, sums) = unsafe (Shared(byBlock.values), Shared(byBlock.scales), Shared(byBlock.sums))
        unsafe forRows(of: x, pool) { row, x in
            let (target, scale, sum) = unsafe (
                values.pointer + row * stride, scales.pointer + row * blocks, sums.pointer + 2 * row * blocks
            )
            if width == .bits16 {
                unsafe kernels.table.pointee.quantize_blocks_wide(x, columns, target, blocks, scale, sum)
            } else if areSuper {
                unsafe kernels.table.pointee.quantize_superblocks(x, columns, limit, target, blocks, scale, sum)
            } else {
                unsafe kernels.table.pointee.quantize_blocks(x, columns, limit, target, blocks, scale, sum)
            }
        }
    }

    private func forRows(
        of x: Span<Float>, _ pool: WorkerPool?, _ body: @Sendable (Int, UnsafePointer<Float>) -> Void
    ) {
        let (rows, columns) = (rows, columns)
        unsafe x.withUnsafeBufferPointer { x in
            guard let start = x.baseAddress else { return }
            let source = unsafe Shared(UnsafeMutablePointer(mutating: start))
            // A row takes about a nanosecond for four numbers; a helper is worth calling for some 50 µs.
            if let pool, rows * columns > 1 << 18 {
                pool.forEach(count: rows, grain: max(1, (1 << 14) / columns)) { row, _ in
                    unsafe body(row, UnsafePointer(source.pointer) + row * columns)
                }
            } else {
                for row in 0..<rows { unsafe body(row, UnsafePointer(source.pointer) + row * columns) }
            }
        }
    }

    // MARK: What the products read

    private var paddedColumns: Int { (columns + 63) / 64 * 64 }

    private func byteStride(_ width: ActivationWidth) -> Int { paddedColumns * width.byteCount }

    /// Blocks of 32 in a row, enough for the format with the longest chunk.
    private var blockStride: Int { ek_padded_blocks(.q4_k, columns) }

    var floatRows: UnsafePointer<Float> { unsafe UnsafePointer(floats.unsafePointer) }

    var rowsOfBytes: ek_quantized_rows {
        unsafe ek_quantized_rows(
            values: byRow.values, value_stride: byteStride(byRow.width),
            scales: byRow.scales, scale_stride: 1, sums: byRow.sums, sum_stride: 1,
            is_wide: byRow.width == .bits16 ? 1 : 0)
    }

    var rowsOfBlocks: ek_quantized_rows {
        unsafe ek_quantized_rows(
            values: byBlock.values, value_stride: 32 * blockStride * byBlock.width.byteCount,
            scales: byBlock.scales, scale_stride: blockStride, sums: byBlock.sums,
            sum_stride: 2 * blockStride, is_wide: byBlock.width == .bits16 ? 1 : 0)
    }

    var instructions: Kernels { kernels }
}

/// A pointer that several workers use.
///
/// Unchecked: each writes at its own places, which whoever shares it out must see to.
@unsafe struct Shared<Element>: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<Element>
    init(_ pointer: UnsafeMutablePointer<Element>) { unsafe self.pointer = unsafe pointer }
}
