/// The style sheet of the report: one column, light and dark after the reader's setting, nothing fetched.
let reportStyle = """
    :root{color-scheme:light dark;--ink:#1d2430;--soft:#5a6474;--line:#d6dae1;--page:#fff;--card:#f5f6f8;--bar:#2f5fa8;--bad:#a3341f}
    @media(prefers-color-scheme:dark){:root{--ink:#e7eaf0;--soft:#a2abba;--line:#3a4250;--page:#14181f;--card:#1e242e;\
    --bar:#7ea9ec;--bad:#f09a86}}
    *{box-sizing:border-box}
    body{margin:0 auto;padding:1.5rem clamp(1rem,4vw,3rem) 4rem;max-width:76rem;background:var(--page);color:var(--ink);\
    font:16px/1.5 system-ui,sans-serif}
    h1{font-size:1.7rem;line-height:1.2;margin:.2rem 0}
    h2{font-size:1.2rem;margin:2.4rem 0 .6rem;padding-top:.6rem;border-top:1px solid var(--line)}
    h3{font-size:1rem;margin:1.2rem 0 .3rem}
    p{max-width:46rem}
    code{font:.88em ui-monospace,monospace;overflow-wrap:anywhere}
    .note,figcaption .note{color:var(--soft);font-weight:normal}
    nav{display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;margin:1rem 0}
    a{color:var(--bar)}
    .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(10.5rem,42%),1fr));gap:.7rem;margin:1.2rem 0;padding:0}
    .tiles div{background:var(--card);border-radius:.5rem;padding:.6rem .9rem}
    .tiles dt{color:var(--soft);font-size:.85rem}
    .tiles dd{margin:0;font-size:1.35rem;font-variant-numeric:tabular-nums}
    .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:1rem 2.5rem}
    figure{margin:0}
    figcaption{font-weight:600;margin:.8rem 0 .3rem}
    table{border-collapse:collapse;font-variant-numeric:tabular-nums}
    .scroll{overflow-x:auto;max-width:100%;background:\
    linear-gradient(to left,var(--page) 40%,transparent) right/2.5rem 100% no-repeat local,\
    linear-gradient(to left,var(--line),transparent) right/.8rem 100% no-repeat scroll}
    .scroll tr>:first-child{position:sticky;left:0;background:var(--page)}
    .scroll td:last-child:not(.number){min-width:13rem}
    .scroll table{font-size:.92rem}
    th{text-align:left;font-weight:600;vertical-align:bottom}
    .scroll th,.scroll td{padding:.3rem 1.1rem .3rem 0;border-bottom:1px solid var(--line);vertical-align:top}
    .scroll thead th{color:var(--soft);font-weight:normal;vertical-align:bottom}
    .number{text-align:right!important;white-space:nowrap}
    .bars{width:100%}
    .bars th{font-weight:normal;padding:.1rem .6rem .1rem 0;white-space:nowrap;width:1%}
    .bars .bar{width:100%}
    .bars .figure{padding-left:.6rem;white-space:nowrap;text-align:right}
    svg{display:block;width:100%;height:.95rem}
    .filled{fill:var(--bar)}
    .outlined{fill:none;stroke:var(--bad);stroke-width:1.5;stroke-dasharray:4 3;vector-effect:non-scaling-stroke}
    .mark{stroke:var(--ink);stroke-width:1.5;vector-effect:non-scaling-stroke}
    .bad{color:var(--bad);font-weight:600}
    blockquote{margin:.3rem 0 .9rem;padding-left:.8rem;border-left:3px solid var(--line);overflow-wrap:anywhere}
    blockquote cite{display:block;font-style:normal;color:var(--soft);font-size:.88rem}
    ul{padding-left:1.2rem}
    @media print{nav{display:none}h2{break-after:avoid}}
    """
