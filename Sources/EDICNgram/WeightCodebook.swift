/// The values that quantised weights stand for: about equally many weights for each, each the mean of its own.
struct WeightCodebook: Sendable {
    let values: [Float]
    /// The code of each bin; see ``bin(of:)``.
    let codes: Lane<UInt16>
    private static let binBits = 18

    /// How many weights fall into each bin, and the sum of their bits below those of the bin. Whole numbers, so that the
    /// order in which weights come does not matter.
    struct Histogram: Sendable {
        let counts = Lane<UInt32>(zeros: 1 << WeightCodebook.binBits)
        let rests = Lane<UInt64>(zeros: 1 << WeightCodebook.binBits)

        func add(_ other: Histogram) {
            for bin in 0..<counts.count where other.counts[bin] != 0 {
                counts[bin] &+= other.counts[bin]
                rests[bin] &+= other.rests[bin]
            }
        }

        /// The sum of a bin's weights.
        func sum(_ bin: Int) -> Double {
            let ordered = UInt32(bin) << UInt32(32 - WeightCodebook.binBits)
            let bits = ordered & 0x8000_0000 != 0 ? ordered & 0x7FFF_FFFF : ~ordered
            let least = bits & ~(1 << UInt32(32 - WeightCodebook.binBits) - 1)
            let base = Double(Float(bitPattern: least))
            let step = Double(Float(bitPattern: least + 1)) - base
            let count = Double(counts[bin])
            return rests[bin] == 0 ? count * base : count * base + Double(rests[bin]) * step
        }
    }

    /// A bin for each sign, exponent and leading nine bits of the fraction, in the order of the values.
    @inline(__always)
    static func bin(of value: Float) -> Int {
        let bits = value == 0 ? 0 : value.bitPattern
        let ordered = bits & 0x8000_0000 != 0 ? ~bits : bits | 0x8000_0000
        return Int(ordered >> UInt32(32 - binBits))
    }

    /// The codebook of at most `1 << bits` values for weights so distributed. `keepsZero` gives 0 a code of its own.
    init(_ histogram: Histogram, bits: Int, keepsZero: Bool) {
        let levels = 1 << bits
        let zero = Self.bin(of: 0)
        var values: [Float] = []
        let codes = Lane<UInt16>(zeros: 1 << Self.binBits)
        if keepsZero { values.append(0) }
        var left: UInt64 = 0
        for bin in 0..<histogram.counts.count where !(keepsZero && bin == zero) {
            left += UInt64(histogram.counts[bin])
        }
        var count: UInt64 = 0
        var sum = 0.0
        var start = 0
        func close(before end: Int) {
            guard count > 0 else { return }
            for bin in start..<end where !(keepsZero && bin == zero) { codes[bin] = UInt16(values.count) }
            values.append(Float(sum / Double(count)))
            left -= count
            (count, sum, start) = (0, 0, end)
        }
        for bin in 0..<histogram.counts.count where !(keepsZero && bin == zero) {
            let here = UInt64(histogram.counts[bin])
            if here == 0 { continue }
            count += here
            sum += histogram.sum(bin)
            // What is left is shared out evenly among the codes that are left.
            if count * UInt64(levels - values.count) >= left, values.count < levels - 1 { close(before: bin + 1) }
        }
        close(before: histogram.counts.count)
        if values.isEmpty { values.append(0) }
        self.values = values
        self.codes = codes
    }
}
