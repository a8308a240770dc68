import EDICJSON
import EDICStore
import EDICTokenizers
import SystemPackage

/// A file to train on: plain text, or JSONL such as a build's document shards, whose rows say their language.
struct TrainingText {
    private let path: String

    init(_ path: String) { self.path = path }

    private var isJSONL: Bool {
        let name = FilePath(path).lastComponent?.string ?? ""
        return name.contains(".jsonl")
    }

    private func forEachPiece(_ body: (Span<UInt8>) throws -> Void) throws {
        try TextInput([path]).forEachPiece(bytes: 8 << 20, givesEarly: false, endsLines: false, body)
    }

    /// Calls `body` with some megabytes at a time, cut after the ends of lines, and the language the file says.
    func forEachBlock(_ body: (Span<UInt8>, String?) throws -> Void) throws {
        guard isJSONL else {
            try forEachPiece { try body($0, nil) }
            return
        }
        var texts = RowTexts()
        try forEachPiece { block in
            try texts.read(block, name: path)
            try texts.drain { language, text in try body(text, language) }
        }
    }
}

/// The texts of rows, gathered by language until there is enough to count at once.
private struct RowTexts {
    private var texts: [String: [UInt8]] = [:]
    private var number = 0

    mutating func read(_ block: Span<UInt8>, name: String) throws {
        var parser = try JSONLineParser()
        var start = 0
        for at in 0..<block.count where block[at] == 0x0A || at == block.count - 1 {
            let line = block.extracting(start..<(block[at] == 0x0A ? at : at + 1))
            start = at + 1
            number += 1
            if line.isEmpty { continue }
            do {
                try parser.parse(line)
            } catch {
                throw CommandFailure(.badData, "\(name): line \(number) is no JSON object: \(error)")
            }
            try add(parser, name: name)
        }
    }

    private mutating func add(_ parser: borrowing JSONLineParser, name: String) throws {
        if let text = parser.string("text") {
            append(text, parser.string("lang") ?? "und")
            return
        }
        guard case .object(let texts)? = parser.value("texts") else {
            throw CommandFailure(.badData, "\(name): line \(number) has neither \"text\" nor \"texts\"")
        }
        for (language, value) in texts { append(value.string ?? "", language) }
    }

    private mutating func append(_ text: String, _ language: String) {
        texts[language, default: []] += text.utf8
        texts[language, default: []].append(0x0A)
    }

    mutating func drain(_ body: (String, Span<UInt8>) throws -> Void) throws {
        for (language, text) in texts.sorted(by: { $0.key < $1.key }) { try body(language, text.span) }
        texts.removeAll(keepingCapacity: true)
    }
}
