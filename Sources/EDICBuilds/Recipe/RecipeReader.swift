import EDICCorpora
import EDICStore
public import SystemPackage
import Yams

extension Recipe {
    /// Reads a recipe from a file.
    ///
    /// - Throws: ``BuildError`` that names the file, the line and the key, and what was expected.
    public init(contentsOf path: FilePath) throws(BuildError) {
        let text: String
        do {
            var reader = try ByteReader(path)
            let bytes = try reader.readAll(atMost: 1 << 20)
            guard let valid = String(validating: bytes, as: UTF8.self) else {
                throw BuildError(.recipe, "\(path): is not UTF-8; save it as UTF-8")
            }
            text = valid
        } catch let error as BuildError {
            throw error
        } catch {
            throw BuildError(.missingInput, "\(error)", cause: error)
        }
        try self.init(yaml: text, name: path.string)
        if name == Recipe().name, let stem = path.stem { name = stem }
    }

    /// Reads a recipe.
    ///
    /// - Parameter name: what messages call it.
    public init(yaml: String, name: String) throws(BuildError) {
        self.init()
        let root: Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch {
            throw BuildError(.recipe, "\(name): is not YAML: \(Self.firstLine(error))", cause: error)
        }
        guard let root else { return }
        guard let mapping = root.mapping else {
            throw BuildError(.recipe, "\(name):1: expected keys with values, such as \"contributions: [minutes]\"")
        }
        for (key, value) in mapping { try read(key, value, section: nil, name: name) }
    }

    private mutating func read(_ key: Node, _ value: Node, section: String?, name: String) throws(BuildError) {
        let place = "\(name):\(key.mark?.line ?? 1)"
        guard let word = key.scalar?.string else { throw BuildError(.recipe, "\(place): expected a key") }
        let full = section.map { "\($0).\(word)" } ?? word
        if full == "contributions" {
            contributions = try Self.texts(value, place: place)
            return
        }
        if let setting = Self.settings.first(where: { $0.key == full }) {
            guard let text = value.scalar?.string, setting.write(&self, text) else {
                let found = value.scalar.map { "\"\($0.string)\"" } ?? "a collection"
                throw BuildError(.recipe, "\(place): \(full): expected \(setting.expectation); found \(found)")
            }
            return
        }
        if section == nil, Self.settings.contains(where: { $0.key.hasPrefix(full + ".") }) {
            guard let mapping = value.mapping else {
                throw BuildError(.recipe, "\(place): \(full): expected keys below it")
            }
            for (inner, value) in mapping { try read(inner, value, section: full, name: name) }
            return
        }
        let known = Self.settings.map(\.key) + ["contributions"]
        let suggestion = Suggestion.phrase(for: full, among: known)
        throw BuildError(
            .recipe,
            "\(place): \(full): there is no such setting"
                + (suggestion.isEmpty ? "; `edic build --show-recipe` shows all" : "; \(suggestion)"))
    }

    private static func texts(_ node: Node, place: String) throws(BuildError) -> [String] {
        var texts: [String] = []
        for item in node.sequence.map(Array.init) ?? [node] {
            guard let text = item.scalar?.string, !text.isEmpty else {
                throw BuildError(.recipe, "\(place): contributions: expected a list of folders")
            }
            texts.append(text)
        }
        return texts
    }

    private static func firstLine(_ error: any Error) -> String {
        "\(error)".split(separator: "\n").first.map(String.init) ?? "\(error)"
    }
}
