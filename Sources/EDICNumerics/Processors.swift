internal import CEDICKernels
internal import Glibc
internal import SystemPackage

/// How much of the machine this process may use.
public enum Processors {
    /// The number of threads that can run at once: the processors this process is allowed on, and no more than its
    /// control group grants. At least 1.
    public static let available: Int = max(1, min(allowed() ?? online(), groupQuota() ?? .max))

    private static func online() -> Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// Processors in the affinity mask.
    private static func allowed() -> Int? {
        let count = Int(ek_allowed_processors())
        return count > 0 ? count : nil
    }

    /// The smallest processor quota from this process's control group up to the root, in whole processors, rounded up.
    private static func groupQuota() -> Int? {
        var smallest: Int?
        func take(_ quota: Int?) {
            if let quota { smallest = min(smallest ?? quota, quota) }
        }
        let groups = contents("/proc/self/cgroup") ?? ""
        // Version 2 has one line, "0::/path"; the limit of any ancestor holds too.
        for line in groups.split(separator: "\n") where line.hasPrefix("0::/") {
            var path = FilePath("/sys/fs/cgroup" + line.dropFirst(3)).lexicallyNormalized()
            let root = FilePath("/sys/fs/cgroup")
            while path.starts(with: root) {
                take(parseQuota(contents(path.appending("cpu.max")) ?? ""))
                guard path != root, path.removeLastComponent() else { break }
            }
        }
        let quota = contents("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") ?? ""
        let period = contents("/sys/fs/cgroup/cpu/cpu.cfs_period_us") ?? ""
        take(parseQuota(quota + " " + period))
        return smallest
    }

    /// Parses `quota period`, both in microseconds, into whole processors; nil for `max`, -1 or nonsense.
    static func parseQuota(_ text: String) -> Int? {
        let fields = text.split(whereSeparator: \.isWhitespace)
        guard fields.count == 2, let quota = Int(fields[0]), let period = Int(fields[1]), quota > 0, period > 0 else {
            return nil
        }
        return max(1, (quota - 1) / period + 1)
    }
}
