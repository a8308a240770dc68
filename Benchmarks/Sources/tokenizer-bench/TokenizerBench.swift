// tokenizer-bench encode TOKENIZER TEXT [THREADS] [docs|lines|file] [MB]   cold and warm MB/s, and a checksum of the ids
// tokenizer-bench ids TOKENIZER TEXT [zero]                                a JSON list of ids for each line, or each text
//                                                                          that ends with NUL
// tokenizer-bench encodings TOKENIZER TEXT                                 for each text that ends with the byte FF, or pair with
//                                                                          FE between: ids, offsets in characters and types,
//                                                                          with special tokens and without; the decoded bytes
// tokenizer-bench damage TOKENIZER COUNT [SEED]                            reads COUNT spoiled copies of the file
import EDICNumerics
import EDICTokenizers
import Glibc
import SystemPackage

@main struct TokenizerBench {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 4 else {
            print("usage: tokenizer-bench encode|ids|encodings TOKENIZER TEXT [THREADS] [docs|lines|file] [MB]")
            print("       tokenizer-bench damage TOKENIZER COUNT [SEED]")
            exit(64)
        }
        if arguments[1] == "damage" {
            readDamaged(
                FilePath(arguments[2]), count: Int(arguments[3]) ?? 1000,
                seed: arguments.count > 4 ? UInt64(arguments[4]) ?? 1 : 1)
            return
        }
        let tokenizer = FilePath(arguments[2])
        if arguments[1] == "ids" {
            let loaded = try Tokenizer(contentsOf: tokenizer)
            var out = ""
            let separator: UInt8 = arguments.count > 4 && arguments[4] == "zero" ? 0 : 10
            for line in read(arguments[3], limit: .max).split(separator: separator, omittingEmptySubsequences: false) {
                let ids = loaded.encode(Array(line).span, addingSpecialTokens: false, specialTokens: .ordinaryText)
                out += "[" + ids.map(String.init).joined(separator: ", ") + "]\n"
                if out.utf8.count > 1 << 20 {
                    print(out, terminator: "")
                    out = ""
                }
            }
            print(out, terminator: "")
            return
        }
        if arguments[1] == "encodings" { return try printEncodings(tokenizer, read(arguments[3], limit: .max)) }
        let threads = arguments.count > 4 ? Int(arguments[4]) ?? 1 : 1
        let shape = arguments.count > 5 ? arguments[5] : "docs"
        let megabytes = arguments.count > 6 ? Double(arguments[6]) ?? 20 : 20
        let bytes = read(arguments[3], limit: Int(megabytes * 1e6))
        let ranges = documents(bytes, shape)
        let pool = WorkerPool(workers: threads)
        var report = "\(tokenizer.lastComponent?.string ?? "") \(shape) \(threads) threads \(bytes.count) bytes"
        var cold: [Double] = []
        var warm: [Double] = []
        var sum: UInt64 = 0
        var count = 0
        for _ in 0..<3 {
            let loaded = try Tokenizer(contentsOf: tokenizer)
            for pass in 0..<2 {
                let start = clock()
                (sum, count) =
                    shape == "lines" ? encodeTogether(loaded, bytes, ranges, pool) : encode(loaded, bytes, ranges, pool)
                let rate = Double(bytes.count) / (clock() - start) / 1e6
                if pass == 0 { cold.append(rate) } else { warm.append(rate) }
            }
        }
        report += " cold \(median(cold)) warm \(median(warm)) MB/s, \(count) ids, checksum \(String(sum, radix: 16))"
        print(report)
    }

    static func printEncodings(_ path: FilePath, _ bytes: [UInt8]) throws {
        let tokenizer = try Tokenizer(contentsOf: path)
        for part in bytes.split(separator: 0xFF, omittingEmptySubsequences: false).dropLast() {
            let texts = part.split(separator: 0xFE, omittingEmptySubsequences: false).map {
                String(decoding: $0, as: UTF8.self)
            }
            for addsSpecial in [true, false] {
                let found = tokenizer.encoding(
                    of: texts[0], pair: texts.count > 1 ? texts[1] : nil, addingSpecialTokens: addsSpecial)
                let offsets = found.characterOffsets(in: texts[0]).map { "[\($0.lowerBound), \($0.upperBound)]" }
                let decoded = [false, true].map { skips in
                    tokenizer.decode(found.ids, skippingSpecialTokens: skips).unicodeScalars.map { String($0.value) }
                }
                print(
                    #"{"ids": \#(found.ids), "offsets": [\#(texts.count > 1 ? "" : offsets.joined(separator: ", "))],"#,
                    #""types": \#(found.typeIDs), "decoded": [[\#(decoded[0].joined(separator: ", "))], [\#(decoded[1].joined(separator: ", "))]]}"#
                )
            }
        }
    }

    /// Cuts, flips bits, overwrites and repeats; each copy must read as a tokenizer or give an error of one line.
    static func readDamaged(_ path: FilePath, count: Int, seed: UInt64) {
        let file = read(path.string, limit: .max)
        let name = path.lastComponent?.string ?? ""
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        func random(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(max(bound, 1)))
        }
        var read = 0
        var slowest = 0.0
        var messages: [String: Int] = [:]
        for _ in 0..<count {
            var copy = file
            // Most structure is at the beginning.
            func place() -> Int { random(random(2) == 0 ? min(4096, copy.count) : copy.count) }
            switch random(4) {
            case 0: copy.removeLast(copy.count - place())
            case 1: for _ in 0...random(8) { copy[place()] ^= 1 << UInt8(random(8)) }
            case 2: for _ in 0...random(8) { copy[place()] = UInt8(random(256)) }
            default:
                let at = place()
                copy.removeSubrange(at..<min(copy.count, at + 1 + random(64)))
            }
            let start = clock()
            do {
                let tokenizer = try Tokenizer(parsing: copy, name: name)
                for text in ["the cat, 中文 \u{1F600}e\u{301}\0", String(repeating: "żółć", count: 300)] {
                    _ = tokenizer.decode(tokenizer.encode(text))
                }
                read += 1
            } catch {
                if error.message.isEmpty || error.message.contains("\n") { print("a poor message: \(error.message)") }
                messages[error.message.split(separator: " ").prefix(4).joined(separator: " "), default: 0] += 1
            }
            slowest = max(slowest, clock() - start)
        }
        print("\(name): \(count) copies, \(read) read, \(count - read) refused, slowest \(Int(slowest * 1000)) ms")
        for (message, times) in messages.sorted(by: { $0.value > $1.value }).prefix(12) {
            print("  \(times) × \(message) …")
        }
    }

    static func median(_ rates: [Double]) -> Double { (rates.sorted()[rates.count / 2] * 10).rounded() / 10 }

    static func encode(
        _ tokenizer: Tokenizer, _ bytes: [UInt8], _ ranges: [Range<Int>], _ pool: WorkerPool
    ) -> (UInt64, Int) {
        if ranges.count == 1 {
            var ids: [UInt32] = []
            tokenizer.encode(
                bytes.span, addingSpecialTokens: false, specialTokens: .ordinaryText, pool: pool, into: &ids)
            return (UInt64(ids.first ?? 0) &* 7 &+ UInt64(ids.last ?? 0), ids.count)
        }
        let blocks = max(pool.workers * 8, 1)
        let size = (ranges.count + blocks - 1) / blocks
        let parts = pool.map(count: (ranges.count + size - 1) / size) { block, _ in
            var ids: [UInt32] = []
            var sum: UInt64 = 0
            var count = 0
            for range in ranges[block * size..<min(ranges.count, (block + 1) * size)] {
                ids.removeAll(keepingCapacity: true)
                tokenizer.encode(
                    bytes.span.extracting(range), addingSpecialTokens: false, specialTokens: .ordinaryText, into: &ids)
                if let first = ids.first, let last = ids.last {
                    sum = sum &* 31 &+ UInt64(first) &* 7 &+ UInt64(last) &+ UInt64(ids.count)
                }
                count += ids.count
            }
            return (sum, count)
        }
        return parts.reduce((0, 0)) { ($0.0 &* 1_000_003 &+ $1.0, $0.1 + $1.1) }
    }

    /// Lines are many and short: a thousand of them are encoded at once, as the command does.
    static func encodeTogether(
        _ tokenizer: Tokenizer, _ bytes: [UInt8], _ ranges: [Range<Int>], _ pool: WorkerPool
    ) -> (UInt64, Int) {
        let size = 1024
        let parts = pool.map(count: (ranges.count + size - 1) / size) { block, _ in
            var ids: [UInt32] = []
            let lines = Array(ranges[block * size..<min(ranges.count, (block + 1) * size)])
            let ends = tokenizer.encode(
                texts: lines, in: bytes.span, addingSpecialTokens: false, specialTokens: .ordinaryText, into: &ids)
            return (UInt64(ids.first ?? 0) &* 7 &+ UInt64(ids.last ?? 0) &+ UInt64(ends.count), ids.count)
        }
        return parts.reduce((0, 0)) { ($0.0 &* 1_000_003 &+ $1.0, $0.1 + $1.1) }
    }

    static func documents(_ bytes: [UInt8], _ shape: String) -> [Range<Int>] {
        if shape == "file" { return [0..<bytes.count] }
        var ranges: [Range<Int>] = []
        var start = 0
        for at in bytes.indices where bytes[at] == 10 {
            if shape == "docs", at - start < 10_000 { continue }
            ranges.append(start..<at)
            start = at + 1
        }
        if start < bytes.count { ranges.append(start..<bytes.count) }
        return ranges
    }

    static func read(_ path: String, limit: Int) -> [UInt8] {
        guard let file = try? FileDescriptor.open(FilePath(path), .readOnly) else { return [] }
        defer { try? file.close() }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while bytes.count < limit, let count = try? chunk.withUnsafeMutableBytes({ try file.read(into: $0) }), count > 0
        {
            bytes += chunk[..<min(count, limit - bytes.count)]
        }
        // A character that the limit cut is left out.
        if bytes.count == limit { while let last = bytes.last, last & 0xC0 == 0x80 { bytes.removeLast() } }
        return bytes
    }

    static func clock() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
