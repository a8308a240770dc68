/// Sorts packed keys by radix from the first differing bit, in `keys`, with `scratch` of the same length.
@inline(never)
func sortKeys<let limbs: Int>(_ keys: Lane<PackedKey<limbs>>, scratch: Lane<PackedKey<limbs>>) {
    precondition(scratch.count >= keys.count)
    unsafe radixSort(keys.pointer, scratch.pointer, keys.count, limb: 0)
}

private func radixSort<let limbs: Int>(
    _ keys: UnsafeMutablePointer<PackedKey<limbs>>, _ scratch: UnsafeMutablePointer<PackedKey<limbs>>,
    _ count: Int, limb first: Int
) {
    if count <= 24 {
        unsafe insertionSort(keys, count)
        return
    }
    var limb = first
    var difference: UInt64 = 0
    while limb < limbs {
        let sample = unsafe keys[0].value[limb]
        for index in 1..<count { unsafe difference |= keys[index].value[limb] ^ sample }
        if difference != 0 { break }
        limb += 1
    }
    guard limb < limbs else { return }
    let top = 63 - difference.leadingZeroBitCount
    // Few keys are not worth a wide histogram.
    let digitBits = min(top + 1, count < 2048 ? 6 : 8)
    let shift = UInt64(top + 1 - digitBits)
    let buckets = 1 << digitBits
    let mask = UInt64(buckets - 1)
    unsafe withUnsafeTemporaryAllocation(of: Int.self, capacity: 2 * buckets) { table in
        unsafe table.initialize(repeating: 0)
        for index in 0..<count {
            let digit = unsafe Int(truncatingIfNeeded: (keys[index].value[limb] >> shift) & mask)
            unsafe table[digit] += 1
        }
        var sum = 0
        for bucket in 0..<buckets {
            let size = unsafe table[bucket]
            unsafe table[bucket] = sum
            unsafe table[buckets + bucket] = sum
            sum += size
        }
        for index in 0..<count {
            let key = unsafe keys[index]
            let digit = Int(truncatingIfNeeded: (key.value[limb] >> shift) & mask)
            let target = unsafe table[digit]
            unsafe table[digit] = target + 1
            unsafe scratch[target] = key
        }
        unsafe keys.update(from: scratch, count: count)
        for bucket in 0..<buckets {
            let start = unsafe table[buckets + bucket]
            let size = unsafe table[bucket] - start
            if size > 1 { unsafe radixSort(keys + start, scratch + start, size, limb: limb) }
        }
    }
}

private func insertionSort<let limbs: Int>(_ keys: UnsafeMutablePointer<PackedKey<limbs>>, _ count: Int) {
    guard count > 1 else { return }
    for index in 1..<count {
        let key = unsafe keys[index]
        var hole = index
        while unsafe hole > 0 && key < keys[hole - 1] {
            unsafe keys[hole] = keys[hole - 1]
            hole -= 1
        }
        unsafe keys[hole] = key
    }
}
