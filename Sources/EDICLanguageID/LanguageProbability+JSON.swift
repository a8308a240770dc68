public import EDICJSON
internal import EDICText

extension JSONWriter {
    /// Writes the members that say which language a text is in, into the object at hand: `language` and `probability`
    /// of the likeliest, and `candidates`, the likeliest first. A text in no language is "und".
    public mutating func members(_ found: [LanguageProbability]) {
        member("language", found.first?.language.description ?? "und")
        member("probability", found.first?.probability ?? 0)
        key("candidates")
        beginArray()
        for candidate in found {
            beginObject()
            member("language", candidate.language.description)
            member("probability", candidate.probability)
            endObject()
        }
        endArray()
    }
}
