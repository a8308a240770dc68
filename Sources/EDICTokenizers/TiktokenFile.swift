/// A `.tiktoken` file: a line for each token, its bytes in Base64, a space, its rank.
enum TiktokenFile {
    static func vocabulary(_ data: [UInt8]) throws(TokenizerError) -> Vocabulary {
        var vocabulary = Vocabulary()
        var line = 0
        for row in data.split(separator: 10, omittingEmptySubsequences: false) {
            line += 1
            let row = row.last == 13 ? row.dropLast() : row
            if row.isEmpty { continue }
            guard let space = row.firstIndex(of: 0x20), let rank = Int(Array(row[(space + 1)...]).decodedText) else {
                throw .malformed("line \(line): expected Base64, a space and a rank")
            }
            // Whisper's files hold an empty token: it stands for no text.
            if row[..<space].elementsEqual("=".utf8) { continue }
            guard let token = Base64.decode(row[..<space]), !token.isEmpty else {
                throw .malformed("line \(line): the token is not Base64")
            }
            if rank >= 0, rank < vocabulary.count, vocabulary.range(of: UInt32(rank)) != nil {
                throw .malformed("line \(line): rank \(rank) was given before")
            }
            try vocabulary.set(token.span, id: rank)
        }
        guard vocabulary.count > 0 else { throw .malformed("no tokens in the file") }
        return vocabulary
    }

    /// The pattern and special tokens of the encodings that are published by name.
    static func published(_ name: String) -> (pattern: String, special: [String: UInt32])? {
        let lower = name.lowercased()
        if lower.contains("o200k") {
            return (o200kPattern, ["<|endoftext|>": 199_999, "<|endofprompt|>": 200_018])
        }
        if lower.contains("cl100k") {
            return (
                cl100kPattern,
                [
                    "<|endoftext|>": 100_257, "<|fim_prefix|>": 100_258, "<|fim_middle|>": 100_259,
                    "<|fim_suffix|>": 100_260, "<|endofprompt|>": 100_276,
                ]
            )
        }
        for known in ["gpt2", "r50k", "p50k", "whisper", "multilingual"] where lower.contains(known) {
            return (gpt2Pattern, [:])
        }
        return nil
    }

    static let gpt2Pattern = #"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"#
    static let cl100kPattern =
        #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"#
    static let o200kPattern =
        #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

    static func parts(
        _ data: [UInt8], pattern: String, specialTokens: [String: UInt32]
    ) throws(TokenizerError) -> TokenizerParts {
        let vocabulary = try vocabulary(data)
        var parts = TokenizerParts(model: .bytePair(try BytePairModel(ranked: vocabulary)))
        // What a pattern leaves out is dropped; those worked out by hand leave nothing out.
        let isKnown = WordPattern(pattern, .rust) != nil
        parts.preTokenizer = .split(
            .regularExpression(try RegularExpression(pattern, .rust)), isKnown ? .isolated : .removed,
            inverted: !isKnown)
        parts.decoder = .byteLevel
        for (content, id) in specialTokens.sorted(by: { $0.value < $1.value }) {
            guard vocabulary[id] == nil else {
                throw TokenizerError(.invalidArgument, "special token \(content): id \(id) is a token of the file")
            }
            parts.addedTokens.append(AddedToken(id: id, content: content, isSpecial: true))
        }
        parts.special.end = specialTokens["<|endoftext|>"]
        parts.source = .tiktoken(pattern: pattern)
        return parts
    }

    static func encoded(_ vocabulary: Vocabulary) -> [UInt8] {
        var bytes: [UInt8] = []
        for id in 0..<UInt32(vocabulary.count) {
            guard let token = vocabulary[id] else { continue }
            bytes += Base64.encode(token)
            bytes.append(0x20)
            bytes += "\(id)\n".utf8
        }
        return bytes
    }
}
