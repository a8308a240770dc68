import EDICNgram
import SystemPackage
import Testing
import _EDICTestSupport

/// Spoilt files of every format: an error of one line that names the file, or a model that still answers. `Tools/fuzz-lm`
/// does the same a thousand times over, with limits on time and memory.
@Suite struct MutationTests {
    /// Sound files, one of each format.
    private func samples(_ folder: FilePath) throws -> [(name: String, bytes: [UInt8])] {
        let path = folder.appending("golden")
        try write(bytes(ofBase64: KenLMGoldens.all[1].file), to: path)
        let model = try NgramModel(contentsOf: path)
        var samples = KenLMGoldens.all.map { (name: $0.options, bytes: bytes(ofBase64: $0.file)) }
        for name in ["m.arpa", "m.arpa.gz", "m.arpa.zst", "m.edlm", "q.edlm"] {
            let path = folder.appending(name)
            try model.write(
                to: path, as: name.contains("arpa") ? .arpa : .edic,
                quantisation: name == "q.edlm" ? NgramQuantisation() : nil)
            samples.append((name, try bytes(of: path)))
        }
        return samples
    }

    private func spoil(
        _ sound: [UInt8], _ generator: inout SeededGenerator, _ isOwn: Bool
    ) -> [UInt8] {
        var bytes = sound
        let head = min(bytes.count, 512)
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<6, using: &generator) {
        case 0:
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            }
        case 1: bytes[place % head] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 2: bytes.removeLast(place)
        case 3:
            // A huge number in the header.
            let huge: [UInt64] = [0, 0xFFFF_FFFF, 1 << 36, 1 << 61, .max, 1 << 63, 0x7FFF_FFFF]
            let value = huge.randomElement(using: &generator) ?? 0
            for byte in 0..<8 where place % head / 8 * 8 + byte < bytes.count {
                bytes[place % head / 8 * 8 + byte] = UInt8(truncatingIfNeeded: value >> UInt64(8 * byte))
            }
        case 4:
            let end = min(bytes.count, place + 100)
            let filler = UInt8.random(in: 0...255, using: &generator)
            for index in place..<end { bytes[index] = filler }
        default:
            let end = min(bytes.count, place + 40)
            for index in place..<end { bytes[index] = .random(in: 0...255, using: &generator) }
        }
        if isOwn, Bool.random(using: &generator) { Self.check(&bytes) }
        return bytes
    }

    /// Gives a header of the module's own format the checksum that it should have.
    private static func check(_ bytes: inout [UInt8]) {
        func number(_ place: Int) -> UInt64 { (0..<8).reduce(0) { $0 | UInt64(bytes[place + $1]) << UInt64(8 * $1) } }
        guard bytes.count >= 32, number(24) <= UInt64(bytes.count) else { return }
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for place in 0..<Int(number(24)) where !(16..<24).contains(place) {
            hash = (hash ^ UInt64(bytes[place])) &* 0x100_0000_01B3
        }
        for byte in 0..<8 { bytes[16 + byte] = UInt8(truncatingIfNeeded: hash >> UInt64(8 * byte)) }
    }

    /// Spoilt copies of each format: few, or as many as the environment asks for.
    private static let rounds = environment("EDIC_MUTATIONS").flatMap { Int($0) } ?? 30

    @Test func spoiltFilesAreRefusedOrAnswer() throws {
        try withTemporaryFolder { folder in
            for (name, sound) in try samples(folder) {
                var generator = SeededGenerator(seed: 11)
                let path = folder.appending("spoilt")
                var (refused, answered) = (0, 0)
                for round in 0..<Self.rounds {
                    try write(spoil(sound, &generator, name.hasSuffix("edlm")), to: path)
                    do {
                        let model = try NgramModel(contentsOf: path)
                        _ = model.query(Array(KenLMGoldens.text.utf8).span)
                        _ = model.mostProbableWords(after: model.beginSentenceState, count: 3)
                        _ = model.word(of: 7)
                        answered += 1
                        if round % 4 == 0 { try model.write(to: folder.appending("out"), as: .arpa) }
                    } catch let error as NgramError {
                        refused += 1
                        #expect(error.message.contains("spoilt"), "\(name): \(error.message)")
                        #expect(!error.message.contains("\n"), "\(name): \(error.message)")
                    }
                }
                // Compressed files carry a checksum.
                let isCompressed = name.hasSuffix(".gz") || name.hasSuffix(".zst")
                #expect(refused > 0 && (answered > 0 || isCompressed), "\(name)")
            }
        }
    }
}
