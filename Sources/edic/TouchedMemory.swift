import CSystemLibC

/// What this process does with memory that it no longer needs.
enum TouchedMemory {
    /// Keeps it: each layer of a model needs some megabytes for its activations, which the C library would give back to the
    /// system and ask for again, page by page, for the next one: a tenth of the time of reading a prompt. To be called
    /// when models are open, so that what opening took goes back first.
    static func keep() {
        mallopt(M_MMAP_THRESHOLD, 32 << 20)
        mallopt(M_TRIM_THRESHOLD, 256 << 20)
    }
}
