import EDICStore
import SystemPackage
import Testing
import _EDICTestSupport

@testable import EDICTransformers

/// Damaged files end in one error or in a model, never in a crash.
@Suite struct HostileFileTests {
    enum Format: String, CaseIterable { case safetensors, gguf, marian, archive, shortlist }

    /// A small sound file of each format.
    static func sound(_ format: Format) -> [UInt8] {
        switch format {
        case .safetensors:
            let header =
                #"{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]}}"#
            return little(UInt64(header.utf8.count)) + Array(header.utf8) + [UInt8](repeating: 1, count: 32)
        case .gguf:
            var bytes: [UInt8] = Array("GGUF".utf8) + little(UInt32(3)) + little(UInt64(1)) + little(UInt64(2))
            bytes += text("general.architecture") + little(UInt32(8)) + text("llama")
            bytes += text("list") + little(UInt32(9)) + little(UInt32(8)) + little(UInt64(2)) + text("x") + text("yz")
            bytes += text("w") + little(UInt32(2)) + little(UInt64(32)) + little(UInt64(2)) + little(UInt32(8))
            bytes += little(UInt64(0))
            bytes += [UInt8](repeating: 0, count: (32 - bytes.count % 32) % 32)
            return bytes + [UInt8](repeating: 3, count: 68)
        case .marian:
            let items: [(name: String, type: UInt64, shape: [Int32], size: Int)] = [
                ("Wemb", 0x4101, [4, 8], 256), ("bias", 0x404, [1, 4], 16),
            ]
            var bytes = little(UInt64(1)) + little(UInt64(items.count))
            for item in items {
                bytes += little(UInt64(item.name.utf8.count + 1)) + little(item.type) + little(UInt64(item.shape.count))
                bytes += little(UInt64(item.size))
            }
            for item in items { bytes += Array(item.name.utf8) + [0] }
            for item in items { for extent in item.shape { bytes += little(extent) } }
            bytes += little(UInt64(5)) + [0, 0, 0, 0, 0]
            for item in items { bytes += [UInt8](repeating: 7, count: item.size) }
            return bytes
        case .archive:
            let array: [UInt8] =
                [0x93] + Array("NUMPY".utf8) + [1, 0] + little(UInt16(70))
                + Array("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }".utf8.prefix(70))
                + [UInt8](repeating: 32, count: 13) + [0, 0, 128, 63, 0, 0, 0, 64]
            let name = Array("w.npy".utf8)
            var bytes = little(UInt32(0x0403_4B50)) + [20, 0, 0, 0, 0, 0, 0, 0, 0, 0]
            bytes += little(UInt32(0)) + little(UInt32(array.count)) + little(UInt32(array.count))
            bytes += little(UInt16(name.count)) + little(UInt16(0)) + name + array
            let directory = bytes.count
            bytes += little(UInt32(0x0201_4B50)) + [20, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0] + little(UInt32(0))
            bytes += little(UInt32(array.count)) + little(UInt32(array.count)) + little(UInt16(name.count))
            bytes += [UInt8](repeating: 0, count: 12) + little(UInt32(0)) + name
            let size = bytes.count - directory
            bytes += little(UInt32(0x0605_4B50)) + [0, 0, 0, 0, 1, 0, 1, 0]
            return bytes + little(UInt32(size)) + little(UInt32(directory)) + [0, 0]
        case .shortlist:
            var body: [UInt8] = []
            for number in [UInt64(2), 2, 3, 2, 0, 1, 2] { body += little(number) }
            body += little(UInt32(5)) + little(UInt32(6))
            var hash: UInt64 = 0
            for start in stride(from: 0, to: body.count, by: 8) {
                let word = body.span.littleEndian(UInt64.self, at: start)
                hash ^= word &+ 0x9E37_79B9 &+ (hash << 6) &+ (hash >> 2)
            }
            return little(LexicalShortlist.magic) + little(hash) + body
        }
    }

    private static func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        (0..<MemoryLayout<T>.size).map { UInt8(truncatingIfNeeded: value >> T(8 * $0)) }
    }

    private static func text(_ text: String) -> [UInt8] { little(UInt64(text.utf8.count)) + Array(text.utf8) }

    /// How many parts the reader found.
    static func read(_ bytes: [UInt8], _ format: Format) throws -> Int {
        switch format {
        case .safetensors: try Safetensors.header(of: bytes.span, file: "f").count
        case .gguf: try GGUF.header(of: bytes.span, name: "f").tensors.count
        case .marian: try MarianBinary.header(of: bytes.span, file: "f").count
        case .archive:
            try NumPyArchive.directory(of: bytes.span, file: "f").map { member in
                try NumPyArchive.arrayHeader(of: bytes.span.extracting(member.range), name: "f")
            }.count
        case .shortlist:
            try LexicalShortlist(bytes, file: "f", targetVocabulary: 16)
                .words(for: [0, 1, 9], vocabulary: 16, sharedVocabulary: true).count
        }
    }

    @Test(arguments: Format.allCases)
    func soundFilesAreRead(_ format: Format) throws {
        let counts: [Format: Int] = [.safetensors: 2, .gguf: 1, .marian: 2, .archive: 1, .shortlist: 8]
        #expect(try Self.read(Self.sound(format), format) == counts[format])
    }

    @Test(arguments: Format.allCases)
    func everyTruncationIsOneError(_ format: Format) {
        let bytes = Self.sound(format)
        for length in 0..<bytes.count {
            do {
                _ = try Self.read(Array(bytes[..<length]), format)
                Issue.record("\(format) cut to \(length) of \(bytes.count) bytes was read")
            } catch let error as ModelError {
                #expect(!error.message.contains("\n") && error.message.contains("f"))
            } catch {
                Issue.record("\(error)")
            }
        }
    }

    @Test(arguments: Format.allCases)
    func everyFlippedBitIsAnErrorOrAModel(_ format: Format) {
        let bytes = Self.sound(format)
        for bit in 0..<bytes.count * 8 {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << (bit % 8)
            do {
                _ = try Self.read(damaged, format)
            } catch {
                #expect(error is ModelError)
            }
        }
    }

    @Test func hugeClaimsAllocateNothing() {
        var gguf: [UInt8] = Array("GGUF".utf8) + [3, 0, 0, 0]
        gguf += [UInt8](repeating: 0xFF, count: 16)
        #expect(throws: ModelError.self) { try Self.read(gguf, .gguf) }
        #expect(throws: ModelError.self) { try Self.read([UInt8](repeating: 0xFF, count: 4096), .safetensors) }
        #expect(throws: ModelError.self) {
            try Self.read([1, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 0xFF, count: 64), .marian)
        }
    }

    /// Nothing else bounds the extents of a type that is not known.
    @Test func shapesOfUnknownTypesAreBounded() throws {
        let huge: UInt64 = 1 << 40
        var gguf: [UInt8] =
            Array("GGUF".utf8) + Self.little(UInt32(3)) + Self.little(UInt64(1)) + Self.little(UInt64(0))
        gguf +=
            Self.text("w") + Self.little(UInt32(2)) + Self.little(huge) + Self.little(huge) + Self.little(UInt32(99))
        gguf += Self.little(UInt64(0)) + [UInt8](repeating: 0, count: 64)
        let header = #"{"a":{"dtype":"F8_E4M3","shape":[\#(huge),\#(huge)],"data_offsets":[0,0]}}"#
        let safetensors = Self.little(UInt64(header.utf8.count)) + Array(header.utf8)
        for (bytes, format) in [(gguf, Format.gguf), (safetensors, .safetensors)] {
            let error = #expect(throws: ModelError.self) { try Self.read(bytes, format) }
            #expect(error?.code == .malformed && error?.message.contains("more numbers than can be") == true)
        }
    }

    /// A head of any size is refused before something is made for it.
    @Test func hugeHeadsAreRefused() throws {
        func number(_ key: String, _ value: UInt64) -> [UInt8] {
            Self.text(key) + Self.little(UInt32(10)) + Self.little(value)
        }
        var gguf: [UInt8] =
            Array("GGUF".utf8) + Self.little(UInt32(3)) + Self.little(UInt64(1)) + Self.little(UInt64(7))
        gguf += Self.text("general.architecture") + Self.little(UInt32(8)) + Self.text("llama")
        for (key, value) in [
            ("embedding_length", 32), ("block_count", 1), ("attention.head_count", 1), ("feed_forward_length", 32),
            ("attention.key_length", 1 << 40), ("rope.dimension_count", 1 << 40),
        ] as [(String, UInt64)] { gguf += number("llama.\(key)", value) }
        gguf +=
            Self.text("token_embd.weight") + Self.little(UInt32(2)) + Self.little(UInt64(32)) + Self.little(UInt64(2))
        gguf += Self.little(UInt32(8)) + Self.little(UInt64(0))
        gguf += [UInt8](repeating: 0, count: (32 - gguf.count % 32) % 32) + [UInt8](repeating: 3, count: 68)
        try withFolder { folder in
            let path = folder.appending("m.gguf")
            try writeFile(gguf, to: path)
            let error = #expect(throws: ModelError.self) { try DecoderShape(GGUF(path), pairing: .neighbours) }
            #expect(error?.message.contains("are not a real model") == true, "\(String(describing: error))")
        }
    }

    @Test(arguments: ["{{ messages", "{% for x in %}", "{% if a %}", "{{ a | nope }}", "{{ [1, }}", "{% nope %}"])
    func damagedTemplatesAreErrors(_ source: String) {
        #expect(throws: ModelError.self) {
            try ChatTemplate(source, file: "f", bos: nil, eos: nil).render([], addsGenerationPrompt: true)
        }
    }

    /// Where a format has checksums, damage in the numbers is found.
    @Test(.enabled(if: SharedData.isPresent)) func damagedNumbersOfAnArchiveAreFound() throws {
        let path = FilePath(SharedData.path("goldens/marian-ssru/model.npz"))
        let bytes = try readFile(path.string)
        let members = try NumPyArchive.directory(of: bytes.span, file: "f").filter { $0.name.hasSuffix(".npy") }
        for member in [members[0], members[members.count - 1]] {
            var damaged = bytes
            damaged[member.range.upperBound - 1] ^= 0x40
            try withFolder { folder in
                let copy = folder.appending("model.npz")
                try writeFile(damaged, to: copy)
                let error = #expect(throws: ModelError.self) { try NumPyArchive.tensors(in: copy) }
                #expect(error?.code == .malformed && error?.message.contains(member.name) == true)
            }
        }
    }

    /// A packed archive that is overwritten while its model is opened is an error, not the end of the process.
    @Test func anArchiveThatChangesIsNoticed() throws {
        let dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (20000,), }"
        var array: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(dictionary.utf8.count), 0]
        array += Array(dictionary.utf8) + [UInt8](repeating: 0, count: 80_000)
        // Deflate's blocks of bytes as they are.
        var packed: [UInt8] = []
        for start in stride(from: 0, to: array.count, by: 65535) {
            let block = array[start..<min(start + 65535, array.count)]
            let (low, high) = (UInt8(block.count & 0xFF), UInt8(block.count >> 8))
            packed += [block.endIndex == array.count ? 1 : 0, low, high, ~low, ~high] + block
        }
        func field(_ value: Int, _ size: Int) -> [UInt8] { (0..<size).map { UInt8(value >> (8 * $0) & 0xFF) } }
        let name = Array("w.npy".utf8)
        let figures =
            field(Int(Deflate.crc(of: array.span)), 4) + field(packed.count, 4) + field(array.count, 4)
            + field(name.count, 2)
        let local =
            field(0x0403_4B50, 4) + field(20, 2) + field(0, 2) + field(8, 2) + field(0, 4) + figures + field(0, 2)
        let entry =
            field(0x0201_4B50, 4) + field(20, 4) + field(0, 2) + field(8, 2) + field(0, 4) + figures + field(0, 16)
        let start = local.count + name.count + packed.count
        let end =
            field(0x0605_4B50, 4) + field(0, 4) + field(1, 2) + field(1, 2) + field(entry.count + name.count, 4)
            + field(start, 4) + field(0, 2)
        try withFolder { folder in
            let path = folder.appending("model.npz")
            try writeFile(local + name + packed + entry + name + end, to: path)
            let tensor = try NumPyArchive.tensors(in: path).required("w")
            #expect(try tensor.floats() == [Float](repeating: 0, count: 20000))
            tensor.release()
            let file = try FileDescriptor.open(path, .writeOnly)
            defer { try? file.close() }
            try file.writeAll(toAbsoluteOffset: Int64(start / 2), [UInt8](repeating: 1, count: 4))
            let changed = #expect(throws: ModelError.self) { _ = try tensor.floats() }
            #expect(changed?.code == .malformed && changed?.message.contains("was changed") == true)
        }
    }

    /// Weights that are no numbers are an error, not empty lines or ordinary vectors.
    @Test(.enabled(if: SharedData.isPresent), arguments: ["llama/gqa", "marian/base-swish", "bert"])
    func weightsThatAreNoNumbersAreNoticed(_ name: String) throws {
        let golden = FilePath(SharedData.path("goldens/" + name))
        try withFolder { folder in
            for file in [
                "config.json", "generation_config.json", "tokenizer.json", "source.spm", "target.spm", "vocab.json",
            ] where FileTree.exists(golden.appending(file)) {
                try FileTree.linkOrCopy(golden.appending(file), to: folder.appending(file))
            }
            var bytes = try readFile(golden.appending("model.safetensors").string)
            let start = 8 + Int(bytes.span.littleEndian(UInt64.self, at: 0))
            bytes.replaceSubrange(start..., with: [UInt8](repeating: 0xFF, count: bytes.count - start))
            try writeFile(bytes, to: folder.appending("model.safetensors"))
            var uses: [() throws -> Void] = []
            switch name {
            case "bert":
                let embedder = try TextEmbedder(folder: folder)
                uses = [{ _ = try embedder.embed(["The budget"]) }]
            case "llama/gqa":
                let model = try CausalLanguageModel(path: folder, pool: nil)
                uses = [1, 2].map { beams in
                    { _ = try model.generate("The budget", options: .init(maximumTokens: 2, beamSize: beams)) }
                }
                uses.append { _ = try model.score(tokens: model.tokens(of: "The budget")) }
            default:
                let model = try TranslationModel(folder: folder)
                uses = [{ _ = try model.translate(["The budget"]) }]
            }
            for use in uses {
                let error = #expect(throws: ModelError.self) { try use() }
                #expect(error?.code == .malformed && error?.message.contains("no number") == true)
            }
        }
    }

    /// A directory may name the same bytes as often as it likes.
    @Test(.enabled(if: SharedData.isPresent)) func overlappingMembersOfAnArchiveAreRefused() throws {
        var bytes = try readFile(SharedData.path("goldens/marian-ssru/model.npz"))
        let entries = bytes.indices.dropLast(3).filter { Array(bytes[$0..<$0 + 4]) == [0x50, 0x4B, 1, 2] }
        #expect(entries.count > 2)
        for byte in 42..<46 { bytes[entries[1] + byte] = bytes[entries[0] + byte] }
        let error = #expect(throws: ModelError.self) { try NumPyArchive.directory(of: bytes.span, file: "f") }
        #expect(error?.code == .malformed && error?.message.contains("one over the other") == true)
    }
}
