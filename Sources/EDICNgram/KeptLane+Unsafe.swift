internal import EDICStore
internal import Synchronization

/// How much intermediate data stays in memory; what is beyond goes to a spill file.
final class KeptMemory: Sendable {
    let spill: SpillFile
    private let limit: Mutex<Int>
    private let resident = Atomic<Int>(0)

    init(limit: Int, spill: SpillFile) {
        self.limit = Mutex(limit)
        self.spill = spill
    }

    var residentBytes: Int { resident.load(ordering: .relaxed) }

    /// Changes how many bytes may stay; what is kept already stays until it is evicted.
    func allow(_ bytes: Int) { limit.withLock { $0 = bytes } }

    var isOver: Bool { residentBytes > limit.withLock { $0 } }

    fileprivate func reserve(_ bytes: Int) -> Bool {
        let allowed = limit.withLock { $0 }
        if resident.add(bytes, ordering: .relaxed).newValue <= allowed { return true }
        resident.subtract(bytes, ordering: .relaxed)
        return false
    }

    fileprivate func release(_ bytes: Int) { resident.subtract(bytes, ordering: .relaxed) }
}

/// Values set aside: in memory while there is room, else compressed with zstd in the spill file.
@safe final class KeptLane<Element: BitwiseCopyable>: Sendable {
    private enum Place: Sendable {
        case memory(Lane<Element>)
        case file(offset: Int64, count: Int)
    }

    let count: Int
    private let memory: KeptMemory
    private let place: Mutex<Place>

    init(_ values: Lane<Element>, in memory: KeptMemory) throws(NgramError) {
        count = values.count
        self.memory = memory
        if memory.reserve(Self.size(values)) {
            place = Mutex(.memory(values))
        } else {
            place = Mutex(try Self.write(values, memory.spill))
        }
    }

    deinit {
        switch place.withLock({ $0 }) {
        case .memory(let values): memory.release(Self.size(values))
        case .file(let offset, let count): memory.spill.free(count, at: offset)
        }
    }

    private static func size(_ values: Lane<Element>) -> Int { values.count * MemoryLayout<Element>.stride }

    /// The values, read back where they are not in memory.
    func load() throws(NgramError) -> Lane<Element> {
        switch place.withLock({ $0 }) {
        case .memory(let values): return values
        case .file(let offset, let size):
            let frame = Lane<UInt8>(uninitialized: size)
            try unsafe frame.withBytes { bytes throws(NgramError) in try unsafe memory.spill.read(bytes, from: offset) }
            let values = Lane<Element>(uninitialized: count)
            do {
                let input = unsafe UnsafeBufferPointer(start: frame.pointer, count: size)
                var decompressor = try ZstdDecompressor()
                let plain = try unsafe decompressor.decompress(input.span, atMost: Self.size(values))
                guard plain.count == Self.size(values) else { throw NgramError(.corrupt, "is short") }
                unsafe values.withBytes { bytes in unsafe bytes.copyBytes(from: plain) }
            } catch {
                throw NgramError(.corrupt, "spilled n-grams: cannot be read back: \(error)", cause: error)
            }
            return values
        }
    }

    /// Moves the values to the spill file.
    func evict() throws(NgramError) {
        guard case .memory(let values) = place.withLock({ $0 }) else { return }
        let moved = try Self.write(values, memory.spill)
        place.withLock { $0 = moved }
        memory.release(Self.size(values))
    }

    private static func write(_ values: Lane<Element>, _ spill: SpillFile) throws(NgramError) -> Place {
        let frame: [UInt8]
        do {
            let input = unsafe values.withBytes { UnsafeRawBufferPointer($0) }
            let bytes = unsafe input.bindMemory(to: UInt8.self)
            var compressor = try ZstdCompressor(level: 1, checksum: false)
            frame = try unsafe compressor.compress(bytes.span)
        } catch {
            throw NgramError(.limitExceeded, "spilling n-grams: \(error)", cause: error)
        }
        let lane = Lane(frame)
        let offset = try unsafe lane.withBytes { bytes throws(NgramError) in
            try unsafe spill.write(UnsafeRawBufferPointer(bytes))
        }
        return .file(offset: offset, count: frame.count)
    }
}

/// Bytes set aside of which parts are read on their own: in memory while there is room, else as they are in the spill
/// file. Their numbers are packed already.
@safe final class KeptBytes: Sendable {
    private let lane: Lane<UInt8>?
    private let offset: Int64
    let count: Int
    private let memory: KeptMemory

    init(_ bytes: Lane<UInt8>, count: Int, in memory: KeptMemory) throws(NgramError) {
        self.count = count
        self.memory = memory
        if memory.reserve(count) {
            lane = bytes.copyFirst(count)
            offset = 0
        } else {
            lane = nil
            offset = try unsafe bytes.part(0..<count).withBytes { bytes throws(NgramError) in
                try unsafe memory.spill.write(UnsafeRawBufferPointer(bytes))
            }
        }
    }

    /// Keeps `bytes` themselves, which nobody may change.
    init(adopting bytes: Lane<UInt8>, in memory: KeptMemory) throws(NgramError) {
        count = bytes.count
        self.memory = memory
        if memory.reserve(count) {
            lane = bytes
            offset = 0
        } else {
            lane = nil
            offset = try unsafe bytes.withBytes { bytes throws(NgramError) in
                try unsafe memory.spill.write(UnsafeRawBufferPointer(bytes))
            }
        }
    }

    deinit {
        if lane != nil { memory.release(count) } else { memory.spill.free(count, at: offset) }
    }

    /// The bytes of a range; valid while this is, or while `scratch`, which is used where they must be read, is unchanged.
    func part(_ range: Range<Int>, scratch: inout GrowingLane<UInt8>) throws(NgramError) -> Lane<UInt8> {
        precondition(range.upperBound <= count, "outside the kept bytes")
        if let lane { return lane.part(range) }
        scratch.removeAll()
        scratch.grow(to: range.count)
        let part = scratch.lane.part(0..<range.count)
        try unsafe part.withBytes { bytes throws(NgramError) in
            try unsafe memory.spill.read(bytes, from: offset + Int64(range.lowerBound))
        }
        return part
    }

    /// Copies the bytes of a range to `target` from `start` on.
    func copy(_ range: Range<Int>, into target: Lane<UInt8>, at start: Int) throws(NgramError) {
        precondition(range.upperBound <= count, "outside the kept bytes")
        if let lane {
            EDICNgram.copy(lane.part(range), into: target, at: start)
        } else {
            try unsafe target.part(start..<start + range.count).withBytes { bytes throws(NgramError) in
                try unsafe memory.spill.read(bytes, from: offset + Int64(range.lowerBound))
            }
        }
    }
}
