/// The symbol of each character that has one: pages of 64 characters, of which a vocabulary's scripts need few.
struct CharacterSymbols: Sendable {
    private static let none = UInt32.max

    /// Which page of `symbols` has a character's; those without any share the first.
    private var pages = [UInt16](repeating: 0, count: 0x11_0000 / 64)
    private var symbols = [UInt32](repeating: none, count: 64)

    subscript(scalar: UInt32) -> UInt32? {
        get {
            let symbol = symbols[Int(pages[Int(scalar / 64)]) * 64 + Int(scalar % 64)]
            return symbol == Self.none ? nil : symbol
        }
        set {
            let block = Int(scalar / 64)
            if pages[block] == 0 {
                pages[block] = UInt16(symbols.count / 64)
                symbols.append(contentsOf: repeatElement(Self.none, count: 64))
            }
            symbols[Int(pages[block]) * 64 + Int(scalar % 64)] = newValue ?? Self.none
        }
    }

    /// All characters with their symbols.
    var all: [(scalar: UInt32, symbol: UInt32)] {
        pages.indices.flatMap { block -> [(scalar: UInt32, symbol: UInt32)] in
            guard pages[block] != 0 else { return [] }
            return (UInt32(block) * 64..<UInt32(block) * 64 + 64).compactMap { scalar in
                self[scalar].map { (scalar, $0) }
            }
        }
    }
}
