internal import CEDICKernels
internal import Glibc

/// A set of vector instructions for which there are kernels.
///
/// Results are reproducible to the last bit within one instruction set, and agree within rounding between them.
public enum InstructionSet: String, Sendable, CaseIterable {
    /// Plain C, on any processor.
    case generic
    case avx2
    /// AVX-512 F, BW, DQ and VL.
    case avx512
    /// AVX-512 with products of bytes.
    case avx512vnni
    case neon

    /// The environment variable that chooses an instruction set for a whole program.
    public static let environmentVariable = "EDIC_ISA"

    /// Those this machine can run, slowest first.
    public static let available: [InstructionSet] = allCases.filter { ek_isa_available($0.c) != 0 }

    /// The fastest one this machine can run.
    public static let detected: InstructionSet = available.last ?? .generic

    /// The one `EDIC_ISA` names where it is set and usable, else the detected one. Programs should call ``chosen()``
    /// first, which reports a name that is not usable.
    public static let standard: InstructionSet = (try? chosen()) ?? detected

    /// The one the environment variable `EDIC_ISA` names, or the detected one where it is not set.
    ///
    /// - Throws: `unsupportedInstructionSet` for an unknown name or instructions this machine lacks.
    public static func chosen() throws(NumericsError) -> InstructionSet {
        guard let name = unsafe getenv(environmentVariable) else { return detected }
        return try named(unsafe String(cString: name))
    }

    static func named(_ name: String) throws(NumericsError) -> InstructionSet {
        let choices = available.map(\.rawValue).joined(separator: ", ")
        guard let set = InstructionSet(rawValue: name) else {
            throw NumericsError(
                .unsupportedInstructionSet,
                "\(environmentVariable)=\(name): no such instruction set; use one of \(choices), or unset it")
        }
        guard available.contains(set) else {
            throw NumericsError(
                .unsupportedInstructionSet,
                "\(environmentVariable)=\(name): this machine cannot run it; use one of \(choices), or unset it")
        }
        return set
    }

    var c: ek_isa {
        switch self {
        case .generic: .generic
        case .avx2: .avx2
        case .avx512: .avx512
        case .avx512vnni: .avx512vnni
        case .neon: .neon
        }
    }
}
