/// The beginning of a KenLM binary file of version 5: a magic text, a block that shows byte order and sizes, then what
/// the model is and its counts.
struct KenLMHeader: Sendable {
    static let magic: [UInt8] = Array("mmap lm http://kheafield.com/code format version 5\n".utf8)
    static let fixedStart = 88
    static let countsStart = 108

    enum Kind: UInt32, Sendable {
        case probing = 0
        case restProbing = 1
        case trie = 2
        case quantisedTrie = 3
        case arrayTrie = 4
        case quantisedArrayTrie = 5

        var isQuantised: Bool { self == .quantisedTrie || self == .quantisedArrayTrie }
        var hasArrays: Bool { self == .arrayTrie || self == .quantisedArrayTrie }
    }

    var kind: Kind
    var order: Int
    var probingMultiplier: Float
    var hasVocabulary: Bool
    var searchVersion: UInt32
    var counts: [Int]

    /// Where the vocabulary begins.
    var size: Int { (Self.countsStart + 8 * order + 7) / 8 * 8 }

    /// Whether the bytes begin as a KenLM binary of any version does.
    static func isPresent(in bytes: ByteView) -> Bool {
        let start = Array("mmap lm http://kheafield.com/code".utf8)
        return bytes.count >= start.count
            && start.indices.allSatisfy { bytes.load(UInt8.self, at: $0) == start[$0] }
    }

    init(
        kind: Kind, order: Int, probingMultiplier: Float, hasVocabulary: Bool, searchVersion: UInt32, counts: [Int]
    ) {
        self.kind = kind
        self.order = order
        self.probingMultiplier = probingMultiplier
        self.hasVocabulary = hasVocabulary
        self.searchVersion = searchVersion
        self.counts = counts
    }

    init(_ bytes: ByteView, name: String) throws(NgramError) {
        func corrupt(_ what: String) -> NgramError {
            NgramError(.corrupt, "\(name): \(what); the file is damaged or incomplete, make or copy it again")
        }
        guard bytes.count >= Self.countsStart + 8 else { throw corrupt("is shorter than the header of a KenLM model") }
        guard Self.magic.indices.allSatisfy({ bytes.load(UInt8.self, at: $0) == Self.magic[$0] }) else {
            throw NgramError(
                .unsupported,
                "\(name): a KenLM binary of another version than 5; build it again with KenLM's build_binary")
        }
        guard bytes.load(UInt32.self, at: 56) == 0, bytes.float(at: 60) == 1, bytes.float(at: 64) == -0.5,
            bytes.load(UInt32.self, at: 68) == 1, bytes.load(UInt32.self, at: 72) == .max,
            bytes.load(UInt64.self, at: 80) == 1
        else { throw corrupt("was made on a machine of another byte order, or the header") }
        guard let kind = Kind(rawValue: bytes.load(UInt32.self, at: 96)) else {
            throw NgramError(.unsupported, "\(name): a KenLM model of type \(bytes.load(UInt32.self, at: 96))")
        }
        guard kind != .restProbing else {
            throw NgramError(.unsupported, "\(name): a KenLM model with rest costs; build it without them")
        }
        self.kind = kind
        order = Int(bytes.load(UInt8.self, at: 88))
        // KenLM's own structures need two orders at least.
        guard (2...10).contains(order) else {
            throw NgramError(.unsupported, "\(name): a KenLM model of order \(order); 2 to 10 are read")
        }
        probingMultiplier = bytes.float(at: 92)
        guard probingMultiplier > 1, probingMultiplier < 1000 else { throw corrupt("the size of the hash tables") }
        hasVocabulary = bytes.load(UInt8.self, at: 100) != 0
        searchVersion = bytes.load(UInt32.self, at: 104)
        guard bytes.count >= Self.countsStart + 8 * order else { throw corrupt("the counts") }
        counts = []
        for place in 0..<order {
            let count = bytes.load(UInt64.self, at: Self.countsStart + 8 * place)
            guard count < 1 << 36 else { throw corrupt("has an impossible count of \(place + 1)-grams") }
            counts.append(Int(count))
        }
        guard counts[0] >= 1, counts[0] < 1 << 32 else { throw corrupt("the count of words") }
    }

    /// The header's bytes, up to ``size``.
    var bytes: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: size)
        func put(_ value: UInt64, at offset: Int, size: Int) {
            for byte in 0..<size { bytes[offset + byte] = UInt8(truncatingIfNeeded: value >> UInt64(8 * byte)) }
        }
        for (place, byte) in Self.magic.enumerated() { bytes[place] = byte }
        put(UInt64(Float(1).bitPattern), at: 60, size: 4)
        put(UInt64(Float(-0.5).bitPattern), at: 64, size: 4)
        put(1, at: 68, size: 4)
        put(UInt64(UInt32.max), at: 72, size: 4)
        put(1, at: 80, size: 8)
        put(UInt64(order), at: 88, size: 1)
        put(UInt64(probingMultiplier.bitPattern), at: 92, size: 4)
        put(UInt64(kind.rawValue), at: 96, size: 4)
        put(hasVocabulary ? 1 : 0, at: 100, size: 1)
        put(UInt64(searchVersion), at: 104, size: 4)
        for (place, count) in counts.enumerated() { put(UInt64(count), at: Self.countsStart + 8 * place, size: 8) }
        return bytes
    }
}

/// The number of bits that hold `value`.
@inline(__always)
func bitsNeeded(_ value: Int) -> Int { Int.bitWidth - value.leadingZeroBitCount }
