internal import EDICStore

/// What two rows have in common if one is an exact duplicate of the other: 128 bits of a digest of their texts.
///
/// The key of a text is that of its UTF-8 in NFC with each run of white space of ASCII as one space and none around
/// it; letter case counts. The key of a row also holds the number and the languages of its texts, so that a document
/// never equals a unit, nor the same letters in another language. Digests are the first half of SHA-256: no
/// contributor can make two texts that collide.
public struct ExactKey: Sendable, Hashable, Comparable {
    /// The first eight bytes of the digest, big-endian.
    public let high: UInt64
    /// The next eight bytes.
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    public static func < (first: Self, second: Self) -> Bool {
        first.high != second.high ? first.high < second.high : first.low < second.low
    }

    /// Makes keys, reusing its memory.
    public struct Maker: ~Copyable {
        private var bytes: [UInt8] = []
        private var digest = Digest.Builder()

        public init() {}

        /// The key of a row. O(n).
        public mutating func key(of row: Row) -> ExactKey { key(of: 0, in: RowBlock(row)) }

        /// The key of a row of a block. O(n).
        public mutating func key(of row: Int, in block: RowBlock) -> ExactKey {
            bytes.removeAll(keepingCapacity: true)
            for segment in block.segments(of: row) {
                let language = block.language(of: segment)
                block.withText(of: segment) { add(language, $0) }
            }
            // Swapped out, because a span of one property bars writing to another.
            var content: [UInt8] = []
            swap(&content, &bytes)
            digest.update(content.span)
            swap(&content, &bytes)
            let prefix = digest.next().prefix128
            return ExactKey(high: prefix.high, low: prefix.low)
        }

        /// Adds a text, after its language and a byte that no text holds.
        private mutating func add(_ language: String, _ utf8: Span<UInt8>) {
            bytes.append(contentsOf: language.utf8)
            bytes.append(0xFF)
            var start = 0
            let textStart = bytes.count
            while start < utf8.count {
                // Words with one space between them are copied in one go.
                var end = start
                while end < utf8.count,
                    !utf8[end].isASCIIWhitespace
                        || (end > start && utf8[end] == UInt8(ascii: " ") && end + 1 < utf8.count
                            && !utf8[end + 1].isASCIIWhitespace)
                {
                    end += 1
                }
                if end > start {
                    if bytes.count > textStart { bytes.append(UInt8(ascii: " ")) }
                    bytes.append(utf8.extracting(start..<end))
                }
                start = end + 1
            }
            bytes.append(0xFF)
        }
    }
}

extension Row {
    /// The row's ``ExactKey``. For many rows, keep an ``ExactKey/Maker``.
    public var exactKey: ExactKey {
        var maker = ExactKey.Maker()
        return maker.key(of: self)
    }
}
