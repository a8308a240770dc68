/// Ways to spoil a file.
enum Mutation {
    private static let tokens: [String] = [
        "<", ">", "</", "/>", "&", "&amp;", "&x;", "<!--", "]]>", "<![CDATA[", "<!DOCTYPE a [<!ENTITY b 'c'>]>", "\"",
        "\t", "\n", "\r\n", "\n\n", "\0", "\u{FEFF}", "\u{FFFD}", "e\u{301}", "{", "}", "[", "\\u", "\\ud800",
        "msgid \"\"",
        "msgstr[1]", "#, fuzzy", "#~ ", "# newdoc", "1-9\t", "<tu>", "<seg>", "</tuv>", "<u>", "<text>",
        "<w join='right'>",
        "<script>", "<title>", "<pre>", "<table>", "xml:lang=\"zz\"", "charset=utf-16", "encoding=\"IBM037\"",
        "\u{1F}\u{8B}",
    ]

    static func apply(to bytes: inout [UInt8], _ random: inout SplitMix) {
        for _ in 0...random.below(6) {
            guard !bytes.isEmpty else { return }
            let at = Int(random.below(bytes.count))
            let length = min(bytes.count - at, 1 + Int(random.below(64)))
            switch random.below(10) {
            case 0: bytes[at] ^= 1 << UInt8(random.below(8))
            case 1: bytes[at] = UInt8(random.below(256))
            case 2: bytes.removeSubrange(at..<(at + length))
            case 3: bytes.insert(contentsOf: bytes[at..<(at + length)], at: Int(random.below(bytes.count)))
            case 4: bytes.removeSubrange(at...)
            case 5, 6, 7: bytes.insert(contentsOf: tokens[Int(random.below(tokens.count))].utf8, at: at)
            case 8:
                let token = Array(tokens[Int(random.below(tokens.count))].utf8)
                bytes.insert(contentsOf: repeatElement(token, count: 1 + Int(random.below(400))).joined(), at: at)
            default:
                for offset in 0..<min(4, bytes.count - at) {
                    bytes[at + offset] = [0, 0xFF, 0x7F][Int(random.below(3))]
                }
            }
            if bytes.count > 1 << 16 { bytes.removeSubrange((1 << 16)...) }
        }
    }
}

/// SplitMix64.
struct SplitMix {
    var state: UInt64

    mutating func below(_ bound: Int) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return (z ^ (z >> 31)) % UInt64(max(1, bound))
    }
}
