internal import Synchronization

/// The words of a KenLM binary: 64-bit hashes, in a table or sorted, and the words themselves at the file's end.
struct KenLMVocabulary: Sendable {
    enum Kind: Sendable {
        /// Slots of twelve bytes, hash and id.
        case table(slots: Int)
        /// Hashes in rising order; the id is the place plus one.
        case sorted(count: Int)
    }

    let count: Int
    private let kind: Kind
    private let hashes: ByteView
    private let strings: Strings

    init(count: Int, kind: Kind, hashes: ByteView, strings: ByteView) {
        self.count = count
        self.kind = kind
        self.hashes = hashes
        self.strings = Strings(strings, count: count)
    }

    /// MurmurHash64A with seed 0, the hash of the format.
    @inline(__always)
    static func hash(_ word: UnsafePointer<UInt8>, _ length: Int) -> UInt64 {
        let factor: UInt64 = 0xC6A4_A793_5BD1_E995
        var hash = UInt64(length) &* factor
        var offset = 0
        while offset + 8 <= length {
            var part = unsafe UnsafeRawPointer(word + offset).loadUnaligned(as: UInt64.self).littleEndian
            part = part &* factor
            part ^= part >> 47
            hash = (hash ^ (part &* factor)) &* factor
            offset += 8
        }
        if offset < length {
            var rest: UInt64 = 0
            var shift: UInt64 = 0
            while offset < length {
                rest |= unsafe UInt64(word[offset]) << shift
                shift += 8
                offset += 1
            }
            hash = (hash ^ rest) &* factor
        }
        hash ^= hash >> 47
        hash = hash &* factor
        return hash ^ (hash >> 47)
    }

    static func hash(_ word: Span<UInt8>) -> UInt64 {
        unsafe word.withUnsafeBufferPointer { word in
            guard let start = word.baseAddress else { return 0 }
            return unsafe hash(start, word.count)
        }
    }

    @inline(__always)
    func id(_ word: UnsafePointer<UInt8>, _ length: Int) -> UInt32 { id(hash: unsafe Self.hash(word, length)) }

    func id(hash: UInt64) -> UInt32 {
        switch kind {
        case .table(let slots):
            guard slots > 0, hash != 0 else { return 0 }
            var place = Int(hash % UInt64(slots))
            for _ in 0..<slots {
                let held = hashes.load(UInt64.self, at: place * 12)
                if held == hash { return hashes.load(UInt32.self, at: place * 12 + 8) }
                if held == 0 { return 0 }
                place = place + 1 == slots ? 0 : place + 1
            }
            return 0
        case .sorted(let count):
            // Hashes are even over their range, so the place can be guessed.
            var low = 0
            var high = count
            var lowest: UInt64 = 0
            var highest = UInt64.max
            while low < high {
                let share = Double(hash &- lowest) / Double(highest &- lowest)
                let middle = min(high - 1, low + Int(share * Double(high - low)))
                let held = hashes.load(UInt64.self, at: middle * 8)
                if held == hash { return UInt32(truncatingIfNeeded: middle + 1) }
                if held < hash {
                    low = middle + 1
                    lowest = held
                } else {
                    high = middle
                    highest = held
                }
                if hash < lowest || hash > highest { return 0 }
            }
            return 0
        }
    }

    func bytes(of id: UInt32) -> [UInt8] { strings.bytes(of: Int(id)) }

    /// The words of a file, found when first asked for: they lie one after another with a zero byte behind each.
    private final class Strings: Sendable {
        private let bytes: ByteView
        private let count: Int
        private let starts = Mutex<[Int]?>(nil)

        init(_ bytes: ByteView, count: Int) {
            self.bytes = bytes
            self.count = count
        }

        func bytes(of id: Int) -> [UInt8] {
            starts.withLock { known in
                let starts = known ?? find()
                known = starts
                guard id >= 0, id + 1 < starts.count else { return [] }
                return (starts[id]..<starts[id + 1] - 1).map { bytes.load(UInt8.self, at: $0) }
            }
        }

        private func find() -> [Int] {
            var starts = [0]
            for place in 0..<bytes.count where bytes.load(UInt8.self, at: place) == 0 {
                starts.append(place + 1)
                // A damaged file may have any number of zeros.
                if starts.count > count { break }
            }
            return starts
        }
    }
}
