/// Where the bytes of a model go, one after another: into memory or into a file.
final class GramIndexOutput {
    private let file: OrderedFile?
    /// All bytes so far, or those that the file does not have yet.
    private var waiting: GrowingLane<UInt8>
    private(set) var count = 0

    /// Into memory.
    init() {
        file = nil
        waiting = GrowingLane(capacity: 1 << 12)
    }

    /// Into a file, in large blocks.
    init(_ file: OrderedFile) {
        self.file = file
        waiting = GrowingLane(capacity: OrderedFile.blockSize)
    }

    func append(_ bytes: Lane<UInt8>) throws(NgramError) {
        count += bytes.count
        guard file != nil else { return waiting.append(copying: bytes) }
        var start = 0
        while start < bytes.count {
            let taken = min(bytes.count - start, OrderedFile.blockSize - waiting.count)
            waiting.append(copying: bytes.part(start..<start + taken))
            start += taken
            if waiting.count == OrderedFile.blockSize { try pass() }
        }
    }

    /// Adds a part of the model, which begins at a multiple of 64 bytes; says where.
    func place(_ bytes: Lane<UInt8>) throws(NgramError) -> Int {
        let start = try begin()
        try append(bytes)
        return start
    }

    func place(_ values: [Float]) throws(NgramError) -> GramIndexHeader.Values {
        let bits = Lane(values.map(\.bitPattern.littleEndian))
        return GramIndexHeader.Values(offset: try place(bits.bytes), count: values.count)
    }

    /// Adds one part of the model made of pieces that begin at the given places of it; neighbours may share a last or
    /// first unit of so many bytes, in which each has its own bits. So many zeros follow.
    func join(_ pieces: [(start: Int, bytes: KeptBytes)], unit: Int, zeros: Int = 0) throws(NgramError) -> Int {
        let start = try begin()
        // The last unit, while the next piece may have bits in it.
        var last = Lane<UInt8>(zeros: 0)
        var end = 0
        for (place, kept) in pieces where kept.count > 0 {
            let piece = Lane<UInt8>(uninitialized: kept.count)
            try kept.copy(0..<kept.count, into: piece, at: 0)
            if place < end {
                for index in 0..<unit { piece[index] |= last[index] }
            } else {
                try append(last)
            }
            try append(piece.part(0..<piece.count - unit))
            last = piece.part(piece.count - unit..<piece.count).copyFirst(unit)
            end = place + piece.count
        }
        try append(last)
        try append(Lane(zeros: zeros))
        return start
    }

    private func begin() throws(NgramError) -> Int {
        try append(Lane(zeros: (64 - count % 64) % 64))
        return count
    }

    private func pass() throws(NgramError) {
        guard waiting.count > 0 else { return }
        let piece = OrderedFile.Piece(bytes: waiting.lane, count: waiting.count)
        if let file { try file.add(piece, number: file.nextNumber) }
        waiting.removeAll()
    }

    /// Everything is there, but for the `header` at the very beginning. Fills up to a multiple of 64 bytes.
    func finish(header: Lane<UInt8>) throws(NgramError) {
        guard let file else { return copy(header, into: waiting.lane, at: 0) }
        try pass()
        try file.replace(header, at: 0)
        try file.commit()
    }

    /// The size that the model will have once it is finished.
    func align() throws(NgramError) -> Int { try begin() }

    /// The bytes in memory.
    var bytes: Lane<UInt8> { waiting.lane.part(0..<waiting.count) }
}
