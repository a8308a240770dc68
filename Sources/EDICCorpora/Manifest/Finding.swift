/// One thing that a check found in a contribution: what is wrong, where, and what to do about it.
public struct Finding: Sendable, Equatable {
    /// How bad a finding is.
    public enum Severity: String, Sendable, Comparable {
        /// Worth a look; the contribution can be built.
        case warning
        /// The contribution, or one of its files, cannot be taken as it is.
        case error

        public static func < (first: Self, second: Self) -> Bool { first == .warning && second == .error }
    }

    /// How bad it is.
    public var severity: Severity
    /// The kind of finding: lower-case words joined by underscores. Codes are stable.
    public var code: String
    /// The file, relative to the contribution's folder.
    public var file: String
    /// The line, the first being 1, where that is known.
    public var line: Int?
    /// The manifest's key that the finding is about, such as `files[2].format`.
    public var key: String?
    /// What is wrong.
    public var message: String
    /// What to do about it.
    public var advice: String

    public init(
        _ severity: Severity, _ code: String, file: String, line: Int? = nil, key: String? = nil, _ message: String,
        advice: String = ""
    ) {
        self.severity = severity
        self.code = code
        self.file = file
        self.line = line
        self.key = key
        self.message = message
        self.advice = advice
    }
}

extension Finding: CustomStringConvertible {
    /// `file:line: severity: key: message; advice`, on one line.
    public var description: String {
        var text = file
        if let line { text += ":\(line)" }
        text += ": \(severity.rawValue): "
        if let key { text += "\(key): " }
        text += message
        if !advice.isEmpty { text += "; \(advice)" }
        return text
    }
}
