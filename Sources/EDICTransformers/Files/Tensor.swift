internal import EDICNumerics
internal import Synchronization

/// A named array of numbers in a model file.
public struct Tensor: Sendable {
    /// Where the numbers are.
    enum Storage: Sendable {
        case mapped(MappedRegion)
        case owned([UInt8])
        case unpacked(Unpacked, Range<Int>)
    }

    /// What a file holds deflated: unpacked when it is opened, to be checked, and let go once it has been used.
    final class Unpacked: Sendable {
        private let bytes: Mutex<[UInt8]?>
        private let unpack: @Sendable () throws(ModelError) -> [UInt8]

        /// - Parameter unpack: makes the same bytes anew, or finds that the file has changed.
        init(_ bytes: [UInt8], again unpack: @escaping @Sendable () throws(ModelError) -> [UInt8]) {
            self.bytes = Mutex(bytes)
            self.unpack = unpack
        }

        func all() throws(ModelError) -> [UInt8] {
            try bytes.withLock { bytes throws(ModelError) in
                let all = if let bytes { bytes } else { try unpack() }
                bytes = all
                return all
            }
        }

        func release() { bytes.withLock { $0 = nil } }
    }

    /// The bytes of the numbers, to be read in place.
    enum Bytes: Sendable {
        case mapped(MappedRegion)
        case held([UInt8], Range<Int>)

        func withBytes<Result, Failure: Error>(
            _ body: (Span<UInt8>) throws(Failure) -> Result
        ) throws(Failure) -> Result {
            switch self {
            case .mapped(let region): try region.withBytes(body)
            case .held(let bytes, let range): try body(bytes.span.extracting(range))
            }
        }

        /// The part of a mapped file that they are.
        var region: MappedRegion? {
            if case .mapped(let region) = self { region } else { nil }
        }
    }

    /// As its file has it.
    public let name: String
    /// The type of its elements.
    public let type: ElementType
    /// Extents, the slowest varying first (row-major), whatever order the file lists them in.
    public let shape: [Int]
    let storage: Storage
    /// The file, for messages.
    let file: String

    /// Numbers in all.
    public var elementCount: Int { shape.reduce(1, *) }

    /// Bytes in the file.
    public var byteCount: Int {
        switch storage {
        case .mapped(let region): region.count
        case .owned(let bytes): bytes.count
        case .unpacked(_, let range): range.count
        }
    }

    /// The bytes, unpacked anew where they were let go.
    ///
    /// - Throws: `malformed` where the file has changed since.
    func bytes() throws(ModelError) -> Bytes {
        switch storage {
        case .mapped(let region): .mapped(region)
        case .owned(let bytes): .held(bytes, bytes.indices)
        case .unpacked(let member, let range): .held(try member.all(), range)
        }
    }

    /// Whether another one has the same numbers in the same type and shape.
    func holdsTheSame(as other: Tensor) throws(ModelError) -> Bool {
        guard type == other.type, shape == other.shape else { return false }
        defer {
            release()
            other.release()
        }
        let others = try other.bytes()
        return try bytes().withBytes { own in
            others.withBytes { theirs in own.count == theirs.count && own.indices.allSatisfy { own[$0] == theirs[$0] } }
        }
    }

    /// Gives back the memory of what was read of a file: after packing, the numbers would be there twice.
    func release() {
        switch storage {
        case .mapped(let region): region.release()
        case .unpacked(let member, let range): if range.count > 1 << 16 { member.release() }
        case .owned: break
        }
    }

    /// Refuses a shape of more numbers than can be counted; of a type that is not known, nothing else bounds them.
    static func checkExtents(_ shape: [Int], _ name: String) throws(ModelError) {
        guard Int.checkedProduct(shape) != nil else {
            throw ModelError(.malformed, "\(name): has the shape \(shape), more numbers than can be")
        }
    }

    /// How many bytes a tensor of this type and shape takes, or nil where that overflows or the type is unknown.
    static func byteCount(of type: ElementType, shape: [Int]) -> Int? {
        guard let block = type.bytesPerBlock, let count = Int.checkedProduct(shape) else { return nil }
        if type.elementsPerBlock > 1 {
            guard let row = shape.last, row % type.elementsPerBlock == 0 else { return nil }
        }
        return Int.checkedProduct([count / type.elementsPerBlock, block])
    }
}

/// The tensors of a model, from one file or several.
public struct TensorCollection: Sendable {
    /// The file or folder, for messages.
    public let source: String
    private var tensors: [String: Tensor]
    /// The threads that pack what layers are made of; without them, the caller's does.
    var pool: WorkerPool?

    init(source: String, _ tensors: [Tensor]) {
        self.source = source
        self.tensors = Dictionary(tensors.map { ($0.name, $0) }, uniquingKeysWith: { _, last in last })
    }

    /// Those of several dimensions, in no order.
    var matrices: [Tensor] { tensors.values.filter { $0.shape.count > 1 } }

    /// The names of all tensors, in no order.
    var names: Dictionary<String, Tensor>.Keys { tensors.keys }

    /// All tensors, sorted by name.
    public var all: [Tensor] { tensors.values.sorted { $0.name < $1.name } }

    /// The tensor of this name, if there is one.
    public subscript(name: String) -> Tensor? { tensors[name] }

    /// Whether there is a tensor of this name.
    public func contains(_ name: String) -> Bool { tensors[name] != nil }

    /// The tensor of this name.
    func required(_ name: String) throws(ModelError) -> Tensor {
        guard let tensor = tensors[name] else {
            throw ModelError(.mismatch, "\(source): has no tensor \(name), which the model's family needs")
        }
        return tensor
    }
}
