extension OrderedFile {
    /// Eight megabytes: written in such blocks, a file lies in the page cache in the system's large pages, so that mapping
    /// it takes a fault for every two megabytes, not for every few kilobytes, and look-ups miss fewer translations.
    static var blockSize: Int { 8 << 20 }

    /// Adds parts one after another, each filled up with zeros to a multiple of `alignment` bytes, after all that was
    /// added so far.
    func addBlocks(_ parts: [Lane<UInt8>], alignment: Int) throws(NgramError) {
        let total = parts.reduce(0) { $0 + ($1.count + alignment - 1) / alignment * alignment }
        let block = Lane<UInt8>(uninitialized: min(total, Self.blockSize))
        var filled = 0
        func pass() throws(NgramError) {
            try add(Piece(bytes: block, count: filled), number: nextNumber)
            filled = 0
        }
        for part in parts {
            var start = 0
            while start < part.count {
                let count = min(part.count - start, block.count - filled)
                copy(part.part(start..<start + count), into: block, at: filled)
                start += count
                filled += count
                if filled == block.count { try pass() }
            }
            for _ in 0..<(alignment - part.count % alignment) % alignment {
                block[filled] = 0
                filled += 1
                if filled == block.count { try pass() }
            }
        }
        if filled > 0 { try pass() }
    }
}
