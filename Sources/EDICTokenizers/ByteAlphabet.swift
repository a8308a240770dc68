/// GPT-2's alphabet: a printable character for each byte.
enum ByteAlphabet {
    /// The scalar that stands for each byte.
    static let scalars: [Unicode.Scalar] = {
        var spare: UInt32 = 256
        return (0..<256).map { byte in
            switch byte {
            case 33...126, 161...172, 174...255: return Unicode.Scalar(UInt8(byte))
            default:
                defer { spare += 1 }
                return Unicode.Scalar(spare) ?? " "
            }
        }
    }()

    private static let encoded: [[UInt8]] = scalars.map { Array(UTF8.encode($0) ?? .init()) }
    private static let bytes: [UInt32: UInt8] = Dictionary(
        uniqueKeysWithValues: scalars.enumerated().map { ($1.value, UInt8($0)) })

    static func utf8(_ byte: UInt8) -> [UInt8] { encoded[Int(byte)] }

    /// The byte that a scalar stands for.
    static func byte(_ scalar: Unicode.Scalar) -> UInt8? { bytes[scalar.value] }

    /// The bytes that a string of the alphabet stands for; nil if a character is outside it.
    static func bytes(of text: Span<UInt8>) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        return append(text, to: &result) ? result : nil
    }

    /// Appends the bytes that a string of the alphabet stands for, or some of them and returns false.
    static func append(_ text: Span<UInt8>, to result: inout [UInt8]) -> Bool {
        var at = 0
        while at < text.count {
            let (scalar, length) = decodeScalar(text, at)
            guard let byte = byte(scalar) else { return false }
            result.append(byte)
            at += length
        }
        return true
    }

    static func text(of bytes: some Sequence<UInt8>) -> String {
        var text = ""
        for byte in bytes { text.unicodeScalars.append(scalars[Int(byte)]) }
        return text
    }
}
