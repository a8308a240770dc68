internal import CEDICKernels

/// Rows of activations, made ready once for products with several weight matrices.
///
/// Quantised weights want quantised activations: one scale a row for `int8`, one scale for 32 inputs for the block
/// formats, each row by itself. Keep one value for each place in a model and load it again for the next rows; its memory
/// is reused.
///
/// ```swift
/// var input = ProductInput()
/// input.load(hidden.span, rows: tokens, for: [query, key, value])
/// query.multiply(input, into: &q)
/// key.multiply(input, into: &k)
/// ```
@safe public struct ProductInput: ~Copyable {
    /// What a weight format needs.
    enum Preparation: Hashable, Sendable {
        case floats
        case bytes(multiplier: Float)
        case blocks
    }

    /// Rows loaded.
    public private(set) var rows = 0

    /// Numbers in a row.
    public private(set) var columns = 0

    private(set) var isReady: Set<Preparation> = []
    private let kernels: Kernels
    private var floats = AlignedBuffer<Float>(count: 0)
    private var byteValues = AlignedBuffer<Int8>(count: 0)
    private var byteScales = AlignedBuffer<Float>(count: 0)
    private var byteSums = AlignedBuffer<Int32>(count: 0)
    private var blockValues = AlignedBuffer<Int8>(count: 0)
    private var blockScales = AlignedBuffer<Float>(count: 0)
    private var blockSums = AlignedBuffer<Int32>(count: 0)

    public init(kernels: Kernels = .standard) { self.kernels = kernels }

    /// Takes `rows` rows of activations for products with any of `weights`, which all have as many columns as a row has
    /// numbers. Matrices of one call that are `int8` must agree in their input multiplier.
    ///
    /// Complexity: O(rows · columns).
    public mutating func load(
        _ x: Span<Float>, rows: Int, for weights: [WeightMatrix], pool: WorkerPool? = nil
    ) {
        guard let first = weights.first else { return }
        let preparations = Set(weights.map(\.preparation))
        precondition(weights.allSatisfy { $0.columns == first.columns }, "the matrices differ in their columns")
        precondition(
            rows >= 0 && x.count == rows * first.columns,
            "\(x.count) numbers are not \(rows) rows of \(first.columns)")
        self.rows = rows
        columns = first.columns
        isReady = []
        for preparation in preparations {
            switch preparation {
            case .floats: copy(x)
            case .bytes(let multiplier):
                precondition(
                    !isReady.contains { if case .bytes = $0 { true } else { false } },
                    "the int8 matrices of one load differ in their input multiplier; load for each")
                quantizeRows(x, multiplier: multiplier, pool)
            case .blocks: quantizeBlocks(x, pool)
            }
            isReady.insert(preparation)
        }
    }

    private mutating func copy(_ x: Span<Float>) {
        if floats.count < x.count { floats = AlignedBuffer(count: x.count) }
        unsafe x.withUnsafeBufferPointer { x in
            if let start = x.baseAddress { unsafe floats.unsafePointer.update(from: start, count: x.count) }
        }
    }

    private mutating func quantizeRows(_ x: Span<Float>, multiplier: Float, _ pool: WorkerPool?) {
        let stride = byteStride
        if byteValues.count < rows * stride { byteValues = AlignedBuffer(count: rows * stride) }
        if byteScales.count < rows {
            byteScales = AlignedBuffer(count: rows)
            byteSums = AlignedBuffer(count: rows)
        }
        let (values, scales, sums) = unsafe (
            Shared(byteValues.unsafePointer), Shared(byteScales.unsafePointer), Shared(byteSums.unsafePointer)
        )
        let (kernels, columns) = (kernels, columns)
        unsafe forRows(of: x, pool) { row, x in
            unsafe kernels.table.pointee.quantize_row(
                x, columns, multiplier, values.pointer + row * stride, stride, scales.pointer + row, sums.pointer + row)
        }
    }

    private mutating func quantizeBlocks(_ x: Span<Float>, _ pool: WorkerPool?) {
        let blocks = blockStride
        if blockValues.count < rows * blocks * 32 { blockValues = AlignedBuffer(count: rows * blocks * 32) }
        if blockScales.count < rows * blocks {
            blockScales = AlignedBuffer(count: rows * blocks)
            blockSums = AlignedBuffer(count: 2 * rows * blocks)
        }
        let (values, scales, sums) = unsafe (
            Shared(blockValues.unsafePointer), Shared(blockScales.unsafePointer), Shared(blockSums.unsafePointer)
        )
        let (kernels, columns) = (kernels, columns)
        unsafe forRows(of: x, pool) { row, x in
            unsafe kernels.table.pointee.quantize_blocks(
                x, columns, values.pointer + row * blocks * 32, blocks, scales.pointer + row * blocks,
                sums.pointer + 2 * row * blocks)
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

    private var byteStride: Int { (columns + 63) / 64 * 64 }

    /// Blocks of 32 in a row, enough for the format with the longest chunk.
    private var blockStride: Int { ek_padded_blocks(.q4_k, columns) }

    var floatRows: UnsafePointer<Float> { unsafe UnsafePointer(floats.unsafePointer) }

    var byteRows: ek_quantized_rows {
        unsafe ek_quantized_rows(
            values: byteValues.unsafePointer, value_stride: byteStride, scales: byteScales.unsafePointer,
            scale_stride: 1, sums: byteSums.unsafePointer, sum_stride: 1)
    }

    var blockRows: ek_quantized_rows {
        unsafe ek_quantized_rows(
            values: blockValues.unsafePointer, value_stride: 32 * blockStride, scales: blockScales.unsafePointer,
            scale_stride: blockStride, sums: blockSums.unsafePointer, sum_stride: 2 * blockStride)
    }

    var instructions: Kernels { kernels }
}

/// A pointer that several workers use, each at its own places.
@unsafe struct Shared<Element>: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<Element>
    init(_ pointer: UnsafeMutablePointer<Element>) { unsafe self.pointer = unsafe pointer }
}
