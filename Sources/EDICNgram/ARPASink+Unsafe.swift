internal import EDICNumerics
internal import Synchronization
internal import SystemPackage

/// Writes n-grams as ARPA text, compressed where the path ends in `.gz` or `.zst`, each batch formatted by the worker that brings it.
final class ARPASink: GramSink {
    private struct State: Sendable {
        var header: GramHeader?
        var batches = 0
    }

    private let file: OrderedText
    private let state = Mutex(State())

    init(_ path: FilePath) throws(NgramError) { file = try OrderedText(path) }

    func begin(_ header: GramHeader, batches: Int, means: GramIndexBuilder.Means) throws(NgramError) {
        state.withLock { state in
            state.header = header
            state.batches = batches
        }
        var text = "\\data\\\n"
        for (place, count) in header.counts.enumerated() { text += "ngram \(place + 1)=\(count)\n" }
        try file.addNext(text)
    }

    var needsWords: Bool { true }

    func memory(for vocabulary: VocabularyList) -> Int { 0 }

    func accept(_ batch: GramBatch, number: Int) throws(NgramError) {
        // Piece 0 is the header; each order has as many pieces as there are batches.
        let (header, batches) = state.withLock { ($0.header, $0.batches) }
        guard let header else { throw NgramError(.invalidArgument, "n-grams came before their header") }
        var pieces: [OrderedFile.Piece] = []
        if number == 0 {
            let title = Lane(Array("\n\\\(batch.order)-grams:\n".utf8))
            pieces.append(OrderedFile.Piece(bytes: title, count: title.count))
        }
        batch.forEachText(header.vocabulary, size: 1 << 20) { text in
            pieces.append(OrderedFile.Piece(bytes: text, count: text.count))
        }
        try file.add(pieces, number: 1 + (batch.order - 1) * batches + number)
    }

    func complete(order: Int) {}

    func finish(pool: WorkerPool) throws(NgramError) {
        try file.addNext("\n\\end\\\n")
        try file.commit()
    }
}
