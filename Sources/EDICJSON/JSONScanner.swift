/// The exact, slower parser: it has the last word where simdjson says no.
///
/// It writes the same tape as simdjson, names the byte of the first error, and takes the nearest `Double` for integers
/// beyond 64 bits (real files have them: `"model_max_length": 1000000000000000019884624838656`).
struct JSONScanner {
    private(set) var words: [UInt64] = []
    private(set) var strings: [UInt8] = []
    private let depthLimit: Int
    private var at = 0

    init(depthLimit: Int) { self.depthLimit = depthLimit }

    /// An array or object that is not closed yet.
    private struct Open {
        var start: Int
        var isObject: Bool
        var count: Int
    }

    mutating func scan(_ bytes: Span<UInt8>) throws(JSONError) {
        do {
            _ = try UTF8Span(validating: bytes)
        } catch {
            let at = error.byteOffsets.lowerBound
            throw JSONError(
                code: .invalidUTF8, message: "the byte \(hex(bytes[at])) is not UTF-8 here; convert the file to UTF-8",
                byteOffset: at)
        }
        words.append(0)
        skipSpace(bytes)
        guard at < bytes.count else {
            throw JSONError(code: .empty, message: "there is no JSON value here", byteOffset: at)
        }
        var open: [Open] = []
        var expectsValue = true
        repeat {
            if expectsValue {
                skipSpace(bytes)
                guard at < bytes.count else { throw unexpected(bytes, "a value") }
                let byte = bytes[at]
                if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
                    guard open.count < depthLimit else {
                        throw JSONError(
                            code: .tooDeep, message: "nested deeper than \(depthLimit) levels", byteOffset: at)
                    }
                    let isObject = byte == UInt8(ascii: "{")
                    open.append(Open(start: words.count, isObject: isObject, count: 0))
                    words.append(0)
                    at += 1
                    skipSpace(bytes)
                    if at < bytes.count, bytes[at] == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                        expectsValue = false
                    } else {
                        open[open.count - 1].count = 1
                        if isObject { try scanKey(bytes) }
                    }
                    continue
                }
                try scanScalar(bytes)
                expectsValue = false
                continue
            }
            skipSpace(bytes)
            guard let top = open.last else { break }
            guard at < bytes.count else { throw unexpected(bytes, top.isObject ? "',' or '}'" : "',' or ']'") }
            let byte = bytes[at]
            if byte == UInt8(ascii: ","), top.count > 0 {
                at += 1
                open[open.count - 1].count += 1
                if top.isObject {
                    skipSpace(bytes)
                    try scanKey(bytes)
                }
                expectsValue = true
            } else if byte == (top.isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                at += 1
                words.append(word(byte, UInt64(top.start)))
                let type = top.isObject ? UInt8(ascii: "{") : UInt8(ascii: "[")
                words[top.start] = word(type, UInt64(min(top.count, 0xFF_FFFF)) << 32 | UInt64(words.count))
                open.removeLast()
            } else {
                throw unexpected(bytes, top.isObject ? "',' or '}'" : "',' or ']'")
            }
        } while true
        guard at == bytes.count else { throw unexpected(bytes, "the end of the document") }
        words.append(word(UInt8(ascii: "r"), 0))
        words[0] = word(UInt8(ascii: "r"), UInt64(words.count))
    }

    private func word(_ type: UInt8, _ payload: UInt64) -> UInt64 { UInt64(type) << 56 | payload }

    private mutating func skipSpace(_ bytes: Span<UInt8>) {
        while at < bytes.count {
            switch bytes[at] {
            case 0x20, 0x0A, 0x0D, 0x09: at += 1
            default: return
            }
        }
    }

    private mutating func scanKey(_ bytes: Span<UInt8>) throws(JSONError) {
        guard at < bytes.count else { throw unexpected(bytes, "a key") }
        guard bytes[at] == UInt8(ascii: "\"") else { throw unexpected(bytes, "a key in double quotes") }
        try scanString(bytes)
        skipSpace(bytes)
        guard at < bytes.count else { throw unexpected(bytes, "':'") }
        guard bytes[at] == UInt8(ascii: ":") else { throw unexpected(bytes, "':' after the key") }
        at += 1
    }

    private mutating func scanScalar(_ bytes: Span<UInt8>) throws(JSONError) {
        switch bytes[at] {
        case UInt8(ascii: "\""): try scanString(bytes)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try scanNumber(bytes)
        case UInt8(ascii: "t"): try scanWord(bytes, "true")
        case UInt8(ascii: "f"): try scanWord(bytes, "false")
        case UInt8(ascii: "n"): try scanWord(bytes, "null")
        default: throw unexpected(bytes, "a value")
        }
    }

    private mutating func scanWord(_ bytes: Span<UInt8>, _ literal: StaticString) throws(JSONError) {
        let expected = literal.description
        let start = at
        for byte in expected.utf8 {
            guard at < bytes.count, bytes[at] == byte else {
                at = start
                throw unexpected(bytes, "'\(expected)'")
            }
            at += 1
        }
        words.append(word(bytes[start], 0))
    }

    private mutating func scanNumber(_ bytes: Span<UInt8>) throws(JSONError) {
        let start = at
        let isNegative = bytes[at] == UInt8(ascii: "-")
        if isNegative { at += 1 }
        var magnitude: UInt64 = 0
        var fits = true
        let firstDigit = at
        while at < bytes.count, case let digit = bytes[at] &- UInt8(ascii: "0"), digit < 10 {
            let (product, over) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            fits = fits && !over && !carry
            magnitude = sum
            at += 1
        }
        guard at > firstDigit else { throw unexpected(bytes, "a digit") }
        guard at - firstDigit == 1 || bytes[firstDigit] != UInt8(ascii: "0") else {
            at = firstDigit
            throw JSONError(code: .syntax, message: "a number must not begin with 0", byteOffset: start)
        }
        var isInteger = true
        if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
            isInteger = false
            at += 1
            try scanDigits(bytes)
        }
        if at < bytes.count, bytes[at] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            at += 1
            if at < bytes.count, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") { at += 1 }
            try scanDigits(bytes)
        }
        if isInteger, fits {
            if !isNegative, magnitude > UInt64(Int64.max) {
                words.append(word(UInt8(ascii: "u"), 0))
                words.append(magnitude)
                return
            }
            if magnitude <= UInt64(Int64.max) + (isNegative ? 1 : 0) {
                words.append(word(UInt8(ascii: "l"), 0))
                words.append(isNegative ? 0 &- magnitude : magnitude)
                return
            }
        }
        var text = ""
        for i in start..<at { text.unicodeScalars.append(Unicode.Scalar(bytes[i])) }
        guard let value = Double(text), value.isFinite else {
            throw JSONError(
                code: .numberOutOfRange, message: "the number is beyond the range of a 64-bit float", byteOffset: start)
        }
        words.append(word(UInt8(ascii: "d"), 0))
        words.append(value.bitPattern)
    }

    private mutating func scanDigits(_ bytes: Span<UInt8>) throws(JSONError) {
        let first = at
        while at < bytes.count, bytes[at] &- UInt8(ascii: "0") < 10 { at += 1 }
        guard at > first else {
            throw unexpected(bytes, "a digit")
        }
    }

    private mutating func scanString(_ bytes: Span<UInt8>) throws(JSONError) {
        let quote = at
        at += 1
        let header = strings.count
        words.append(word(UInt8(ascii: "\""), UInt64(header)))
        strings.append(contentsOf: [0, 0, 0, 0])
        while true {
            guard at < bytes.count else {
                throw JSONError(code: .syntax, message: "the string that begins here is not closed", byteOffset: quote)
            }
            let byte = bytes[at]
            switch byte {
            case UInt8(ascii: "\""):
                at += 1
                let length = UInt32(strings.count - header - 4)
                for i in 0..<4 {
                    strings[header + i] = UInt8(truncatingIfNeeded: length.littleEndian >> (8 * UInt32(i)))
                }
                strings.append(0)
                return
            case UInt8(ascii: "\\"): try scanEscape(bytes)
            case 0..<0x20:
                throw JSONError(
                    code: .syntax, message: "the control character \(hex(byte)) must be written as an escape",
                    byteOffset: at)
            default:
                strings.append(byte)
                at += 1
            }
        }
    }

    private mutating func scanEscape(_ bytes: Span<UInt8>) throws(JSONError) {
        let start = at
        guard at + 1 < bytes.count else { throw unexpected(bytes, "an escape") }
        at += 2
        switch bytes[start + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): strings.append(bytes[start + 1])
        case UInt8(ascii: "b"): strings.append(0x08)
        case UInt8(ascii: "f"): strings.append(0x0C)
        case UInt8(ascii: "n"): strings.append(0x0A)
        case UInt8(ascii: "r"): strings.append(0x0D)
        case UInt8(ascii: "t"): strings.append(0x09)
        case UInt8(ascii: "u"):
            var scalar = try scanFourHexDigits(bytes)
            if 0xD800..<0xDC00 ~= scalar, at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"),
                bytes[at + 1] == UInt8(ascii: "u")
            {
                at += 2
                let low = try scanFourHexDigits(bytes)
                if 0xDC00..<0xE000 ~= low { scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00) }
            }
            guard let character = Unicode.Scalar(scalar) else {
                throw JSONError(
                    code: .loneSurrogate, message: "this escape is half a surrogate pair and names no character",
                    byteOffset: start)
            }
            strings.append(contentsOf: character.utf8)
        default:
            throw JSONError(code: .syntax, message: "no such escape in JSON", byteOffset: start)
        }
    }

    private mutating func scanFourHexDigits(_ bytes: Span<UInt8>) throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard at < bytes.count else { throw unexpected(bytes, "four hexadecimal digits") }
            let byte = bytes[at]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw unexpected(bytes, "four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            at += 1
        }
        return value
    }

    private func unexpected(_ bytes: Span<UInt8>, _ expected: String) -> JSONError {
        guard at < bytes.count else {
            return JSONError(code: .syntax, message: "expected \(expected), but the document ends", byteOffset: at)
        }
        let byte = bytes[at]
        let shown = 0x21..<0x7F ~= byte ? "'\(Unicode.Scalar(byte))'" : hex(byte)
        return JSONError(code: .syntax, message: "expected \(expected), found \(shown)", byteOffset: at)
    }

    private func hex(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return digits.count == 1 ? "0x0\(digits)" : "0x\(digits)"
    }
}
