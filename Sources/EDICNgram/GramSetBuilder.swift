internal import EDICNumerics

/// N-grams of one order on their way into a model: the number of the n-gram without the first word, the first word,
/// and the weights.
struct GramColumns: Sendable {
    let parents: Lane<UInt32>
    let words: Lane<UInt32>
    let probabilities: Lane<Float>
    /// Empty at the highest order.
    let backoffs: Lane<Float>

    var count: Int { words.count }
}

/// The sets of one order, built; offsets still count from the beginning of their own bytes.
struct BuiltOrder: Sendable {
    let shapes: [GramSetShape]
    let lines: [Lane<UInt8>]
    let entries: [Lane<UInt8>]
    let probabilityValues: [Float]
    let backoffValues: [Float]
    /// The number each n-gram was given, in the order of the columns.
    let numbers: Lane<UInt32>
}

enum GramSetBuilder {
    /// Sorts the n-grams into sets and packs them. `parentCount` n-grams are one word shorter.
    static func build(
        _ columns: GramColumns, vocabulary: Int, parentCount: Int, quantised bits: (probability: Int, backoff: Int)?,
        isHighest: Bool, pool: WorkerPool
    ) throws(NgramError) -> BuiltOrder {
        let classes = vocabulary < 1 ? 0 : GramClasses.index(of: UInt32(vocabulary - 1)) + 1
        let parentBits = parentCount <= 1 ? 1 : Int.bitWidth - (parentCount - 1).leadingZeroBitCount
        let grain = 1 << 16
        let chunks = (columns.count + grain - 1) / grain
        let books = bits.map { codebooks(columns, $0, isHighest: isHighest, grain: grain, pool: pool) }

        // Which set each n-gram is in, and how many are in each.
        let histograms = pool.map(count: chunks) { chunk, _ in
            var histogram = [Int](repeating: 0, count: classes)
            for index in chunk * grain..<min(columns.count, (chunk + 1) * grain) {
                histogram[GramClasses.index(of: columns.words[index])] += 1
            }
            return histogram
        }
        var counts = [Int](repeating: 0, count: classes)
        for histogram in histograms { for place in 0..<classes { counts[place] += histogram[place] } }

        let numbers = Lane<UInt32>(uninitialized: columns.count)
        var shapes: [GramSetShape] = []
        var lines: [Lane<UInt8>] = []
        var entries: [Lane<UInt8>] = []
        var firstNumber = 0
        for place in 0..<classes where counts[place] > 0 {
            var shape = GramSetShape()
            shape.count = counts[place]
            shape.wordBits = GramClasses.wordBits(place, vocabulary: vocabulary)
            shape.parentBits = parentBits
            shape.firstWord = GramClasses.firstWord(place)
            shape.firstNumber = firstNumber
            let spread = Int.bitWidth - 1 - counts[place].leadingZeroBitCount
            shape.homeBits = min(max(0, spread - 1), shape.keyBits)
            shape.probabilityBits = bits?.probability ?? 32
            shape.backoffBits = isHighest ? 0 : bits?.backoff ?? 32
            guard shape.remainderBits <= 56 else {
                throw NgramError(
                    .unsupported, "model: \(vocabulary) words with \(parentCount) n-grams do not fit the format")
            }
            firstNumber += counts[place]
            let indices = Lane<UInt32>(uninitialized: counts[place])
            var starts = [Int](repeating: 0, count: chunks)
            for chunk in 1..<max(1, chunks) { starts[chunk] = starts[chunk - 1] + histograms[chunk - 1][place] }
            let chunkStarts = starts
            pool.forEach(count: chunks) { chunk, _ in
                var next = chunkStarts[chunk]
                for index in chunk * grain..<min(columns.count, (chunk + 1) * grain)
                where GramClasses.index(of: columns.words[index]) == place {
                    indices[next] = UInt32(index)
                    next += 1
                }
            }
            let set = try pack(shape, indices, columns, books, numbers, pool)
            shapes.append(set.shape)
            lines.append(set.lines)
            entries.append(set.entries)
        }
        return BuiltOrder(
            shapes: shapes, lines: lines, entries: entries, probabilityValues: books?.probability.values ?? [],
            backoffValues: books?.backoff.values ?? [], numbers: numbers)
    }

    private static func codebooks(
        _ columns: GramColumns, _ bits: (probability: Int, backoff: Int), isHighest: Bool, grain: Int, pool: WorkerPool
    ) -> (probability: WeightCodebook, backoff: WeightCodebook) {
        // A fixed number of parts, so that sums do not depend on the workers.
        let parts = max(1, min(8, columns.count / grain))
        let sums = pool.map(count: parts) { part, _ in
            let probability = WeightCodebook.Histogram()
            let backoff = WeightCodebook.Histogram()
            for index in part * columns.count / parts..<(part + 1) * columns.count / parts {
                probability.add(columns.probabilities[index])
                if !isHighest { backoff.add(columns.backoffs[index]) }
            }
            return (probability, backoff)
        }
        for part in 1..<parts {
            sums[0].0.add(sums[part].0)
            if !isHighest { sums[0].1.add(sums[part].1) }
        }
        return (
            WeightCodebook(sums[0].0, bits: bits.probability, keepsZero: false),
            WeightCodebook(sums[0].1, bits: bits.backoff, keepsZero: true)
        )
    }

    private static func pack(
        _ start: GramSetShape, _ indices: Lane<UInt32>, _ columns: GramColumns,
        _ books: (probability: WeightCodebook, backoff: WeightCodebook)?, _ numbers: Lane<UInt32>, _ pool: WorkerPool
    ) throws(NgramError) -> (shape: GramSetShape, lines: Lane<UInt8>, entries: Lane<UInt8>) {
        for seed in 0..<64 {
            var shape = start
            shape.seed = seed
            // Of very many homes with nearly four entries each, one has more than fifteen with any seed.
            if seed >= 4 { shape.homeBits = min(start.homeBits + 1, shape.keyBits) }
            let sorted = sortedKeys(shape, indices, columns, pool)
            guard let lines = lines(shape, sorted) else { continue }
            let entries = Lane<UInt8>(zeros: shape.entryBytes)
            // Eight entries end at a whole byte, so parts of a multiple of eight do not share one.
            let grain = 1 << 14
            let final = shape
            pool.forEach(count: (shape.count + grain - 1) / grain) { chunk, _ in
                var packer = BitPacker(entries, at: chunk * grain * final.entryBits / 8)
                for place in chunk * grain..<min(final.count, (chunk + 1) * grain) {
                    let record = sorted[place]
                    let index = Int(record.value[1])
                    numbers[index] = UInt32(final.firstNumber + place)
                    packer.add(record.value[0] >> UInt64(64 - final.keyBits), width: final.remainderBits)
                    let probability = columns.probabilities[index]
                    packer.add(
                        UInt64(books?.probability.code(probability) ?? probability.bitPattern),
                        width: final.probabilityBits)
                    if final.backoffBits > 0 {
                        let backoff = columns.backoffs[index]
                        packer.add(UInt64(books?.backoff.code(backoff) ?? backoff.bitPattern), width: final.backoffBits)
                    }
                }
                packer.finish()
            }
            return (shape, lines, entries)
        }
        throw NgramError(.unsupported, "model: \(start.count) n-grams do not spread evenly; are some listed twice?")
    }

    /// Scrambled keys in the top bits, with the n-gram's index below, in rising order.
    private static func sortedKeys(
        _ shape: GramSetShape, _ indices: Lane<UInt32>, _ columns: GramColumns, _ pool: WorkerPool
    ) -> Lane<PackedKey<2>> {
        let grain = 1 << 16
        let chunks = (shape.count + grain - 1) / grain
        let mask = ones(shape.keyBits)
        let fold = UInt64(shape.fold)
        let multiplier = GramSet.multiplier(seed: shape.seed)
        let raise = UInt64(64 - shape.keyBits)
        @Sendable func key(_ place: Int) -> PackedKey<2> {
            let index = Int(indices[place])
            let word = UInt64(columns.words[index]) - UInt64(shape.firstWord)
            let plain = (UInt64(columns.parents[index]) << UInt64(shape.wordBits)) | word
            var record = PackedKey<2>()
            record.value[0] = GramSet.scramble(plain, mask: mask, fold: fold, multiplier: multiplier) << raise
            record.value[1] = UInt64(index)
            return record
        }
        let histograms = pool.map(count: chunks) { chunk, _ in
            var histogram = [Int](repeating: 0, count: 256)
            for place in chunk * grain..<min(shape.count, (chunk + 1) * grain) {
                histogram[Int(key(place).value[0] >> 56)] += 1
            }
            return histogram
        }
        var positions = histograms.map { _ in [Int](repeating: 0, count: 256) }
        var starts = [Int](repeating: 0, count: 257)
        var end = 0
        for bucket in 0..<256 {
            starts[bucket] = end
            for chunk in 0..<chunks {
                positions[chunk][bucket] = end
                end += histograms[chunk][bucket]
            }
        }
        starts[256] = end
        let sorted = Lane<PackedKey<2>>(uninitialized: shape.count)
        let scratch = Lane<PackedKey<2>>(uninitialized: shape.count)
        let firsts = positions
        let bounds = starts
        pool.forEach(count: chunks) { chunk, _ in
            var next = firsts[chunk]
            for place in chunk * grain..<min(shape.count, (chunk + 1) * grain) {
                let record = key(place)
                let bucket = Int(record.value[0] >> 56)
                sorted[next[bucket]] = record
                next[bucket] += 1
            }
        }
        pool.forEach(count: 256) { bucket, _ in
            let range = bounds[bucket]..<bounds[bucket + 1]
            sortKeys(sorted.part(range), scratch: scratch.part(range))
        }
        return sorted
    }

    /// The lines of a set, or nil when a home would hold more than fifteen entries.
    private static func lines(_ shape: GramSetShape, _ sorted: Lane<PackedKey<2>>) -> Lane<UInt8>? {
        let lines = Lane<UInt8>(zeros: shape.lineCount * GramSetShape.lineBytes)
        var place = 0
        for line in 0..<shape.lineCount {
            let start = line * GramSetShape.lineBytes
            for byte in 0..<4 { lines[start + byte] = UInt8(truncatingIfNeeded: place >> (8 * byte)) }
            let first = line * GramSetShape.homesPerLine
            while place < shape.count {
                let home =
                    shape.homeBits == 0
                    ? 0 : Int(truncatingIfNeeded: sorted[place].value[0] >> UInt64(64 - shape.homeBits))
                let within = home - first
                if within >= GramSetShape.homesPerLine { break }
                let byte = start + 4 + within / 2
                let one: UInt8 = within % 2 == 0 ? 1 : 16
                if lines[byte] & (one &* 15) == one &* 15 { return nil }
                lines[byte] += one
                place += 1
            }
        }
        return lines
    }
}
