internal import EDICJSON

extension TokenizerJSONReader {
    func postProcessor(_ element: JSONElement, _ place: String) throws(TokenizerError) -> PostProcessor {
        var steps: [PostProcessor.Step] = []
        try addSteps(of: element, place, to: &steps)
        do throws(PostProcessor.Refusal) {
            return try PostProcessor(steps)
        } catch {
            switch error {
            case .partCount:
                throw .malformed(
                    "\(place): a template takes one text or two, but the steps before it make more parts or none")
            case .tooLong: throw .malformed("\(place): puts together more than 4096 texts and special tokens")
            }
        }
    }

    private func addSteps(
        of element: JSONElement, _ place: String, to steps: inout [PostProcessor.Step]
    ) throws(TokenizerError) {
        let type = try type(element, place)
        switch type {
        case "TemplateProcessing":
            let single = try template(element, "single", place)
            guard !single.contains(where: { if case .second = $0 { true } else { false } }) else {
                throw .malformed("\(place): “single” is for one text, but holds the sequence B")
            }
            steps.append(.template(single: single, pair: try template(element, "pair", place)))
        case "BertProcessing":
            steps.append(.bert(begin: try pairID(element, "cls", place), end: try pairID(element, "sep", place)))
        case "RobertaProcessing":
            if try bool(element, "trim_offsets", place, default: true) { steps.append(try trim(element, place)) }
            steps.append(.roberta(begin: try pairID(element, "cls", place), end: try pairID(element, "sep", place)))
        case "ByteLevel":
            if try bool(element, "trim_offsets", place, default: true) { steps.append(try trim(element, place)) }
        case "Sequence":
            for (index, step) in try elements(element, "processors", place).enumerated() {
                try addSteps(of: step, "\(place)[\(index)]", to: &steps)
            }
        default: throw TokenizerError(.unknownComponent, "\(place): the post-processor “\(type)” is not known")
        }
    }

    private func trim(_ element: JSONElement, _ place: String) throws(TokenizerError) -> PostProcessor.Step {
        .trim(keepsFirstSpace: try bool(element, "add_prefix_space", place, default: true))
    }

    func pairID(_ element: JSONElement, _ key: String, _ place: String) throws(TokenizerError) -> UInt32 {
        guard let list = element[key], list.kind == .array, list.count == 2 else {
            throw .malformed("\(place): “\(key)” must be a token and its id")
        }
        return try id(list.elements[1], place)
    }

    func template(
        _ element: JSONElement, _ key: String, _ place: String
    ) throws(TokenizerError) -> [PostProcessor.Item] {
        var items: [PostProcessor.Item] = []
        for item in try elements(element, key, place) {
            if let sequence = item["Sequence"] {
                let type = UInt32(clamping: sequence["type_id"]?.int ?? 0)
                switch sequence["id"]?.string {
                case "A": items.append(.first(type: type))
                case "B": items.append(.second(type: type))
                default: throw .malformed("\(place): a sequence of “\(key)” is neither A nor B")
                }
            } else if let special = item["SpecialToken"] {
                let name = try string(special, "id", place)
                guard let list = element["special_tokens"]?[name]?["ids"], list.kind == .array else {
                    throw .malformed("\(place): the special token “\(name)” has no ids")
                }
                var ids: [UInt32] = []
                for value in list.elements { ids.append(try id(value, place)) }
                items.append(.special(ids, type: UInt32(clamping: special["type_id"]?.int ?? 0)))
            } else {
                throw .malformed("\(place): an item of “\(key)” is neither a Sequence nor a SpecialToken")
            }
        }
        return items
    }
}
