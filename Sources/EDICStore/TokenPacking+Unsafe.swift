/// Token ids as they lie in a shard: 2 or 4 bytes each, little endian.
enum TokenPacking {
    /// Bytes for each id of a vocabulary.
    static func width(vocabularySize: Int) -> Int { vocabularySize <= 1 << 16 ? 2 : 4 }

    /// Writes ids, which are less than the vocabulary's size, into `tokens.count * width` bytes of a buffer.
    static func pack(_ tokens: Span<UInt32>, width: Int, into buffer: borrowing RawBuffer, at start: Int) {
        let target = unsafe buffer.slice(start, start + tokens.count * width)
        if width == 2 {
            for index in tokens.indices {
                unsafe target.storeBytes(
                    of: UInt16(truncatingIfNeeded: tokens[index]).littleEndian, toByteOffset: 2 * index, as: UInt16.self
                )
            }
        } else {
            for index in tokens.indices {
                unsafe target.storeBytes(of: tokens[index].littleEndian, toByteOffset: 4 * index, as: UInt32.self)
            }
        }
    }

    /// The ids in some bytes, or nil if one is not less than the vocabulary's size.
    static func unpack(_ bytes: Span<UInt8>, width: Int, vocabularySize: Int) -> [UInt32]? {
        let count = bytes.count / width
        var largest: UInt32 = 0
        let tokens = unsafe [UInt32](unsafeUninitializedCapacity: count) { buffer, initialized in
            unsafe bytes.withRawBytes { raw in
                for index in 0..<count {
                    let token =
                        width == 2
                        ? UInt32(
                            UInt16(littleEndian: unsafe raw.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)))
                        : UInt32(littleEndian: unsafe raw.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
                    largest = max(largest, token)
                    unsafe buffer.initializeElement(at: index, to: token)
                }
            }
            initialized = count
        }
        return tokens.isEmpty || Int(largest) < vocabularySize ? tokens : nil
    }
}
