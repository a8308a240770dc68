/// The well-formed byte sequences of UTF-8 (Unicode 15, table 3-7).
enum UTF8Sequence {
    /// The length of the well-formed sequence at `at`, or nil when the bytes there are not one.
    static func length(_ bytes: Span<UInt8>, _ at: Int) -> Int? {
        func isContinuation(_ i: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
            i < bytes.count && range.contains(bytes[i])
        }
        switch bytes[at] {
        case 0..<0x80: return 1
        case 0xC2...0xDF: return isContinuation(at + 1) ? 2 : nil
        case 0xE0: return isContinuation(at + 1, 0xA0...0xBF) && isContinuation(at + 2) ? 3 : nil
        case 0xED: return isContinuation(at + 1, 0x80...0x9F) && isContinuation(at + 2) ? 3 : nil
        case 0xE1...0xEF: return isContinuation(at + 1) && isContinuation(at + 2) ? 3 : nil
        case 0xF0:
            return isContinuation(at + 1, 0x90...0xBF) && isContinuation(at + 2) && isContinuation(at + 3) ? 4 : nil
        case 0xF1...0xF3: return isContinuation(at + 1) && isContinuation(at + 2) && isContinuation(at + 3) ? 4 : nil
        case 0xF4:
            return isContinuation(at + 1, 0x80...0x8F) && isContinuation(at + 2) && isContinuation(at + 3) ? 4 : nil
        default: return nil
        }
    }
}
