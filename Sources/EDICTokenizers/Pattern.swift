/// What a splitting or replacing component looks for.
enum Pattern: Sendable {
    case literal([UInt8])
    case regularExpression(RegularExpression)

    /// The matches, leftmost first, none overlapping another.
    func matches(in text: [UInt8]) -> [Range<Int>] {
        switch self {
        case .literal(let needle):
            guard let first = needle.first else { return [] }
            var found: [Range<Int>] = []
            var at = 0
            while at + needle.count <= text.count {
                if text[at] == first, text[at..<at + needle.count].elementsEqual(needle) {
                    found.append(at..<at + needle.count)
                    at += needle.count
                } else {
                    at += 1
                }
            }
            return found
        case .regularExpression(let expression): return expression.matches(in: text)
        }
    }
}
