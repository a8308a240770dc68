import EDICJSON
import Glibc

/// A piece of text by its lines, for workers to share out.
struct PieceOfLines: Sendable {
    let bytes: [UInt8]
    /// Where neighbouring lines are, some dozens of kilobytes together.
    let groups: [Range<Int>]
    private let keepsReturns: Bool

    /// - Parameters:
    ///   - piece: lines that end in LF or CRLF.
    ///   - keepsReturns: only LF ends a line; a CR before it is of the line.
    init(_ piece: Span<UInt8>, keepsReturns: Bool = false, groupBytes: Int = 1 << 15) {
        bytes = Array(copying: piece)
        self.keepsReturns = keepsReturns
        var groups: [Range<Int>] = []
        var start = 0
        while start < bytes.count {
            let last = min(start + groupBytes, bytes.count) - 1
            let end = (Self.firstLineEnd(in: bytes, from: last) ?? bytes.count - 1) + 1
            groups.append(start..<end)
            start = end
        }
        self.groups = groups
    }

    /// Where the lines of a group are, without their ends.
    func lines(in group: Range<Int>) -> [Range<Int>] {
        var lines: [Range<Int>] = []
        var start = group.lowerBound
        while start < group.upperBound, let end = Self.firstLineEnd(in: bytes, from: start) {
            let hasReturn = !keepsReturns && end > start && bytes[end - 1] == 0x0D
            lines.append(start..<(hasReturn ? end - 1 : end))
            start = end + 1
        }
        return lines
    }

    private static func firstLineEnd(in bytes: [UInt8], from start: Int) -> Int? {
        unsafe bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, let end = unsafe memchr(base + start, 0x0A, bytes.count - start) else {
                return nil
            }
            return unsafe base.distance(to: UnsafeRawPointer(end))
        }
    }
}
