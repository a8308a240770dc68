/// Writing and reading of the decimal numbers of ARPA files.
enum DecimalText {
    /// The most bytes that ``write(_:to:)`` uses.
    static let maximumLength = 24

    private static let powers: InlineArray<11, Double> = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10,
    ]

    /// Writes `value` with as many digits as reading the same value back needs; returns the number of bytes.
    @inline(__always)
    static func write(_ value: Float, to target: UnsafeMutablePointer<UInt8>) -> Int {
        var length = 0
        let magnitude = Double(value.magnitude)
        if value < 0 {
            unsafe target[0] = 0x2D
            length = 1
        }
        if magnitude == 0 {
            unsafe target[0] = 0x30
            return 1
        }
        guard magnitude < 1024, magnitude >= 0x1p-10 else { return unsafe writeRarely(value, to: target) }
        // Ten to the minus `decimals` is below the distance between neighbouring floats.
        let decimals: Int =
            if magnitude >= 1 { 7 } else if magnitude >= 0.125 { 8 } else if magnitude >= 0x1p-6 { 9 } else { 10 }
        let scale = powers[decimals]
        let scaled = UInt64((magnitude * scale).rounded())
        let divisor = UInt64(scale)
        let whole = scaled / divisor
        var fraction = scaled % divisor
        var places = decimals
        if whole >= 10 {
            length += unsafe writeWhole(whole, to: target + length)
        } else {
            unsafe target[length] = 0x30 + UInt8(truncatingIfNeeded: whole)
            length += 1
        }
        if fraction == 0 { return length }
        unsafe target[length] = 0x2E
        length += 1
        while fraction % 10 == 0 {
            fraction /= 10
            places -= 1
        }
        var place = places
        while place > 0 {
            place -= 1
            unsafe target[length + place] = 0x30 + UInt8(truncatingIfNeeded: fraction % 10)
            fraction /= 10
        }
        return length + places
    }

    /// Writes `value` into a lane from `offset` on, where ``maximumLength`` bytes must be left.
    static func write(_ value: Float, to lane: Lane<UInt8>, at offset: Int) -> Int {
        precondition(offset >= 0 && offset <= lane.count - maximumLength, "outside the lane")
        return unsafe write(value, to: lane.pointer + offset)
    }

    @inline(__always)
    private static func writeWhole(_ value: UInt64, to target: UnsafeMutablePointer<UInt8>) -> Int {
        let digits = value >= 1000 ? 4 : value >= 100 ? 3 : 2
        var rest = value
        for place in stride(from: digits - 1, through: 0, by: -1) {
            unsafe target[place] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        return digits
    }

    @inline(never)
    private static func writeRarely(_ value: Float, to target: UnsafeMutablePointer<UInt8>) -> Int {
        // "-inf" and "nan" read back too; Float's description is at most 16 bytes.
        var length = 0
        for byte in value.description.utf8 {
            unsafe target[length] = byte
            length += 1
        }
        return length
    }

    /// Reads a decimal number that takes up all of `bytes`; nil when it is none.
    static func read(_ bytes: UnsafeBufferPointer<UInt8>) -> Float? {
        var place = 0
        let count = bytes.count
        var negative = false
        if count > 0, unsafe bytes[0] == 0x2D || bytes[0] == 0x2B {
            negative = unsafe bytes[0] == 0x2D
            place = 1
        }
        var digits: UInt64 = 0
        var digitCount = 0
        var decimals = 0
        var seenPoint = false
        while place < count {
            let byte = unsafe bytes[place]
            if byte >= 0x30, byte <= 0x39 {
                digits = digits &* 10 &+ UInt64(byte & 15)
                digitCount += 1
                if seenPoint { decimals += 1 }
            } else if byte == 0x2E, !seenPoint {
                seenPoint = true
            } else {
                break
            }
            place += 1
        }
        // Up to 15 digits and ten decimals, the quotient of two exact doubles is the nearest double.
        if place == count, digitCount > 0, digitCount <= 15, decimals <= 10 {
            let value = Float(Double(digits) / powers[decimals])
            return negative ? -value : value
        }
        // Hexadecimal numbers are none in an ARPA file.
        for index in 0..<count {
            if unsafe bytes[index] | 0x20 == 0x78 { return nil }
        }
        return unsafe Float(String(decoding: bytes, as: UTF8.self))
    }
}
