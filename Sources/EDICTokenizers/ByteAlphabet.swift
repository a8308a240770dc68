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
    /// The byte of each scalar; -1 for those outside the alphabet.
    private static let bytes: [Int16] = {
        var bytes = [Int16](repeating: -1, count: 256 + 68)
        for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar.value)] = Int16(byte) }
        return bytes
    }()

    static func utf8(_ byte: UInt8) -> [UInt8] { encoded[Int(byte)] }

    /// The byte that a scalar stands for.
    static func byte(_ scalar: Unicode.Scalar) -> UInt8? {
        let value = Int(scalar.value)
        return value < bytes.count ? UInt8(exactly: bytes[value]) : nil
    }

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
            // Most are printable ASCII, which stands for itself.
            if (33...126).contains(text[at]) {
                result.append(text[at])
                at += 1
                continue
            }
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

extension Vocabulary {
    /// The bytes that tokens of GPT-2's alphabet stand for. A token with a character outside it is none, nor is one of `kept`.
    func bytesOfAlphabet(keeping kept: Set<UInt32> = []) -> Vocabulary {
        var raw = Vocabulary()
        raw.reserve(count, bytes: bytes.count)
        var token: [UInt8] = []
        for id in 0..<UInt32(count) {
            token.removeAll(keepingCapacity: true)
            if let range = range(of: id), kept.isEmpty || !kept.contains(id),
                ByteAlphabet.append(bytes.span.extracting(range), to: &token)
            {
                raw.append(token.span)
            } else {
                raw.appendUnused()
            }
        }
        return raw
    }
}
