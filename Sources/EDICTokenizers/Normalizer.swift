/// What happens to a text before it is split, as the `normalizer` of a `tokenizer.json` says it.
indirect enum Normalizer: Sendable {
    case sequence([Normalizer])
    case form(NormalizationForm)
    case lowercase
    case strip(left: Bool, right: Bool)
    /// Removes nonspacing marks.
    case stripAccents
    case replace(Pattern, with: [UInt8])
    case prepend([UInt8])
    case precompiled(CharacterMap)
    case bert(cleanText: Bool, chineseCharacters: Bool, stripAccents: Bool, lowercase: Bool)
    case nmt
    /// Each byte becomes the printable character that stands for it.
    case byteLevel
    case sentencePiece(SentencePieceNormalizer)

    func apply(_ text: AlignedText) -> AlignedText {
        if text.bytes.isEmpty {
            if case .sequence = self {} else { return text }
        }
        switch self {
        case .sequence(let steps): return steps.reduce(text) { $1.apply($0) }
        case .form(let form): return form.apply(text)
        case .lowercase: return lowercased(text)
        case .strip(let left, let right): return stripped(text, left: left, right: right)
        case .stripAccents: return text.mapScalars { scalar, _ in scalar.isMark ? [] : nil }
        case .replace(let pattern, let content): return replaced(text, pattern, content)
        case .prepend(let prefix):
            var result = AlignedText()
            result.append(prefix, standingFor: 0..<utf8Length(text.bytes.span, 0), of: text)
            result.append(text, 0..<text.bytes.count)
            return result
        case .precompiled(let map): return map.applyByGrapheme(text)
        case .bert(let clean, let chinese, let accents, let lower):
            var result = text
            if clean { result = cleaned(result) }
            if chinese { result = spacedChinese(result) }
            if accents {
                result = NormalizationForm.nfd.apply(result)
                result = result.mapScalars { scalar, _ in scalar.isNonspacingMark ? [] : nil }
            }
            if lower { result = lowercased(result) }
            return result
        case .nmt: return nmt(text)
        case .byteLevel:
            var result = AlignedText()
            for at in text.bytes.indices {
                result.append(ByteAlphabet.utf8(text.bytes[at]), standingFor: at..<at + 1, of: text)
            }
            return result
        case .sentencePiece(let normalizer): return normalizer.apply(text)
        }
    }

    private func lowercased(_ text: AlignedText) -> AlignedText {
        text.mapScalars { scalar, _ in
            if scalar.isASCII {
                return 65...90 ~= scalar.value ? [UInt8(scalar.value) + 32] : nil
            }
            guard let lower = scalar.lowercase else { return nil }
            var bytes: [UInt8] = []
            for scalar in lower { bytes.append(scalar) }
            return bytes
        }
    }

    private func stripped(_ text: AlignedText, left: Bool, right: Bool) -> AlignedText {
        var begin = 0
        var end = text.bytes.count
        while left, begin < end {
            let (scalar, length) = decodeScalar(text.bytes.span, begin)
            guard scalar.isWhiteSpace else { break }
            begin += length
        }
        while right, begin < end {
            var at = end - 1
            while at > begin, text.bytes[at] & 0xC0 == 0x80 { at -= 1 }
            guard decodeScalar(text.bytes.span, at).scalar.isWhiteSpace else { break }
            end = at
        }
        return begin == 0 && end == text.bytes.count ? text : text[begin..<end]
    }

    private func replaced(_ text: AlignedText, _ pattern: Pattern, _ content: [UInt8]) -> AlignedText {
        var result = AlignedText()
        var last = 0
        for match in pattern.matches(in: text.bytes) {
            result.append(text, last..<match.lowerBound)
            result.append(content, insertedAt: match.upperBound, of: text)
            last = match.upperBound
        }
        if last == 0, result.bytes.isEmpty { return text }
        result.append(text, last..<text.bytes.count)
        return result
    }

    private func cleaned(_ text: AlignedText) -> AlignedText {
        text.mapScalars { scalar, _ in
            switch scalar {
            case "\t", "\n", "\r", " ": return [0x20]
            case "\0", "\u{FFFD}": return []
            default:
                if scalar.isASCII, scalar.value >= 0x20, scalar.value < 0x7F { return nil }
                switch scalar.category {
                case .cc, .co: return []
                // The reference's tables are older than these.
                case .cf:
                    switch scalar.value {
                    case 0x890, 0x891, 0x8E2, 0x110CD, 0x13430...0x1343F: return nil
                    default: return []
                    }
                default: return scalar.isWhiteSpace ? [0x20] : nil
                }
            }
        }
    }

    private func spacedChinese(_ text: AlignedText) -> AlignedText {
        text.mapScalars { scalar, range in scalar.isIdeograph ? [0x20] + text.bytes[range] + [0x20] : nil }
    }

    private func nmt(_ text: AlignedText) -> AlignedText {
        text.mapScalars { scalar, _ in
            switch scalar.value {
            case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: return []
            case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD: return [0x20]
            default: return nil
            }
        }
    }
}

/// What SentencePiece does to a sentence before it looks for pieces.
struct SentencePieceNormalizer: Sendable {
    var map: CharacterMap?
    var addsDummyPrefix = true
    var removesExtraWhitespace = true
    var escapesWhitespace = true
    var treatsWhitespaceAsSuffix = false
    /// Symbols the user asked for pass unchanged.
    var protected: Trie?

    static let space: [UInt8] = [0xE2, 0x96, 0x81]

    func apply(_ text: AlignedText) -> AlignedText { apply(text, dummyPrefix: addsDummyPrefix) }

    /// As ``apply(_:)`` with the dummy prefix given: the parts of a sentence after its first have none.
    func apply(_ text: AlignedText, dummyPrefix: Bool) -> AlignedText {
        let input = text.bytes
        var result = AlignedText()
        result.bytes.reserveCapacity(input.count + 3)
        let space = escapesWhitespace ? Self.space : [0x20]
        var at = 0
        if removesExtraWhitespace {
            while at < input.count {
                let (replacement, length) = step(input.span, at)
                guard replacement.elementsEqual([0x20]) else { break }
                at += length
            }
            if at == input.count { return result }
        }
        if input.isEmpty { return result }
        if !treatsWhitespaceAsSuffix, dummyPrefix {
            result.append(space, standingFor: at..<at, of: text)
        }
        var afterSpace = removesExtraWhitespace
        while at < input.count {
            let (replacement, length) = step(input.span, at)
            var rest = replacement[...]
            while afterSpace, rest.first == 0x20 { rest.removeFirst() }
            if !rest.isEmpty {
                for byte in rest {
                    if byte == 0x20, escapesWhitespace {
                        result.append(space, standingFor: at..<at + length, of: text)
                    } else {
                        result.append(CollectionOfOne(byte), standingFor: at..<at + length, of: text)
                    }
                }
                afterSpace = rest.last == 0x20
            }
            at += length
            if !removesExtraWhitespace { afterSpace = false }
        }
        if removesExtraWhitespace {
            while result.bytes.count >= space.count, result.bytes.suffix(space.count).elementsEqual(space) {
                result.bytes.removeLast(space.count)
                if !result.ends.isEmpty {
                    result.begins.removeLast(space.count)
                    result.ends.removeLast(space.count)
                }
            }
        }
        if treatsWhitespaceAsSuffix, dummyPrefix {
            result.append(space, standingFor: input.count..<input.count, of: text)
        }
        return result
    }

    /// What stands at `at`, normalized, and how many bytes it takes.
    private func step(_ input: Span<UInt8>, _ at: Int) -> (ArraySlice<UInt8>, Int) {
        if let protected, let match = protected.longestPrefix(of: input.extracting(at..<input.count)) {
            return (slice(input, at..<at + match.length), match.length)
        }
        if let map, let match = map.longestMatch(input, at) { return (map.bytes(of: match.value), match.length) }
        let byte = input[at]
        if byte < 0x80 { return ([byte], 1) }
        let (scalar, length) = decodeScalar(input, at)
        if length == 1 {
            var bytes: [UInt8] = []
            bytes.append(scalar)
            return (bytes[...], 1)
        }
        return (slice(input, at..<at + length), length)
    }

    private func slice(_ input: Span<UInt8>, _ range: Range<Int>) -> ArraySlice<UInt8> {
        range.map { input[$0] }[...]
    }
}
