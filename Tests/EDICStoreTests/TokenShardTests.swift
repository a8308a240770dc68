import EDICStore
import SystemPackage
import Testing
import _EDICTestSupport

struct TokenShardTests {
    @Test(arguments: [2, 1000, 65_536, 65_537, 5_000_000])
    func documentsComeBack(vocabularySize: Int) throws {
        let folder = try TemporaryFolder()
        let fixture = TokenFixture(count: 60, vocabularySize: vocabularySize, seed: 1)
        try fixture.write(to: folder.file("x"))
        let shard = try TokenShard(folder.file("x"))
        #expect(shard.documentCount == 60)
        #expect(shard.tokenWidth == (vocabularySize <= 65_536 ? 2 : 4))
        #expect(shard.vocabularySize == vocabularySize)
        #expect(shard.tokenizerDigest == TokenFixture.tokenizer)
        #expect(shard.tokenCount == fixture.documents.reduce(0) { $0 + $1.count })
        for (number, document) in fixture.documents.enumerated() {
            #expect(try shard.document(at: number) == document)
            #expect(try shard.document(id: fixture.id(number)) == document)
        }
        #expect(try shard.document(id: "nobody") == nil)
        #expect(storeError { _ = try shard.document(at: 60) }?.code == .notFound)
    }

    @Test func anyRangeComesBack() throws {
        let folder = try TemporaryFolder()
        let fixture = TokenFixture(count: 40, vocabularySize: 300, seed: 2)
        try fixture.write(to: folder.file("x"))
        let shard = try TokenShard(folder.file("x"))
        let all = fixture.documents.flatMap { $0 }
        var random = SeededGenerator(seed: 2)
        for _ in 0..<100 {
            let start = Int.random(in: 0...all.count, using: &random)
            let range = start..<Int.random(in: start...all.count, using: &random)
            #expect(try shard.tokens(in: range) == Array(all[range]))
        }
        #expect(storeError { _ = try shard.tokens(in: 0..<(all.count + 1)) }?.code == .invalidArgument)
        #expect(storeError { _ = try shard.tokens(in: -1..<1) }?.code == .invalidArgument)
    }

    @Test func documentsStreamFromAnywhere() throws {
        let folder = try TemporaryFolder()
        let fixture = TokenFixture(count: 50, vocabularySize: 70_000, seed: 3)
        let dictionary = try ZstdDictionary.train(samples: RowFixture(count: 400, seed: 6).rows, capacity: 2000)
        try fixture.write(to: folder.file("x"), dictionary: dictionary)
        let shard = try TokenShard(folder.file("x"))
        #expect(shard.dictionary == dictionary)
        for first in [0, 1, 22, 49, 50] {
            var documents = shard.documents(from: first)
            var expected = first
            while try documents.advance() {
                #expect(documents.number == expected)
                documents.withTokens { tokens in
                    #expect(fixture.documents[expected] == tokens.indices.map { tokens[$0] })
                }
                expected += 1
            }
            #expect(expected == 50)
        }
    }

    @Test func frameBordersAreDocumentBordersWhereTheyCanBe() throws {
        let folder = try TemporaryFolder()
        let fixture = TokenFixture(count: 200, vocabularySize: 100, seed: 4)
        // 150 tokens a frame; documents have at most 60 tokens, or 700.
        try fixture.write(to: folder.file("x"), frameSize: 300)
        let reader = try SeekableReader(folder.file("x"))
        var borders: Set<Int> = []
        for frame in 0..<reader.frameCount { borders.insert(reader.contentRange(ofFrame: frame).lowerBound / 2) }
        var start = 0
        for document in fixture.documents {
            let inside = borders.filter { $0 > start && $0 < start + document.count }.count
            #expect(inside == (document.count > 150 ? 4 : 0))
            start += document.count
        }
    }

    @Test func tokensOutsideTheVocabularyAreRefused() throws {
        let folder = try TemporaryFolder()
        var writer = try TokenShardWriter(folder.file("x"), vocabularySize: 10, tokenizer: TokenFixture.tokenizer)
        var code: StoreError.Code?
        do { try writer.append([9, 10].span, id: "a") } catch { code = error.code }
        #expect(code == .invalidArgument)
        try writer.append([9, 0].span, id: "b")
        #expect(writer.documentCount == 1)
        try writer.finish()
        #expect(try TokenShard(folder.file("x")).document(at: 0) == [9, 0])
    }

    @Test func anEmptyShardIsAShard() throws {
        let folder = try TemporaryFolder()
        try TokenFixture(count: 0, vocabularySize: 5, seed: 0).write(to: folder.file("x"))
        let shard = try TokenShard(folder.file("x"))
        #expect(shard.tokenCount == 0)
        #expect(try shard.tokens(in: 0..<0) == [])
    }
}
