/// A linear classifier of languages over the n-grams of letters, in 8-bit weights.
///
/// The features of a text are its n-grams of two to five letters (words with one blank on either side, in lower case)
/// and its words, each known by a hash of 22 bits. A table of slots keeps, of the features that map to the same slot, the
/// one that tells most, and an 8-bit tag to recognise it; the rest have no weight. A class's score is the sum of its
/// weights over the text's features divided by the square root of their number; softmax makes probabilities of them.
///
/// File format, little-endian: "EDICLID1", UInt32 slots, UInt32 classes, Float32 scale of a weight, the classes' tags
/// each ended by a zero byte, slots tags of one byte, slots × classes weights of one byte.
struct LanguageModel: Sendable, Equatable {
    static let magic = Array("EDICLID1".utf8)
    /// Slots below this number could not tell their features apart by an 8-bit tag.
    static let slotRange = 1 << 14...1 << 20

    /// BCP 47 tags; two classes may be one language in two scripts.
    let classes: [String]
    let tags: [UInt8]
    /// ``LanguageFeatures/classLimit`` weights a slot.
    let weights: [Int8]
    /// What a weight of 1 is worth.
    let scale: Float

    init(classes: [String], tags: [UInt8], weights: [Int8], scale: Float) {
        self.classes = classes
        self.tags = tags
        self.weights = weights
        self.scale = scale
    }

    static let builtIn: Result<LanguageModel, LanguageIDError> = Result { () throws(LanguageIDError) in
        try LanguageModel(parsing: LanguageFeatures.builtInModel)
    }

    init(parsing bytes: [UInt8]) throws(LanguageIDError) {
        var reader = ByteReader(bytes)
        guard bytes.count > 8, try reader.bytes(8).elementsEqual(Self.magic) else {
            throw LanguageIDError(
                code: .malformedModel, message: "not a language model: it does not begin with EDICLID1")
        }
        let slots = try reader.int32()
        let classCount = try reader.int32()
        scale = Float(bitPattern: try reader.integer(UInt32.self))
        guard Self.slotRange ~= slots, 2...LanguageFeatures.classLimit ~= classCount, scale.isFinite, scale > 0 else {
            throw LanguageIDError(
                code: .malformedModel, message: "byte \(reader.offset): \(slots) slots of \(classCount) classes")
        }
        var classes: [String] = []
        for _ in 0..<classCount { classes.append(String(decoding: try reader.zeroTerminated(), as: UTF8.self)) }
        self.classes = classes
        tags = Array(try reader.bytes(slots))
        let packed = try reader.bytes(slots * classCount)
        var weights = [Int8](repeating: 0, count: slots * LanguageFeatures.classLimit)
        var at = packed.startIndex
        for slot in 0..<slots {
            for k in 0..<classCount {
                weights[slot * LanguageFeatures.classLimit + k] = Int8(bitPattern: packed[at])
                at += 1
            }
        }
        self.weights = weights
        guard reader.remaining == 0 else {
            throw LanguageIDError(
                code: .malformedModel, message: "byte \(reader.offset): \(reader.remaining) bytes too many")
        }
    }

    /// The bytes of the file.
    var serialized: [UInt8] {
        var bytes = Self.magic
        for number in [UInt32(tags.count), UInt32(classes.count), scale.bitPattern] {
            for k in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: number >> (8 * UInt32(k)))) }
        }
        for name in classes { bytes += Array(name.utf8) + [0] }
        bytes += tags
        for slot in tags.indices {
            let start = slot * LanguageFeatures.classLimit
            for weight in weights[start..<start + classes.count] { bytes.append(UInt8(bitPattern: weight)) }
        }
        return bytes
    }
}
