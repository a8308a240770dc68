/// Appends JSON to a byte array: always valid UTF-8, the same bytes for the same calls.
///
/// Doubles are written in the shortest form that reads back to the same bits, with a point or an exponent; NaN and
/// the infinities, which JSON cannot say, are written as `null`. The writer puts commas, colons and white space; the
/// caller must close what it opens and give each value of an object its key.
///
/// ```swift
/// var writer = JSONWriter()
/// writer.beginObject()
/// writer.member("id", "a-1")
/// writer.member("words", 12)
/// writer.endObject()
/// file.write(writer.bytes)
/// ```
public struct JSONWriter: Sendable {
    /// How values are set apart.
    public enum Layout: Sendable {
        /// No white space: for JSONL and digests.
        case compact
        /// Two spaces of indentation per level: for people.
        case indented
    }

    /// What was written so far.
    public private(set) var bytes: [UInt8] = []
    private let layout: Layout
    private let sortsKeys: Bool
    private var depth = 0
    /// Whether the next value or key is the first of its container (no comma before it).
    private var isFirst = true
    private var followsKey = false

    /// - Parameter sortsKeys: Write the members of each ``JSONObject`` in the order of their keys' Unicode scalars.
    ///   Members written by calls keep the order of the calls.
    public init(layout: Layout = .compact, sortsKeys: Bool = false) {
        self.layout = layout
        self.sortsKeys = sortsKeys
    }

    /// Forgets what was written and keeps the memory.
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        depth = 0
        isFirst = true
        followsKey = false
    }

    /// Ends the line after a top-level value, so that the next one begins a line (JSONL).
    public mutating func endLine() {
        bytes.append(UInt8(ascii: "\n"))
        isFirst = true
    }

    /// Begins an object; members follow.
    public mutating func beginObject() { open(UInt8(ascii: "{")) }
    /// Ends the object that was begun last.
    public mutating func endObject() { close(UInt8(ascii: "}")) }
    /// Begins an array; values follow.
    public mutating func beginArray() { open(UInt8(ascii: "[")) }
    /// Ends the array that was begun last.
    public mutating func endArray() { close(UInt8(ascii: "]")) }

    /// Writes the key of a member; its value must follow.
    public mutating func key(_ key: String) {
        separate()
        Self.appendQuoted(key.utf8.span, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        if layout == .indented { bytes.append(UInt8(ascii: " ")) }
        followsKey = true
    }

    /// Writes a string.
    public mutating func value(_ value: String) {
        separate()
        Self.appendQuoted(value.utf8.span, to: &bytes)
    }

    /// Writes UTF-8 bytes as a string; each byte that is not part of well-formed UTF-8 becomes U+FFFD.
    public mutating func value(utf8: Span<UInt8>) {
        separate()
        if utf8.isWellFormedUTF8 {
            Self.appendQuoted(utf8, to: &bytes)
        } else {
            Self.appendQuoted(String(copying: utf8).utf8.span, to: &bytes)
        }
    }

    /// Writes `true` or `false`.
    public mutating func value(_ value: Bool) { literal(value ? "true" : "false") }
    /// Not left to the generic overload, which is not specialised for callers in other modules.
    public mutating func value(_ value: Int) {
        separate()
        Self.appendDigits(value, to: &bytes)
    }
    /// Writes an integer, all its digits.
    public mutating func value(_ value: some FixedWidthInteger) {
        separate()
        Self.appendDigits(value, to: &bytes)
    }
    /// Writes the shortest decimal that reads back as the same number; `null` for what is none in JSON.
    public mutating func value(_ value: Double) { literal(value.isFinite ? value.description : "null") }
    /// Writes the shortest decimal that reads back as the same number, not that of its exact double.
    public mutating func value(_ value: Float) { self.value(Double(value.description) ?? Double(value)) }
    /// Writes `null`.
    public mutating func null() { literal("null") }

    /// Writes a value with all that is in it.
    public mutating func value(_ value: JSONValue) {
        switch value {
        case .null: null()
        case .bool(let value): self.value(value)
        case .integer(let value): self.value(value)
        case .unsigned(let value): self.value(value)
        case .double(let value): self.value(value)
        case .string(let value): self.value(value)
        case .array(let elements):
            beginArray()
            for element in elements { self.value(element) }
            endArray()
        case .object(let object):
            beginObject()
            if sortsKeys {
                // Swift orders strings by canonical equivalence; JSON keys are sorted by what stands in the file.
                let sorted = object.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
                for (key, value) in sorted { member(key, value) }
            } else {
                for (key, value) in object { member(key, value) }
            }
            endObject()
        }
    }

    /// Writes a key and a string.
    public mutating func member(_ key: String, _ value: String) {
        self.key(key)
        self.value(value)
    }

    /// Writes a key and `true` or `false`.
    public mutating func member(_ key: String, _ value: Bool) {
        self.key(key)
        self.value(value)
    }

    /// Writes a key and an integer.
    public mutating func member(_ key: String, _ value: Int) {
        self.key(key)
        self.value(value)
    }

    /// Writes a key and an integer of any type.
    public mutating func member(_ key: String, _ value: some FixedWidthInteger) {
        self.key(key)
        self.value(value)
    }

    /// Writes a key and a number, `null` for what is none in JSON.
    public mutating func member(_ key: String, _ value: Double) {
        self.key(key)
        self.value(value)
    }

    /// Writes a key and a number, as short as it is.
    public mutating func member(_ key: String, _ value: Float) {
        self.key(key)
        self.value(value)
    }

    /// Writes a key and a value with all that is in it.
    public mutating func member(_ key: String, _ value: JSONValue) {
        self.key(key)
        self.value(value)
    }

    // MARK: - Pieces

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        depth += 1
        isFirst = true
    }

    private mutating func close(_ bracket: UInt8) {
        precondition(depth > 0 && !followsKey, "JSONWriter: nothing to close, or a key without its value")
        depth -= 1
        if !isFirst { breakLine() }
        bytes.append(bracket)
        isFirst = false
    }

    private mutating func separate() {
        if followsKey {
            followsKey = false
            return
        }
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        isFirst = false
        if depth > 0 { breakLine() }
    }

    private mutating func breakLine() {
        guard layout == .indented else { return }
        bytes.append(UInt8(ascii: "\n"))
        for _ in 0..<2 * depth { bytes.append(UInt8(ascii: " ")) }
    }

    private mutating func literal(_ text: String) {
        separate()
        bytes.append(contentsOf: text.utf8)
    }
}

extension JSONWriter {
    /// Appends UTF-8 as a JSON string, for those who put their JSON together from pieces that mostly stay the same.
    ///
    /// - Parameter utf8: well-formed; it is not looked at.
    public static func appendQuoted(_ utf8: Span<UInt8>, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        var start = 0
        while start < utf8.count {
            // Runs that need no escape are copied whole.
            let end = utf8.plainPrefix(from: start)
            output.append(copying: utf8.extracting(start..<end))
            guard end < utf8.count else { break }
            appendEscape(utf8[end], to: &output)
            start = end + 1
        }
        output.append(UInt8(ascii: "\""))
    }

    /// Appends an integer in decimal.
    public static func appendInteger(_ value: Int, to output: inout [UInt8]) { appendDigits(value, to: &output) }

    private static func appendDigits<I: FixedWidthInteger>(_ value: I, to output: inout [UInt8]) {
        var digits: [40 of UInt8] = .init(repeating: 0)
        var count = 0
        var rest = value.magnitude
        repeat {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            digits[count] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: digit)
            count += 1
            rest = quotient
        } while rest > 0
        if value < 0 { output.append(UInt8(ascii: "-")) }
        while count > 0 {
            count -= 1
            output.append(digits[count])
        }
    }

    private static func appendEscape(_ byte: UInt8, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): output.append(byte)
        case 0x08: output.append(UInt8(ascii: "b"))
        case 0x09: output.append(UInt8(ascii: "t"))
        case 0x0A: output.append(UInt8(ascii: "n"))
        case 0x0C: output.append(UInt8(ascii: "f"))
        case 0x0D: output.append(UInt8(ascii: "r"))
        default:
            output.append(contentsOf: "u00".utf8)
            for digit in [byte >> 4, byte & 0xF] {
                output.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            }
        }
    }
}

extension JSONValue {
    /// The value as JSON.
    public func serialized(layout: JSONWriter.Layout = .compact, sortsKeys: Bool = false) -> [UInt8] {
        var writer = JSONWriter(layout: layout, sortsKeys: sortsKeys)
        writer.value(self)
        return writer.bytes
    }
}

extension JSONValue: CustomStringConvertible {
    /// The value as compact JSON.
    public var description: String { String(decoding: serialized(), as: UTF8.self) }
}
