private import CEDICJSON

extension Span<UInt8> {
    /// The index of the first byte at or after `start` that a JSON string has to escape, or the count.
    func plainPrefix(from start: Int) -> Int {
        unsafe withUnsafeBufferPointer { unsafe edic_json_plain_prefix($0.baseAddress, start, $0.count) }
    }

    var isWellFormedUTF8: Bool {
        unsafe withUnsafeBufferPointer { unsafe edic_json_is_utf8($0.baseAddress, $0.count) != 0 }
    }
}

extension [UInt8] {
    /// A copy of the bytes.
    @inlinable package init(copying bytes: Span<UInt8>) {
        self = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
    }

    /// Appends a copy of the bytes.
    @inlinable package mutating func append(copying bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}
