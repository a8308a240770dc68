internal import EDICNumerics
internal import SystemPackage

/// Reads small text files beside a model.
enum TextFile {
    static func read(_ path: FilePath) throws(ModelError) -> String {
        let file = try MappedFile.open(path)
        guard file.count <= JSONFile.sizeLimit else {
            throw ModelError(.malformed, "\(path): is \(file.count) bytes, too large for a text beside a model")
        }
        return try file.whole().withBytes { $0.text(in: 0..<$0.count) }
    }
}
