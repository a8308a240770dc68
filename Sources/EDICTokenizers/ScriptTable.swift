internal import EDICText

/// A number for each scalar's script, for cutting text where the script changes.
final class ScriptTable: Sendable {
    static let shared = ScriptTable()

    static let space: UInt8 = 0
    /// What is in no piece: NUL, U+2581 itself, U+FFFD, surrogates.
    static let none: UInt8 = 1
    /// Marks that take the script of what they follow.
    static let inherited: UInt8 = 2

    /// A number for each of the 0x110000 scalars; kana count as Han, as in sentencepiece.
    let scripts: [UInt8]

    private init() {
        var numbers: [String: UInt8] = ["Zinh": Self.inherited, "Zyyy": 3, "Hani": 4, "Hira": 4, "Kana": 4]
        var next: UInt8 = 5
        var table = [UInt8](repeating: 3, count: 0x110000)
        var last = (code: "Zyyy", number: UInt8(3))
        // Planes 0 and 1 hold the scripts, 2 and 3 ideographs, 14 marks and tags; the rest is nothing's.
        for value in UInt32(0)..<0x20000 {
            guard let scalar = Unicode.Scalar(value) else {
                table[Int(value)] = Self.none
                continue
            }
            let code = Script(of: scalar).code
            if code != last.code {
                if numbers[code] == nil {
                    numbers[code] = next
                    next += 1
                }
                last = (code, numbers[code] ?? 3)
            }
            table[Int(value)] = last.number
        }
        for value in 0x20000..<0x40000 { table[value] = 4 }
        for value in 0xE0000..<0xE1000 { table[value] = Self.inherited }
        for value in [0x09, 0x0A, 0x0D, 0x20] { table[value] = Self.space }
        for value in [0x00, 0x2581, 0xFFFD] { table[value] = Self.none }
        table[0x30FC] = 4
        scripts = table
    }
}
