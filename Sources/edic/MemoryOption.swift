import ArgumentParser

/// An amount of memory on the command line: `512M`, `2G`, or megabytes.
struct MemorySize: ExpressibleByArgument, CustomStringConvertible {
    let bytes: Int

    init(bytes: Int) { self.bytes = bytes }

    init?(argument: String) {
        let units: [Character: Int] = ["k": 10, "m": 20, "g": 30, "t": 40]
        var digits = argument.lowercased()[...]
        for ending in ["ib", "b"] where digits.hasSuffix(ending) {
            digits = digits.dropLast(ending.count)
            break
        }
        var shift = 20
        if let last = digits.last, let unit = units[last] {
            shift = unit
            digits = digits.dropLast()
        }
        guard let number = Double(digits), number > 0, number * Double(1 << shift) < 0x1p62 else { return nil }
        bytes = Int(number * Double(1 << shift))
    }

    var description: String { bytes % (1 << 30) == 0 ? "\(bytes >> 30)G" : "\(bytes >> 20)M" }
    var defaultValueDescription: String { description }
}
