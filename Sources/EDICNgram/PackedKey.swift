/// A key of `limbs` machine words, the first one counting most.
struct PackedKey<let limbs: Int>: BitwiseCopyable, Sendable {
    var value: InlineArray<limbs, UInt64>

    @inline(__always)
    init() { value = InlineArray(repeating: 0) }

    @inline(__always)
    static func < (left: PackedKey, right: PackedKey) -> Bool {
        for limb in 0..<limbs where left.value[limb] != right.value[limb] {
            return left.value[limb] < right.value[limb]
        }
        return false
    }
}
