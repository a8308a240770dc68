import EDICJSON
import EDICStore
import SystemPackage
import Testing
import _EDICTestSupport

@testable import EDICTransformers

@Suite(.enabled(if: SharedData.isPresent))
struct EncoderFamilyTests {
    static let cases = ["bert"] + ["xlmr"].filter { SharedData.exists("data/goldens/\($0)/config.json") }

    @Test(arguments: cases)
    func statesAgree(_ name: String) throws {
        let golden = try Golden(name)
        let bert = try BERT(golden.configuration(), golden.tensors(), .asPublished)
        let texts = golden.tokenLists("single_ids")
        let states = bert.states(of: texts, on: Compute())
        let expected = try golden.matrix("last_hidden")
        let padded = expected.rows / texts.count
        var row = 0
        for (index, text) in texts.enumerated() {
            let ours = states.gathering(row..<row + text.count)
            let theirs = expected.gathering(index * padded..<index * padded + text.count)
            #expect(largestDifference(ours, theirs) < 1e-4)
            row += text.count
        }
        let firsts = texts.indices.map { texts[..<$0].reduce(0) { $0 + $1.count } }
        let pooled = try #require(bert.pooled(states.gathering(firsts), on: Compute()) as Matrix?)
        #expect(largestDifference(pooled, try golden.matrix("pooler")) < 1e-4)
    }

    // MARK: - What sentence-transformers writes beside a model

    /// The golden model in a folder of its own, with these files beside it.
    static func embedder(_ files: [String: String], in folder: FilePath) throws -> TextEmbedder {
        let golden = FilePath(SharedData.path("goldens/bert"))
        for name in ["config.json", "model.safetensors", "tokenizer.json"] where files[name] == nil {
            try FileTree.linkOrCopy(golden.appending(name), to: folder.appending(name))
        }
        for (name, text) in files {
            let path = folder.appending(name)
            try FileTree.createFolders(path.removingLastComponent())
            try writeFile(Array(text.utf8), to: path)
        }
        return try TextEmbedder(folder: folder)
    }

    static func modules(_ names: String...) -> String {
        let entries = names.enumerated().map { index, name in
            let folder = index == 0 ? "" : "\(index)_\(name)"
            return #"{"idx": \#(index), "path": "\#(folder)", "type": "sentence_transformers.models.\#(name)"}"#
        }
        return "[" + entries.joined(separator: ",") + "]"
    }

    @Test func poolingIsReadInBothSpellings() throws {
        let text = "Die Größe der Straße: 7,50 €!"
        for (old, new, pooling) in [
            (
                #"{"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": false}"#, #"{"pooling_mode": "mean"}"#,
                .mean
            ),
            (#"{"pooling_mode_cls_token": true}"#, #"{"pooling_mode": "cls"}"#, .firstToken),
            (#"{"pooling_mode_max_tokens": true}"#, #"{"pooling_mode": "max"}"#, .maximum),
        ] as [(String, String, TextEmbedder.Pooling)] {
            var vectors: [[Float]] = []
            for configuration in [old, new] {
                try withFolder { folder in
                    let embedder = try Self.embedder(
                        [
                            "modules.json": Self.modules("Transformer", "Pooling", "Normalize"),
                            "1_Pooling/config.json": configuration,
                        ], in: folder)
                    #expect(embedder.pooling == pooling && embedder.normalizes)
                    vectors += try embedder.embed([text])
                    let states = embedder.bert.states(of: [embedder.tokens(of: text)], on: Compute())
                    var raw = (0..<states.columns).map { column -> Float in
                        let values = (0..<states.rows).map { states.values[$0 * states.columns + column] }
                        return switch pooling {
                        case .mean: values.reduce(0, +) / Float(values.count)
                        case .maximum: values.max() ?? 0
                        default: values[0]
                        }
                    }
                    let length = raw.reduce(0) { $0 + $1 * $1 }.squareRoot()
                    raw = raw.map { $0 / length }
                    #expect(zip(raw, vectors[vectors.count - 1]).allSatisfy { abs($0 - $1) < 1e-5 })
                }
            }
            #expect(vectors[0] == vectors[1])
        }
    }

    @Test func aModuleThatIsNotKnownIsRefused() throws {
        for (files, word) in [
            (["modules.json": Self.modules("Transformer", "WordWeights")], "WordWeights"),
            (["1_Pooling/config.json": #"{"pooling_mode": "lasttoken"}"#], "lasttoken"),
            (["modules.json": Self.modules("Transformer", "Normalize", "Dense")], "Dense"),
            (["modules.json": Self.modules("Transformer", "Pooling")], "1_Pooling/config.json"),
        ] {
            try withFolder { folder in
                #expect { try Self.embedder(files, in: folder) } throws: { "\($0)".contains(word) }
            }
        }
    }

    @Test func modulesStayInTheirFolder() throws {
        for place in ["../elsewhere", "/etc", "a/../../b"] {
            let modules = #"[{"idx": 0, "path": "\#(place)", "type": "sentence_transformers.models.Pooling"}]"#
            try withFolder { folder in
                let error = #expect(throws: ModelError.self) {
                    try Self.embedder(["modules.json": modules], in: folder)
                }
                #expect(error?.message.contains("is not within the model's folder") == true)
            }
        }
    }

    /// What sentence-transformers does with every text where its files say so.
    @Test func defaultsOfTheFilesAreFollowed() throws {
        let modules = [
            "modules.json": Self.modules("Transformer", "Pooling"),
            "1_Pooling/config.json": #"{"pooling_mode": "mean"}"#,
        ]
        let defaults = #"{"default_prompt_name": "p", "prompts": {"p": "The budget: "}, "truncate_dim": 5}"#
        var plain: [Float] = []
        var lowered: [Float] = []
        try withFolder { folder in
            let embedder = try Self.embedder(modules, in: folder)
            plain = try embedder.embed(["The budget: approved"])[0]
            lowered = try embedder.embed(["the budget"])[0]
            #expect(try embedder.embed(["The BUDGET"])[0] != lowered)
        }
        try withFolder { folder in
            let embedder = try Self.embedder(
                modules.merging(["config_sentence_transformers.json": defaults]) { $1 }, in: folder)
            #expect(embedder.dimension == 5 && embedder.prompt == "The budget: ")
            #expect(try embedder.embed(["approved"]) == [Array(plain.prefix(5))])
            // Who asks for length 1 gets it of what is left.
            let asked = try TextEmbedder(folder: folder, normalizes: true).embed(["approved"])[0]
            #expect(asked.count == 5 && abs(asked.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
        }
        try withFolder { folder in
            let limits = ["sentence_xlm-roberta_config.json": #"{"max_seq_length": 12, "do_lower_case": true}"#]
            let embedder = try Self.embedder(modules.merging(limits) { $1 }, in: folder)
            #expect(try embedder.embed(["The BUDGET"]) == [lowered] && embedder.maximumTokens == 12)
        }
        for (name, text) in [
            ("1_Pooling/config.json", #"{"pooling_mode": "mean", "include_prompt": false}"#),
            ("config_sentence_transformers.json", #"{"default_prompt_name": "q", "prompts": {"p": ""}}"#),
            ("sentence_bert_config.json", #"{"max_seq_length": "12"}"#), ("modules.json", "{}"),
        ] {
            try withFolder { folder in
                let files = modules.merging(["config_sentence_transformers.json": defaults]) { $1 }
                #expect(throws: ModelError.self, "\(name)") {
                    try Self.embedder(files.merging([name: text]) { $1 }, in: folder)
                }
            }
        }
    }

    /// Numbers of transformers 5.23 with `truncation=True, max_length=8`.
    @Test func longTextsAreCutWhereTheFilesSay() throws {
        let text = "The committee approved the budget."
        let right = [2, 30, 407, 625, 799, 524, 212, 3]
        let left = [2, 625, 799, 524, 212, 482, 8, 3]
        let own = try Self.golden("tokenizer.json")
        for (configuration, direction, expected) in [
            (#"{"truncation_side": "left"}"#, nil, left), ("{}", "Left", left), ("{}", "Right", right),
            (#"{"truncation_side": "right"}"#, "Left", right), (#"{"truncation_side": "left"}"#, "Right", left),
            (#"{"truncation_side": null}"#, nil, right),
        ] as [(String, String?, [Int])] {
            let rule = direction.map {
                #"{"direction": "\#($0)", "max_length": 128, "strategy": "LongestFirst", "stride": 0}"#
            }
            let files = [
                "tokenizer_config.json": configuration,
                "tokenizer.json": own.replacing(/"truncation": *null/, with: #""truncation": \#(rule ?? "null")"#),
                "sentence_bert_config.json": #"{"max_seq_length": 8}"#,
            ]
            try withFolder { folder in
                let tokens = try Self.embedder(files, in: folder).tokens(of: text)
                #expect(tokens == expected, "\(configuration) \(rule ?? "")")
            }
        }
        try withFolder { folder in
            let error = #expect(throws: ModelError.self) {
                try Self.embedder(["tokenizer_config.json": #"{"truncation_side": "middle"}"#], in: folder)
            }
            #expect(error?.code == .malformed && error?.message.contains("tokenizer_config.json") == true)
        }
    }

    /// Other files of vocabularies do not say what this family needs.
    @Test func familiesOfMovedNumbersNeedTheirTokenizer() throws {
        let configuration = try Self.golden("config.json").replacing(
            #""model_type": "bert""#, with: #""model_type": "xlm-roberta""#)
        try withFolder { folder in
            try FileTree.linkOrCopy(
                FilePath(SharedData.path("goldens/bert/model.safetensors")), to: folder.appending("model.safetensors"))
            try writeFile(Array(configuration.utf8), to: folder.appending("config.json"))
            let error = #expect(throws: ModelError.self) { try TextEmbedder(folder: folder) }
            #expect(error?.code == .unsupported && error?.message.contains("tokenizer.json") == true)
        }
    }

    private static func golden(_ name: String) throws -> String {
        String(decoding: try readFile(SharedData.path("goldens/bert/" + name)), as: UTF8.self)
    }

    /// A tokenizer that is another model's.
    @Test func tokensBeyondTheVocabularyAreRefused() throws {
        let tokenizer = try Self.golden("tokenizer.json").replacing(#""årsbudget": 402"#, with: #""årsbudget": 40200"#)
        try withFolder { folder in
            let embedder = try Self.embedder(["tokenizer.json": tokenizer], in: folder)
            let error = #expect(throws: ModelError.self) { try embedder.embed(["The", "årsbudget"]) }
            #expect(error?.code == .mismatch && error?.message.contains("a token 40200") == true)
        }
    }

    @Test func positionsBehindThePaddingAreChecked() throws {
        for padding in ["9223372036854775807", "-2", "127"] {
            let configuration = try Self.golden("config.json").replacing(
                #""model_type": "bert""#, with: #""model_type": "roberta""#
            ).replacing(#""pad_token_id": 0"#, with: #""pad_token_id": \#(padding)"#)
            try withFolder { folder in
                let error = #expect(throws: ModelError.self) {
                    try Self.embedder(["config.json": configuration], in: folder)
                }
                #expect(error?.message.contains("pad_token_id leaves no positions") == true)
            }
        }
    }

    /// A layer that takes the first number three times and adds to it, behind the mean.
    @Test func aDenseLayerFollowsThePooling() throws {
        try withFolder { folder in
            let width = 64
            var weights = [Float](repeating: 0, count: 2 * width)
            weights[0] = 3
            weights[width + 1] = -1
            let header =
                #"{"linear.weight":{"dtype":"F32","shape":[2,\#(width)],"data_offsets":[0,\#(8 * width)]},"#
                + #""linear.bias":{"dtype":"F32","shape":[2],"data_offsets":[\#(8 * width),\#(8 * width + 8)]}}"#
            var bytes = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) } + Array(header.utf8)
            for number in weights + [0.5, 0.25] {
                bytes += (0..<4).map { UInt8(truncatingIfNeeded: number.bitPattern >> (8 * $0)) }
            }
            try FileTree.createFolders(folder.appending("2_Dense"))
            try writeFile(bytes, to: folder.appending("2_Dense/model.safetensors"))
            let dense = #"{"in_features": \#(width), "out_features": 2, "bias": true, "#
            let embedder = try Self.embedder(
                [
                    "modules.json": Self.modules("Transformer", "Pooling", "Dense"),
                    "1_Pooling/config.json": #"{"pooling_mode": "mean"}"#,
                    "2_Dense/config.json": dense + #""activation_function": "torch.nn.modules.linear.Identity"}"#,
                ], in: folder)
            #expect(embedder.dimension == 2)
            let vector = try embedder.embed(["The committee approved the budget."])[0]
            let plain = try TextEmbedder(
                folder: FilePath(SharedData.path("goldens/bert")), pooling: .mean, normalizes: false)
            let whole = try plain.embed(["The committee approved the budget."])[0]
            #expect(abs(vector[0] - (3 * whole[0] + 0.5)) < 1e-4 && abs(vector[1] - (0.25 - whole[1])) < 1e-4)
        }
    }

    /// A bounded activation does not hide what is no number.
    @Test func aDenseLayerOfNoNumbersIsNoticed() throws {
        try withFolder { folder in
            let header =
                #"{"linear.weight":{"dtype":"F32","shape":[1,64],"data_offsets":[0,256]},"#
                + #""linear.bias":{"dtype":"F32","shape":[1],"data_offsets":[256,260]}}"#
            let length = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
            try FileTree.createFolders(folder.appending("2_Dense"))
            try writeFile(
                length + Array(header.utf8) + [UInt8](repeating: 0xFF, count: 260),
                to: folder.appending("2_Dense/model.safetensors"))
            let embedder = try Self.embedder(
                [
                    "modules.json": Self.modules("Transformer", "Pooling", "Dense"),
                    "1_Pooling/config.json": #"{"pooling_mode": "mean"}"#,
                    "2_Dense/config.json": #"{"in_features": 64, "out_features": 1, "bias": true}"#,
                ], in: folder)
            let error = #expect(throws: ModelError.self) { try embedder.embed(["The budget"]) }
            #expect(error?.message.contains("no number") == true)
        }
    }

    /// Texts are cut to the files' limit with the closing token kept, whichever file says it.
    @Test func longTextsKeepTheirLastToken() throws {
        for files in [
            ["modules.json": Self.modules("Transformer"), "tokenizer_config.json": #"{"model_max_length": 12}"#],
            ["sentence_bert_config.json": #"{"max_seq_length": 12}"#],
        ] {
            try withFolder { folder in
                let embedder = try Self.embedder(files, in: folder)
                let short = embedder.tokens(of: "The")
                let tokens = embedder.tokens(of: String(repeating: "The committee approved the budget. ", count: 9))
                #expect(tokens.count == 12 && tokens.first == short.first && tokens.last == short.last)
            }
        }
    }
}
