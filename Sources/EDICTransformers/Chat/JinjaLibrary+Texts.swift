/// Texts as Python sees them: sequences of code points.
extension JinjaLibrary {
    /// Where a text has a piece, in bytes, one after another.
    func places(of piece: String, in text: String, atMost limit: Int) throws(JinjaError) -> [Int] {
        let piece = Array(piece.utf8)
        let text = Array(text.utf8)
        guard !piece.isEmpty else { return limit > 0 ? [0] : [] }
        try work.spend(text.count)
        var places: [Int] = []
        var place = 0
        var unpaid = 0
        while places.count < limit, piece.count <= text.count - place {
            var same = 0
            while same < piece.count, text[place + same] == piece[same] { same += 1 }
            // What matches in part is read again: a text made for that costs more than its length.
            unpaid += same
            if unpaid > 1 << 12 {
                try work.spend(unpaid)
                unpaid = 0
            }
            if same == piece.count {
                try work.spend(items: 2)
                places.append(place)
                place += piece.count
            } else {
                place += 1
            }
        }
        try work.spend(unpaid)
        return places
    }

    /// What stands between the places of a mark, of which only the first ones count.
    func parts(of text: String, between mark: String, atMost limit: Int) throws(JinjaError) -> [String] {
        let places = try places(of: mark, in: text, atMost: limit)
        try work.spend(text.utf8.count)
        var parts: [String] = []
        var rest = Substring(text).utf8
        var start = 0
        for place in places {
            parts.append(String(decoding: rest.prefix(place - start), as: UTF8.self))
            rest = rest.dropFirst(place - start + mark.utf8.count)
            start = place + mark.utf8.count
        }
        return parts + [String(decoding: rest, as: UTF8.self)]
    }

    func stripped(
        _ text: String, of set: String? = nil, leading: Bool = true, trailing: Bool = true
    ) throws(JinjaError) -> String {
        try work.spend(text.utf8.count + (set?.utf8.count ?? 0))
        let scalars = set.map { Set($0.unicodeScalars) }
        func isStripped(_ scalar: Unicode.Scalar) -> Bool { scalars?.contains(scalar) ?? scalar.isPythonSpace }
        var part = Substring(text).unicodeScalars
        if leading { part = part.drop(while: isStripped) }
        if trailing {
            while let last = part.last, isStripped(last) { part.removeLast() }
        }
        return String(part)
    }

    /// Lines without their ends, at all that Python takes for one.
    func lines(of text: String) throws(JinjaError) -> [String] {
        try work.spend(text.utf8.count)
        var lines: [String] = []
        var rest = text.unicodeScalars[...]
        while !rest.isEmpty {
            try work.spend(items: 2)
            let end = rest.firstIndex(where: Self.endsLine) ?? rest.endIndex
            lines.append(String(rest[..<end]))
            let isReturn = end < rest.endIndex && rest[end] == "\r"
            rest = rest[end...].dropFirst()
            if isReturn, rest.first == "\n" { rest = rest.dropFirst() }
        }
        return lines
    }

    private static func endsLine(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\u{A}"..."\u{D}", "\u{1C}"..."\u{1E}", "\u{85}", "\u{2028}", "\u{2029}": true
        default: false
        }
    }

    // MARK: - Upper and lower case

    func lowercased(_ text: String) throws(JinjaError) -> String {
        try work.spend(text.utf8.count)
        // A sigma that ends a word has a letter of its own.
        guard text.unicodeScalars.contains("\u{3A3}") else { return text.lowercased() }
        let scalars = Array(text.unicodeScalars)
        var lower = ""
        for (place, scalar) in scalars.enumerated() {
            lower +=
                scalar == "\u{3A3}" && endsWord(place, in: scalars) ? "\u{3C2}" : scalar.properties.lowercaseMapping
        }
        return lower
    }

    private func endsWord(_ place: Int, in scalars: [Unicode.Scalar]) -> Bool {
        func isCased(_ scalar: Unicode.Scalar?) -> Bool { scalar?.properties.isCased == true }
        let before = scalars[..<place].last { !$0.properties.isCaseIgnorable }
        let after = scalars[(place + 1)...].first { !$0.properties.isCaseIgnorable }
        return isCased(before) && !isCased(after)
    }

    func capitalized(_ text: String) throws(JinjaError) -> String {
        guard let first = text.unicodeScalars.first else { return "" }
        let rest = try lowercased(text).unicodeScalars.dropFirst(first.properties.lowercaseMapping.unicodeScalars.count)
        return first.properties.titlecaseMapping + String(rest)
    }

    /// The first letter of each word large, as Python's method does it: a word is letters only.
    func titledWords(_ text: String) throws(JinjaError) -> String {
        guard !text.unicodeScalars.contains("\u{3A3}") else { throw JinjaError("title of a text with a sigma") }
        try work.spend(text.utf8.count)
        var titled = ""
        var isInWord = false
        for scalar in text.unicodeScalars {
            let properties = scalar.properties
            titled += isInWord ? properties.lowercaseMapping : properties.titlecaseMapping
            isInWord = properties.isCased
        }
        return titled
    }

    /// The same as Jinja's filter does it: a word ends at white space, `-` or an opening bracket.
    func titled(_ text: String) throws(JinjaError) -> String {
        guard !text.unicodeScalars.contains("\u{3A3}") else { throw JinjaError("title of a text with a sigma") }
        try work.spend(text.utf8.count)
        var titled = ""
        var isInWord = false
        for scalar in text.unicodeScalars {
            if scalar.isPythonSpace || "-({[<".unicodeScalars.contains(scalar) {
                isInWord = false
                titled.unicodeScalars.append(scalar)
            } else {
                titled += isInWord ? scalar.properties.lowercaseMapping : scalar.properties.uppercaseMapping
                isInWord = true
            }
        }
        return titled
    }
}
