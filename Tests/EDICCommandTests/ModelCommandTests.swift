import EDICJSON
import Testing
import _EDICTestSupport

/// Commands on published models; one short sentence each, since unoptimised kernels are slow.
@Suite struct ModelCommandTests {
    @Test(.enabled(if: FetchedModels.has("en-pt")))
    func translationsBeginAsToldAndSayWhatTheyLookedAt() throws {
        let runner = try CommandRunner()
        let model = "translate --model '\(FetchedModels.path("en-pt"))'"
        let plain = runner.run("\(model) --prefix Está --alignment --language en", input: "It rains.\n\n")
        #expect(plain.status == 0, "\(plain.messages)")
        let lines = plain.output.split(separator: "\n", omittingEmptySubsequences: false)
        // A line for each line, and what follows the last end.
        #expect(lines.count == 3 && lines[1].isEmpty && lines[2].isEmpty)
        let (text, pairs) = (lines[0].prefix { $0 != "|" }, lines[0].drop { $0 != "|" }.drop { $0 == "|" })
        #expect(text.hasPrefix("Está"))
        let numbers = pairs.split(separator: " ").map { $0.split(separator: "-").compactMap { Int($0) } }
        #expect(numbers.count > 2 && numbers.allSatisfy { $0.count == 2 })
        // Target tokens are counted through; source tokens are those of three words and an end at most.
        #expect(numbers.map { $0.last } == Array(numbers.indices))
        #expect(numbers.allSatisfy { (0..<8).contains($0[0]) })
    }

    @Test(.enabled(if: FetchedModels.has("en-pt")))
    func alignmentsOfJSONHaveAPlaceForEachToken() throws {
        let runner = try CommandRunner()
        let result = runner.run(
            "translate --model '\(FetchedModels.path("en-pt"))' --alignment --json", input: "Rain.\n")
        let tokens = numbers(after: "\"tokens\":[", in: result.output)
        #expect(!tokens.isEmpty && numbers(after: "\"alignment\":[", in: result.output).count == tokens.count)
    }

    /// What is there is whole lines, and their number is said; lines still to come do not keep it.
    @Test(
        .enabled(if: FetchedModels.has("en-pt") && FetchedModels.has("all-minilm-l6-v2")),
        arguments: [("translate", "en-pt", "translated"), ("embed", "all-minilm-l6-v2", "embedded")], [1, 10_000])
    func interruptedWorkEndsInOrder(_ work: (command: String, model: String, verb: String), lines: Int) throws {
        let runner = try CommandRunner()
        // A single line is as short as can be, and the next one has begun.
        let input = lines == 1 ? "a\nb" : (1...lines).map { "The harbour is open, \($0).\n" }.joined()
        let batch = work.command == "translate" ? "--batch 1" : ""
        let result = runner.interrupt(
            "\(work.command) --model '\(FetchedModels.path(work.model))' --precision int8 --workers 1 \(batch)",
            input: input)
        #expect(result.status == 130, "\(result.messages)")
        let done = result.output.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(done.last == "" && done.dropLast().allSatisfy { !$0.isEmpty })
        let count = done.count - 1
        #expect(lines == 1 ? count == 1 : count > 0 && count < lines)
        let are = count == 1 ? "1 line is" : "\(count) lines are"
        #expect(result.messages == "edic: stopped; \(are) \(work.verb)\n")
    }

    /// Nor does a read that waits for the first bytes of a compressed stream.
    @Test(.enabled(if: FetchedModels.has("all-minilm-l6-v2")))
    func interruptedReadsEndAtOnce() throws {
        let runner = try CommandRunner()
        let model = "--model '\(FetchedModels.path("all-minilm-l6-v2"))' --precision int8"
        let result = runner.interrupt("embed \(model)", input: "BZ", seconds: 10)
        #expect(result.status == 130 && result.output.isEmpty, "\(result.messages)")
    }

    @Test(.enabled(if: FetchedModels.has("smollm2-135m-instruct")), arguments: [("INT", Int32(130)), ("TERM", 143)])
    func interruptedGenerationEndsItsLine(_ signal: String, _ status: Int32) throws {
        let runner = try CommandRunner()
        let model = "--model '\(FetchedModels.path("smollm2-135m-instruct"))' --precision int8"
        let result = runner.interrupt(
            "generate \(model) --max-tokens 100000 'The sea'", input: "", signal: signal)
        #expect(result.status == status, "\(result.messages)")
        #expect(result.output.count > 1 && result.output.hasSuffix("\n"))
        #expect(result.messages.hasPrefix("edic: the generation, ") && result.messages.hasSuffix("was cancelled\n"))
    }

    /// Around what runs the system maps only what is in the same mapping, and what only opening needed has gone back.
    @Test(.enabled(if: SharedData.exists("data/goldens/llama/gqa/config.json")))
    func codeTakesLittleMemory() throws {
        let runner = try CommandRunner()
        let model = "--model '\(SharedData.path("goldens/llama/gqa"))'"
        let result = runner.interrupt("score \(model)", input: "The budget.\n")
        #expect(result.status == 130 && !result.output.isEmpty, "\(result.messages)")
        var isCode = false
        var sizes: [Int] = []
        var resident = 0
        for line in runner.read("\(runner.folder.path)/maps").split(separator: "\n") {
            let words = line.split(separator: " ")
            let ends = words[0].split(separator: "-").compactMap { Int($0, radix: 16) }
            if ends.count == 2 {
                isCode = words[1] == "r-xp" && line.hasSuffix("/edic")
                if isCode { sizes.append(ends[1] - ends[0]) }
            } else if isCode, words[0] == "Rss:" {
                resident += (Int(words[1]) ?? .max >> 20) << 10
            }
        }
        #expect(sizes.count > 100 && sizes.allSatisfy { $0 <= 16 << 10 })
        #expect(resident > 0 && 4 * resident < sizes.reduce(0, +), "\(resident) bytes of code")
    }

    /// Whoever asks for one thread has one while models are opened, too: none is started that only waits later.
    @Test(
        .enabled(if: SharedData.exists("data/goldens/llama/gqa/config.json")),
        arguments: [("translate", "marian/base-swish"), ("score", "llama/gqa"), ("embed", "bert")])
    func oneWorkerIsOneThread(_ command: String, _ golden: String) throws {
        let runner = try CommandRunner()
        let model = "--model '\(SharedData.path("goldens/\(golden)"))'"
        for workers in [1, 2] {
            let result = runner.interrupt("\(command) \(model) --workers \(workers)", input: "The budget.\n")
            #expect(result.status == 130 && !result.output.isEmpty, "\(result.messages)")
            let status = runner.read("\(runner.folder.path)/status").split(separator: "\n")
            #expect(status.contains("Threads:\t\(workers)"))
        }
    }

    /// A file may be anyone's: no character of it moves a terminal's cursor.
    @Test(.enabled(if: SharedData.exists("data/goldens/llama/gqa/config.json")))
    func inspectionShowsNoControlCharacters() throws {
        let runner = try CommandRunner()
        let golden = SharedData.path("goldens/llama/gqa")
        #expect(
            runner.replace("\(runner.folder.path)/model.safetensors", with: runner.bytes("\(golden)/model.safetensors"))
        )
        let configuration = runner.read("\(golden)/config.json").drop { $0 != "{" }.dropFirst()
        runner.write(#"{"a\u001b[2Jb": "c\u0007d","# + configuration, to: "\(runner.folder.path)/config.json")
        let result = runner.run("model inspect --tensors '\(runner.folder.path)'")
        #expect(result.status == 0 && result.output.contains("a\u{FFFD}[2Jb"), "\(result.messages)")
        #expect(result.output.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 })
    }

    /// What a model's files ask of a search is the options' business, and said once.
    @Test(.enabled(if: SharedData.exists("data/goldens/llama/gqa/config.json")))
    func rulesThatAreNotFollowedAreSaid() throws {
        let runner = try CommandRunner()
        let golden = SharedData.path("goldens/llama/gqa")
        for name in ["config.json", "model.safetensors", "tokenizer.json"] {
            #expect(runner.replace("\(runner.folder.path)/\(name)", with: runner.bytes("\(golden)/\(name)")))
        }
        let command = "generate --model '\(runner.folder.path)' --max-tokens 3 'The budget'"
        let rules = #""repetition_penalty": 1.3, "no_repeat_ngram_size": 2"#
        runner.write("{\(rules)}", to: "\(runner.folder.path)/generation_config.json")
        let said = runner.run(command)
        let lines = said.messages.split(separator: "\n")
        #expect(said.status == 0 && lines.count == 2, "\(said.messages)")
        #expect(
            lines[0].contains(
                "generation_config.json: repetition_penalty 1.3 is not followed; --repetition-penalty 1.3")
                && lines[1].contains("generation_config.json: no_repeat_ngram_size 2 is not followed"))
        let asked = runner.run(command + " --repetition-penalty 1.3")
        #expect(asked.messages.split(separator: "\n").count == 1)
        runner.write(
            #"{"repetition_penalty": 1.0, "no_repeat_ngram_size": 0}"#,
            to: "\(runner.folder.path)/generation_config.json")
        let silent = runner.run(command)
        #expect(silent.messages.isEmpty && silent.output == said.output)
    }

    /// The lines around one that cannot be scored are there, and it is named.
    @Test(.enabled(if: SharedData.exists("data/goldens/llama/gqa/config.json")))
    func scoresGoOnBehindALineThatIsTooLong() throws {
        let runner = try CommandRunner()
        let model = "score --model '\(SharedData.path("goldens/llama/gqa"))'"
        let lines = ["The committee approved it.", "", "A small model."]
        let plain = runner.run(model, input: lines.map { $0 + "\n" }.joined())
        #expect(plain.status == 0, "\(plain.messages)")
        let long = String(repeating: "The budget. ", count: 100)
        let result = runner.run(model, input: (lines + [long, "More."]).map { $0 + "\n" }.joined())
        #expect(result.status == 65)
        #expect(result.output.hasPrefix(plain.output) && result.output.hasSuffix("\tMore.\n"))
        #expect(
            result.messages.hasPrefix("edic: warning: standard input:4: has ") && result.messages.contains("context"))
        let fields = plain.output.split(separator: "\n").map {
            $0.split(separator: "\t", omittingEmptySubsequences: false)
        }
        #expect(fields.map { String($0.last ?? "-") } == lines)
        #expect(fields[1].first == "nan" && (Double(fields[0][0]) ?? 0) > 1)
    }

    /// Windows' programs begin a file with a mark and end its lines with two characters.
    @Test(.enabled(if: SharedData.exists("data/goldens/llama/gqa/config.json")))
    func marksAndReturnsAreNoPartOfTheText() throws {
        let runner = try CommandRunner()
        let model = "--model '\(SharedData.path("goldens/llama/gqa"))'"
        let plain = runner.run("score \(model)", input: "The budget.\nA model.\n")
        #expect(
            plain.status == 0 && runner.run("score \(model)", input: "\u{FEFF}The budget.\r\nA model.\r\n") == plain)
        #expect(runner.replace("\(runner.folder.path)/wide.txt", with: [0xFF, 0xFE, 0x41, 0, 0x0A, 0]))
        let wide = runner.run("score \(model) '\(runner.folder.path)/wide.txt'")
        #expect(wide.status == 65 && wide.messages.contains("wide.txt: is UTF-16"))
        let generated = runner.run("generate \(model) --max-tokens 5", input: "The budget.")
        #expect(generated.status == 0)
        for input in ["\u{FEFF}The budget.\r\n", "The budget.\n", "The budget.\r\n"] {
            #expect(runner.run("generate \(model) --max-tokens 5 -", input: input) == generated)
        }
    }

    /// Text in an old encoding is worked on, and it is said where it is; a prompt is refused.
    @Test(.enabled(if: SharedData.exists("data/goldens/llama/gqa/config.json")))
    func linesThatAreNotUTF8AreSaid() throws {
        let runner = try CommandRunner()
        let model = "--model '\(SharedData.path("goldens/llama/gqa"))'"
        let latin = "\(runner.folder.path)/latin.txt"
        let text = Array("The budget.\nA caf_.\nThe na_ve law.\n".utf8).map { $0 == UInt8(ascii: "_") ? 0xE9 : $0 }
        #expect(runner.replace(latin, with: text))
        let result = runner.run("score \(model) '\(latin)'")
        let replaced = runner.run("score \(model)", input: String(decoding: text, as: UTF8.self))
        #expect(result.status == 0 && result.output == replaced.output && replaced.messages.isEmpty)
        let said = result.messages.split(separator: "\n")
        #expect(
            said.count == 2 && said[0].contains("latin.txt:2: is not UTF-8")
                && said[1].hasSuffix("2 lines were not UTF-8"))
        let prompt = runner.run("generate \(model) --max-tokens 5 -", bytes: text)
        #expect(prompt.status == 65 && prompt.messages.contains("is not UTF-8"), "\(prompt.messages)")
    }

    /// A line that is too long is said, and does not keep the others from being scored.
    @Test(.enabled(if: SharedData.exists("data/goldens/llama/gqa/config.json")))
    func linesThatAreTooLongAreNotScored() throws {
        let runner = try CommandRunner()
        let command = "score --model '\(SharedData.path("goldens/llama/gqa"))'"
        let long = String(repeating: "The budget of the harbour. ", count: 400)
        let text = "The budget.\n\(long)\nThe law.\n"
        let others = runner.run(command, input: "The budget.\nThe law.\n")
        let result = runner.run(command, input: text)
        let lines = result.output.split(separator: "\n")
        #expect(result.status == 65 && lines.count == 3 && lines[1] == "nan\t0.0000\t0\t\(long)")
        #expect(others.output == "\(lines[0])\n\(lines[2])\n")
        #expect(
            result.messages.contains("standard input:2: has ") && result.messages.contains("1 line is not scored"),
            "\(result.messages)")
        let json = runner.run(command + " --json", input: text)
        let objects = try json.output.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
        #expect(json.status == 65 && objects.map { $0["error"] != nil } == [false, true, false])
    }

    /// Whoever cuts a model's file short while it is read gets a message, not a crash.
    @Test(.enabled(if: SharedData.exists("data/goldens/llama/gqa/config.json")))
    func lostPagesAreAnError() throws {
        let runner = try CommandRunner()
        let result = runner.interrupt(
            "score --model '\(SharedData.path("goldens/llama/gqa"))'", input: "The budget.\n", signal: "BUS")
        #expect(result.status == 74 && result.messages.contains("was cut short"), "\(result.messages)")
    }

    /// Weights that are missing are no input; those in another format are named.
    @Test func foldersWithoutWeightsSaySo() throws {
        let runner = try CommandRunner()
        runner.write(#"{"model_type": "llama"}"#, to: "\(runner.folder.path)/config.json")
        let missing = runner.run("generate --model '\(runner.folder.path)' x")
        #expect(missing.status == 66 && missing.messages.contains("neither model.safetensors"), "\(missing.messages)")
        runner.write("", to: "\(runner.folder.path)/pytorch_model.bin")
        let other = runner.run("generate --model '\(runner.folder.path)' x")
        #expect(
            other.status == 65 && other.messages.contains("pytorch_model.bin, which is not read"), "\(other.messages)")
    }

    @Test func languagesAreTags() throws {
        let result = try CommandRunner().run("translate --model m --language english")
        #expect(result.status == 64 && result.messages.contains("--language 'english' is not a language's tag"))
    }

    @Test(arguments: ["translate -m m", "bench", "build x.yaml"]) func threadsAreLimited(_ command: String) throws {
        let result = try CommandRunner().run("\(command) --workers 1025")
        #expect(result.status == 64 && result.messages.contains("--workers is 0 to 1024"))
    }

    /// A disk that is full is said.
    @Test func outputThatCannotBeWrittenIsSaid() throws {
        let result = try CommandRunner().run("identify", input: "The harbour is open in winter.\n", output: "/dev/full")
        #expect(result.status == 74 && result.messages.hasPrefix("edic: standard output: "), "\(result.messages)")
    }

    private func numbers(after key: String, in text: String) -> [Int] {
        guard let start = text.firstRange(of: key) else { return [] }
        return text[start.upperBound...].prefix { $0 != "]" }.split(separator: ",").compactMap { Int($0) }
    }
}
