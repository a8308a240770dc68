internal import EDICNumerics
internal import Synchronization

extension TokenizerCore {
    /// What a worker takes of a long text at a time.
    private enum Item {
        case token(UInt32)
        /// A part between added tokens.
        case part(Range<Int>)
        /// The beginning of a part that was cut, or a later stretch of one.
        case beginning(Range<Int>)
        case stretch(Range<Int>)

        var byteCount: Int {
            switch self {
            case .token: 1
            case .part(let range), .beginning(let range), .stretch(let range): range.count
            }
        }
    }

    /// Large enough that setting out is nothing beside the work, small enough for its ids to stay in a cache until they
    /// are in their place.
    static let stretchSize = 1 << 17

    /// Appends the ids of a text, stretches of about `size` bytes of which are encoded side by side; returns whether they were,
    /// or the caller encoded all of it.
    @discardableResult func encode(
        _ text: Span<UInt8>, _ policy: Tokenizer.SpecialTokenPolicy, stretches size: Int = stretchSize,
        pool: WorkerPool, into ids: inout [UInt32]
    ) -> Bool {
        let isLong = pool.workers > 1 && text.count >= 4 * size
        let items = isLong ? items(of: text, policy, size) : []
        let parcels = Self.parcels(of: items, size)
        guard parcels.count > 1 else {
            encode(text, policy, into: &ids)
            return false
        }
        ids.reserveForText(bytes: text.count)
        let found = OrderedIDs(after: ids)
        ids = []
        let isUncuttable = CancellationFlag()
        pool.forEach(count: parcels.count, cancellation: isUncuttable) { parcel, _ in
            var ids: [UInt32] = []
            ids.reserveForText(bytes: size)
            if encode(items[parcels[parcel]], of: text, policy, into: &ids) {
                found.put(ids, at: parcel)
            } else {
                isUncuttable.cancel()
            }
        }
        ids = found.take(all: !isUncuttable.isCancelled)
        if isUncuttable.isCancelled { encode(text, policy, into: &ids) }
        return !isUncuttable.isCancelled
    }

    private func items(of text: Span<UInt8>, _ policy: Tokenizer.SpecialTokenPolicy, _ size: Int) -> [Item] {
        var items: [Item] = []
        for part in rawParts(text, policy) ?? [.text(0..<text.count)] {
            switch part {
            case .token(let id, _): items.append(.token(id))
            case .text(let range):
                let bytes = text.extracting(range)
                guard range.count >= 2 * size, let plan, !mayHoldNormalizedTokens(bytes),
                    let stretches = plan.stretches(of: bytes, size: size), stretches.count > 1
                else {
                    items.append(.part(range))
                    continue
                }
                for stretch in stretches {
                    let place = range.lowerBound + stretch.lowerBound..<range.lowerBound + stretch.upperBound
                    items.append(stretch.lowerBound == 0 ? .beginning(place) : .stretch(place))
                }
            }
        }
        return items
    }

    /// Neighbours that make about `size` bytes together.
    private static func parcels(of items: [Item], _ size: Int) -> [Range<Int>] {
        var parcels: [Range<Int>] = []
        var begin = 0
        var count = 0
        for (index, item) in items.enumerated() {
            count += item.byteCount
            if count >= size || index == items.count - 1 {
                parcels.append(begin..<index + 1)
                begin = index + 1
                count = 0
            }
        }
        return parcels
    }

    /// False where a part that was cut must be encoded as a whole.
    private func encode(
        _ items: ArraySlice<Item>, of text: Span<UInt8>, _ policy: Tokenizer.SpecialTokenPolicy,
        into ids: inout [UInt32]
    ) -> Bool {
        for item in items {
            switch item {
            case .token(let id): ids.append(id)
            case .part(let range):
                encodePart(text.extracting(range), isFirst: range.lowerBound == 0, policy, into: &ids)
            case .beginning(let range):
                let before = ids.count
                // What stands first in a text may get a prefix, so something must be found there.
                guard
                    withTable({
                        plan?.encode(
                            text.extracting(range), isFirst: range.lowerBound == 0, core: self, table: $0, into: &ids)
                    }) == true, ids.count > before
                else { return false }
            case .stretch(let range):
                guard
                    withTable({
                        plan?.encodeStretch(text.extracting(range), core: self, table: $0, into: &ids)
                    }) == true
                else { return false }
            }
        }
        return true
    }
}

/// Ids of parts that come in any order, put in order as they come.
private final class OrderedIDs: Sendable {
    private struct State {
        var ids: [UInt32]
        var next = 0
        var waiting: [Int: [UInt32]] = [:]
    }

    private let before: Int
    private let state: Mutex<State>

    init(after ids: consuming [UInt32]) {
        before = ids.count
        state = Mutex(State(ids: ids))
    }

    func put(_ ids: [UInt32], at part: Int) {
        state.withLock { state in
            guard part == state.next else {
                state.waiting[part] = ids
                return
            }
            var ids: [UInt32]? = ids
            while let more = ids {
                state.ids += more
                state.next += 1
                ids = state.waiting.removeValue(forKey: state.next)
            }
        }
    }

    /// The ids, or only those that were there before.
    func take(all: Bool) -> [UInt32] {
        state.withLock { state in
            var ids: [UInt32] = []
            swap(&ids, &state.ids)
            if !all { ids.removeLast(ids.count - before) }
            return ids
        }
    }
}
