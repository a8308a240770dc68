/// The numbers in a text, without their grouping, so that `1.234,5` in one language is `1,234.5` in another.
enum Numbers {
    /// The digits of each number with two digits or more, sorted.
    static func of(_ text: String) -> [String] {
        var numbers: [String] = []
        var digits: [UInt8] = []
        var separator = false
        func end() {
            if digits.count >= 2 { numbers.append(String(decoding: digits, as: UTF8.self)) }
            digits = []
            separator = false
        }
        for byte in text.utf8 {
            if byte.isASCIIDigit {
                digits.append(byte)
                separator = false
            } else if !digits.isEmpty, !separator, ".,'".utf8.contains(byte) {
                separator = true
            } else {
                end()
            }
        }
        end()
        return numbers.sorted()
    }

    /// A few of them for a message.
    static func list(_ numbers: [String]) -> String {
        numbers.isEmpty ? "none" : numbers.prefix(4).joined(separator: " ") + (numbers.count > 4 ? " …" : "")
    }
}
