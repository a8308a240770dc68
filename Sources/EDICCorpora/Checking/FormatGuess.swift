internal import EDICStore

/// What a file looks like, judged by its first bytes, where it is not what the manifest says.
enum FormatGuess {
    /// What to tell the contributor, if the file looks like another format than its entry's.
    static func advice(for file: ContributionFile) -> String? {
        guard let part = file.parts.first, let head = beginning(of: part) else { return nil }
        if file.specification.format == .jsonl, isOneDocument(head.span) {
            return "JSONL has an object on each line; `jq -c '.[]' FILE` makes that of an array"
        }
        guard let guess = guess(head.span), guess != file.specification.format else { return nil }
        return "it looks like \(guess.rawValue); if so, write format: \(guess.rawValue)"
    }

    private static func beginning(of part: ContributionFile.Part) -> [UInt8]? {
        do {
            var reader = try ByteReader(part.path)
            var head: [UInt8] = []
            while head.count < 4096, try reader.read(into: &head, atMost: 4096) > 0 {}
            return head
        } catch {
            return nil
        }
    }

    /// Whether JSON begins with an array, or with an object that its first line does not end.
    private static func isOneDocument(_ head: Span<UInt8>) -> Bool {
        let text = String(utf8: head)
        let first = text.prefix { !$0.isNewline }
        return text.hasPrefix("[") || (first.hasPrefix("{") && !first.contains("}"))
    }

    static func guess(_ head: Span<UInt8>) -> FileFormat? {
        if head.count >= 4, head[0] == 0xDE, head[1] == 0x12, head[2] == 0x04, head[3] == 0x95 { return .mo }
        if head.count >= 4, head[0] == 0x95, head[1] == 0x04, head[2] == 0x12, head[3] == 0xDE { return .mo }
        // However lines end.
        let text = String(String(utf8: head).lowercased().map { $0.isNewline ? "\n" : $0 })
        if text.contains("<tmx") { return .tmx }
        if text.contains("<tei") { return .tei }
        if text.contains("<html") || text.contains("<!doctype html") { return .html }
        if text.contains("\nmsgid ") || text.hasPrefix("msgid ") { return .po }
        if text.hasPrefix("# sent_id") || text.contains("\n# sent_id") || text.contains("\n1\t") { return .conllu }
        if text.hasPrefix("{\"") { return .jsonl }
        let lines = text.split(separator: "\n").dropLast()
        if lines.count >= 3, lines.allSatisfy({ $0.contains("\t") }) { return .tsv }
        return nil
    }
}
