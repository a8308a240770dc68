internal import EDICJSON
internal import EDICNumerics
public import SystemPackage

/// Reads safetensors files: a length, a JSON header that says where each tensor lies, then the bytes.
///
/// Format: <https://huggingface.co/docs/safetensors>. Nothing in the header is believed: every offset is checked
/// against the file, and every length against the type and the shape.
public enum Safetensors {
    /// The largest header read, the bound that the format's own library sets.
    static let headerLimit: UInt64 = 100_000_000

    /// The tensors of one file, mapped and not read.
    public static func tensors(in path: FilePath) throws(ModelError) -> TensorCollection {
        TensorCollection(source: path.string, try list(path))
    }

    /// The tensors of a model cut into several files, from the index that lists them.
    ///
    /// - Parameter index: `model.safetensors.index.json`; the files it names lie beside it.
    public static func tensors(shardedBy index: FilePath) throws(ModelError) -> TensorCollection {
        let json = try JSONFile.read(index)
        guard let places = json["weight_map"]?.object else {
            throw ModelError(.malformed, "\(index): has no object weight_map, which should say where tensors lie")
        }
        var wanted: [String: Set<String>] = [:]
        for (tensor, file) in places {
            guard let file = file.string, let component = FilePath.Component(file), component.kind == .regular else {
                throw ModelError(.malformed, "\(index): weight_map[\(tensor)] is not the plain name of a file")
            }
            wanted[file, default: []].insert(tensor)
        }
        var tensors: [Tensor] = []
        for (file, names) in wanted.sorted(by: { $0.key < $1.key }) {
            let found = try list(index.removingLastComponent().appending(file)).filter { names.contains($0.name) }
            guard found.count == names.count else {
                let missing = names.subtracting(found.map(\.name)).sorted().first ?? "?"
                throw ModelError(.mismatch, "\(file): has no tensor \(missing), which \(index) places there")
            }
            tensors += found
        }
        return TensorCollection(source: index.removingLastComponent().string, tensors)
    }

    private static func list(_ path: FilePath) throws(ModelError) -> [Tensor] {
        let file = try MappedFile.open(path)
        let parsed = try file.whole().withBytes { bytes throws(ModelError) in
            try header(of: bytes, file: path.string)
        }
        var tensors: [Tensor] = []
        tensors.reserveCapacity(parsed.count)
        for entry in parsed {
            let region = try file.part(entry.range)
            tensors.append(
                Tensor(
                    name: entry.name, type: entry.type, shape: entry.shape, storage: .mapped(region), file: path.string)
            )
        }
        return tensors
    }

    struct Entry {
        let name: String
        let type: ElementType
        let shape: [Int]
        let range: Range<Int>
    }

    /// What the header says, checked.
    static func header(of bytes: Span<UInt8>, file: String) throws(ModelError) -> [Entry] {
        var cursor = ByteCursor(file: file)
        let length = try cursor.read(UInt64.self, from: bytes, "the length of the header")
        guard length <= headerLimit else {
            throw ModelError(
                .malformed,
                "\(file): claims a header of \(length) bytes; more than \(headerLimit) is no safetensors file")
        }
        let headerRange = try cursor.take(length, of: bytes, "the header")
        let start = cursor.offset
        let json: JSONValue
        do {
            json = try JSONValue(parsing: bytes.extracting(headerRange), depthLimit: 8)
        } catch {
            throw ModelError(.malformed, "\(file): the header is not JSON: \(error)", cause: error)
        }
        guard let object = json.object else {
            throw ModelError(.malformed, "\(file): the header is not a JSON object")
        }
        var entries: [Entry] = []
        entries.reserveCapacity(object.count)
        for (name, value) in object where name != "__metadata__" {
            guard let dtype = value["dtype"]?.string, let dimensions = value["shape"]?.array,
                let offsets = value["data_offsets"]?.array, offsets.count == 2,
                let from = offsets[0].int, let to = offsets[1].int
            else {
                throw ModelError(.malformed, "\(file): tensor \(name): wants dtype, shape and two data_offsets")
            }
            let shape = dimensions.compactMap(\.int)
            guard shape.count == dimensions.count, shape.allSatisfy({ $0 >= 0 }), shape.count <= 8 else {
                throw ModelError(.malformed, "\(file): tensor \(name): has a shape that is not a few whole numbers")
            }
            guard from >= 0, to >= from, to <= bytes.count - start else {
                throw ModelError(
                    .malformed,
                    "\(file): tensor \(name): lies at \(from)..<\(to) of \(bytes.count - start) bytes of data; "
                        + "the file is truncated or damaged, fetch it again")
            }
            let type = ElementType(safetensors: dtype)
            try Tensor.checkExtents(shape, "\(file): tensor \(name)")
            if type.bytesPerBlock != nil {
                guard Tensor.byteCount(of: type, shape: shape) == to - from else {
                    throw ModelError(
                        .malformed, "\(file): tensor \(name): \(to - from) bytes do not make \(type) \(shape)")
                }
            }
            entries.append(Entry(name: name, type: type, shape: shape, range: start + from..<start + to))
        }
        return entries
    }
}

/// Reads small JSON files beside a model.
enum JSONFile {
    static let sizeLimit = 64 << 20

    static func read(_ path: FilePath) throws(ModelError) -> JSONValue { try document(path).root.value }

    /// The same without a tree, for what has many members.
    static func document(_ path: FilePath) throws(ModelError) -> JSONDocument {
        let file = try MappedFile.open(path)
        guard file.count <= sizeLimit else {
            throw ModelError(.malformed, "\(path): is \(file.count) bytes, too large for a configuration file")
        }
        do {
            return try file.whole().withBytes { bytes throws(JSONError) in try JSONDocument(parsing: bytes) }
        } catch let error as JSONError {
            throw ModelError(.malformed, "\(path): is not JSON: \(error)", cause: error)
        } catch let error as ModelError {
            throw error
        } catch {
            throw ModelError(.malformed, "\(path): \(error)", cause: error)
        }
    }
}

extension MappedFile {
    static func open(_ path: FilePath) throws(ModelError) -> MappedFile {
        do {
            return try MappedFile(path)
        } catch {
            throw ModelError(.unreadable, "\(error)", cause: error)
        }
    }

    func part(_ range: Range<Int>) throws(ModelError) -> MappedRegion {
        do {
            return try region(range)
        } catch {
            throw ModelError(.malformed, "\(error)", cause: error)
        }
    }

    func whole() throws(ModelError) -> MappedRegion { try part(0..<count) }
}
