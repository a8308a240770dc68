/// How text becomes words: those separated by space, tab, carriage return and NUL, one sentence a line.
/// These are the separators of KenLM's estimation; every other byte, form feed and vertical tab included, is part of a
/// word.
enum TextSplitter {
    /// Bytes that must be readable after the text given to ``forEachWord(_:_:word:line:)``.
    static let padding = 8

    @inline(__always)
    static func isSeparator(_ byte: UInt8) -> Bool {
        byte <= 0x20 && (0x1_0000_2601 >> UInt64(byte)) & 1 != 0
    }

    /// Calls `word(start, length)` for each word and `line()` at each line end; a last line without one counts too.
    @inline(__always)
    static func forEachWord(
        _ text: UnsafePointer<UInt8>, _ count: Int,
        word: (UnsafePointer<UInt8>, Int) -> Void, line: () -> Void
    ) {
        var position = 0
        var open = false
        while position < count {
            let byte = unsafe text[position]
            if isSeparator(byte) {
                if byte == 0x0A {
                    line()
                    open = false
                } else {
                    open = true
                }
                position += 1
                continue
            }
            let start = position
            position = unsafe wordEnd(text, position + 1, count)
            open = true
            unsafe word(text + start, position - start)
        }
        if open { line() }
    }

    /// The first separator at or after `start`, or `count`.
    @inline(__always)
    private static func wordEnd(_ text: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Int {
        var position = start
        while position < count {
            let eight = unsafe UnsafeRawPointer(text + position).loadUnaligned(as: UInt64.self)
            // The top bit of the lowest byte below 0x21 is the lowest one set.
            let low = (eight &- 0x2121_2121_2121_2121) & ~eight & 0x8080_8080_8080_8080
            if low == 0 {
                position += 8
                continue
            }
            position += low.trailingZeroBitCount >> 3
            if position >= count { return count }
            if unsafe isSeparator(text[position]) { return position }
            position += 1
        }
        return count
    }
}
