/// How much of anything a reader accepts, so that no input, however hostile, exhausts the machine.
public struct ReadingLimits: Sendable, Equatable {
    /// Bytes of UTF-8 in one document or one side of a unit.
    public var documentBytes = 32 << 20
    /// Bytes of UTF-8 in all sides of a unit and its metadata.
    public var unitBytes = 64 << 20
    /// Bytes of UTF-8 in one line.
    public var lineBytes = 16 << 20
    /// Bytes in a file of a format that has to be read as a whole (gettext MO).
    public var wholeFileBytes = 64 << 20
    /// Elements open at once in XML. At most 256.
    public var elementDepth = 256
    /// Elements open at once in HTML, whose authors leave many unclosed.
    public var htmlElementDepth = 1024
    /// Bytes in all attributes of one element.
    public var attributeBytes = 64 << 10
    /// Sides of one translation unit.
    public var segments = 256
    /// Fields of metadata kept of one row; more are dropped.
    public var metadataFields = 64

    public init() {}
}
