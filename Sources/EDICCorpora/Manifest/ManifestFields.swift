internal import EDICYAML

/// The fields of one mapping of a manifest. Unknown keys are reported when it is made, missing and misshapen values
/// when they are asked for.
struct ManifestFields {
    /// A text with the line on which it stands.
    struct Text {
        var value: String
        var line: Int
    }

    private var nodes: [String: YAMLNode] = [:]
    private let path: String
    private let line: Int

    init(_ mapping: YAMLNode, path: String, allowed: [String], _ reader: inout ManifestReader) {
        self.path = path
        line = mapping.line
        for member in mapping.members ?? [] {
            guard let name = member.key.text else { continue }
            guard allowed.contains(name) else {
                let suggestion = Suggestion.phrase(for: name, among: allowed)
                let help = suggestion.isEmpty ? "known keys are \(allowed.joined(separator: ", "))" : suggestion
                reader.add(.error, "unknown_key", member.key.line, path + name, "there is no such key", help)
                continue
            }
            nodes[name] = member.value
        }
    }

    subscript(key: String) -> YAMLNode? { nodes[key] }

    /// A text that is not empty.
    func text(_ key: String, required: Bool, _ reader: inout ManifestReader) -> Text? {
        guard let node = nodes[key] else {
            if required {
                reader.add(.error, "missing_key", line, path + key, "the key is missing", "add \"\(key): …\"")
            }
            return nil
        }
        guard let value = node.text else {
            reader.add(.error, "invalid_value", node.line, path + key, "expected one text, not a collection")
            return nil
        }
        let isEmpty = value.utf8.allSatisfy(\.isASCIIWhitespace)
        if isEmpty || (node.isPlain && (value == "null" || value == "~")) {
            reader.add(.error, "missing_value", node.line, path + key, "the value is empty")
            return nil
        }
        return Text(value: value, line: node.line)
    }

    /// One text or a list of texts.
    func texts(_ key: String, required: Bool, _ reader: inout ManifestReader) -> [Text] {
        guard let sequence = nodes[key]?.elements else {
            return text(key, required: required, &reader).map { [$0] } ?? []
        }
        var texts: [Text] = []
        for node in sequence {
            if let value = node.text, !value.isEmpty {
                texts.append(Text(value: value, line: node.line))
            } else {
                reader.add(.error, "invalid_value", node.line, path + key, "expected a list of texts")
            }
        }
        if texts.isEmpty, required {
            reader.add(.error, "missing_value", line, path + key, "the list is empty")
        }
        return texts
    }

    /// Language tags, in their usual spelling.
    func languages(_ key: String, required: Bool, _ reader: inout ManifestReader) -> [String] {
        var tags: [String] = []
        for text in texts(key, required: required, &reader) {
            guard let tag = LanguageName.canonical(text.value), LanguageName.isRegistered(text.value),
                !text.value.contains("_")
            else {
                reader.add(
                    .error, "invalid_value", text.line, path + key,
                    "\"\(text.value)\" is no language tag of BCP 47", "write, for example, de, pt-BR or sr-Latn")
                continue
            }
            if tags.contains(tag) {
                reader.add(.warning, "repeated_value", text.line, path + key, "\(tag) is there twice")
                continue
            }
            tags.append(tag)
        }
        return tags
    }

    /// One of a few words.
    func choice<Value: RawRepresentable<String> & CaseIterable>(
        _ key: String, _ type: Value.Type, required: Bool, _ reader: inout ManifestReader
    ) -> Value? {
        guard let text = text(key, required: required, &reader) else { return nil }
        if let value = Value(rawValue: text.value) { return value }
        let known = Value.allCases.map(\.rawValue)
        let suggestion = Suggestion.phrase(for: text.value, among: known)
        reader.add(
            .error, "invalid_value", text.line, path + key,
            "\"\(text.value)\" is not one of \(known.joined(separator: ", "))", suggestion)
        return nil
    }

    /// Yes or no.
    func flag(_ key: String, _ reader: inout ManifestReader) -> Bool? {
        guard let text = text(key, required: false, &reader) else { return nil }
        switch text.value {
        case "true", "yes": return true
        case "false", "no": return false
        default:
            reader.add(
                .error, "invalid_value", text.line, path + key, "expected true or false, found \"\(text.value)\"")
            return nil
        }
    }
}
