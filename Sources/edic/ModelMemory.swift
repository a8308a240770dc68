import CSystemLibC

/// What this process does with memory around the opening of a model.
enum ModelMemory {
    /// Opens a model with no more memory held than it takes.
    ///
    /// Before and after, the pages of code that have done their work go back, and at last what was freed on the way; large tables
    /// go back as soon as they are. What is taken from then on stays: each layer of a model needs some megabytes for its activations, which the C library
    /// would give back to the system and ask for again, page by page, for the next one: a tenth of the time of reading a
    /// prompt.
    static func opening<Model>(_ open: () throws -> Model) rethrows -> Model {
        ProgramPages.release()
        mallopt(M_MMAP_THRESHOLD, 64 << 10)
        defer {
            mallopt(M_MMAP_THRESHOLD, 32 << 20)
            mallopt(M_TRIM_THRESHOLD, 256 << 20)
        }
        let model = try open()
        ProgramPages.release()
        malloc_trim(0)
        return model
    }
}
