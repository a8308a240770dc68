internal import CEDICNgram
internal import EDICNumerics

/// How the n-grams of one class of first words are keyed and shared out among parts.
typealias RecordClass = edic_ngram_class

extension RecordClass {
    /// The class `index` of an order, `parts` (a power of two) from number `first` on.
    init(_ shape: GramSetShape, firstPart: Int, partBits: Int) {
        self.init(
            mask: ones(shape.keyBits), multiplier: GramSet.multiplier(seed: shape.seed),
            first_word: UInt32(shape.firstWord), word_bits: UInt32(shape.wordBits), fold: UInt32(shape.fold),
            first_part: UInt32(firstPart), part_shift: UInt32(shape.keyBits - partBits))
    }
}

/// How records lie: a scrambled key in so many bytes, then what stands for the weights.
struct RecordShape: Sendable {
    let keyBytes: Int
    let size: Int

    /// `weightBits` for all of an n-gram's weights together.
    init(keyBits: Int, weightBits: Int) {
        keyBytes = max(1, (keyBits + 7) / 8)
        size = max(8, keyBytes + (weightBits + 7) / 8)
    }

    fileprivate var layout: edic_ngram_record { edic_ngram_record(key_bytes: UInt32(keyBytes), size: UInt32(size)) }
}

/// Records of n-grams, with the part of each and how many are in each part.
struct Records: Sendable {
    let bytes: Lane<UInt8>
    let parts: Lane<UInt16>
    let counts: Lane<UInt32>

    var count: Int { parts.count }

    /// Records of n-grams given by their first words and the numbers of the n-grams without those. Weights become bins
    /// where there are histograms, of probabilities and of backoff weights.
    init(
        _ columns: GramColumns, _ shape: RecordShape, classes: Lane<RecordClass>, partCount: Int,
        histograms: WeightHistograms?
    ) {
        let count = columns.count
        precondition(classes.count >= GramClasses.count && columns.parents.count >= count, "too few classes or parents")
        precondition(columns.probabilities.count >= count, "too few weights")
        precondition(columns.backoffs.count == 0 || columns.backoffs.count >= count, "too few weights")
        bytes = Lane(uninitialized: count * shape.size)
        parts = Lane(uninitialized: count)
        counts = Lane(zeros: partCount)
        let backoffs = unsafe columns.backoffs.count == 0 ? nil : columns.backoffs.pointer
        let raw = unsafe histograms.map {
            unsafe [edic_ngram_histogram($0.probabilities), edic_ngram_histogram($0.backoffs)]
        }
        unsafe edic_ngram_records(
            columns.words.pointer, columns.parents.pointer, columns.probabilities.pointer, backoffs, count,
            classes.pointer, shape.layout, raw, bytes.pointer, parts.pointer, counts.pointer)
    }

    /// Records of `from` with the keys and parts of `to`. Changes `bytes`.
    init(
        rekeying bytes: Lane<UInt8>, count: Int, _ shape: RecordShape, from: RecordClass, to: RecordClass,
        partCount: Int
    ) {
        precondition(bytes.count >= count * shape.size, "too few records")
        self.bytes = bytes
        parts = Lane(uninitialized: count)
        counts = Lane(zeros: partCount)
        var (from, to) = (from, to)
        unsafe edic_ngram_rekey(
            bytes.pointer, count, shape.layout, &from, &to, parts.pointer, counts.pointer)
    }

    /// The records one part behind the other, and where each part begins.
    func sharedOut(_ shape: RecordShape) -> (bytes: Lane<UInt8>, starts: Lane<UInt32>) {
        let starts = Lane<UInt32>(uninitialized: counts.count + 1)
        var sum: UInt32 = 0
        for part in 0..<counts.count {
            starts[part] = sum
            sum += counts[part]
        }
        starts[counts.count] = sum
        let places = starts.copyFirst(counts.count)
        let out = Lane<UInt8>(uninitialized: count * shape.size)
        unsafe edic_ngram_share_out(bytes.pointer, count, shape.size, parts.pointer, places.pointer, out.pointer)
        return (out, starts)
    }

    /// For each record of a block, given by its part, the next of that part's numbers among `answers`, which begin at
    /// `places`.
    static func returned(_ parts: Lane<UInt16>, _ answers: Lane<UInt32>, places: Lane<UInt32>) -> Lane<UInt32> {
        precondition(answers.count >= parts.count, "too few answers")
        let numbers = Lane<UInt32>(uninitialized: parts.count)
        unsafe edic_ngram_returned(parts.pointer, parts.count, answers.pointer, places.pointer, numbers.pointer)
        return numbers
    }
}

extension edic_ngram_histogram {
    fileprivate init(_ histogram: WeightCodebook.Histogram) {
        unsafe self.init(counts: histogram.counts.pointer, rests: histogram.rests.pointer)
    }
}

/// A part of a set, sorted and packed.
struct PackedPart: Sendable {
    /// From the line that the part's first home is in to the one that its last is in.
    let lines: Lane<UInt8>
    /// From the byte that the part's first entry begins in to the one that its last ends in.
    let entries: Lane<UInt8>
    /// For each record the number of its entry.
    let numbers: Lane<UInt32>

    /// Nil where a home would have more than fifteen entries. `homes` are the part's, `place` is that of its first entry
    /// in the set.
    init?(
        _ records: Lane<UInt8>, count: Int, _ layout: RecordShape, _ shape: GramSetShape, homes: Range<Int>, place: Int,
        books: (probability: WeightCodebook, backoff: WeightCodebook)?, givesNumbers: Bool
    ) {
        precondition(records.count >= count * layout.size, "too few records")
        let raw = edic_ngram_homes_shape(
            count: homes.count, first: UInt64(homes.lowerBound), remainder_bits: UInt32(shape.remainderBits))
        let counts = Lane<UInt8>(uninitialized: homes.count)
        let places = Lane<UInt32>(uninitialized: homes.count)
        let entries = Lane<edic_ngram_entry>(uninitialized: count)
        let isEven = unsafe edic_ngram_homes(
            records.pointer, count, layout.layout, raw, counts.pointer, places.pointer, entries.pointer)
        guard isEven != 0 else { return nil }
        let lastLine = (homes.upperBound - 1) / GramSetShape.homesPerLine
        let firstLine = homes.lowerBound / GramSetShape.homesPerLine
        lines = Lane(zeros: (lastLine - firstLine + 1) * GramSetShape.lineBytes)
        unsafe edic_ngram_lines_of_homes(counts.pointer, raw, UInt64(place), lines.pointer)
        let packing = unsafe edic_ngram_packing(
            remainder_bits: UInt32(shape.remainderBits), probability_bits: UInt32(shape.probabilityBits),
            backoff_bits: UInt32(shape.backoffBits), probability_codes: books?.probability.codes.pointer,
            backoff_codes: books?.backoff.codes.pointer)
        let firstBit = place * shape.entryBits % 8
        let size = count == 0 ? 0 : (firstBit + count * shape.entryBits + 7) / 8
        let packed = Lane<UInt8>(uninitialized: size + 8)
        numbers = Lane(uninitialized: givesNumbers ? count : 0)
        unsafe edic_ngram_pack_entries(
            entries.pointer, records.pointer, count, layout.layout, packing, UInt32(firstBit),
            UInt32(truncatingIfNeeded: shape.firstNumber + place), packed.pointer,
            givesNumbers ? numbers.pointer : nil)
        self.entries = packed.part(0..<size)
    }
}
