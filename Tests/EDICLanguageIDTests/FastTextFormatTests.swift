import EDICLanguageID
import EDICText
import Testing
import _EDICTestSupport

/// Writes a dense fastText classifier: words and labels with rows of two numbers.
private struct FastTextWriter {
    var loss: Int32 = 3
    var version: Int32 = 12
    var words: [(String, Float, Float)] = [("</s>", 0, 0), ("ja", 4, 0), ("yes", 0, 4)]
    var labels: [(String, Int64, Float, Float)] = [("__label__de", 20, 1, -1), ("__label__en", 10, -1, 1)]

    var bytes: [UInt8] {
        var out: [UInt8] = []
        func put<I: FixedWidthInteger>(_ value: I) {
            for k in 0..<I.bitWidth / 8 { out.append(UInt8(truncatingIfNeeded: value >> (8 * k))) }
        }
        func put(_ value: Float) { put(value.bitPattern) }
        put(Int32(793_712_314))
        put(version)
        for argument: Int32 in [2, 5, 5, 1, 5, 1, loss, 3, 0, 0, 0, 100] { put(argument) }
        put(UInt64(0))
        put(Int32(words.count + labels.count))
        put(Int32(words.count))
        put(Int32(labels.count))
        put(Int64(100))
        put(Int64(-1))
        for (word, _, _) in words {
            out += Array(word.utf8) + [0]
            put(Int64(5))
            put(UInt8(0))
        }
        for (label, count, _, _) in labels {
            out += Array(label.utf8) + [0]
            put(count)
            put(UInt8(1))
        }
        put(UInt8(0))
        put(Int64(words.count))
        put(Int64(2))
        for (_, a, b) in words {
            put(a)
            put(b)
        }
        put(UInt8(0))
        put(Int64(labels.count))
        put(Int64(2))
        for (_, _, a, b) in labels {
            put(a)
            put(b)
        }
        return out
    }
}

private func predict(_ model: FastTextModel, _ text: String, limit: Int = 2) -> [(label: String, probability: Float)] {
    model.predict(Array(text.utf8).span, limit: limit)
}

@Suite struct FastTextFormatTests {
    @Test func softmaxOfADenseModel() throws {
        let model = try FastTextModel(parsing: FastTextWriter().bytes)
        // Rows (4, 0) and (0, 0) of "ja" and the end of the line: the mean is (2, 0), the scores 2 and -2.
        let found = predict(model, "ja")
        #expect(found.map(\.label) == ["de", "en"])
        #expect(abs(found[0].probability - 0.98201) < 1e-4)
        #expect(predict(model, "yes").first?.label == "en")
        #expect(predict(model, "ja yes\nyes yes yes").map(\.probability).allSatisfy { abs($0 - 0.5) < 1e-4 })
        #expect(predict(model, "ja", limit: 1).count == 1)
        #expect(predict(model, "ja", limit: 0).isEmpty)
    }

    @Test func hierarchicalSoftmaxAndOneVersusAll() throws {
        var writer = FastTextWriter()
        // The rarer label is the left leaf, so the only inner node's score 2 is for the right one, "de".
        writer.loss = 1
        let tree = predict(try FastTextModel(parsing: writer.bytes), "ja")
        #expect(tree.map(\.label) == ["de", "en"])
        #expect(abs(tree[0].probability - 0.88081) < 1e-4)
        writer.loss = 4
        let each = predict(try FastTextModel(parsing: writer.bytes), "ja")
        #expect(abs(each[0].probability - 0.88081) < 1e-4)
        #expect(abs(each[1].probability - 0.11921) < 1e-4)
    }

    /// Labels that never occurred make a tree as deep as there are labels.
    @Test func deepTreesAreGoneDown() throws {
        var writer = FastTextWriter()
        writer.loss = 1
        writer.labels = (0..<200_000).map { ("__label__l\($0)", 0, 0, 0) }
        let found = predict(try FastTextModel(parsing: writer.bytes), "ja")
        #expect(found.count == 2 && found.allSatisfy { $0.probability.isFinite })
    }

    @Test func knowsNothingOfUnknownWords() throws {
        var writer = FastTextWriter()
        writer.words.removeFirst()
        let model = try FastTextModel(parsing: writer.bytes)
        #expect(predict(model, "unknown words").isEmpty)
        #expect(predict(model, "").isEmpty)
    }

    @Test func labelsBecomeLanguages() throws {
        var writer = FastTextWriter()
        writer.labels[0].0 = "__label__deu_Latn"
        writer.labels[1].0 = "__label__not a tag"
        let identifier = LanguageIdentifier(fastText: try FastTextModel(parsing: writer.bytes))
        #expect(identifier.identify("ja\nja").map(\.language.description) == ["de-Latn"])
        #expect(identifier.languages.map(\.description) == ["de-Latn"])
    }

    @Test func refusesOtherFilesAndOtherKinds() {
        func code(_ bytes: [UInt8]) -> LanguageIDError.Code? {
            do {
                _ = try FastTextModel(parsing: bytes)
                return nil
            } catch {
                return error.code
            }
        }
        let whole = FastTextWriter().bytes
        #expect(code(whole) == nil)
        #expect(code([]) == .malformedModel)
        #expect(code(Array("a text file, not a model".utf8)) == .malformedModel)
        #expect(code(FastTextWriter(version: 13).bytes) == .unsupportedModel)
        #expect(code(FastTextWriter(loss: 9).bytes) == .unsupportedModel)
        for length in 0..<whole.count { #expect(code(Array(whole.prefix(length))) == .malformedModel) }
    }

    /// Whatever a flipped byte claims, the reader stays within the file and the model within its tables.
    @Test func survivesFlippedBytes() {
        let whole = FastTextWriter(loss: 1).bytes
        var random = SeededGenerator(seed: 8)
        for offset in whole.indices {
            for _ in 0..<3 {
                var bytes = whole
                bytes[offset] = UInt8.random(in: 0...255, using: &random)
                guard let model = try? FastTextModel(parsing: bytes) else { continue }
                _ = model.predict(Array("ja yes nein \u{FFFD}".utf8).span, limit: 5)
            }
        }
    }
}
