extension [UInt8] {
    /// Lines of numbers in decimal with spaces between; each line ends with LF.
    ///
    /// - Parameter ends: where in `numbers` the numbers of each line end.
    init(decimalLines numbers: [UInt32], ends: [Int]) {
        let longest = "4294967295 ".utf8.count
        let slack = MemoryLayout<UInt64>.size
        unsafe self.init(unsafeUninitializedCapacity: numbers.count * longest + ends.count + slack) { buffer, count in
            guard let start = UnsafeMutableRawPointer(buffer.baseAddress) else { return }
            var at = unsafe start
            var next = 0
            for end in ends {
                let isEmpty = next == end
                while next < end {
                    unsafe at = Self.store(numbers[next], at: at)
                    unsafe at.storeBytes(of: 0x20, as: UInt8.self)
                    unsafe at += 1
                    next += 1
                }
                // In place of the last space.
                if !isEmpty { unsafe at -= 1 }
                unsafe at.storeBytes(of: 0x0A, as: UInt8.self)
                unsafe at += 1
            }
            count = unsafe start.distance(to: at)
        }
    }

    /// Writes a number, and maybe bytes behind it; returns where it ends.
    private static func store(_ number: UInt32, at place: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        var place = unsafe place
        var number = number
        var leading = true
        if number >= 100_000_000 {
            unsafe place = store(number / 100_000_000, at: place)
            number %= 100_000_000
            leading = false
        }
        let digits = eightDigits(number)
        let zeros = leading ? Swift.min(digits.trailingZeroBitCount / 8, 7) : 0
        unsafe place.storeBytes(
            of: ((digits | 0x3030_3030_3030_3030) >> UInt64(8 * zeros)).littleEndian, as: UInt64.self)
        return unsafe place + (8 - zeros)
    }

    /// The digits of a number below 10⁸, the first in the lowest byte: halves, quarters and single digits all at once, with
    /// products for the divisions by 100 and by 10.
    private static func eightDigits(_ number: UInt32) -> UInt64 {
        let halves = UInt64(number / 10_000) | UInt64(number % 10_000) << 32
        let hundreds = ((halves &* 10_486) >> 20) & 0x0000_007F_0000_007F
        let quarters = hundreds | (halves &- 100 &* hundreds) << 16
        let tens = ((quarters &* 103) >> 10) & 0x000F_000F_000F_000F
        return tens | (quarters &- 10 &* tens) << 8
    }
}
