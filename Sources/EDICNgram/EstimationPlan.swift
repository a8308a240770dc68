/// How n-grams are shared out among buckets: by their last word, and where that is frequent also by the one before.
///
/// Buckets are ranges in suffix order, so that each holds about the same number of words of the text and every n-gram of
/// two and more words lies in one with everything that extends it to the left.
struct EstimationPlan: Sendable {
    struct Bucket: Sendable {
        /// The last words of its n-grams: codes from here on, so many.
        let base: Int
        let codes: Int
        /// Whether the unigrams themselves belong to it: of a word's several buckets, to the first.
        let owns: Bool
        /// How many words of the text are in it.
        let tokens: Int
    }

    let buckets: [Bucket]
    /// For each code its bucket, or ``split`` plus its row of ``rows``.
    let bucketOf: Lane<UInt16>
    /// 256 buckets for each split word, by the class of the word before.
    let rows: Lane<UInt16>
    let classOf: Lane<UInt8>
    /// The bucket that owns each unigram.
    let homeOf: Lane<UInt16>
    /// The first code of each bucket.
    let bases: Lane<UInt32>

    static let split: UInt16 = 0x8000
    static let mostBuckets = 1024
    static let classes = 256

    /// What is known before pairs are counted: which words need more than one bucket.
    struct Draft: Sendable {
        let bucketOf: Lane<UInt16>
        let classOf: Lane<UInt8>
        let splitCodes: [Int]
    }

    /// Words with more than `most` occurrences are split, except at order 1.
    static func draft(_ counts: Lane<UInt64>, most: UInt64, order: Int) -> Draft {
        let bucketOf = Lane<UInt16>(zeros: counts.count)
        let classOf = Lane<UInt8>(zeros: counts.count)
        var splitCodes: [Int] = []
        var total: UInt64 = 0
        for code in 0..<counts.count {
            total += counts[code]
            if order > 1, counts[code] > most {
                bucketOf[code] = split + UInt16(splitCodes.count)
                splitCodes.append(code)
            }
        }
        // Before a word stands the end of the sentence before, so to say, as often as there are sentences.
        var sum: UInt64 = 0
        for code in 0..<counts.count {
            let place = code == Int(GramCode.begin) ? Int(GramCode.end) : code
            if code != Int(GramCode.end) { sum += counts[place] }
            let middle = sum - (code == Int(GramCode.end) ? 0 : counts[place] / 2)
            classOf[code] = UInt8(min(UInt64(classes - 1), middle * UInt64(classes) / max(1, total)))
        }
        return Draft(bucketOf: bucketOf, classOf: classOf, splitCodes: splitCodes)
    }

    /// `pairs` has 256 counts for each split word: how often a word of each class comes before.
    init(_ draft: Draft, counts: Lane<UInt64>, most: UInt64, pairs: Lane<UInt64>) {
        var buckets: [Bucket] = []
        let rows = Lane<UInt16>(zeros: max(1, draft.splitCodes.count) * Self.classes)
        let homeOf = Lane<UInt16>(zeros: counts.count)
        var open = (base: Int(GramCode.unknown), tokens: UInt64(0))
        func close(at end: Int) {
            if end > open.base {
                buckets.append(Bucket(base: open.base, codes: end - open.base, owns: true, tokens: Int(open.tokens)))
            }
            open = (end, 0)
        }
        for code in Int(GramCode.unknown)..<counts.count {
            if draft.bucketOf[code] & Self.split == 0 {
                if open.tokens + counts[code] > most, open.tokens > 0 { close(at: code) }
                open.tokens += counts[code]
                draft.bucketOf[code] = UInt16(buckets.count)
                homeOf[code] = UInt16(buckets.count)
                continue
            }
            close(at: code)
            open.base = code + 1
            let row = Int(draft.bucketOf[code] & ~Self.split) * Self.classes
            homeOf[code] = UInt16(buckets.count)
            var tokens: UInt64 = 0
            var owns = true
            for place in row..<row + Self.classes {
                if tokens > 0, tokens + pairs[place] > most {
                    buckets.append(Bucket(base: code, codes: 1, owns: owns, tokens: Int(tokens)))
                    owns = false
                    tokens = 0
                }
                tokens += pairs[place]
                rows[place] = UInt16(buckets.count)
            }
            buckets.append(Bucket(base: code, codes: 1, owns: owns, tokens: Int(tokens)))
        }
        close(at: counts.count)
        self.buckets = buckets
        bucketOf = draft.bucketOf
        self.rows = rows
        classOf = draft.classOf
        self.homeOf = homeOf
        bases = Lane(buckets.map { UInt32($0.base) })
    }
}

/// What memory goes where.
struct EstimationMemory: Sendable {
    /// Bytes for the process itself, the buffers of files and the like.
    static let base = 40 << 20

    /// Bytes for kept data, keys and the buckets being worked on.
    let available: Int
    /// The most words of the text in one bucket.
    let mostTokens: UInt64
    /// The most words whose keys are in memory at once.
    let mostKeys: Int
    let keyBytes: Int

    init(limit: Int, vocabulary: Int, order: Int, tokens: UInt64, keyBytes: Int, workers: Int) {
        // A part is left for what the system rounds up and for what is between being made and being kept.
        available = max(1 << 20, limit - Self.base - limit / 10 - vocabulary)
        self.keyBytes = keyBytes
        // Sorting takes the keys twice; later an n-gram of a bucket takes about 130 bytes with everything about it.
        let perToken = max(2 * keyBytes, 90 + 8 * order)
        let byMemory = UInt64(available / (4 * max(1, workers) * perToken))
        let even = tokens / 256
        let least = tokens / UInt64(EstimationPlan.mostBuckets / 2)
        mostTokens = max(4096, least, min(even, byMemory))
        mostKeys = available / 2 / keyBytes
    }

    /// What may be kept beside `keys` keys, and `tokens` words in each worker's bucket.
    func kept(keys: Int, tokens: Int, workers: Int) -> Int {
        max(0, available - keys * keyBytes - workers * tokens * max(keyBytes, 130))
    }
}
