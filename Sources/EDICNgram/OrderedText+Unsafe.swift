internal import EDICStore
internal import Synchronization
internal import SystemPackage

/// A text file to which workers add numbered pieces at once, compressed as its name says: `.gz` or `.zst`, else not.
///
/// Compressed text is cut into chunks of one size, each a gzip member or zstd frame of its own that the worker compresses
/// which completes it. So the bytes do not depend on how the text was cut into pieces.
final class OrderedText: Sendable {
    private enum Compression { case none, gzip, zstd }

    private struct State: Sendable {
        var next = 0
        var waiting: [Int: [OrderedFile.Piece]] = [:]
        var tail = GrowingLane<UInt8>()
        var chunks = 0
    }

    private let file: OrderedFile
    private let compression: Compression
    private let state = Mutex(State())
    private static let chunkSize = 2 << 20

    init(_ path: FilePath) throws(NgramError) {
        file = try OrderedFile(path)
        compression =
            switch path.extension {
            case "gz": .gzip
            case "zst": .zstd
            default: .none
            }
    }

    /// Adds number `number`, counted from 0. Which worker brings which when does not matter.
    func add(_ pieces: [OrderedFile.Piece], number: Int) throws(NgramError) {
        guard compression != .none else { return try file.add(pieces, number: number) }
        let chunks = state.withLock { state -> [(Int, Lane<UInt8>)] in
            state.waiting[number] = pieces
            var chunks: [(Int, Lane<UInt8>)] = []
            while let pieces = state.waiting.removeValue(forKey: state.next) {
                for piece in pieces { Self.append(piece, &state, &chunks) }
                state.next += 1
            }
            return chunks
        }
        for (chunk, bytes) in chunks { try compress(bytes, chunk) }
    }

    /// The number of what is added next, where nothing before it is missing.
    var nextNumber: Int { compression == .none ? file.nextNumber : state.withLock { $0.next } }

    /// Adds text after all that was added so far, of which nothing may be missing.
    func addNext(_ text: String) throws(NgramError) {
        guard compression != .none else { return try file.addNext(text) }
        let bytes = Lane(Array(text.utf8))
        try add([OrderedFile.Piece(bytes: bytes, count: bytes.count)], number: state.withLock { $0.next })
    }

    /// Gives the file its name.
    func commit() throws(NgramError) {
        let (chunk, rest) = state.withLock { ($0.chunks, $0.tail.lane.copyFirst($0.tail.count)) }
        if rest.count > 0 { try compress(rest, chunk) }
        try file.commit()
    }

    private static func append(_ piece: OrderedFile.Piece, _ state: inout State, _ chunks: inout [(Int, Lane<UInt8>)]) {
        var start = 0
        while start < piece.count {
            let taken = min(piece.count - start, chunkSize - state.tail.count)
            unsafe state.tail.append(copying: piece.bytes.part(start..<start + taken).pointer, count: taken)
            start += taken
            if state.tail.count == chunkSize {
                chunks.append((state.chunks, state.tail.lane.part(0..<chunkSize)))
                state.chunks += 1
                state.tail = GrowingLane(capacity: chunkSize)
            }
        }
    }

    private func compress(_ bytes: Lane<UInt8>, _ chunk: Int) throws(NgramError) {
        let packed: [UInt8]
        do throws(StoreError) {
            let input = unsafe UnsafeBufferPointer(start: bytes.pointer, count: bytes.count)
            if compression == .gzip {
                packed = try unsafe GzipCompressor.compress(input.span)
            } else {
                var compressor = try ZstdCompressor(level: 3)
                packed = try unsafe compressor.compress(input.span)
            }
        } catch {
            throw NgramError(.inputOutput, "compressing text: \(error)", cause: error)
        }
        let lane = Lane(packed)
        try file.add(OrderedFile.Piece(bytes: lane, count: lane.count), number: chunk)
    }
}
