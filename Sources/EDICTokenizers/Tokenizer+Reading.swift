public import SystemPackage

extension Tokenizer {
    /// Reads a tokenizer file, or the tokenizer in a folder.
    ///
    /// The content says what it is: a `tokenizer.json`, a SentencePiece `.model` or `.spm`, a `.tiktoken` vocabulary, a
    /// `vocab.json` (with `merges.txt` beside it), a `vocab.txt` of WordPiece, or a GGUF model. A folder is searched for
    /// these names in this order.
    ///
    /// - Parameters:
    ///   - pattern: the splitting pattern of a `.tiktoken` file; by default the published one that the file's name says.
    ///   - specialTokens: special tokens of a `.tiktoken` file, with their ids.
    public init(
        contentsOf path: FilePath, pattern: String? = nil, specialTokens: [String: UInt32]? = nil
    ) throws(TokenizerError) {
        let path = try Self.file(at: path)
        do throws(TokenizerError) {
            if isGGUF(path) {
                try self.init(try GGUFTokenizer.parts(of: path))
                return
            }
            let data = try readFile(path)
            let name = path.lastComponent?.string ?? ""
            let isOther = name.hasSuffix(".json") && name != "vocab.json" && !data.isEmpty && !Self.hasModel(data)
            if name == "vocab.json" || isOther {
                let pairs = path.removingLastComponent().appending("merges.txt")
                if isOther, !isFile(pairs) {
                    throw TokenizerError(
                        .unknownFormat,
                        "no tokenizer.json, since it has no “model”; as a vocab.json it needs a merges.txt beside it")
                }
                let merges = try readFile(pairs)
                try self.init(try VocabularyFiles.bytePair(vocabulary: data, merges: merges))
            } else {
                try self.init(parsing: data, name: name, pattern: pattern, specialTokens: specialTokens)
            }
        } catch {
            throw error.message.hasPrefix(path.string) ? error : error.inFile(path.string)
        }
    }

    /// Reads a tokenizer from the bytes of one file; `name` helps where the content does not say what it is.
    public init(
        parsing data: [UInt8], name: String = "", pattern: String? = nil, specialTokens: [String: UInt32]? = nil
    ) throws(TokenizerError) {
        guard let first = data.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) else {
            throw .malformed("the file is empty")
        }
        if first == UInt8(ascii: "{") {
            var reader = try TokenizerJSONReader(data)
            try self.init(try reader.parts(data))
        } else if data.starts(with: [0x47, 0x47, 0x55, 0x46]) {
            throw TokenizerError(.unsupported, "a GGUF model is read from its file, not from bytes")
        } else if Self.looksLikeTiktoken(data) {
            let published = TiktokenFile.published(name)
            guard let pattern = pattern ?? published?.pattern else {
                throw TokenizerError(
                    .invalidArgument,
                    "a .tiktoken file holds no splitting pattern; give one, for example that of cl100k")
            }
            try self.init(
                try TiktokenFile.parts(
                    data, pattern: pattern, specialTokens: specialTokens ?? published?.special ?? [:]))
        } else if data[0] == 0x0A, data.count > 2 {
            try self.init(try SentencePieceFile(data).parts())
        } else if name.hasSuffix(".txt") || data.starts(with: "[PAD]".utf8) {
            try self.init(try VocabularyFiles.wordPiece(data))
        } else {
            throw TokenizerError(
                .unknownFormat,
                "neither tokenizer.json, SentencePiece .model, .tiktoken, vocab.json, vocab.txt nor GGUF: it begins with "
                    + "the bytes \(data.prefix(4).map { String($0, radix: 16) }.joined(separator: " "))")
        }
    }

    private static func file(at path: FilePath) throws(TokenizerError) -> FilePath {
        guard isFolder(path) else { return path }
        let names = [
            "tokenizer.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "vocab.json", "vocab.txt",
        ]
        for name in names where isFile(path.appending(name)) { return path.appending(name) }
        throw TokenizerError(.fileUnreadable, "\(path): none of \(names.joined(separator: ", ")) is in the folder")
    }

    private static func hasModel(_ data: [UInt8]) -> Bool {
        // A tokenizer.json has its version or its added tokens before the vocabulary.
        let head = Array(data.prefix(4096))
        return [#""version""#, #""added_tokens""#, #""model""#, #""truncation""#].contains {
            !Pattern.literal(Array($0.utf8)).matches(in: head).isEmpty
        }
    }

    private static func looksLikeTiktoken(_ data: [UInt8]) -> Bool {
        let line = data.prefix { $0 != 10 && $0 != 13 }
        guard line.count < 1000, let space = line.firstIndex(of: 0x20), space > 0 else { return false }
        let rank = line[(space + 1)...]
        return !rank.isEmpty && rank.allSatisfy { (0x30...0x39).contains($0) } && Base64.decode(line[..<space]) != nil
    }
}
