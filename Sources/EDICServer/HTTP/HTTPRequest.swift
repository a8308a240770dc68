/// A request as it came: what of it matters here.
public struct HTTPRequest: Sendable {
    /// In capitals, such as `POST`.
    public var method: String
    /// The path, without the query, such as `/v1/translate`.
    public var path: String
    /// The header fields in their order, their names in small letters.
    public var fields: [(name: String, value: String)]
    /// The body, empty where there is none.
    public var body: [UInt8]
    /// Whether the client knows HTTP/1.1 and so chunked answers.
    public var isHTTP11: Bool

    public init(
        method: String, path: String, fields: [(name: String, value: String)] = [], body: [UInt8] = [],
        isHTTP11: Bool = true
    ) {
        self.method = method
        self.path = path
        self.fields = fields
        self.body = body
        self.isHTTP11 = isHTTP11
    }

    /// The value of a header field by its name in small letters; the first, if there are several.
    public func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }

    /// Whether the connection stays open after the answer.
    var keepsConnection: Bool {
        let options = (field("connection") ?? "").lowercased()
        return isHTTP11 ? !options.contains("close") : options.contains("keep-alive")
    }
}
