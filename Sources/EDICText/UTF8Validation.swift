/// Checks of UTF-8, at memory speed where it is clean.
public enum UTF8Validation {
    /// Whether the bytes are well-formed UTF-8.
    public static func isWellFormed(_ bytes: Span<UInt8>) -> Bool { ICU.isWellFormedUTF8(bytes) }

    /// The first sequence that is not UTF-8 (a "maximal subpart", at most three bytes), or nil.
    public static func firstInvalid(in bytes: Span<UInt8>) -> Range<Int>? {
        do {
            _ = try UTF8Span(validating: bytes)
            return nil
        } catch {
            return error.byteOffsets
        }
    }

    /// How many bytes at the end (0 to 3) are the beginning of a character that is not complete.
    static func unfinishedTail(_ bytes: Span<UInt8>) -> Int {
        for back in 1...3 where back <= bytes.count {
            let byte = bytes[bytes.count - back]
            if byte & 0xC0 == 0x80 { continue }
            let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            guard length > back, byte < 0xF5, byte >= 0xC2 else { return 0 }
            // Not every start of a sequence can go on: E0 80, ED A0, F0 80 and F4 90 are already wrong.
            guard back >= 2 else { return back }
            let second = bytes[bytes.count - back + 1]
            switch byte {
            case 0xE0: return second >= 0xA0 ? back : 0
            case 0xED: return second < 0xA0 ? back : 0
            case 0xF0: return second >= 0x90 ? back : 0
            case 0xF4: return second < 0x90 ? back : 0
            default: return back
            }
        }
        return 0
    }
}
