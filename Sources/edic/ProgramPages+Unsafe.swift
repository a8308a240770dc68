import CSystemLibC
import Glibc

/// The pages of memory that hold the program's own code and its libraries'.
enum ProgramPages {
    /// Gives back those that have been read so far: what parsed options and files has done its work when a model is open, and
    /// what computes comes from the system's cache again as it runs. Some 15 MB, as much as a small model.
    static func release() {
        unsafe dl_iterate_phdr(
            { object, _, _ in
                guard let object = unsafe object?.pointee else { return 0 }
                let page = Int(getpagesize())
                for place in unsafe 0..<Int(object.dlpi_phnum) {
                    let segment = unsafe object.dlpi_phdr[place]
                    // What was written to, as the dynamic linker does to pages of data, could not be read again.
                    guard unsafe segment.p_type == UInt32(PT_LOAD), unsafe segment.p_flags & UInt32(PF_W) == 0 else {
                        continue
                    }
                    let start = unsafe Int(object.dlpi_addr) + Int(segment.p_vaddr)
                    let first = (start + page - 1) / page * page
                    let end = unsafe (start + Int(segment.p_memsz)) / page * page
                    guard first < end, let pages = unsafe UnsafeMutableRawPointer(bitPattern: first) else { continue }
                    unsafe madvise(pages, end - first, MADV_DONTNEED)
                }
                return 0
            }, nil)
    }
}
