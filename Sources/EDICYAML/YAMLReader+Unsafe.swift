private import CSystemYAML

extension YAMLNode {
    /// The node of a text's only document; nil where there is none.
    ///
    /// - Parameters:
    ///   - depthLimit: collections inside collections, at most.
    ///   - sizeLimit: nodes at most, each alias counted as what it stands for.
    /// - Throws: ``YAMLError`` with the line.
    public init?(parsing yaml: String, depthLimit: Int = 64, sizeLimit: Int = 1 << 20) throws(YAMLError) {
        var yaml = yaml
        // Some editors begin a file with a byte order mark, which libyaml takes for a key's.
        if yaml.unicodeScalars.first == "\u{FEFF}" { yaml.unicodeScalars.removeFirst() }
        let result = yaml.withUTF8 { utf8 -> Result<YAMLNode?, YAMLError> in
            var reader = unsafe YAMLReader(utf8, depthLimit: depthLimit, sizeLimit: sizeLimit)
            do throws(YAMLError) {
                return .success(try reader.document())
            } catch {
                return .failure(error)
            }
        }
        guard let node = try result.get() else { return nil }
        self = node
    }
}

/// Makes nodes of libyaml's events.
@safe private struct YAMLReader: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let depthLimit: Int
    private var room: Int
    private var depth = 0
    /// What an anchor names, and how many nodes that is.
    private var anchors: [String: (node: YAMLNode, size: Int)] = [:]

    init(_ utf8: UnsafeBufferPointer<UInt8>, depthLimit: Int, sizeLimit: Int) {
        unsafe parser = .allocate(capacity: 1)
        let isReady = unsafe yaml_parser_initialize(parser)
        precondition(isReady != 0, "out of memory")
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, utf8.baseAddress, utf8.count)
        self.depthLimit = depthLimit
        room = sizeLimit
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
    }

    /// What the parser found, without what it owns.
    private enum Event {
        case boundary
        case end
        case documentStart
        case alias(String)
        case scalar(String, isPlain: Bool, anchor: String?)
        case sequenceStart(anchor: String?)
        case mappingStart(anchor: String?)
        case collectionEnd
    }

    private mutating func next() throws(YAMLError) -> (event: Event, line: Int) {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) != 0 else {
            let problem = unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? "out of memory"
            throw YAMLError(code: .malformed, line: unsafe Int(parser.pointee.problem_mark.line) + 1, message: problem)
        }
        defer { unsafe yaml_event_delete(&event) }
        let line = unsafe Int(event.start_mark.line) + 1
        func text(_ bytes: UnsafeMutablePointer<yaml_char_t>?) -> String? {
            unsafe bytes.map { unsafe String(cString: $0) }
        }
        switch unsafe event.type {
        case YAML_STREAM_END_EVENT: return (.end, line)
        case YAML_DOCUMENT_START_EVENT: return (.documentStart, line)
        case YAML_ALIAS_EVENT: return (.alias(unsafe text(event.data.alias.anchor) ?? ""), line)
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            return (
                .scalar(
                    unsafe String(decoding: bytes, as: UTF8.self),
                    isPlain: unsafe scalar.style == YAML_PLAIN_SCALAR_STYLE, anchor: unsafe text(scalar.anchor)), line
            )
        case YAML_SEQUENCE_START_EVENT:
            return (.sequenceStart(anchor: unsafe text(event.data.sequence_start.anchor)), line)
        case YAML_MAPPING_START_EVENT:
            return (.mappingStart(anchor: unsafe text(event.data.mapping_start.anchor)), line)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return (.collectionEnd, line)
        default: return (.boundary, line)
        }
    }

    mutating func document() throws(YAMLError) -> YAMLNode? {
        var root: YAMLNode?
        while true {
            let (event, line) = try next()
            switch event {
            case .end: return root
            case .documentStart where root != nil:
                throw YAMLError(code: .malformed, line: line, message: "a second document begins; one is expected")
            case .documentStart:
                let (first, line) = try next()
                root = try node(first, line)
            default: break
            }
        }
    }

    /// The node that begins with `event`; nil where that ends a collection.
    private mutating func node(_ event: Event, _ line: Int) throws(YAMLError) -> YAMLNode? {
        let before = room
        let made: YAMLNode
        let anchor: String?
        switch event {
        case .boundary, .end, .documentStart, .collectionEnd: return nil
        case .alias(let name):
            guard let (node, size) = anchors[name] else {
                throw YAMLError(code: .malformed, line: line, message: "the alias *\(name)* names nothing above it")
            }
            try take(size, line)
            return YAMLNode(content: node.content, line: line)
        case .scalar(let text, let isPlain, let name):
            try take(1, line)
            made = YAMLNode(content: .scalar(text, isPlain: isPlain), line: line)
            anchor = name
        case .sequenceStart(let name):
            try enter(line)
            var elements: [YAMLNode] = []
            while let element = try nextNode() { elements.append(element) }
            depth -= 1
            made = YAMLNode(content: .sequence(elements), line: line)
            anchor = name
        case .mappingStart(let name):
            try enter(line)
            made = YAMLNode(content: .mapping(try members()), line: line)
            depth -= 1
            anchor = name
        }
        if let anchor { anchors[anchor] = (made, before - room) }
        return made
    }

    private mutating func nextNode() throws(YAMLError) -> YAMLNode? {
        let (event, line) = try next()
        return try node(event, line)
    }

    private mutating func members() throws(YAMLError) -> [YAMLNode.Member] {
        var members: [YAMLNode.Member] = []
        var keys: Set<String> = []
        while let key = try nextNode() {
            if let text = key.text, !keys.insert(text).inserted {
                throw YAMLError(code: .repeatedKey, line: key.line, message: "the key \(text) is given twice")
            }
            guard let value = try nextNode() else { break }
            members.append(YAMLNode.Member(key: key, value: value))
        }
        return members
    }

    private mutating func enter(_ line: Int) throws(YAMLError) {
        try take(1, line)
        depth += 1
        guard depth <= depthLimit else {
            throw YAMLError(
                code: .tooLarge, line: line, message: "more than \(depthLimit) collections inside each other")
        }
    }

    private mutating func take(_ count: Int, _ line: Int) throws(YAMLError) {
        room -= count
        guard room >= 0 else {
            throw YAMLError(code: .tooLarge, line: line, message: "too many values, aliases resolved")
        }
    }
}
