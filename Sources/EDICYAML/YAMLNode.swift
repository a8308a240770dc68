/// A value of a YAML document with the line it begins on.
///
/// Scalars stay texts: what `yes` or `2023-01` means, whoever asked for the value knows. Aliases are replaced by what
/// they name, tags are ignored.
///
/// ```swift
/// let node = try YAMLNode(parsing: "languages: [et, lv]")
/// node?["languages"]?.elements?.compactMap(\.text)     // ["et", "lv"]
/// ```
public struct YAMLNode: Sendable {
    /// What a node can be.
    public indirect enum Content: Sendable {
        /// A text, and whether it was written without quotes.
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        case mapping([Member])
    }

    /// A key of a mapping with its value.
    public struct Member: Sendable {
        /// The key, mostly a scalar.
        public let key: YAMLNode
        /// Its value.
        public let value: YAMLNode
    }

    /// What the node is.
    public let content: Content
    /// Counted from 1.
    public let line: Int

    /// The text of a scalar.
    public var text: String? {
        if case .scalar(let text, _) = content { text } else { nil }
    }

    /// Whether this is a scalar without quotes.
    public var isPlain: Bool {
        if case .scalar(_, let isPlain) = content { isPlain } else { false }
    }

    /// The elements of a sequence.
    public var elements: [YAMLNode]? {
        if case .sequence(let elements) = content { elements } else { nil }
    }

    /// The members of a mapping, in the order of the text. No two have the same text as key.
    public var members: [Member]? {
        if case .mapping(let members) = content { members } else { nil }
    }

    /// The value of a mapping's member with this key. Takes time linear in the number of members.
    public subscript(key: String) -> YAMLNode? { members?.first { $0.key.text == key }?.value }
}
