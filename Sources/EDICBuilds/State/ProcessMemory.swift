import Glibc

/// How much memory this process uses.
enum ProcessMemory {
    /// The most it has used at once, in bytes.
    static var peak: Int {
        var usage = rusage()
        guard unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
        return usage.ru_maxrss * 1024
    }
}
