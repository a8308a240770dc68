import Glibc
import SystemPackage
import Testing
import _EDICTestSupport

/// `edic lm`, from text to answers.
@Suite struct LMCommandTests {
    private static let text = """
        the harbour is open in winter
        the harbour is closed at night
        the boats come in at night
        the boats leave in the morning
        in winter the boats stay in the harbour

        """

    /// A runner whose folder has a model in each format.
    private func runner() throws -> CommandRunner {
        let runner = try CommandRunner()
        let folder = runner.folder.path
        let trained = runner.run("lm train --order 3 -o '\(folder)/m.arpa'", input: Self.text)
        #expect(trained.status == 0, "\(trained.messages)")
        for (name, options) in [
            ("m.edlm", ""), ("q.edlm", "--quantize 8"), ("m.arpa.gz", ""), ("m.arpa.zst", ""),
            ("m.probing", "--format kenlm-probing"), ("m.trie", "--format kenlm-trie"),
        ] {
            let result = runner.run("lm convert '\(folder)/m.arpa' -o '\(folder)/\(name)' \(options)")
            #expect(result.status == 0 && result.messages.isEmpty, "\(result.messages)")
        }
        return runner
    }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        let file = try FileDescriptor.open(
            FilePath(path), .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite])
        defer { try? file.close() }
        try file.writeAll(bytes)
    }

    /// A word of the list may begin with what Swift would put onto the space before it.
    @Test func listedWordsArePartedAsTheTextIs() throws {
        let runner = try CommandRunner()
        let folder = runner.folder.path
        try Self.write(Array("a \u{301}b\t\u{200D}c\r\nd\n".utf8), to: "\(folder)/words")
        let trained = runner.run(
            "lm train --order 2 --vocabulary '\(folder)/words' -o '\(folder)/m.arpa'",
            input: "a \u{301}b \u{200D}c d e\n")
        #expect(trained.status == 0, "\(trained.messages)")
        let arpa = runner.read("\(folder)/m.arpa")
        for word in ["a", "\u{301}b", "\u{200D}c", "d"] {
            #expect(
                arpa.utf8.split(separator: 0x0A).contains {
                    $0.split(separator: 0x09).dropFirst().first.map(Array.init) == Array(word.utf8)
                }, "\(word)")
        }
    }

    @Test func allFormatsPrintTheSameSummary() throws {
        let runner = try runner()
        let query = "lm query --show summary --model '\(runner.folder.path)/"
        let expected = runner.run(query + "m.arpa'", input: Self.text).output
        #expect(expected.hasPrefix("Perplexity including OOVs:\t") && expected.hasSuffix("OOVs:\t0\nTokens:\t37\n"))
        for name in ["m.edlm", "m.arpa.gz", "m.arpa.zst", "m.probing", "m.trie"] {
            #expect(runner.run(query + "\(name)'", input: Self.text).output == expected, "\(name)")
        }
    }

    @Test func modelsAreNotWrittenToStandardOutput() throws {
        let runner = try runner()
        for command in ["lm train --order 2 -o -", "lm convert '\(runner.folder.path)/m.arpa' --format arpa -o -"] {
            let result = runner.run(command, input: Self.text)
            #expect(result.status == 64 && result.messages.contains("--output names a file"), "\(result.messages)")
        }
    }

    @Test func nextWordsAreForetold() throws {
        let runner = try runner()
        let model = "--model '\(runner.folder.path)/m.edlm'"
        let plain = runner.run("lm query --next 2 \(model)", input: "the\nthe harbour\n")
        let lines = plain.output.split(separator: "\n").map { $0.split(separator: "\t") }
        #expect(lines.map(\.count) == [2, 2])
        #expect(lines[0][0].hasPrefix("boats=") && lines[1][0].hasPrefix("is="))
        let json = runner.run("lm query --next 1 --json \(model)", input: "the harbour\n").output
        #expect(json.contains(#""text":"the harbour","next":[{"word":"is","id":"#), "\(json)")
        #expect(runner.run("lm query --next 0 \(model)").status == 64)
    }

    @Test func idsAreScoredAsTheirWords() throws {
        let runner = try runner()
        let model = "--model '\(runner.folder.path)/m.edlm'"
        let words = runner.run("lm query \(model)", input: Self.text).output
        var ids: [UInt8] = []
        for word in words.split(separator: "\n").flatMap({ $0.split(separator: "\t").dropLast() }) {
            guard let field = word.split(separator: " ").first, let id = UInt32(field.split(separator: "=").last ?? "")
            else { continue }
            for byte in 0..<4 { ids.append(UInt8(truncatingIfNeeded: id >> UInt32(8 * byte))) }
        }
        #expect(ids.count == 37 * 4)
        let path = "\(runner.folder.path)/ids"
        try Self.write(ids, to: path)
        let found = runner.run("lm query --ids --json \(model) '\(path)'").output
        let expected = runner.run("lm query --show summary --json \(model)", input: Self.text).output
        // The sums of a text's sentences are in single precision, as KenLM's.
        func sum(_ json: String) -> Double? {
            json.split(separator: ",").first.flatMap { Double($0.split(separator: ":").last ?? "") }
        }
        let sums = (try #require(sum(found)), try #require(sum(expected)))
        #expect(abs(sums.0 - sums.1) < 1e-4)
        #expect(found.contains(#""tokens":37,"unknown_words":0"#), "\(found)")
        try Self.write(Array(ids.dropLast()), to: path)
        let cut = runner.run("lm query --ids \(model) '\(path)'")
        #expect(cut.status == 65 && cut.messages.contains(path), "\(cut.messages)")
    }

    @Test func bucketsKeepTheirLimits() throws {
        let runner = try runner()
        let folder = runner.folder.path
        let texts = (0..<10).map { $0 < 5 ? "the harbour is open in winter" : "quite another text \($0)" }
        runner.write(texts.joined(separator: "\n") + "\n", to: "\(folder)/documents")
        let buckets = "lm buckets --model '\(folder)/m.edlm'"
        let saved = runner.run("\(buckets) --save-limits '\(folder)/limits' '\(folder)/documents'")
        let lines = saved.output.split(separator: "\n")
        #expect(lines.count == 10, "\(saved.messages)")
        #expect(lines.prefix(5).allSatisfy { $0.hasPrefix("head\t") && $0.hasSuffix("in winter") })
        // The same limits, from standard input: every document alone is in the part it was in.
        for (line, text) in zip(lines, texts) {
            #expect(runner.run("\(buckets) --limits '\(folder)/limits'", input: text + "\n").output == "\(line)\n")
        }
        let summary = runner.run("\(buckets) --show summary --json '\(folder)/documents'").output
        #expect(summary.hasPrefix(#"{"head":5,"#), "\(summary)")
        #expect(runner.run(buckets, input: "text\n").status == 64)
        runner.write("[]", to: "\(folder)/limits")
        let bad = runner.run("\(buckets) --limits '\(folder)/limits'", input: "text\n")
        #expect(bad.status == 65 && bad.messages.contains("\(folder)/limits"), "\(bad.messages)")
    }

    /// On a terminal the step is shown, and taken away again; elsewhere nothing is, as the models' conversion above says.
    @Test func longWorkShowsItsSteps() throws {
        let runner = try runner()
        let model = "\(runner.folder.path)/m.arpa"
        let (made, text) = ("\(runner.folder.path)/made.edlm", "\(runner.folder.path)/held-out")
        runner.write(Self.text, to: text)
        for (command, steps) in [
            ("convert '\(model)'", ["reading \(model)", "writing \(made)"]),
            ("prune '\(model)' --threshold 1e-2", ["reading \(model)", "pruning", "writing \(made)"]),
            (
                "mix '\(model)' '\(model)' --held-out '\(text)'",
                ["reading \(model)", "tuning the weights", "mixing", "writing \(made)"]
            ),
        ] {
            let shown = try #require(runner.messagesOnTerminal("lm \(command) -o '\(made)'"))
            // Each step is drawn once a second; the last line is empty.
            let lines = shown.split(separator: "\r\u{1B}[K", omittingEmptySubsequences: false).dropFirst()
            var seen: [Substring] = []
            for line in lines.dropLast() {
                let step = line.drop { $0 == " " }.drop { $0.isNumber }
                if seen.last != step { seen.append(step) }
            }
            #expect(lines.last == "" && seen == steps.map { " s  \($0)".prefix(76) }, "\(shown.debugDescription)")
        }
    }

    /// Nobody means to lose a corpus or a model to what is made of it.
    @Test func outputsAreNoInputs() throws {
        let runner = try runner()
        let folder = runner.folder.path
        let text = "\(folder)/a.arpa"
        runner.write(Self.text, to: text)
        #expect(unsafe symlink("a.arpa", "\(folder)/link.arpa") == 0)
        for name in ["hard.json", "x.idx", "x.tokens.npy"] { #expect(unsafe link(text, "\(folder)/\(name)") == 0) }
        runner.write(Self.text, to: "\(folder)/de=x.arpa")
        let models = ["m.arpa", "m.edlm"].map { runner.bytes("\(folder)/\($0)") }
        for (command, name) in [
            ("lm train -o a.arpa a.arpa", "a.arpa"), ("lm train -o link.arpa a.arpa", "a.arpa"),
            ("lm train -o x.edlm --arpa link.arpa a.arpa", "a.arpa"), ("lm train -o x.edlm --arpa x.edlm a.arpa", ""),
            ("lm train -o a.arpa --vocabulary hard.json m.arpa", "hard.json"),
            ("lm train -o a.arpa <a.arpa", "standard input"),
            ("tokenizer train --size 300 -o hard.json de=a.arpa", "a.arpa"),
            ("tokenizer train --size 300 -o hard.json <a.arpa", "standard input"),
            ("lm convert m.edlm -o ./m.edlm --quantize 8", "m.edlm"),
            ("lm prune m.edlm --threshold 1e-2 -o m.edlm", "m.edlm"),
            ("lm mix m.arpa m.edlm --weights 1,1 -o m.arpa", "m.arpa"),
            ("lm mix m.arpa m.edlm --held-out a.arpa -o link.arpa", "a.arpa"),
            ("lm buckets --model m.edlm --save-limits a.arpa a.arpa", "a.arpa"),
            ("lm buckets --model m.edlm --save-limits m.edlm a.arpa", "m.edlm"),
            ("lm buckets --model de=x.arpa --save-limits de=x.arpa a.arpa", "de=x.arpa"),
            ("store export m.edlm a.arpa --format megatron -o x", "a.arpa"),
            ("store export a.arpa --format npy -o ./x", "a.arpa"),
            ("store export a.arpa --format npy -o x/", "a.arpa"),
        ] {
            let script = "\(folder)/script"
            runner.write("cd '\(folder)' && '\(CommandRunner.program)' \(command) 2>err", to: script)
            #expect(unsafe system("sh '\(script)' </dev/null") >> 8 == 64, "\(command)")
            let message = runner.read("\(folder)/err")
            let expected = name.isEmpty ? "would be written twice" : "would replace \(name), which is read"
            #expect(message.contains(expected) && message.split(separator: "\n").count == 1, "\(command): \(message)")
        }
        #expect(runner.read(text) == Self.text)
        #expect(["m.arpa", "m.edlm"].map { runner.bytes("\(folder)/\($0)") } == models)
    }

    @Test func inspectAndPruneReport() throws {
        let runner = try runner()
        let folder = runner.folder.path
        let quantised = runner.run("lm inspect --json '\(folder)/q.edlm'").output
        #expect(quantised.contains(#""probability_bits":8"#) && quantised.contains(#""open_ms":"#), "\(quantised)")
        let pruned = runner.run("lm prune '\(folder)/m.arpa' --threshold 1e-2 -o '\(folder)/p.arpa.gz' --json")
        #expect(pruned.output.hasPrefix(#"{"orders":[{"had":"#), "\(pruned.messages)")
        #expect(runner.run("lm inspect '\(folder)/p.arpa.gz'").status == 0)
        let none = runner.run("lm convert '\(folder)/none' -o '\(folder)/x.edlm'")
        #expect(none.status == 66 && none.messages.contains("none"), "\(none.messages)")
        let nowhere = runner.run("lm convert '\(folder)/m.arpa' -o '\(folder)/none/x.edlm'")
        #expect(nowhere.status == 74 && nowhere.messages.contains("none/x.edlm"), "\(nowhere.messages)")
    }
}
