/// A decompressor and the memory for one compressed frame.
///
/// Unchecked: it is used by one thread at a time, as `SeekableReader` takes it out of its pool for each frame.
final class FrameDecoder: @unchecked Sendable {
    private var decompressor: ZstdDecompressor
    private var compressed = RawBuffer(count: 1 << 16)

    init(dictionary: ZstdDictionary?) throws(StoreError) {
        decompressor = try ZstdDecompressor(dictionary: dictionary)
    }

    /// The content of a frame, checked against its size and checksum in the table.
    ///
    /// - Parameter hash: XXH3 of the compressed frame, where it is known.
    func content(
        ofFrame frame: Int, table: SeekTable, file: OpenFile, hash: UInt64? = nil
    ) throws(StoreError) -> [UInt8] {
        let range = table.fileRange(frame)
        func damaged(_ reason: String) -> StoreError { .damaged(file.name, "frame \(frame)", range, reason) }
        if range.count > compressed.count { compressed = RawBuffer(count: range.count) }
        let input = unsafe compressed.slice(0, range.count)
        try unsafe file.read(at: range.lowerBound, into: input)
        if let hash, unsafe xxh3(UnsafeRawBufferPointer(input)) != hash {
            throw damaged("its compressed bytes do not have the checksum in the index")
        }
        let size = table.contentRange(frame).count
        var failure: StoreError?
        let content = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            do {
                let output = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(buffer)[..<size])
                try unsafe decompressor.decompress(raw: UnsafeRawBufferPointer(input), into: output)
                count = size
                if !table.checksums.isEmpty,
                    unsafe UInt32(truncatingIfNeeded: xxh64(UnsafeRawBufferPointer(output))) != table.checksums[frame]
                {
                    failure = damaged("its content does not have the checksum in the seek table")
                }
            } catch let error as StoreError {
                failure = damaged(error.message)
            } catch {
                failure = damaged("\(error)")
            }
        }
        if let failure { throw failure }
        return content
    }
}
