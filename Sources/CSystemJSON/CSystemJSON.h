// Deliberately empty. This target exists for its pkg-config flags; the real headers are read only inside the C
// target that wraps them, so that nothing of theirs leaks into a Swift namespace.
