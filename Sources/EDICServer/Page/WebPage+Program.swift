extension WebPage {
    static let program = #"""
        "use strict";
        const $ = id => document.getElementById(id);
        const make = (name, text, className) => {
          const node = document.createElement(name);
          if (text !== undefined) node.textContent = text;
          if (className) node.className = className;
          return node;
        };
        const show = (...nodes) => $("output").replaceChildren(...nodes);
        const lines = text => text.split("\n").filter(line => line.trim() !== "");
        const number = (value, digits) => value === null ? "–" : value.toFixed(digits);

        const table = (head, rows) => {
          const node = make("table");
          const put = (cells, name) => {
            const row = node.insertRow();
            for (const cell of cells) {
              const isNumber = typeof cell === "object" && "number" in cell;
              row.append(make(name, isNumber ? cell.number : cell, isNumber ? "number" : ""));
            }
          };
          put(head, "th");
          for (const row of rows) put(row, "td");
          const frame = make("div", undefined, "scroll");
          frame.append(node);
          return frame;
        };

        const shorten = text => text.length > 60 ? text.slice(0, 59) + "…" : text;

        // What each task sends, and how it shows what comes back.
        const tasks = {
          translate: {
            title: "Translate", label: "Text to translate", hint: "Each line is translated on its own and stays a line.",
            settings: [["beam", "Beam", {min: 1, max: 16, placeholder: "default"}]],
            body: text => ({text}),
            show: found => show(make("div", found.results[0].text, "text")),
          },
          generate: {
            title: "Generate", label: "Prompt", hint: "The text appears as it is made.",
            settings: [
              ["max_tokens", "Tokens", {min: 1, max: 4096, value: 128}],
              ["temperature", "Temperature", {min: 0, max: 2, step: 0.1, value: 0}],
              ["seed", "Seed", {min: 0, value: 0}],
              ["chat", "As a chat", {type: "checkbox"}],
            ],
            body: (text, settings) => {
              const {chat, ...rest} = settings;
              return {...rest, stream: true, ...(chat ? {messages: [{role: "user", content: text}]} : {prompt: text})};
            },
            stream: true,
          },
          embed: {
            title: "Compare", label: "Texts, one a line", hint: "Shows how alike the meanings of the lines are: 1 is the same.",
            settings: [],
            body: text => ({text: lines(text)}),
            show: (found, text) => {
              const vectors = found.results.map(result => result.vector);
              const length = v => Math.sqrt(v.reduce((sum, x) => sum + x * x, 0)) || 1;
              const cosine = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0) / length(a) / length(b);
              const names = lines(text);
              show(
                table(["", ...names.map((_, i) => ({number: String(i + 1)}))],
                  vectors.map((a, i) => [
                    `${i + 1}  ${shorten(names[i])}`, ...vectors.map(b => ({number: number(cosine(a, b), 2)}))])),
                make("p", `${vectors[0].length} numbers a vector`, "note"));
            },
          },
          tokenize: {
            title: "Tokenize", label: "Text", hint: "",
            settings: [["special_tokens", "Special tokens", {type: "checkbox", checked: true}]],
            body: text => ({text}),
            show: found => {
              const {ids, tokens} = found.results[0];
              const box = make("div", undefined, "text");
              tokens.forEach((token, i) => {
                const node = make("span", token, "token");
                node.title = ids[i];
                box.append(node);
              });
              show(box, make("p", `${ids.length} tokens: ${ids.join(" ")}`, "note"));
            },
          },
          score: {
            title: "Score", label: "Texts, one a line", hint: "The lower the perplexity, the less the text surprises the model.",
            settings: [],
            body: text => ({text: lines(text)}),
            show: (found, text) => {
              const names = lines(text);
              show(table([{number: "Perplexity"}, {number: "Tokens"}, "Text"], found.results.map((result, i) => [
                {number: number(result.perplexity, 1)},
                {number: String(Array.isArray(result.tokens) ? result.tokens.length : result.tokens)}, names[i]])));
            },
          },
          identify: {
            title: "Identify", label: "Texts, one a line", hint: "",
            settings: [],
            body: text => ({text: lines(text)}),
            show: (found, text) => {
              const names = lines(text);
              const language = new Intl.DisplayNames(["en"], {type: "language", fallback: "code"});
              const name = tag => tag === "und" ? "no language" : language.of(tag);
              show(table(["Language", "", {number: "Probability"}, "Text"], found.results.map((result, i) => [
                name(result.language), result.language, {number: number(result.probability, 3)}, shorten(names[i])])));
            },
          },
        };

        let current = null;
        let stopper = null;
        const texts = {};

        const settings = () => {
          const values = {};
          for (const field of $("settings").elements ?? $("settings").querySelectorAll("input, select")) {
            if (field.type === "checkbox") values[field.name] = field.checked;
            else if (field.tagName === "SELECT") values[field.name] = field.value;
            else if (field.value !== "") values[field.name] = Number(field.value);
          }
          return values;
        };

        const request = () => {
          const {model, ...rest} = settings();
          const task = tasks[current];
          const body = task.body($("input").value, rest);
          return {model, ...(task.stream ? body : {...body, ...rest})};
        };

        const updateCurl = () => {
          const body = JSON.stringify(request()).replaceAll("'", "'\\''");
          $("curl").textContent =
            `curl ${location.origin}/v1/${current} \\\n  -H 'content-type: application/json' \\\n  -d '${body}'`;
        };

        const choose = (name, models) => {
          if (current) texts[current] = $("input").value;
          current = name;
          const task = tasks[name];
          for (const button of $("tasks").children) button.setAttribute("aria-pressed", button.value === name);
          $("input-label").textContent = task.label;
          $("hint").textContent = task.hint;
          $("run").textContent = task.title;
          $("input").value = texts[name] ?? "";
          $("time").textContent = "";
          show();
          const fields = [];
          const field = (title, control, name) => {
            const label = make("label", title);
            control.name = name;
            label.append(control);
            fields.push(label);
          };
          const select = make("select");
          for (const model of models) select.append(new Option(`${model.name} (${model.kind})`, model.name));
          field("Model", select, "model");
          for (const [key, title, attributes] of task.settings) {
            field(title, Object.assign(make("input"), {type: "number", ...attributes}), key);
          }
          $("settings").replaceChildren(...fields);
          updateCurl();
        };

        const fail = error => show(make("p", error.message ?? String(error), "error"));

        const call = (path, body, signal) => fetch(path, {
          method: "POST", headers: {"content-type": "application/json"}, body: JSON.stringify(body), signal,
        });

        // The events of a stream as they come: [name, data].
        async function* events(response) {
          const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
          let rest = "";
          for (;;) {
            const {value, done} = await reader.read();
            if (done) return;
            rest += value;
            let end;
            while ((end = rest.indexOf("\n\n")) >= 0) {
              const block = rest.slice(0, end).split("\n");
              rest = rest.slice(end + 2);
              const get = key => block.find(line => line.startsWith(key + ": "))?.slice(key.length + 2);
              yield [get("event") ?? "message", JSON.parse(get("data"))];
            }
          }
        }

        async function run() {
          const task = tasks[current];
          const text = $("input").value;
          const start = performance.now();
          stopper = new AbortController();
          $("run").disabled = true;
          $("stop").hidden = !task.stream;
          $("time").textContent = "…";
          show();
          let note = "";
          try {
            const response = await call("/v1/" + current, request(), stopper.signal);
            if (!response.ok) throw (await response.json()).error;
            if (task.stream) {
              const box = make("div", "", "text");
              show(box);
              for await (const [name, data] of events(response)) {
                if (name === "error") throw data.error;
                if (name === "end") note = `, ${data.tokens.length} tokens`;
                else box.append(data.text);
              }
            } else {
              task.show(await response.json(), text);
            }
          } catch (error) {
            if (error.name !== "AbortError") fail(error);
          }
          $("time").textContent = `${((performance.now() - start) / 1000).toFixed(2)} s${note}`;
          $("run").disabled = false;
          $("stop").hidden = true;
        }

        $("form").addEventListener("submit", event => { event.preventDefault(); run(); });
        $("form").addEventListener("input", updateCurl);
        $("input").addEventListener("keydown", event => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("form").requestSubmit();
        });
        $("stop").addEventListener("click", () => stopper.abort());

        fetch("/v1/models").then(response => response.json()).then(({models}) => {
          const able = name => models.filter(model => model.tasks.includes(name));
          const names = Object.keys(tasks).filter(name => able(name).length > 0);
          for (const name of names) {
            const button = make("button", tasks[name].title);
            button.type = "button";
            button.value = name;
            button.addEventListener("click", () => choose(name, able(name)));
            $("tasks").append(button);
          }
          choose(names[0], able(names[0]));
        }).catch(fail);

        """#
}
