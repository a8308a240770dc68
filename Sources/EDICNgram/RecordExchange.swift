internal import Synchronization

/// Records on their way from blocks to parts, and their numbers on the way back.
///
/// Blocks come from several workers at once, in any order; what a part gets is in the order of the blocks. In memory
/// while there is room, else in the spill file.
final class RecordExchange: Sendable {
    private struct Block: Sendable {
        /// Nil where they are no longer needed.
        let records: KeptBytes?
        let starts: Lane<UInt32>
        /// The part of each record; nil where no numbers go back.
        let parts: KeptLane<UInt16>?
    }

    private struct State: Sendable {
        var blocks: [Block?]
        var answers: [KeptBytes?]
        /// For each block how many records of each part come before it.
        var arrivals = Lane<UInt32>(zeros: 0)
    }

    let shape: RecordShape
    let partCount: Int
    private let blockCount: Int
    private let answersBlocks: Bool
    private let memory: KeptMemory
    private let state: Mutex<State>

    init(_ shape: RecordShape, parts: Int, blocks: Int, answersBlocks: Bool, memory: KeptMemory) {
        self.shape = shape
        partCount = parts
        blockCount = blocks
        self.answersBlocks = answersBlocks
        self.memory = memory
        state = Mutex(State(blocks: Array(repeating: nil, count: blocks), answers: Array(repeating: nil, count: parts)))
    }

    func add(_ records: Records, block: Int) throws(NgramError) {
        guard records.count > 0 else { return }
        let (bytes, starts) = records.sharedOut(shape)
        let kept = Block(
            records: try KeptBytes(adopting: bytes, in: memory), starts: starts,
            parts: answersBlocks ? try KeptLane(records.parts, in: memory) : nil)
        state.withLock { $0.blocks[block] = kept }
    }

    /// All blocks have come.
    func close() {
        state.withLock { state in
            let arrivals = Lane<UInt32>(zeros: (blockCount + 1) * partCount)
            for block in 0..<blockCount {
                let starts = state.blocks[block]?.starts
                for part in 0..<partCount {
                    let own = starts.map { $0[part + 1] - $0[part] } ?? 0
                    arrivals[(block + 1) * partCount + part] = arrivals[block * partCount + part] + own
                }
            }
            state.arrivals = arrivals
        }
    }

    func count(part: Int) -> Int {
        state.withLock { Int($0.arrivals[blockCount * partCount + part]) }
    }

    /// The records of a part.
    func load(part: Int) throws(NgramError) -> Lane<UInt8> {
        let (blocks, count) = state.withLock { ($0.blocks, Int($0.arrivals[blockCount * partCount + part])) }
        let records = Lane<UInt8>(uninitialized: count * shape.size)
        var end = 0
        for block in blocks {
            guard let block else { continue }
            let range = Int(block.starts[part]) * shape.size..<Int(block.starts[part + 1]) * shape.size
            try block.records?.copy(range, into: records, at: end)
            end += range.count
        }
        return records
    }

    /// Keeps the numbers of a part's records.
    func answer(part: Int, _ numbers: Lane<UInt32>) throws(NgramError) {
        let kept = try KeptBytes(adopting: numbers.bytes, in: memory)
        state.withLock { $0.answers[part] = kept }
    }

    /// The numbers of a block's records, in their order.
    func numbers(block: Int) throws(NgramError) -> Lane<UInt32> {
        let (kept, answers, arrivals) = state.withLock { ($0.blocks[block], $0.answers, $0.arrivals) }
        guard let kept, let parts = try kept.parts?.load() else { return Lane(uninitialized: 0) }
        let gathered = Lane<UInt32>(uninitialized: parts.count)
        for part in 0..<partCount where kept.starts[part + 1] > kept.starts[part] {
            let first = Int(arrivals[block * partCount + part])
            let count = Int(kept.starts[part + 1] - kept.starts[part])
            try answers[part]?.copy(
                first * 4..<(first + count) * 4, into: gathered.bytes, at: Int(kept.starts[part]) * 4)
        }
        return Records.returned(parts, gathered, places: kept.starts.copyFirst(partCount))
    }

    /// Lets go of the records; numbers can still be asked for.
    func dropRecords() {
        state.withLock { state in
            for block in state.blocks.indices {
                guard let kept = state.blocks[block] else { continue }
                state.blocks[block] = Block(records: nil, starts: kept.starts, parts: kept.parts)
            }
        }
    }
}
