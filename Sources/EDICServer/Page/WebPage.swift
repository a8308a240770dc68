/// The page at `/`, its style and its program. They are text in the binary, so that there is nothing to install beside it
/// and nothing is fetched from elsewhere.
enum WebPage {
    /// The file at a path, or nil if there is none.
    static func file(at path: String) -> HTTPResponse? {
        switch path {
        case "/": HTTPResponse(type: "text/html; charset=utf-8", Array(html.utf8))
        case "/page.css": HTTPResponse(type: "text/css; charset=utf-8", Array(style.utf8))
        case "/page.js": HTTPResponse(type: "text/javascript; charset=utf-8", Array(program.utf8))
        default: nil
        }
    }

    private static let html = """
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>EDIC</title>
        <link rel="icon" href="data:,">
        <link rel="stylesheet" href="page.css">
        <header>
          <h1>EDIC</h1>
          <nav id="tasks" aria-label="Tasks"></nav>
        </header>
        <main>
          <form id="form">
            <div id="settings"></div>
            <label for="input" id="input-label">Text</label>
            <textarea id="input" rows="8" spellcheck="false" autofocus></textarea>
            <p id="hint"></p>
            <button id="run" type="submit">Run</button>
            <button id="stop" type="button" hidden>Stop</button>
            <span id="time" role="status"></span>
          </form>
          <section id="output" aria-live="polite" aria-label="Result"></section>
          <details>
            <summary>The same with curl</summary>
            <pre id="curl"></pre>
          </details>
        </main>
        <noscript><p>This page needs JavaScript; the API at /v1 does not.</p></noscript>
        <script src="page.js"></script>
        </html>

        """
}
