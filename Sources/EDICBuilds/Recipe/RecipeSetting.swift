/// One setting of a recipe: its key, what it means, and how it is written and read. One list of these serves reading a
/// recipe, showing it with all defaults, and naming it in task keys.
struct RecipeSetting: Sendable {
    /// `shards.size`, say.
    let key: String
    let comment: String
    /// What a value must look like, for messages.
    let expectation: String
    let read: @Sendable (Recipe) -> String
    let write: @Sendable (inout Recipe, String) -> Bool

    private init(
        _ key: String, _ comment: String, expects expectation: String,
        read: @escaping @Sendable (Recipe) -> String, write: @escaping @Sendable (inout Recipe, String) -> Bool
    ) {
        self.key = key
        self.comment = comment
        self.expectation = expectation
        self.read = read
        self.write = write
    }

    typealias Path<Value> = WritableKeyPath<Recipe, Value> & Sendable

    static func text(_ key: String, _ path: any Path<String>, _ comment: String) -> Self {
        Self(
            key, comment, expects: "a text", read: { $0[keyPath: path] },
            write: { recipe, text in
                recipe[keyPath: path] = text
                return !text.isEmpty
            })
    }

    static func optionalText(_ key: String, _ path: any Path<String?>, _ comment: String) -> Self {
        Self(
            key, comment, expects: "a path, or nothing", read: { $0[keyPath: path] ?? "" },
            write: { recipe, text in
                recipe[keyPath: path] = text.isEmpty ? nil : text
                return true
            })
    }

    static func count(_ key: String, _ path: any Path<Int>, in range: ClosedRange<Int>, _ comment: String) -> Self {
        let bounds =
            range.upperBound == .max ? "\(range.lowerBound) or more" : "\(range.lowerBound) to \(range.upperBound)"
        return Self(
            key, comment, expects: "a whole number, \(bounds)", read: { String($0[keyPath: path]) },
            write: { recipe, text in
                guard let value = Int(text.filter { $0 != "_" }), range.contains(value) else { return false }
                recipe[keyPath: path] = value
                return true
            })
    }

    static func bytes(_ key: String, _ path: any Path<Int>, in range: ClosedRange<Int>, _ comment: String) -> Self {
        Self(
            key, comment,
            expects:
                "a size such as 64MiB, from \(ByteSize.text(range.lowerBound)) to \(ByteSize.text(range.upperBound))",
            read: { ByteSize.text($0[keyPath: path]) },
            write: { recipe, text in
                guard let value = ByteSize.parse(text), range.contains(value) else { return false }
                recipe[keyPath: path] = value
                return true
            })
    }

    static func share(_ key: String, _ path: any Path<Double>, in range: ClosedRange<Double>, _ comment: String) -> Self
    {
        Self(
            key, comment, expects: "a number, \(range.lowerBound) to \(range.upperBound)",
            read: { String($0[keyPath: path]) },
            write: { recipe, text in
                guard let value = Double(text), range.contains(value) else { return false }
                recipe[keyPath: path] = value
                return true
            })
    }

    static func flag(_ key: String, _ path: any Path<Bool>, _ comment: String) -> Self {
        Self(
            key, comment, expects: "true or false", read: { String($0[keyPath: path]) },
            write: { recipe, text in
                guard let value = ["true": true, "yes": true, "false": false, "no": false][text] else { return false }
                recipe[keyPath: path] = value
                return true
            })
    }

    static func choice<Value: RawRepresentable<String> & CaseIterable & Sendable>(
        _ key: String, _ path: any Path<Value>, _ comment: String
    ) -> Self {
        Self(
            key, comment, expects: "one of " + Value.allCases.map(\.rawValue).joined(separator: ", "),
            read: { $0[keyPath: path].rawValue },
            write: { recipe, text in
                guard let value = Value(rawValue: text) else { return false }
                recipe[keyPath: path] = value
                return true
            })
    }
}

/// Sizes in bytes as recipes write them: `64MiB`, `1GiB`, `500000`.
enum ByteSize {
    private static let units: [(name: String, shift: Int)] = [("GiB", 30), ("MiB", 20), ("KiB", 10)]

    static func text(_ count: Int) -> String {
        for unit in units where count > 0 && count % (1 << unit.shift) == 0 {
            return "\(count >> unit.shift)\(unit.name)"
        }
        return String(count)
    }

    static func parse(_ text: String) -> Int? {
        for unit in units where text.hasSuffix(unit.name) {
            let digits = text.dropLast(unit.name.count).filter { $0 != " " }
            guard let value = Int(digits), value >= 0, value <= Int.max >> unit.shift else { return nil }
            return value << unit.shift
        }
        return Int(text.filter { $0 != "_" })
    }
}
