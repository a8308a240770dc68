/// An answer: a status, header fields, and a body that is there or that comes bit by bit.
public struct HTTPResponse {
    /// Sends some bytes of the body; false when the client has gone away and no more is wanted.
    public typealias Write = ([UInt8]) -> Bool

    /// What an answer carries.
    public enum Body {
        case bytes([UInt8])
        /// Calls its argument for each piece. An error thrown before the first piece becomes an answer of its own.
        case stream((Write) throws -> Void)
    }

    /// The status code, such as 200.
    public var status: Int
    /// Header fields, besides those that the server adds.
    public var fields: [(name: String, value: String)]
    /// What the answer carries.
    public var body: Body

    public init(status: Int = 200, fields: [(name: String, value: String)] = [], body: Body) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    init(status: Int = 200, type: String, _ bytes: [UInt8]) {
        self.init(status: status, fields: [("content-type", type)], body: .bytes(bytes))
    }

    /// Says that nothing is wrong so far, and that the answer is still to come.
    static let interim = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    /// The first line and the header fields, up to the empty line.
    ///
    /// - Parameters:
    ///   - length: the number of bytes in the body; nil where it is not known yet.
    ///   - isChunked: whether the body of unknown length comes in chunks.
    func head(length: Int?, isChunked: Bool, keepsConnection: Bool, date: String) -> [UInt8] {
        var text = "HTTP/1.1 \(status) \(Self.reason(status))\r\ndate: \(date)\r\n"
        for (name, value) in fields + Self.safety { text += "\(name): \(value)\r\n" }
        if let length {
            text += "content-length: \(length)\r\n"
        } else if isChunked {
            text += "transfer-encoding: chunked\r\n"
        }
        text += "connection: \(keepsConnection ? "keep-alive" : "close")\r\n\r\n"
        return Array(text.utf8)
    }

    /// Nothing is stored, guessed or shown within a foreign page, and no page reads from anywhere else.
    private static let safety = [
        ("cache-control", "no-store"), ("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        (
            "content-security-policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:"
        ),
    ]

    static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 400: "Bad Request"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 413: "Content Too Large"
        case 415: "Unsupported Media Type"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: "Unknown"
        }
    }
}
