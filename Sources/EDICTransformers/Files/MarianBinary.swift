internal import EDICNumerics
public import SystemPackage

/// Reads Marian's `.bin` files, mapped and not read.
///
/// Layout, all little-endian: version (u64, 1), count (u64), for each item its name's length, type, rank and data
/// length (u64 each), the names (NUL-terminated), the shapes (i32), the length of a padding (u64), the padding, the
/// data. An intgemm8 matrix is stored transposed, each output's weights in a row, and the float multiplier that turned
/// it into int8 follows its last number.
public enum MarianBinary {
    /// The item that holds the training options as YAML text.
    public static let optionsItem = "special:model.yml"

    /// The items of a file. The shapes are those the file gives: inputs × outputs.
    public static func tensors(in path: FilePath) throws(ModelError) -> TensorCollection {
        let file = try MappedFile.open(path)
        let entries = try file.whole().withBytes { bytes throws(ModelError) in
            try header(of: bytes, file: path.string)
        }
        var tensors: [Tensor] = []
        for entry in entries {
            let region = try file.part(entry.range)
            tensors.append(
                Tensor(
                    name: entry.name, type: entry.type, shape: entry.shape, storage: .mapped(region), file: path.string)
            )
        }
        return TensorCollection(source: path.string, tensors)
    }

    static func header(of bytes: Span<UInt8>, file: String) throws(ModelError) -> [Safetensors.Entry] {
        var cursor = ByteCursor(file: file)
        let version = try cursor.read(UInt64.self, from: bytes, "the version")
        guard version == 1 else {
            throw ModelError(.unsupported, "\(file): Marian binary version \(version); version 1 is read")
        }
        let count = try cursor.read(UInt64.self, from: bytes, "the number of items")
        guard count <= UInt64(bytes.count / 32) else {
            throw ModelError(.malformed, "\(file): claims \(count) items, more than fit in the file")
        }
        var items: [(name: UInt64, type: UInt64, rank: UInt64, size: UInt64)] = []
        for index in 0..<count {
            let name = try cursor.read(UInt64.self, from: bytes, "item \(index)")
            let type = try cursor.read(UInt64.self, from: bytes, "item \(index)")
            let rank = try cursor.read(UInt64.self, from: bytes, "item \(index)")
            let size = try cursor.read(UInt64.self, from: bytes, "item \(index)")
            guard name > 0, rank <= 8 else {
                throw ModelError(.malformed, "\(file): item \(index): a name of \(name) bytes, \(rank) dimensions")
            }
            items.append((name, type, rank, size))
        }
        var names: [String] = []
        for item in items {
            let range = try cursor.take(item.name, of: bytes, "the name of an item")
            names.append(bytes.text(in: range.lowerBound..<range.upperBound - 1))
        }
        var shapes: [[Int]] = []
        for (item, name) in zip(items, names) {
            var shape: [Int] = []
            for _ in 0..<item.rank {
                let extent = try cursor.read(Int32.self, from: bytes, "the shape of \(name)")
                guard extent >= 0 else {
                    throw ModelError(.malformed, "\(file): \(name): has an extent of \(extent)")
                }
                shape.append(Int(extent))
            }
            shapes.append(shape)
        }
        let padding = try cursor.read(UInt64.self, from: bytes, "the length of the padding")
        _ = try cursor.take(padding, of: bytes, "the padding")
        var entries: [Safetensors.Entry] = []
        for (index, item) in items.enumerated() {
            let range = try cursor.take(item.size, of: bytes, "the data of \(names[index])")
            let type = ElementType(marian: item.type)
            try Tensor.checkExtents(shapes[index], "\(file): \(names[index])")
            if type.bytesPerBlock != nil {
                let trailer = type == .intgemm8 ? 4 : 0
                guard let size = Tensor.byteCount(of: type, shape: shapes[index]), size + trailer <= range.count else {
                    throw ModelError(
                        .malformed,
                        "\(file): \(names[index]): \(range.count) bytes do not hold \(type) \(shapes[index])")
                }
                entries.append(
                    .init(
                        name: names[index], type: type, shape: shapes[index],
                        range: range.lowerBound..<range.lowerBound + size + trailer))
            } else {
                entries.append(.init(name: names[index], type: type, shape: shapes[index], range: range))
            }
        }
        return entries
    }
}
