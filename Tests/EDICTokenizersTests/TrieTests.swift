import Testing
import _EDICTestSupport

@testable import EDICTokenizers

@Suite struct TrieTests {
    @Test func keysOfAnyOrderAreFound() throws {
        var generator = SeededGenerator(seed: 3)
        // Few letters and zeros: many keys are equal, begin with another, or differ only in zeros at their ends.
        var entries: [(key: [UInt8], id: UInt32, score: Double)] = (0..<2000).map { index in
            let length = Int(generator.next() % 14)
            let key = (0..<length).map { _ in [0, 97, 98, 255][Int(generator.next() % 4)] as UInt8 }
            return (key, UInt32(index), 0)
        }
        entries.append((Array("harbour".utf8) + [UInt8](repeating: 32, count: 60), 5000, 0))
        entries.append((Array("harbour".utf8) + [UInt8](repeating: 32, count: 61), 5001, 0))
        let trie = try Trie(entries)
        var first: [[UInt8]: UInt32] = [:]
        for entry in entries where !entry.key.isEmpty && first[entry.key] == nil { first[entry.key] = entry.id }
        #expect(trie.count == first.count && first.count > 1000)
        for (key, id) in first { #expect(trie.id(of: key.span) == id) }
        #expect(trie.id(of: [97, 99].span) == nil && trie.id(of: [UInt8]().span) == nil)
        #expect(try Trie([]).id(of: [97].span) == nil)
    }
}
