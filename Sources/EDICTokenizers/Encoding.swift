/// The ids of a text with where each comes from.
public struct Encoding: Sendable, Equatable {
    /// The ids in their order.
    public internal(set) var ids: [UInt32] = []
    /// Which of a pair of texts each id belongs to.
    public internal(set) var typeIDs: [UInt32] = []
    /// The bytes of the text that each id stands for; empty ranges for special tokens that were added. A character that
    /// was normalized together with others stands for one of them, as for tokenizers.
    public internal(set) var offsets: [Range<Int>] = []
    /// Whether an id was added and stands for no text.
    public internal(set) var specialTokensMask: [Bool] = []
    /// Whether an id is text (true) or padding.
    public internal(set) var attentionMask: [Bool] = []

    /// How many spaces each token's text begins and ends with, until offsets leave these out; empty where they do not.
    var spaces: [Spaces] = []

    struct Spaces: Sendable, Equatable {
        var leading = 0
        var trailing = 0
    }

    /// How many ids there are.
    public var count: Int { ids.count }

    public init() {}

    mutating func append(_ id: UInt32, _ offset: Range<Int>) {
        ids.append(id)
        typeIDs.append(0)
        offsets.append(offset)
        specialTokensMask.append(false)
        attentionMask.append(true)
    }

    mutating func appendSpecial(_ id: UInt32, type: UInt32, attention: Bool = true) {
        ids.append(id)
        typeIDs.append(type)
        offsets.append(0..<0)
        specialTokensMask.append(true)
        attentionMask.append(attention)
    }

    mutating func append(_ other: Encoding, type: UInt32) {
        ids += other.ids
        typeIDs += [UInt32](repeating: type, count: other.count)
        offsets += other.offsets
        specialTokensMask += other.specialTokensMask
        attentionMask += other.attentionMask
    }

    /// The ids in `range` alone.
    func slice(_ range: Range<Int>) -> Encoding {
        var part = Encoding()
        part.ids = Array(ids[range])
        part.typeIDs = Array(typeIDs[range])
        part.offsets = Array(offsets[range])
        if !spaces.isEmpty { part.spaces = Array(spaces[range]) }
        part.specialTokensMask = Array(specialTokensMask[range])
        part.attentionMask = Array(attentionMask[range])
        return part
    }

    /// The offsets counted in Unicode scalars of `text`, the text that was encoded, rather than bytes.
    public func characterOffsets(in text: String) -> [Range<Int>] {
        let utf8 = Array(text.utf8)
        var scalarAt = [Int](repeating: 0, count: utf8.count + 1)
        var count = 0
        for (at, byte) in utf8.enumerated() {
            if byte & 0xC0 != 0x80 { count += 1 }
            scalarAt[at] = count - 1
        }
        scalarAt[utf8.count] = count
        return offsets.map { range in
            guard range.upperBound <= utf8.count else { return 0..<0 }
            let begin = scalarAt[range.lowerBound]
            if range.isEmpty { return begin..<begin }
            // An end inside a character reaches to the character's end.
            let last = scalarAt[range.upperBound - 1]
            return begin..<last + 1
        }
    }
}
