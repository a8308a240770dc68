import EDICStore
import Testing

struct DictionaryTrialTests {
    @Test func aDictionaryHelpsSmallFramesOfMuchContent() throws {
        let rows = RowFixture(count: 600, seed: 12, largestRow: 120).rows
        let trial = try DictionaryTrial.measure(samples: rows, frameSize: 300, capacity: 3000)
        #expect(trial.plainSize > 0)
        #expect(try #require(trial.helpedSize) < trial.plainSize)
        #expect(try #require(trial.helpedRatio) > trial.plainRatio)
        #expect(trial.helps(totalContentSize: 100_000_000))
        // Stored with little content, it costs more than it saves.
        #expect(!trial.helps(totalContentSize: 2000))
        let again = try DictionaryTrial.measure(samples: rows, frameSize: 300, capacity: 3000)
        #expect(again.dictionary == trial.dictionary)
        #expect(again.helpedSize == trial.helpedSize)
    }

    @Test func theSeparatorIsTheShards() throws {
        let rows = RowFixture(count: 100, seed: 3, largestRow: 50).rows
        let bytes = rows.enumerated().reduce(0) { $0 + ($1.offset % 2 == 1 ? $1.element.count : 0) }
        #expect(try DictionaryTrial.measure(samples: rows, frameSize: 300).contentSize == bytes + 50)
        #expect(try DictionaryTrial.measure(samples: rows, separator: [], frameSize: 300).contentSize == bytes)
    }

    @Test func tooLittleToTrainOnIsNoDictionary() throws {
        for samples in [[], [[1, 2, 3]], [Array("{}".utf8), Array("{}".utf8)]] as [[[UInt8]]] {
            let trial = try DictionaryTrial.measure(samples: samples)
            #expect(trial.dictionary == nil)
            #expect(trial.helpedSize == nil)
            #expect(!trial.helps(totalContentSize: 1 << 40))
        }
    }
}
