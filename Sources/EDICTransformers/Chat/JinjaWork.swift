internal import EDICText

/// What is wrong in a template, in one line.
struct JinjaError: Error {
    enum Kind { case notUnderstood, refused, stopped }
    let kind: Kind
    let message: String

    /// A template writes parts of the message: they are kept to one line, and short.
    init(_ message: String, _ kind: Kind = .notUnderstood) {
        self.kind = kind
        self.message = String(message.unicodeScalars.prefix(500)).onOneLine
    }
}

/// How much one rendering may do. Everything that takes time or memory is paid for here, before it is done or while it
/// is, so that a template can neither run on nor fill the memory.
final class JinjaWork {
    /// The price of a byte is 1: a template can make this many, and some for each byte of the conversation, since there are
    /// templates that copy what they have written for each message. Then comes the limit that nothing moves.
    private static let least = 1 << 27
    private static let perByte = 1 << 10
    private static let most = 1 << 29
    /// The price of evaluating an expression or running a node.
    static let step = 64
    /// The price of a value in a list, and of a key.
    static let item = 32
    /// How much is done between two questions to the caller.
    private static let betweenQuestions = 1 << 20

    private var done = 0
    private var nextQuestion = 0
    private let limit: Int
    private let stop: StopSignal

    /// - Parameter input: how many bytes the conversation has.
    init(input: Int, _ stop: StopSignal) {
        limit = min(Self.least + Self.perByte * min(input, Self.most), Self.most)
        self.stop = stop
    }

    func spend(_ amount: Int) throws(JinjaError) {
        guard amount <= limit - done else { throw JinjaError("it runs without end or writes without measure") }
        done += amount
        if done >= nextQuestion {
            nextQuestion = done + Self.betweenQuestions
            if stop.isRaised { throw JinjaError("its rendering was cancelled", .stopped) }
        }
    }

    func spend(items count: Int) throws(JinjaError) {
        let (price, isTooMuch) = count.multipliedReportingOverflow(by: Self.item)
        try spend(isTooMuch ? .max : price)
    }

    /// Pays for sorting: each text is compared with about as many as their number has bits.
    func spend(sorting texts: [String]) throws(JinjaError) {
        let rounds = Int.bitWidth - texts.count.leadingZeroBitCount
        for text in texts { try spend((Self.item + text.utf8.count) * rounds) }
    }

    /// Two texts as one.
    func joined(_ left: String, _ right: String) throws(JinjaError) -> String {
        try spend(left.utf8.count + right.utf8.count)
        return left + right
    }

    /// Texts with another between each two.
    func joined(_ parts: [String], by separator: String) throws(JinjaError) -> String {
        var whole = ""
        for (place, part) in parts.enumerated() {
            try spend(part.utf8.count + separator.utf8.count + 1)
            if place > 0 { whole += separator }
            whole += part
        }
        return whole
    }
}
