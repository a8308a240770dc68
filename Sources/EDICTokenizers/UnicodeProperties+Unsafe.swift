internal import CEDICTokenizers

/// Unicode 16.0, the version of the regular expressions of tokenizers 0.23 and tiktoken 0.14.
extension Unicode.Scalar {
    /// The general categories in the order of the generated tables.
    enum Category: UInt8 {
        case Lu, Ll, Lt, Lm, Lo, Mn, Mc, Me, Nd, Nl, No, Zs, Zl, Zp, Cc, Cf, Cs, Co, Cn, Pc, Pd, Ps, Pe, Pi, Pf, Po
        case Sm, Sc, Sk, So
    }

    var category: Category { Category(rawValue: edic_tok_category(value) & 31) ?? .Cn }
    var isWhiteSpace: Bool { edic_tok_category(value) & 32 != 0 }
    var isLetter: Bool { category.rawValue <= Category.Lo.rawValue }
    var isMark: Bool { (Category.Mn.rawValue...Category.Me.rawValue).contains(category.rawValue) }
    var isNumber: Bool { (Category.Nd.rawValue...Category.No.rawValue).contains(category.rawValue) }
    var isPunctuationCategory: Bool { (Category.Pc.rawValue...Category.Po.rawValue).contains(category.rawValue) }
    /// Punctuation as BERT means it: also the ASCII symbols.
    var isPunctuation: Bool {
        switch value {
        case 33...47, 58...64, 91...96, 123...126: true
        default: isPunctuationCategory
        }
    }
    /// \w: letters, marks, decimal and letter numbers, connectors, joiners, and enclosed letters.
    var isWordCharacter: Bool {
        switch value {
        case 0x200C, 0x200D, 0x24B6...0x24E9, 0x1F130...0x1F149, 0x1F150...0x1F169, 0x1F170...0x1F189: true
        default: category.rawValue <= Category.Nl.rawValue || category == .Pc
        }
    }
    var combiningClass: UInt8 { edic_tok_combining_class(value) }

    /// The full canonical or compatibility decomposition; nil where the scalar stands for itself.
    func decomposition(compatibility: Bool) -> [Unicode.Scalar]? {
        unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 32) { buffer in
            guard let base = buffer.baseAddress else { return nil }
            let count = unsafe edic_tok_decompose(value, compatibility ? 1 : 0, base)
            return count == 0 ? nil : unsafe (0..<count).compactMap { unsafe Unicode.Scalar(buffer[$0]) }
        }
    }

    /// The canonical composition of two scalars.
    static func composing(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Unicode.Scalar? {
        let composed = edic_tok_compose(first.value, second.value)
        return composed == 0 ? nil : Unicode.Scalar(composed)
    }

    /// The lower case, without the rule of the final sigma; nil where it is the scalar itself.
    var lowercase: [Unicode.Scalar]? {
        unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 4) { buffer in
            guard let base = buffer.baseAddress else { return nil }
            let count = unsafe edic_tok_lowercase(value, base)
            return count == 0 ? nil : unsafe (0..<count).compactMap { unsafe Unicode.Scalar(buffer[$0]) }
        }
    }
}
