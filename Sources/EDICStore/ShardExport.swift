public import SystemPackage

/// Writes token shards as the files that training programs read. Memory does not grow with the shards.
///
/// Several shards of one tokenizer become one file; their documents follow each other in the order given.
public enum ShardExport {
    /// How the names of the files end that ``megatron(_:to:endToken:progress:)`` writes.
    package static let megatronEndings = [".bin", ".idx"]
    /// How those of ``numpy(_:to:endToken:progress:)`` end.
    package static let numpyEndings = [".tokens.npy", ".documents.npy"]

    /// Writes `PREFIX.bin` and `PREFIX.idx` as Megatron-LM's indexed dataset reads them (version 1): each document is a
    /// sequence and a document. Ids are unsigned 16-bit where the vocabulary has less than 65 500 tokens, else signed
    /// 32-bit.
    ///
    /// - Parameters:
    ///   - endToken: a token added to the end of every document, or nil.
    ///   - progress: called now and then with the tokens written and in all; returning false stops with
    ///     ``StoreError/Code/stopped``, and no file is left.
    /// - Returns: the paths and sizes written.
    @discardableResult
    public static func megatron(
        _ shards: [TokenShard], to prefix: FilePath, endToken: UInt32? = nil,
        progress: (_ done: Int, _ total: Int) -> Bool = { _, _ in true }
    ) throws(StoreError) -> [ExportedFile] {
        let plan = try ExportPlan(shards, endToken: endToken)
        guard plan.vocabularySize <= 1 << 31 else {
            throw StoreError(
                .unsupported, "\(prefix): Megatron's ids are signed, so a vocabulary has at most 2^31 tokens")
        }
        let width = plan.vocabularySize < 65_500 ? 2 : 4
        let data = try plan.writeTokens(
            to: prefix.appendingToName(megatronEndings[0]), header: [], width: width, progress)

        var file = try AtomicFile(prefix.appendingToName(megatronEndings[1]))
        var header = Array("MMIDIDX\0\0".utf8)
        header.append(littleEndian: UInt64(1))
        // The codes of Megatron's table of element types: unsigned 16-bit and signed 32-bit.
        header.append(width == 2 ? 8 : 4)
        header.append(littleEndian: UInt64(plan.documentCount))
        header.append(littleEndian: UInt64(plan.documentCount + 1))
        try file.write(header.span)
        try plan.writeEachDocument(to: &file) { count, _, _ in Int32(count) }
        try plan.writeEachDocument(to: &file) { _, start, _ in Int64(start * width) }
        try plan.writeEachDocument(to: &file) { _, _, document in Int64(document) }
        var last: [UInt8] = []
        last.append(littleEndian: Int64(plan.documentCount))
        try file.write(last.span)
        let path = file.path
        return [data, ExportedFile(path: path, written: try file.commit())]
    }

    /// Writes `PREFIX.tokens.npy`, all tokens as one array of unsigned 16- or 32-bit numbers as wide as the shards',
    /// and `PREFIX.documents.npy`, signed 64-bit numbers: where each document begins, and at the end the number of
    /// tokens (NumPy format 1.0, so `numpy.load(..., mmap_mode="r")` maps them).
    ///
    /// - Parameters:
    ///   - endToken: a token added to the end of every document, or nil.
    ///   - progress: called now and then with the tokens written and in all; returning false stops with
    ///     ``StoreError/Code/stopped``, and no file is left.
    @discardableResult
    public static func numpy(
        _ shards: [TokenShard], to prefix: FilePath, endToken: UInt32? = nil,
        progress: (_ done: Int, _ total: Int) -> Bool = { _, _ in true }
    ) throws(StoreError) -> [ExportedFile] {
        let plan = try ExportPlan(shards, endToken: endToken)
        let width = TokenPacking.width(vocabularySize: plan.vocabularySize)
        let data = try plan.writeTokens(
            to: prefix.appendingToName(numpyEndings[0]),
            header: numpyHeader(type: "<u\(width)", count: plan.tokenCount),
            width: width, progress)
        var file = try AtomicFile(prefix.appendingToName(numpyEndings[1]))
        let header = numpyHeader(type: "<i8", count: plan.documentCount + 1)
        try file.write(header.span)
        try plan.writeEachDocument(to: &file) { _, start, _ in Int64(start) }
        var last: [UInt8] = []
        last.append(littleEndian: Int64(plan.tokenCount))
        try file.write(last.span)
        let path = file.path
        return [data, ExportedFile(path: path, written: try file.commit())]
    }

    /// The header of a .npy file with a one-dimensional array, padded so that the data begin at a multiple of 64.
    private static func numpyHeader(type: String, count: Int) -> [UInt8] {
        var text = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(count),), }"
        let prefixSize = 10
        while (prefixSize + text.utf8.count + 1) % 64 != 0 { text += " " }
        text += "\n"
        var header: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
        header.append(littleEndian: UInt16(text.utf8.count))
        return header + Array(text.utf8)
    }
}

/// A file that an export wrote.
public struct ExportedFile: Sendable, Hashable {
    /// Where it lies.
    public let path: FilePath
    /// Its size and digest.
    public let written: AtomicFile.Written
}

/// What an export goes over: documents of several shards as if they were one.
private struct ExportPlan {
    let shards: [TokenShard]
    let endToken: UInt32?
    let vocabularySize: Int
    let documentCount: Int
    /// With the tokens that are added.
    let tokenCount: Int

    init(_ shards: [TokenShard], endToken: UInt32?) throws(StoreError) {
        guard let first = shards.first else { throw StoreError(.invalidArgument, "there is no shard to export") }
        for shard in shards
        where shard.tokenizerDigest != first.tokenizerDigest || shard.vocabularySize != first.vocabularySize {
            throw StoreError(
                .invalidArgument,
                "\(shard.name): was made with another tokenizer than \(first.name); export it by itself")
        }
        if let endToken, endToken >= first.vocabularySize {
            throw StoreError(
                .invalidArgument,
                "token \(endToken) is not in the vocabulary of \(first.vocabularySize) of \(first.name)")
        }
        self.shards = shards
        self.endToken = endToken
        vocabularySize = first.vocabularySize
        documentCount = shards.reduce(0) { $0 + $1.documentCount }
        tokenCount = shards.reduce(0) { $0 + $1.tokenCount } + (endToken == nil ? 0 : documentCount)
    }

    func writeTokens(
        to path: FilePath, header: [UInt8], width: Int, _ progress: (Int, Int) -> Bool
    ) throws(StoreError) -> ExportedFile {
        var file = try AtomicFile(path)
        try file.write(header.span)
        var packed = RawBuffer(count: 1 << 16)
        var written = 0
        var told = 0
        for shard in shards {
            var documents = shard.documents()
            while try documents.advance() {
                let count = documents.tokenCount
                let size = (count + 1) * width
                if size > packed.count { packed = RawBuffer(count: size * 2) }
                documents.withTokens { TokenPacking.pack($0, width: width, into: packed, at: 0) }
                var end = count * width
                if let endToken {
                    let last = [endToken]
                    TokenPacking.pack(last.span, width: width, into: packed, at: end)
                    end = size
                }
                try file.write(packed, count: end)
                written += end / width
                guard written - told > 1 << 18 else { continue }
                told = written
                guard progress(written, tokenCount) else {
                    throw StoreError(.stopped, "\(path): stopped; nothing was written")
                }
            }
        }
        return ExportedFile(path: path, written: try file.commit())
    }

    /// Writes one number for each document, made of its length, its first token and its own number.
    func writeEachDocument<Number: FixedWidthInteger>(
        to file: inout AtomicFile, _ number: (_ count: Int, _ start: Int, _ document: Int) -> Number
    ) throws(StoreError) {
        var start = 0
        var document = 0
        var bytes: [UInt8] = []
        for shard in shards {
            for local in 0..<shard.documentCount {
                let count = shard.tokenRange(ofDocument: local).count + (endToken == nil ? 0 : 1)
                bytes.append(littleEndian: number(count, start, document))
                start += count
                document += 1
                if bytes.count > 1 << 16 {
                    try file.write(bytes.span)
                    bytes.removeAll(keepingCapacity: true)
                }
            }
        }
        try file.write(bytes.span)
    }
}

extension FilePath {
    /// The path with something added to the end of its last component.
    fileprivate func appendingToName(_ suffix: String) -> FilePath { FilePath(string + suffix) }
}
