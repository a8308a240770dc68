/// A text on its way through normalizers and pre-tokenizers: UTF-8 and, where offsets are wanted, the range of the
/// original text that each byte comes from.
struct AlignedText {
    var bytes: [UInt8]
    /// Per byte, where its origin begins and ends; both empty when nobody asks for offsets.
    var begins: [UInt32]
    var ends: [UInt32]
    /// Where in the original text this part of it begins.
    private var start: UInt32 = 0

    var isTracked: Bool { begins.count == bytes.count && !bytes.isEmpty }

    init() {
        bytes = []
        begins = []
        ends = []
    }

    /// A part of the original text, from byte `offset` on.
    init(_ bytes: [UInt8], at offset: Int, tracking: Bool) {
        self.bytes = bytes
        begins = []
        ends = []
        guard tracking else { return }
        start = UInt32(offset)
        begins.reserveCapacity(bytes.count)
        ends.reserveCapacity(bytes.count)
        var at = 0
        while at < bytes.count {
            let length = utf8Length(bytes.span, at)
            for _ in 0..<length {
                begins.append(UInt32(offset + at))
                ends.append(UInt32(offset + at + length))
            }
            at += length
        }
    }

    /// The bytes in `range`, with their origins.
    subscript(range: Range<Int>) -> AlignedText {
        var part = AlignedText()
        part.start = start
        part.bytes = Array(bytes[range])
        if isTracked {
            part.begins = Array(begins[range])
            part.ends = Array(ends[range])
        }
        return part
    }

    /// The range of the original text that bytes `range` come from.
    func origin(of range: Range<Int>) -> Range<Int> {
        guard isTracked else { return 0..<0 }
        if range.isEmpty {
            let place = Int(range.lowerBound < begins.count ? begins[range.lowerBound] : ends[range.lowerBound - 1])
            return place..<place
        }
        let begin = Int(begins[range.lowerBound])
        let end = Int(ends[range.upperBound - 1])
        return begin..<max(begin, end)
    }

    /// How many characters there are in a range of bytes.
    func characterCount(_ range: Range<Int>) -> Int {
        range.count(where: { bytes[$0] & 0xC0 != 0x80 })
    }

    /// Appends bytes of `source` as they are.
    mutating func append(_ source: AlignedText, _ range: Range<Int>) {
        start = source.start
        bytes += source.bytes[range]
        if source.isTracked {
            begins += source.begins[range]
            ends += source.ends[range]
        }
    }

    /// Appends new bytes that stand for bytes `range` of `source`; an empty range takes the origin of its neighbour.
    mutating func append(_ new: some Collection<UInt8>, standingFor range: Range<Int>, of source: AlignedText) {
        start = source.start
        bytes += new
        guard source.isTracked else { return }
        let last = source.bytes.count - 1
        let from = min(range.lowerBound, last)
        let to = range.isEmpty ? from : range.upperBound - 1
        for _ in new {
            begins.append(source.begins[from])
            ends.append(max(source.ends[to], source.begins[from]))
        }
    }

    /// Appends bytes that were not there before what is at `at`: their origin is that of the byte in front of them.
    mutating func append(_ new: some Collection<UInt8>, insertedAt at: Int, of source: AlignedText) {
        start = source.start
        bytes += new
        guard source.isTracked else { return }
        let origin = source.origin(before: at)
        begins.append(contentsOf: repeatElement(origin.begin, count: new.count))
        ends.append(contentsOf: repeatElement(origin.end, count: new.count))
    }

    private func origin(before at: Int) -> (begin: UInt32, end: UInt32) {
        at > 0 ? (begins[at - 1], ends[at - 1]) : (start, start)
    }

    /// A character of a new text: how many bytes it has, and how many characters of the old one it takes the place of, less
    /// one; 1 where it takes the place of none.
    struct Change {
        var length: Int
        var count: Int
    }

    /// Gives each character the origin that the reference gives it: that of the first character whose place it takes, or, where
    /// it is new, that of the one in front of it. Changes are counted from byte `at` of the old text.
    mutating func align(_ changes: some Sequence<Change>, with source: AlignedText, from at: Int = 0) {
        guard source.isTracked else { return }
        start = source.start
        var at = at
        for change in changes {
            let isNew = change.count > 0
            let origin = source.origin(before: isNew ? at : min(at + 1, source.bytes.count))
            begins.append(contentsOf: repeatElement(origin.begin, count: change.length))
            ends.append(contentsOf: repeatElement(origin.end, count: change.length))
            if isNew { continue }
            for _ in 0...(-change.count) where at < source.bytes.count { at += utf8Length(source.bytes.span, at) }
        }
    }

    /// Rebuilds the text character by character; `body` returns what replaces a character, nil to keep it.
    func mapScalars(_ body: (Unicode.Scalar, Range<Int>) -> [UInt8]?) -> AlignedText {
        var result = AlignedText()
        result.bytes.reserveCapacity(bytes.count)
        var at = 0
        while at < bytes.count {
            let (scalar, length) = decodeScalar(bytes.span, at)
            let range = at..<at + length
            if let replacement = body(scalar, range) {
                result.append(replacement, standingFor: range, of: self)
            } else {
                result.append(self, range)
            }
            at += length
        }
        return result
    }
}

/// The scalar at `at` and its length; a byte that begins no well-formed sequence reads as U+FFFD of length 1.
@inline(__always)
func decodeScalar(_ bytes: Span<UInt8>, _ at: Int) -> (scalar: Unicode.Scalar, length: Int) {
    let first = bytes[at]
    if first < 0x80 { return (Unicode.Scalar(first), 1) }
    let bad: (Unicode.Scalar, Int) = ("\u{FFFD}", 1)
    guard first >= 0xC2, first <= 0xF4 else { return bad }
    let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
    guard at + length <= bytes.count else { return bad }
    var value = UInt32(first) & (length == 2 ? 0x1F : length == 3 ? 0x0F : 0x07)
    for index in 1..<length {
        let next = bytes[at + index]
        guard next & 0xC0 == 0x80 else { return bad }
        value = value << 6 | UInt32(next & 0x3F)
    }
    guard value >= (length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000), let scalar = Unicode.Scalar(value) else {
        return bad
    }
    return (scalar, length)
}

/// The length of the character at `at`; 1 where the bytes are not well formed.
@inline(__always)
func utf8Length(_ bytes: Span<UInt8>, _ at: Int) -> Int { bytes[at] < 0x80 ? 1 : decodeScalar(bytes, at).length }

extension Array where Element == UInt8 {
    mutating func append(_ scalar: Unicode.Scalar) { append(contentsOf: UTF8.encode(scalar)?.map { $0 } ?? []) }

    /// The bytes as text; what is not UTF-8 becomes U+FFFD.
    var decodedText: String { String(decoding: self, as: UTF8.self) }
}
