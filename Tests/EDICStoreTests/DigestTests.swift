import EDICStore
import Testing
import _EDICTestSupport

struct DigestTests {
    @Test func agreesWithTheStandard() {
        #expect(
            Digest(of: "abc").description == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(Digest(of: "").description == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test func piecesDoNotMatter() {
        var random = SeededGenerator(seed: 1)
        let bytes = (0..<5000).map { _ in UInt8.random(in: 0...255, using: &random) }
        for _ in 0..<20 {
            var builder = Digest.Builder()
            var position = 0
            while position < bytes.count {
                let end = min(bytes.count, position + Int.random(in: 0...700, using: &random))
                builder.update(bytes.span.extracting(position..<end))
                position = end
            }
            #expect(builder.current() == Digest(of: bytes.span))
            #expect(builder.finalize() == Digest(of: bytes.span))
        }
    }

    @Test func oneBuilderMakesManyDigests() {
        var builder = Digest.Builder()
        for text in ["abc", "", "abc", String(repeating: "Europe ", count: 100)] {
            builder.update(text)
            #expect(builder.next() == Digest(of: text))
        }
        let digest = Digest(of: "abc")
        #expect(digest.prefix128.high == 0xba78_16bf_8f01_cfea && digest.prefix128.low == 0x4141_40de_5dae_2223)
        #expect(digest.prefix128.high == digest.prefix64)
    }

    @Test func hexRoundTripsAndRejects() throws {
        let digest = Digest(of: "Strasbourg")
        #expect(Digest(hex: digest.description) == digest)
        #expect(Digest(hex: digest.description.uppercased()) == digest)
        #expect(Digest(bytes: digest.bytes.span) == digest)
        for bad in [
            "", "ab", String(digest.description.dropLast()), digest.description + "00",
            String(repeating: "g", count: 64),
        ] {
            #expect(Digest(hex: bad) == nil)
        }
    }

    @Test func comparesAsBytes() {
        let digests = (0..<200).map { Digest(of: "\($0)") }
        #expect(digests.sorted().map(\.description) == digests.map(\.description).sorted())
        #expect(Set(digests).count == 200)
    }

    @Test func ofAFile() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Array("abc".utf8), to: "x")
        #expect(try Digest.ofFile(path) == Digest(of: "abc"))
        #expect(storeError { _ = try Digest.ofFile(folder.file("none")) }?.code == .notFound)
        #expect(storeError { _ = try Digest.ofFile(folder.root) }?.code == .notFound)
    }
}
