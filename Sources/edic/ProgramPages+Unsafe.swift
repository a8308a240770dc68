import Glibc

/// The pages of memory that hold the program's own code and its libraries'.
enum ProgramPages {
    /// Gives back those that have been read so far: what parsed options and files has done its work when a model is open, and
    /// what computes comes from the system's cache again as it runs, about half of 15 MB.
    ///
    /// Code that is not as in its file stays, such as a debugger's breakpoints or what was moved to other memory.
    static func release() {
        guard let file = unsafe fopen("/proc/self/smaps", "re") else { return }
        var line: UnsafeMutablePointer<CChar>?
        var room = 0
        defer {
            unsafe fclose(file)
            unsafe free(line)
        }
        var code: Range<UInt>?
        var isUnchanged = false
        while unsafe getline(&line, &room, file) > 0, let text = unsafe line {
            var rest: UnsafeMutablePointer<CChar>? = unsafe text
            let start = unsafe strtoul(text, &rest, 16)
            if let dash = unsafe rest, unsafe dash.pointee == 0x2D {
                // A mapping begins: its addresses, rights, place in a file, device, inode and path.
                let end = unsafe strtoul(dash + 1, &rest, 16)
                guard let rights = unsafe rest else { continue }
                let isCode = unsafe strncmp(rights, " r-xp ", 6) == 0
                // A library's constants have a mapping of their own, as a model's file has. What the dynamic linker wrote has
                // another.
                let isConstant = unsafe strncmp(rights, " r--p ", 6) == 0
                let isOurs = unsafe isCode ? strchr(text, 0x2F) != nil : isConstant && strstr(text, ".so") != nil
                code = isOurs && start < end ? start..<end : nil
            } else if unsafe strncmp(text, "Anonymous:", 10) == 0 {
                // Pages that were written to are the process's own, here or, by the later line, swapped out.
                isUnchanged = unsafe strtoul(text + 10, nil, 10) == 0
            } else if let own = code, isUnchanged, unsafe strncmp(text, "Swap:", 5) == 0,
                unsafe strtoul(text + 5, nil, 10) == 0,
                let pages = unsafe UnsafeMutableRawPointer(bitPattern: own.lowerBound)
            {
                unsafe madvise(pages, own.count, MADV_DONTNEED)
            }
        }
    }
}
