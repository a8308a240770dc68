import EDICJSON
import EDICStore
import EDICTransformers
import SystemPackage

/// Tries the transformer models that lie at hand on a few rows of the build: translation models translate them, language
/// models score them. What they say is in the report; it is no output of the build.
struct ModelStage: Sendable {
    static let name = "models"
    private static let version = 1
    /// Longer texts are passed over: the sample shows that a model works, it is no benchmark.
    private static let longestText = 300

    let recipe: Recipe
    let base: FilePath

    /// The models in the folder that the recipe names, each a folder or a file, in the order of their names.
    func models() -> [FilePath] {
        let folder = base.pushing(FilePath(recipe.models.path)).lexicallyNormalized()
        var candidates: [FilePath] = []
        for place in [folder, folder.appending("fetched")] {
            for name in (try? FileTree.names(in: place)) ?? [] where !name.hasPrefix(".") && name != "fetched" {
                let path = place.appending(name)
                // A short name that points into `fetched` is the same model.
                guard FileTree.kind(of: path, followingLinks: false) != .symbolicLink else { continue }
                if FileTree.isFolder(path) || ModelFolder.isGGUF(path) { candidates.append(path) }
            }
        }
        return candidates.filter { (try? ModelFolder.discover(in: $0)) != nil }
    }

    struct Facts: Sendable, Equatable, JSONRecord {
        var sample = BuildReport.ModelSample()

        static var fields: [JSONField<Self>] { [JSONField("sample", \.sample)] }
    }

    func task(_ model: FilePath, _ texts: ShardTexts) throws -> BuildTask {
        var parts = recipe.values(under: "models.sample") + texts.identity
        var weight = 0
        for file in FileTree.isFolder(model) ? try FileTree.files(under: model) : [model] {
            let stamp = try FileTree.stamp(of: file)
            weight += stamp.size
            // Models are large and do not change in place; the stamp names them well enough for a sample.
            parts.append("\(file) \(stamp.size) \(stamp.modified)")
        }
        let label = model.lastComponent?.string ?? model.string
        return BuildTask(
            stage: Self.name, label: label, key: TaskKey(stage: Self.name, version: Self.version, parts: parts),
            weight: weight
        ) { scratch in
            var facts = Facts()
            do {
                facts.sample = try sample(model, label, texts)
            } catch  where !scratch.shouldStop() {
                facts.sample = .init(model: label, kind: "", problem: "\(error)")
            }
            return facts.json
        }
    }

    private func sample(_ path: FilePath, _ label: String, _ texts: ShardTexts) throws -> BuildReport.ModelSample {
        let folder = try ModelFolder.discover(in: path)
        var sample = BuildReport.ModelSample(model: label, kind: folder.kind.rawValue)
        switch folder.kind {
        case .translation:
            // The folder's name says the language: en-pt.
            let lines = try lines(of: texts, language: label.split(separator: "-").first.map(String.init))
            let model = try TranslationModel(folder: path)
            for (line, translation) in zip(lines, try model.translate(lines)) {
                sample.lines.append(.init(input: line, output: translation.text))
            }
        case .causalLanguageModel:
            let model = try CausalLanguageModel(path: path)
            let lines = try lines(of: texts, language: "en")
            for (line, score) in zip(lines, try model.score(lines)) {
                let perplexity = FigureText.decimal(score.perplexity, places: 1)
                sample.lines.append(.init(input: line, output: "perplexity a token \(perplexity)"))
            }
        case .textEmbedder:
            let model = try TextEmbedder(folder: path)
            let lines = try lines(of: texts, language: "en")
            let vectors = try model.embed(lines)
            for index in lines.indices.dropFirst() {
                let cosine = zip(vectors[0], vectors[index]).reduce(0) { $0 + Double($1.0) * Double($1.1) }
                sample.lines.append(
                    .init(input: lines[index], output: "similarity to the first line \(FigureText.decimal(cosine))"))
            }
        }
        return sample
    }

    /// The first lines of the texts in a language that the digests of their rows' ids put first.
    private func lines(of texts: ShardTexts, language: String?) throws -> [String] {
        var chosen: [(rank: UInt64, line: String)] = []
        try texts.forEachText { id, own, text in
            guard own == language, text.count <= Self.longestText, text.count >= 20 else { return }
            let rank = Digest(of: id).prefix64
            guard chosen.count < recipe.models.sample || rank < chosen[chosen.count - 1].rank else { return }
            let line =
                String(copying: try UTF8Span(validating: text)).split(separator: "\n").first.map(String.init) ?? ""
            chosen.append((rank, line))
            chosen.sort { ($0.rank, $0.line) < ($1.rank, $1.line) }
            if chosen.count > recipe.models.sample { chosen.removeLast() }
        }
        return chosen.map(\.line)
    }
}
