/// What `\w` stands for.
enum WordCharacters: Sendable {
    case rust
    /// Oniguruma's, in a class: without the joiners.
    case onigurumaClass
    /// Oniguruma's elsewhere, also for `\b`: with Latin-1's digits above the line and its fractions.
    case oniguruma

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        switch (scalar.value, self) {
        case (0x200C, .onigurumaClass), (0x200C, .oniguruma), (0x200D, .onigurumaClass), (0x200D, .oniguruma): false
        case (0xB2, .oniguruma), (0xB3, .oniguruma), (0xB9, .oniguruma), (0xBC...0xBE, .oniguruma): true
        default: scalar.isWordCharacter
        }
    }
}

/// The characters that one step of a regular expression takes.
struct CharacterSet: Sendable {
    enum Item: Sendable {
        case range(UInt32, UInt32)
        /// Bits are general categories in the order of ``Unicode/Scalar/Category``.
        case categories(UInt32, negated: Bool)
        case space(negated: Bool)
        case word(WordCharacters, negated: Bool)
        case set(CharacterSet)
    }

    var items: [Item]
    var isNegated = false
    var foldsCase = false
    /// `[a&&b]`: a character must also be in each of these.
    var intersections: [CharacterSet] = []
    private var ascii: (UInt64, UInt64) = (0, 0)

    init(_ items: [Item], negated: Bool = false, foldingCase: Bool = false, intersections: [CharacterSet] = []) {
        self.items = items
        self.intersections = intersections
        isNegated = negated
        foldsCase = foldingCase
        for value in 0..<128 as Range<UInt32> where decide(value) {
            if value < 64 { ascii.0 |= 1 << UInt64(value) } else { ascii.1 |= 1 << UInt64(value - 64) }
        }
    }

    static func scalar(_ scalar: Unicode.Scalar, foldingCase: Bool) -> CharacterSet {
        CharacterSet([.range(scalar.value, scalar.value)], foldingCase: foldingCase)
    }

    @inline(__always)
    func contains(_ scalar: Unicode.Scalar) -> Bool {
        let value = scalar.value
        if value < 64 { return ascii.0 >> UInt64(value) & 1 != 0 }
        if value < 128 { return ascii.1 >> UInt64(value - 64) & 1 != 0 }
        return decide(value)
    }

    private func decide(_ value: UInt32) -> Bool {
        guard let scalar = Unicode.Scalar(value) else { return false }
        var found = includes(scalar)
        if !found, foldsCase { found = Self.variants(of: scalar).contains { includes($0) } }
        if found, !intersections.isEmpty { found = intersections.allSatisfy { $0.contains(scalar) } }
        return found != isNegated
    }

    private func includes(_ scalar: Unicode.Scalar) -> Bool {
        for item in items {
            let found =
                switch item {
                case .range(let low, let high): low <= scalar.value && scalar.value <= high
                case .categories(let bits, let negated): (bits >> UInt32(scalar.category.rawValue) & 1 != 0) != negated
                case .space(let negated): scalar.isWhiteSpace != negated
                case .word(let characters, let negated): characters.contains(scalar) != negated
                case .set(let set): set.contains(scalar)
                }
            if found { return true }
        }
        return false
    }

    /// The categories that a property name such as `L`, `Lu` or `Letter` stands for.
    static func categories(named name: String) -> UInt32? {
        func bits(_ range: ClosedRange<UInt8>) -> UInt32 { range.reduce(0) { $0 | 1 << UInt32($1) } }
        switch name {
        case "L", "Letter": return bits(0...4)
        case "M", "Mark": return bits(5...7)
        case "N", "Number": return bits(8...10)
        case "Z", "Separator": return bits(11...13)
        case "C", "Other": return bits(14...18)
        case "P", "Punctuation", "punct": return bits(19...25)
        case "S", "Symbol": return bits(26...29)
        case "LC": return bits(0...2)
        default: break
        }
        let names = [
            "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co",
            "Cn", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So",
        ]
        return names.firstIndex(of: name).map { 1 << UInt32($0) }
    }
}
