internal import EDICNumerics

/// The last n-gram of each order below the highest, as `lmplz` sorts them: from the last word back, words in the order in
/// which the text first has them.
///
/// `lmplz` counts these by how often they occur, not by how many words come before them, when it counts the counts that
/// the discounts come from (an oversight of its last step, but every weight depends on it). They are found in the text
/// itself, so that neither the order of ids nor what is in memory matters: all of it lies after the last word that the
/// text has for the first time, which as a rule is near the end and occurs once, and then there is nothing to do.
struct LastGrams {
    struct Counts {
        /// How often the n-gram occurs.
        var occurrences: UInt64
        /// How many different words, or beginnings of a sentence, come before it.
        var extensions: UInt64
    }

    /// By order from 1, as far as the two can differ.
    private(set) var counts: [Counts] = []

    init(_ input: NgramIntake.Result, order: Int) throws(NgramError) {
        guard order > 1, let (word, block) = try Self.lastNewWord(input) else { return }
        var gram = [word]
        var occurrences = input.codeCounts[Int(word)]
        // What occurs once has one word before it.
        while occurrences > 1 {
            let before = try Self.words(before: gram, from: block, input)
            counts.append(Counts(occurrences: occurrences, extensions: UInt64(before.count)))
            let words = Set(before.keys).subtracting([GramCode.begin])
            guard gram.count + 1 < order, let last = try Self.lastNew(of: words, input) else { return }
            gram.insert(last, at: 0)
            occurrences = before[last] ?? 0
        }
    }

    /// The last word that comes for the first time, and the block where it does; nil in a text without words.
    private static func lastNewWord(_ input: NgramIntake.Result) throws(NgramError) -> (word: UInt32, block: Int)? {
        // From the end on: the first word all of whose occurrences were met.
        let met = Lane<UInt64>(zeros: input.codeCounts.count)
        for block in input.blocks.indices.reversed() {
            let codes = EstimationKernels.codes(try input.blocks[block].load(), codes: input.codes)
            for place in (0..<codes.count).reversed() where codes[place] >= GramCode.firstWord {
                let word = Int(codes[place])
                met[word] += 1
                if met[word] == input.codeCounts[word] { return (codes[place], block) }
            }
        }
        return nil
    }

    /// The words that come before an n-gram, how often each.
    private static func words(
        before gram: [UInt32], from first: Int, _ input: NgramIntake.Result
    ) throws(NgramError) -> [UInt32: UInt64] {
        var found: [UInt32: UInt64] = [:]
        let last = gram[gram.count - 1]
        for block in input.blocks[first...] {
            let codes = EstimationKernels.codes(try block.load(), codes: input.codes)
            for place in 0..<codes.count where codes[place] == last {
                let begin = place - gram.count + 1
                guard begin >= 0, (begin..<place).allSatisfy({ codes[$0] == gram[$0 - begin] }) else { continue }
                let isBeginning = begin == 0 || codes[begin - 1] == GramCode.end
                found[isBeginning ? GramCode.begin : codes[begin - 1], default: 0] += 1
            }
        }
        return found
    }

    /// The one of some words that comes for the first time last.
    private static func lastNew(of words: Set<UInt32>, _ input: NgramIntake.Result) throws(NgramError) -> UInt32? {
        var missing = words
        for block in input.blocks where missing.count > 1 {
            let codes = EstimationKernels.codes(try block.load(), codes: input.codes)
            for place in 0..<codes.count where missing.count > 1 { missing.remove(codes[place]) }
        }
        return missing.first
    }
}

extension [GramTally] {
    /// Counts these n-grams, whose counts so far are their extensions, by their occurrences.
    mutating func recount(_ last: LastGrams) {
        for (place, counts) in last.counts.enumerated() {
            if (1...4).contains(counts.extensions) { self[place].counts[Int(counts.extensions) - 1] -= 1 }
            if (1...4).contains(counts.occurrences) { self[place].counts[Int(counts.occurrences) - 1] += 1 }
        }
    }
}
