internal import Glibc

/// Whether a trained dictionary makes small frames of some content smaller, measured on samples of it.
public struct DictionaryTrial: Sendable {
    /// Bytes of the samples that were compressed: every second sample, which the dictionary was not trained on.
    public let contentSize: Int
    /// Their compressed size without a dictionary.
    public let plainSize: Int
    /// Their compressed size with the dictionary, not counting the dictionary; nil if there was too little to train on.
    public let helpedSize: Int?
    /// The dictionary trained on the other samples.
    public let dictionary: ZstdDictionary?
    /// Bytes of content compressed in a second of processor time, on this machine at this moment.
    public let plainSpeed: Double
    /// The same with the dictionary; nil where there is none.
    public let helpedSpeed: Double?

    /// Content per compressed byte without a dictionary.
    public var plainRatio: Double { Self.ratio(contentSize, plainSize) }
    /// Content per compressed byte with the dictionary, which is not counted.
    public var helpedRatio: Double? { helpedSize.map { Self.ratio(contentSize, $0) } }

    /// Whether the dictionary, stored once, saves at least a fiftieth of a shard of `totalContentSize` bytes.
    ///
    /// The answer depends on sizes only, so it is the same on every machine.
    public func helps(totalContentSize: Int) -> Bool {
        guard let dictionary, let helped = helpedSize, contentSize > 0 else { return false }
        let scale = Double(totalContentSize) / Double(contentSize)
        return Double(helped) * scale + Double(dictionary.bytes.count) < 0.98 * Double(plainSize) * scale
    }

    /// Trains on the samples at even positions and compresses those at odd positions, packed into frames as a shard
    /// packs them.
    ///
    /// - Parameters:
    ///   - samples: rows as they would be written.
    ///   - separator: what a shard writes behind each row.
    ///   - frameSize: as for ``DocumentShardWriter``.
    public static func measure(
        samples: [[UInt8]], separator: [UInt8] = [0x0A], frameSize: Int = DocumentShardWriter.defaultFrameSize,
        level: Int = 3,
        capacity: Int = 32 << 10
    ) throws(StoreError) -> DictionaryTrial {
        var training: [[UInt8]] = []
        var frames: [[UInt8]] = []
        var frame: [UInt8] = []
        for (position, sample) in samples.enumerated() {
            if position % 2 == 0 {
                training.append(sample)
                continue
            }
            if !frame.isEmpty && frame.count + sample.count + separator.count > frameSize {
                frames.append(frame)
                frame.removeAll()
            }
            frame += sample
            frame += separator
        }
        if !frame.isEmpty { frames.append(frame) }
        let plain = try compress(frames, level: level, dictionary: nil)
        var dictionary: ZstdDictionary?
        do throws(StoreError) {
            dictionary = try ZstdDictionary.train(samples: training, capacity: capacity)
        } catch {
            guard error.code == .invalidArgument else { throw error }
        }
        var helped: (size: Int, speed: Double)?
        if let dictionary { helped = try compress(frames, level: level, dictionary: dictionary) }
        return DictionaryTrial(
            contentSize: frames.reduce(0) { $0 + $1.count }, plainSize: plain.size,
            helpedSize: helped?.size, dictionary: dictionary, plainSpeed: plain.speed,
            helpedSpeed: helped?.speed)
    }

    private static func compress(
        _ frames: [[UInt8]], level: Int, dictionary: ZstdDictionary?
    ) throws(StoreError) -> (size: Int, speed: Double) {
        var compressor = try ZstdCompressor(level: level, dictionary: dictionary)
        var output: [UInt8] = []
        var size = 0
        var content = 0
        let start = processorTime()
        for frame in frames {
            output.removeAll(keepingCapacity: true)
            try compressor.compress(frame.span, appendingTo: &output)
            size += output.count
            content += frame.count
        }
        return (size, Double(content) / max(processorTime() - start, 1e-9))
    }

    private static func ratio(_ content: Int, _ compressed: Int) -> Double {
        compressed == 0 ? 0 : Double(content) / Double(compressed)
    }

    /// Seconds of processor time that this thread has used.
    private static func processorTime() -> Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
