private import CEDICLanguageID

/// The C inner loop of language identification, in Swift's terms.
enum LanguageFeatures {
    /// Weights a slot has: one a class, padded.
    static let classLimit = Int(edic_language_limit)
    static let featureCount = 1 << Int(edic_feature_bits)

    struct Evidence {
        var letters: Int
        var foreignLetters: Int
        /// Features of the text that the table has.
        var features: Int
        /// Where its letters are.
        var blocks: LetterBlocks
    }

    /// Adds up the weights of a text's features in a table of `tags.count` slots.
    static func sum(
        _ utf8: Span<UInt8>, tags: [UInt8], weights: [Int8], into sums: inout [Int32]
    ) -> Evidence {
        precondition(sums.count == classLimit && weights.count == tags.count * classLimit && !tags.isEmpty)
        let found = unsafe utf8.withUnsafeBufferPointer { text in
            unsafe tags.withUnsafeBufferPointer { tags in
                unsafe weights.withUnsafeBufferPointer { weights -> edic_language_evidence in
                    guard let tagBase = tags.baseAddress, let weightBase = weights.baseAddress else {
                        return edic_language_evidence()
                    }
                    var table = unsafe edic_language_table(
                        tags: tagBase, weights: weightBase, slots: UInt32(tags.count))
                    return unsafe edic_language_sum(&table, text.baseAddress, text.count, &sums)
                }
            }
        }
        return Evidence(
            letters: Int(found.letters), foreignLetters: Int(found.foreign), features: Int(found.features),
            blocks: LetterBlocks(rawValue: found.blocks))
    }

    /// The features of a text, with repetitions.
    static func features(of utf8: Span<UInt8>, into features: inout [UInt32]) {
        let capacity = 5 * utf8.count + 5
        features = unsafe utf8.withUnsafeBufferPointer { text in
            unsafe [UInt32](unsafeUninitializedCapacity: capacity) { buffer, count in
                guard let base = buffer.baseAddress else { return }
                count = unsafe edic_language_features(text.baseAddress, text.count, base, capacity)
            }
        }
    }

    static func slot(of feature: UInt32, slots: Int) -> Int { Int(edic_language_slot(feature, UInt32(slots))) }

    static func tag(of feature: UInt32) -> UInt8 { edic_language_tag(feature) }

    /// The bytes of the built-in model.
    static var builtInModel: [UInt8] {
        var count = 0
        let start = unsafe edic_language_model(&count)
        return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }
}
