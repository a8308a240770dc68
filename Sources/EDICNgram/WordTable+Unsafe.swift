internal import Glibc

/// Words and their numbers, in order of first appearance: an open-addressing table over one arena of bytes.
///
/// Words of up to eight bytes are compared in the slot itself; longer ones in the arena, so equality is exact.
struct WordTable {
    private struct Slot: BitwiseCopyable {
        /// The bytes of a short word, zero-padded, or the hash of a long one.
        var key: UInt64
        /// The word's length; zero in an empty slot.
        var length: UInt32
        var number: UInt32
    }

    private var slots: Lane<Slot>
    private var mask: Int
    private var bytes = GrowingLane<UInt8>(capacity: 1 << 12)
    private var ends = GrowingLane<Int>(capacity: 256)
    /// A table that meets chosen words must not be slow, so the hash is different in each process.
    private static let seed = UInt64.random(in: .min ... .max) | 1

    init(capacity: Int = 1024) {
        var size = 1024
        while size < capacity * 2 { size *= 2 }
        slots = Lane(zeros: size)
        mask = size - 1
    }

    var count: Int { ends.count }

    /// Bytes of memory in use.
    var memory: Int { (mask + 1) * 16 + bytes.lane.count + ends.lane.count * 8 }

    func range(of number: Int) -> Range<Int> { (number == 0 ? 0 : ends[number - 1])..<ends[number] }

    /// The arena in which ``range(of:)`` counts; valid while the table is unchanged.
    var arena: Lane<UInt8> { bytes.lane }

    func bytes(of number: Int) -> [UInt8] { range(of: number).map { bytes[$0] } }

    func text(of number: Int) -> String { String(decoding: bytes(of: number), as: UTF8.self) }

    /// The eight bytes at `word`, those from `length` on replaced by zero. May read up to seven bytes beyond.
    @inline(__always)
    static func shortKey(_ word: UnsafePointer<UInt8>, _ length: Int) -> UInt64 {
        let loaded = unsafe UnsafeRawPointer(word).loadUnaligned(as: UInt64.self)
        return length >= 8 ? loaded : loaded & ((1 << UInt64(length * 8)) - 1)
    }

    @inline(__always)
    private static func mix(_ value: UInt64, _ length: Int) -> UInt64 {
        let product = (value ^ seed).multipliedFullWidth(by: 0x9FB2_1C65_1E98_DF25 ^ (UInt64(length) << 1))
        return product.high ^ product.low
    }

    private static func longKey(_ word: UnsafePointer<UInt8>, _ length: Int) -> UInt64 {
        var hash = seed
        var offset = 0
        while offset + 8 <= length {
            let eight = unsafe UnsafeRawPointer(word + offset).loadUnaligned(as: UInt64.self)
            hash = mix(hash ^ eight, length)
            offset += 8
        }
        // The tail overlaps what is done already, so that nothing beyond the word is read.
        let tail = unsafe UnsafeRawPointer(word + length - 8).loadUnaligned(as: UInt64.self)
        return mix(hash ^ tail, offset)
    }

    /// The number of `word`, given a new one if it is new. Up to seven readable bytes must follow the word.
    @inline(__always)
    mutating func intern(_ word: UnsafePointer<UInt8>, _ length: Int) -> (number: Int, isNew: Bool) {
        let key = length <= 8 ? unsafe Self.shortKey(word, length) : unsafe Self.longKey(word, length)
        var place = Int(truncatingIfNeeded: Self.mix(key, length)) & mask
        let slots = slots
        while true {
            let slot = slots[place]
            if slot.key == key, slot.length == UInt32(truncatingIfNeeded: length) {
                if unsafe length <= 8 || same(word, length, Int(slot.number)) {
                    return (Int(slot.number), false)
                }
            }
            if slot.length == 0 { break }
            place = (place + 1) & mask
        }
        return (unsafe insert(word, length, key, place), true)
    }

    /// The number of a known word. Up to seven readable bytes must follow it.
    @inline(__always)
    func find(_ word: UnsafePointer<UInt8>, _ length: Int) -> Int? {
        if length == 0 { return nil }
        let key = length <= 8 ? unsafe Self.shortKey(word, length) : unsafe Self.longKey(word, length)
        var place = Int(truncatingIfNeeded: Self.mix(key, length)) & mask
        while true {
            let slot = slots[place]
            if slot.length == 0 { return nil }
            if slot.key == key, slot.length == UInt32(truncatingIfNeeded: length),
                unsafe length <= 8 || same(word, length, Int(slot.number))
            {
                return Int(slot.number)
            }
            place = (place + 1) & mask
        }
    }

    func find(_ word: Span<UInt8>) -> Int? {
        unsafe withPaddedCopy(of: word) { unsafe find($0, $1) }
    }

    mutating func intern(_ word: Span<UInt8>) -> (number: Int, isNew: Bool) {
        unsafe withPaddedCopy(of: word) { unsafe intern($0, $1) }
    }

    /// As ``intern(_:_:)``, for a word that nothing readable need follow.
    mutating func internUnpadded(_ word: UnsafePointer<UInt8>, _ length: Int) -> (number: Int, isNew: Bool) {
        if length >= 8 { return unsafe intern(word, length) }
        var eight = UInt64(0)
        return unsafe withUnsafeMutableBytes(of: &eight) { copy in
            unsafe copy.copyMemory(from: UnsafeRawBufferPointer(start: word, count: length))
            guard let start = copy.baseAddress else { preconditionFailure("eight bytes have an address") }
            return unsafe intern(UnsafePointer(start.assumingMemoryBound(to: UInt8.self)), length)
        }
    }

    private func same(_ word: UnsafePointer<UInt8>, _ length: Int, _ number: Int) -> Bool {
        let range = range(of: number)
        return unsafe range.count == length && memcmp(bytes.lane.pointer + range.lowerBound, word, length) == 0
    }

    @inline(never)
    private mutating func insert(_ word: UnsafePointer<UInt8>, _ length: Int, _ key: UInt64, _ place: Int) -> Int {
        let number = ends.count
        unsafe bytes.append(copying: word, count: length)
        ends.append(bytes.count)
        slots[place] = Slot(key: key, length: UInt32(truncatingIfNeeded: length), number: UInt32(number))
        if ends.count * 2 > mask { rehash() }
        return number
    }

    private mutating func rehash() {
        let old = slots
        let larger = Lane<Slot>(zeros: old.count * 2)
        mask = larger.count - 1
        for index in 0..<old.count where old[index].length != 0 {
            let slot = old[index]
            let length = slot.length
            var place = Int(truncatingIfNeeded: Self.mix(slot.key, Int(length))) & mask
            while larger[place].length != 0 { place = (place + 1) & mask }
            larger[place] = slot
        }
        slots = larger
    }
}

/// Calls `body` with a copy of `word` that is followed by readable zeros.
private func withPaddedCopy<Result>(
    of word: Span<UInt8>, _ body: (UnsafePointer<UInt8>, Int) -> Result
) -> Result {
    unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: word.count + 8) { copy in
        for index in 0..<word.count { unsafe copy[index] = word[index] }
        for index in word.count..<word.count + 8 { unsafe copy[index] = 0 }
        guard let start = copy.baseAddress else { preconditionFailure("a temporary allocation has an address") }
        return unsafe body(UnsafePointer(start), word.count)
    }
}
