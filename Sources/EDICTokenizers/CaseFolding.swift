/// What regular expressions compare without case.
extension CharacterSet {
    /// The characters that fold to the same as `scalar`, one character each.
    static func variants(of scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        if let others = irregular[scalar] { return others }
        let lower = scalar.properties.lowercaseMapping.unicodeScalars
        let upper = scalar.properties.uppercaseMapping.unicodeScalars
        return [lower, upper].compactMap { $0.count == 1 ? $0.first : nil }
    }

    /// Those for which the lower and the upper case do not say it.
    private static let irregular: [Unicode.Scalar: [Unicode.Scalar]] = {
        var classes: [[UInt32]] = [
            [0x4B, 0x6B, 0x212A], [0x53, 0x73, 0x17F], [0xB5, 0x39C, 0x3BC], [0xC5, 0xE5, 0x212B], [0xDF, 0x1E9E],
            [0x131], [0x1C4, 0x1C5, 0x1C6], [0x1C7, 0x1C8, 0x1C9], [0x1CA, 0x1CB, 0x1CC], [0x1F1, 0x1F2, 0x1F3],
            [0x345, 0x399, 0x3B9, 0x1FBE], [0x390, 0x1FD3], [0x392, 0x3B2, 0x3D0], [0x395, 0x3B5, 0x3F5],
            [0x398, 0x3B8, 0x3D1, 0x3F4], [0x39A, 0x3BA, 0x3F0], [0x3A0, 0x3C0, 0x3D6], [0x3A1, 0x3C1, 0x3F1],
            [0x3A3, 0x3C2, 0x3C3], [0x3A6, 0x3C6, 0x3D5], [0x3A9, 0x3C9, 0x2126], [0x3B0, 0x1FE3],
            [0x412, 0x432, 0x1C80], [0x414, 0x434, 0x1C81], [0x41E, 0x43E, 0x1C82], [0x421, 0x441, 0x1C83],
            [0x422, 0x442, 0x1C84, 0x1C85], [0x42A, 0x44A, 0x1C86], [0x462, 0x463, 0x1C87],
            [0x1C88, 0xA64A, 0xA64B], [0x1E60, 0x1E61, 0x1E9B], [0x1FB3, 0x1FBC], [0x1FC3, 0x1FCC],
            [0x1FF3, 0x1FFC], [0xFB05, 0xFB06],
        ]
        for first in [0x1F80, 0x1F90, 0x1FA0] as [UInt32] { classes += (first..<first + 8).map { [$0, $0 + 8] } }
        var irregular: [Unicode.Scalar: [Unicode.Scalar]] = [:]
        for values in classes {
            let scalars = values.compactMap(Unicode.Scalar.init)
            for scalar in scalars { irregular[scalar] = scalars }
        }
        return irregular
    }()
}

extension RegularExpressionCompiler {
    /// Refuses what Oniguruma compares without case not character by character, such as ß with ss.
    ///
    /// In a class with ß it may also take ss, but tries that last; there the characters alone are followed.
    ///
    /// - Parameter run: the characters without case just before the node; then, those at its end.
    func checkFolding(_ node: Node, _ run: inout [Unicode.Scalar]) throws(TokenizerError) {
        switch node {
        case .empty, .anchor: break
        case .character(let set):
            guard set.foldsCase, !set.isNegated, set.items.count == 1, case .range(let low, let high) = set.items[0],
                low == high, let scalar = Unicode.Scalar(low)
            else {
                run = []
                return
            }
            if Self.foldsToMany(scalar) { throw problem("\(scalar) without case is not known") }
            if let last = run.last { try check(last, scalar) }
            run.append(scalar)
        case .concatenation(let parts): for part in parts { try checkFolding(part, &run) }
        case .alternation(let branches):
            for branch in branches { try checkInner(branch) }
            run = []
        case .repeat(let inner, _, let high, _):
            let literals = try checkInner(inner)
            if let first = literals.first, let last = literals.last, high ?? 2 > 1 { try check(last, first) }
            run = []
        case .look(let inner, _, _), .atomic(let inner):
            try checkInner(inner)
            run = []
        }
    }

    @discardableResult
    private func checkInner(_ node: Node) throws(TokenizerError) -> [Unicode.Scalar] {
        var run: [Unicode.Scalar] = []
        try checkFolding(node, &run)
        return run
    }

    private func check(_ first: Unicode.Scalar, _ second: Unicode.Scalar) throws(TokenizerError) {
        let pair = [first, second].map { Self.ascii(of: $0) ?? $0 }
        let armenian: ClosedRange<UInt32> = 0x531...0x587
        switch (pair[0], pair[1]) {
        case ("s", "s"), ("s", "t"), ("f", "f"), ("f", "i"), ("f", "l"), ("\u{2BC}", _), (_, "\u{2BE}"), (_, "\u{399}"),
            (_, "\u{3B9}"), (_, "\u{1FBE}"):
            break
        case (_, let mark) where mark.isMark: break
        case (let left, let right) where armenian.contains(left.value) && armenian.contains(right.value): break
        default: return
        }
        throw problem("\(first)\(second) without case is not known")
    }

    private static func ascii(of scalar: Unicode.Scalar) -> Unicode.Scalar? {
        CharacterSet.variants(of: scalar).first { "a"..."z" ~= $0 }
    }

    private static func foldsToMany(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "\u{1E9E}" || scalar.properties.lowercaseMapping.unicodeScalars.count > 1
            || scalar.properties.uppercaseMapping.unicodeScalars.count > 1
    }
}
