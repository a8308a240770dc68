/// Collects HTML; text goes through `text` or `attribute`, which escape it.
struct HTMLWriter {
    private(set) var html = ""

    /// Appends markup as it is.
    mutating func raw(_ markup: String) { html += markup }

    /// Appends text, escaped.
    mutating func text(_ text: String) { html += Self.escape(text) }

    /// `<name attributes>…</name>`; `attributes` is markup, such as `class="wide"`.
    mutating func element(_ name: String, _ attributes: String = "", _ content: (inout HTMLWriter) -> Void) {
        html += attributes.isEmpty ? "<\(name)>" : "<\(name) \(attributes)>"
        content(&self)
        html += "</\(name)>"
    }

    mutating func element(_ name: String, _ attributes: String = "", text content: String) {
        element(name, attributes) { $0.text(content) }
    }

    /// Replaces the five characters that mean something in HTML, and the control characters that it does not allow.
    static func escape(_ text: String) -> String {
        var escaped = ""
        escaped.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            case "\t", "\n": escaped.unicodeScalars.append(scalar)
            case _ where scalar.value < 0x20 || scalar.value == 0x7F: escaped += "\u{FFFD}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
