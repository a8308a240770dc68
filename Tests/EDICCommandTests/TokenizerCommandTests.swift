import EDICJSON
import Glibc
import Testing
import _EDICTestSupport

/// `edic tokenizer`, from text to ids.
@Suite struct TokenizerCommandTests {
    private static let text = String(
        repeating: "the harbour is open in winter\nthe boats come in at night\nin winter the boats stay\n", count: 4)

    /// A line of 24 megabytes takes a second or two of the processor; searched again at each read, it took 17.
    @Test func longLinesAreReadOnce() throws {
        let runner = try CommandRunner()
        let (text, path) = ("\(runner.folder.path)/long.txt", "\(runner.folder.path)/long-")
        let line = String(repeating: "abc de ", count: (24 << 20) / 7)
        runner.write(line, to: text)
        for (name, source) in [("file", "'\(text)'"), ("input", "<'\(text)'")] {
            let status = unsafe system(
                "ulimit -t 8; '\(CommandRunner.program)' tokenizer train --size 260 -o '\(path)\(name).json' \(source)")
            #expect(status == 0)
        }
        #expect(runner.read("\(path)input.json") == runner.read("\(path)file.json"))
    }

    private func train(_ runner: CommandRunner, _ name: String, _ options: String) throws -> String {
        let path = "\(runner.folder.path)/\(name)"
        let result = runner.run("tokenizer train \(options) -o '\(path)'", input: Self.text)
        #expect(result.status == 0, "\(result.messages)")
        return path
    }

    @Test func alternativesAreJSONLines() throws {
        let runner = try CommandRunner()
        let model = try train(runner, "u.model", "--family unigram --no-byte-fallback --size 40")
        let lines = "the winter\nin the harbour\n"
        let json = runner.run("tokenizer encode --model '\(model)' --n-best 3 --json", input: lines)
        let plain = runner.run("tokenizer encode --model '\(model)' --n-best 3", input: lines)
        #expect(json.status == 0 && plain.status == 0 && json.messages.isEmpty)
        let rows = json.output.split(separator: "\n")
        let plainRows = plain.output.split(separator: "\n")
        try #require(rows.count == 6 && plainRows.count == 6)
        var scores: [Double] = []
        for (row, plainRow) in zip(rows, plainRows) {
            let value = try JSONDocument(parsing: Array(row.utf8).span).root
            #expect(value.members.map(\.key) == ["log_probability", "ids", "tokens"])
            let score = try #require(value["log_probability"]?.value.double)
            let ids = value["ids"]?.elements.map(\.value.int)
            #expect(score < 0 && ids?.count == value["tokens"]?.count)
            scores.append(score)
            // The same as in text: the score and, behind a tab, the ids.
            let columns = plainRow.split(separator: "\t")
            #expect(abs((Double(columns[0]) ?? 0) - score) < 1e-4)
            #expect(columns[1].split(separator: " ").map { Int($0) } == ids)
        }
        #expect(scores[0] >= scores[1] && scores[1] >= scores[2] && scores[3] >= scores[4] && scores[4] >= scores[5])
    }

    @Test func idsOfAllLengthsArePrinted() throws {
        let runner = try CommandRunner()
        let path = "\(runner.folder.path)/vocab.txt"
        let words = ["[UNK]"] + (1..<120_000).map { "w\($0)" }
        runner.write(words.joined(separator: "\n"), to: path)
        var ids = [1, 9, 10, 99, 100, 101, 999, 1000, 9999, 10_000, 10_001, 99_999, 100_000, 119_999]
        ids += stride(from: 17, to: 120_000, by: 613)
        let lines = stride(from: 0, to: ids.count, by: 5).map { ids[$0..<min($0 + 5, ids.count)] } + [[]] + [[70_007]]
        let text = lines.map { $0.map { "w\($0)" }.joined(separator: " ") + "\n" }.joined()
        let options = "tokenizer encode --model '\(path)' --no-special-tokens"
        let result = runner.run(options, input: text)
        #expect(result.status == 0, "\(result.messages)")
        #expect(result.output == lines.map { $0.map { "\($0)" }.joined(separator: " ") + "\n" }.joined())
        let counts = runner.run("\(options) --count --workers 1", input: text).output
        #expect(counts == lines.map { "\($0.count)\n" }.joined())
    }

    /// Which end is cut and filled, and with what, is the tokenizer's affair.
    @Test func lengthsAreMadeAsTheFileSays() throws {
        let runner = try CommandRunner()
        let path = try train(runner, "t.json", "--size 300")
        let plain = runner.run("tokenizer encode --model '\(path)' --max-length 3 --pad-to 4", input: "abcde\na\n")
            .output
        let file = runner.read(path)
        let left = file.replacing(
            #""padding": null"#,
            with: ##"""
                "padding":{"strategy":"BatchLongest","direction":"Left","pad_to_multiple_of":8,"pad_id":7,"pad_type_id":0,"pad_token":"#"}
                """##
        ).replacing(
            #""truncation": null"#,
            with: #""truncation":{"direction":"Left","max_length":2,"strategy":"LongestFirst","stride":0}"#)
        runner.write(left, to: path)
        let result = runner.run("tokenizer encode --model '\(path)' --max-length 3 --pad-to 4", input: "abcde\na\n")
        let ids = Array("abcde".utf8).map {
            runner.run("tokenizer encode --model '\(path)'", input: "\(Character(Unicode.Scalar($0)))\n").output.prefix
            { $0 != "\n" }
        }
        #expect(plain == "\(ids[0]) \(ids[1]) \(ids[2]) 0\n\(ids[0]) 0 0 0\n")
        #expect(result.output == "7 \(ids[2]) \(ids[3]) \(ids[4])\n7 7 7 \(ids[0])\n", "\(result)")
    }

    @Test func sizesOutOfReachAreRefusedOrSaid() throws {
        let runner = try CommandRunner()
        let path = "\(runner.folder.path)/t"
        // Less than the characters take.
        let small = runner.run("tokenizer train --family unigram --size 260 -o '\(path).model'", input: Self.text)
        #expect(small.status == 64)
        #expect(small.messages.contains("vocabulary size 260 is too small"))
        #expect(small.messages.split(separator: "\n").count == 1)
        #expect(runner.run("tokenizer inspect --model '\(path).model'").status == 66)
        // More than the text gives.
        let large = runner.run("tokenizer train --size 5000 -o '\(path).json'", input: Self.text)
        #expect(large.status == 0)
        #expect(large.messages.contains("tokens; more text would"), "\(large.messages)")
        #expect(runner.run("tokenizer train --size 260 -o '\(path).json'", input: Self.text).messages.isEmpty)
    }

    /// A CR before a line's end is of the end, unless asked to be kept; others are text. Decoding takes Windows' ends too.
    @Test func carriageReturnsEndLinesOrAreKept() throws {
        let runner = try CommandRunner()
        let model = try train(runner, "b.json", "--size 270")
        func ids(_ text: String, _ options: String = "") -> [String] {
            let result = runner.run("tokenizer encode --model '\(model)' \(options)", input: text)
            #expect(result.status == 0, "\(result.messages)")
            return result.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        }
        let plain = ids("the boats\nin\n")
        #expect(ids("the boats\r\nin\r\n") == plain && ids("the boats\r\nin\r") == plain)
        let kept = ids("the boats\r\nin\n\r\n", "--keep-carriage-returns")
        let returned = ids("a\rb\n")[0].split(separator: " ")[1]
        #expect(kept == [plain[0] + " " + returned, plain[1], String(returned), ""])
        let decoded = runner.run("tokenizer decode --model '\(model)'", input: kept[0] + "\r\n" + plain[1] + "\n")
        #expect(decoded.output == "the boats\r\nin\n")
        // The best ways of a line have the same rule.
        let unigram = try train(runner, "u.model", "--family unigram --size 300")
        func best(_ text: String, _ options: String = "") -> String {
            runner.run("tokenizer encode --model '\(unigram)' --n-best 1 \(options)", input: text).output
        }
        #expect(best("the\r\n") == best("the\n"))
        #expect(best("the\rx\n") != best("thex\n"))
    }

    /// Lines are cut into pieces and groups; what is printed does not show it.
    @Test func linesOfAllSizesComeOutInOrder() throws {
        let runner = try CommandRunner()
        let model = try train(runner, "b.json", "--size 300")
        var generator = SeededGenerator(seed: 5)
        var lines = (0..<2_000).map { _ in
            String(repeating: "boats ", count: Int.random(in: 0..<40, using: &generator))
        }
        lines[700] = String(repeating: "the winter night ", count: 20_000)
        let (all, text) = (lines.joined(separator: "\r\n"), "\(runner.folder.path)/text")
        runner.write(all, to: text)
        let one = runner.run("tokenizer encode --workers 1 --model '\(model)' '\(text)'")
        let counts = runner.run("tokenizer encode --count --workers 3 --model '\(model)'", input: all)
        #expect(one.status == 0 && one.output.split(separator: "\n", omittingEmptySubsequences: false).count == 2_001)
        let three = runner.run("tokenizer encode --workers 3 --model '\(model)' '\(text)'")
        let isTheSame = three.output == one.output
        #expect(isTheSame)
        let ids = one.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        let expected = ids.map { $0.split(separator: " ").count }
        let areAlike = counts.output.split(separator: "\n").map { Int($0) } == expected
        #expect(areAlike)
        let decoded = runner.run("tokenizer decode --model '\(model)'", input: one.output)
        let comesBack = decoded.output == lines.joined(separator: "\n") + "\n"
        #expect(comesBack)
    }

    /// A file is one text, of any size and for any number of workers; parts of it are parts of that text.
    @Test func filesAreWholeTexts() throws {
        let runner = try CommandRunner()
        let model = try train(runner, "b.json", "--size 300")
        let path = "\(runner.folder.path)/text"
        let text = String(repeating: "The harbour is open,\r\nin winter and in summer.\n", count: 13_000)
        runner.write(text, to: path)
        let one = runner.run("tokenizer encode --whole --workers 1 --model '\(model)' '\(path)'")
        let three = runner.run("tokenizer encode --whole --workers 3 --model '\(model)' '\(path)' '\(path)'")
        let isTwice = three.output == one.output + one.output
        #expect(one.status == 0 && isTwice)
        let comesBack = runner.run("tokenizer decode --model '\(model)'", input: one.output).output == text + "\n"
        #expect(comesBack)
        let count = runner.run("tokenizer encode --whole --count --model '\(model)'", input: text).output
        #expect(Int(count.dropLast()) == one.output.split(separator: " ").count)
        let parts = runner.run("tokenizer encode --whole --split 1000 --model '\(model)' '\(path)'")
        let fit = parts.output.split(separator: "\n").map { $0.split(separator: " ").count }
        #expect(fit.count > 100 && fit.allSatisfy { 0 < $0 && $0 <= 1000 })
        let refused = runner.run("tokenizer encode --whole --pair --model '\(model)'", input: "a\tb")
        #expect(refused.status == 64 && refused.messages.contains("--pair"))
    }
}
