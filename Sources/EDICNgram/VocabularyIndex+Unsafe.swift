/// The words of a model file and the way from a word to its id, as they lie in the file.
///
/// Slots of 32 bits hold an id plus one in the low bits and part of the word's hash above; a word is looked for from
/// the slot its hash points at, onwards to the first empty one. Words lie one after another behind their lengths, with
/// the place of every sixteenth in a list.
struct VocabularyIndex: Sendable {
    static let stride = 16

    let count: Int
    private let slots: ByteView
    private let slotCount: Int
    private let starts: ByteView
    private let words: ByteView
    private let idBits: UInt32

    /// Where the three parts lie: offset and size in bytes.
    struct Layout: Sendable, Hashable {
        var slots = 0
        var slotCount = 0
        var starts = 0
        var words = 0
        var wordBytes = 0
    }

    init?(count: Int, _ layout: Layout, in model: ByteView) {
        guard count >= 3, count < 1 << 28, layout.slotCount > count, layout.slotCount < 1 << 32,
            let slots = model.part(from: layout.slots, count: layout.slotCount * 4),
            let starts = model.part(from: layout.starts, count: (count + Self.stride - 1) / Self.stride * 8),
            let words = model.part(from: layout.words, count: layout.wordBytes)
        else { return nil }
        self.count = count
        self.slots = slots
        slotCount = layout.slotCount
        self.starts = starts
        self.words = words
        idBits = Self.idBits(count)
    }

    private static func idBits(_ count: Int) -> UInt32 { UInt32(Int.bitWidth - count.leadingZeroBitCount) }

    /// The hash of a word's bytes: eight at a time, the rest padded with zeros, each mixed in by the two halves of a
    /// product; the length last.
    @inline(__always)
    static func hash(_ word: UnsafePointer<UInt8>, _ length: Int) -> UInt64 {
        var hash: UInt64 = 0x51_7C_C1_B7_27_22_0A_95
        var offset = 0
        while offset + 8 <= length {
            hash = mix(hash, unsafe UnsafeRawPointer(word + offset).loadUnaligned(as: UInt64.self).littleEndian)
            offset += 8
        }
        var rest: UInt64 = 0
        var shift: UInt64 = 0
        while offset < length {
            rest |= unsafe UInt64(word[offset]) << shift
            shift += 8
            offset += 1
        }
        return mix(mix(hash, rest), UInt64(length))
    }

    @inline(__always)
    private static func mix(_ hash: UInt64, _ value: UInt64) -> UInt64 {
        let product = (hash ^ value).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
        return product.high ^ product.low
    }

    @inline(__always)
    private static func slot(_ hash: UInt64, _ slotCount: Int) -> Int {
        Int(((hash >> 32) &* UInt64(slotCount)) >> 32)
    }

    /// The id of a word, or nil.
    @inline(__always)
    func id(_ word: UnsafePointer<UInt8>, _ length: Int) -> UInt32? {
        unsafe id(word, length, hash: Self.hash(word, length))
    }

    @inline(__always)
    func touch(hash: UInt64) -> UInt8 { slots.touch(Self.slot(hash, slotCount) * 4) }

    @inline(__always)
    func id(_ word: UnsafePointer<UInt8>, _ length: Int, hash: UInt64) -> UInt32? {
        var place = Self.slot(hash, slotCount)
        let tag = UInt32(truncatingIfNeeded: hash) >> idBits
        let mask = (UInt32(1) << idBits) - 1
        // A damaged table may have no empty slot.
        for _ in 0..<slotCount {
            let slot = slots.load(UInt32.self, at: place * 4)
            if slot == 0 { return nil }
            if slot >> idBits == tag, (slot & mask) != 0, unsafe same(Int(slot & mask) - 1, word, length) {
                return (slot & mask) - 1
            }
            place = place + 1 == slotCount ? 0 : place + 1
        }
        return nil
    }

    func id(_ word: Span<UInt8>) -> UInt32? {
        unsafe word.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return nil }
            return unsafe id(start, buffer.count)
        }
    }

    private func same(_ id: Int, _ word: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        guard let range = range(of: id), range.count == length else { return false }
        return unsafe words.equal(range.lowerBound, word, length)
    }

    /// Where the bytes of a word lie; nil outside the vocabulary or in a damaged file.
    private func range(of id: Int) -> Range<Int>? {
        guard id >= 0, id < count else { return nil }
        var place = Int(truncatingIfNeeded: starts.load(UInt64.self, at: id / Self.stride * 8))
        var left = id % Self.stride
        while true {
            guard place >= 0, place < words.count else { return nil }
            var length = Int(words.load(UInt8.self, at: place))
            place += 1
            if length == 255 {
                guard place <= words.count - 4 else { return nil }
                length = Int(words.load(UInt32.self, at: place))
                place += 4
            }
            guard length <= words.count - place else { return nil }
            if left == 0 { return place..<place + length }
            place += length
            left -= 1
        }
    }

    func bytes(of id: UInt32) -> [UInt8] {
        guard let range = range(of: Int(id)) else { return [] }
        return range.map { words.load(UInt8.self, at: $0) }
    }

    /// The three parts for a vocabulary, to be put into a file.
    static func build(_ list: VocabularyList) throws(NgramError) -> (
        slots: Lane<UInt8>, starts: Lane<UInt8>, words: Lane<UInt8>
    ) {
        guard list.count < 1 << 28 else {
            throw NgramError(.unsupported, "model: \(list.count) words, and the format holds at most \(1 << 28)")
        }
        let slotCount = list.count + list.count / 4 + 4
        let slots = Lane<UInt8>(zeros: slotCount * 4)
        let values = Lane<UInt32>(zeros: slotCount)
        let idBits = idBits(list.count)
        let starts = Lane<UInt8>(zeros: (list.count + stride - 1) / stride * 8)
        var size = 0
        for id in 0..<list.count {
            let length = list.range(of: id).count
            size += length + (length >= 255 ? 5 : 1)
        }
        let words = Lane<UInt8>(zeros: size)
        var end = 0
        for id in 0..<list.count {
            let range = list.range(of: id)
            if id % stride == 0 {
                for byte in 0..<8 { starts[id / stride * 8 + byte] = UInt8(truncatingIfNeeded: end >> (8 * byte)) }
            }
            if range.count < 255 {
                words[end] = UInt8(range.count)
                end += 1
            } else {
                words[end] = 255
                for byte in 0..<4 { words[end + 1 + byte] = UInt8(truncatingIfNeeded: range.count >> (8 * byte)) }
                end += 5
            }
            for index in range {
                words[end] = list.bytes[index]
                end += 1
            }
            let hash = unsafe hash(list.bytes.pointer + range.lowerBound, range.count)
            var place = slot(hash, slotCount)
            while values[place] != 0 { place = place + 1 == slotCount ? 0 : place + 1 }
            values[place] = ((UInt32(truncatingIfNeeded: hash) >> idBits) << idBits) | UInt32(id + 1)
        }
        for place in 0..<slotCount {
            for byte in 0..<4 { slots[place * 4 + byte] = UInt8(truncatingIfNeeded: values[place] >> (8 * byte)) }
        }
        return (slots, starts, words)
    }
}
