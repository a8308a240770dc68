import EDICJSON

// The JSON form of the report: member names are the field names in snake case.

extension BuildReport: JSONRecord {
    static var fields: [JSONField<Self>] {
        [
            JSONField("name", \.name),
            JSONField("root_hash", \.rootHash),
            JSONField("tool_version", \.toolVersion),
            JSONField("totals", \.totals),
            JSONField("stages", \.stages),
            JSONField("languages", \.languages),
            JSONField("pairs", \.pairs),
            JSONField("rejections", \.rejections),
            JSONField("contributions", \.contributions),
            JSONField("tokenizer", \.tokenizer),
            JSONField("dictionaries", \.dictionaries),
            JSONField("models", \.models),
            JSONField("changes", \.changes),
            JSONField("run", \.run),
        ]
    }
}

extension BuildReport.Totals: JSONRecord {
    static var fields: [JSONField<Self>] {
        [
            JSONField("contributions", \.contributions),
            JSONField("contributions_rejected", \.contributionsRejected),
            JSONField("files", \.files),
            JSONField("raw_bytes", \.rawBytes),
            JSONField("text_bytes", \.textBytes),
            JSONField("documents", \.documents),
            JSONField("units", \.units),
            JSONField("words", \.words),
            JSONField("tokens", \.tokens),
            JSONField("output_bytes", \.outputBytes),
        ]
    }
}

extension BuildReport.Stage: JSONRecord {
    init() { self.init(name: "") }

    static var fields: [JSONField<Self>] {
        [
            JSONField("name", \.name),
            JSONField("rows_in", \.rowsIn),
            JSONField("rows_out", \.rowsOut),
            JSONField("rejected", \.rejected),
        ]
    }
}

extension BuildReport.ReasonCount: JSONRecord {
    init() { self.init(reason: "") }

    static var fields: [JSONField<Self>] {
        [
            JSONField("reason", \.reason),
            JSONField("count", \.count),
        ]
    }
}

extension BuildReport.Language: JSONRecord {
    init() { self.init(tag: "") }

    static var fields: [JSONField<Self>] {
        [
            JSONField("tag", \.tag),
            JSONField("name", \.name),
            JSONField("read", \.read),
            JSONField("filtered", \.filtered),
            JSONField("documents", \.documents),
            JSONField("segments", \.segments),
            JSONField("bytes_kept", \.bytesKept),
            JSONField("words", \.words),
            JSONField("tokens", \.tokens),
            JSONField("shard_bytes", \.shardBytes),
            JSONField("shard_content_bytes", \.shardContentBytes),
            JSONField("token_bytes", \.tokenBytes),
            JSONField("perplexity", \.perplexity),
            JSONField("out_of_vocabulary", \.outOfVocabulary),
            JSONField("held_out_words", \.heldOutWords),
            JSONField("ngrams", \.ngrams),
            JSONField("model_bytes", \.modelBytes),
        ]
    }
}

extension BuildReport.Pair: JSONRecord {
    init() { self.init(tags: []) }

    static var fields: [JSONField<Self>] {
        [
            JSONField("tags", \.tags),
            JSONField("units", \.units),
        ]
    }
}

extension BuildReport.Rejections: JSONRecord {
    init() { self.init(stage: "") }

    static var fields: [JSONField<Self>] {
        [
            JSONField("stage", \.stage),
            JSONField("reason", \.reason),
            JSONField("count", \.count),
            JSONField("samples", \.samples),
        ]
    }
}

extension BuildReport.Rejections.Sample: JSONRecord {
    init() { self.init(place: "") }

    static var fields: [JSONField<Self>] {
        [
            JSONField("place", \.place),
            JSONField("detail", \.detail),
            JSONField("excerpt", \.excerpt),
        ]
    }
}

extension BuildReport.Amount: JSONRecord {
    static var fields: [JSONField<Self>] {
        [JSONField("texts", \.texts), JSONField("words", \.words), JSONField("bytes", \.bytes)]
    }
}

extension BuildReport.Contribution: JSONRecord {
    static var fields: [JSONField<Self>] {
        [
            JSONField("id", \.id),
            JSONField("title", \.title),
            JSONField("provider", \.provider),
            JSONField("member_state", \.memberState),
            JSONField("languages", \.languages),
            JSONField("licence", \.licence),
            JSONField("legal_basis", \.legalBasis),
            JSONField("personal_data", \.personalData),
            JSONField("is_accepted", \.isAccepted),
            JSONField("findings", \.findings),
            JSONField("files", \.files),
            JSONField("raw_bytes", \.rawBytes),
            JSONField("rows_read", \.rowsRead),
            JSONField("rows_kept", \.rowsKept),
            JSONField("digest", \.digest),
        ]
    }
}

extension BuildReport.TokenizerSummary: JSONRecord {
    static var fields: [JSONField<Self>] {
        [
            JSONField("description", \.description),
            JSONField("vocabulary_size", \.vocabularySize),
            JSONField("digest", \.digest),
        ]
    }
}

extension BuildReport.DictionaryTrialResult: JSONRecord {
    init() { self.init(language: "") }

    static var fields: [JSONField<Self>] {
        [
            JSONField("language", \.language),
            JSONField("plain_bytes", \.plainBytes),
            JSONField("dictionary_bytes", \.dictionaryBytes),
            JSONField("is_used", \.isUsed),
            JSONField("plain_speed", \.plainSpeed),
            JSONField("dictionary_speed", \.dictionarySpeed),
        ]
    }
}

extension BuildReport.ModelSample: JSONRecord {
    init() { self.init(model: "") }

    static var fields: [JSONField<Self>] {
        [
            JSONField("model", \.model),
            JSONField("kind", \.kind),
            JSONField("problem", \.problem),
            JSONField("lines", \.lines),
        ]
    }
}

extension BuildReport.ModelSample.Line: JSONRecord {
    init() { self.init(input: "") }

    static var fields: [JSONField<Self>] {
        [
            JSONField("input", \.input),
            JSONField("output", \.output),
        ]
    }
}

extension BuildReport.Changes: JSONRecord {
    static var fields: [JSONField<Self>] {
        [
            JSONField("previous_root_hash", \.previousRootHash),
            JSONField("added", \.added),
            JSONField("removed", \.removed),
            JSONField("changed", \.changed),
            JSONField("languages", \.languages),
        ]
    }
}

extension BuildReport.Changes.LanguageChange: JSONRecord {
    init() { self.init(tag: "") }

    static var fields: [JSONField<Self>] {
        [
            JSONField("tag", \.tag),
            JSONField("texts", \.texts),
            JSONField("tokens", \.tokens),
        ]
    }
}

extension BuildReport.Run: JSONRecord {
    static var fields: [JSONField<Self>] {
        [
            JSONField("workers", \.workers),
            JSONField("tasks", \.tasks),
            JSONField("tasks_reused", \.tasksReused),
            JSONField("seconds", \.seconds),
            JSONField("stages", \.stages),
            JSONField("peak_memory", \.peakMemory),
        ]
    }
}

extension BuildReport.Run.StageTime: JSONRecord {
    init() { self.init(stage: "") }

    static var fields: [JSONField<Self>] {
        [
            JSONField("stage", \.stage),
            JSONField("seconds", \.seconds),
        ]
    }
}
extension BuildReport {
    /// The report as `report.json` holds it.
    public var jsonText: String {
        var writer = JSONWriter(layout: .indented)
        writer.value(json)
        writer.endLine()
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
