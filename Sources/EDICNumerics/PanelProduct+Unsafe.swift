internal import CEDICKernels

/// One product, of which several workers may each compute some panels.
///
/// Unchecked: the outputs of different panels, and those of different rows, lie apart; all else is only read.
@unsafe struct PanelProduct: @unchecked Sendable {
    let kernels: Kernels
    let format: NumberFormat
    let m: Int
    let n: Int
    let k: Int
    let panelBytes: Int
    let weights: UnsafePointer<UInt8>
    let scales: UnsafePointer<Float>
    let floats: UnsafePointer<Float>
    let quantized: ek_quantized_rows
    let output: UnsafeMutablePointer<Float>
    let bias: UnsafePointer<Float>?
    let epilogue: WeightMatrix.Epilogue

    var panelCount: Int { unsafe (n + 15) / 16 }

    func run(panels: Range<Int>) { unsafe run(panels: panels, into: output + panels.lowerBound * 16, stride: n) }

    /// The same with the outputs of these panels at `target`, rows `stride` apart.
    func run(panels: Range<Int>, into target: UnsafeMutablePointer<Float>, stride: Int) {
        guard unsafe m > 0, !panels.isEmpty else { return }
        let first = panels.lowerBound * 16
        let count = unsafe min(n, panels.upperBound * 16) - first
        var end = unsafe ek_epilogue(
            bias: bias.map { unsafe $0 + first }, relu: unsafe epilogue.contains(.relu) ? 1 : 0,
            accumulate: unsafe epilogue.contains(.accumulate) ? 1 : 0)
        var rows = unsafe quantized
        let own = unsafe weights + panels.lowerBound * panelBytes
        let table = unsafe kernels.table
        switch unsafe format {
        case .f32, .f16, .bf16:
            unsafe table.pointee.multiply_float(
                format.c, floats, k, m, own, 16, 16 * k, k, target, stride, count, &end)
        case .int8:
            unsafe table.pointee.multiply_int8(&rows, m, own, scales + first, k, target, stride, count, &end)
        default:
            unsafe table.pointee.multiply_blocks(format.c, &rows, m, own, k, target, stride, count, &end)
        }
    }

    /// - Parameter bytes: of all weights.
    static func run(_ products: [PanelProduct], rows: Int, bytes: Int, _ pool: WorkerPool?) {
        let work = unsafe products.reduce(0) { unsafe $0 + $1.n * $1.k } * rows
        guard let pool, pool.isWorthSharing(work: work, bytes: bytes) else {
            for index in unsafe products.indices { unsafe products[index].run(panels: 0..<products[index].panelCount) }
            return
        }
        let blocks = unsafe PanelBlock.sharing(products, rows: rows, workers: pool.workers)
        pool.forEach(count: blocks.count) { index, _ in
            unsafe products[blocks[index].product].run(panels: blocks[index].panels)
        }
    }
}

/// A run of panels that one worker computes.
private struct PanelBlock: Sendable {
    /// Which of the products it is of.
    let product: Int
    let panels: Range<Int>

    /// Several blocks a worker, so that none waits long for the last.
    static func sharing(_ products: [PanelProduct], rows: Int, workers: Int) -> [PanelBlock] {
        var left = unsafe products.reduce(0) { unsafe $0 + $1.panelCount }
        // Whole tiles; a single row is multiplied with four panels at a time.
        let step = rows == 1 ? 4 : 6
        let equal = left / (4 * workers)
        var blocks: [PanelBlock] = []
        blocks.reserveCapacity(16 * workers)
        for index in unsafe products.indices {
            let panels = unsafe products[index].panelCount
            var start = 0
            while start < panels {
                // A single row takes but 100 µs, so its blocks become smaller and smaller.
                let share = rows == 1 ? left / (2 * workers) : equal
                let end = min(panels, start + max(1, (share + step - 1) / step) * step)
                blocks.append(PanelBlock(product: index, panels: start..<end))
                left -= end - start
                start = end
            }
        }
        return blocks
    }
}

extension WorkerPool {
    /// Whether a second thread is worth it: for some 20 µs of arithmetic or of reading memory.
    func isWorthSharing(work: Int, bytes: Int) -> Bool { workers > 1 && (work > 1 << 20 || bytes > 1 << 18) }
}
