internal import Glibc

/// The time that templates may ask for. `SOURCE_DATE_EPOCH`, the convention of reproducible builds, sets it: seconds since
/// 1970, shown in UTC then.
enum TemplateClock {
    /// The time in the pattern of `strftime`, at most 255 bytes.
    static func text(_ pattern: String) -> String {
        var seconds = time(nil)
        var isFixed = false
        if let variable = unsafe getenv("SOURCE_DATE_EPOCH"), let stated = Int(unsafe String(cString: variable)) {
            seconds = stated
            isFixed = true
        }
        var parts = unsafe tm()
        guard unsafe (isFixed ? gmtime_r(&seconds, &parts) : localtime_r(&seconds, &parts)) != nil else { return "" }
        var bytes = [CChar](repeating: 0, count: 256)
        let count = unsafe strftime(&bytes, bytes.count, pattern, &parts)
        return String(decoding: bytes.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
