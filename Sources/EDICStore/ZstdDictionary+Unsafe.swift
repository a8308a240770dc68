private import CSystemZstd

/// A trained zstd dictionary (RFC 8878, section 5): content that small frames may refer to.
///
/// A frame that was compressed with a dictionary carries the dictionary's id and cannot be read without it
/// (`zstd -d -D FILE`).
public struct ZstdDictionary: Sendable, Hashable {
    /// The dictionary in zstd's format, as `zstd -D` reads it.
    public let bytes: [UInt8]
    /// The SHA-256 of `bytes`.
    public let digest: Digest
    /// The id that frames carry; never 0.
    public let id: UInt32

    /// Checks bytes read from elsewhere.
    ///
    /// - Throws: `corrupt` if they are not a trained dictionary.
    public init(bytes: [UInt8]) throws(StoreError) {
        let id = unsafe bytes.withUnsafeBytes { unsafe ZDICT_getDictID($0.baseAddress, $0.count) }
        // A dictionary's tables are only read when it is loaded.
        guard id != 0, let context = unsafe ZSTD_createDCtx() else {
            throw StoreError(.corrupt, "these \(bytes.count) bytes are not a trained zstd dictionary")
        }
        defer { unsafe ZSTD_freeDCtx(context) }
        let loaded = unsafe bytes.withUnsafeBytes { unsafe ZSTD_DCtx_loadDictionary(context, $0.baseAddress, $0.count) }
        guard ZSTD_isError(loaded) == 0 else {
            throw StoreError(.corrupt, "the tables of the zstd dictionary of \(bytes.count) bytes are damaged")
        }
        self.bytes = bytes
        self.id = id
        digest = Digest(of: bytes.span)
    }

    /// Trains a dictionary (zstd's fast cover algorithm, one thread: the same samples give the same bytes).
    ///
    /// - Parameters:
    ///   - samples: typical frames or parts of them. About a hundred times `capacity` in all is best.
    ///   - capacity: the most bytes the dictionary may have, at least 256.
    /// - Throws: `invalidArgument` if the samples are too few or too alike to learn from.
    public static func train(samples: [[UInt8]], capacity: Int = 32 << 10) throws(StoreError) -> ZstdDictionary {
        let sizes = samples.map(\.count)
        var flat: [UInt8] = []
        flat.reserveCapacity(sizes.reduce(0, +))
        for sample in samples { flat.append(contentsOf: sample) }
        guard capacity >= 256, !flat.isEmpty else {
            throw StoreError(.invalidArgument, "a dictionary needs samples and at least 256 bytes of capacity")
        }
        var result = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            result = unsafe flat.withUnsafeBytes { input in
                unsafe ZDICT_trainFromBuffer(
                    buffer.baseAddress, buffer.count, input.baseAddress, sizes, UInt32(clamping: sizes.count))
            }
            count = ZDICT_isError(result) == 0 ? result : 0
        }
        guard ZDICT_isError(result) == 0 else {
            let reason = unsafe String(cString: ZDICT_getErrorName(result))
            throw StoreError(
                .invalidArgument,
                "cannot train a dictionary from \(samples.count) samples of \(flat.count) bytes: \(reason)")
        }
        return try ZstdDictionary(bytes: bytes)
    }

    public static func == (left: ZstdDictionary, right: ZstdDictionary) -> Bool { left.digest == right.digest }
    public func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}
