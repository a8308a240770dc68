import EDICStore
import Testing

@Suite struct DeflateTests {
    /// "hello hello hello hello", as zlib packs it.
    static let packed: [UInt8] = [0xCB, 0x48, 0xCD, 0xC9, 0xC9, 0x57, 0xC8, 0x40, 0x27, 0x01]
    static let text = Array("hello hello hello hello".utf8)
    /// As Python's `zlib.crc32` computes it.
    static let checksum: UInt32 = 0x8D3D_51E3

    private func unpack(_ packed: [UInt8], size: Int = text.count, checksum: UInt32 = checksum) throws -> [UInt8] {
        try Deflate.unpack(packed.span, size: size, checksum: checksum, name: "f")
    }

    @Test func soundDataIsUnpacked() throws {
        #expect(try unpack(Self.packed) == Self.text)
        #expect(try unpack([0x03, 0x00], size: 0, checksum: 0) == [])
    }

    @Test func everyFlippedBitIsFoundOrHarmless() {
        for bit in 0..<Self.packed.count * 8 {
            var damaged = Self.packed
            damaged[bit / 8] ^= 1 << (bit % 8)
            // A flip in the padding after the end changes nothing; any other is found by the checksum.
            if let unpacked = try? unpack(damaged) { #expect(unpacked == Self.text) }
        }
    }

    @Test func wrongSizesAndShortDataAreRefused() {
        for size in [0, Self.text.count - 1, Self.text.count + 1, 1 << 16] {
            #expect(throws: StoreError.self) { try unpack(Self.packed, size: size) }
        }
        for length in 0..<Self.packed.count {
            #expect(throws: StoreError.self) { try unpack(Array(Self.packed[..<length])) }
        }
        #expect(throws: StoreError.self) { try unpack(Self.packed, checksum: Self.checksum ^ 1) }
    }
}
