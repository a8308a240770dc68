internal import EDICNumerics
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// Writes n-grams as ARPA text, each batch formatted by the worker that brings it.
final class ARPASink: GramSink {
    private struct State: Sendable {
        var header: GramHeader?
        var batches = 0
        /// The number of the first piece of each order.
        var firstPiece = 0
        var order = 0
    }

    private let file: OrderedFile
    private let state = Mutex(State())

    init(_ path: FilePath) throws(NgramError) { file = try OrderedFile(path) }

    func begin(_ header: GramHeader, batches: Int) throws(NgramError) {
        state.withLock { state in
            state.header = header
            state.batches = batches
        }
        var text = "\\data\\\n"
        for (place, count) in header.counts.enumerated() { text += "ngram \(place + 1)=\(count)\n" }
        try file.addNext(text)
    }

    func accept<let limbs: Int>(_ batch: GramBatch<limbs>, number: Int) throws(NgramError) {
        // Piece 0 is the header; each order has as many pieces as there are batches.
        let (header, batches) = state.withLock { ($0.header, $0.batches) }
        guard let header else { throw NgramError(.invalidArgument, "n-grams came before their header") }
        var text = GrowingLane<UInt8>(capacity: batch.count * 48 + 64)
        if number == 0 {
            for byte in "\n\\\(batch.order)-grams:\n".utf8 { text.append(byte) }
        }
        Self.format(batch, header, into: &text)
        try file.add(
            OrderedFile.Piece(bytes: text.lane, count: text.count), number: 1 + (batch.order - 1) * batches + number)
    }

    func complete(order: Int) {}

    func finish(pool: WorkerPool) throws(NgramError) {
        try file.addNext("\n\\end\\\n")
        try file.commit()
    }

    private static func format<let limbs: Int>(
        _ batch: GramBatch<limbs>, _ header: GramHeader, into text: inout GrowingLane<UInt8>
    ) {
        let places = (0..<batch.order).map { batch.layout.place(batch.order - 1 - $0) }
        let starts = header.vocabulary.starts
        let words = header.vocabulary.bytes
        for index in 0..<batch.count {
            let key = batch.keys[index]
            unsafe withUnsafeTemporaryAllocation(of: Int.self, capacity: batch.order) { ids in
                var needed = 2 * DecimalText.maximumLength + 2 + batch.order
                for (position, place) in places.enumerated() {
                    let id = Int(key.code(at: place, batch.layout)) - 1
                    unsafe ids[position] = id
                    needed += starts[id + 1] - starts[id]
                }
                text.grow(to: text.count + needed)
                var end = unsafe text.lane.pointer + text.count
                let start = unsafe end
                unsafe end += DecimalText.write(batch.logProbabilities[index], to: end)
                for position in 0..<batch.order {
                    unsafe end[0] = position == 0 ? 0x09 : 0x20
                    unsafe end += 1
                    let range = unsafe starts[ids[position]]..<starts[ids[position] + 1]
                    unsafe end.update(from: words.pointer + range.lowerBound, count: range.count)
                    unsafe end += range.count
                }
                if let logBackoffs = batch.logBackoffs {
                    unsafe end[0] = 0x09
                    unsafe end += 1
                    unsafe end += DecimalText.write(logBackoffs[index], to: end)
                }
                unsafe end[0] = 0x0A
                text.advance(by: unsafe end + 1 - start)
            }
        }
    }
}
