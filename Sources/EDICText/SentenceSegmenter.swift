/// Splits text into sentences: UAX #29 with ICU's rules, and a guard against full stops that end no sentence.
///
/// A boundary that ICU finds is dropped when the sentence before it ends with a known abbreviation of the language
/// ("z. B.", "prof."), with a single capital (an initial: "J. Novák"), or, in languages whose nouns have capitals, with
/// an ordinal of one or two digits ("3. Oktober"). A line break that ICU takes for the end of a paragraph stays one.
public struct SentenceSegmenter: ~Copyable {
    private var segmenter: ICUSegmenter
    private let abbreviations: Set<String>
    private let writesOrdinals: Bool

    /// - Throws: `unicodeLibrary` where ICU fails.
    public init(language: LanguageTag) throws(TextError) {
        segmenter = try ICUSegmenter(.sentences, locale: language.icuLocale)
        let code = language.canonical.language
        abbreviations = SentenceAbbreviations.of(code)
        writesOrdinals = SentenceAbbreviations.languagesWithOrdinals.contains(code)
    }

    /// Calls `body` with the byte range of each sentence, without the white space around it; nothing for blank text.
    public mutating func forEachSentence(
        in utf8: Span<UInt8>, _ body: (Range<Int>) -> Void
    ) throws(TextError) {
        var ends: [Int] = []
        try segmenter.forEach(in: utf8) { range, _ in
            ends.append(range.upperBound)
            return true
        }
        var start = 0
        for end in ends {
            if end < utf8.count, isFalseEnd(utf8, from: start, to: end) { continue }
            let range = Self.trimmed(utf8, start..<end)
            if !range.isEmpty { body(range) }
            start = end
        }
    }

    /// The sentences of a text, without the white space around them.
    public mutating func sentences(in text: String) throws(TextError) -> [String] {
        let bytes = Array(text.utf8)
        var sentences: [String] = []
        try forEachSentence(in: bytes.span) { sentences.append(String(decoding: bytes[$0], as: UTF8.self)) }
        return sentences
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || 0x09...0x0D ~= byte }

    private static func trimmed(_ utf8: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
        var start = range.lowerBound
        var end = range.upperBound
        while start < end, isSpace(utf8[start]) { start += 1 }
        while end > start, isSpace(utf8[end - 1]) { end -= 1 }
        return start..<end
    }

    /// Whether the full stop at the end of `start..<end` belongs to an abbreviation, an initial or an ordinal.
    private func isFalseEnd(_ utf8: Span<UInt8>, from start: Int, to end: Int) -> Bool {
        var stop = end
        while stop > start, Self.isSpace(utf8[stop - 1]) {
            if utf8[stop - 1] != 0x20, utf8[stop - 1] != 0x09 { return false }
            stop -= 1
        }
        guard stop > start, utf8[stop - 1] == UInt8(ascii: ".") else { return false }
        stop -= 1
        var first = stop
        while first > start, !Self.isSpace(utf8[first - 1]), !Self.opens(utf8, before: first) { first -= 1 }
        guard first < stop else { return false }
        let word = String(copying: utf8.extracting(first..<stop))
        if writesOrdinals, word.utf8.count <= 2, word.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) { return true }
        let scalars = word.unicodeScalars
        if scalars.count == 1, let only = scalars.first, ICU.isUppercase(only) { return true }
        return abbreviations.contains(word.lowercased())
    }

    /// Whether the byte before `index` opens a bracket or a quotation, so that a word begins at `index`.
    private static func opens(_ utf8: Span<UInt8>, before index: Int) -> Bool {
        switch utf8[index - 1] {
        case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "/"): return true
        case 0x9C, 0x9D, 0x9E, 0x98, 0x99:
            return index >= 3 && utf8[index - 2] == 0x80 && utf8[index - 3] == 0xE2
        default: return false
        }
    }
}

/// Abbreviations after which a sentence goes on, without their last full stop, in lower case.
enum SentenceAbbreviations {
    /// Languages that write "3." for "third" and give nouns a capital. Many write ordinals so, but elsewhere the next word
    /// is mostly small, and then ICU sees no end of a sentence anyway.
    static let languagesWithOrdinals: Set<String> = ["de", "lb"]

    static func of(_ language: String) -> Set<String> {
        international.union((byLanguage[language] ?? "").split(separator: " ").map(String.init))
    }

    private static let international: Set<String> = [
        "dr", "prof", "st", "nr", "no", "vs", "tel", "art", "cf", "fig", "vol",
    ]

    private static let byLanguage: [String: String] = [
        "bg": "г г-н г-жа гр др ул бул стр чл ал т.е т.н напр проф доц инж",
        "bs": "npr tj itd sl str ul br čl dr mr inž prof god st",
        "ca": "sr sra dr dra p.ex núm pàg art av pl ex etc",
        "cs":
            "např nar tj tzn resp mj atd apod č čl str ul nám ing mgr mudr judr phdr doc prof dr sv r mil mld tzv p pí",
        "cy": "e.e h.y gw tud",
        "da": "f.eks bl.a mv m.m ca kl nr s stk jf dvs evt pga hr fr dr prof mio mia kr d",
        "de": """
        z.b z b d.h u.a o.ä usw bzw ca vgl abs art nr bd hrsg hr fr dr prof dipl ing st str tel inkl exkl evtl ggf mio \
        mrd s sog u bspw max min geb gest jh
        """,
        "el": "π.χ δηλ κ κα κ.λπ κ.ά αρ αριθ σελ παρ βλ δρ καθ ν μ.χ τηλ",
        "en":
            "mr mrs ms dr prof st jr sr vs e.g i.e inc ltd co corp gen col sgt capt rep sen gov no vol pp fig approx dept est",
        "es": "sr sra srta dr dra d dña ud uds p.ej ej núm pág art av avda ee.uu etc prof",
        "et": "nt jne st s.o lk nr a u tn prof dr mln mld",
        "eu": "adib etab or zk jn and dr",
        "fi": "esim mm ym ks ns n s v vrt puh os prof tri milj mrd klo nk",
        "fr": "m mm mme mlle mlles dr pr p.ex ex etc art av bd chap éd env fig no p pp vol st ste cf réf",
        "ga": "m.sh uimh lch srl dr t.d",
        "gl": "sr sra d dna dr dra p.ex núm páx art av",
        "hr": "npr tj itd sl str ul br čl st god dr mr prof ing",
        "hu": "pl stb ill kb dr ifj id özv u.n ún vö ti sz old kft bt rt prof",
        "is": "t.d þ.e o.s.frv m.a bls nr gr sbr dr próf",
        "it": "sig sigg sig.ra dott dott.ssa dr prof ing avv art pag pagg n es ecc cfr vol s ss p.es v",
        "lb": "z.b d.h asw bzw ca dr prof hr nr",
        "lt": "pvz t.y kt pan š.m a.a dr prof doc g pr al str nr tūkst mln mlrd d sav r m",
        "lv": "piem t.i u.c utt u.tml dr prof plkst lpp nr g tūkst milj mljrd",
        "mk": "г г-ѓа т.е т.н н.пр ул бр стр чл д-р проф",
        "mt": "eż p.e nru dr prof sur sinj art",
        "nb": "f.eks bl.a m.m osv ca kl nr s jf dvs evt pga hr fr dr prof mill mrd kr",
        "nl": "bijv bv d.w.z o.a enz ca nr blz dhr mevr mw dr drs ir ing prof mr m.b.t art t.a.v i.p.v resp jl a.u.b",
        "nn": "t.d m.a m.m osv ca kl nr s jf dvs evt pga dr prof mill mrd kr",
        "no": "f.eks bl.a m.m osv ca kl nr s jf dvs evt pga hr fr dr prof mill mrd kr",
        "pl":
            "np tj tzn itd itp m.in ul pl al nr str ust art pkt poz prof dr hab mgr inż św r w tys mln mld zob por ok tzw gen red",
        "pt": "sr sra srs dr dra d v.ex p.ex ex núm pág art av eng prof exmo exma",
        "ro": "dl d-na dr prof ing str nr art alin pct pag ex etc jud bd sf lit",
        "ru": "г гг ул д стр т т.е т.д т.п т.к напр проф акад доц им руб тыс млн млрд см св пр",
        "sk": "napr nar tj t.j resp atď a pod č čl str ul nám ing mgr mudr judr phdr doc prof dr sv r mil mld tzv p pí",
        "sl": "npr tj t.i itd ipd oz st str ul čl dr mag prof doc inž g ga gdč sv dipl mio mrd",
        "sq": "p.sh dmth nr f art z znj dr prof",
        "sr": "нпр тј итд стр ул бр чл др мр проф год npr tj itd str ul br čl dr mr prof god",
        "sv": "t.ex bl.a d.v.s m.m osv ca kl nr s jfr ev p.g.a hr fr dr prof milj mdr kr st",
        "tr": "örn vb vs bkz dr prof doç yrd sn av no cad sok mah apt s",
        "uk": "р рр вул просп буд кв стор т.д т.п т.зв напр проф акад доц ім див грн тис млн млрд св м обл п",
    ]
}
