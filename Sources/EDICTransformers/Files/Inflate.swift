/// Unpacks raw deflate data (RFC 1951), for the members of `.npz` files.
enum Inflate {
    /// The `size` bytes that `packed` unpacks to.
    static func unpack(_ packed: Span<UInt8>, size: Int, crc: UInt32, name: String) throws(ModelError) -> [UInt8] {
        var state = State(name: name, size: size)
        try state.run(packed)
        guard state.output.count == size, CRC32.of(state.output.span) == crc else {
            throw ModelError(
                .malformed, "\(name): the unpacked bytes fail their checksum; the file is damaged, fetch it again")
        }
        return state.output
    }

    private struct State {
        let name: String
        let size: Int
        var output: [UInt8] = []
        var position = 0
        var bits: UInt64 = 0
        var bitCount = 0

        init(name: String, size: Int) {
            self.name = name
            self.size = size
            output.reserveCapacity(min(size, 1 << 28))
        }

        var damage: ModelError {
            ModelError(.malformed, "\(name): the deflate stream is damaged; fetch the file again")
        }

        mutating func take(_ count: Int, _ input: Span<UInt8>) throws(ModelError) -> Int {
            while bitCount < count {
                guard position < input.count else { throw damage }
                bits |= UInt64(input[position]) << UInt64(bitCount)
                position += 1
                bitCount += 8
            }
            let value = Int(bits & ((1 << UInt64(count)) - 1))
            bits >>= UInt64(count)
            bitCount -= count
            return value
        }

        mutating func run(_ input: Span<UInt8>) throws(ModelError) {
            var isLast = false
            while !isLast {
                isLast = try take(1, input) == 1
                switch try take(2, input) {
                case 0: try stored(input)
                case 1: try block(input, HuffmanCode.fixedLiterals, HuffmanCode.fixedDistances)
                case 2:
                    let (literals, distances) = try codes(input)
                    try block(input, literals, distances)
                default: throw damage
                }
            }
        }

        private mutating func stored(_ input: Span<UInt8>) throws(ModelError) {
            _ = try take(bitCount % 8, input)
            let count = try take(16, input)
            let complement = try take(16, input)
            guard count == ~complement & 0xFFFF, output.count + count <= size else { throw damage }
            for _ in 0..<count { output.append(UInt8(try take(8, input))) }
        }

        private mutating func symbol(_ code: HuffmanCode, _ input: Span<UInt8>) throws(ModelError) -> Int {
            // Canonical decoding by length: first code and first index of every length.
            var value = 0
            var first = 0
            var index = 0
            for length in 1...15 {
                value |= try take(1, input)
                let count = code.counts[length]
                if value - first < count { return code.symbols[index + value - first] }
                index += count
                first = (first + count) << 1
                value <<= 1
            }
            throw damage
        }

        private mutating func codes(_ input: Span<UInt8>) throws(ModelError) -> (HuffmanCode, HuffmanCode) {
            let literalCount = try take(5, input) + 257
            let distanceCount = try take(5, input) + 1
            let lengthCount = try take(4, input) + 4
            var lengths = [Int](repeating: 0, count: 19)
            let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
            for index in 0..<lengthCount { lengths[order[index]] = try take(3, input) }
            guard let lengthCode = HuffmanCode(lengths) else { throw damage }
            var all: [Int] = []
            while all.count < literalCount + distanceCount {
                let symbol = try symbol(lengthCode, input)
                switch symbol {
                case 0..<16: all.append(symbol)
                case 16:
                    guard let last = all.last else { throw damage }
                    all.append(contentsOf: repeatElement(last, count: 3 + (try take(2, input))))
                case 17: all.append(contentsOf: repeatElement(0, count: 3 + (try take(3, input))))
                default: all.append(contentsOf: repeatElement(0, count: 11 + (try take(7, input))))
                }
            }
            guard all.count == literalCount + distanceCount,
                let literals = HuffmanCode(Array(all[..<literalCount])),
                let distances = HuffmanCode(Array(all[literalCount...]))
            else { throw damage }
            return (literals, distances)
        }

        private mutating func block(
            _ input: Span<UInt8>, _ literals: HuffmanCode, _ distances: HuffmanCode
        ) throws(ModelError) {
            while true {
                let symbol = try symbol(literals, input)
                if symbol < 256 {
                    guard output.count < size else { throw damage }
                    output.append(UInt8(symbol))
                } else if symbol == 256 {
                    return
                } else {
                    guard symbol < 286 else { throw damage }
                    let length = Self.lengthBase[symbol - 257] + (try take(Self.lengthBits[symbol - 257], input))
                    let place = try self.symbol(distances, input)
                    guard place < 30 else { throw damage }
                    let distance = Self.distanceBase[place] + (try take(place < 4 ? 0 : place / 2 - 1, input))
                    guard distance <= output.count, output.count + length <= size else { throw damage }
                    for _ in 0..<length { output.append(output[output.count - distance]) }
                }
            }
        }

        private static let lengthBase = [
            3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
            227,
            258,
        ]
        private static let lengthBits = [
            0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
        ]
        private static let distanceBase = [
            1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
            6145, 8193, 12289, 16385, 24577,
        ]
    }

    /// A canonical prefix code: how many codes of each length, and the symbols in code order.
    private struct HuffmanCode {
        var counts = [Int](repeating: 0, count: 16)
        var symbols: [Int] = []

        /// Nil where the lengths claim more codes than there are.
        init?(_ lengths: [Int]) {
            for length in lengths { counts[length] += 1 }
            counts[0] = 0
            var free = 1
            for length in 1...15 {
                free = free << 1 - counts[length]
                guard free >= 0 else { return nil }
            }
            for length in 1...15 {
                for (symbol, its) in lengths.enumerated() where its == length { symbols.append(symbol) }
            }
        }

        private init(fixed lengths: [Int]) {
            for length in lengths { counts[length] += 1 }
            for length in 1...15 {
                for (symbol, its) in lengths.enumerated() where its == length { symbols.append(symbol) }
            }
        }

        static let fixedLiterals = HuffmanCode(
            fixed: (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 })
        static let fixedDistances = HuffmanCode(fixed: [Int](repeating: 5, count: 30))
    }
}

/// The checksum of ZIP and gzip.
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
    }

    static func of(_ bytes: Span<UInt8>) -> UInt32 {
        let table = table
        var crc: UInt32 = 0xFFFF_FFFF
        for index in bytes.indices { crc = table[Int(UInt8(truncatingIfNeeded: crc) ^ bytes[index])] ^ crc >> 8 }
        return ~crc
    }
}
