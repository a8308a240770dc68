import SystemPackage
import Testing

@testable import EDICTransformers

/// Templates whose expected text Hugging Face's renderer wrote.
@Suite struct ChatTemplateTests {
    static let messages = [
        ChatMessage(role: "system", content: "Be kind."), ChatMessage(role: "user", content: "a\nb"),
        ChatMessage(role: "assistant", content: "c"), ChatMessage(role: "user", content: "a\nb"),
    ]

    static func render(_ source: String) throws(ModelError) -> String {
        try ChatTemplate(source, file: "test", bos: "<s>", eos: "</s>").render(messages, addsGenerationPrompt: true)
    }

    /// Older folders keep their tokens in a file of their own.
    @Test func tokensComeFromEitherFile() throws {
        try withFolder { folder in
            let template = "{{ bos_token + unk_token }}|{{ pad_token }}|{{ eos_token + mask_token }}"
            for (name, text) in [
                ("chat_template.jinja", template),
                ("tokenizer_config.json", #"{"unk_token": "<u>", "pad_token": "<p>"}"#),
                (
                    "special_tokens_map.json",
                    #"{"bos_token": {"content": "<s>"}, "unk_token": "<x>", "mask_token": "<m>"}"#
                ),
            ] { try writeFile(Array(text.utf8), to: folder.appending(name)) }
            let read = try #require(try ChatTemplate(folder: folder))
            #expect(try read.render([], addsGenerationPrompt: false) == "<s><u>|<p>|<m>")
        }
    }

    @Test(arguments: [
        (
            "{%- macro turn(role, text='none', end='|') -%}<{{ role }}>{{ text }}{{ end }}{%- endmacro -%}"
                + "{{ turn('x') }}{{ turn(messages[0].role, messages[0].content) }}{{ turn(end='!', role='y') }}",
            "<x>none|<system>Be kind.|<y>none!"
        ),
        (
            "{% macro count(n) %}{{ n }}{% if n > 0 %}{{ count(n - 1) }}{% endif %}{% endmacro %}{{ count(4) }}",
            "43210"
        ),
        (
            "{% set a = 'outer' %}{% macro m() %}{{ a }}{% set a = 'inner' %}{{ a }}{% endmacro %}{{ m() }}{{ a }}",
            "outerinnerouter"
        ),
        (
            "{% for m in messages %}{% if m.role == 'system' %}{% continue %}{% endif %}{{ loop.index }}{{ m.content }}"
                + "{% if m.role == 'assistant' %}{% break %}{% endif %}{% endfor %}.",
            "2a\nb3c."
        ),
        (
            "{{ messages | map(attribute='role') | unique | join('+') }} "
                + "{{ messages | selectattr('role', 'equalto', 'user') | list | length }} "
                + "{{ messages | rejectattr('role', '==', 'user') | map(attribute='content') | join }} "
                + "{{ ['b', '', 'c'] | select | map('upper') | join(',') }} "
                + "{{ {'b': 1, 'a': 2} | dictsort | map('first') | join }}",
            "system+user+assistant 2 Be kind.c B,C ab"
        ),
        (
            "{{ {'a': [1, 2], 'b': {}, 'c': 'ä'} | tojson(indent=2) }} {{ [1, 'x'] | tojson }}",
            "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {},\n  \"c\": \"ä\"\n} [1, \"x\"]"
        ),
        (
            #"{{ 'a\n\nb' | indent(2) }}|{{ 'a\nb' | indent(width=3, first=true) }}|{{ 'a,b,c'.split(',', 1) | join(';') }}|"#
                + #"{{ 'x\ny\n'.splitlines() | length }}|{{ 'prefix-a'.removeprefix('prefix-') }}|"#
                + "{{ 'banana'.count('an') }}|{{ 'banana'.find('nan') }}|{{ '' | default('d', boolean=true) }}|"
                + "{{ missing | default('e') }}",
            "a\n\n  b|   a\n   b|a;b,c|2|a|2|2|d|e"
        ),
        (
            "{{ turn is defined }} {{ range is callable }} {{ 1.5 is float }} {{ tools is none }} "
                + "{{ strftime_now is defined }}",
            "False True True True True"
        ),
        (
            // Qwen 2's.
            "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n"
                + "You are a helpful assistant.<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + "
                + "message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}"
                + "{{ '<|im_start|>assistant\n' }}{% endif %}",
            "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\na\nb<|im_end|>\n<|im_start|>assistant\nc<|im_end|>\n"
                + "<|im_start|>user\na\nb<|im_end|>\n<|im_start|>assistant\n"
        ),
        (
            // What Qwen 3's does: from the last question on, thoughts are kept.
            "{%- set ns = namespace(open=true, last=messages|length - 1) %}\n{%- for message in messages[::-1] %}\n"
                + "    {%- set index = (messages|length - 1) - loop.index0 %}\n    {%- if ns.open and message.role == 'user' "
                + "and message.content is string and not(message.content.startswith('<t>') and "
                + "message.content.endswith('</t>')) %}{%- set ns.open = false %}{%- set ns.last = index %}{%- endif %}\n"
                + "{%- endfor %}\n{%- for message in messages %}\n    {%- set content = message.content %}\n"
                + "    {%- set thought = '' %}\n    {%- if message.reasoning_content is string %}"
                + "{%- set thought = message.reasoning_content %}{%- else %}\n        {%- if 'b' in content %}"
                + "{%- set thought = content.split('b')[0].rstrip('\\n').split('x')[-1].lstrip('\\n') %}{%- endif %}"
                + "\n    {%- endif %}\n    {{- message.role + '/' + thought }}{%- if loop.index0 > ns.last %}!{% endif %};"
                + "{%- endfor %}{{ ns.last }}{%- if enable_thinking is defined and enable_thinking is false %}"
                + "{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}",
            "system/;user/a;assistant/;user/a;3"
        ),
        (
            // Defaults, words taken out, and the marks of what is learnt.
            "{%- if enable_thinking is not defined -%}{%- set enable_thinking = true -%}{%- endif -%}"
                + "{%- if messages[0].role == 'system' -%}{%- set said = messages[0].content -%}"
                + "{%- if '/no_think' in said -%}{%- set mode = '/no_think' -%}{%- else -%}{%- set mode = '/think' -%}"
                + "{%- endif -%}{%- set own = said.replace('/no_think', '').replace('/think', '').rstrip() -%}{%- endif -%}"
                + "{{- own ~ mode -}}{%- for message in messages -%}{%- set content = message.content if message.content is "
                + "string else '' -%}{%- if message.role == 'assistant' -%}{% generation %}{{ content.lstrip('\\n') }}"
                + "{% endgeneration %}{%- else -%}[{{ content }}]{%- endif -%}{%- endfor -%}",
            "Be kind./think[Be kind.][a\nb]c[a\nb]"
        ),
    ])
    func rendersAsTheReference(_ source: String, _ expected: String) throws {
        #expect(try Self.render(source) == expected)
    }

    @Test func theDateIsWritten() throws {
        let text = try Self.render("{{ strftime_now('%Y-%m-%d') }}")
        #expect(text.wholeMatch(of: /20\d\d-[01]\d-[0-3]\d/) != nil)
    }

    /// Templates look through all messages, and copy all that is written, for each message.
    @Test func longConversationsMayTakeMoreWork() throws {
        let source =
            "{% set ns = namespace(text='') %}{% for m in messages %}{% set ns.text = ns.text ~ m.content %}"
            + "{% for i in range(loop.index0 - 1, -1, -1) %}{% endfor %}{% endfor %}{{ ns.text | length }}"
        let words = ChatMessage(role: "user", content: String(repeating: "word ", count: 200))
        let text = try ChatTemplate(source, file: "test", bos: nil, eos: nil)
            .render(Array(repeating: words, count: 600), addsGenerationPrompt: false)
        #expect(text == "600000")
    }

    /// What calls itself, loops or grows without end is stopped, and what is not known is named.
    @Test(arguments: [
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "itself"),
        ("{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "too many"),
        ("{% macro m(a) %}", "end"),
        ("{{ unheard() }}", "unheard"),
        ("{{ messages | unheard }}", "unheard"),
        ("{% call m() %}", "call"),
        (
            "{% macro m(n) %}{% for i in range(90000) %}{% for j in range(90) %}x{% endfor %}{% endfor %}{% endmacro %}"
                + "{{ m(1) }}{{ m(1) }}{{ m(1) }}",
            "end"
        ),
    ])
    func badTemplatesAreRefused(_ source: String, _ word: String) {
        #expect { try Self.render(source) } throws: { "\($0)".contains(word) && !"\($0)".contains("\n") }
    }
}
