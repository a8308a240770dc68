public import EDICJSON

extension ContributionCheck.Report {
    /// Writes the report as a JSON object: `directory`, `contribution`, `acceptable`, `findings`, `files`.
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("directory", directory)
        if let contribution { writer.member("contribution", contribution) }
        writer.member("acceptable", isAcceptable)
        writer.key("findings")
        writer.beginArray()
        for finding in findings { finding.write(to: &writer) }
        writer.endArray()
        writer.key("files")
        writer.beginArray()
        for file in files {
            writer.beginObject()
            writer.member("file", file.name)
            writer.member("format", file.format.rawValue)
            writer.member("charset", file.charset)
            writer.member("bytes", file.bytes)
            writer.member("rows", file.rows)
            writer.member("rejected", file.rejected)
            writer.key("text_bytes")
            writer.beginObject()
            for (language, bytes) in file.textBytes.sorted(by: { $0.key < $1.key }) { writer.member(language, bytes) }
            writer.endObject()
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }
}

extension Finding {
    /// Writes the finding as a JSON object; what is not known is left out.
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("severity", severity.rawValue)
        writer.member("code", code)
        writer.member("file", file)
        if let line { writer.member("line", line) }
        if let key { writer.member("key", key) }
        writer.member("message", message)
        if !advice.isEmpty { writer.member("advice", advice) }
        writer.endObject()
    }
}
