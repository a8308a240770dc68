import Glibc
import SystemPackage

extension Terminal {
    /// Writes all of `bytes`; a reader that has gone away ends the program quietly, as it does for other tools.
    static func output(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { unsafe write(UnsafeRawBufferPointer($0), to: STDOUT_FILENO) }
    }

    static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { buffer in unsafe write(UnsafeRawBufferPointer(buffer), to: descriptor) }
    }

    private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) {
        var rest = unsafe bytes[...]
        while unsafe !rest.isEmpty {
            let written = unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
            if written < 0 {
                if errno == EINTR { continue }
                // Work goes on without a reader of its messages.
                if errno == EPIPE && descriptor == STDERR_FILENO { return }
                if errno == EPIPE { exit(0) }
                if descriptor == STDOUT_FILENO {
                    var message = "edic: standard output: \(Errno(rawValue: errno))\n"
                    // Whether or not this can be written, the status says it.
                    message.withUTF8 { unsafe _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
                }
                exit(ExitStatus.ioError.rawValue)
            }
            unsafe rest = rest.dropFirst(written)
        }
    }
}

extension Slice where Base == UnsafeRawBufferPointer {
    fileprivate var baseAddress: UnsafeRawPointer? { unsafe UnsafeRawBufferPointer(rebasing: self).baseAddress }
}
