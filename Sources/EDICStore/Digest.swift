/// A SHA-256 digest (FIPS 180-4): 32 bytes that name content.
///
/// Digests compare in the order of their bytes, which is the order of their hexadecimal descriptions.
public struct Digest: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The bytes as four big-endian numbers, so that comparing numbers compares bytes.
    private let words: [4 of UInt64]

    private init(words: [4 of UInt64]) { self.words = words }

    /// The digest of some bytes.
    public init(of bytes: Span<UInt8>) {
        var builder = Builder()
        builder.update(bytes)
        self = builder.finalize()
    }

    /// The digest of a text's UTF-8.
    public init(of text: String) {
        self.init(of: text.utf8.span)
    }

    /// The digest whose 32 bytes are these, or nil for any other number of bytes.
    public init?(bytes: Span<UInt8>) {
        guard bytes.count == 32 else { return nil }
        var words: [4 of UInt64] = .init(repeating: 0)
        for index in 0..<32 { words[index / 8] = words[index / 8] << 8 | UInt64(bytes[index]) }
        self.words = words
    }

    /// The digest whose bytes libcrypto left here.
    init(_ bytes: [32 of UInt8]) {
        var words: [4 of UInt64] = .init(repeating: 0)
        for index in 0..<32 { words[index / 8] = words[index / 8] << 8 | UInt64(bytes[index]) }
        self.words = words
    }

    /// The digest written as 64 hexadecimal digits in either case, or nil for anything else.
    public init?(hex: some StringProtocol) {
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in hex.utf8 {
            let digit: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = character - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = character - UInt8(ascii: "A") + 10
            default: return nil
            }
            if let first = high {
                guard bytes.count < 32 else { return nil }
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        guard high == nil else { return nil }
        self.init(bytes: bytes.span)
    }

    /// The 32 bytes.
    public var bytes: [UInt8] {
        (0..<32).map { UInt8(truncatingIfNeeded: words[$0 / 8] >> (56 - 8 * ($0 % 8))) }
    }

    /// 64 lowercase hexadecimal digits.
    public var description: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The first 8 bytes as a big-endian number, for tables keyed by digest.
    public var prefix64: UInt64 { words[0] }

    /// The first 16 bytes as two big-endian numbers.
    public var prefix128: (high: UInt64, low: UInt64) { (words[0], words[1]) }

    public static func == (left: Digest, right: Digest) -> Bool {
        for index in 0..<4 where left.words[index] != right.words[index] { return false }
        return true
    }

    public static func < (left: Digest, right: Digest) -> Bool {
        for index in 0..<4 where left.words[index] != right.words[index] {
            return left.words[index] < right.words[index]
        }
        return false
    }

    public func hash(into hasher: inout Hasher) {
        for index in 0..<4 { hasher.combine(words[index]) }
    }
}
