/// How a normalized text is cut into words, as the `pre_tokenizer` of a `tokenizer.json` says it.
indirect enum PreTokenizer: Sendable {
    enum Behavior: String, Sendable {
        case removed = "Removed"
        case isolated = "Isolated"
        case mergedWithPrevious = "MergedWithPrevious"
        case mergedWithNext = "MergedWithNext"
        case contiguous = "Contiguous"
    }
    enum PrependScheme: String, Sendable {
        case first, never, always
    }

    case sequence([PreTokenizer])
    /// Where `mapsBytes` is set each byte becomes its printable character; else the model takes raw bytes.
    case byteLevel(addsPrefixSpace: Bool, usesPattern: Bool, mapsBytes: Bool)
    case split(Pattern, Behavior, inverted: Bool)
    case whitespace
    case whitespaceSplit
    case bert
    case metaspace([UInt8], PrependScheme, splits: Bool)
    case punctuation(Behavior)
    case digits(individual: Bool)
    case delimiter(Unicode.Scalar)
    case fixedLength(Int)
    /// Cut where the script changes.
    case scripts

    /// Whether a text's first word is marked.
    var marksFirst: Bool {
        switch self {
        case .sequence(let steps): steps.contains { $0.marksFirst }
        case .metaspace(_, .first, _): true
        default: false
        }
    }

    var isSequence: Bool { if case .sequence = self { true } else { false } }

    /// A part of the text; `isFirst` where the text itself begins.
    struct Piece {
        var text: AlignedText
        var isFirst: Bool

        /// A part of this one, first if it comes from the text's beginning, as several do of what was put there.
        subscript(range: Range<Int>) -> Piece {
            let isAtStart = text.isTracked ? text.begins[range.lowerBound] == 0 : range.lowerBound == 0
            return Piece(text: text[range], isFirst: isFirst && isAtStart)
        }
    }

    func apply(_ pieces: [Piece]) -> [Piece] {
        if case .sequence(let steps) = self { return steps.reduce(pieces) { $1.apply($0) } }
        var result: [Piece] = []
        for piece in pieces where !piece.text.bytes.isEmpty { apply(piece, to: &result) }
        return result
    }

    private func apply(_ piece: Piece, to result: inout [Piece]) {
        let bytes = piece.text.bytes
        switch self {
        case .sequence: break
        case .byteLevel(let prefix, let usesPattern, let maps):
            var piece = piece
            if prefix, bytes.first != 0x20 { piece.text = Normalizer.prepend([0x20]).apply(piece.text) }
            let words =
                usesPattern
                ? WordPattern.gpt2.words(in: piece.text.bytes) : [0..<piece.text.bytes.count]
            for word in words {
                var part = piece[word]
                if maps { part.text = Normalizer.byteLevel.apply(part.text) }
                result.append(part)
            }
        case .split(let pattern, let behavior, let inverted):
            if !inverted, behavior == .isolated, case .regularExpression(let expression) = pattern,
                let known = WordPattern(expression.source, expression.dialect)
            {
                add(known.words(in: bytes), of: piece, to: &result)
            } else {
                cut(piece, at: pattern.matches(in: bytes), behavior, inverted: inverted, to: &result)
            }
        case .whitespace: add(WordPattern.word.words(in: bytes), of: piece, to: &result)
        case .whitespaceSplit: add(WordPattern.nonspace.words(in: bytes), of: piece, to: &result)
        case .bert: add(WordPattern.bert.words(in: bytes), of: piece, to: &result)
        case .metaspace(let replacement, let scheme, let splits):
            var piece = piece
            piece.text = Normalizer.replace(.literal([0x20]), with: replacement).apply(piece.text)
            let prepends = scheme == .always || (scheme == .first && piece.isFirst)
            if prepends, !piece.text.bytes.starts(with: replacement) {
                piece.text = Normalizer.prepend(replacement).apply(piece.text)
            }
            guard splits else {
                result.append(piece)
                return
            }
            let matches = Pattern.literal(replacement).matches(in: piece.text.bytes)
            cut(piece, at: matches, .mergedWithNext, inverted: false, to: &result)
        case .punctuation(let behavior):
            cut(piece, at: scalars(of: bytes) { $0.isPunctuation }, behavior, inverted: false, to: &result)
        case .digits(let individual):
            let digits = scalars(of: bytes) { $0.isNumber }
            cut(piece, at: digits, individual ? .isolated : .contiguous, inverted: false, to: &result)
        case .delimiter(let delimiter):
            cut(piece, at: scalars(of: bytes) { $0 == delimiter }, .removed, inverted: false, to: &result)
        case .fixedLength(let length):
            var at = 0
            while at < bytes.count {
                let begin = at
                var left = length
                while left > 0, at < bytes.count {
                    at += utf8Length(bytes.span, at)
                    left -= 1
                }
                add([begin..<at], of: piece, to: &result)
            }
        case .scripts: add(Self.scripts(in: bytes), of: piece, to: &result)
        }
    }

    /// The runs of one script. A character of no script joins what is before it; at the beginning it is in no run, as in
    /// the reference.
    private static func scripts(in bytes: [UInt8]) -> [Range<Int>] {
        var words: [Range<Int>] = []
        var last: UInt8 = 0
        var at = 0
        while at < bytes.count {
            let (scalar, length) = decodeScalar(bytes.span, at)
            let script = scalar.script
            if script != 0, script != last {
                words.append(at..<at)
                last = script
            }
            at += length
            if let word = words.popLast() { words.append(word.lowerBound..<at) }
        }
        return words
    }

    private func add(_ words: [Range<Int>], of piece: Piece, to result: inout [Piece]) {
        for word in words where !word.isEmpty { result.append(piece[word]) }
    }

    private func scalars(of bytes: [UInt8], _ wanted: (Unicode.Scalar) -> Bool) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var at = 0
        while at < bytes.count {
            let (scalar, length) = decodeScalar(bytes.span, at)
            if wanted(scalar) { found.append(at..<at + length) }
            at += length
        }
        return found
    }

    /// Cuts a piece at matches as `behavior` says.
    private func cut(
        _ piece: Piece, at matches: [Range<Int>], _ behavior: Behavior, inverted: Bool, to result: inout [Piece]
    ) {
        var parts: [(range: Range<Int>, isMatch: Bool)] = []
        var last = 0
        for match in matches {
            if match.lowerBound > last { parts.append((last..<match.lowerBound, inverted)) }
            parts.append((match, !inverted))
            last = match.upperBound
        }
        if last < piece.text.bytes.count { parts.append((last..<piece.text.bytes.count, inverted)) }

        var words: [Range<Int>] = []
        var previous: Bool?
        switch behavior {
        case .isolated: words = parts.map(\.range)
        case .removed: words = parts.filter { !$0.isMatch }.map(\.range)
        case .contiguous:
            for part in parts {
                if part.isMatch == previous, let word = words.popLast() {
                    words.append(word.lowerBound..<part.range.upperBound)
                } else {
                    words.append(part.range)
                }
                previous = part.isMatch
            }
        case .mergedWithPrevious:
            for part in parts {
                if part.isMatch, previous != true, let word = words.popLast() {
                    words.append(word.lowerBound..<part.range.upperBound)
                } else {
                    words.append(part.range)
                }
                previous = part.isMatch
            }
        case .mergedWithNext:
            for part in parts.reversed() {
                if part.isMatch, previous != true, let word = words.popLast() {
                    words.append(part.range.lowerBound..<word.upperBound)
                } else {
                    words.append(part.range)
                }
                previous = part.isMatch
            }
            words.reverse()
        }
        add(words, of: piece, to: &result)
    }
}
