/// One place for each result of a parallel map, written once by whichever worker computed it.
///
/// Unchecked: a place is written by one worker, and none is read before all are done.
@safe final class ResultSlots<Element: Sendable>: @unchecked Sendable {
    private let slots: UnsafeMutableBufferPointer<Element?>

    init(count: Int) {
        unsafe slots = .allocate(capacity: count)
        unsafe slots.initialize(repeating: nil)
    }

    deinit {
        unsafe slots.deinitialize()
        unsafe slots.deallocate()
    }

    /// Different indices may be stored from different threads at once.
    func store(_ element: Element, at index: Int) {
        precondition(unsafe slots.indices.contains(index))
        unsafe slots[index] = element
    }

    /// The results in order, once every writer is done.
    func take() -> [Element] { unsafe slots.compactMap { $0 } }
}
