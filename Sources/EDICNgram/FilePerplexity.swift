internal import EDICNumerics
internal import EDICStore
public import SystemPackage

extension NgramModel {
    /// Scores a file of sentences, one a line, plain or compressed, on all workers. The result is the same for any number
    /// of workers; memory is a few megabytes and the longest line.
    ///
    /// - Throws: ``NgramError`` with code `inputOutput` where the file cannot be read or decompressed.
    public func perplexity(
        contentsOf path: FilePath, workers: Int? = nil
    ) throws(NgramError) -> PerplexityTotals {
        let pool = workers.map { WorkerPool(workers: $0) } ?? .shared
        var totals = PerplexityTotals()
        do throws(StoreError) {
            var reader = try ByteReader(path)
            var text: [UInt8] = []
            var isAtEnd = false
            while !isAtEnd {
                while text.count < 4 << 20, !isAtEnd { isAtEnd = try reader.read(into: &text, atMost: .max) == 0 }
                var end = isAtEnd ? text.count : (text.lastIndex(of: 0x0A) ?? -1) + 1
                while end == 0, !isAtEnd {
                    // One line longer than all this: go on reading.
                    let size = text.count
                    isAtEnd = try reader.read(into: &text, atMost: .max) == 0
                    end = isAtEnd ? text.count : (text[size...].lastIndex(of: 0x0A) ?? -1) + 1
                }
                let starts = Self.starts(in: text.span.extracting(..<end))
                let whole = text
                let parts = pool.map(count: starts.count - 1) { part, _ in
                    perplexity(of: whole.span.extracting(starts[part]..<starts[part + 1]))
                }
                for part in parts { totals += part }
                text.removeFirst(end)
            }
        } catch {
            throw NgramError(.inputOutput, error.message, cause: error)
        }
        return totals
    }

    /// Where to cut a text, at ends of lines, into parts of about one size; its end is the last place.
    private static func starts(in text: Span<UInt8>) -> [Int] {
        var starts = [0]
        var place = 0
        while place < text.count {
            place = min(text.count, place + 1 << 16)
            while place < text.count, text[place - 1] != 0x0A { place += 1 }
            starts.append(place)
        }
        return starts
    }
}
