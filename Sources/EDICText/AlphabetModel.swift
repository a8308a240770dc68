/// How likely the characters beyond ASCII are in each language: what ``CharsetDetector`` weighs decodings by.
///
/// A language is the list of its letters beyond ASCII, the most frequent first. The letter of rank r gets a share
/// proportional to 1/(r + 1.5): crude, but the wrong charset turns letters into ones that the language does not have
/// at all, or puts capitals inside words, and that outweighs any error in the shares.
struct AlphabetModel {
    let language: String
    /// Natural logarithms of the shares of letters, by scalar.
    private let logShare: [UInt32: Float]

    private init(_ language: String, _ letters: String) {
        self.language = language
        let scalars = Array(letters.unicodeScalars)
        let total = scalars.indices.reduce(Float(0)) { $0 + 1 / (Float($1) + 1.5) }
        var shares: [UInt32: Float] = [:]
        for (rank, scalar) in scalars.enumerated() {
            shares[scalar.value] = Self.logarithm(0.92 / (Float(rank) + 1.5) / total)
        }
        for scalar in scalars {
            let upper = scalar.properties.uppercaseMapping.unicodeScalars
            guard upper.count == 1, let first = upper.first, shares[first.value] == nil else { continue }
            shares[first.value] = (shares[scalar.value] ?? 0) - Self.capitalCost
        }
        logShare = shares
    }

    /// Capitals count as a twelfth of their small letters.
    private static let capitalCost: Float = 2.5

    /// The natural logarithm of the likelihood of a letter.
    func logLikelihood(of scalar: Unicode.Scalar) -> Float { logShare[scalar.value] ?? Self.foreignLetter }

    /// A letter that the language does not use.
    static let foreignLetter: Float = -8.5
    /// A typographic mark or sign where text has one.
    static let punctuation: Float = -4.5
    /// A mark or sign where text has none, or one that text hardly has.
    static let oddSymbol: Float = -9.5
    /// A byte without a character, or a control character.
    static let impossible: Float = -14
    /// What a capital inside a word, or a letter of another script beside an ASCII letter, costs.
    static let oddContext: Float = -3

    /// Dashes, quotation marks and signs that ordinary text has.
    static let usualMarks: Set<UInt32> = Set(
        "\u{A0}«»„“”‚‘’‹›–—…•·°§€£©®™№¿¡ªº½¼¾²³×±´\u{AD}".unicodeScalars.map(\.value))

    /// The natural logarithm by the series of atanh, so that this file needs no C library: x in (0, 1].
    private static func logarithm(_ x: Float) -> Float {
        let exponent = Float(x.exponent)
        let t = (x.significand - 1) / (x.significand + 1)
        let square = t * t
        return exponent * 0.693_147_2 + 2 * t * (1 + square * (1 / 3 + square * (1 / 5 + square / 7)))
    }

    static let all: [AlphabetModel] = [
        AlphabetModel("de", "üäößé"), AlphabetModel("fr", "éèàêçôùîûâïœëüæÿ"), AlphabetModel("es", "óíáéñúü"),
        AlphabetModel("pt", "ãçáéíóêõâàúôü"), AlphabetModel("it", "àèùòéìî"), AlphabetModel("nl", "ëéïóüèöê"),
        AlphabetModel("da", "åøæé"), AlphabetModel("no", "åøæéòôê"), AlphabetModel("sv", "äåöéà"),
        AlphabetModel("fi", "äöåšž"), AlphabetModel("et", "äõüöšž"), AlphabetModel("is", "ðíáþæóöúéý"),
        AlphabetModel("pl", "ęąłżśóćńź"), AlphabetModel("cs", "íáéěýřžčšůúťďňó"),
        AlphabetModel("sk", "áíéčľšžýťúôňďäóŕĺ"), AlphabetModel("hu", "éáöóőüíűú"), AlphabetModel("ro", "ăîâşţșț"),
        AlphabetModel("hr", "čšžćđ"), AlphabetModel("sl", "čšž"), AlphabetModel("lt", "ėįšžųąčęū"),
        AlphabetModel("lv", "āīēšļūķņģčžŗ"), AlphabetModel("mt", "ħżġċàèòùì"), AlphabetModel("ga", "áéíóú"),
        AlphabetModel("cy", "ŵâŷêôîûöäëï"), AlphabetModel("ca", "àéèóíçúòïü·"),
        AlphabetModel("gl", "óáéíñúü"), AlphabetModel("lb", "äéëöüèêûô"), AlphabetModel("sq", "ëç"),
        AlphabetModel("tr", "ıüşğçöâîİ"), AlphabetModel("en", "éèêïçôöñ"),
        AlphabetModel("el", "αοιετσνηυρπκμλςωδγάθήέφίόύχβξώζψϊϋΐΰ"),
        AlphabetModel("bg", "аиоентрсвлкдпмзяъугчбцйжщшхьюф"), AlphabetModel("ru", "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё"),
        AlphabetModel("uk", "оанивітрсеклудмпзягйбчьюжцшїхєщґф"), AlphabetModel("sr", "аоиенртсвпкудмљзгјбчцжшћњђфхџ"),
        AlphabetModel("mk", "аоиетнрвсдкплмзугјбшчцжќхљњџѓфѕ"), AlphabetModel("be", "анеоіртсўкылвдмзупягьбйчшжхцюёэф"),
    ]
}
