import EDICJSON
import EDICNumerics
import SystemPackage
import Testing
import _EDICTestSupport

@testable import EDICTransformers

/// A folder of expected numbers.
struct Golden {
    let folder: FilePath
    let json: JSONValue

    init(_ name: String) throws {
        folder = FilePath(SharedData.path("goldens/" + name))
        json = try JSONFile.read(folder.appending("golden.json"))
    }

    func configuration() throws -> ModelConfiguration { try ModelConfiguration(folder.appending("config.json")) }

    func tensors() throws -> TensorCollection { try Safetensors.tensors(in: folder.appending("model.safetensors")) }

    /// The numbers of an `.npy` file, with the rows of its last two dimensions.
    func matrix(_ name: String) throws -> Matrix {
        let path = folder.appending(name + ".npy")
        let file = try MappedFile.open(path)
        let (shape, values) = try file.whole().withBytes { bytes throws(ModelError) in
            let header = try NumPyArchive.arrayHeader(of: bytes, name: name)
            let count = header.shape.reduce(1, *)
            return (
                header.shape,
                (0..<count).map {
                    Float(bitPattern: bytes.littleEndian(UInt32.self, at: header.range.lowerBound + 4 * $0))
                }
            )
        }
        let columns = shape.last ?? 1
        return Matrix(rows: values.count / max(columns, 1), columns: columns, values: values)
    }

    func tokens(_ key: String) -> [Int] { json[key]?.array?.compactMap(\.int) ?? [] }
    func tokenLists(_ key: String) -> [[Int]] { json[key]?.array?.map { $0.array?.compactMap(\.int) ?? [] } ?? [] }
}

/// The largest difference of two matrices of the same shape.
func largestDifference(_ a: Matrix, _ b: Matrix) -> Float {
    guard a.rows == b.rows, a.columns == b.columns else { return .infinity }
    return zip(a.values, b.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
}

/// A folder for a test, removed after it.
func withFolder(_ body: (FilePath) throws -> Void) throws {
    let folder = try TemporaryFolder()
    try body(FilePath(folder.path))
}

func writeFile(_ bytes: [UInt8], to path: FilePath) throws {
    let file = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite])
    try file.closeAfter { _ = try unsafe bytes.withUnsafeBytes { unsafe try file.writeAll($0) } }
}
