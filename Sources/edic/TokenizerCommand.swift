import ArgumentParser
import EDICJSON
import EDICNumerics
import EDICTokenizers
import SystemPackage

struct TokenizerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenizer",
        abstract: "Turn text into token ids and back, and look at how.",
        discussion: """
            A tokenizer is a tokenizer.json, a SentencePiece .model or .spm, a .tiktoken vocabulary, a vocab.json with \
            merges.txt, a WordPiece vocab.txt, a GGUF model, or a folder with one of these.

            EXAMPLES
              echo "The harbour is open." | edic tokenizer encode --model tokenizer.json
              edic tokenizer encode --model m.spm text.txt | edic tokenizer decode \\
                  --model m.spm
              echo "Straßenbahn" | edic tokenizer inspect --model tokenizer.json
            """,
        subcommands: [
            TokenizerEncodeCommand.self, TokenizerDecodeCommand.self, TokenizerInspectCommand.self,
            TokenizerTrainCommand.self, TokenizerCompareCommand.self, TokenizerFertilityCommand.self,
        ])
}

/// Which tokenizer, and what it takes special tokens for.
struct TokenizerOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "The tokenizer: a file, or a folder with one.", completion: .file())
    var model: String

    func tokenizer() throws -> Tokenizer { try Tokenizer(contentsOf: FilePath(model)) }
}

struct EncodingOptions: ParsableArguments {
    @Flag(inversion: .prefixedNo, help: "Add the tokens that the tokenizer puts around a text.")
    var specialTokens = true

    @Flag(help: "Take the names of special tokens in the text as ordinary text.")
    var literal = false

    var policy: Tokenizer.SpecialTokenPolicy { literal ? .ordinaryText : .recognized }
}

struct TokenizerEncodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode",
        abstract: "Print the token ids of each line.",
        discussion: """
            A line ends with LF, or with CRLF as on Windows: its ids are those of the bytes before. Where a CR is part of \
            the text, and ids must be those of what other programs read up to each LF, say --keep-carriage-returns.

            EXAMPLES
              edic tokenizer encode --model tokenizer.json text.txt
              edic tokenizer encode --model tokenizer.json --no-special-tokens \\
                  --json text.txt
              edic tokenizer encode --model bert --pair --max-length 128 --pad-to 128 \\
                  --json pairs.tsv
              edic tokenizer encode --model m.json --whole --split 512 book.txt
              edic tokenizer encode --model bpe.json --dropout 0.1 --seed 7 text.txt
              edic tokenizer encode --model unigram.model --smoothing 0.2 --best 64 text.txt
              echo "Straßenbahn" | edic tokenizer encode --model unigram.model --n-best 3
            """)

    @OptionGroup var choice: TokenizerOptions
    @OptionGroup var encoding: EncodingOptions
    @OptionGroup var text: TextOptions

    @Flag(help: "Print a JSON object with ids and tokens for each line.")
    var json = false

    @Flag(help: "Print how many tokens each line has, not which.")
    var count = false

    @Flag(help: "Only LF ends a line; a CR before it is part of the text.")
    var keepCarriageReturns = false

    @Flag(help: "Take each file as one text, line ends and all: one line of ids a file.")
    var whole = false

    @OptionGroup var shape: EncodingShapeOptions
    @OptionGroup var sampling: SamplingOptions

    @OptionGroup var work: WorkerOptions

    func validate() throws {
        if whole, shape.pair || sampling.nBest != nil {
            throw ValidationError("--whole goes with neither --pair nor --n-best")
        }
    }

    func run() throws {
        let tokenizer = try choice.tokenizer()
        if let count = sampling.nBest { return try printBest(count, tokenizer) }
        let pool = work.makePool()
        let encoder = LineEncoder(
            tokenizer: tokenizer, addsSpecial: encoding.specialTokens, policy: encoding.policy, shape: shape.shape,
            sampling: sampling.sampling, seed: sampling.seed)
        if whole { return try encodeDocuments(encoder, pool) }
        var number = 0
        try text.input.forEachPiece(bytes: pool.workers << 18) { piece in
            let piece = PieceOfLines(piece, keepsReturns: keepCarriageReturns)
            guard !encoder.isPlain else {
                let outputs = pool.map(count: piece.groups.count) { group, _ in
                    let (ids, ends) = encoder.encode(piece.lines(in: piece.groups[group]), in: piece.bytes)
                    return output(ids, ends, tokenizer)
                }
                for output in outputs { Terminal.output(output.span) }
                return
            }
            let groups = piece.groups.map(piece.lines)
            var firsts: [Int] = []
            for lines in groups {
                firsts.append(number)
                number += lines.count
            }
            let outputs = try pool.map(count: groups.count) { [firsts] group, _ in
                var output: [UInt8] = []
                for (index, line) in groups[group].enumerated() {
                    for ids in try encoder.encode(piece.bytes[line], number: firsts[group] + index) {
                        append(ids, tokenizer, to: &output)
                    }
                }
                return output
            }
            for output in outputs { Terminal.output(output.span) }
        }
    }

    private func encodeDocuments(_ encoder: LineEncoder, _ pool: WorkerPool) throws {
        var number = 0
        try text.input.forEachDocument(atMost: 4 << 30) { _, bytes in
            for ids in try encoder.encode(document: bytes, number: number, pool) {
                Terminal.output(output(ids, [ids.count], encoder.tokenizer).span)
            }
            number += 1
        }
    }

    /// The log-probability, in JSON as a member, else with a tab before what else is printed of a line.
    private func printBest(_ best: Int, _ tokenizer: Tokenizer) throws {
        try text.input.forEachPiece { piece in
            let piece = PieceOfLines(piece, keepsReturns: keepCarriageReturns)
            var output: [UInt8] = []
            for line in piece.groups.flatMap(piece.lines) {
                for (ids, score) in try tokenizer.nBest(Array(piece.bytes[line]).text, best) {
                    if !json || count { output += Array("\(Decimals.fixed(score, 4))\t".utf8) }
                    append(ids, logProbability: score, tokenizer, to: &output)
                }
            }
            Terminal.output(output.span)
        }
    }

    /// What is printed of lines whose ids stand one after the other and end there.
    private func output(_ ids: [UInt32], _ ends: [Int], _ tokenizer: Tokenizer) -> [UInt8] {
        if count {
            let counts = ends.indices.map { UInt32(ends[$0] - ($0 == 0 ? 0 : ends[$0 - 1])) }
            return [UInt8](decimalLines: counts, ends: Array(1..<counts.count + 1))
        }
        guard json else { return [UInt8](decimalLines: ids, ends: ends) }
        var output: [UInt8] = []
        var begin = 0
        for end in ends {
            append(Array(ids[begin..<end]), tokenizer, to: &output)
            begin = end
        }
        return output
    }

    private func append(
        _ ids: [UInt32], logProbability: Double? = nil, _ tokenizer: Tokenizer, to output: inout [UInt8]
    ) {
        if count { return output.appendLine(String(ids.count)) }
        guard json else {
            output += [UInt8](decimalLines: ids, ends: [ids.count])
            return
        }
        var writer = JSONWriter()
        writer.beginObject()
        if let logProbability {
            writer.key("log_probability")
            writer.value(logProbability)
        }
        writer.key("ids")
        writer.beginArray()
        for id in ids { writer.value(id) }
        writer.endArray()
        writer.key("tokens")
        writer.beginArray()
        for id in ids { writer.value(tokenizer.token(id) ?? "") }
        writer.endArray()
        writer.endObject()
        writer.endLine()
        output += writer.bytes
    }
}

struct TokenizerDecodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: "Print the text of each line of token ids.",
        discussion: """
            Each text is printed with an LF behind it; line ends within a text are printed as they are. Ids stand apart by \
            spaces, tabs or commas, and lines of ids may end with CRLF.

            EXAMPLES
              echo "464 25451 318 1280 13" | edic tokenizer decode --model tokenizer.json
              edic store cat minutes.tokens.zst --row 0 | edic tokenizer decode \\
                  --model tokenizer.json
              model-that-prints-ids | edic tokenizer decode --stream --model tokenizer.json
            """)

    @OptionGroup var choice: TokenizerOptions

    @Argument(help: "Files of ids, one text a line; none, or -, is standard input.", completion: .file())
    var files: [String] = []

    @Flag(help: "Print special tokens too.")
    var keepSpecialTokens = false

    @Flag(help: "Take all ids as one text, and print each character as soon as it is whole.")
    var stream = false

    func run() throws {
        let tokenizer = try choice.tokenizer()
        if stream { return try self.stream(tokenizer) }
        var number = 0
        var output: [UInt8] = []
        try TextInput(files).forEachBatch { lines in
            for line in lines {
                number += 1
                let ids = try Self.ids(in: line, number: number, limit: tokenizer.vocabularySize)
                output += tokenizer.decodeBytes(ids, skippingSpecialTokens: !keepSpecialTokens)
                output.append(0x0A)
            }
            Terminal.output(output.span)
            output.removeAll(keepingCapacity: true)
        }
    }

    private func stream(_ tokenizer: Tokenizer) throws {
        var number = 0
        var decoder = tokenizer.streamingDecoder(skippingSpecialTokens: !keepSpecialTokens)
        try TextInput(files).forEachBatch { lines in
            for line in lines {
                number += 1
                for id in try Self.ids(in: line, number: number, limit: tokenizer.vocabularySize) {
                    Terminal.output(decoder.append(id))
                }
            }
        }
        Terminal.output(decoder.finish())
    }

    private static func ids(in line: [UInt8], number: Int, limit: Int) throws -> [UInt32] {
        try line.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 || $0 == 0x2C }).map { word in
            let word = String(decoding: word, as: UTF8.self)
            guard let id = UInt32(word), Int(id) < limit else {
                throw CommandFailure(
                    .badData, "line \(number): \"\(word.prefix(40))\" is no token id; ids are 0 to \(limit - 1)")
            }
            return id
        }
    }
}

struct TokenizerInspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show the tokens of each line with the bytes that they stand for.",
        discussion: """
            Prints for each token where its bytes in the line begin and end, its id and its spelling, with tabs between, \
            and an empty line after each line of text. A byte-level tokenizer spells bytes as letters: Ġ is a space. On a terminal the line comes first, its tokens in alternating colours.

            EXAMPLES
              echo "Straßenbahnhaltestelle" | edic tokenizer inspect --model tokenizer.json
              edic tokenizer inspect --json --model tokenizer.json text.txt
            """)

    @OptionGroup var choice: TokenizerOptions
    @OptionGroup var encoding: EncodingOptions
    @OptionGroup var text: TextOptions

    @Flag(help: "Print a JSON array of the tokens for each line.")
    var json = false

    func run() throws {
        let tokenizer = try choice.tokenizer()
        try text.input.forEachBatch { lines in
            var output = ""
            for line in lines.map(\.text) {
                let found = tokenizer.encoding(
                    of: line, addingSpecialTokens: encoding.specialTokens, specialTokens: encoding.policy)
                if json {
                    output += Self.json(found, tokenizer)
                    continue
                }
                if Terminal.outputIsTerminal { output += Self.coloured(Array(line.utf8), found.offsets) + "\n" }
                for (id, range) in zip(found.ids, found.offsets) {
                    output += "\(range.lowerBound)\t\(range.upperBound)\t\(id)\t\(tokenizer.token(id) ?? "")\n"
                }
                output += "\n"
            }
            Terminal.output(output)
        }
    }

    private static func json(_ encoding: Encoding, _ tokenizer: Tokenizer) -> String {
        var writer = JSONWriter()
        writer.beginArray()
        for (id, range) in zip(encoding.ids, encoding.offsets) {
            writer.beginObject()
            writer.member("first_byte", range.lowerBound)
            writer.member("end_byte", range.upperBound)
            writer.member("id", id)
            writer.member("token", tokenizer.token(id) ?? "")
            writer.endObject()
        }
        writer.endArray()
        writer.endLine()
        return writer.bytes.text
    }

    /// The line with a background behind each token that stands for some of it. Tokens that share a character, as byte
    /// tokens do, are shown together.
    private static func coloured(_ line: [UInt8], _ offsets: [Range<Int>]) -> String {
        let colours = ["\u{1B}[48;5;24m", "\u{1B}[48;5;95m"]
        var text = ""
        var shown = 0
        var piece = 0
        for range in offsets where range.upperBound > shown && range.upperBound <= line.count {
            let start = max(shown, range.lowerBound)
            text += Array(line[shown..<start]).text
            text += colours[piece % 2] + Array(line[start..<range.upperBound]).text + "\u{1B}[0m"
            shown = range.upperBound
            piece += 1
        }
        return text + Array(line[shown...]).text
    }
}
