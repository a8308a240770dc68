/// Holds back text that may be the beginning of a stop string, so that a stream never shows part of one.
struct StopMatcher {
    private let stops: [[UInt8]]
    private var held: [UInt8] = []

    init(_ stops: [String]) { self.stops = stops.map { Array($0.utf8) } }

    /// Takes more text; gives what can be shown, and the stop string if one has come.
    mutating func push(_ bytes: [UInt8]) -> (visible: [UInt8], stop: String?) {
        held += bytes
        var first: (place: Int, stop: [UInt8])?
        for stop in stops {
            if let place = Self.find(stop, in: held), place < first?.place ?? .max { first = (place, stop) }
        }
        if let first {
            let visible = Array(held[..<first.place])
            held = []
            return (visible, String(decoding: first.stop, as: UTF8.self))
        }
        var keep = 0
        for stop in stops {
            for length in stride(from: min(stop.count - 1, held.count), to: keep, by: -1)
            where held.suffix(length).elementsEqual(stop.prefix(length)) {
                keep = length
                break
            }
        }
        let visible = Array(held.dropLast(keep))
        held = Array(held.suffix(keep))
        return (visible, nil)
    }

    /// The text held back when no more comes.
    mutating func finish() -> [UInt8] {
        defer { held = [] }
        return held
    }

    private static func find(_ needle: [UInt8], in text: [UInt8]) -> Int? {
        guard needle.count <= text.count else { return nil }
        return (0...text.count - needle.count).first { text[$0..<$0 + needle.count].elementsEqual(needle) }
    }
}
