internal import CEDICKernels

/// The weights of a linear layer, `rows` outputs by `columns` inputs, packed for this package's kernels.
///
/// Weights stay in the number format of their file, within 2 % of its size but for what fills up the last 16 rows and 64
/// columns, and are never expanded as a whole. Packing does not depend on the instruction set. A copy shares the packed numbers.
public struct WeightMatrix: Sendable {
    /// Outputs.
    public let rows: Int

    /// Inputs.
    public let columns: Int

    /// In which form the numbers are kept.
    public let format: NumberFormat

    /// How finely activations are rounded for products with this matrix, if it is quantised.
    public var activations = ActivationWidth.bits16

    /// Whether many numbers of its inputs are likely to be 0, as behind a ReLU: their weights need not be read. Results are the
    /// same either way. Where the processor gains from it, `int8` weights are held twice from the first such product on.
    public var expectsZeros = false

    /// Whether that has happened.
    var isHeldTwice: Bool { panels.turned.isMade }

    /// Memory the packed weights take, without the second copy that ``expectsZeros`` may make.
    public var byteCount: Int { panels.bytes.count + 4 * panels.scales.count }

    /// Says how many bytes each of the matrices will take, packed, of a model that is about to be opened, so that no more memory
    /// is touched than they fill; none where that is not known. Too much costs up to 2 MiB while the model is opened, and of too
    /// little, opening takes longer. ``releaseSpareMemory()`` forgets it.
    public static func expect(_ byteCounts: some Sequence<Int>) { SlabPart.expect(byteCounts) }

    /// Gives back memory that was set aside for further matrices: up to 2 MiB once those of a model are packed.
    public static func releaseSpareMemory() { SlabPart.releaseRest() }

    private let panels: Panels

    /// The packed numbers, shared between copies of a matrix.
    private final class Panels: Sendable {
        let bytes: SlabPart
        /// For int8, one scale a row.
        let scales: AlignedBuffer<Float>
        /// The same weights input by input, once they were wanted.
        let turned = TurnedPanels()

        init(byteCount: Int, scaleCount: Int, isLasting: Bool) {
            bytes = SlabPart(byteCount: byteCount, isShared: isLasting)
            scales = AlignedBuffer(count: scaleCount)
        }
    }

    private var panelBytes: Int { ek_panel_bytes(format.c, columns) }

    private init(unfilledRows rows: Int, columns: Int, format: NumberFormat, isLasting: Bool = true) {
        self.rows = rows
        self.columns = columns
        self.format = format
        panels = Panels(
            byteCount: (rows + 15) / 16 * ek_panel_bytes(format.c, columns), scaleCount: format == .int8 ? rows : 0,
            isLasting: isLasting)
    }

    private static func check(_ rows: Int, _ columns: Int, _ format: NumberFormat) throws(NumericsError) -> Int {
        guard rows >= 0, columns > 0, columns <= 1 << 16 else {
            throw NumericsError(
                .invalidShape, "a \(rows) × \(columns) matrix: expected at least 0 rows and 1 to 65536 columns")
        }
        guard let row = format.byteCount(of: columns) else {
            throw NumericsError(
                .invalidShape,
                "a \(rows) × \(columns) matrix of \(format.rawValue): columns must be a multiple of \(format.blockLength)"
            )
        }
        let (size, overflow) = row.multipliedReportingOverflow(by: rows)
        guard !overflow, size <= 1 << 46 else {
            throw NumericsError(.invalidShape, "a \(rows) × \(columns) matrix does not fit memory")
        }
        return size
    }

    // MARK: Making

    /// Packs `bytes`, row after row as in a file.
    ///
    /// - Parameter source: the part of a file that `bytes` is the beginning of; the memory of a large one is given back as it
    ///   is packed, so that the weights are never there twice.
    /// - Throws: `invalidShape` where the columns are no whole number of blocks or `bytes` has another size than the
    ///   shape wants.
    public init(
        rows: Int, columns: Int, format: NumberFormat, bytes: Span<UInt8>, source: MappedRegion? = nil,
        pool: WorkerPool? = nil
    ) throws(NumericsError) {
        let size = try Self.check(rows, columns, format)
        guard format != .int8, bytes.count == size else {
            throw NumericsError(
                .invalidShape,
                "a \(rows) × \(columns) matrix of \(format.rawValue) takes \(size) bytes, but \(bytes.count) are given")
        }
        self.init(unfilledRows: rows, columns: columns, format: format)
        unsafe bytes.withUnsafeBufferPointer { bytes in
            guard let start = bytes.baseAddress else { return }
            unsafe fill(pool, from: source) { panel, count, target in
                let source = unsafe UnsafeRawPointer(start) + panel * 16 * (size / rows)
                unsafe ek_pack_panel(format.c, source, count, columns, target)
            }
        }
    }

    /// Packs `bytes` in which the weights of all outputs for one input lie side by side: the matrix turned over.
    ///
    /// - Parameter format: one of single numbers: f32, f16 or bf16.
    public init(
        rows: Int, columns: Int, format: NumberFormat, turnedBytes bytes: Span<UInt8>, source: MappedRegion? = nil,
        pool: WorkerPool? = nil
    ) throws(NumericsError) {
        let size = try Self.check(rows, columns, format)
        precondition(format.blockLength == 1 && format != .int8, "\(format.rawValue) is in blocks")
        guard bytes.count == size else {
            throw NumericsError(
                .invalidShape,
                "a \(rows) × \(columns) matrix of \(format.rawValue) takes \(size) bytes, but \(bytes.count) are given")
        }
        self.init(unfilledRows: rows, columns: columns, format: format)
        let target = unsafe Shared(panels.bytes.start)
        // Strips that stay in a core's caches, from which every panel takes its part; what is done is given back.
        let strip = max(1, (1 << 17) / max(1, size / columns))
        let large = source.flatMap { $0.count >= Self.large ? $0 : nil }
        unsafe bytes.withUnsafeBufferPointer { bytes in
            guard let start = unsafe bytes.baseAddress.map({ unsafe Shared(UnsafeMutablePointer(mutating: $0)) }) else {
                return
            }
            let work: @Sendable (Int, Int) -> Void = { share, _ in
                let inputs = share * strip..<min(columns, (share + 1) * strip)
                unsafe ek_pack_turned(
                    format.c, start.pointer, rows, columns, inputs.lowerBound, inputs.upperBound, target.pointer)
                large?.release(inputs.lowerBound * (size / columns)..<inputs.upperBound * (size / columns))
            }
            let shares = (columns + strip - 1) / strip
            if let pool {
                pool.forEach(count: shares, work)
            } else {
                for share in 0..<shares { work(share, 0) }
            }
        }
    }

    /// Packs a part of a mapped file.
    public init(
        rows: Int, columns: Int, format: NumberFormat, region: MappedRegion, pool: WorkerPool? = nil
    ) throws(NumericsError) {
        self = try region.withBytes { bytes throws(NumericsError) in
            try WeightMatrix(rows: rows, columns: columns, format: format, bytes: bytes, source: region, pool: pool)
        }
    }

    /// Packs floats.
    public init(rows: Int, columns: Int, values: Span<Float>, pool: WorkerPool? = nil) throws(NumericsError) {
        let size = try Self.check(rows, columns, .f32)
        guard values.count == size / 4 else {
            throw NumericsError(
                .invalidShape, "a \(rows) × \(columns) matrix takes \(size / 4) numbers, but \(values.count) are given")
        }
        self.init(unfilledRows: rows, columns: columns, format: .f32)
        unsafe values.withUnsafeBufferPointer { values in
            guard let start = values.baseAddress else { return }
            unsafe fill(pool) { panel, count, target in
                unsafe ek_pack_panel(.f32, start + panel * 16 * columns, count, columns, target)
            }
        }
    }

    /// Packs signed bytes: weight = byte × the scale of its row.
    ///
    /// - Parameter scales: one for each row, or a single one for all.
    @inline(never)  // Inlined, its span of a caller's buffer makes Swift 6.3 fail.
    public init(
        rows: Int, columns: Int, int8 values: Span<Int8>, scales: Span<Float>, pool: WorkerPool? = nil
    ) throws(NumericsError) {
        self = try unsafe values.withUnsafeBufferPointer { values throws(NumericsError) in
            try unsafe WeightMatrix(
                rows: rows, columns: columns, signed: values, scales: scales, pool: pool)
        }
    }

    /// Packs signed bytes that lie among the bytes of a file.
    ///
    /// - Parameter source: the part of a file that `bytes` is the beginning of, which is given back as it is packed.
    public init(
        rows: Int, columns: Int, int8Bytes bytes: Span<UInt8>, scales: Span<Float>, source: MappedRegion? = nil,
        pool: WorkerPool? = nil
    ) throws(NumericsError) {
        self = try unsafe bytes.withUnsafeBytes { bytes throws(NumericsError) in
            try unsafe WeightMatrix(
                rows: rows, columns: columns, signed: bytes.assumingMemoryBound(to: Int8.self), scales: scales,
                source: source, pool: pool)
        }
    }

    /// Packs some rows of a matrix of signed bytes that lie among the bytes of a file, in the order given; weight = byte ×
    /// scale. Its products are those of the whole matrix, to the last bit.
    ///
    /// Complexity: O(rows.count · columns).
    ///
    /// - Parameter bytes: row after row; what follows the rows that are wanted is not looked at.
    public init(rows indices: [Int], columns: Int, int8Bytes bytes: Span<UInt8>, scale: Float) throws(NumericsError) {
        _ = try Self.check(indices.count, columns, .int8)
        let available = bytes.count / columns
        precondition(indices.allSatisfy { $0 >= 0 && $0 < available }, "a row is outside 0 ..< \(available)")
        self.init(unfilledRows: indices.count, columns: columns, format: .int8, isLasting: false)
        for row in indices.indices { unsafe panels.scales.unsafePointer[row] = scale }
        unsafe bytes.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            unsafe withUnsafeTemporaryAllocation(byteCount: 16 * columns, alignment: 16) { rows in
                guard let side = rows.baseAddress else { return }
                unsafe fill(nil) { panel, count, target in
                    // The next panel's rows are far apart in memory.
                    for index in indices[16 * panel..<indices.count].dropFirst(16).prefix(16) {
                        unsafe ek_ask_for(start + index * columns, columns)
                    }
                    for row in 0..<count {
                        let source = unsafe start + indices[16 * panel + row] * columns
                        unsafe (side + row * columns).copyMemory(from: source, byteCount: columns)
                    }
                    unsafe ek_pack_panel_int8(side.assumingMemoryBound(to: Int8.self), count, columns, target)
                }
            }
        }
    }

    private init(
        rows: Int, columns: Int, signed values: UnsafeBufferPointer<Int8>, scales: Span<Float>,
        source: MappedRegion? = nil, pool: WorkerPool?
    ) throws(NumericsError) {
        let size = try Self.check(rows, columns, .int8)
        guard values.count == size, scales.count == rows || scales.count == 1 else {
            throw NumericsError(
                .invalidShape,
                "a \(rows) × \(columns) matrix of int8 takes \(size) bytes and \(rows) scales (or 1), but "
                    + "\(values.count) and \(scales.count) are given")
        }
        self.init(unfilledRows: rows, columns: columns, format: .int8)
        for row in 0..<rows { unsafe panels.scales.unsafePointer[row] = scales[scales.count == 1 ? 0 : row] }
        guard let start = values.baseAddress else { return }
        unsafe fill(pool, from: source) { panel, count, target in
            unsafe ek_pack_panel_int8(start + panel * 16 * columns, count, columns, target)
        }
    }

    /// Rounds floats to signed bytes with one scale a row, chosen so that the row's largest magnitude becomes 127.
    public init(
        rows: Int, columns: Int, quantizing values: Span<Float>, pool: WorkerPool? = nil
    ) throws(NumericsError) {
        let size = try Self.check(rows, columns, .int8)
        guard values.count == size else {
            throw NumericsError(
                .invalidShape, "a \(rows) × \(columns) matrix takes \(size) numbers, but \(values.count) are given")
        }
        var rounded = [Int8](repeating: 0, count: size)
        var scales = [Float](repeating: 0, count: rows)
        unsafe values.withUnsafeBufferPointer { values in
            guard let start = values.baseAddress else { return }
            unsafe rounded.withUnsafeMutableBufferPointer { rounded in
                guard let target = rounded.baseAddress else { return }
                var sum: Int32 = 0
                for row in 0..<rows {
                    unsafe Kernels.standard.table.pointee.quantize_row(
                        start + row * columns, columns, 127, 0, target + row * columns, columns, &scales[row], &sum)
                }
            }
        }
        try self.init(rows: rows, columns: columns, int8: rounded.span, scales: scales.span, pool: pool)
    }

    /// Packs every panel of 16 rows: `pack(panel, rows in it, where to)`.
    ///
    /// - Parameter source: what the panels are packed from, row after row.
    private func fill(
        _ pool: WorkerPool?, from source: MappedRegion? = nil, _ pack: (Int, Int, UnsafeMutableRawPointer) -> Void
    ) {
        let (rows, panelBytes) = (rows, panelBytes)
        let target = unsafe Shared(panels.bytes.start)
        let count = (rows + 15) / 16
        // Of a large matrix, what is packed is given back a quarter of a megabyte at a time.
        let large = source.flatMap { $0.count >= Self.large ? $0 : nil }
        let grain = max(1, (large == nil ? 1 << 16 : 1 << 18) / max(1, panelBytes))
        unsafe withoutActuallyEscaping(pack) { pack in
            // It reads only what stays put while it runs, and each panel is written by one worker.
            nonisolated(unsafe) let pack = unsafe pack
            let work: @Sendable (Int, Int) -> Void = { share, _ in
                let panels = share * grain..<min(count, (share + 1) * grain)
                for panel in panels {
                    unsafe pack(panel, min(16, rows - 16 * panel), target.pointer + panel * panelBytes)
                }
                if let large {
                    let row = large.count / rows
                    large.release(16 * panels.lowerBound * row..<16 * panels.upperBound * row)
                }
            }
            let shares = (count + grain - 1) / grain
            if let pool {
                pool.forEach(count: shares, work)
            } else {
                for share in 0..<shares { work(share, 0) }
            }
        }
    }

    /// From this size on, in bytes, a matrix is better not there twice.
    private static let large = 1 << 20

    // MARK: Reading

    /// Writes row `index` as floats, from `place` on: what its file says, to the last bit.
    ///
    /// Complexity: O(columns).
    public func copyRow(_ index: Int, into out: inout MutableSpan<Float>, at place: Int = 0) {
        precondition(index >= 0 && index < rows, "row \(index) is outside 0 ..< \(rows)")
        precondition(
            place >= 0 && columns <= out.count - place,
            "a row has \(columns) numbers, more than are left of \(out.count)")
        unsafe out.withUnsafeMutableBufferPointer { out in
            guard let start = unsafe out.baseAddress.map({ unsafe $0 + place }) else { return }
            unsafe ek_unpack_column(
                format.c, panels.bytes.start + index / 16 * panelBytes, index % 16, columns, start)
            guard format == .int8 else { return }
            let scale = unsafe panels.scales.unsafePointer[index]
            for column in 0..<columns { unsafe start[column] *= scale }
        }
    }

    /// All weights as floats, row after row.
    public func dequantized() -> [Float] {
        [Float](capacity: rows * columns) { out in
            var row = AlignedBuffer<Float>(count: columns)
            for index in 0..<rows {
                var span = row.mutableSpan
                copyRow(index, into: &span)
                for column in 0..<columns { out.append(row[column]) }
            }
        }
    }

    /// A matrix of some of the rows, in the order given; its products are those of this matrix, to the last bit.
    ///
    /// Complexity: O(rows.count · columns).
    public func selecting(rows indices: [Int], pool: WorkerPool? = nil) -> WeightMatrix {
        precondition(indices.allSatisfy { $0 >= 0 && $0 < rows }, "a selected row is outside 0 ..< \(rows)")
        var part = WeightMatrix(unfilledRows: indices.count, columns: columns, format: format, isLasting: false)
        part.activations = activations
        if format == .int8 {
            for (place, index) in indices.enumerated() {
                unsafe part.panels.scales.unsafePointer[place] = panels.scales.unsafePointer[index]
            }
        }
        let source = unsafe Shared(panels.bytes.start)
        let (format, columns, panelBytes) = (format, columns, panelBytes)
        unsafe part.fill(pool) { panel, count, target in
            unsafe target.initializeMemory(as: UInt8.self, repeating: 0, count: panelBytes)
            for column in 0..<count {
                let index = indices[16 * panel + column]
                unsafe ek_copy_column(
                    format.c, source.pointer + index / 16 * panelBytes, index % 16, columns, target, column)
            }
        }
        return part
    }

    // MARK: Products

    var preparation: ProductInput.Preparation {
        switch format {
        case .f32, .f16, .bf16: .floats
        case .int8: .row(activations)
        case .q8_0: .byteBlocks(activations)
        case .q4_k, .q5_k, .q6_k: activations == .bits8 ? .superblocks : .blocks(activations)
        default: .blocks(activations)
        }
    }

    /// What is done with a product besides writing it.
    public struct Epilogue: OptionSet, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// Negative sums become 0, after the bias.
        public static let relu = Epilogue(rawValue: 1)
        /// The result is added to what is there: a residual connection for nothing.
        public static let accumulate = Epilogue(rawValue: 2)
    }

    /// y = x · Wᵀ + bias for the rows of `input`, each `rows` numbers, one after the other in `output`.
    ///
    /// The result for a row of input is the same to the last bit whatever the other rows, their number and the pool.
    /// Against the exact product with ``dequantized()`` weights, the error of one output is at most
    /// Σ |w| · (largest |x| of the scale's run) / 254 for quantised formats with activations of 8 bits (on AVX2 for `int8`
    /// and `q8_0`, whose products of neighbours are added in 16 bits, 128 instead of 254, and down to 30 where neighbours
    /// are alike and as large), with 16 bits 65278 instead of 254 (for `int8`, twice the lesser of 32639 and
    /// (2²⁴ - 1) / columns), plus float rounding.
    ///
    /// Complexity: O(input.rows · rows · columns).
    ///
    /// - Parameter input: loaded for this matrix, or for one with the same format and width of activations.
    public func multiply(
        _ input: borrowing ProductInput, into output: inout MutableSpan<Float>, bias: Span<Float>? = nil,
        epilogue: Epilogue = [], pool: WorkerPool? = nil
    ) {
        precondition(
            output.count == input.rows * rows, "\(output.count) numbers are not \(input.rows) rows of \(rows)")
        precondition((bias?.count ?? rows) == rows, "a bias for \(rows) outputs is expected")
        unsafe output.withUnsafeMutableBufferPointer { output in
            guard let start = output.baseAddress else { return }
            guard let bias else { return unsafe multiply(input, into: start, bias: nil, epilogue, pool) }
            unsafe bias.withUnsafeBufferPointer { bias in
                unsafe multiply(input, into: start, bias: bias.baseAddress, epilogue, pool)
            }
        }
    }

    /// The same for activations that are used once.
    public func multiply(
        _ x: Span<Float>, rows: Int, into output: inout MutableSpan<Float>, bias: Span<Float>? = nil,
        epilogue: Epilogue = [], kernels: Kernels = .standard, pool: WorkerPool? = nil
    ) {
        var input = ProductInput(kernels: kernels)
        input.load(x, rows: rows, for: self, pool: pool)
        multiply(input, into: &output, bias: bias, epilogue: epilogue, pool: pool)
    }

    /// The products of the same rows with several matrices, one product after the other in `output`, shared out among the
    /// workers as one: for few rows, whose single products are hardly worth a second thread.
    ///
    /// - Parameter input: loaded for all these matrices.
    public static func multiply(
        _ matrices: [WeightMatrix], _ input: borrowing ProductInput, into output: inout MutableSpan<Float>,
        pool: WorkerPool? = nil
    ) {
        let outputs = matrices.reduce(0) { $0 + $1.rows }
        precondition(
            output.count == input.rows * outputs, "\(output.count) numbers are not \(input.rows) rows of \(outputs)")
        unsafe output.withUnsafeMutableBufferPointer { output in
            guard let start = output.baseAddress else { return }
            var products = unsafe [PanelProduct]()
            var place = 0
            for matrix in matrices {
                unsafe products.append(matrix.product(input, into: start + place, bias: nil, []))
                place += input.rows * matrix.rows
            }
            unsafe PanelProduct.run(
                products, rows: input.rows, bytes: matrices.reduce(0) { $0 + $1.panels.bytes.count }, pool)
        }
    }

    private func multiply(
        _ input: borrowing ProductInput, into output: UnsafeMutablePointer<Float>, bias: UnsafePointer<Float>?,
        _ epilogue: Epilogue, _ pool: WorkerPool?
    ) {
        let product = unsafe product(input, into: output, bias: bias, epilogue)
        if expectsZeros, unsafe product.runSparse(panels.turned, pool) { return }
        guard pool != nil else { return unsafe product.run(panels: 0..<product.panelCount) }
        unsafe PanelProduct.run([product], rows: input.rows, bytes: panels.bytes.count, pool)
    }

    func product(
        _ input: borrowing ProductInput, into output: UnsafeMutablePointer<Float>, bias: UnsafePointer<Float>?,
        _ epilogue: Epilogue
    ) -> PanelProduct {
        precondition(
            input.columns == columns && input.isReady.contains(preparation), "the input was not loaded for this matrix")
        return unsafe PanelProduct(
            kernels: input.instructions, format: format, m: input.rows, n: rows, k: columns, panelBytes: panelBytes,
            weights: UnsafePointer(panels.bytes.start), scales: UnsafePointer(panels.scales.unsafePointer),
            floats: input.floatRows, quantized: format == .int8 ? input.rowsOfBytes : input.rowsOfBlocks,
            output: output, bias: bias, epilogue: epilogue)
    }
}
