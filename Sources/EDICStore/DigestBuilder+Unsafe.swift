private import CSystemCrypto
public import SystemPackage

extension Digest {
    /// Computes a digest from bytes that come in pieces. The cuts between pieces do not matter.
    @safe public struct Builder: ~Copyable {
        private let context: OpaquePointer

        /// Begins a digest.
        public init() {
            // Both calls fail only when memory is exhausted: SHA-256 is in every provider of libcrypto.
            guard let context = unsafe EVP_MD_CTX_new() else {
                preconditionFailure("libcrypto cannot start a SHA-256 digest")
            }
            unsafe self.context = context
            reset()
        }

        /// libcrypto's SHA-256. Fetched once: `EVP_sha256()` is looked up, under a lock, at each start of a digest.
        /// Never written to after that, nor freed.
        private nonisolated(unsafe) static let algorithm = unsafe EVP_MD_fetch(nil, "SHA256", nil) ?? EVP_sha256()

        /// Begins anew with the memory at hand.
        private mutating func reset() {
            guard unsafe EVP_DigestInit_ex(context, Self.algorithm, nil) == 1 else {
                preconditionFailure("libcrypto cannot start a SHA-256 digest")
            }
        }

        deinit { unsafe EVP_MD_CTX_free(context) }

        /// Adds bytes.
        public mutating func update(_ bytes: Span<UInt8>) {
            unsafe bytes.withRawBytes { unsafe update(raw: $0) }
        }

        /// Adds the UTF-8 of `text`.
        public mutating func update(_ text: String) {
            update(text.utf8.span)
        }

        mutating func update(raw bytes: UnsafeRawBufferPointer) {
            guard let start = bytes.baseAddress else { return }
            _ = unsafe EVP_DigestUpdate(context, start, bytes.count)
        }

        /// The digest of everything given to `update`.
        public consuming func finalize() -> Digest { unsafe Self.finish(context) }

        /// The digest of everything given to `update` since the last one; what is given next begins another.
        public mutating func next() -> Digest {
            let digest = unsafe Self.finish(context)
            reset()
            return digest
        }

        /// The digest of everything given so far; more may follow.
        public borrowing func current() -> Digest {
            guard let copy = unsafe EVP_MD_CTX_new(), unsafe EVP_MD_CTX_copy_ex(copy, context) == 1 else {
                preconditionFailure("libcrypto cannot copy a SHA-256 digest")
            }
            defer { unsafe EVP_MD_CTX_free(copy) }
            return unsafe Self.finish(copy)
        }

        private static func finish(_ context: OpaquePointer) -> Digest {
            var bytes: [32 of UInt8] = .init(repeating: 0)
            var span = bytes.mutableSpan
            _ = unsafe span.withUnsafeMutableBufferPointer { unsafe EVP_DigestFinal_ex(context, $0.baseAddress, nil) }
            return Digest(bytes)
        }
    }

    /// The digest of a file's bytes as they lie on disk (not decompressed), read in pieces.
    public static func ofFile(_ path: FilePath) throws(StoreError) -> Digest {
        let file = try OpenFile(reading: path)
        let buffer = RawBuffer(count: 1 << 16)
        var builder = Builder()
        while true {
            let count = try unsafe file.read(into: buffer.bytes)
            if count == 0 { return builder.finalize() }
            unsafe builder.update(raw: UnsafeRawBufferPointer(buffer.slice(0, count)))
        }
    }
}
