/// How token texts become text again, as the `decoder` of a `tokenizer.json` says it.
indirect enum Decoder: Sendable {
    case sequence([Decoder])
    case byteLevel
    case metaspace([UInt8], PreTokenizer.PrependScheme)
    case wordPiece(prefix: [UInt8], cleansUp: Bool)
    case bytePair(suffix: [UInt8])
    case byteFallback
    case fuse
    case strip([UInt8], start: Int, stop: Int)
    case replace(Pattern, with: [UInt8])
    case ctc(pad: [UInt8], delimiter: [UInt8], cleansUp: Bool)

    /// The texts that tokens decode to; their concatenation is the text.
    func apply(_ tokens: [[UInt8]]) -> [[UInt8]] {
        switch self {
        case .sequence(let steps): return steps.reduce(tokens) { $1.apply($0) }
        case .byteLevel:
            return [tokens.flatMap { ByteAlphabet.bytes(of: $0.span) ?? $0 }]
        case .metaspace(let replacement, let scheme):
            return tokens.enumerated().map { index, token in
                let space: [UInt8] = index == 0 && scheme != .never ? [] : [0x20]
                return Normalizer.replace(.literal(replacement), with: space)
                    .apply(AlignedText(token, at: 0, tracking: false)).bytes
            }
        case .wordPiece(let prefix, let cleansUp):
            return tokens.enumerated().map { index, token in
                var text = token
                if index > 0 { text = text.starts(with: prefix) ? Array(text.dropFirst(prefix.count)) : [0x20] + text }
                return cleansUp ? Self.cleanedUp(text) : text
            }
        case .bytePair(let suffix):
            return tokens.enumerated().map { index, token in
                let isLast = index == tokens.count - 1
                return Normalizer.replace(.literal(suffix), with: isLast ? [] : [0x20])
                    .apply(AlignedText(token, at: 0, tracking: false)).bytes
            }
        case .byteFallback: return Self.joiningBytes(tokens)
        case .fuse: return [tokens.flatMap { $0 }]
        case .strip(let content, let start, let stop):
            return tokens.map { token in
                var text = token[...]
                for _ in 0..<start where text.starts(with: content) { text = text.dropFirst(content.count) }
                for _ in 0..<stop where text.count >= content.count && text.suffix(content.count).elementsEqual(content)
                {
                    text = text.dropLast(content.count)
                }
                return Array(text)
            }
        case .replace(let pattern, let content):
            return tokens.map {
                Normalizer.replace(pattern, with: content).apply(AlignedText($0, at: 0, tracking: false)).bytes
            }
        case .ctc(let pad, let delimiter, let cleansUp):
            var texts: [[UInt8]] = []
            for (index, token) in tokens.enumerated() where token != pad && (index == 0 || tokens[index - 1] != token) {
                let text = cleansUp ? Self.cleanedUp(token) : token
                texts.append(
                    cleansUp
                        ? Normalizer.replace(.literal(delimiter), with: [0x20])
                            .apply(AlignedText(text, at: 0, tracking: false)).bytes : text)
            }
            return texts
        }
    }

    /// `<0xE2>` tokens become their bytes; a run of bytes that is not UTF-8 becomes U+FFFD, one for each.
    static func joiningBytes(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var texts: [[UInt8]] = []
        var pending: [UInt8] = []
        func flush() {
            guard !pending.isEmpty else { return }
            texts.append(isWellFormed(pending) ? pending : pending.flatMap { _ in [0xEF, 0xBF, 0xBD] as [UInt8] })
            pending = []
        }
        for token in tokens {
            if let byte = byteValue(token) {
                pending.append(byte)
            } else {
                flush()
                texts.append(token)
            }
        }
        flush()
        return texts
    }

    /// Whether bytes are UTF-8.
    static func isWellFormed(_ bytes: [UInt8]) -> Bool {
        var at = 0
        while at < bytes.count {
            let length = utf8Length(bytes.span, at)
            guard bytes[at] < 0x80 || length > 1 else { return false }
            at += length
        }
        return true
    }

    /// Whether it does no more than take letters for bytes and join them.
    var isByteLevel: Bool {
        switch self {
        case .sequence(let steps): steps.count == 1 && steps[0].isByteLevel
        case .byteLevel: true
        default: false
        }
    }

    /// Whether tokens that name bytes become them.
    var joinsBytes: Bool {
        switch self {
        case .sequence(let steps): steps.contains { $0.joinsBytes }
        case .byteFallback: true
        default: false
        }
    }

    /// The byte that `<0x41>` names.
    static func byteValue(_ token: [UInt8]) -> UInt8? {
        guard token.count == 6, token[0] == 0x3C, token[1] == 0x30, token[2] == 0x78, token[5] == 0x3E else {
            return nil
        }
        func digit(_ byte: UInt8) -> UInt8? {
            switch byte {
            case 0x30...0x39: byte - 0x30
            case 0x41...0x46: byte - 0x41 + 10
            case 0x61...0x66: byte - 0x61 + 10
            default: nil
            }
        }
        guard let high = digit(token[3]), let low = digit(token[4]) else { return nil }
        return high << 4 | low
    }

    private static func cleanedUp(_ text: [UInt8]) -> [UInt8] {
        let rules = [
            (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
            (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
        ]
        guard text.contains(0x20) else { return text }
        return rules.reduce(text) { text, rule in
            Normalizer.replace(.literal(Array(rule.0.utf8)), with: Array(rule.1.utf8))
                .apply(AlignedText(text, at: 0, tracking: false)).bytes
        }
    }
}
