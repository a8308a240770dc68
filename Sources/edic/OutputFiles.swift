import EDICStore
import SystemPackage

/// The files that a command writes.
enum OutputFiles {
    /// Refuses to write a file that the command reads: what was in it would be lost. A file is the same under whatever name, and
    /// also as standard input.
    ///
    /// - Parameters:
    ///   - outputs: those that are given.
    ///   - inputs: names of files, or `-` for standard input.
    static func check(_ outputs: [String?], apartFrom inputs: [String]) throws {
        let outputs = outputs.compactMap(\.self)
        for (index, output) in outputs.enumerated() {
            for input in inputs where isSame(output, input == "-" ? "/dev/stdin" : input) {
                let name = input == "-" ? "standard input" : input
                throw CommandFailure(.usage, "\(output): would replace \(name), which is read; write another file")
            }
            for other in outputs[..<index] where isSame(output, other) || isSamePath(output, other) {
                throw CommandFailure(.usage, "\(output): would be written twice; give each output a name of its own")
            }
        }
    }

    private static func isSame(_ first: String, _ second: String) -> Bool {
        guard let first = try? FileTree.stamp(of: FilePath(first)),
            let second = try? FileTree.stamp(of: FilePath(second))
        else { return false }
        return first.device == second.device && first.inode == second.inode
    }

    private static func isSamePath(_ first: String, _ second: String) -> Bool {
        FilePath.absolute(first) == FilePath.absolute(second)
    }
}
