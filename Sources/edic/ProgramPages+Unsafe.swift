import Glibc

/// The pages of memory that hold the program's own code and its libraries'.
///
/// What parsed options and files has done its work when a model is open, and what computes reads less than 2 MB of the program
/// and its libraries. But the system maps, around each page that is read, all of its neighbours within 64 KiB that it has in its
/// cache, and code that works together lies apart: 10 MB come along.
enum ProgramPages {
    /// The size of pages that `/proc/self/pagemap` counts in.
    private static let pageSize = sysconf(Int32(_SC_PAGESIZE))

    /// Where code and libraries' constants are mapped, each no longer mapped in one piece where much of it had been read.
    private static let mappings = split(found())

    /// Gives back those that have been read so far. What computes comes from the system's cache again as it runs.
    ///
    /// Code that is not as in its file stays, such as a debugger's breakpoints or what was moved to other memory.
    static func release() {
        for mapping in mappings where residence(of: mapping).isUnchanged {
            guard let pages = unsafe UnsafeMutableRawPointer(bitPattern: mapping.lowerBound) else { continue }
            unsafe madvise(pages, mapping.count, MADV_DONTNEED)
        }
    }

    /// Maps what much has been read of in pieces of 16 KiB, since the system maps no neighbours beyond a mapping.
    ///
    /// Every other piece is left out of dumps of memory, which makes it a mapping of its own and means nothing else: of files' pages
    /// a dump has the first one at most.
    private static func split(_ mappings: [Range<UInt>]) -> [Range<UInt>] {
        let piece: UInt = 16 << 10
        for mapping in mappings where residence(of: mapping).bytes >= 256 << 10 {
            for start in stride(from: mapping.lowerBound + piece, to: mapping.upperBound, by: Int(2 * piece)) {
                guard let pages = unsafe UnsafeMutableRawPointer(bitPattern: start) else { continue }
                unsafe madvise(pages, Int(min(piece, mapping.upperBound - start)), MADV_DONTDUMP)
            }
        }
        return mappings
    }

    /// How much of a mapping is in memory, and whether that is as in the file: pages that were written to are the process's own.
    private static func residence(of mapping: Range<UInt>) -> (bytes: Int, isUnchanged: Bool) {
        let count = mapping.count / pageSize
        let file = unsafe open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return (0, false) }
        defer { close(file) }
        var entries = [UInt64](repeating: 0, count: count)
        let start = off_t(mapping.lowerBound) / off_t(pageSize) * 8
        let read = unsafe entries.withUnsafeMutableBytes { unsafe pread(file, $0.baseAddress, $0.count, start) }
        guard read == count * 8 else { return (0, false) }
        let isPresent: UInt64 = 1 << 63
        let isSwapped: UInt64 = 1 << 62
        let isOfFile: UInt64 = 1 << 61
        var resident = 0
        for entry in entries where entry & (isPresent | isSwapped) != 0 {
            guard entry & isOfFile != 0 else { return (0, false) }
            resident += pageSize
        }
        return (resident, true)
    }

    /// Where code and libraries' constants are mapped.
    private static func found() -> [Range<UInt>] {
        guard let file = unsafe fopen("/proc/self/maps", "re") else { return [] }
        var line: UnsafeMutablePointer<CChar>?
        var room = 0
        defer {
            unsafe fclose(file)
            unsafe free(line)
        }
        var found: [Range<UInt>] = []
        while unsafe getline(&line, &room, file) > 0, let text = unsafe line {
            // Addresses, rights, place in a file, device, inode and path.
            var rest: UnsafeMutablePointer<CChar>? = unsafe text
            let start = unsafe strtoul(text, &rest, 16)
            guard let dash = unsafe rest, unsafe dash.pointee == 0x2D else { continue }
            let end = unsafe strtoul(dash + 1, &rest, 16)
            guard let rights = unsafe rest, start < end else { continue }
            let isCode = unsafe strncmp(rights, " r-xp ", 6) == 0
            // A library's constants have a mapping of their own, as a model's file has. What the dynamic linker wrote has another.
            let isConstant = unsafe strncmp(rights, " r--p ", 6) == 0
            guard unsafe isCode ? strchr(text, 0x2F) != nil : isConstant && strstr(text, ".so") != nil else { continue }
            found.append(start..<end)
        }
        return found
    }
}
