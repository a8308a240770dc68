import EDICCorpora
import EDICNgram
import EDICTokenizers

/// Reads a contribution, learns a tokenizer and a trigram model from it, and says how well the model foretells its first
/// text: `LibraryClient Corpora/harbour-institute-tallinn`.
@main
struct LibraryClient {
    static func main() throws {
        let folder = CommandLine.arguments.dropFirst().first ?? "Corpora/harbour-institute-tallinn"
        let contribution = try Contribution.open(.init(folder))

        var texts: [String] = []
        for file in try contribution.listing().files {
            _ = try CorpusReader().read(file) { row in texts += row.segments.map(\.text) }
        }

        var trainer = try TokenizerTrainer(.init(model: .byteLevelBPE, vocabularySize: 500))
        for text in texts { try trainer.add(text) }
        let tokenizer = try trainer.finish()

        var estimator = try NgramEstimator(.init(order: 3))
        for text in texts { try estimator.add(text: Array("\(text)\n".utf8).span) }
        let model = try estimator.finish().model

        let first = texts.first ?? ""
        print("\(contribution.manifest.title): \(texts.count) texts")
        print("\(first) → \(tokenizer.encode(first).count) tokens")
        print("perplexity \(model.perplexity(of: first).perplexity)")
    }
}
