import EDICCorpora

extension Recipe {
    /// All settings but `contributions`, which is a list. Those that say how a build runs come first; the rest say what it
    /// makes.
    static let settings: [RecipeSetting] = [
        .text("name", \.name, "the name in the report"),
        .text("output", \.output, "where the build keeps its state and releases, relative to this file"),
        .count("workers", \.workers, in: 0...1024, "tasks at once; 0: one a core"),
        .bytes(
            "memory", \.memory, in: (64 << 20)...(1 << 40),
            "memory that training a tokenizer and n-gram models may take"),
        .count(
            "filter.minimum_letters", \.filter.rows.minimumLetters, in: 0...(1 << 20), "letters in a text, at least"),
        .bytes("filter.maximum_bytes", \.filter.rows.maximumBytes, in: 1...(1 << 30), "bytes in a text, at most"),
        .share(
            "filter.minimum_script_share", \.filter.rows.minimumScriptShare, in: 0...1,
            "share of letters in a script of the language, at least"),
        .share(
            "filter.maximum_length_ratio", \.filter.rows.maximumLengthRatio, in: 1...1000,
            "longer side of a pair over the shorter, at most"),
        .flag(
            "filter.reject_untranslated", \.filter.rows.rejectsUntranslated, "whether pairs of equal sides are rejected"
        ),
        .flag("filter.compare_numbers", \.filter.rows.comparesNumbers, "whether both sides must hold the same numbers"),
        .flag("filter.verify_language", \.filter.verifyLanguage, "whether rows in another language are rejected"),
        .count(
            "filter.language_minimum_letters", \.filter.rows.languageMinimumLetters, in: 0...(1 << 20),
            "letters below which the language is not judged"),
        .share(
            "filter.language_confidence", \.filter.rows.languageConfidence, in: 0...1,
            "how sure of another language to be, at least"),
        .share(
            "filter.neighbour_confidence", \.filter.rows.neighbourConfidence, in: 0...1,
            "the same between neighbours: Danish and Norwegian"),
        .choice("deduplicate", \.deduplicate, "exact: the first row with a text stays; none"),
        .bytes("shards.size", \.shards.size, in: (1 << 10)...(16 << 30), "JSONL in one shard, at most"),
        .bytes("shards.frame", \.shards.frame, in: (1 << 10)...(64 << 20), "JSONL in one zstd frame"),
        .count("shards.level", \.shards.level, in: 1...19, "zstd level"),
        .optionalText("tokenizer.path", \.tokenizer.path, "a tokenizer to use; empty: train one"),
        .choice("tokenizer.family", \.tokenizer.family, "what is trained"),
        .count(
            "tokenizer.vocabulary", \.tokenizer.vocabularySize, in: 300...1_000_000, "pieces of the trained tokenizer"),
        .bytes(
            "tokenizer.sample", \.tokenizer.sample, in: (1 << 10)...(16 << 30), "text to train on, over all languages"),
        .share(
            "tokenizer.temperature", \.tokenizer.temperature, in: 0...1,
            "1: languages by their size; 0: all alike; between: by size to this power"),
        .bytes("tokens.frame", \.tokens.frame, in: (1 << 10)...(64 << 20), "ids in one zstd frame"),
        .count("tokens.level", \.tokens.level, in: 1...19, "zstd level"),
        .choice(
            "tokens.dictionary", \.tokens.dictionary, "a trained zstd dictionary a language: auto where it saves enough"
        ),
        .share("tokens.dictionary_gain", \.tokens.dictionaryGain, in: 0...1, "the share it must save under auto"),
        .count("ngram.order", \.ngram.order, in: 0...10, "highest order; 0: no n-gram models"),
        .share("ngram.held_out", \.ngram.heldOut, in: 0...0.5, "share of texts kept aside to measure perplexity"),
        .text("models.path", \.models.path, "where transformer models are looked for"),
        .count("models.sample", \.models.sample, in: 0...10_000, "rows each model is tried on; 0: none"),
        .count("report.samples", \.report.samples, in: 0...8, "rejected rows shown for each reason"),
    ]

    /// The values of some settings, for the key of a task that depends on them.
    func values(under section: String) -> [String] {
        Self.settings.filter { $0.key == section || $0.key.hasPrefix(section + ".") }.map {
            "\($0.key)=\($0.read(self))"
        }
    }

    /// The values of every setting that says what is made.
    var productValues: [String] {
        let aboutRunning: Set<String> = ["output", "workers", "memory"]
        return Self.settings.filter { !aboutRunning.contains($0.key) }.map { "\($0.key)=\($0.read(self))" }
    }

    /// The whole recipe as YAML, every default said, with what each setting means.
    public var yaml: String {
        var lines = ["# Folders with a contribution.yaml, relative to this file; * and ? stand for any names."]
        lines.append("contributions: [\(contributions.map(Self.quoted).joined(separator: ", "))]")
        var section = ""
        let width = 34
        for setting in Self.settings {
            let parts = setting.key.split(separator: ".").map(String.init)
            if parts.count == 2, parts[0] != section {
                section = parts[0]
                lines.append("\(section):")
            }
            let line = (parts.count == 2 ? "  " : "") + "\(parts[parts.count - 1]): \(Self.quoted(setting.read(self)))"
            lines.append(line + String(repeating: " ", count: max(1, width - line.count)) + "# \(setting.comment)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The text as a YAML scalar: as it is where it cannot be mistaken, else in double quotes.
    private static func quoted(_ text: String) -> String {
        let plain = text.unicodeScalars.allSatisfy { scalar in
            scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "_./- ".unicodeScalars.contains(scalar)
        }
        if plain, let first = text.unicodeScalars.first, first != "-", first != " ", text.last != " " { return text }
        return "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
