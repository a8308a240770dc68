/// The words of a model in the order of their ids: `<unk>` 0, `<s>` 1, `</s>` 2, then the others.
struct VocabularyList: Sendable {
    static let reserved = ["<unk>", "<s>", "</s>"]
    /// Bytes that are readable behind the last word.
    static let padding = 16

    /// All words one after another.
    let bytes: Lane<UInt8>
    /// Where each word begins, and the end of the last.
    let starts: Lane<Int>

    var count: Int { starts.count - 1 }

    /// The words of `words` in the given order, after the reserved ones.
    init(words: WordTable, order: [UInt32]) {
        let reserved = Self.reserved.map { Array($0.utf8) }
        let total = order.reduce(reserved.reduce(0) { $0 + $1.count }) { $0 + words.range(of: Int($1)).count }
        bytes = Lane(uninitialized: total + Self.padding).part(0..<total)
        starts = Lane(uninitialized: order.count + reserved.count + 1)
        var end = 0
        for (id, word) in reserved.enumerated() {
            starts[id] = end
            for byte in word {
                bytes[end] = byte
                end += 1
            }
        }
        let arena = words.arena
        for (place, number) in order.enumerated() {
            starts[reserved.count + place] = end
            for index in words.range(of: Int(number)) {
                bytes[end] = arena[index]
                end += 1
            }
        }
        starts[count] = end
    }

    /// ``padding`` bytes must be readable behind `bytes`.
    init(bytes: Lane<UInt8>, starts: Lane<Int>) {
        self.bytes = bytes
        self.starts = starts
    }

    /// The same words, in the order of their places in `order`.
    func reordered(_ order: [Int]) -> VocabularyList {
        let reordered = VocabularyList(
            bytes: Lane(uninitialized: bytes.count), starts: Lane(uninitialized: order.count + 1))
        var end = 0
        for (place, id) in order.enumerated() {
            reordered.starts[place] = end
            copy(bytes.part(range(of: id)), into: reordered.bytes, at: end)
            end += range(of: id).count
        }
        reordered.starts[order.count] = end
        return reordered
    }

    /// The first `count` words.
    func prefix(_ count: Int) -> VocabularyList { VocabularyList(bytes: bytes, starts: starts.part(0..<count + 1)) }

    func range(of id: Int) -> Range<Int> { starts[id]..<starts[id + 1] }

    func text(of id: Int) -> String { String(decoding: range(of: id).map { bytes[$0] }, as: UTF8.self) }
}
