/// A text on its way through normalizers and pre-tokenizers: UTF-8 and, where offsets are wanted, the range of the
/// original text that each byte comes from.
struct AlignedText {
    var bytes: [UInt8]
    /// Per byte, where its origin begins and ends; both empty when nobody asks for offsets.
    var begins: [UInt32]
    var ends: [UInt32]

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
        part.bytes = Array(bytes[range])
        if isTracked {
            part.begins = Array(begins[range])
            part.ends = Array(ends[range])
        }
        return part
    }

    /// The range of the original text that bytes `range` come from.
    func origin(of range: Range<Int>) -> Range<Int> {
        guard isTracked, !range.isEmpty else { return 0..<0 }
        let begin = Int(begins[range.lowerBound])
        let end = Int(ends[range.upperBound - 1])
        return begin..<max(begin, end)
    }

    /// Appends bytes of `source` as they are.
    mutating func append(_ source: AlignedText, _ range: Range<Int>) {
        bytes += source.bytes[range]
        if source.isTracked {
            begins += source.begins[range]
            ends += source.ends[range]
        }
    }

    /// Appends new bytes that stand for bytes `range` of `source`; an empty range takes the origin of its neighbour.
    mutating func append(_ new: some Collection<UInt8>, standingFor range: Range<Int>, of source: AlignedText) {
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
