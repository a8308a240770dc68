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

    private func numbers(after key: String, in text: String) -> [Int] {
        guard let start = text.firstRange(of: key) else { return [] }
        return text[start.upperBound...].prefix { $0 != "]" }.split(separator: ",").compactMap { Int($0) }
    }
}
