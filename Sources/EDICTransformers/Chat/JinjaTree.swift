/// A piece of a template.
indirect enum JinjaNode: Sendable {
    case text(String)
    case output(JinjaExpression)
    case branch([(condition: JinjaExpression, body: [JinjaNode])], otherwise: [JinjaNode])
    case loop(
        names: [String], over: JinjaExpression, filter: JinjaExpression?, body: [JinjaNode], otherwise: [JinjaNode])
    case set(target: [String], value: JinjaExpression)
    case setBlock(target: [String], body: [JinjaNode])
    case macro(name: String, JinjaMacro)
    /// Nodes that set nothing outside.
    case scope([JinjaNode])
    /// `break`, or `continue`.
    case leave(isBreak: Bool)
}

/// A part of a template with a name, printed where it is called.
struct JinjaMacro: Sendable {
    let parameters: [(name: String, standard: JinjaExpression?)]
    let body: [JinjaNode]
}

/// What stands between parentheses behind a name.
struct JinjaArguments: Sendable {
    var plain: [JinjaExpression] = []
    var named: [(String, JinjaExpression)] = []
}

/// Chains, such as `a.b.c` and `1 + 2 + 3`, are lists and not trees: however long one is, evaluating and freeing it takes
/// no more of the stack.
indirect enum JinjaExpression: Sendable {
    case literal(JinjaValue)
    case variable(String)
    case list([JinjaExpression], JinjaList.Kind)
    case dictionary([(JinjaExpression, JinjaExpression)])
    /// A function or macro with a name of its own.
    case call(String, JinjaArguments)
    case chain(JinjaExpression, [JinjaLink])
    case not(JinjaExpression)
    case sign(String, JinjaExpression)
    /// `and`, or `or`.
    case logic(isAnd: Bool, [JinjaExpression])
    case comparison(JinjaExpression, [(String, JinjaExpression)])
    /// Operators of one precedence, from the left to the right.
    case arithmetic(JinjaExpression, [(String, JinjaExpression)])
    case conditional(JinjaExpression, then: JinjaExpression, otherwise: JinjaExpression?)
}

/// What is done with a value by what stands behind it.
enum JinjaLink: Sendable {
    case attribute(String)
    case index(JinjaExpression)
    case slice([JinjaExpression?])
    case method(String, JinjaArguments)
    case filter(String, JinjaArguments)
    case test(String, JinjaArguments, negated: Bool)
}
