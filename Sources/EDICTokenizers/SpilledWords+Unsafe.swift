internal import EDICNumerics
internal import Glibc
internal import SystemPackage

/// Sorted words with counts in a file that has no name and goes when it is closed.
final class SpilledWords {
    private let file: FileDescriptor
    fileprivate let folder: FilePath

    init(_ list: WordList, in folder: FilePath, pool: WorkerPool) throws(TokenizerError) {
        self.folder = folder
        var template = Array("\(folder)/edic-words-XXXXXX".utf8CString)
        let descriptor = unsafe mkstemp(&template)
        guard descriptor >= 0 else {
            throw TokenizerError(.fileUnwritable, "\(folder): no temporary file can be made there")
        }
        _ = unsafe unlink(&template)
        file = FileDescriptor(rawValue: descriptor)
        try list.sort(pool: pool)
        try list.pack { bytes throws(TokenizerError) in
            do {
                _ = try file.writeAll(bytes)
            } catch {
                throw TokenizerError(
                    .fileUnwritable, "\(folder): a temporary file cannot be written: \(error)", cause: error)
            }
        }
    }

    deinit { try? file.close() }

    /// The next bytes from `offset` on; none at the end.
    fileprivate func read(_ count: Int, at offset: Int64) throws(TokenizerError) -> [UInt8] {
        do {
            return try unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, read in
                read = try unsafe file.read(fromAbsoluteOffset: offset, into: UnsafeMutableRawBufferPointer(buffer))
            }
        } catch {
            throw TokenizerError(.fileUnreadable, "\(folder): a temporary file cannot be read: \(error)", cause: error)
        }
    }
}

/// Adds up sorted runs of words: those of a group first, then all, each group with its weight in 2^-20.
struct SpilledSum {
    private struct Cursor {
        let run: SpilledWords
        let group: Int
        var offset: Int64 = 0
        var buffer: [UInt8] = []
        var at = 0
        var word: [UInt8] = []
        var count: UInt64 = 0

        init(_ run: SpilledWords, group: Int) {
            self.run = run
            self.group = group
        }

        /// Goes to the next word; false at the end.
        mutating func advance() throws(TokenizerError) -> Bool {
            if at == buffer.count, !(try refill()) { return false }
            let length = try number()
            word.removeAll(keepingCapacity: true)
            while word.count < Int(length) {
                try refillWithin()
                let part = min(buffer.count - at, Int(length) - word.count)
                word += buffer[at..<at + part]
                at += part
            }
            count = try number()
            return true
        }

        private mutating func number() throws(TokenizerError) -> UInt64 {
            var value: UInt64 = 0
            var shift: UInt64 = 0
            while true {
                try refillWithin()
                value |= UInt64(buffer[at] & 0x7F) << shift
                at += 1
                if buffer[at - 1] < 0x80 { return value }
                shift += 7
            }
        }

        /// Within a word the file does not end.
        private mutating func refillWithin() throws(TokenizerError) {
            guard at == buffer.count, !(try refill()) else { return }
            throw TokenizerError(.fileUnreadable, "\(run.folder): a temporary file has lost its end")
        }

        private mutating func refill() throws(TokenizerError) -> Bool {
            buffer = try run.read(1 << 16, at: offset)
            offset += Int64(buffer.count)
            at = 0
            return !buffer.isEmpty
        }
    }

    private var cursors: [Cursor] = []
    /// Indices of cursors, that of the first word at the top.
    private var heap: [Int] = []
    private let weights: [UInt64]

    init(_ groups: [(runs: [SpilledWords], weight: UInt64)]) throws(TokenizerError) {
        weights = groups.map(\.weight)
        for (group, item) in groups.enumerated() {
            for run in item.runs {
                var cursor = Cursor(run, group: group)
                if try cursor.advance() { cursors.append(cursor) }
            }
        }
        heap = Array(cursors.indices)
        for index in stride(from: heap.count / 2, through: 0, by: -1) { sink(index) }
    }

    private func precedes(_ a: Int, _ b: Int) -> Bool {
        let (x, y) = (cursors[a], cursors[b])
        if x.word == y.word { return x.group < y.group }
        return x.word.lexicographicallyPrecedes(y.word)
    }

    private mutating func sink(_ index: Int) {
        var at = index
        while true {
            var least = at
            for child in [at * 2 + 1, at * 2 + 2] where child < heap.count && precedes(heap[child], heap[least]) {
                least = child
            }
            if least == at { return }
            heap.swapAt(at, least)
            at = least
        }
    }

    /// All words in the order of their bytes.
    mutating func list() throws(TokenizerError) -> WordList {
        var bytes: [UInt8] = []
        var ends: [UInt64] = []
        var counts: [UInt64] = []
        while let first = heap.first {
            let word = cursors[first].word
            var total: UInt64 = 0
            while let top = heap.first, cursors[top].word == word {
                let group = cursors[top].group
                var sum: UInt64 = 0
                while let next = heap.first, cursors[next].group == group, cursors[next].word == word {
                    sum += cursors[next].count
                    if !(try cursors[next].advance()) {
                        heap[0] = heap[heap.count - 1]
                        heap.removeLast()
                    }
                    if !heap.isEmpty { sink(0) }
                }
                let scaled = sum.multipliedFullWidth(by: weights[group])
                total += scaled.high << 44 | scaled.low >> 20
            }
            if total == 0 { continue }
            bytes += word
            ends.append(UInt64(bytes.count))
            counts.append(total)
        }
        return try WordList(bytes: bytes, ends: ends, counts: counts)
    }
}
