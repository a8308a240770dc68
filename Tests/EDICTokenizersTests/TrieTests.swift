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

    @Test func tokensAreFoundByTheirBytes() throws {
        var generator = SeededGenerator(seed: 4)
        // Short ones are often equal, long ones differ in a byte or in length.
        let tokens: [[UInt8]?] = (0..<3000).map { _ in
            let length = [0, 1, 3, 7, 8, 9, 16, 40][Int(generator.next() % 8)]
            if generator.next() % 10 == 0 { return nil }
            return (0..<length).map { _ in generator.next() % 16 == 0 ? 0 : 97 }
        }
        let index = try Vocabulary(tokens).index()
        var first: [[UInt8]: UInt32] = [:]
        for (id, token) in tokens.enumerated() {
            if let token, !token.isEmpty, first[token] == nil { first[token] = UInt32(id) }
        }
        #expect(index.count == first.count && first.count > 300)
        for (token, id) in first { #expect(index.id(of: token.span) == id) }
        for missing in [[], [98], [UInt8](repeating: 97, count: 41)] as [[UInt8]] {
            #expect(index.id(of: missing.span) == nil)
        }
        #expect(try Vocabulary().index().id(of: [97].span) == nil)
    }

    @Test func piecesAreAnArray() throws {
        var generator = SeededGenerator(seed: 5)
        func piece() -> SentencePiece {
            let kinds = [SentencePiece.Kind.normal, .userDefined, .byte]
            return SentencePiece(
                bytes: (0..<Int(generator.next() % 5)).map { _ in UInt8.random(in: 97...122, using: &generator) },
                score: Double(generator.next() % 100), kind: kinds[Int(generator.next() % 3)])
        }
        var pieces: SentencePieces = []
        var array: [SentencePiece] = []
        for _ in 0..<200 {
            let low = Int.random(in: 0...array.count, using: &generator)
            let high = Int.random(in: low...min(array.count, low + 4), using: &generator)
            let new = (0..<Int(generator.next() % 6)).map { _ in piece() }
            pieces.replaceSubrange(low..<high, with: new)
            array.replaceSubrange(low..<high, with: new)
            pieces.append(new.first ?? piece())
            array.append(pieces[pieces.count - 1])
        }
        #expect(pieces.count == array.count && array.count > 200)
        for (one, other) in zip(pieces, array) {
            #expect(one.bytes == other.bytes && one.score == other.score && one.kind == other.kind)
        }
        let text = array.indices.map { array[$0].kind == .byte ? Vocabulary.unused : UInt32(array[$0].bytes.count) }
        #expect(pieces.textLengths == text)
    }
}
