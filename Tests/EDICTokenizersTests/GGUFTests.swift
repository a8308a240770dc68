import SystemPackage
import Testing
import _EDICTestSupport

@testable import EDICTokenizers

/// Tokenizers inside GGUF files, which are written here key by key.
@Suite struct GGUFTests {
    struct Metadata {
        private var entries: [UInt8] = []
        private var count: UInt64 = 0

        private static func integer<I: FixedWidthInteger>(_ value: I) -> [UInt8] {
            (0..<I.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
        }

        private static func text(_ bytes: [UInt8]) -> [UInt8] { integer(UInt64(bytes.count)) + bytes }

        private mutating func add(_ key: String, type: UInt32, _ value: [UInt8]) {
            entries += Self.text(Array(key.utf8)) + Self.integer(type) + value
            count += 1
        }

        mutating func set(_ key: String, _ value: String) { add(key, type: 8, Self.text(Array(value.utf8))) }
        mutating func set(_ key: String, _ value: UInt32) { add(key, type: 4, Self.integer(value)) }
        mutating func set(_ key: String, _ value: Bool) { add(key, type: 7, [value ? 1 : 0]) }
        mutating func set(_ key: String, _ list: [[UInt8]]) {
            add(key, type: 9, Self.integer(UInt32(8)) + Self.integer(UInt64(list.count)) + list.flatMap(Self.text))
        }
        mutating func set(_ key: String, _ list: [Int32]) {
            add(key, type: 9, Self.integer(UInt32(5)) + Self.integer(UInt64(list.count)) + list.flatMap(Self.integer))
        }
        mutating func set(_ key: String, _ list: [Float]) {
            let bits = list.map(\.bitPattern)
            add(key, type: 9, Self.integer(UInt32(6)) + Self.integer(UInt64(list.count)) + bits.flatMap(Self.integer))
        }

        var file: [UInt8] {
            Array("GGUF".utf8) + Self.integer(UInt32(3)) + Self.integer(UInt64(0)) + Self.integer(count) + entries
        }
    }

    static let trained = Result { try TrainingTests.train(.byteLevelBPE, size: 360, workers: 1) }

    static func byteLevel(pre: String?, beginning: UInt32? = nil) throws -> (Tokenizer, [UInt8]) {
        let tokenizer = try trained.get()
        guard case .bytePair(let model) = tokenizer.core.parts.model else { throw TokenizerError.outOfMemory }
        func spelling(_ id: UInt32) -> [UInt8] { tokenizer.core.spelling(of: id) ?? [] }
        var metadata = Metadata()
        metadata.set("general.architecture", "llama")
        metadata.set("tokenizer.ggml.model", "gpt2")
        if let pre { metadata.set("tokenizer.ggml.pre", pre) }
        if let beginning { metadata.set("tokenizer.ggml.bos_token_id", beginning) }
        metadata.set("tokenizer.ggml.tokens", (0..<UInt32(tokenizer.vocabularySize)).map(spelling))
        metadata.set("tokenizer.ggml.token_type", (0..<tokenizer.vocabularySize).map { $0 == 0 ? 3 : 1 } as [Int32])
        metadata.set("tokenizer.ggml.merges", model.merges.map { spelling($0.left) + [0x20] + spelling($0.right) })
        return (tokenizer, metadata.file)
    }

    /// Gemma's kind: characters merge, spaces are ▁.
    static func spaced(_ tokens: [String], _ merges: [String]) -> [UInt8] {
        var metadata = Metadata()
        metadata.set("tokenizer.ggml.model", "gemma4")
        metadata.set("tokenizer.ggml.tokens", tokens.map { Array($0.utf8) })
        metadata.set(
            "tokenizer.ggml.token_type", tokens.indices.map { $0 < 4 ? 3 : $0 < 260 ? 6 : 1 } as [Int32])
        metadata.set("tokenizer.ggml.merges", merges.map { Array($0.utf8) })
        metadata.set("tokenizer.ggml.bos_token_id", 2 as UInt32)
        metadata.set("tokenizer.ggml.unknown_token_id", 3 as UInt32)
        metadata.set("tokenizer.ggml.add_bos_token", true)
        return metadata.file
    }

    static func sentencePiece() throws -> (Tokenizer, [UInt8]) {
        let tokenizer = try TrainingTests.train(.sentencePieceBPE(byteFallback: true), size: 400, workers: 1)
        guard case .sentencePieceBPE(let model) = tokenizer.core.parts.model else { throw TokenizerError.outOfMemory }
        var metadata = Metadata()
        metadata.set("tokenizer.ggml.model", "llama")
        metadata.set("tokenizer.ggml.tokens", model.pieces.map(\.bytes))
        metadata.set("tokenizer.ggml.scores", model.pieces.map { Float($0.score) })
        metadata.set("tokenizer.ggml.token_type", model.pieces.map { Int32($0.kind.rawValue) })
        metadata.set("tokenizer.ggml.add_bos_token", false)
        return (tokenizer, metadata.file)
    }

    static func write(_ bytes: [UInt8], to path: FilePath) throws {
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
        try file.closeAfter { _ = try file.writeAll(bytes) }
    }

    @Test func idsAreThoseOfTheTokenizerWritten() throws {
        let folder = try TemporaryFolder()
        let text = "the cats' hat,  Straße 1234 <|endoftext|> 中文 żółw\n"
        let written = [("bytes", try Self.byteLevel(pre: "gpt-2")), ("pieces", try Self.sentencePiece())]
        for (name, (tokenizer, file)) in written {
            let path = FilePath("\(folder.path)/\(name).gguf")
            try Self.write(file, to: path)
            let read = try Tokenizer(contentsOf: path)
            // The pieces' file keeps extra spaces, as llama.cpp does.
            let sample = name == "bytes" ? text : "the cats' hat, Straße 1234 中文 żółw"
            #expect(read.encode(sample) == tokenizer.encode(sample), "\(name)")
            #expect(read.decodeBytes(read.encode(sample), skippingSpecialTokens: false) == Array(sample.utf8))
        }
    }

    @Test func everyPreTokenizerIsRead() throws {
        let folder = try TemporaryFolder()
        for name in ["gpt-2", "llama-bpe", "qwen2", "gpt-4o", "tekken", "deepseek-coder", "deepseek-v3", "falcon"] {
            let path = FilePath("\(folder.path)/\(name).gguf")
            try Self.write(try Self.byteLevel(pre: name).1, to: path)
            let text = "The cats, 1234 <[x] Straße\n\n 中文!"
            #expect(try Tokenizer(contentsOf: path).decode(try Tokenizer(contentsOf: path).encode(text)) == text)
        }
        let path = FilePath("\(folder.path)/unknown.gguf")
        try Self.write(try Self.byteLevel(pre: "sparkle").1, to: path)
        let error = #expect(throws: TokenizerError.self) { try Tokenizer(contentsOf: path) }
        #expect(error?.code == .unknownComponent && error?.message.contains("sparkle") == true)
    }

    @Test func damagedFilesAreErrors() throws {
        let folder = try TemporaryFolder()
        let path = FilePath("\(folder.path)/damaged.gguf")
        var generator = SeededGenerator(seed: 23)
        for file in [try Self.byteLevel(pre: "gpt-2").1, try Self.sentencePiece().1] {
            for _ in 0..<20 {
                var damaged = file
                if Bool.random(using: &generator) {
                    damaged.removeLast(Int.random(in: 1..<file.count, using: &generator))
                } else {
                    for _ in 0..<3 {
                        damaged[Int.random(in: 0..<min(file.count, 2000), using: &generator)] ^=
                            1 << UInt8.random(in: 0...7, using: &generator)
                    }
                }
                try Self.write(damaged, to: path)
                do {
                    _ = try Tokenizer(contentsOf: path).encode("the cat 中")
                } catch {
                    #expect(error.message.contains("damaged.gguf") && !error.message.contains("\n"))
                }
            }
        }
    }
}
