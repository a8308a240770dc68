/// What is put around the ids of one text or of a pair.
struct PostProcessor: Sendable {
    enum Item: Sendable, Equatable {
        case first(type: UInt32)
        case second(type: UInt32)
        case special([UInt32], type: UInt32)
    }

    var single: [Item] = [.first(type: 0)]
    var pair: [Item] = [.first(type: 0), .second(type: 1)]
    /// What is left without special tokens, where that is other than the same less them.
    private(set) var plainSingle: [Item]?
    private(set) var plainPair: [Item]?
    /// How often offsets leave out the white space around a token's text (ByteLevel's `trim_offsets`), and whether the first
    /// one of a text keeps one space, which may have been put there.
    private(set) var trims: [Bool] = []

    static let none = PostProcessor()

    private init() {}

    /// The items of one text or a pair; of special tokens among them those count that are to be added.
    func items(isPair: Bool, addingSpecialTokens: Bool) -> [Item] {
        let all = isPair ? pair : single
        return addingSpecialTokens ? all : (isPair ? plainPair : plainSingle) ?? all
    }

    /// How many special tokens a text or a pair gets.
    func specialCount(isPair: Bool) -> Int {
        items(isPair: isPair, addingSpecialTokens: true).reduce(0) { count, item in
            if case .special(let ids, _) = item { return count + ids.count }
            return count
        }
    }

    /// Whether the ids of one text stay as they are.
    func addsNothing(addingSpecialTokens: Bool) -> Bool {
        let left = items(isPair: false, addingSpecialTokens: addingSpecialTokens).filter { item in
            if case .special = item { addingSpecialTokens } else { true }
        }
        guard left.count == 1, case .first = left[0] else { return false }
        return true
    }

    func apply(_ first: Encoding, _ second: Encoding?, addingSpecialTokens: Bool) -> Encoding {
        var result = Encoding()
        for item in items(isPair: second != nil, addingSpecialTokens: addingSpecialTokens) {
            switch item {
            case .first(let type): result.append(first, type: type)
            case .second(let type): if let second { result.append(second, type: type) }
            case .special(let ids, let type):
                if addingSpecialTokens { for id in ids { result.appendSpecial(id, type: type) } }
            }
        }
        return result
    }
}

extension PostProcessor {
    /// One of several post-processors, each of which takes what the one before it made.
    enum Step {
        case template(single: [Item], pair: [Item])
        case bert(begin: UInt32, end: UInt32)
        case roberta(begin: UInt32, end: UInt32)
        case trim(keepsFirstSpace: Bool)
    }

    /// Why steps are refused.
    enum Refusal: Error {
        /// A template gets what is neither a text nor a pair; the reference ends there, too.
        case partCount
        /// More texts and special tokens than any model has, and than could be put together in reasonable time.
        case tooLong
    }

    private static let mostItems = 4096

    init(_ steps: [Step]) throws(Refusal) {
        single = try Self.parts(of: 1, steps, addingSpecialTokens: true)
        pair = try Self.parts(of: 2, steps, addingSpecialTokens: true)
        let plainSingle = try Self.parts(of: 1, steps, addingSpecialTokens: false)
        let plainPair = try Self.parts(of: 2, steps, addingSpecialTokens: false)
        if plainSingle != single.filter(\.isText) { self.plainSingle = plainSingle }
        if plainPair != pair.filter(\.isText) { self.plainPair = plainPair }
        trims = steps.compactMap { if case .trim(let keepsFirstSpace) = $0 { keepsFirstSpace } else { nil } }
    }

    /// What the steps make of some texts. A template makes a part of each of its items, and its A and B are the first and the
    /// second part that it gets.
    private static func parts(
        of count: Int, _ steps: [Step], addingSpecialTokens: Bool
    ) throws(Refusal) -> [Item] {
        var parts: [[Item]] = count == 1 ? [[.first(type: 0)]] : [[.first(type: 0)], [.second(type: 1)]]
        for step in steps {
            switch step {
            case .template(let single, let pair):
                guard 1...2 ~= parts.count else { throw .partCount }
                let items = parts.count == 1 ? single : pair
                guard items.count * parts.reduce(1, { max($0, $1.count) }) <= mostItems else { throw .tooLong }
                parts = items.compactMap { item in
                    switch item {
                    case .first(let type): parts[0].map { $0.with(type: type) }
                    case .second(let type): parts[1].map { $0.with(type: type) }
                    case .special: addingSpecialTokens ? [item] : nil
                    }
                }
            case .bert(let begin, let end):
                guard addingSpecialTokens else { continue }
                parts = parts.enumerated().map { index, part in
                    index == 0
                        ? [.special([begin], type: 0)] + part + [.special([end], type: 0)]
                        : part + [.special([end], type: 1)]
                }
            case .roberta(let begin, let end):
                parts = parts.enumerated().map { index, part in
                    let part = part.map { $0.with(type: 0) }
                    guard addingSpecialTokens else { return part }
                    return [.special([index == 0 ? begin : end], type: 0)] + part + [.special([end], type: 0)]
                }
            case .trim: break
            }
            guard parts.reduce(0, { $0 + $1.count }) <= mostItems else { throw .tooLong }
        }
        return parts.flatMap(\.self)
    }
}

extension PostProcessor.Item {
    fileprivate var isText: Bool { if case .special = self { false } else { true } }

    fileprivate func with(type: UInt32) -> Self {
        switch self {
        case .first: .first(type: type)
        case .second: .second(type: type)
        case .special(let ids, _): .special(ids, type: type)
        }
    }
}
