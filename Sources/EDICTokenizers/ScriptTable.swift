/// A number for each scalar's script, for cutting text where the script changes, as sentencepiece's trainer does.
final class ScriptTable: Sendable {
    static let shared = ScriptTable()

    static let space: UInt8 = 0
    /// What is in no piece: NUL, U+2581 itself, U+FFFD, surrogates.
    static let none: UInt8 = 1
    /// What belongs to many scripts, and what Unicode 9 did not assign.
    static let common: UInt8 = 3

    /// A number for each of the 0x110000 scalars: marks that take the script of what they follow have 2, kana count as Han.
    let scripts: [UInt8]

    private init() {
        var table = [UInt8](repeating: Self.common, count: 0x110000)
        for value in table.indices {
            guard let scalar = Unicode.Scalar(UInt32(value)) else {
                table[value] = Self.none
                continue
            }
            let script = scalar.script
            if script != 0 { table[value] = script }
        }
        for value in [0x09, 0x0A, 0x0D, 0x20] { table[value] = Self.space }
        for value in [0x00, 0x2581, 0xFFFD] { table[value] = Self.none }
        scripts = table
    }
}
