internal import EDICJSON

/// The members of a request's JSON object. Each is asked for by name, type and range; a member that nobody asked for is an
/// error, so that a misspelt option is not silently the default.
struct RequestMembers {
    private let object: JSONObject
    private var known: Set<String> = []

    /// - Throws: `unsupportedType` or `badRequest`.
    init(of request: HTTPRequest) throws(ServerError) {
        // Only this type: a foreign web page cannot send it without asking first, and nobody here says yes.
        let type = request.field("content-type")?.lowercased().prefix { $0 != ";" && $0 != " " }
        guard type == "application/json" else {
            throw ServerError(.unsupportedType, "send JSON, with the header field content-type: application/json")
        }
        let value: JSONValue
        do {
            value = try JSONValue(parsing: request.body.span, depthLimit: 16)
        } catch {
            throw ServerError(.badRequest, "the body is not JSON: \(error)", cause: error)
        }
        guard let object = value.object else { throw ServerError(.badRequest, "the body should be a JSON object") }
        self.object = object
    }

    /// - Throws: `badRequest` for a member that was never asked for.
    func finish() throws(ServerError) {
        guard let stranger = object.keys.first(where: { !known.contains($0) }) else { return }
        let names = known.sorted().joined(separator: ", ")
        throw ServerError(.badRequest, "there is no member \(stranger) here; there are \(names)")
    }

    private mutating func take(_ name: String) -> JSONValue? {
        known.insert(name)
        guard let value = object[name], !value.isNull else { return nil }
        return value
    }

    private func expected(_ what: String, _ name: String) -> ServerError {
        ServerError(.badRequest, "\(name) should be \(what)")
    }

    mutating func string(_ name: String) throws(ServerError) -> String? {
        guard let value = take(name) else { return nil }
        guard let text = value.string else { throw expected("a string", name) }
        return text
    }

    mutating func bool(_ name: String) throws(ServerError) -> Bool? {
        guard let value = take(name) else { return nil }
        guard let bool = value.bool else { throw expected("true or false", name) }
        return bool
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) throws(ServerError) -> Int? {
        guard let value = take(name) else { return nil }
        guard let number = value.int, range.contains(number) else {
            throw expected("a whole number, \(range.lowerBound) to \(range.upperBound)", name)
        }
        return number
    }

    mutating func number(_ name: String, in range: ClosedRange<Double>) throws(ServerError) -> Float? {
        guard let value = take(name) else { return nil }
        guard let number = value.double, range.contains(number) else {
            throw expected("a number, \(range.lowerBound) to \(range.upperBound)", name)
        }
        return Float(number)
    }

    /// A string or an array of strings.
    mutating func strings(_ name: String, atMost limit: Int) throws(ServerError) -> [String]? {
        guard let value = take(name) else { return nil }
        if let text = value.string { return [text] }
        let texts = value.array?.compactMap(\.string)
        guard let texts, texts.count == value.array?.count else {
            throw expected("a string or an array of strings", name)
        }
        guard texts.count <= limit else {
            throw ServerError(.badRequest, "\(name) has \(texts.count) texts; \(limit) are taken at once")
        }
        return texts
    }

    /// An array of token ids, or an array of such arrays.
    mutating func tokens(_ name: String, atMost limit: Int) throws(ServerError) -> [[UInt32]]? {
        guard let value = take(name) else { return nil }
        let wrong = expected("an array of token ids, or an array of such arrays", name)
        guard let array = value.array else { throw wrong }
        let lists = array.first?.array == nil ? [array] : array.compactMap(\.array)
        guard lists.count == array.count || array.first?.array == nil, lists.count <= limit else { throw wrong }
        var all: [[UInt32]] = []
        for list in lists {
            let ids = list.compactMap { $0.int.flatMap { UInt32(exactly: $0) } }
            guard ids.count == list.count else { throw wrong }
            all.append(ids)
        }
        return all
    }

    /// An array of objects with a `role` and a `content`.
    mutating func messages(
        _ name: String, atMost limit: Int
    ) throws(ServerError) -> [(role: String, content: String)]? {
        guard let value = take(name) else { return nil }
        guard let array = value.array, (1...limit).contains(array.count) else {
            throw expected("an array of 1 to \(limit) messages", name)
        }
        var messages: [(role: String, content: String)] = []
        for message in array {
            guard let role = message["role"]?.string, let content = message["content"]?.string else {
                throw expected("an array of objects with a role and a content", name)
            }
            messages.append((role, content))
        }
        return messages
    }
}
