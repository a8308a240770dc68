/// A compiled gettext catalogue with `count` messages.
public func compiledCatalogue(messages count: Int) -> [UInt8] {
    func number(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    let header = ("", "Language: de\nContent-Type: text/plain; charset=UTF-8\n")
    let messages =
        [header]
        + (1..<max(2, count)).map { index in
            index % 3 == 0
                ? ("%d ship\(index)\0%d ships", "%d Schiff\0%d Schiffe")
                : ("menu\u{4}The gulls circle above the port \(index)", "Die Möwen kreisen über dem Hafen \(index)")
        }
    var tables: [[UInt8]] = [[], []]
    var strings: [UInt8] = []
    let base = 28 + 16 * messages.count
    for (table, texts) in [messages.map(\.0), messages.map(\.1)].enumerated() {
        for text in texts {
            tables[table] += number(text.utf8.count) + number(base + strings.count)
            strings += Array(text.utf8) + [0]
        }
    }
    return number(0x9504_12DE) + number(0) + number(messages.count) + number(28) + number(28 + 8 * messages.count)
        + number(0) + number(0) + tables[0] + tables[1] + strings
}
