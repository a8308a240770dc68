internal import EDICText

/// A position in a file's bytes that reads little-endian fields and never past the end.
///
/// The bytes are handed to each call, so that the cursor is a plain value.
struct ByteCursor {
    /// The file's name, for messages.
    let file: String
    private(set) var offset: Int

    init(file: String, offset: Int = 0) {
        self.file = file
        self.offset = offset
    }

    /// A range of the next `count` bytes, which the cursor passes over.
    mutating func take(_ count: UInt64, of bytes: Span<UInt8>, _ what: @autoclosure () -> String) throws(ModelError)
        -> Range<Int>
    {
        guard offset <= bytes.count, count <= UInt64(bytes.count - offset) else {
            throw ModelError(
                .malformed,
                "\(file): byte \(offset): \(what()) wants \(count) bytes, but the file ends after "
                    + "\(max(0, bytes.count - offset)); it is truncated or damaged, fetch it again")
        }
        let range = offset..<offset + Int(count)
        offset = range.upperBound
        return range
    }

    /// The next little-endian integer.
    mutating func read<T: FixedWidthInteger & BitwiseCopyable>(
        _: T.Type, from bytes: Span<UInt8>, _ what: @autoclosure () -> String
    ) throws(ModelError) -> T {
        let range = try take(UInt64(MemoryLayout<T>.size), of: bytes, what())
        return bytes.littleEndian(T.self, at: range.lowerBound)
    }

    /// Passes over strings that follow their lengths, in 64 bits each.
    mutating func skipStrings(_ count: UInt64, of bytes: Span<UInt8>, _ what: String) throws(ModelError) {
        for _ in 0..<count {
            // What does not fit is an error, said as for any other field.
            guard bytes.count - offset >= 8 else {
                _ = try take(8, of: bytes, what)
                return
            }
            let length = bytes.littleEndian(UInt64.self, at: offset)
            offset += 8
            guard length <= UInt64(bytes.count - offset) else {
                _ = try take(length, of: bytes, what)
                return
            }
            offset += Int(length)
        }
    }

    /// The next `count` bytes as text.
    mutating func text(
        _ count: UInt64, from bytes: Span<UInt8>, _ what: @autoclosure () -> String
    ) throws(ModelError) -> String {
        let range = try take(count, of: bytes, what())
        return bytes.text(in: range)
    }

    /// Passes over bytes until the position is a multiple of `alignment`.
    mutating func align(to alignment: Int) {
        offset = (offset + alignment - 1) / alignment * alignment
    }
}

extension Span<UInt8> {
    /// The bytes in `range` as text, with U+FFFD for what is not UTF-8.
    func text(in range: Range<Int>) -> String { String(copying: extracting(range)) }
}

extension BinaryInteger {
    /// The product of non-negative factors, or nil where it is beyond 2⁴⁷, more than any address space holds.
    static func checkedProduct(_ factors: some Sequence<Self>) -> Int? {
        var product = 1
        for factor in factors {
            guard let factor = Int(exactly: factor), factor >= 0 else { return nil }
            let (next, overflow) = product.multipliedReportingOverflow(by: factor)
            guard !overflow, next <= 1 << 47 else { return nil }
            product = next
        }
        return product
    }
}

extension Span where Element: Copyable {
    /// An array of the same elements.
    func copied() -> [Element] {
        [Element](capacity: count) { output in
            for index in indices { output.append(self[index]) }
        }
    }
}
