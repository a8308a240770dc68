import Testing

@testable import EDICTransformers

/// What jinja2 3.1.6 writes, set up as transformers 5.23 does it. `␤` and `␍` stand for ends of lines.
@Suite struct ChatTemplateGoldenTests {
    static func render(_ source: String) throws(ModelError) -> String {
        let source = source.replacing("␤", with: "\n").replacing("␍", with: "\r")
        return try ChatTemplate(source, file: "test", bos: nil, eos: nil)
            .render([ChatMessage(role: "user", content: "hi")], addsGenerationPrompt: false)
    }

    static func lines(_ table: String) -> [String] { table.split(separator: "\n").map { String($0) } }

    @Test(arguments: lines(expressions) + lines(blocks))
    func rendersAsJinja(_ line: String) throws {
        let parts = line.split(separator: " ⇒ ", maxSplits: 1, omittingEmptySubsequences: false)
        let expected = parts[1].replacing("␤", with: "\n")
        #expect(try Self.render(String(parts[0])) == expected)
    }

    /// What Jinja refuses, and what it knows and this does not: an error, never another text.
    @Test(arguments: lines(refused)) func isRefused(_ source: String) {
        let error = #expect(throws: ModelError.self) { try Self.render(source) }
        #expect(error?.code == .unsupported && error?.message.contains("\n") == false)
    }

    static let expressions = #"""
        {{ zz is callable }}·{{ zz is sequence }}·{{ zz is iterable }}·{{ true is number }} ⇒ True·True·True·True
        {{ {}.keys() is sequence }}·{{ namespace() is callable }}·{{ namespace is iterable }} ⇒ False·False·False
        {{ namespace() is iterable }}·{{ range is iterable}}·{{ -1 | abs }}·{{ -2.5|int }} ⇒ False·False·1·-2
        {{ "42.9"|int }}·{{ " 7 "|int }}·{{ "1e3"|int }}·{{ "x"|int(5) }}·{{ none|int }} ⇒ 42·7·1000·5·0
        {{ "0x1A"|int }}·{{ [1,2]|first }}·{{ 'abc'|last }}·{{ {'a':1}|first }}·{{ 'abc'|reverse }} ⇒ 0·1·c·a·cba
        {{ zz|first }}·{{ 'a' in zz }}·{{ 1 in {'a':1} }}·{{ true + 1 }}·{{ 1 < 2 < 3 }} ⇒ ·False·False·2·True
        {{ 3 > 2 == 2}}·{{ 'ab'.title() }}·{{ "it's ok"|title }}·{{ "it's ok".title() }} ⇒ True·Ab·It's Ok·It'S Ok
        {{ 'ΑΣ'|lower }}·{{ 'ß'|upper }}·{{ 'ǆa'.title() }}·{{ 'ǆA'|capitalize }} ⇒ ας·SS·ǅa·ǅa
        {{ (1,2) + (3,) }}·{{ [1]+[2] }}·{{ 1e16 }}·{{ 1e15 }} ⇒ (1, 2, 3)·[1, 2]·1e+16·1000000000000000.0
        {{ 12345678901234567.0 }}·{{ 1.5e300 }}·{{ 0.00001 }}·{{ 1e22 }} ⇒ 1.2345678901234568e+16·1.5e+300·1e-05·1e+22
        {{ 5/2 }}·{{ 1e16|tojson }}·{{ none.foo is defined }}·{{ 5.foo is defined }} ⇒ 2.5·1e+16·False·False
        {{ [1,2,3][::-1] }}·{{ 'abc'[none:2] }}·{{ [1,2][true] }}·{{ [1,2]['a'] is defined }} ⇒ [3, 2, 1]·ab·2·False
        {{ ['a','A','b']|unique|list }}·{{ [1,1.0,true,'1']|unique|list }} ⇒ ['a', 'b']·[1, '1']
        {{ 'a\r\nb\vc\x1cd'.splitlines() }} ⇒ ['a', 'b', 'c', 'd']
        {{ {'b':1,'a':[1.5,none,true,'é\x7f']}|tojson(4) }} ⇒ {"b": 1, "a": [1.5, null, true, "\u00e9\u007f"]}
        {{ {'b':1,'a':'é😀'}|tojson(true) }} ⇒ {"b": 1, "a": "\u00e9\ud83d\ude00"}
        {{ "a b  c".split(None, 1) }}·{{ "a b  c".split(' ', 1) }} ⇒ ['a', 'b  c']·['a', 'b  c']
        {{ "  a b  c ".split(None, 1) }}·{{ "abc".split('b', -1) }} ⇒ ['a', 'b  c ']·['a', 'c']
        {{ 'a,b'.split(sep=',', maxsplit=1) }}·{{ ' a b '.split(none,0) }} ⇒ ['a', 'b']·['a b ']
        {{ 'a b'.split(' ',0)}}·{{ ''.split() }}·{{ ''.split(',') }}·{{ [zz] }} ⇒ ['a b']·[]·['']·[Undefined]
        {{ 'abc'.count('') }}·{{ 'abc'.find('') }}·{{ 'abc'.find('c') }}·{{ 'aéc'.find('c') }} ⇒ 4·0·2·2
        {{ 'x'.startswith(('a','x')) }}·{{ 1 ~ none ~ true ~ [1] ~ 'a' }}·{{ 'x' if false }} ⇒ True·1NoneTrue[1]a·
        {{ 'aaa'|replace('a','b',2) }}·{{ 'aaa'.replace('a','b',1) }}·{{ 'xxaxx'|trim('x') }} ⇒ bba·baa·a
        {{ 'xxaxx'.strip('x') }}·{{ 5|upper }}·{{ none|trim }}·{{ true|int }}·{{ '1.5'|float }} ⇒ a·5·None·1·1.5
        {{ 'inf'|float }}·{{ 'x'|float(2) }}·{{ 'x'|float }}·{{ '1.'|float }}·{{ '.5'|float }} ⇒ inf·2·0.0·1.0·0.5
        {{ ''|int }}·{{ {'b':1,'A':2,'a':3}|dictsort }} ⇒ 0·[('A', 2), ('a', 3), ('b', 1)]
        {{ {'b':1,'a':2}|dictsort(reverse=true) }}·{{ [3,1]|join('-') }} ⇒ [('b', 1), ('a', 2)]·3-1
        {{ 'abc'|join('-') }}·{{ zz|join }}·{{ {'a':1}|join }}·{{ [{'a':1}]|join(attribute='a') }} ⇒ a-b-c··a·1
        {{ [none,true]|join }}·{{ messages|map(attribute='role')|list }} ⇒ NoneTrue·['user']
        {{ [{'a':1},{}]|map(attribute='a',default='z')|list }} ⇒ [1, 'z']
        {{ [{'a':1},{}]|map(attribute='a')|list }}·{{ "\d \/ \101 \x41 \u00e9 é 漢" }} ⇒ [1, Undefined]·\d \/ A A é é 漢
        {{ dict(a=1) }}·{{ dict({'a':1}, b=2) }}·{{ 'abc'|length }}·{{ zz|length }} ⇒ {'a': 1}·{'a': 1, 'b': 2}·3·0
        {{ {}|count }}·{{ 5 is odd }}·{{ true is integer }}·{{ 1.0 is number }} ⇒ 0·True·False·True
        {{ 'a' is in ['a'] }}·{{ 'a' is equalto 'a' }}·{{ none|map('upper')|list }} ⇒ True·True·[]
        {{ none|selectattr('a')|list }}·{{ (1,) }}·{{ () }}·{{ (1,2)|tojson }} ⇒ []·(1,)·()·[1, 2]
        {{ (1,2)|list }}·{{ [1]==(1,) }}·{{ {'a':1,'a':2,'b':3} }} ⇒ [1, 2]·False·{'a': 2, 'b': 3}
        {{ 'a-b c(d'|title }}·{{ 'é'|capitalize }}·{{ '<'|safe }}·{{ ' a '|string|length }} ⇒ A-B C(D·É·<·3
        {{ 2.0|string }}·{{ 3.7|int }}·{{ [1,2]|reverse|list }}·{{ 'a' 'b' }}·{{ +1 }} ⇒ 2.0·3·[2, 1]·ab·1
        {{ not 1 == 2 }}·{{ 5 % -3 }}·{{ -5 // 3 }}·{{ -5 % 3 }}·{{ 'abc'.upper() is string }} ⇒ True·-1·-2·1·True
        {{ 'a' < 'b' }}·{{ 1 == 1.0 }}·{{ 1 == true }} ⇒ True·True·True
        {{ 9007199254740993 == 9007199254740992.0 }}·{{ [1,2,3][1:] }}·{{ [1,2,3][:-1] }} ⇒ False·[2, 3]·[1, 2]
        {{ [1,2,3][-1] }}·{{ [1][5] }}·{{ 'abc'[-1] }}·{{ 'abc'[7] }}·{{ loop is defined }} ⇒ 3··c··False
        {{ messages }}·{{ messages[0] }} ⇒ [{'role': 'user', 'content': 'hi'}]·{'role': 'user', 'content': 'hi'}
        {{ messages|tojson }} ⇒ [{"role": "user", "content": "hi"}]
        {{ messages[0].items()|list }} ⇒ [('role', 'user'), ('content', 'hi')]
        {{ messages[0].keys()|list }}·{{ messages[0].values()|list }} ⇒ ['role', 'content']·['user', 'hi']
        {{ 'a' in 'abc' }}·{{ 'z' not in 'abc' }}·{{ 1 in [1] }}·{{ 'role' in messages[0] }} ⇒ True·True·True·True
        {{ none == undefinedthing }}·{{ none is none }}·{{ zz is none }}·{{ zz == '' }} ⇒ False·True·False·False
        {{ zz is undefined }}·{{ zz ~ 1 }}·{{ zz or 'd' }}·{{ zz and 1 }}·{{ not zz }} ⇒ True·1·d··True
        {{ 1 if true else 2 }}·{{ (1 if false) is defined }}·{{ 7 / 2 }}·{{ 6 / 2 }}·{{ 7 // 2 }} ⇒ 1·False·3.5·3.0·3
        {{ -7 // 2 }}·{{ 7 % 3 }}·{{ 1.5 + 1 }}·{{ 2 * 1.5 }}·{{ 1 - 2.5 }} ⇒ -4·1·2.5·3.0·-1.5
        {{ 0.1 + 0.2 }}·{{ 'abc'|upper }}·{{ 'ABC'|lower }}·{{ 'aBC'|capitalize }} ⇒ 0.30000000000000004·ABC·abc·Abc
        {{ 'ab cd'|title }}·{{ ' a '|trim }}·{{ strftime_now is callable }}·{{ "\u0041\U0001F600" }} ⇒ Ab Cd·a·True·A😀
        {{ "é\u00e9漢" }}·{{ messages.foo }}·{{ messages[0].foo }}·{{ 'abc'.foo }}·{{ 5.5.foo }} ⇒ éé漢····
        {{ [1,2]|map('string')|join(',') }}·{{ ['a']|map('upper')|list }} ⇒ 1,2·['A']
        {{ [' a']|map('trim')|list }}·{{ [1,2,3]|select('odd')|list }} ⇒ ['a']·[1, 3]
        {{ [1,2,3]|reject('odd')|list }}·{{ [0,1]|select|list }}·{{ [1,5]|select('gt',2)|list }} ⇒ [2]·[1]·[5]
        {{ [{'a':1},{'a':2},{}]|selectattr('a')|list }} ⇒ [{'a': 1}, {'a': 2}]
        {{ [{'a':1},{'a':2}]|selectattr('a','eq',2)|list }} ⇒ [{'a': 2}]
        {{ [{'a':1},{}]|selectattr('a','defined')|list }} ⇒ [{'a': 1}]
        {{ [{'a':1},{}]|rejectattr('a','undefined')|list }} ⇒ [{'a': 1}]
        {{ messages|selectattr('role','in',['user'])|list|length }}·{{ zz|default('x') }}·{{ ''|default('x') }} ⇒ 1·x·
        {{ ''|default('x', true) }}·{{ none|default('x') }}·{{ zz|d('q') }}·{{ zz|default }} ⇒ x·None·q·
        {{ (messages|map(attribute='role')|list)[0] }}·{{ messages|map(attribute='role')|first }} ⇒ user·user
        {{ messages|map(attribute='role') == 1 }}·{{ ('a','b')|join }}·{{ 'a' ~ ('b',) }} ⇒ False·ab·a('b',)
        {{ ['é','漢','\u200b'] }}·{{ 1.0 }}·{{ 1e3 }}·{{ 1.5e-7 }} ⇒ ['é', '漢', '\u200b']·1.0·1000.0·1.5e-07
        {{ 1e-5 }}·{{ 100000000000000000000.0 }}·{{ 3.0|int }}·{{ -0.0 }}·{{ 1 == '1' }} ⇒ 1e-05·1e+20·3·-0.0·False
        {{ 1 != 2 }}·{{ 'a' == 'a' }}·{{ [1,'a'] == [1,'a'] }}·{{ {'a':1} == {'a':1.0} }} ⇒ True·True·True·True
        {{ true == 1 }}·{{ none == false }}·{{ 'é' == 'é' }}·{{ true }}·{{ True }} ⇒ True·False·True·True·True
        {{ false }}·{{ none }}·{{ None }}·{{ 'a\tb'|tojson }} ⇒ False·None·None·"a\tb"
        {{ 'a/b</script>&'|tojson }}·{{ 1.0|tojson }}·{{ none|tojson }}·{{ 'é'|tojson }} ⇒ "a/b</script>&"·1.0·null·"é"
        {{ {}|tojson(indent=2) }}·{{ []|tojson(indent=2) }}·{{ ' a b '.strip() }} ⇒ {}·[]·a b
        {{ 'xax'.lstrip('x') }}·{{ 'xax'.rstrip('x') }}·{{ 'abc'.startswith('ab') }} ⇒ ax·xa·True
        {{ 'abc'.endswith('bc') }}·{{ 'a b'.split(' ')[0] }}·{{ 'a b'.split()[-1] }} ⇒ True·a·b
        {{ 'aXbXc'.split('X', 1)[1] }}·{{ 'abcabc'.replace('b','x') }} ⇒ bXc·axcaxc
        {{ 'abcabc'.replace('b','x',1) }}·{{ 'abc'.removesuffix('c') }}·{{ 'abc'.removeprefix('a') }} ⇒ axcabc·ab·bc
        {{ {'a': 1}.a }}·{{ {'items': 1}['items'] }}·{{ 1 is defined and zz is not defined }} ⇒ 1·1·True
        {{ 'a' is in ['a','b'] }}·{{ 3 is odd }}·{{ 5 is not none }}·{{ -3 | abs }} ⇒ True·True·True·3
        {{ -3.5|abs }}·{{ - 3 }}·{{ 3 - -3 }}·{{ +3 }}·{{ '1' ~ 2 * 3 }} ⇒ 3.5·-3·6·3·16
        {{ 1 < 2 and 2 < 3 or false }}·{{ 3 > 2 > 1 }}·{{ 1 < 3 > 2 }}·{{ not true and false }} ⇒ True·True·True·False
        {{ 'a' not in 'b' == true }}·{{ ['b','a','B']|unique|join }}·{{ [1,2,1]|unique|list }} ⇒ False·ba·[1, 2]
        {{ ['a','A']|unique(case_sensitive=true)|list }} ⇒ ['a', 'A']
        {{ [{'a':1},{'a':1}]|unique(attribute='a')|list }} ⇒ [{'a': 1}]
        {{ {'b':1,'a':2}|items|list }}·{{ {'b':1}|list }}·{{ 'abc'|list }} ⇒ [('b', 1), ('a', 2)]·['b']·['a', 'b', 'c']
        {{ range(3)|list }}·{{ range(5,1,-2)|list }}·{{ 'ab'|first }}·{{ []|first }} ⇒ [0, 1, 2]·[5, 3]·a·
        {{ [1,2]|last }}·{{ []|last is defined }}·{{ 'Straße ǅ ŉ'|upper }}·{{ 'İI'|lower }} ⇒ 2·False·STRASSE Ǆ ʼN·i̇i
        {{ 'ΑΣ ΑΣΑ Σ'|lower }}·{{ 'ŉa'|capitalize }}·{{ 'ﬁx'|title }} ⇒ ας ασα σ·ʼNa·FIx
        {{ "they're bill's".title() }}·{{ 'x1y'.title() }}·{{ 'İx'|capitalize }} ⇒ They'Re Bill'S·X1Y·İx
        {{ 'xİ'|capitalize }}·{{ 'a' if messages else 'b' }}·{{ messages|length > 0 }} ⇒ Xi̇·a·True
        {{ messages[-1].role == 'user' }}·{{ messages[1:]|length }}·{{ messages[0].content|length }} ⇒ True·0·2
        {{ messages[0].content[0] }}·{{ (messages[0].content ~ 'x')|length }}·{{ "a" "b" 'c' }}·{{ (1) }} ⇒ h·3·abc·1
        {{ ()|length }}·{{ dict(a=1)|tojson }}·{{ dict(a=1).a }}·{{ 'x'.join(['a','b']) }} ⇒ 0·{"a": 1}·1·axb
        {{ ','.join({'a':1,'b':2}) }}·{{ ''.join(messages|map(attribute='role')) }}·{{ 1.5|string }} ⇒ a,b·user·1.5
        {{ true|string }}·{{ none|string }}·{{ [1]|string }}·{{ 'a'|string }}·{{ 1|float }} ⇒ True·None·[1]·a·1.0
        {{ '1e3'|float }}·{{ 'nan'|float }}·{{ '-inf'|float }}·{{ 'infinity'|float }} ⇒ 1000.0·nan·-inf·inf
        {{ none|float }}·{{ '1-2'|float }}·{{ '.'|float }}·{{ 'e5'|float }}·{{ '+1.5'|float }} ⇒ 0.0·0.0·0.0·0.0·1.5
        {{ {'a':none, 'b':[true, false]} }}·{{ {'a':[]} }}·{{ [''] }} ⇒ {'a': None, 'b': [True, False]}·{'a': []}·['']
        {{ [[],[[]]] }}·{{ {} }}·{{ {'it\'s': "q\"'"} }} ⇒ [[], [[]]]·{}·{"it's": 'q"\''}
        {{ messages is iterable }}·{{ messages is string }}·{{ messages is mapping }} ⇒ True·False·False
        {{ messages[0] is mapping }}·{{ messages[0] is sequence }}·{{ 5 is iterable }} ⇒ True·True·False
        {{ namespace is defined }}·{{ dict is callable }}·{{ 1 is boolean }}·{{ true is true }} ⇒ True·True·False·True
        {{ 1 is true }}·{{ 1 is integer }}·{{ 1.0 is float }}·{{ 2 is even }} ⇒ False·True·True·True
        {{ none[0] is defined }}·{{ none.a is defined }}·{{ 5[0] is defined }} ⇒ False·False·False
        {{ messages['role'] is defined }}·{{ messages[zz] is defined }} ⇒ False·False
        {{ messages[0][0] is defined }}·{{ [1,2][1.0] is defined }}·{{ 'ab'[true] }} ⇒ False·False·b
        {{ [1]|length() }}·{{ 'a' | upper | lower }}·{{ 'a'.upper().lower() }}·{{ ('a' ~ 'b') | upper }} ⇒ 1·a·a·AB
        {{ 'a' ~ 'b' | upper }} ⇒ aB
        """#

    static let blocks = #"""
        {% macro m() %}x{% endmacro %}{{ m is iterable }}{{ m.zz is defined }} ⇒ FalseFalse
        {% set x=1 %}{% macro m() %}{{x}}{% endmacro %}{% set x=2 %}{{ m() }} ⇒ 2
        {% for i in [1,2] %}{% macro m() %}{{i}}{% endmacro %}{{ m() }}{% endfor %} ⇒ 12
        {% generation %}{% set q = 1 %}{% endgeneration %}{{ q }} ⇒ 
        {{ 'a\r\nb'|indent }} ⇒ a␤    b
        {{ 'a\n'|indent }} ⇒ a␤
        {{ '\na'|indent(first=true) }} ⇒     ␤    a
        {{ [1,[]]|tojson(indent=0) }} ⇒ [␤1,␤[]␤]
        {{ [1]|tojson(indent='--') }} ⇒ [␤--1␤]
        {% if messages|selectattr('role','equalto','x') %}T{% endif %} ⇒ T
        a  {%- if true -%}  b  {%- endif %}  c ⇒ ab  c
          {% if true %}  ␤  x {% endif %}␤  y ⇒   ␤  x   y
          {%+ if true %}x{% endif %} ⇒   x
        x␤   {{ 'a' }}␤   {# c #}␤  {#- d -#}  ␤ z␤ ⇒ x␤   a␤z
        {{ 'a' }}␤ ⇒ a
        {{ 'a' }}␤␤ ⇒ a␤
        a␍␤b␍c{% if true %}␍␤d{% endif %} ⇒ a␤b␤cd
        {#-#}  x {#--#}  y ⇒   xy
        {% if true +%}␤x{% endif %} ⇒ ␤x
        {%- set x = 1 -%}␤  {% if x %}a{% endif %} ⇒ a
        {{ 'a' -}}␤  {% if true %}b{% endif %} ⇒ ab
        a␤{#- c #}␤  {% if true %}b{% endif %} ⇒ ab
        {{ '␍␤' }}|{{ "a}}b" }}|{{ {'a':{'b':1}} }} ⇒ ␤|a}}b|{'a': {'b': 1}}
        {% for a in 'éa' %}{{ a }},{% endfor %}{% for a in {'x':1} %}{{ a }}{% endfor %} ⇒ é,a,x
        {% set a = 1 %}{% for i in [1] %}{% set a = 2 %}{% endfor %}{{ a }} ⇒ 1
        {% macro m(a, b=2) %}{{ a }}{{ b }}{% endmacro %}{{ m() }}{{ m(1) }}{{ m(1,b=3) }} ⇒ 21213
        {% macro m(a) %}{{ a is defined }}{% endmacro %}{{ m() }} ⇒ False
        {{ messages|tojson(indent=2) }} ⇒ [␤  {␤    "role": "user",␤    "content": "hi"␤  }␤]
        {{ "\u00e9\x41\101\n\\\'\"" }} ⇒ éAA␤\'"
        {{ '␤a␤b␤'.splitlines() }}{{ 'a'.splitlines() }}{{ ''.splitlines() }} ⇒ ['', 'a', 'b']['a'][]
        {% set ns = namespace({'a':1}, b=2) %}{{ ns.a }}{{ ns.b }}{{ ns.c is defined }} ⇒ 12False
        {% set x %}a{{ 1 }}{% endset %}{{ x }}{{ x|length }}{{ x ~ '<' }} ⇒ a12a1<
        {%- for m in messages -%}{{- m.role -}}{%- endfor -%} ⇒ user
        {% generation %}a{% endgeneration %}b ⇒ ab
        {% set a = 1 if false %}{{ a is defined }} ⇒ False
        """#

    static let refused = #"""
        {{ {'a':1}['items'] is defined }}
        {{ "1_0"|int }}
        {{ "a" * 3 }}
        {{ 7 // 2.0 }}
        {{ 2 ** 3 }}
        {{ range(3) }}
        {{ {'a':1}.items() }}
        {{ {'a':1}|items }}
        {{ namespace(a=1) }}
        {{ zz.a }}
        {{ zz|tojson }}
        {{ 'a' ~ 1 + 2 }}
        {{ 'abc'|replace('','-') }}
        {{ 5|replace(5,6) }}
        {{ {'a':1}['get'] is defined }}
        {{ messages|selectattr('role','equalto','user')|length }}
        {{ 1 is sameas 1}}
        {{ 9223372036854775807 + 1 }}
        {{ 'a'.join([1]) }}
        {{ none|list }}
        {% for x in none %}{% endfor %}
        {{ {1:2} }}
        {{ 'a'|e }}
        {{ '<'|e }}
        {{ -3.7|round }}
        {{ 5.5 % 2 }}
        {{ [1] < [2] }}
        {% break %}x
        {% for a in [1] %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}
        {% macro m(a) %}{{ a }}{% endmacro %}{{ m(c=1) }}
        {% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, a=2) }}
        {{ 1 in 'a' }}
        {{ zz + 1 }}
        {{ 'x' * 2 }}
        {{ 'a' < 1 }}
        {{ "\é" }}
        {{ '\N{DASH}' }}
        {{ 'a'.upper }}
        {{ [1,2].append(3) }}
        {{ foo.bar }}
        {{ messages[0].foo.bar }}
        {{ messages[0]['foo']['bar'] }}
        {{ 1_000 }}
        {{ 0x10 }}
        {{ 007 }}
        {{ 'a'.startswith(1) }}
        {{ 'a'.split('') }}
        {{ {'items': 1}.items }}
        {{ -'a' }}
        {{ 2 - 1 ~ 'a' }}
        {{ [[1],[1]]|unique|list }}
        {{ range(200000)|list|length }}
        {% endgeneration %}
        {{ 1, 2 }}
        {{ caller is defined }}
        {{ a.b.c is defined }}
        {{ messages[0].a.b is defined }}
        {{ 'a'.center(5) }}
        {{ 'a'.zfill(3) }}
        {{ '%s' % 'a' }}
        {{ 'a%d'|format(1) }}
        {{ '{}'.format(1) }}
        {{ [3,1,2]|sort }}
        {{ [1,2]|sum }}
        {{ [1,2]|max }}
        {{ none|length }}
        {{ 1 is defined is true }}
        {{ messages | list[0] }}
        {{ messages | first.role }}
        {{ 1 if 1 is defined if 2 }}
        {{ 'a'|nope }}
        {% if a %}x{% else %}y{% elif b %}z{% endif %}
        {% for a in [1] %}{{ a }}
        {% filter upper %}a{% endfilter %}
        {% raw %}{{ a }}{% endraw %}
        """#
}
