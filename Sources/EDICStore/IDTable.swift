/// The hashes of a shard's ids in ascending order, each with the number of its row or document.
struct IDTable: Sendable {
    struct Entry {
        var hash: UInt64
        var item: UInt32
    }

    /// The table as it lies in the file: all hashes, all numbers, the checksum.
    private let bytes: [UInt8]
    let count: Int

    /// Sorts entries into the order of the table. Equal hashes keep the order of their items.
    static func sorted(_ entries: consuming [Entry]) -> [Entry] {
        entries.sort { $0.hash != $1.hash ? $0.hash < $1.hash : $0.item < $1.item }
        return entries
    }

    /// Reads the table and checks its checksum, its order and its numbers.
    init(readingFrom file: OpenFile, index: ShardIndex, indexRange: Range<Int>) throws(StoreError) {
        let range = (indexRange.upperBound - index.idTableSize)..<indexRange.upperBound
        bytes = try file.bytes(at: range.lowerBound, count: range.count)
        count = index.itemCount
        let span = bytes.span
        guard xxh3(span.extracting(0..<(range.count - 8))) == span.littleEndian(at: range.count - 8, as: UInt64.self)
        else { throw StoreError.damaged(file.name, "the table of ids", range, "it does not have its checksum") }
        for position in 0..<count {
            guard item(position) < count, position == 0 || hash(position - 1) <= hash(position) else {
                throw StoreError.damaged(file.name, "the table of ids", range, "its entry \(position) is out of order")
            }
        }
    }

    func hash(_ position: Int) -> UInt64 { bytes.span.littleEndian(at: 8 * position, as: UInt64.self) }

    func item(_ position: Int) -> Int { Int(bytes.span.littleEndian(at: 8 * count + 4 * position, as: UInt32.self)) }

    /// The items whose ids have this hash, in ascending order. Takes time logarithmic in the number of items.
    func items(withHash wanted: UInt64) -> [Int] {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if hash(middle) < wanted { low = middle + 1 } else { high = middle }
        }
        var found: [Int] = []
        while low < count, hash(low) == wanted {
            found.append(item(low))
            low += 1
        }
        return found
    }
}
