import CEDICXML

/// What a reader wants to know of an XML document, in document order.
protocol XMLHandler {
    /// The names of elements and attributes that the reader knows, spelt as in the document.
    associatedtype Name: RawRepresentable<String> & CaseIterable & Hashable

    /// An element begins. `name` is nil for one that is not known.
    mutating func start(_ name: Name?, _ attributes: XMLAttributes<Name>, line: Int) throws(FileFault)
    /// An element ends.
    mutating func end(_ name: Name?, line: Int) throws(FileFault)
    /// Characters; one text may come in several pieces.
    mutating func text(_ utf8: Span<UInt8>) throws(FileFault)
}

/// The known attributes of an element.
struct XMLAttributes<Name: Hashable> {
    fileprivate(set) var all: [(name: Name, value: String)] = []

    subscript(name: Name) -> String? { all.first { $0.name == name }?.value }
}

/// libxml2's push parser of XML, as events for an ``XMLHandler``. See `CEDICXML.h` for what it refuses.
@safe struct XMLPushParser<Name: RawRepresentable<String> & CaseIterable & Hashable>: ~Copyable {
    private let parser: OpaquePointer
    private let names: [Name]

    init(limits: ReadingLimits) throws(FileFault) {
        names = Array(Name.allCases)
        var vocabulary: [CChar] = []
        for name in names {
            vocabulary += name.rawValue.utf8.map { CChar(bitPattern: $0) }
            vocabulary.append(0)
        }
        let depth = min(limits.elementDepth, 256)
        let created = unsafe edic_xml_create(vocabulary, vocabulary.count, depth, limits.attributeBytes)
        guard let created = unsafe created else { throw FileFault(.unreadableFile, "no memory for the parser", .file) }
        unsafe parser = created
    }

    deinit { unsafe edic_xml_free(parser) }

    /// Parses more of the document and reports what it says to `handler`.
    ///
    /// - Throws: a ``FileFault`` with the line, after the events before the fault were reported.
    func feed<Handler: XMLHandler>(
        _ bytes: Span<UInt8>, isLast: Bool = false, to handler: inout Handler
    ) throws(FileFault) where Handler.Name == Name {
        let status = unsafe bytes.withUnsafeBufferPointer {
            unsafe edic_xml_feed(parser, $0.baseAddress, $0.count, isLast ? 1 : 0)
        }
        var count = 0
        if let records = unsafe edic_xml_records(parser, &count) {
            try unsafe report(UnsafeRawBufferPointer(start: records, count: count), to: &handler)
        }
        if status != CInt(edic_xml_ok) { throw fault(status) }
    }

    private func report<Handler: XMLHandler>(
        _ records: UnsafeRawBufferPointer, to handler: inout Handler
    ) throws(FileFault) where Handler.Name == Name {
        let headerSize = MemoryLayout<edic_xml_record>.size
        var attributes = XMLAttributes<Name>()
        var at = 0
        while at < records.count {
            let record = unsafe records.load(fromByteOffset: at, as: edic_xml_record.self)
            let length = Int(record.length)
            at += headerSize
            let payload = unsafe UnsafeRawBufferPointer(rebasing: records[at..<at + length])
            at += (length + 7) & ~7
            switch CInt(record.kind) {
            case CInt(edic_xml_start):
                attributes.all.removeAll(keepingCapacity: true)
                while at < records.count {
                    let next = unsafe records.load(fromByteOffset: at, as: edic_xml_record.self)
                    guard CInt(next.kind) == CInt(edic_xml_attribute) else { break }
                    let size = Int(next.length)
                    let value = unsafe records[(at + headerSize)..<(at + headerSize + size)]
                    if let name = name(next.code) {
                        attributes.all.append((name, unsafe String(decoding: value, as: UTF8.self)))
                    }
                    at += headerSize + (size + 7) & ~7
                }
                try handler.start(name(record.code), attributes, line: Int(record.line))
            case CInt(edic_xml_end):
                try handler.end(name(record.code), line: Int(record.line))
            default:
                let utf8 = unsafe payload.bindMemory(to: UInt8.self)
                try unsafe handler.text(utf8.span)
            }
        }
    }

    private func name(_ code: UInt16) -> Name? { code == 0 ? nil : names[Int(code) - 1] }

    private func fault(_ status: CInt) -> FileFault {
        let line = unsafe Int(edic_xml_fault_line(parser))
        let words = unsafe String(cString: edic_xml_fault_message(parser))
        return switch status {
        case CInt(edic_xml_malformed): FileFault(.brokenXML, "not well-formed XML: \(words)", .line(line))
        case CInt(edic_xml_size): FileFault(.overLimit, "XML beyond the limits: \(words)", .line(line))
        case CInt(edic_xml_memory): FileFault(.unreadableFile, "no memory left to parse the XML", .line(line))
        default: FileFault(.hostileXML, "XML that is refused: \(words)", .line(line))
        }
    }
}
