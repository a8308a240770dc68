internal import CEDICTokenizers

/// Finds the ids of a vocabulary's tokens by their bytes.
///
/// Unchecked: nothing is written once it is made.
@safe final class TokenIndex: @unchecked Sendable {
    private let pointer: OpaquePointer
    private let vocabulary: Vocabulary

    /// How many different tokens there are.
    let count: Int

    /// Of equal tokens the lowest id counts; an empty one is not found.
    ///
    /// - Parameter lengths: where given, the tokens' lengths, with ``Vocabulary/unused`` for those that are left out.
    init(_ vocabulary: Vocabulary, lengths: [UInt32]? = nil) throws(TokenizerError) {
        let made = unsafe vocabulary.withStrings(lengths: lengths) { strings in
            unsafe edic_tok_index_create(&strings)
        }
        guard let made = unsafe made else { throw .outOfMemory }
        unsafe pointer = made
        self.vocabulary = vocabulary
        count = unsafe edic_tok_index_count(made)
    }

    deinit { unsafe edic_tok_index_destroy(pointer) }

    /// The id of exactly these bytes.
    func id(of key: Span<UInt8>) -> UInt32? {
        let id = unsafe key.withUnsafeBufferPointer { key in
            unsafe vocabulary.withStrings { strings in
                unsafe edic_tok_index_find(pointer, &strings, key.baseAddress, key.count)
            }
        }
        return id == .max ? nil : id
    }
}

extension Vocabulary {
    /// The tokens as the C code wants them, without those that `lengths`, if given, leaves out.
    @unsafe func withStrings<Result>(lengths: [UInt32]? = nil, _ body: (inout edic_tok_strings) -> Result) -> Result {
        let lengths = lengths ?? self.lengths
        precondition(lengths.count == starts.count, "a length for each token is wanted")
        return unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe starts.withUnsafeBufferPointer { starts in
                unsafe lengths.withUnsafeBufferPointer { lengths in
                    // Without strings nothing is read.
                    guard let bytes = bytes.baseAddress, let starts = starts.baseAddress,
                        let lengths = lengths.baseAddress
                    else {
                        var none: (byte: UInt8, number: UInt32) = (0, 0)
                        return unsafe withUnsafePointer(to: &none.byte) { byte in
                            unsafe withUnsafePointer(to: &none.number) { number in
                                var strings = unsafe edic_tok_strings(
                                    bytes: byte, starts: number, lengths: number, count: 0)
                                return unsafe body(&strings)
                            }
                        }
                    }
                    var strings = unsafe edic_tok_strings(
                        bytes: bytes, starts: starts, lengths: lengths, count: self.starts.count)
                    return unsafe body(&strings)
                }
            }
        }
    }
}
