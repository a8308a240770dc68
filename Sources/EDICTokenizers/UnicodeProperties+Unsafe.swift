internal import CEDICTokenizers

/// Unicode 16.0, the version of the regular expressions of tokenizers 0.23 and tiktoken 0.14.
extension Unicode.Scalar {
    /// The general categories in the order of the generated tables.
    enum Category: UInt8 {
        case lu, ll, lt, lm, lo, mn, mc, me, nd, nl, no, zs, zl, zp, cc, cf, cs, co, cn, pc, pd, ps, pe, pi, pf, po
        case sm, sc, sk, so
    }

    var category: Category { Category(rawValue: edic_tok_category(value) & 31) ?? .cn }
    var isWhiteSpace: Bool { edic_tok_category(value) & 32 != 0 }
    var isLetter: Bool { category.rawValue <= Category.lo.rawValue }
    /// Marks as the reference's normalizers mean them, which know those of Unicode 8.
    var isMark: Bool { edic_tok_is_mark(value, 0) != 0 }
    var isNonspacingMark: Bool { edic_tok_is_mark(value, 1) != 0 }
    var isNumber: Bool { (Category.nd.rawValue...Category.no.rawValue).contains(category.rawValue) }
    /// Punctuation as BERT means it: also the ASCII symbols, and none that is newer than Unicode 8.
    var isPunctuation: Bool { edic_tok_is_punctuation(value) != 0 }
    /// A Chinese character, as BERT means it.
    var isIdeograph: Bool { edic_tok_is_ideograph(value) != 0 }
    /// \w: letters, marks, decimal and letter numbers, connectors, joiners, and enclosed letters.
    var isWordCharacter: Bool {
        switch value {
        case 0x200C, 0x200D, 0x24B6...0x24E9, 0x1F130...0x1F149, 0x1F150...0x1F169, 0x1F170...0x1F189: true
        default: category.rawValue <= Category.nl.rawValue || category == .pc
        }
    }
    /// A number for the script; 0 for what goes with any: spaces, and what Unicode 9 did not assign. Kana are Han.
    var script: UInt8 { edic_tok_script(value) }
    var combiningClass: UInt8 { edic_tok_combining_class(value) }

    /// The full canonical or compatibility decomposition; nil where the scalar stands for itself.
    func decomposition(compatibility: Bool) -> [Unicode.Scalar]? {
        unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 32) { buffer in
            guard let base = buffer.baseAddress else { return nil }
            let count = unsafe edic_tok_decompose(value, compatibility ? 1 : 0, base)
            return count == 0 ? nil : (0..<count).compactMap { unsafe Unicode.Scalar(buffer[$0]) }
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
            return count == 0 ? nil : (0..<count).compactMap { unsafe Unicode.Scalar(buffer[$0]) }
        }
    }
}
