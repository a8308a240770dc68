import EDICStore
import SystemPackage
import Testing
import _EDICTestSupport

/// Every Swift block of the documentation is code of this target: between `// Example:` and `// End of example`, in a
/// function that runs where it can. So an example that no longer compiles fails the build, and one that was changed on
/// one side only fails here.
@Suite struct ExampleChecks {
    static let root = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()

    struct Block {
        var place: String
        var lines: [Substring]
    }

    /// The lines between `begin` and `end`, without the indentation that they share.
    static func blocks(
        in file: FilePath, from begin: (Substring) -> Bool, to end: (Substring) -> Bool
    ) throws -> [Block] {
        let text = String(decoding: try readFile(file.string), as: UTF8.self)
        var blocks: [Block] = []
        var open: Block?
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if let block = open {
                if end(line) {
                    blocks.append(Block(place: block.place, lines: outdented(block.lines)))
                    open = nil
                } else {
                    open?.lines.append(line)
                }
            } else if begin(line) {
                open = Block(place: "\(file.lastComponent?.string ?? ""):\(number + 1)", lines: [])
            }
        }
        #expect(open == nil, "\(open?.place ?? ""): a block has no end")
        return blocks
    }

    private static func outdented(_ lines: [Substring]) -> [Substring] {
        let depth = lines.filter { !$0.isEmpty }.map { $0.prefix { $0 == " " }.count }.min() ?? 0
        return lines.map { $0.dropFirst(depth) }
    }

    static func documented() throws -> [Block] {
        var pages = [root.appending("README.md")]
        pages += try FileTree.files(under: root.appending("Sources")).filter {
            $0.extension == "md" && $0.components.contains { $0.extension == "docc" }
        }
        return try pages.flatMap { page in
            try blocks(in: page, from: { $0 == "```swift" }, to: { $0 == "```" })
        }
    }

    @Test func everyExampleIsCompiled() throws {
        let files = try FileTree.files(under: FilePath(#filePath).removingLastComponent())
        let compiled = try files.filter { $0.extension == "swift" }.flatMap { file in
            try Self.blocks(
                in: file, from: { $0.drop { $0 == " " }.hasPrefix("// Example:") },
                to: { $0.drop { $0 == " " } == "// End of example" })
        }
        let imports = try Set(
            files.flatMap { file in
                String(decoding: try readFile(file.string), as: UTF8.self).split(separator: "\n")
                    .filter { $0.hasPrefix("import ") }
            })
        let documented = try Self.documented()
        #expect(documented.count >= 10)
        for block in documented {
            // Imports stand at the top of a file.
            for line in block.lines where line.hasPrefix("import ") {
                #expect(imports.contains(line), "\(block.place): \(line) is imported nowhere in EDICExampleTests")
            }
            let code = Array(block.lines.drop { $0.isEmpty || $0.hasPrefix("import ") })
            #expect(
                compiled.contains { $0.lines == code },
                "\(block.place): this example is compiled nowhere; put the same lines into Tests/EDICExampleTests")
        }
        let texts = Set(documented.map { Array($0.lines.drop { $0.isEmpty || $0.hasPrefix("import ") }) })
        for block in compiled {
            #expect(texts.contains(block.lines), "\(block.place): no page shows this example any more")
        }
    }

    @Test func everyLibraryHasAWorkedExample() throws {
        let pages = try FileTree.files(under: Self.root.appending("Sources"))
        let libraries = Set(
            pages.compactMap { page in
                page.components.map(\.string).first { $0.hasPrefix("EDIC") && !$0.contains(".") }
            })
        let withExample = try Set(
            pages.filter { $0.extension == "md" }.compactMap { page -> String? in
                let folder = page.components.map(\.string).first { $0.hasSuffix(".docc") }
                let text = String(decoding: try readFile(page.string), as: UTF8.self)
                return text.contains("\n```swift\n") ? folder.map { String($0.dropLast(".docc".count)) } : nil
            })
        #expect(libraries.count >= 11)
        #expect(libraries.subtracting(withExample).isEmpty, "a catalogue has no worked example")
    }
}
