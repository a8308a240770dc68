import EDICNgram
import SystemPackage
import Testing
import _EDICTestSupport

@Suite struct KenLMGoldenTests {
    @Test(arguments: KenLMGoldens.all.indices)
    func kenLMsOwnFilesAnswerAsKenLM(index: Int) throws {
        let golden = KenLMGoldens.all[index]
        try withTemporaryFolder { folder in
            let path = folder.appending("golden")
            try write(bytes(ofBase64: golden.file), to: path)
            let model = try NgramModel(contentsOf: path)
            #expect(model.format == (golden.options == "probing" ? .kenLMProbing : .kenLMTrie))
            #expect(model.order == 3 && model.counts == [31, 49, 50])
            let isQuantised = golden.options.contains("-q")
            #expect(
                model.quantisation == (isQuantised ? NgramQuantisation(probabilityBits: 3, backoffBits: 2) : nil))
            let (output, totals) = model.query(Array(KenLMGoldens.text.utf8).span)
            let whole = String(decoding: output, as: UTF8.self) + NgramModel.querySummary(totals) + "\n"
            #expect(whole == golden.output)
            #expect(model.word(of: model.id(of: "зимой")) == "зимой")
            #expect(model.word(of: 31) == "")
        }
    }

    /// Every format KenLM can be converted to from its tries gives the same scores.
    @Test(arguments: KenLMGoldens.all.indices.dropFirst())
    func convertedFilesKeepTheirScores(index: Int) throws {
        try withTemporaryFolder { folder in
            let path = folder.appending("golden")
            try write(bytes(ofBase64: KenLMGoldens.all[index].file), to: path)
            let model = try NgramModel(contentsOf: path)
            let expected = model.perplexity(of: KenLMGoldens.text)
            for format in NgramModel.Format.allCases {
                let converted = folder.appending("converted")
                try model.write(to: converted, as: format)
                #expect(try NgramModel(contentsOf: converted).perplexity(of: KenLMGoldens.text) == expected)
            }
        }
    }

    @Test func probingTablesCannotBeConverted() throws {
        try withTemporaryFolder { folder in
            let path = folder.appending("golden")
            try write(bytes(ofBase64: KenLMGoldens.all[0].file), to: path)
            let model = try NgramModel(contentsOf: path)
            let error = #expect(throws: NgramError.self) { try model.write(to: folder.appending("out"), as: .arpa) }
            #expect(error?.code == .unsupported)
            #expect(error?.message.contains("golden") == true)
        }
    }
}

/// The bytes that base-64 text stands for.
func bytes(ofBase64 text: String) -> [UInt8] {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    for letter in text.utf8 {
        guard let value = letters.firstIndex(of: letter) else { continue }
        bits = bits << 6 | UInt32(value)
        count += 6
        if count >= 8 {
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
    }
    return bytes
}
