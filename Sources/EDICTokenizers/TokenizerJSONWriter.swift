internal import EDICJSON

/// Writes a `tokenizer.json` from a tokenizer's parts, whatever file they came from.
///
/// A SentencePiece model becomes the components that tokenizers has for it. Two things have no form there and are as in
/// every such conversion: sums of Unigram scores are in double precision, and the names of control pieces are found in
/// the text.
struct TokenizerJSONWriter {
    var writer = JSONWriter(layout: .indented)
    let parts: TokenizerParts

    private init(_ parts: TokenizerParts) { self.parts = parts }

    static func encode(_ parts: TokenizerParts) throws(TokenizerError) -> [UInt8] {
        var writer = TokenizerJSONWriter(parts)
        try writer.write()
        return writer.writer.bytes
    }

    mutating func write() throws(TokenizerError) {
        writer.beginObject()
        writer.member("version", "1.0")
        writeTruncation()
        writePadding()
        writeAddedTokens()
        writer.key("normalizer")
        try write(parts.normalizer)
        writer.key("pre_tokenizer")
        try write(parts.preTokenizer)
        writer.key("post_processor")
        write(parts.postProcessor)
        writer.key("decoder")
        if let decoder = parts.decoder { try write(decoder) } else { try writeImpliedDecoder() }
        writer.key("model")
        try write(parts.model)
        writer.endObject()
        writer.endLine()
    }

    // MARK: Pieces of JSON

    mutating func component(_ type: String, _ members: (inout JSONWriter) -> Void = { _ in }) {
        writer.beginObject()
        writer.member("type", type)
        members(&writer)
        writer.endObject()
    }

    mutating func sequence(_ key: String, _ members: (inout Self) throws(TokenizerError) -> Void)
        throws(TokenizerError)
    {
        writer.beginObject()
        writer.member("type", "Sequence")
        writer.key(key)
        writer.beginArray()
        try members(&self)
        writer.endArray()
        writer.endObject()
    }

    static func pattern(_ pattern: Pattern, to writer: inout JSONWriter) {
        writer.key("pattern")
        writer.beginObject()
        switch pattern {
        case .literal(let text): writer.member("String", text.decodedText)
        case .regularExpression(let expression): writer.member("Regex", expression.onigurumaSource ?? expression.source)
        }
        writer.endObject()
    }

    mutating func replace(_ pattern: Pattern, with content: String) {
        component("Replace") { writer in
            Self.pattern(pattern, to: &writer)
            writer.member("content", content)
        }
    }

    func notRepresentable(_ what: String) -> TokenizerError {
        TokenizerError(.notRepresentable, "\(what) has no form in a tokenizer.json")
    }

    // MARK: Truncation, padding, added tokens

    mutating func writeTruncation() {
        writer.key("truncation")
        guard let truncation = parts.truncation else { return writer.null() }
        writer.beginObject()
        writer.member("direction", truncation.side == .left ? "Left" : "Right")
        writer.member("max_length", truncation.maximumLength)
        switch truncation.strategy {
        case .longestFirst: writer.member("strategy", "LongestFirst")
        case .onlyFirst: writer.member("strategy", "OnlyFirst")
        case .onlySecond: writer.member("strategy", "OnlySecond")
        }
        writer.member("stride", 0)
        writer.endObject()
    }

    mutating func writePadding() {
        writer.key("padding")
        guard let rule = parts.paddingRule else { return writer.null() }
        writer.beginObject()
        writer.key("strategy")
        if let length = rule.length {
            writer.beginObject()
            writer.member("Fixed", length)
            writer.endObject()
        } else {
            writer.value("BatchLongest")
        }
        writer.member("direction", rule.side == .left ? "Left" : "Right")
        writer.key("pad_to_multiple_of")
        if let multiple = rule.multiple { writer.value(multiple) } else { writer.null() }
        writer.member("pad_id", rule.id)
        writer.member("pad_type_id", rule.typeID)
        writer.member("pad_token", name(of: rule.id))
        writer.endObject()
    }

    func name(of id: UInt32) -> String {
        if let token = parts.addedTokens.first(where: { $0.id == id }) { return token.content }
        return (parts.model.vocabulary[id] ?? []).decodedText
    }

    mutating func writeAddedTokens() {
        var added = parts.addedTokens
        for (id, piece) in pieces.enumerated() {
            let content = piece.bytes.decodedText
            switch piece.kind {
            case .unknown, .control: added.append(AddedToken(id: UInt32(id), content: content, isSpecial: true))
            case .userDefined: added.append(AddedToken(id: UInt32(id), content: content, isNormalized: false))
            default: break
            }
        }
        writer.key("added_tokens")
        writer.beginArray()
        for token in added {
            writer.beginObject()
            writer.member("id", token.id)
            writer.member("content", token.content)
            writer.member("single_word", token.singleWord)
            writer.member("lstrip", token.stripsLeft)
            writer.member("rstrip", token.stripsRight)
            writer.member("normalized", token.isNormalized)
            writer.member("special", token.isSpecial)
            writer.endObject()
        }
        writer.endArray()
    }

    /// The pieces of a SentencePiece file; none of other tokenizers.
    var pieces: SentencePieces {
        if case .sentencePiece(let file) = parts.source { return file.pieces }
        return []
    }

    // MARK: Normalizers

    mutating func write(_ normalizer: Normalizer?) throws(TokenizerError) {
        guard let normalizer else { return writer.null() }
        switch normalizer {
        case .sequence(let steps):
            try sequence("normalizers") { writer throws(TokenizerError) in
                for step in steps { try writer.write(step) }
            }
        case .form(let form): component(form.rawValue)
        case .lowercase: component("Lowercase")
        case .strip(let left, let right):
            component("Strip") { writer in
                writer.member("strip_left", left)
                writer.member("strip_right", right)
            }
        case .stripAccents: component("StripAccents")
        case .replace(let pattern, let content): replace(pattern, with: content.decodedText)
        case .prepend(let prefix): component("Prepend") { $0.member("prepend", prefix.decodedText) }
        case .precompiled(let map): write(map)
        case .bert(let clean, let chinese, let accents, let lowercase):
            component("BertNormalizer") { writer in
                writer.member("clean_text", clean)
                writer.member("handle_chinese_chars", chinese)
                writer.member("strip_accents", accents)
                writer.member("lowercase", lowercase)
            }
        case .nmt: component("Nmt")
        case .byteLevel: component("ByteLevel")
        case .sentencePiece(let normalizer): try write(normalizer)
        }
    }

    mutating func write(_ map: CharacterMap) {
        component("Precompiled") {
            $0.member("precompiled_charsmap", Base64.encode(map.blob).decodedText)
        }
    }

    mutating func write(_ normalizer: SentencePieceNormalizer) throws(TokenizerError) {
        guard !normalizer.treatsWhitespaceAsSuffix else {
            throw notRepresentable("white space at the end of words")
        }
        let extra = try [#"\A +"#, #" +\z"#].map { source throws(TokenizerError) in
            try RegularExpression(source, .oniguruma)
        }
        let runs = try RegularExpression(" {2,}", .oniguruma)
        try sequence("normalizers") { writer throws(TokenizerError) in
            if let map = normalizer.map { writer.write(map) }
            if normalizer.removesExtraWhitespace {
                for expression in extra { writer.replace(.regularExpression(expression), with: "") }
                writer.replace(.regularExpression(runs), with: " ")
            }
            let space = normalizer.escapesWhitespace ? "\u{2581}" : " "
            if normalizer.addsDummyPrefix { writer.component("Prepend") { $0.member("prepend", space) } }
            if normalizer.escapesWhitespace { writer.replace(.literal([0x20]), with: space) }
        }
    }

    // MARK: Pre-tokenizers

    mutating func write(_ preTokenizer: PreTokenizer?) throws(TokenizerError) {
        guard let preTokenizer else { return writer.null() }
        let isByteLevel = if case .bytePair(let model) = parts.model { model.isByteLevel } else { false }
        guard isByteLevel else { return try write(preTokenizer) }
        // The file says that the model takes bytes by a ByteLevel at the end.
        if Self.endsInBytes(preTokenizer) { return try write(preTokenizer) }
        try sequence("pretokenizers") { writer throws(TokenizerError) in
            if case .sequence(let steps) = preTokenizer {
                for step in steps { try writer.write(step) }
            } else {
                try writer.write(preTokenizer)
            }
            writer.writeByteLevel(addsPrefixSpace: false, usesPattern: false)
        }
    }

    static func endsInBytes(_ preTokenizer: PreTokenizer) -> Bool {
        switch preTokenizer {
        case .byteLevel: true
        case .sequence(let steps): steps.last.map(endsInBytes) ?? false
        default: false
        }
    }

    mutating func writeByteLevel(addsPrefixSpace: Bool, usesPattern: Bool) {
        component("ByteLevel") { writer in
            writer.member("add_prefix_space", addsPrefixSpace)
            writer.member("trim_offsets", true)
            writer.member("use_regex", usesPattern)
        }
    }

    mutating func write(_ preTokenizer: PreTokenizer) throws(TokenizerError) {
        switch preTokenizer {
        case .sequence(let steps):
            try sequence("pretokenizers") { writer throws(TokenizerError) in
                for step in steps { try writer.write(step) }
            }
        case .byteLevel(let prefix, let usesPattern, _):
            writeByteLevel(addsPrefixSpace: prefix, usesPattern: usesPattern)
        case .split(let pattern, let behavior, let inverted):
            if case .regularExpression(let expression) = pattern, expression.onigurumaSource == nil {
                throw notRepresentable("the regular expression “\(expression.source)”")
            }
            component("Split") { writer in
                Self.pattern(pattern, to: &writer)
                writer.member("behavior", behavior.rawValue)
                writer.member("invert", inverted)
            }
        case .whitespace: component("Whitespace")
        case .whitespaceSplit: component("WhitespaceSplit")
        case .bert: component("BertPreTokenizer")
        case .metaspace(let replacement, let scheme, let splits):
            component("Metaspace") { writer in
                writer.member("replacement", replacement.decodedText)
                writer.member("prepend_scheme", scheme.rawValue)
                writer.member("split", splits)
            }
        case .punctuation(let behavior): component("Punctuation") { $0.member("behavior", behavior.rawValue) }
        case .digits(let individual): component("Digits") { $0.member("individual_digits", individual) }
        case .delimiter(let scalar): component("CharDelimiterSplit") { $0.member("delimiter", String(scalar)) }
        case .fixedLength(let length): component("FixedLength") { $0.member("length", length) }
        case .scripts: component("UnicodeScripts")
        }
    }

    // MARK: Post-processors

    mutating func write(_ processor: PostProcessor) {
        let hasTemplate = processor.single != PostProcessor.none.single || processor.pair != PostProcessor.none.pair
        switch (hasTemplate, processor.trims.first) {
        case (false, nil): writer.null()
        case (false, let keepsFirstSpace?): writeByteLevel(addsPrefixSpace: keepsFirstSpace, usesPattern: true)
        case (true, nil): writeTemplate(processor)
        case (true, let keepsFirstSpace?):
            writer.beginObject()
            writer.member("type", "Sequence")
            writer.key("processors")
            writer.beginArray()
            writeByteLevel(addsPrefixSpace: keepsFirstSpace, usesPattern: true)
            writeTemplate(processor)
            writer.endArray()
            writer.endObject()
        }
    }

    mutating func writeTemplate(_ processor: PostProcessor) {
        var special: [String: [UInt32]] = [:]
        writer.beginObject()
        writer.member("type", "TemplateProcessing")
        for (key, items) in [("single", processor.single), ("pair", processor.pair)] {
            writer.key(key)
            writer.beginArray()
            for item in items {
                writer.beginObject()
                switch item {
                case .first(let type): writeSequence("A", type)
                case .second(let type): writeSequence("B", type)
                case .special(let ids, let type):
                    let name = ids.map(name(of:)).joined(separator: " ")
                    special[name] = ids
                    writer.key("SpecialToken")
                    writer.beginObject()
                    writer.member("id", name)
                    writer.member("type_id", type)
                    writer.endObject()
                }
                writer.endObject()
            }
            writer.endArray()
        }
        writer.key("special_tokens")
        writer.beginObject()
        for (name, ids) in special.sorted(by: { $0.key < $1.key }) {
            writer.key(name)
            writer.beginObject()
            writer.member("id", name)
            writer.key("ids")
            writer.beginArray()
            for id in ids { writer.value(id) }
            writer.endArray()
            writer.key("tokens")
            writer.beginArray()
            for id in ids { writer.value(self.name(of: id)) }
            writer.endArray()
            writer.endObject()
        }
        writer.endObject()
        writer.endObject()
    }

    mutating func writeSequence(_ name: String, _ type: UInt32) {
        writer.key("Sequence")
        writer.beginObject()
        writer.member("id", name)
        writer.member("type_id", type)
        writer.endObject()
    }

    // MARK: Decoders

    mutating func write(_ decoder: Decoder) throws(TokenizerError) {
        switch decoder {
        case .sequence(let steps):
            try sequence("decoders") { writer throws(TokenizerError) in
                for step in steps { try writer.write(step) }
            }
        case .byteLevel: writeByteLevel(addsPrefixSpace: false, usesPattern: true)
        case .metaspace(let replacement, let scheme):
            component("Metaspace") { writer in
                writer.member("replacement", replacement.decodedText)
                writer.member("prepend_scheme", scheme.rawValue)
                writer.member("split", true)
            }
        case .wordPiece(let prefix, let cleansUp):
            component("WordPiece") { writer in
                writer.member("prefix", prefix.decodedText)
                writer.member("cleanup", cleansUp)
            }
        case .bytePair(let suffix): component("BPEDecoder") { $0.member("suffix", suffix.decodedText) }
        case .byteFallback: component("ByteFallback")
        case .fuse: component("Fuse")
        case .strip(let content, let start, let stop): writeStrip(content.decodedText, start: start, stop: stop)
        case .replace(let pattern, let content): replace(pattern, with: content.decodedText)
        case .ctc(let pad, let delimiter, let cleansUp):
            component("CTC") { writer in
                writer.member("pad_token", pad.decodedText)
                writer.member("word_delimiter_token", delimiter.decodedText)
                writer.member("cleanup", cleansUp)
            }
        }
    }

    mutating func writeStrip(_ content: String, start: Int, stop: Int) {
        component("Strip") { writer in
            writer.member("content", content)
            writer.member("start", start)
            writer.member("stop", stop)
        }
    }

    /// What a SentencePiece file does without saying so.
    mutating func writeImpliedDecoder() throws(TokenizerError) {
        guard case .sentencePiece(let file) = parts.source else { return writer.null() }
        try sequence("decoders") { writer throws(TokenizerError) in
            writer.replace(.literal(SentencePieceNormalizer.space), with: " ")
            writer.component("ByteFallback")
            writer.component("Fuse")
            if file.addsDummyPrefix { writer.writeStrip(" ", start: 1, stop: 0) }
        }
    }
}
