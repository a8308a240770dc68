/// Two paragraphs a few times over, compressed: by gzip in two members, by zstd with a checksum, by xz.
public enum CompressedSample: String, CaseIterable, Sendable {
    case gzip, zstd, xz

    /// The bytes of the file.
    public var bytes: [UInt8] { Self.decoded(base64) }

    private var base64: String {
        switch self {
        case .gzip:
            """
            H4sIAAAAAAACA3NJLVLwyS8pTlVILzq85/D8EoWy/FwF78RMPS4ul8xUBd/D28pT8xSyi1Izi4H04T1JQA0pqbkKHolpqXk6CuWHl2QUpeal
            KKQkFisEJ2dkpqUpJCblpKaX6HG5DDOzAS5brfUsAQAAH4sIAAAAAAACA8vU4+JyyUxV8D28rTw1TyG7KDWzGEgf3pOUWqSQkpqr4JGYlpqn
            o1B+eElGUWpeikJKYrFCcHJGZlqaQmJSTmp6iR6XC1CpT35JcapCetHhPYfnlyiU5ecqeCdmDnKzASobjjj8AAAA
            """
        case .zstd:
            """
            KLUv/QRY/QIAwkUVHrAnHdBpImlYSWP78ERIC5KQnbvpKtJIKLNdHJ/CEwc15IfjvBYmBYLZKau8JoplbOTXAaxcWX806zzDq8F5ZrEDH9M5
            CC9gZUG4JbZZRXzWFoH1KQEAXPKnhigtZJzM
            """
        case .xz:
            """
            /Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4AInAGFdACIZSkIB9EYpF4UZ9yMw3Gx8LnT5PfTQlQ+oabAq43iH4171JcvJwYGrTCkN+MC/AicC
            wdMLijP+vMsyb12ZezfkI6DGCXTLFtMjxT3pjQlqCtpzyouAk3suczez3sWDAAAAAAAAp1UZhSOI6yEAAX2oBAAAAMKJ3LuxxGf7AgAAAAAE
            WVo=
            """
        }
    }

    private static func decoded(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in text.utf8 {
            let value: UInt8
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = byte - UInt8(ascii: "A")
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = byte - UInt8(ascii: "a") + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - UInt8(ascii: "0") + 52
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            default: continue
            }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return bytes
    }
}
