internal import CEDICKernels
internal import Synchronization

/// The weights of a matrix input by input, made when a product first has a use for them: a model whose activations are hardly
/// ever 0 does without.
final class TurnedPanels: Sendable {
    private let made = Mutex<SlabPart?>(nil)

    var isMade: Bool { made.withLock { $0 != nil } }

    /// - Parameter rows: of the product. Single ones gain the most, and where many come at once, more than the matrix takes is
    ///   held for them. For the 3 to 63 of most sentences no copy is made, though one that is there is used.
    fileprivate func part(for rows: Int, _ make: () -> SlabPart) -> SlabPart? {
        made.withLock { made in
            if made == nil, (1...2).contains(rows) || rows >= 64 { made = make() }
            return made
        }
    }
}

extension PanelProduct {
    /// Computes the product without reading the weights of inputs that are 0, where enough of them are; false where nothing was
    /// done.
    func runSparse(_ turned: TurnedPanels, _ pool: WorkerPool?) -> Bool {
        let part = 4
        let shares = (pool?.workers ?? 1) > 1
        // Few rows are shared out by panels.
        guard unsafe !shares || m > 4 * part,
            unsafe format == .int8 && quantized.is_wide == 0 && n % 256 == 0 && k % 4 == 0,
            unsafe kernels.table.pointee.multiply_sparse != nil, unsafe isSparse,
            let weights = turned.part(for: unsafe m, { unsafe turnedPanels() })
        else { return false }
        if shares, let pool {
            unsafe pool.forEach(count: (m + part - 1) / part) { index, _ in
                unsafe runSparse(rows: index * part..<min(m, (index + 1) * part), weights)
            }
        } else {
            unsafe runSparse(rows: 0..<m, weights)
        }
        return true
    }

    private var isSparse: Bool {
        var rows = unsafe quantized
        return unsafe kernels.table.pointee.is_sparse?(&rows, m, k) == 1
    }

    private func turnedPanels() -> SlabPart {
        // Not from a slab, whose huge page would be there as a whole.
        let part = SlabPart(byteCount: unsafe n * k, isShared: false)
        for first in unsafe stride(from: 0, to: n * k, by: 256 * k) {
            unsafe kernels.table.pointee.turn_panels?(weights + first, k, part.start + first)
        }
        return part
    }

    private func runSparse(rows own: Range<Int>, _ turned: SlabPart) {
        let first = own.lowerBound
        var rows = unsafe quantized
        unsafe rows.values += first * rows.value_stride
        unsafe rows.scales += first
        unsafe rows.sums += first
        var end = unsafe ek_epilogue(
            bias: bias, relu: epilogue.contains(.relu) ? 1 : 0, accumulate: epilogue.contains(.accumulate) ? 1 : 0)
        unsafe kernels.table.pointee.multiply_sparse?(
            &rows, own.count, turned.start, scales, k, output + first * n, n, n, &end)
    }
}
