internal import CEDICKernels

extension NumberFormat {
    /// Writes numbers as a file stores them as floats, from `place` on.
    ///
    /// Complexity: O(bytes.count).
    ///
    /// - Parameter bytes: whole blocks of the format.
    public func decode(_ bytes: Span<UInt8>, into out: inout MutableSpan<Float>, at place: Int = 0) {
        precondition(bytes.count % blockBytes == 0, "\(bytes.count) bytes are not whole blocks of \(blockBytes)")
        let count = bytes.count / blockBytes * blockLength
        precondition(
            place >= 0 && count <= out.count - place, "\(count) numbers are more than are left of \(out.count)")
        unsafe out.withUnsafeMutableBufferPointer { out in
            unsafe bytes.withUnsafeBufferPointer { bytes in
                guard let source = bytes.baseAddress, let target = out.baseAddress else { return }
                unsafe ek_dequantize(c, source, count, target + place)
            }
        }
    }
}
