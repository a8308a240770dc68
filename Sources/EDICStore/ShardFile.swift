internal import Synchronization
internal import SystemPackage

/// What both kinds of shard are read by: the frames, the index, the dictionary and the table of ids.
final class ShardFile: Sendable {
    let index: ShardIndex
    let reader: SeekableReader
    let dictionary: ZstdDictionary?
    private let ids = Mutex<IDTable?>(nil)

    var name: String { reader.name }
    var file: OpenFile { reader.file }
    var table: SeekTable { reader.table }
    /// Where the index lies in the file.
    var indexRange: Range<Int> { table.fileRange(table.frameCount - 1) }

    init(_ path: FilePath, kind: ShardKind?) throws(StoreError) {
        let file = try OpenFile(reading: path)
        let table = try SeekTable(readingFrom: file)
        let index = try ShardIndex(readingFrom: file, table: table, kind: kind)
        self.index = index
        dictionary = try Self.dictionary(of: file, table: table, index: index)
        reader = SeekableReader(file, table: table, dictionary: dictionary)
    }

    /// The dictionary in the first frame, or nil if the index knows of none.
    static func dictionary(
        of file: OpenFile, table: SeekTable, index: ShardIndex
    ) throws(StoreError) -> ZstdDictionary? {
        guard index.dictionaryFrameSize > 0 else { return nil }
        let range = table.fileRange(0)
        func damaged(_ reason: String) -> StoreError { .damaged(file.name, "the dictionary", range, reason) }
        let frame = try file.bytes(at: range.lowerBound, count: range.count)
        guard frame.count > SeekTable.skippableHeaderSize, xxh3(frame.span) == index.frameHashes[0],
            frame.span.littleEndian(at: 0, as: UInt32.self) == ShardFileWriter.dictionaryMagic
        else { throw damaged("it does not have the checksum in the index") }
        do {
            return try ZstdDictionary(bytes: Array(frame[SeekTable.skippableHeaderSize...]))
        } catch {
            throw damaged(error.message)
        }
    }

    /// The content of a data frame, counted from 0 without the dictionary's frame.
    func content(ofDataFrame frame: Int) throws(StoreError) -> [UInt8] {
        try reader.content(ofFrame: frame + index.leadingFrames)
    }

    /// Where the content of a data frame begins and ends.
    func contentRange(ofDataFrame frame: Int) -> Range<Int> { table.contentRange(frame + index.leadingFrames) }

    /// The table of ids, read when it is first needed.
    func idTable() throws(StoreError) -> IDTable {
        if let table = ids.withLock({ $0 }) { return table }
        let table = try IDTable(readingFrom: file, index: index, indexRange: indexRange)
        ids.withLock { $0 = table }
        return table
    }
}
