import EDICCorpora
import EDICStore
import EDICYAML
public import SystemPackage

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
        let root: YAMLNode?
        do throws(YAMLError) {
            root = try YAMLNode(parsing: yaml)
        } catch {
            let what = error.code == .malformed ? "is not YAML: " : ""
            throw BuildError(.recipe, "\(name):\(error.line): \(what)\(error.message)", cause: error)
        }
        guard let root else { return }
        guard let members = root.members else {
            throw BuildError(.recipe, "\(name):1: expected keys with values, such as \"contributions: [minutes]\"")
        }
        for member in members { try read(member, section: nil, name: name) }
    }

    private mutating func read(_ member: YAMLNode.Member, section: String?, name: String) throws(BuildError) {
        let value = member.value
        let place = "\(name):\(member.key.line)"
        guard let word = member.key.text else { throw BuildError(.recipe, "\(place): expected a key") }
        let full = section.map { "\($0).\(word)" } ?? word
        if full == "contributions" {
            contributions = try Self.texts(value, place: place)
            return
        }
        if let setting = Self.settings.first(where: { $0.key == full }) {
            guard let text = value.text, setting.write(&self, text) else {
                let found = value.text.map { "\"\($0)\"" } ?? "a collection"
                throw BuildError(.recipe, "\(place): \(full): expected \(setting.expectation); found \(found)")
            }
            return
        }
        if section == nil, Self.settings.contains(where: { $0.key.hasPrefix(full + ".") }) {
            guard let members = value.members else {
                throw BuildError(.recipe, "\(place): \(full): expected keys below it")
            }
            for inner in members { try read(inner, section: full, name: name) }
            return
        }
        let known = Self.settings.map(\.key) + ["contributions"]
        let suggestion = Suggestion.phrase(for: full, among: known)
        throw BuildError(
            .recipe,
            "\(place): \(full): there is no such setting"
                + (suggestion.isEmpty ? "; `edic build --show-recipe` shows all" : "; \(suggestion)"))
    }

    private static func texts(_ node: YAMLNode, place: String) throws(BuildError) -> [String] {
        var texts: [String] = []
        for item in node.elements ?? [node] {
            guard let text = item.text, !text.isEmpty else {
                throw BuildError(.recipe, "\(place): contributions: expected a list of folders")
            }
            texts.append(text)
        }
        return texts
    }
}
