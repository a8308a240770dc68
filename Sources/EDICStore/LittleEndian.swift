extension Array where Element == UInt8 {
    mutating func append<Value: FixedWidthInteger>(littleEndian value: Value) {
        for byte in 0..<(Value.bitWidth / 8) { append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
    }
}

extension Span where Element == UInt8 {
    /// The little-endian number at `offset`; the caller knows that it lies within the span.
    func littleEndian<Value: FixedWidthInteger>(at offset: Int, as type: Value.Type) -> Value {
        var value: Value = 0
        for byte in 0..<(Value.bitWidth / 8) { value |= Value(truncatingIfNeeded: self[offset + byte]) << (8 * byte) }
        return value
    }
}
