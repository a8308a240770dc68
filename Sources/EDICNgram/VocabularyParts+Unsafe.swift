internal import CEDICNgramIndex

/// The words of a model and the way from a word to its id, as they lie in the file.
///
/// Slots of 32 bits hold an id plus one in the low bits and part of the word's hash above; a word is looked for from
/// the slot its hash points at, onwards to the first empty one. Words lie one after another behind their lengths, with
/// the place of every eighth in a list.
struct VocabularyParts {
    private static let stride = 8

    let slots: Lane<UInt8>
    let starts: Lane<UInt8>
    let words: Lane<UInt8>

    static func idBits(_ count: Int) -> Int { Int.bitWidth - count.leadingZeroBitCount }

    static func startCount(_ words: Int) -> Int { (words + stride - 1) / stride }

    init(_ list: VocabularyList) throws(NgramError) {
        guard list.count < 1 << 28 else {
            throw NgramError(.unsupported, "model: \(list.count) words, and the format holds fewer than \(1 << 28)")
        }
        var size = 0
        for id in 0..<list.count {
            let length = list.range(of: id).count
            size += length + (length >= 255 ? 5 : 1)
        }
        guard size < 1 << 32 else {
            throw NgramError(.unsupported, "model: \(size) bytes of words, and the format holds less than \(1 << 32)")
        }
        let slotCount = list.count + list.count / 4 + 4
        starts = Lane(zeros: Self.startCount(list.count) * 4)
        words = Lane(zeros: size)
        let idBits = UInt32(Self.idBits(list.count))
        let values = Lane<UInt32>(zeros: slotCount)
        var end = 0
        for id in 0..<list.count {
            let range = list.range(of: id)
            if id % Self.stride == 0 { Self.put(UInt32(end), into: starts, at: id / Self.stride * 4) }
            words[end] = UInt8(min(255, range.count))
            end += 1
            if range.count >= 255 {
                Self.put(UInt32(range.count), into: words, at: end)
                end += 4
            }
            copy(list.bytes.part(range), into: words, at: end)
            end += range.count
            let hash = unsafe edic_index_hash(list.bytes.pointer + range.lowerBound, range.count)
            var place = Int(edic_index_slot(hash, UInt64(slotCount)))
            while values[place] != 0 { place = place + 1 == slotCount ? 0 : place + 1 }
            values[place] = ((UInt32(truncatingIfNeeded: hash) >> idBits) << idBits) | UInt32(id + 1)
        }
        for place in 0..<slotCount { values[place] = values[place].littleEndian }
        slots = values.bytes
    }

    private static func put(_ value: UInt32, into bytes: Lane<UInt8>, at offset: Int) {
        for byte in 0..<4 { bytes[offset + byte] = UInt8(truncatingIfNeeded: value >> UInt32(8 * byte)) }
    }
}
