import Glibc
import SystemPackage
import Testing
import _EDICTestSupport

/// Calls `body` with the path of a new folder, removed afterwards with the files in it.
func withTemporaryFolder<Result>(_ body: (FilePath) throws -> Result) throws -> Result {
    let path = FilePath("/tmp").appending("edic-ngram-tests-\(UInt64.random(in: .min ... .max))")
    try makeFolder(path)
    defer { removeFolder(path) }
    return try body(path)
}

private func makeFolder(_ path: FilePath) throws {
    try #require(unsafe path.withPlatformString { unsafe mkdir($0, 0o700) } == 0)
}

private func removeFolder(_ path: FilePath) {
    guard let folder = unsafe path.withPlatformString({ unsafe opendir($0) }) else { return }
    while let entry = unsafe readdir(folder) {
        let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        _ = unsafe path.appending(name).withPlatformString { unsafe unlink($0) }
    }
    unsafe closedir(folder)
    _ = unsafe path.withPlatformString { unsafe rmdir($0) }
}

func bytes(of path: FilePath) throws -> [UInt8] {
    let file = try FileDescriptor.open(path, .readOnly)
    defer { try? file.close() }
    var all: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = try unsafe chunk.withUnsafeMutableBytes { try unsafe file.read(into: $0) }
        if count == 0 { return all }
        all += chunk.prefix(count)
    }
}

func write(_ bytes: [UInt8], to path: FilePath) throws {
    let file = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .truncate], permissions: [.ownerReadWrite])
    defer { try? file.close() }
    try file.writeAll(bytes)
}

/// Sentences of invented words whose frequencies fall off as words' do.
func sampleText(lines: Int, seed: UInt64, words: Int = 60) -> String {
    var generator = SeededGenerator(seed: seed)
    var text = ""
    for _ in 0..<lines {
        var previous = 0
        for _ in 0..<Int.random(in: 0...9, using: &generator) {
            let limit = Int.random(in: 1...words, using: &generator)
            // Words tend to follow their neighbours, so that long n-grams come back.
            previous =
                Bool.random(using: &generator)
                ? (previous * 7 + 3) % words : Int.random(in: 0..<limit, using: &generator)
            text += "w\(previous) "
        }
        text += "\n"
    }
    return text
}
