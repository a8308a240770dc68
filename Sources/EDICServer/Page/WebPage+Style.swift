extension WebPage {
    static let style = """
        :root {
          color-scheme: light dark;
          --ink: light-dark(#1b1f24, #e6e8ea);
          --quiet: light-dark(#59636e, #9aa4af);
          --paper: light-dark(#ffffff, #14171a);
          --field: light-dark(#f6f7f8, #1d2126);
          --line: light-dark(#d0d5da, #3a4149);
          --blue: light-dark(#0b4fa8, #7db4ff);
          --on-blue: light-dark(#ffffff, #10202f);
          --red: light-dark(#a8201a, #ff9d96);
          --even: light-dark(#e3edf9, #22344a);
          --odd: light-dark(#fbf0dc, #43371f);
        }
        * { box-sizing: border-box; }
        body {
          margin: 0 auto; max-width: 60rem; padding: 0 1rem 3rem; color: var(--ink); background: var(--paper);
          font: 1rem/1.5 system-ui, sans-serif;
        }
        header { display: flex; flex-wrap: wrap; gap: .5rem 2rem; align-items: baseline; padding: 1rem 0; }
        h1 { font-size: 1.25rem; margin: 0; letter-spacing: .05em; }
        nav { display: flex; flex-wrap: wrap; gap: .25rem; }
        button, select, input, textarea { font: inherit; color: inherit; }
        nav button { border: 0; background: none; padding: .25rem .75rem; border-radius: 1rem; cursor: pointer; }
        nav button[aria-pressed=true] { background: var(--blue); color: var(--on-blue); }
        :focus-visible { outline: 2px solid var(--blue); outline-offset: 2px; }
        #settings { display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; margin-bottom: .75rem; }
        #settings label { display: flex; gap: .5rem; align-items: center; color: var(--quiet); }
        select, input, textarea {
          background: var(--field); border: 1px solid var(--line); border-radius: .375rem; padding: .375rem .5rem;
        }
        input[type=number] { width: 6rem; }
        #input-label { color: var(--quiet); }
        textarea { display: block; width: 100%; resize: vertical; margin-top: .25rem; }
        #hint { margin: .25rem 0 .75rem; color: var(--quiet); font-size: .875rem; }
        #run, #stop {
          border: 1px solid var(--blue); border-radius: .375rem; padding: .375rem 1.25rem; cursor: pointer;
        }
        #run { background: var(--blue); color: var(--on-blue); }
        #run:disabled { opacity: .5; cursor: default; }
        #stop { background: none; color: var(--blue); }
        #time { margin-left: .75rem; color: var(--quiet); font-size: .875rem; }
        #output { margin: 1.25rem 0; min-height: 3rem; overflow-wrap: anywhere; }
        #output .text { white-space: pre-wrap; font-size: 1.125rem; }
        #output .error { color: var(--red); }
        #output .note { color: var(--quiet); font-size: .875rem; }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; }
        th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
        td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
        .token { border-radius: .25rem; padding: .1rem .15rem; white-space: pre-wrap; }
        .token:nth-child(odd) { background: var(--odd); }
        .token:nth-child(even) { background: var(--even); }
        meter { width: 8rem; vertical-align: middle; }
        details { border-top: 1px solid var(--line); padding-top: .75rem; color: var(--quiet); }
        pre { overflow-x: auto; background: var(--field); padding: .75rem; border-radius: .375rem; color: var(--ink); }

        """
}
