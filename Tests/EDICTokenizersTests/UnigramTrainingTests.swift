import EDICNumerics
import Glibc
import Testing
import _EDICTestSupport

@testable import EDICTokenizers

@Suite struct UnigramTrainingTests {
    static func train(
        _ text: String, size: Int, workers: Int = 1, seeds: Int = 1_000_000, memory: Int? = nil
    ) throws -> Tokenizer {
        var configuration = TokenizerTrainer.Configuration(
            model: .unigram(byteFallback: false), vocabularySize: size)
        configuration.characterCoverage = 1
        configuration.seedPieces = seeds
        configuration.memoryLimit = memory
        var trainer = try TokenizerTrainer(configuration, pool: WorkerPool(workers: workers))
        try trainer.add(text)
        return try trainer.finish()
    }

    /// Words of a small grammar, so that there is something to find.
    static func text(words: Int, seed: UInt64) -> String {
        var generator = SeededGenerator(seed: seed)
        let stems = ["harbour", "ship", "sadam", "laev", "mere", "għar", "χώρα", "street", "sea", "winter"]
        let endings = ["", "s", "ing", "ile", "idest", "na", "ed", "er", "ers"]
        var text = ""
        for index in 0..<words {
            text += stems[Int.random(in: 0..<stems.count, using: &generator)]
            text += endings[Int.random(in: 0..<endings.count, using: &generator)]
            if Int.random(in: 0..<9, using: &generator) == 0 { text += "," }
            if Int.random(in: 0..<20, using: &generator) == 0 { text += String(index % 100) }
            text += index % 12 == 11 ? "\n" : " "
        }
        return text
    }

    static func pieces(_ tokenizer: Tokenizer) -> [SentencePiece] {
        guard case .sentencePiece(let file) = tokenizer.core.parts.source else { return [] }
        return file.pieces.filter { $0.kind == .normal }
    }

    @Test func learnsWhatTheAlgorithmSays() throws {
        let text = Self.text(words: 600, seed: 4)
        let learnt = Self.pieces(try Self.train(text, size: 90))
        var reference = NaiveUnigram(text)
        let wanted = reference.train(to: 87)
        #expect(Set(learnt.map(\.bytes)) == Set(wanted.keys))
        var greatest = 0.0
        for piece in learnt { greatest = max(greatest, abs(piece.score - (wanted[piece.bytes] ?? 0))) }
        #expect(greatest < 1e-4, "scores differ by \(greatest)")
    }

    @Test func anyNumberOfWorkersAndAnyMemoryLearnTheSame() throws {
        let text = Self.text(words: 4000, seed: 9)
        let one = try Self.train(text, size: 200).canonicalBytes()
        #expect(try Self.train(text, size: 200, workers: 3).canonicalBytes() == one)
        #expect(try Self.train(text, size: 200, workers: 2, memory: 1 << 20).canonicalBytes() == one)
    }

    @Test func whatIsWrittenReadsBackTheSame() throws {
        let text = Self.text(words: 2000, seed: 2)
        let trained = try Self.train(text, size: 150)
        let model = try Tokenizer(parsing: trained.encoded(as: .sentencePiece))
        let json = try Tokenizer(parsing: trained.encoded(as: .tokenizerJSON))
        for line in ["harbours, in winter", "", " ", "sadamile  laev", "ships99", "χώρα"] {
            let ids = trained.encode(line)
            #expect(model.encode(line) == ids && json.encode(line) == ids)
        }
        #expect(trained.vocabularySize == 150)
    }

    @Test func fewerSeedsAndNoTextAreFine() throws {
        let few = try Self.train(Self.text(words: 500, seed: 1), size: 70, seeds: 40)
        #expect(few.decode(few.encode("harbour ships")) == "harbour ships")
        expectRefusal(.invalidArgument, "no text") { try Self.train("", size: 70) }
        expectRefusal(.invalidArgument, "too small") { try Self.train("abc", size: 3) }
        let one = try Self.train("aaaa aaaa aaaa", size: 20)
        #expect(one.decode(one.encode("aaaa aa")) == "aaaa aa")
    }

    /// Long words are far below the smallest number; their path must still be found.
    @Test func longWordsDoNotUnderflow() throws {
        var generator = SeededGenerator(seed: 7)
        let letters = Array("abcdefghijklmnopqrstuvwxyz")
        var text = Self.text(words: 300, seed: 3)
        for _ in 0..<20 {
            text += String((0..<900).map { _ in letters[Int.random(in: 0..<26, using: &generator)] }) + "\n"
        }
        let tokenizer = try Self.train(text, size: 120)
        let scores = Self.pieces(tokenizer).map(\.score)
        #expect(scores.allSatisfy { $0.isFinite && $0 < 0 })
    }
}

/// The algorithm word by word, without sharing any work.
struct NaiveUnigram {
    private var words: [([String], Int)] = []
    private var characters: [String: Int] = [:]

    init(_ text: String) {
        var counts: [String: Int] = [:]
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            var run = "\u{2581}"
            var kind = 0
            for character in word {
                let isGreek = (character.unicodeScalars.first?.value ?? 0) > 0x370
                let next = character.isNumber || character == "," ? 1 : isGreek ? 2 : 3
                if kind != 0, next != kind {
                    counts[run, default: 0] += 1
                    run = ""
                }
                run.append(character)
                kind = next
            }
            counts[run, default: 0] += 1
        }
        for (word, count) in counts.sorted(by: { $0.key < $1.key }) {
            let letters = word.unicodeScalars.map { String($0) }
            words.append((letters, count))
            for letter in letters { characters[letter, default: 0] += count }
        }
    }

    private func seeds() -> [String: Double] {
        // What follows each substring; a word's end is another thing each time.
        var followers: [[String]: [String: Int]] = [:]
        for (letters, count) in words {
            for start in letters.indices {
                for end in letters.indices where end > start && end - start < 16 {
                    let next = end + 1 < letters.count ? letters[end + 1] : "$"
                    followers[Array(letters[start...end]), default: [:]][next, default: 0] += count
                }
            }
        }
        var scores: [String: Double] = [:]
        for (substring, next) in followers where next.count > 1 || next["$", default: 0] > 1 {
            scores[substring.joined()] = Double(next.values.reduce(0, +) * substring.count)
        }
        for (letter, count) in characters { scores[letter] = Double(count) }
        let total = scores.values.reduce(0, +)
        return scores.mapValues { log($0 / total) }
    }

    private func best(
        _ letters: [String], _ scores: [String: Double], without whole: String = ""
    ) -> ([String], Double)? {
        var best: [(Double, Int)?] = Array(repeating: nil, count: letters.count + 1)
        best[0] = (0, 0)
        for end in 1...letters.count {
            for start in max(0, end - 16)..<end {
                let piece = letters[start..<end].joined()
                guard piece != whole, let score = scores[piece], let before = best[start] else { continue }
                if best[end] == nil || before.0 + score > best[end]!.0 { best[end] = (before.0 + score, start) }
            }
        }
        guard let last = best[letters.count] else { return nil }
        var pieces: [String] = []
        var end = letters.count
        while end > 0 {
            let start = best[end]!.1
            pieces.append(letters[start..<end].joined())
            end = start
        }
        return (pieces.reversed(), last.0)
    }

    private func expectations(_ scores: [String: Double]) -> [String: Double] {
        var expected: [String: Double] = [:]
        for (letters, count) in words {
            let n = letters.count
            var forward = [Double](repeating: 0, count: n + 1)
            var backward = forward
            forward[0] = 1
            backward[n] = 1
            func p(_ start: Int, _ end: Int) -> Double { scores[letters[start..<end].joined()].map { exp($0) } ?? 0 }
            for end in 1...n { for start in max(0, end - 16)..<end { forward[end] += forward[start] * p(start, end) } }
            for start in (0..<n).reversed() {
                for end in start + 1...min(n, start + 16) { backward[start] += backward[end] * p(start, end) }
            }
            for start in 0..<n {
                for end in start + 1...min(n, start + 16) {
                    let share = forward[start] * p(start, end) * backward[end] / forward[n]
                    if share > 0 { expected[letters[start..<end].joined(), default: 0] += share * Double(count) }
                }
            }
        }
        return expected
    }

    private func digamma(_ value: Double) -> Double {
        var (x, result) = (value, 0.0)
        while x < 40 {
            result -= 1 / x
            x += 1
        }
        return result + log(x) - 1 / (2 * x) - 1 / (12 * x * x) + 1 / (120 * x * x * x * x)
    }

    mutating func train(to size: Int) -> [[UInt8]: Double] {
        var scores = seeds()
        while true {
            for _ in 0..<2 {
                var expected = expectations(scores)
                for letter in characters.keys { expected[letter] = max(expected[letter] ?? 0, 0.5) }
                expected = expected.filter { $0.value >= 0.5 }
                let norm = digamma(expected.values.reduce(0, +))
                scores = expected.mapValues { digamma($0) - norm }
            }
            let most = size + size / 10
            if scores.count <= most { break }
            scores = pruned(scores, to: max(most, scores.count * 3 / 4))
        }
        let kept = scores.filter { characters[$0.key] == nil }.sorted { $0.value > $1.value }
        var result: [[UInt8]: Double] = [:]
        for (piece, score) in kept.prefix(size - characters.count) { result[Array(piece.utf8)] = score }
        for letter in characters.keys { result[Array(letter.utf8)] = scores[letter] }
        return result
    }

    private func pruned(_ scores: [String: Double], to most: Int) -> [String: Double] {
        var counts: [String: Double] = [:]
        for (letters, count) in words {
            for piece in best(letters, scores)?.0 ?? [] { counts[piece, default: 0] += Double(count) }
        }
        let total = counts.values.reduce(0, +)
        var losses: [(String, Double)] = []
        for (piece, score) in scores where characters[piece] == nil {
            let letters = piece.unicodeScalars.map { String($0) }
            guard let count = counts[piece], let (parts, other) = best(letters, scores, without: piece) else {
                continue
            }
            if other > score { continue }
            let sum = parts.reduce(0.0) { $0 + log((counts[$1] ?? 0) + count) }
            let without = sum - Double(parts.count) * log(total + count * Double(parts.count - 1))
            losses.append((piece, max(0, count / total * (log(count) - log(total) - without))))
        }
        losses.sort { $0.1 > $1.1 }
        var kept = losses.prefix(most - characters.count).reduce(into: [String: Double]()) { $0[$1.0] = scores[$1.0] }
        for letter in characters.keys { kept[letter] = scores[letter] }
        return kept
    }
}
