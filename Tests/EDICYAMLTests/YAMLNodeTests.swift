import EDICYAML
import Testing

@Suite struct YAMLNodeTests {
    @Test func valuesHaveTheLineTheyBeginOn() throws {
        let text = """
            # a comment
            id: minutes
            quoted: "yes"

            files:
              - path: a.txt
                format: text
              - {path: b.txt}
            folded: >
              one
              two
            empty:
            """
        let node = try #require(try YAMLNode(parsing: text))
        #expect(node.line == 2)
        #expect(node.members?.compactMap(\.key.text) == ["id", "quoted", "files", "folded", "empty"])
        #expect(node["id"]?.text == "minutes")
        #expect(node["id"]?.isPlain == true)
        #expect(node["quoted"]?.text == "yes")
        #expect(node["quoted"]?.isPlain == false)
        #expect(node["quoted"]?.line == 3)
        let files = try #require(node["files"]?.elements)
        #expect(files.map(\.line) == [6, 8])
        #expect(files[1]["path"]?.text == "b.txt")
        #expect(node["folded"]?.text == "one two\n")
        #expect(node["empty"]?.text == "")
        #expect(node["missing"] == nil)
        #expect(node["id"]?["inner"] == nil)
    }

    @Test func aByteOrderMarkIsNoPartOfAKey() throws {
        for text in ["a: 1\n", "# remark\na: 1\n"] {
            #expect(try YAMLNode(parsing: "\u{FEFF}" + text)?.members?.map(\.key.text) == ["a"])
        }
    }

    @Test(arguments: ["", "# nothing\n", "\n\n"]) func nothingIsNoNode(_ text: String) throws {
        #expect(try YAMLNode(parsing: text) == nil)
    }

    @Test func aliasesStandForWhatTheyName() throws {
        let node = try YAMLNode(parsing: "a: &x [1, 2]\nb: *x\nc: &x 3\nd: *x")
        #expect(node?["b"]?.elements?.compactMap(\.text) == ["1", "2"])
        #expect(node?["b"]?.line == 2)
        #expect(node?["d"]?.text == "3")
    }

    @Test(arguments: [
        ("a: [1, 2\nb: 3", YAMLError.Code.malformed, 2),
        ("a: *unknown", .malformed, 1),
        ("a: &a [*a]", .malformed, 1),
        ("a: 1\n---\nb: 2", .malformed, 2),
        ("a: 1\nb: 2\na: 3", .repeatedKey, 3),
        ("\ta: 1", .malformed, 1),
        ("a: \u{1}", .malformed, 1),
    ])
    func saysWhereAndWhat(_ text: String, _ code: YAMLError.Code, _ line: Int) throws {
        let error = try #require(throws: YAMLError.self) { try YAMLNode(parsing: text) }
        #expect(error.code == code, "\(error)")
        #expect(error.line == line, "\(error)")
        #expect(!error.message.isEmpty && !error.message.contains("\n"))
    }

    @Test func nestingHasALimit() throws {
        let fits = String(repeating: "[", count: 8) + String(repeating: "]", count: 8)
        #expect(try YAMLNode(parsing: fits, depthLimit: 8) != nil)
        let error = try #require(throws: YAMLError.self) { try YAMLNode(parsing: fits, depthLimit: 7) }
        #expect(error.code == .tooLarge)
        // Would overflow the stack, or take quadratic time.
        for opening in ["[", "{", "- ", "? "] {
            let error = try #require(throws: YAMLError.self) {
                try YAMLNode(parsing: String(repeating: opening, count: 1_000_000))
            }
            #expect(error.code == .tooLarge, "\(opening): \(error)")
        }
    }

    @Test func aliasesOfAliasesHaveALimit() throws {
        var text = "a0: &a0 [1, 1]\n"
        for level in 1...40 { text += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
        let error = try #require(throws: YAMLError.self) { try YAMLNode(parsing: text) }
        #expect(error.code == .tooLarge)
        #expect((15...21).contains(error.line), "\(error)")
    }
}
